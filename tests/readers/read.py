"""Reads every Delta table below a folder with engines that are not ours, and prints what it found.

One JSON object a line: the table's folder, the engine, and figures by name. Numbers are exact:
integers, and decimals as text. The Go program that runs this one compares them with our own SQL.
"""

import decimal
import json
import os
import sys

import polars
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable


def tables(root):
    for folder, folders, _ in os.walk(root):
        if "_delta_log" in folders:
            yield folder
            folders.clear()


def text(value):
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    return None if value is None else str(value)


def figures(table):
    """Counts, distinct ids and sums of a table, whatever columns it has."""
    found = {"rows": str(table.num_rows)}
    for field in table.schema:
        column = table.column(field.name)
        found[f"count {field.name}"] = str(pc.count(column).as_py())
        if field.name in ("databricks_request_id", "served_entity_id"):
            found[f"distinct {field.name}"] = str(pc.count_distinct(column).as_py())
        if pa.types.is_integer(field.type) or pa.types.is_decimal(field.type):
            found[f"sum {field.name}"] = text(pc.sum(column).as_py())
        elif pa.types.is_string(field.type) or pa.types.is_large_string(field.type) or str(field.type) == "string_view":
            found[f"length {field.name}"] = text(pc.sum(pc.cast(pc.utf8_length(column.cast(pa.large_string())), pa.int64())).as_py())
        elif pa.types.is_map(field.type):
            found[f"team {field.name}"] = str(sum(1 for m in column.to_pylist() if m and dict(m).get("team") is not None))
    return found


def polars_figures(folder, names):
    """The same of what Polars finds, for columns of numbers."""
    frame = polars.scan_delta(folder)
    schema = frame.collect_schema()
    wanted = [polars.len().cast(polars.Int64).alias("rows")]
    for name, kind in schema.items():
        if kind.is_integer() or kind.is_decimal():
            wanted.append(polars.col(name).count().cast(polars.Int64).alias(f"count {name}"))
            wanted.append(polars.col(name).cast(polars.Decimal(38, 9) if kind.is_decimal() else polars.Int64).sum().alias(f"sum {name}"))
    got = frame.select(wanted).collect().row(0, named=True)
    # Polars adds nothing up to 0 where SQL says NULL.
    return {k: None if k.startswith("sum ") and got["count " + k[4:]] == 0 else text(v) for k, v in got.items() if k in names}


def main():
    root = sys.argv[1]
    for folder in tables(root):
        table = DeltaTable(folder)
        found = figures(table.to_pyarrow_table())
        found["version"] = str(table.version())
        found["files"] = str(len(table.file_uris()))
        name = os.path.relpath(folder, root)
        print(json.dumps({"table": name, "engine": "delta-rs", "figures": found}))
        print(json.dumps({"table": name, "engine": "polars", "figures": polars_figures(folder, found)}))


if __name__ == "__main__":
    main()
