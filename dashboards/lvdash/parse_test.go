package lvdash

import (
	"errors"
	"strings"
	"testing"
)

func TestBrokenFiles(t *testing.T) {
	page := func(widget string) string {
		return `{"datasets":[{"name":"d","query":"SELECT 1"}],"pages":[{"name":"p","layout":[` + widget + `]}]}`
	}
	for _, tc := range []struct{ name, in, want string }{
		{"empty", ``, "line 1: not JSON: the text ends in the middle"},
		{"cut off", "{\n \"pages\": [", "line 2: not JSON: the text ends in the middle"},
		{"syntax", "{\n \"pages\": [}\n}", "line 2: not JSON"},
		{"more text", `{"pages":[]} {}`, "more text after the end"},
		{"not an object", `[]`, "expected an object, found a list"},
		{"null", `null`, "expected an object, found null"},
		{"something else", `{"a":1}`, `neither "datasets" nor "pages"`},
		{"not UTF-8", "{\"pages\":[\"\xff\"]}", "not UTF-8"},
		{"too deep", `{"pages":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`, "levels deep"},
		{"pages", `{"pages":{}}`, "pages: expected a list, found an object"},
		{"page", "{\n\"pages\":[7]}", "line 2: pages[0]: expected an object, found a number"},
		{"page name", `{"pages":[{}]}`, "pages[0].name: is missing"},
		{"dataset name", `{"datasets":[{"query":"SELECT 1"}]}`, "datasets[0].name: is missing"},
		{"dataset twice", `{"datasets":[{"name":"d"},{"name":"d"}]}`, `datasets[1].name: a dataset called "d" is there already`},
		{"parameter type", `{"datasets":[{"name":"d","parameters":[{"keyword":"p","dataType":"BLOB"}]}]}`, `datasets[0].parameters[0].dataType: unknown data type "BLOB"`},
		{"parameter shape", `{"datasets":[{"name":"d","parameters":[{"keyword":"p","complexType":"CUBE"}]}]}`, `unknown parameter shape "CUBE"`},
		{"position", page(`{"position":{"x":"left"},"widget":{"name":"w"}}`), `pages[0].layout[0].position.x: expected a number, found "left"`},
		{"several", `{"datasets":[{},{},{},{}]}`, "and 1 more"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Parse([]byte(tc.in))
			var faults Faults
			if !errors.As(err, &faults) {
				t.Fatalf("got %v, want Faults", err)
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got  %s\nwant %s", err, tc.want)
			}
		})
	}
}

func TestBrokenWidgetsBreakOnlyThemselves(t *testing.T) {
	good := `{"position":{"x":0,"y":9,"width":6,"height":2},"widget":{"name":"good","queries":[{"name":"main_query","query":{"datasetName":"d","fields":[{"name":"n","expression":"` + "`n`" + `"}]}}],"spec":{"widgetType":"table","version":2}}}`
	for _, tc := range []struct{ name, widget, want string }{
		{"no dataset", `{"name":"w","queries":[{"name":"main_query","query":{"datasetName":"nope"}}],"spec":{"widgetType":"table"}}`, `reads the dataset "nope", which the file does not have`},
		{"counter without value", `{"name":"w","queries":[{"name":"main_query","query":{"datasetName":"d"}}],"spec":{"widgetType":"counter"}}`, "pages[0].layout[0].widget.spec.encodings.value.fieldName: is missing"},
		{"bar without measure", `{"name":"w","queries":[{"name":"main_query","query":{"datasetName":"d"}}],"spec":{"widgetType":"bar"}}`, "a bar needs a field on its x axis"},
		{"pie without angle", `{"name":"w","queries":[{"name":"main_query","query":{"datasetName":"d"}}],"spec":{"widgetType":"pie"}}`, "a pie needs a field for its angle"},
		{"filter bound to nothing", `{"name":"w","spec":{"widgetType":"filter-multi-select"}}`, "bound to no field and no parameter"},
		{"filter query missing", `{"name":"w","spec":{"widgetType":"filter-multi-select","encodings":{"fields":[{"fieldName":"a","queryName":"q"}]}}}`, `no query "q" in this widget`},
		{"wrong type", `{"name":"w","queries":{},"spec":{"widgetType":"table"}}`, "queries: expected a list, found an object"},
		{"nothing to draw", `{"name":"w","spec":{"version":0}}`, "there is nothing to draw"},
		{"widget is a string", `"w"`, "expected an object, found a string"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, err := Parse([]byte(`{"datasets":[{"name":"d","query":"SELECT 1 AS n"}],"pages":[{"name":"p","layout":[{"position":{},"widget":` + tc.widget + `},` + good + `]}]}`))
			if err != nil {
				t.Fatal(err)
			}
			v := d.Pages[0].Items[0].Widget.View
			if v.Broken == nil || !strings.Contains(v.Broken.Message, tc.want) {
				t.Fatalf("got %+v, want a broken widget that says %q", v, tc.want)
			}
			if w, ok := d.Widget("good"); !ok || w.View.Table == nil {
				t.Fatal("the widget beside it broke too")
			}
		})
	}
}

func TestOriginalIsKeptToTheByte(t *testing.T) {
	raw := "\ufeff{ \"pages\" : [ ],\r\n\t\"unknown\": {\"a\": 1.50, \"é\": \"\\u00e9<&>\"} }\n"
	d, err := Parse([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	if string(d.Original()) != raw {
		t.Fatalf("got %q", d.Original())
	}
}

func TestGridIsTwelveColumns(t *testing.T) {
	for _, tc := range []struct {
		name, version string
		x, w          int
		wantX, wantW  int
	}{
		{"old", ``, 2, 4, 4, 8},
		{"new", `"layoutVersion":"GRID_V1",`, 2, 4, 2, 4},
		{"wide without version", ``, 0, 12, 0, 12},
		{"version as a number", `"layoutVersion":2,`, 6, 6, 6, 6},
		{"reaches out", `"layoutVersion":"GRID_V1",`, 10, 9, 10, 2},
		{"negative", `"layoutVersion":"GRID_V1",`, -3, 0, 0, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			raw := strings.NewReplacer("VERSION", tc.version, "XX", itoa(tc.x), "WW", itoa(tc.w)).Replace(
				`{"pages":[{"name":"p",VERSION"layout":[{"position":{"x":XX,"y":0,"width":WW,"height":2},"widget":{"name":"w"}}]}]}`)
			d, err := Parse([]byte(raw))
			if err != nil {
				t.Fatal(err)
			}
			if it := d.Pages[0].Items[0]; it.X != tc.wantX || it.W != tc.wantW {
				t.Fatalf("got x %d width %d, want %d and %d", it.X, it.W, tc.wantX, tc.wantW)
			}
		})
	}
}

func TestWidgetIDsAreUnique(t *testing.T) {
	w := `{"position":{},"widget":{"name":"w"}}`
	d, err := Parse([]byte(`{"pages":[{"name":"a","layout":[` + w + `,` + w + `,` + w + `]},{"name":"b","layout":[` + w + `]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, p := range d.Pages {
		for _, it := range p.Items {
			if seen[it.Widget.ID] {
				t.Errorf("ID %q is used twice", it.Widget.ID)
			}
			seen[it.Widget.ID] = true
		}
	}
}

// No file may make the parser or the compiler panic.
func FuzzParse(f *testing.F) {
	for _, w := range []string{
		`{"widgetType":"bar","encodings":{"x":{"fieldName":"a"},"y":{"fields":[{"fieldName":"b"}]}}}`,
		`{"widgetType":"counter","encodings":{"value":{"fieldName":"a","rowNumber":2}}}`,
		`{"widgetType":"filter-multi-select","encodings":{"fields":[{"fieldName":"a","queryName":"q"}]}}`,
	} {
		f.Add(`{"datasets":[{"name":"d","query":"SELECT :p"}],"pages":[{"name":"p","layout":[{"position":{"x":0},"widget":{"name":"w","queries":[{"name":"q","query":{"datasetName":"d","fields":[{"name":"a","expression":"SUM(` + "`a`" + `)"}]}}],"spec":` + w + `}}]}]}`)
	}
	f.Fuzz(func(_ *testing.T, s string) {
		if d, err := Parse([]byte(s)); err == nil {
			Check(d, nil, nil)
		}
	})
}
