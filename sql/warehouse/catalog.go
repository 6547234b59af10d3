package warehouse

import (
	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/sql/views"
)

// readable is a table or view that a caller may read.
type readable struct {
	schema *tableschema.Table
	view   bool
	needs  []string // the tables under a view
}

// readableTables is what allow lets through, and the views over it. A view is readable when it is
// allowed itself, or when everything it reads is; it must be there, which is when its tables are.
func readableTables(tables []*tableschema.Table, allow func(string) bool) map[string]readable {
	out := map[string]readable{}
	if allow == nil {
		return out
	}
	exists := map[string]bool{}
	for _, t := range tables {
		name := t.Name.String()
		exists[name] = true
		if allow(name) {
			out[name] = readable{schema: t}
		}
	}
	for _, v := range views.All() {
		name := v.Schema.Name.String()
		there, under := true, len(v.Needs) > 0
		for _, n := range v.Needs {
			there = there && exists[n]
			_, ok := out[n]
			under = under && ok
		}
		if there && (under || allow(name)) {
			out[name] = readable{schema: v.Schema, view: true, needs: v.Needs}
		}
	}
	return out
}

// basesOf returns the tables whose files a caller's queries may need: the readable ones and those
// under readable views.
func basesOf(may map[string]readable) map[string]bool {
	out := map[string]bool{}
	for name, r := range may {
		if !r.view {
			out[name] = true
		}
		for _, n := range r.needs {
			out[n] = true
		}
	}
	return out
}
