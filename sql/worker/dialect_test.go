package worker_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/sql/warehouse"
)

var update = flag.Bool("update", false, "rewrite the expectations in testdata")

// TestDialect runs testdata/dialect.txt through a real worker.
func TestDialect(t *testing.T) {
	l := newLake(t)
	u := l.define(t, "main.t.u", "", "id INT\nusage_context MAP<STRING,STRING>\nrequest_time TIMESTAMP\njs STRING\narr ARRAY<INT>\nn INT\nd DOUBLE")
	l.write(t, u, "lake", "", `[{"id":1,"usage_context":[{"key":"project","value":"p1"},{"key":"team","value":"t1"}],"request_time":"2026-11-19T10:11:12Z","js":"{\"a\":{\"b\":1},\"arr\":[1,2]}","arr":[1,2,3],"n":10,"d":2.0},
		{"id":2,"usage_context":[{"key":"team","value":"t2"}],"request_time":"2026-11-20T11:00:00Z","js":"{\"a\":{\"b\":2}}","arr":[4],"n":0,"d":0.0}]`)
	w := start(t, l, nil)
	const file = "testdata/dialect.txt"
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for block := range strings.SplitSeq(strings.TrimSpace(string(b)), "\n\n") {
		sql, want := splitBlock(block)
		if sql == "" {
			out = append(out, block)
			continue
		}
		got := runBlock(t, w, sql)
		if got != want && !*update {
			t.Errorf("%s\n got: %s\nwant: %s", sql, got, want)
		}
		out = append(out, sql+"\n"+strings.TrimSuffix(got, "\n"))
	}
	if *update {
		if err := os.WriteFile(file, []byte(strings.Join(out, "\n\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// splitBlock parts a statement from its expectations; a block of comments has no statement.
func splitBlock(block string) (sql, want string) {
	var lines []string
	for line := range strings.SplitSeq(block, "\n") {
		switch {
		case strings.HasPrefix(line, "=>") || strings.HasPrefix(line, "=!"):
			want += line + "\n"
		case strings.HasPrefix(line, "#"):
		default:
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n"), want
}

func runBlock(t *testing.T, w *warehouse.Warehouse, sql string) string {
	t.Helper()
	r, err := w.Query(t.Context(), warehouse.Query{
		SQL: sql, Allow: notOther, Catalog: "main", Schema: "t", Params: blockParams,
		Principal: inference.Principal{Name: "alice@example.com", Groups: []string{"analysts"}},
	})
	if err != nil {
		var e *apierr.Error
		if !errors.As(err, &e) {
			t.Fatalf("%s: not an *apierr.Error: %v", sql, err)
		}
		return fmt.Sprintf("=! %s: %s\n", warehouse.ClassOf(err), e.Message)
	}
	s := ""
	for line := range strings.SplitSeq(strings.TrimSuffix(text(r), "\n"), "\n") {
		if len(r.Rows) > 0 {
			s += "=> " + line + "\n"
		}
	}
	if s == "" {
		s = "=> (no rows)\n"
	}
	return s
}

func ptr(s string) *string { return &s }

var blockParams = []warehouse.Param{
	{Name: "x", Type: "INT", Value: ptr("5")},
	{Name: "one", Type: "INT", Value: ptr("1")},
	{Name: "name", Value: ptr("it's")},
	{Name: "day", Type: "DATE", Value: ptr("2026-11-20")},
	{Name: "missing", Type: "DATE"},
	{Name: "flag", Type: "BOOLEAN", Value: ptr("true")},
	{Name: "price", Type: "DECIMAL(10,2)", Value: ptr("1.50")},
	{Name: "many", Multi: true, Values: []string{"a", "b"}},
	{Name: "range.min", Type: "DATE", Value: ptr("2026-11-20")},
	{Name: "range.max", Type: "DATE", Value: ptr("2026-11-21")},
	{Name: "tag", Value: ptr("team")},
	{Name: "table", Value: ptr("`main`.t.u")},
	{Name: "short", Value: ptr("u")},
}
