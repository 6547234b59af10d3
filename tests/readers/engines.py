"""Engines that are not ours, asked over pipes: one JSON object a line in, one out.

{"do": "read", "engine": ..., "table": folder, "version": null, "columns": [[name, type], ...]} reads
every row and answers with their number, the sum of tokens, and a hash of all columns of all rows, in any
order. The other verbs write. An answer is {"ok": ...} or {"error": ...}. rows.go has the same canonical text.
"""

import datetime
import decimal
import hashlib
import json
import os
import struct
import sys
import time

os.environ["TZ"] = "UTC"
time.tzset()

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MICRO = datetime.timedelta(microseconds=1)


def canonical(kind, value):
    if value is None:
        return "~"
    if isinstance(kind, dict):
        if "decimal" in kind:
            return str(int(decimal.Decimal(value).scaleb(kind["decimal"], decimal.Context(prec=60))))
        if "list" in kind:
            return "[" + ",".join(canonical(kind["list"], v) for v in value) + "]"
        if "struct" in kind:
            if not isinstance(value, dict):
                value = value.asDict()
            return "(" + ",".join(canonical(k, value.get(n)) for n, k in kind["struct"]) + ")"
        key, item = kind["map"]
        if isinstance(value, dict):
            pairs = value.items()
        else:
            pairs = [(e["key"], e["value"]) if isinstance(e, dict) else e for e in value]
        return "{" + ",".join(canonical(key, k) + "=" + canonical(item, v) for k, v in sorted(pairs, key=lambda p: p[0].encode())) + "}"
    if kind == "STRING":
        return f"{len(value.encode())}:{value}"
    if kind == "DOUBLE":
        return struct.pack(">d", value).hex()
    if kind == "BOOLEAN":
        return "true" if value else "false"
    if kind == "TIMESTAMP":
        if value.tzinfo is None:
            value = value.replace(tzinfo=datetime.timezone.utc)
        return str((value - EPOCH) // MICRO)
    return str(value)


def digest(columns, rows):
    columns = sorted(columns, key=lambda c: c[0].encode())
    count, tokens, total = 0, 0, 0
    for row in rows:
        text = "|".join(f"{n}={canonical(k, row[n])}" for n, k in columns)
        total += int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        tokens += row["tokens"] or 0
        count += 1
    return {"rows": count, "tokens": tokens, "hash": str(total % 2**64)}


class Spark:
    """One JVM for the whole suite."""

    def __init__(self):
        self.session = None

    def start(self):
        if self.session:
            return self.session
        from delta import configure_spark_with_delta_pip
        from pyspark.sql import SparkSession

        builder = (
            SparkSession.builder.master("local[1]")
            .config("spark.driver.memory", "768m")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.databricks.delta.snapshotPartitions", "1")
            .config("spark.databricks.delta.retentionDurationCheck.enabled", "false")
            .config("spark.databricks.delta.stats.collect", "true")
            .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
            .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
            .config("spark.log.level", "ERROR")
        )
        self.session = configure_spark_with_delta_pip(builder).getOrCreate()
        return self.session

    def read(self, table, version):
        reader = self.start().read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        return (r.asDict() for r in reader.load(table).toLocalIterator())

    def sql(self, statements):
        for s in statements:
            self.start().sql(s).collect()


SPARK = Spark()


def arrow(table):
    for batch in table.to_batches(max_chunksize=1000):
        yield from batch.to_pylist()


def read(engine, table, version, options):
    if engine == "spark":
        return SPARK.read(table, version)
    if engine == "delta-rs":
        from deltalake import DeltaTable

        return arrow(DeltaTable(table, version=version, storage_options=options).to_pyarrow_table())
    if engine == "polars":
        import polars

        return polars.scan_delta(table, version=version, storage_options=options).collect().iter_rows(named=True)
    if engine == "duckdb":
        return duckdb_rows(table, version)
    raise ValueError(engine)


def duckdb_rows(table, version):
    con = DUCKDB.start()
    at = "" if version is None else f", version={version}"
    return arrow(con.sql(f"SELECT * FROM delta_scan('{table}'{at})").arrow().read_all())


class Duck:
    def __init__(self):
        self.con = None

    def start(self):
        if not self.con:
            import duckdb

            con = duckdb.connect()
            con.execute("SET TimeZone='UTC'")
            con.execute("INSTALL delta")
            con.execute("LOAD delta")
            self.con = con
        return self.con


DUCKDB = Duck()


def probe(engine):
    """Starts an engine, or fails saying why it can't be had."""
    if engine == "spark":
        return SPARK.start().version
    if engine == "duckdb":
        DUCKDB.start()
        import duckdb

        return duckdb.__version__
    module = __import__({"delta-rs": "deltalake", "polars": "polars"}[engine])
    return module.__version__


def delta_rs(op, table, options, args):
    """What delta-rs does to a table."""
    from deltalake import DeltaTable, write_deltalake

    t = DeltaTable(table, storage_options=options)
    if op == "optimize":
        return t.optimize.compact(max_concurrent_tasks=1)
    if op == "delete":
        return t.delete(args["where"])
    if op == "update":
        return t.update(updates=args["set"], predicate=args["where"])
    if op == "checkpoint":
        return t.create_checkpoint()
    if op == "vacuum":
        return t.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    if op == "add column":
        from deltalake import Field, PrimitiveType

        return t.alter.add_columns(Field(args["name"], PrimitiveType("long")))
    if op == "double":
        # Appends the rows that have the id, again, under other ids.
        import pyarrow as pa

        found = t.to_pyarrow_table(filters=[("databricks_request_id", "in", args["ids"])])
        i = found.schema.get_field_index("databricks_request_id")
        found = found.set_column(i, "databricks_request_id", pa.array([s + args["suffix"] for s in found.column(i).to_pylist()]))
        write_deltalake(table, found, mode="append", storage_options=options)
        return found.num_rows
    raise ValueError(op)


def answer(q):
    if q["do"] == "probe":
        return probe(q["engine"])
    if q["do"] == "read":
        return digest(q["columns"], read(q["engine"], q["table"], q.get("version"), q.get("options")))
    if q["do"] == "sql":
        return SPARK.sql(q["statements"])
    if q["do"] == "delta-rs":
        return delta_rs(q["op"], q["table"], q.get("options"), q.get("args") or {})
    raise ValueError(q["do"])


def main():
    out = os.fdopen(os.dup(1), "w")  # engines print to the other one
    os.dup2(2, 1)
    for line in sys.stdin:
        try:
            reply = {"ok": answer(json.loads(line))}
        except Exception as e:  # every engine has its own
            reply = {"error": f"{type(e).__name__}: {e}"}
        print(json.dumps(reply, default=str), file=out, flush=True)


if __name__ == "__main__":
    main()
