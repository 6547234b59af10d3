package dialect_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/sql/dialect"
)

func ptr(s string) *string { return &s }

// The token pass alone; what the whole stack makes of Databricks SQL is in sql/worker's testdata.
func TestRewrite(t *testing.T) {
	params := []dialect.Param{
		{Name: "p", Value: ptr("v")},
		{Name: "range.min", Value: ptr("1")},
		{Name: "range", Value: ptr("2")},
		{Name: "t", Value: ptr("a.`b c`.d")},
		{Name: "list", Multi: true},
	}
	for _, c := range []struct{ in, want string }{
		{"SELECT `a b`, `c``d`, \"x\"\"y\" FROM t", `SELECT "a b", "c` + "`" + `d", 'x"y' FROM t`},
		{`SELECT 'a\\b\n', r'a\n', 'a' 'b'`, "SELECT 'a\\b\n', 'a\\n', 'ab'"},
		{"SELECT :p, :range.min, :range.other, x[:p]", "SELECT $lgp0, $lgp1, $lgp2.other, x[$lgp3]"},
		{"SELECT a::int, {'k': 1}, b:c.d[0], f(x):y, m['k']:z", `SELECT a::int, { 'k': 1 }, json_extract_string(b, '$."c"."d"[0]'), json_extract_string(f(x), '$."y"'), json_extract_string(m['k'], '$."z"')`},
		{"SELECT array(1), array(SELECT 1), exists(a, x -> x), EXISTS (SELECT 1), some(a), x = ANY (SELECT 1)", "SELECT list_value(1), array(SELECT 1), lg_exists(a, x -> x), EXISTS(SELECT 1), lg_some(a), x = ANY (SELECT 1)"},
		{"SELECT int(a), CAST(b AS int), CAST(c AS timestamp), date(d)", "SELECT CAST(a AS INTEGER), CAST(b AS int), CAST(c AS timestamp), CAST(d AS DATE)"},
		{"SELECT CAST(a AS ARRAY<MAP<STRING,INT>>), b::STRUCT<x: INT>", `SELECT CAST(a AS MAP(VARCHAR, INTEGER)[]), b::STRUCT("x" INTEGER)`},
		{"SELECT a RLIKE 'x', b NOT RLIKE 'y', rlike(a, b), a DIV 2, a <=> b, a == b, !a", "SELECT a ~ 'x', b !~ 'y', rlike (a, b), a // 2, a IS NOT DISTINCT FROM b, a = b, NOT a"},
		{"SELECT * EXCEPT (a), t.* EXCEPT (b) FROM t EXCEPT SELECT 1", "SELECT * EXCLUDE (a), t.* EXCLUDE (b) FROM t EXCEPT SELECT 1"},
		{"SELECT struct(a AS x, b) FROM t LEFT SEMI JOIN u SORT BY 1", `SELECT struct("x" := a, b) FROM t SEMI JOIN u ORDER BY 1`},
		{"SELECT date_trunc(DAY, t), dateadd(hour, 1, t), date_trunc(day)", "SELECT date_trunc('day', t), dateadd('hour', 1, t), date_trunc(day)"},
		{"SELECT * FROM IDENTIFIER(:t), IDENTIFIER('x' || '.y')", `SELECT * FROM "a"."b c"."d", "x"."y"`},
		{"SELECT e FROM t LATERAL VIEW explode(a) AS e", `SELECT e FROM t cross join lateral (select unnest(a) as e) as "lateral_view"`},
		{"SELECT first_value(a, true) OVER (), first_value(a, false) OVER (), first(a, true)", "SELECT first_value(a IGNORE NULLS) OVER (), first_value(a) OVER (), first(a, true)"},
		{"SELECT 1 -- x\n/* y /* z */ */ + 2;", "SELECT 1 + 2"},
		{"SELECT 1L, 2.5BD, 1e-3, .5, t.1", "SELECT 1, 2.5, 1e-3, .5, t.1"},
	} {
		st, err := dialect.Rewrite(c.in, params)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if st.SQL != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.in, st.SQL, c.want)
		}
	}
}

func TestRewriteErrors(t *testing.T) {
	for _, c := range []struct {
		in, message  string
		line, column int
		refused      bool
	}{
		{"SELECT\n  'open", "string without end", 2, 3, false},
		{"SELECT `open", "identifier without closing backtick", 1, 8, false},
		{"SELECT ``", "empty identifier", 1, 8, false},
		{"SELECT /* open", "comment without end", 1, 8, false},
		{"SELECT é, :p", "parameter :p has no value", 1, 11, false},
		{"SELECT ?", "parameters are written :name, not ?", 1, 8, false},
		{"SELECT $1", "unexpected $: parameters are written :name", 1, 8, false},
		{"SELECT 1; SELECT 2", "only one statement at a time is allowed", 0, 0, true},
		{"", "the statement is empty", 0, 0, true},
		{" ; ;", "the statement is empty", 0, 0, true},
		{"SELECT 'a\x00'", "the statement contains a NUL character", 0, 0, true},
		{"SELECT '\xff'", "the statement is not valid UTF-8 text", 0, 0, true},
		{"drop table x", "only SELECT is allowed, not DROP: SQL here is read-only, one statement at a time", 0, 0, true},
		{"SELECT IDENTIFIER(a)", "IDENTIFIER takes a string, a parameter, or a concatenation of them", 1, 19, false},
		{"SHOW FUNCTIONS", "SHOW FUNCTIONS is not supported; SHOW TABLES, SCHEMAS, CATALOGS and COLUMNS are", 0, 0, false},
	} {
		_, err := dialect.Rewrite(c.in, nil)
		var e *dialect.Error
		if !errors.As(err, &e) {
			t.Errorf("%q: got %v", c.in, err)
			continue
		}
		if e.Message != c.message || e.Line != c.line || e.Column != c.column || e.Refused != c.refused {
			t.Errorf("%q: got %+v", c.in, e)
		}
	}
}

func TestCommands(t *testing.T) {
	for in, want := range map[string]dialect.Statement{
		"SHOW TABLES":                        {Kind: dialect.ShowTables},
		"SHOW TABLES IN a.`b c` LIKE 'x*'":   {Kind: dialect.ShowTables, Name: []string{"a", "b c"}, Like: "x*"},
		"show databases like 'x'":            {Kind: dialect.ShowSchemas, Like: "x"},
		"SHOW CATALOGS":                      {Kind: dialect.ShowCatalogs},
		"SHOW COLUMNS FROM t":                {Kind: dialect.ShowColumns, Name: []string{"t"}},
		"DESC t":                             {Kind: dialect.Describe, Name: []string{"t"}},
		"DESCRIBE TABLE EXTENDED a.b.c -- x": {Kind: dialect.Describe, Name: []string{"a", "b", "c"}},
	} {
		st, err := dialect.Rewrite(in, nil)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if st.Kind != want.Kind || strings.Join(st.Name, ".") != strings.Join(want.Name, ".") || st.Like != want.Like {
			t.Errorf("%s: got %+v", in, st)
		}
	}
}

func TestPlaceAndInsertAs(t *testing.T) {
	st, err := dialect.Rewrite("SELECT `sum` cost,\n  x value\nFROM t", nil)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(st.SQL, "value")
	if line, col := st.Place(at); line != 2 || col != 5 {
		t.Errorf("value is at %d:%d", line, col)
	}
	with, ok := st.InsertAs(at)
	if !ok || !strings.Contains(with.SQL, `x AS "value"`) {
		t.Errorf("got %v %s", ok, with.SQL)
	}
	if line, col := with.Place(strings.Index(with.SQL, "FROM")); line != 3 || col != 1 {
		t.Errorf("FROM is at %d:%d", line, col)
	}
	if _, ok := with.InsertAs(strings.Index(with.SQL, `"value"`)); ok {
		t.Error("a second AS was put in")
	}
	if _, ok := st.InsertAs(-1); ok {
		t.Error("AS was put before the text")
	}
}

func TestLabels(t *testing.T) {
	for in, want := range map[string]string{
		"SELECT a,  sum( b )  , 'x, y' FROM t":                   "a|sum( b )|'x, y'",
		"WITH q AS (SELECT 1, 2) SELECT DISTINCT f(a, b) FROM q": "f(a, b)",
		"(SELECT x + 1)":                        "x + 1",
		"SELECT * EXCEPT (a), b FROM t":         "* EXCEPT (a)|b",
		"SELECT 1 UNION SELECT 2":               "1",
		"SELECT (SELECT max(x) FROM t), t.from": "(SELECT max(x) FROM t)|t.from",
		"FROM t SELECT a + b":                   "a + b",
		"VALUES (1)":                            "",
	} {
		st, err := dialect.Rewrite(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(st.Labels, "|"); got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}

func TestParseType(t *testing.T) {
	for in, want := range map[string]string{
		"STRING": "VARCHAR", "decimal(10, 2)": "DECIMAL(10,2)", "DECIMAL": "DECIMAL(10,0)", "varchar(20)": "VARCHAR",
		"array<int>": "INTEGER[]", "MAP < STRING , ARRAY<DOUBLE> >": "MAP(VARCHAR, DOUBLE[])",
		"STRUCT<a: INT NOT NULL, `b c` STRING>": `STRUCT("a" INTEGER, "b c" VARCHAR)`,
		"a INT, b: STRUCT<Case: DATE>":          `STRUCT("a" INTEGER, "b" STRUCT("Case" DATE))`,
		"TIMESTAMP":                             "TIMESTAMP",
	} {
		ty, err := dialect.ParseType(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if ty.DuckDB() != want {
			t.Errorf("%s: got %s, want %s", in, ty.DuckDB(), want)
		}
	}
	for _, in := range []string{"", "nonsense", "ARRAY", "ARRAY<INT", "ARRAY<INT>>", "MAP<STRING>", "ARRAY<INT, INT>", "DECIMAL(40)", "DECIMAL(5,6)", "DECIMAL(x)", "STRUCT<>", "STRUCT<a>", "INT; DROP", "a INT,"} {
		if ty, err := dialect.ParseType(in); err == nil {
			t.Errorf("%q is taken for %s", in, ty.DuckDB())
		}
	}
}

// TestFunctionList checks that the allow-list holds nothing that reads settings, the catalog,
// files or the process, whatever else is added to it.
func TestFunctionList(t *testing.T) {
	for _, f := range strings.Fields(`getvariable current_setting current_query current_schemas getenv write_log pg_sleep sleep_ms nextval
		currval setseed txid_current version query query_table read_text read_blob read_csv read_json read_parquet parquet_scan glob
		json_serialize_sql json_deserialize_sql json_execute_serialized_sql json_serialize_plan duckdb_settings pragma_version
		in_search_path create_sort_key enum_range lg_ai_query lg_ai_try ai_query`) {
		if _, ok := dialect.LookupFunction(f); ok {
			t.Errorf("%s may be called", f)
		}
		if _, ok := dialect.LookupTableFunction(f); ok {
			t.Errorf("%s may be used as a table", f)
		}
	}
	for _, n := range dialect.Names() {
		if strings.HasPrefix(n, "__") || strings.HasPrefix(n, "read_") || strings.HasPrefix(n, "duckdb_") || strings.HasPrefix(n, "pragma_") {
			t.Errorf("%s is in the list", n)
		}
	}
}

func TestMacros(t *testing.T) {
	for _, m := range dialect.Macros() {
		if !strings.HasPrefix(m, "create macro lg_") {
			t.Errorf("not a macro of ours: %s", m)
		}
	}
}

func FuzzRewrite(f *testing.F) {
	for _, s := range []string{"SELECT a:b[0].c, :p FROM `t` LATERAL VIEW explode(x) AS y", "SELECT IDENTIFIER(:p), int(", "SELECT 'a\\", "x:", "SELECT struct(a AS b", "SELECT $$x$$, X'0", "LATERAL VIEW", "SELECT CAST(a AS ARRAY<", "a)]}:b", "SELECT first_value(a, true) over"} {
		f.Add(s)
	}
	params := []dialect.Param{{Name: "p", Value: ptr("a.b")}}
	f.Fuzz(func(t *testing.T, s string) {
		st, err := dialect.Rewrite(s, params)
		if err != nil {
			var e *dialect.Error
			if !errors.As(err, &e) {
				t.Fatalf("not an *Error: %v", err)
			}
			return
		}
		for i := range min(len(st.SQL)+1, 500) {
			st.Place(i)
			st.InsertAs(i)
		}
	})
}
