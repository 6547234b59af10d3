package worker_test

import (
	"os"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/sql/warehouse"
)

func TestYardstick(t *testing.T) {
	l := newLake(t)
	u := l.define(t, "main.t.u", "", "id INT\nusage_context MAP<STRING,STRING>\nrequest_time TIMESTAMP\njs STRING\narr ARRAY<INT>\nn INT\nd DOUBLE")
	l.write(t, u, "lake", "", `[{"id":1,"usage_context":[{"key":"project","value":"p1"},{"key":"team","value":"t1"}],"request_time":"2026-11-19T10:11:12Z","js":"{\"a\":{\"b\":1},\"arr\":[1,2]}","arr":[1,2,3],"n":10,"d":2.0},
	{"id":2,"usage_context":[{"key":"team","value":"t2"}],"request_time":"2026-11-20T11:00:00Z","js":"{\"a\":{\"b\":2}}","arr":[4],"n":0,"d":0.0}]`)
	w := start(t, l, nil)
	b, _ := os.ReadFile("/work/shared/prototypes/duckdb/dialect_cases.sql")
	ok, n := 0, 0
	for _, q := range strings.Split(string(b), ";;")[1:] {
		q = strings.TrimSpace(q)
		if q == "" {
			continue
		}
		n++
		five := "5"
		r, err := w.Query(t.Context(), warehouse.Query{SQL: q, Allow: notOther, Catalog: "main", Schema: "t", Params: []warehouse.Param{{Name: "x", Value: &five, Type: "INT"}}})
		if err != nil {
			t.Logf("FAIL %s\n   %v", q, warehouse.ClassOf(err))
			t.Logf("   %v", err)
			continue
		}
		ok++
		if os.Getenv("V") != "" {
			t.Logf("ok %s => %s", q, text(r))
		}
	}
	t.Logf("%d of %d", ok, n)
}
