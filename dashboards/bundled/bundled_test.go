package bundled

import (
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/dashboards/lvdash"
)

// all parses every bundled file.
func all(t *testing.T, do func(t *testing.T, f File, d *lvdash.Dashboard)) {
	for _, f := range Files() {
		t.Run(f.ID, func(t *testing.T) {
			d, err := lvdash.Parse(f.JSON)
			if err != nil {
				t.Fatal(err)
			}
			do(t, f, d)
		})
	}
}

func TestEveryWidgetCompiles(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	all(t, func(t *testing.T, _ File, d *lvdash.Dashboard) {
		if len(d.Notes) > 0 {
			t.Errorf("notes: %v", d.Notes)
		}
		for _, p := range d.Pages {
			for _, it := range p.Items {
				if it.Widget.View.Badge != "" {
					t.Errorf("%s: %s", it.Widget.ID, it.Widget.View.Badge)
				}
				if _, err := d.Compile(it.Widget, lvdash.Inputs{Now: now}); err != nil && !errors.Is(err, lvdash.ErrNoQuery) {
					t.Errorf("%s: %v", it.Widget.ID, err)
				}
			}
		}
	})
}

func TestOnlyTablesThatLakegateHas(t *testing.T) {
	have := map[string]bool{
		"system.serving.endpoint_usage": true, "system.serving.served_entities": true,
		"system.ai_gateway.usage": true, "system.ai_gateway.external_model_spend": true,
		"system.serving.comparisons": true, "system.serving.comparison_results": true, "system.serving.comparison_results_over_time": true,
	}
	all(t, func(t *testing.T, _ File, d *lvdash.Dashboard) {
		if r := lvdash.Check(d, nil, func(n string) bool { return have[n] }); len(r.Missing) > 0 {
			t.Errorf("it reads %v", r.Missing)
		}
	})
}

func TestGridHasNoOverlap(t *testing.T) {
	all(t, func(t *testing.T, _ File, d *lvdash.Dashboard) {
		for _, p := range d.Pages {
			taken := map[[2]int]string{}
			for _, it := range p.Items {
				for x := it.X; x < it.X+it.W; x++ {
					for y := it.Y; y < it.Y+it.H; y++ {
						if other := taken[[2]int{x, y}]; other != "" {
							t.Fatalf("page %s: %s lies over %s", p.Name, it.Widget.Name, other)
						}
						taken[[2]int{x, y}] = it.Widget.Name
					}
				}
			}
		}
	})
}

// Databricks shows nothing for an encoding whose field its query lacks.
func TestEncodingsNameFieldsOfTheirQuery(t *testing.T) {
	type fields = []struct{ Name, Expression string }
	type file struct {
		Datasets []struct{ QueryLines []string }
		Pages    []struct {
			LayoutVersion string
			Layout        []struct {
				Widget struct {
					Name    string
					Queries []struct {
						Name  string
						Query struct {
							Fields     fields
							Parameters []struct{ Name string }
						}
					}
					Spec json.RawMessage
				}
			}
		}
	}
	named := regexp.MustCompile(`"(?:fieldName|parameterName)":\s*"((?:[^"\\]|\\.)*)"`)
	for _, f := range Files() {
		var in file
		if err := json.Unmarshal(f.JSON, &in); err != nil {
			t.Fatal(err)
		}
		names := map[string]bool{}
		for _, p := range in.Pages {
			if p.LayoutVersion != "GRID_V1" {
				t.Errorf("a page has layoutVersion %q", p.LayoutVersion)
			}
			for _, it := range p.Layout {
				w := it.Widget
				if names[w.Name] || len(w.Name) > 60 {
					t.Errorf("widget name %q is used twice or too long", w.Name)
				}
				names[w.Name] = true
				have := map[string]bool{}
				for _, q := range w.Queries {
					for _, x := range q.Query.Fields {
						have[x.Name] = true
					}
					for _, x := range q.Query.Parameters {
						have[x.Name] = true
					}
				}
				for _, m := range named.FindAllStringSubmatch(string(w.Spec), -1) {
					if !have[m[1]] {
						t.Errorf("%s: the encoding %q is no field of its query", w.Name, m[1])
					}
				}
			}
		}
		for _, ds := range in.Datasets {
			for i, l := range ds.QueryLines {
				if i < len(ds.QueryLines)-1 && !strings.HasSuffix(l, "\n") || strings.Count(l, "\n") > 1 {
					t.Errorf("query line %q is not one line", l)
				}
			}
		}
	}
}

// Functions that Databricks and lakegate's dialect both have, with one meaning.
func TestDatasetsUseTheCommonDialect(t *testing.T) {
	safe := map[string]bool{}
	for _, f := range strings.Fields(`COALESCE CAST NULLIF SUM COUNT row_number array_size dayofweek hour regexp_extract
		date_add datediff explode filter map_keys current_date CONCAT CEIL OVER AS IN INT AND`) {
		safe[f] = true
	}
	call := regexp.MustCompile(`([A-Za-z_]+)\s*\(`)
	all(t, func(t *testing.T, _ File, d *lvdash.Dashboard) {
		for _, ds := range d.Datasets {
			for _, m := range call.FindAllStringSubmatch(ds.SQL, -1) {
				if !safe[m[1]] {
					t.Errorf("dataset %s uses %s", ds.Name, m[1])
				}
			}
		}
	})
}

func TestFilesAreCanonical(t *testing.T) {
	for _, f := range Files() {
		onDisk, err := os.ReadFile(f.ID + ".lvdash.json")
		if err != nil {
			t.Fatal(err)
		}
		d, err := lvdash.Parse(f.JSON)
		if err != nil {
			t.Fatal(err)
		}
		if string(d.Original()) != string(onDisk) {
			t.Errorf("%s: the export differs from the file", f.ID)
		}
		for i, line := range strings.Split(strings.TrimSuffix(string(onDisk), "\n"), "\n") {
			indent := len(line) - len(strings.TrimLeft(line, " "))
			if indent%2 != 0 || strings.HasSuffix(line, " ") || strings.Contains(line, "\t") {
				t.Fatalf("%s line %d is not indented by two spaces a level: %q", f.ID, i+1, line)
			}
		}
	}
}
