package lvdash

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the expected outputs in testdata")

func itoa(n int) string { return strconv.Itoa(n) }

// goldenInputs is what the viewer of the golden dashboards chose.
func goldenInputs() Inputs {
	s := func(v string) *string { return &v }
	return Inputs{
		Now:    time.Date(2026, 11, 20, 15, 4, 5, 0, time.UTC),
		Values: map[string]string{"catalog": "main"},
		Chosen: map[string]Selection{
			"chosen_team":  {Values: []*string{s("search"), s("o'neil"), nil}},
			"chosen_day":   {Values: []*string{s("2026-11-01")}},
			"chosen_range": {Min: "now-6d/d", Max: "now/d"},
			"chosen_cost":  {Min: "0.5"},
			"chosen_text":  {Text: "50%"},
			"chosen_many":  {Values: []*string{s("a"), s("b")}},
		},
	}
}

// TestGolden compiles every widget of testdata/*.lvdash.json and compares what comes out.
func TestGolden(t *testing.T) {
	names, _ := filepath.Glob("testdata/*.lvdash.json")
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			d, err := Parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			got := describe(t, d)
			golden := strings.TrimSuffix(name, ".lvdash.json") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("differs from %s (rewrite it with -update):\n%s", golden, diff)
			}
		})
	}
}

func describe(t *testing.T, d *Dashboard) string {
	t.Helper()
	var b strings.Builder
	for _, p := range d.Pages {
		fmt.Fprintf(&b, "##### page %s\n", p.Name)
		for _, it := range p.Items {
			w := it.Widget
			view, err := json.MarshalIndent(w.View, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "\n=== %s (%s) at %d,%d %dx%d\n%s\n", w.ID, w.View.kind(), it.X, it.Y, it.W, it.H, view)
			st, err := d.Compile(w, goldenInputs())
			switch {
			case errors.Is(err, ErrNoQuery):
				continue
			case err != nil:
				fmt.Fprintf(&b, "--- error\n%v\n", err)
				continue
			}
			fmt.Fprintf(&b, "--- sql\n%s\n", st.SQL)
			for _, p := range st.Params {
				fmt.Fprintf(&b, "--- :%s %s = %q\n", p.Name, p.Type, p.Value)
			}
			if st.Columns != nil {
				fmt.Fprintf(&b, "--- keeps %q\n", st.Columns)
			}
			if st.Catalog != "" || st.Schema != "" {
				fmt.Fprintf(&b, "--- in %s.%s\n", st.Catalog, st.Schema)
			}
		}
	}
	return b.String()
}
