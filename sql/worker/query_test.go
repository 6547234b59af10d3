package worker_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/lakegate/lakegate/sql/views"
	"github.com/lakegate/lakegate/sql/warehouse"
)

func TestColumns(t *testing.T) {
	w := start(t, newLake(t), nil)
	r, err := ask(w, `SELECT count(*), sum(input_token_count) AS s, max(request_time), any_value(usage_context), usage_context['team'],
		cost * 2, CAST(1 AS SMALLINT) tiny, request_date, status_code, request_streaming, avg(latency_ms), collect_list(attempts), NULL AS n, X'00' AS b, INTERVAL 1 DAY AS i
		FROM system.serving.endpoint_usage GROUP BY ALL LIMIT 1`)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range r.Columns {
		got = append(got, c.Name+" "+c.TypeName+" "+c.TypeText)
	}
	want := `count(*) LONG BIGINT
s LONG BIGINT
max(request_time) TIMESTAMP TIMESTAMP
any_value(usage_context) MAP MAP<STRING,STRING>
usage_context['team'] STRING STRING
cost * 2 DECIMAL DECIMAL(18,9)
tiny SHORT SMALLINT
request_date DATE DATE
status_code INT INT
request_streaming BOOLEAN BOOLEAN
avg(latency_ms) DOUBLE DOUBLE
collect_list(attempts) ARRAY ARRAY<ARRAY<STRUCT<action: STRING, served_entity: STRING, provider: STRING, model: STRING, status_code: INT, latency_ms: BIGINT, error: STRING>>>
n INT INT
b BINARY BINARY
i INTERVAL INTERVAL`
	if s := strings.Join(got, "\n"); s != want {
		t.Errorf("got\n%s\nwant\n%s", s, want)
	}
}

// TestViewColumns holds every view's query to the columns its file declares.
func TestViewColumns(t *testing.T) {
	w := start(t, comparisonLake(t, verdicts("one", "c")), nil)
	for _, v := range views.All() {
		r, err := ask(w, "SELECT * FROM "+v.Schema.Name.String())
		if err != nil {
			t.Errorf("%s: %v", v.Schema.Name, err)
			continue
		}
		var got, want []string
		for _, c := range r.Columns {
			got = append(got, c.Name+" "+c.TypeText)
		}
		for _, c := range v.Schema.Columns {
			want = append(want, c.Name+" "+c.Type.SQL())
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s gives\n%s\nand declares\n%s", v.Schema.Name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func TestLimits(t *testing.T) {
	w := start(t, newLake(t), func(c *warehouse.Config) { c.MaxRows, c.MaxBytes = 1000, 64<<10 })
	for _, c := range []struct {
		name       string
		sql        string
		rows, size int
		want       int
		truncated  bool
	}{
		{"below the limit", "SELECT * FROM range(10)", 10, 0, 10, false},
		{"above the limit", "SELECT * FROM range(11)", 10, 0, 10, true},
		{"above the warehouse's limit", "SELECT * FROM range(5000)", 0, 0, 1000, true},
		{"its own limit is lower", "SELECT * FROM range(100) LIMIT 3", 10, 0, 3, false},
		{"its own limit is higher", "SELECT * FROM range(100) LIMIT 50", 10, 0, 10, true},
		{"its own limit is computed", "SELECT * FROM range(100) LIMIT (SELECT 50)", 10, 0, 10, true},
		{"a percentage", "SELECT * FROM range(100) LIMIT 50 PERCENT", 10, 0, 10, true},
		{"only an offset", "SELECT * FROM range(100) OFFSET 95", 10, 0, 5, false},
		{"a union", "SELECT * FROM range(8) UNION ALL SELECT * FROM range(8)", 10, 0, 10, true},
		{"too many bytes", "SELECT repeat('x', 1000) FROM range(100)", 0, 10_100, 10, true},
		{"one row of too many bytes", "SELECT repeat('x', 100000)", 0, 0, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := w.Query(t.Context(), warehouse.Query{SQL: c.sql, Allow: notOther, RowLimit: c.rows, ByteLimit: c.size})
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Rows) != c.want || r.Truncated != c.truncated {
				t.Errorf("%d rows, truncated %v; want %d, %v", len(r.Rows), r.Truncated, c.want, c.truncated)
			}
		})
	}
}

// TestFiles reads tables whose files differ: columns added later, partitions in the path, beside
// it, or missing.
func TestFiles(t *testing.T) {
	l := newLake(t)
	old := l.define(t, "main.t.grown", "d", "id INT\nd DATE\nnested STRUCT<a: INT>")
	l.write(t, old, "lake", "2026-11-01", `[{"id":1,"nested":{"a":1}}]`)
	l.tables = l.tables[:len(l.tables)-1]
	grown := l.define(t, "main.t.grown", "d", "id INT\nd DATE\nnested STRUCT<a: INT, b: STRING>\nlater STRING\nat TIMESTAMP")
	l.write(t, grown, "lake", "2026-11-02", `[{"id":2,"nested":{"a":2,"b":"x"},"later":"new","at":"2026-11-02T01:02:03Z"}]`)
	l.write(t, grown, "hot", "2026-11-03", `[{"id":3,"later":"hot","at":"2026-11-03T00:00:00.000001Z"}]`)
	l.files["main.t.grown"][2].Partition = nil
	l.write(t, grown, "hot", "2026-11-04", `[{"id":4}]`)
	w := start(t, l, nil)
	for sql, want := range map[string]string{
		"SELECT * FROM main.t.grown ORDER BY id": `1|2026-11-01|{"a":1,"b":null}|NULL|NULL
2|2026-11-02|{"a":2,"b":"x"}|new|2026-11-02T01:02:03.000Z
3|NULL|NULL|hot|2026-11-03T00:00:00.000001Z
4|2026-11-04|NULL|NULL|NULL
`,
		"SELECT count(*), count(later) FROM main.t.grown":                                                "4|2\n",
		"SELECT d FROM main.t.grown WHERE d >= '2026-11-02' ORDER BY d":                                  "2026-11-02\n2026-11-04\n",
		"SELECT nested.b FROM main.t.grown WHERE id = 2":                                                 "x\n",
		"SELECT count(*) FROM main.t.grown a NATURAL JOIN main.t.grown b":                                "1\n",
		"SELECT g.x FROM main.t.grown AS g(x) ORDER BY 1 LIMIT 1":                                        "1\n",
		"SELECT count(*) FROM main.t.grown a JOIN main.t.grown b USING (id)":                             "4\n",
		"SELECT count(g) FROM main.t.grown g":                                                            "4\n",
		"SELECT #1 FROM main.t.grown ORDER BY 1 LIMIT 1":                                                 "1\n",
		"SELECT count(*) FROM main.logs.empty_payload":                                                   "0\n",
		"SELECT max(request_time) FROM main.logs.empty_payload":                                          "NULL\n",
		"SELECT count(*) FROM main.t.grown TABLESAMPLE (100 PERCENT)":                                    "4\n",
		"SELECT (SELECT max(b.id) FROM main.t.grown b WHERE b.d = a.d) FROM main.t.grown a WHERE id = 2": "2\n",
	} {
		r, err := ask(w, sql)
		if err != nil {
			t.Errorf("%s: %v", sql, err)
			continue
		}
		if got := text(r); got != want {
			t.Errorf("%s\n got %q\nwant %q", sql, got, want)
		}
	}
}

// TestGrants checks who may read views: whoever may read the view, or what is under it.
func TestGrants(t *testing.T) {
	w := start(t, newLake(t), nil)
	run := func(sql string, allowed ...string) error {
		_, err := w.Query(t.Context(), warehouse.Query{SQL: sql, Allow: func(table string) bool {
			for _, a := range allowed {
				if a == table {
					return true
				}
			}
			return false
		}})
		return err
	}
	const view, base = "system.ai_gateway.usage", "system.serving.endpoint_usage"
	if err := run("SELECT count(*) FROM "+view, view); err != nil {
		t.Errorf("the view, allowed: %v", err)
	}
	if err := run("SELECT count(*) FROM "+base, view); warehouse.ClassOf(err) != "not_found" {
		t.Errorf("the table, with only the view allowed: %v", err)
	}
	if err := run("SELECT count(*) FROM "+view, base); err != nil {
		t.Errorf("the view, with its table allowed: %v", err)
	}
	err := run("SELECT count(*) FROM "+view, "main.logs.empty_payload")
	if warehouse.ClassOf(err) != "not_found" || !strings.Contains(err.Error(), "you can read: main.logs.empty_payload") {
		t.Errorf("the view, with neither: %v", err)
	}
	unknown := run("SELECT * FROM other.logs.nothing", base)
	forbidden := run("SELECT * FROM other.logs.payload", base)
	if a, b := unknown.Error(), strings.ReplaceAll(forbidden.Error(), "payload", "nothing"); a != b {
		t.Errorf("a table that is not there: %s\na forbidden one: %s", a, b)
	}
	if err := run("SELECT 1"); err != nil {
		t.Errorf("no table at all: %v", err)
	}
	if _, err := w.Query(t.Context(), warehouse.Query{SQL: "SELECT * FROM " + base}); warehouse.ClassOf(err) != "not_found" {
		t.Errorf("without Allow: %v", err)
	}
}

// TestFreshness adds files while queries run: each query counts whole files, never fewer than were
// there when it began, and sees the same twice.
func TestFreshness(t *testing.T) {
	l := newLake(t)
	table := l.define(t, "main.t.fresh", "d", "id INT\nd DATE")
	data := encode(t, table, `[{"id":1},{"id":2},{"id":3}]`)
	w := start(t, l, func(c *warehouse.Config) { c.Workers = 2 })
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 200 {
			l.add(t, table, "hot", "2026-11-01", data)
		}
	})
	for range 30 {
		l.mu.Lock()
		least := 3 * len(l.files["main.t.fresh"])
		l.mu.Unlock()
		r, err := ask(w, "SELECT count(*), (SELECT count(*) FROM main.t.fresh) FROM main.t.fresh")
		if err != nil {
			t.Fatal(err)
		}
		var a, b int
		if _, err := fmt.Sscanf(text(r), "%d|%d", &a, &b); err != nil {
			t.Fatal(err)
		}
		if a != b || a%3 != 0 || a < least {
			t.Errorf("counted %d and %d, at least %d were there", a, b, least)
		}
	}
	wg.Wait()
}

// TestNothingStays checks that a query leaves nothing behind for the next in the same worker.
func TestNothingStays(t *testing.T) {
	w := start(t, newLake(t), nil)
	if _, err := ask(w, "SELECT count(*) FROM system.serving.endpoint_usage"); err != nil {
		t.Fatal(err)
	}
	_, err := w.Query(t.Context(), warehouse.Query{SQL: "SELECT * FROM system.serving.endpoint_usage", Allow: func(string) bool { return false }})
	if warehouse.ClassOf(err) != "not_found" {
		t.Errorf("after somebody else's query: %v", err)
	}
}

// TestRecycle checks that a worker is replaced after its share of queries.
func TestRecycle(t *testing.T) {
	w := start(t, newLake(t), func(c *warehouse.Config) { c.RecycleAfter = 2 })
	for range 5 {
		if _, err := ask(w, "SELECT 1"); err != nil {
			t.Fatal(err)
		}
	}
	if s := w.Stats(); s.Started < 3 {
		t.Errorf("%d workers were started for 5 queries of at most 2 each", s.Started)
	}
}

// TestWideTable reads a table of many columns and many files through one query.
func TestWideTable(t *testing.T) {
	l := newLake(t)
	var cols []string
	for i := range 200 {
		cols = append(cols, fmt.Sprintf("c%d STRING", i))
	}
	table := l.define(t, "main.t.wide", "", strings.Join(cols, "\n"))
	data := encode(t, table, `[{"c0":"a","c199":"z"}]`)
	for range 150 {
		l.add(t, table, "hot", "", data)
	}
	w := start(t, l, nil)
	r, err := ask(w, "SELECT count(*), min(c199), count(c7) FROM main.t.wide")
	if err != nil {
		t.Fatal(err)
	}
	if got := text(r); got != "150|z|0\n" {
		t.Errorf("got %q", got)
	}
}
