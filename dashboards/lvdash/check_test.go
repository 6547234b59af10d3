package lvdash

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func load(t *testing.T, name string) *Dashboard {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestCheckReportsWhatBecomesOfAFile(t *testing.T) {
	known := func(table string) bool { return strings.HasPrefix(table, "main.shop.") }
	r := Check(load(t, "filters.lvdash.json"), map[string]string{"catalog": "main"}, known)
	if diff := cmp.Diff([]string{"schema"}, r.Placeholders); diff != "" {
		t.Errorf("placeholders: %s", diff)
	}
	if diff := cmp.Diff([]string{"${schema}.t", "main.shop.sales", "main.shop.t", "t"}, r.Tables); diff != "" {
		t.Errorf("tables: %s", diff)
	}
	if diff := cmp.Diff([]string{"t"}, r.Missing); diff != "" {
		t.Errorf("missing: %s", diff)
	}
	if n := r.Count(BrokenState); n != 7 {
		t.Errorf("%d broken widgets, want 7: %+v", n, r.Widgets)
	}
	var b strings.Builder
	if err := r.Print(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"3 pages, 24 widgets: 17 drawn, 0 shown as a table, 7 broken",
		":time_range range DATE", "broken: its query holds more than one statement",
		"its query uses :nope, which it does not declare",
		"placeholders that need a value: schema", "tables that are not here:",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the report does not say %q:\n%s", want, b.String())
		}
	}
}

func TestCheckNamesWhatIsNotDrawn(t *testing.T) {
	r := Check(load(t, "charts.lvdash.json"), nil, nil)
	var tables []string
	for _, w := range r.Widgets {
		if w.State == AsTable {
			tables = append(tables, w.Widget+": "+w.Detail)
		}
	}
	want := []string{
		"funnel: chart type funnel is not drawn yet: shown as a table",
		"Old: charts of the 2023 preview format are not drawn yet: shown as a table",
	}
	if diff := cmp.Diff(want, tables); diff != "" {
		t.Error(diff)
	}
	for _, d := range r.Datasets {
		if d.Name == "Ordered" {
			if diff := cmp.Diff([]string{"SET ansi_mode = true"}, d.Dropped); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{"main.shop.sales"}, d.Tables); diff != "" {
				t.Error(diff)
			}
		}
	}
}

func TestTables(t *testing.T) {
	for _, tc := range []struct {
		sql  string
		want []string
	}{
		{"SELECT * FROM a.b.c JOIN `d e`.f g ON 1=1", []string{"a.b.c", "d e.f"}},
		{"WITH x AS (SELECT 1), y AS (SELECT * FROM x) SELECT * FROM y, z", []string(nil)},
		{"SELECT EXTRACT(DAY FROM ts) FROM t", []string{"t"}},
		{"SELECT 'FROM q' -- FROM r\nFROM s", []string{"s"}},
		{"SELECT * FROM (SELECT * FROM t) u", []string{"t"}},
		{"SELECT * FROM VALUES (1)", []string(nil)},
		{"SELECT * FROM t JOIN T", []string{"t"}},
	} {
		if diff := cmp.Diff(tc.want, tables(lex(tc.sql))); diff != "" {
			t.Errorf("%s: %s", tc.sql, diff)
		}
	}
}
