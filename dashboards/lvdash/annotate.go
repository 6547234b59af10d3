package lvdash

import "strings"

// annotate tells the drawing what the expressions of the query mean: whether a column may be added
// up, and which unit a time is cut to. That decides what stands for a missing bucket (nothing for a
// count is 0, for an average it is a gap) and how buckets are labelled.
func (w *Widget) annotate() {
	q, ok := w.main()
	if !ok {
		return
	}
	known := map[string]*expr{}
	for _, f := range q.Fields {
		if e, err := parseExpr(f.Expression); err == nil {
			known[f.Name] = e
		}
	}
	w.View.fields(func(f *Field) {
		e := known[f.Name]
		if e == nil || e.op != "call" {
			return
		}
		switch e.name {
		case "DATE_TRUNC":
			f.Unit = strings.ToUpper(e.args[0].name)
		case "BIN_FLOOR":
			f.Bin = e.args[1].name
		default:
			if functions[e.name].aggregate {
				f.Agg = strings.ToLower(e.name)
			}
			if e.distinct {
				f.Agg += "-distinct" // not to be added up
			}
		}
	})
}

// fields calls do for every field the view shows.
func (v *View) fields(do func(*Field)) {
	each := func(fs []Field) {
		for i := range fs {
			do(&fs[i])
		}
	}
	maybe := func(fs ...*Field) {
		for _, f := range fs {
			if f != nil {
				do(f)
			}
		}
	}
	if c := v.Counter; c != nil {
		maybe(&c.Value, c.Target, c.Period)
	}
	if c := v.Chart; c != nil {
		for _, a := range []*Axis{c.X, c.Y, c.Y2} {
			if a != nil {
				each(a.Fields)
			}
		}
		maybe(c.Angle, c.Size)
		if c.Color != nil {
			maybe(c.Color.Field)
		}
		each(c.Extra)
	}
	if t := v.Table; t != nil {
		for i := range t.Columns {
			do(&t.Columns[i].Field)
		}
	}
	if p := v.Pivot; p != nil {
		each(p.Rows)
		each(p.Columns)
		each(p.Cells)
	}
}
