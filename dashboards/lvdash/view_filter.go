package lvdash

// filter reads a filter widget: what it offers, and what it acts on.
func (w *Widget) filter(widgetType string, spec, e cursor) *Filter {
	f := &Filter{
		Kind: map[string]string{
			"filter-single-select":     "single",
			"filter-multi-select":      "multi",
			"filter-date-picker":       "date",
			"filter-date-range-picker": "date-range",
			"filter-text-entry":        "text",
			"range-slider":             "number-range",
		}[widgetType],
		AllowAll: !spec.at("disallowAll").truth(),
		Exclude:  spec.at("exclude").truth(),
		Match:    spec.at("matchMode").str(),
		AnyCase:  !spec.at("isCaseSensitive").truth(),
		Sort:     sorting(spec.at("scale", "sort")),
	}
	for _, x := range e.at("fields").list() {
		w.bind(f, x)
	}
	if len(f.Bindings) == 0 && f.ListQuery == "" {
		e.fail("this filter is bound to no field and no parameter")
	}
	f.Options = f.ListQuery != "" && (f.Kind == "single" || f.Kind == "multi" || f.Kind == "number-range")
	f.preselect(spec, e)
	return f
}

// bind adds what one entry of the encodings acts on.
func (w *Widget) bind(f *Filter, x cursor) {
	q, ok := w.query(x.at("queryName").str())
	if !ok {
		x.at("queryName").fail("there is no query %q in this widget", x.at("queryName").str())
		return
	}
	if name := x.at("parameterName").str(); name != "" {
		keyword := name
		for _, b := range q.Parameters {
			if b.Name == name {
				keyword = b.Keyword
			}
		}
		f.Bindings = append(f.Bindings, Bound{Dataset: q.Dataset, Parameter: keyword})
		return
	}
	name := x.at("fieldName").must()
	for _, qf := range q.Fields {
		if qf.Name != name {
			continue
		}
		f.Bindings = append(f.Bindings, Bound{Dataset: q.Dataset, Field: qf.Expression})
		if f.ListQuery == "" {
			f.ListQuery, f.ListColumn = q.Name, name
		}
		return
	}
	if f.Kind == "number-range" { // its query asks for the smallest and largest value instead
		f.Bindings = append(f.Bindings, Bound{Dataset: q.Dataset, Field: quoteName(name)})
		f.ListQuery, f.ListColumn = q.Name, name
		return
	}
	x.at("fieldName").fail("the query %q has no field %q", q.Name, name)
}

// preselect finds the filter's own initial state and the type of its values.
func (f *Filter) preselect(spec, e cursor) {
	sel := spec.at("selection", "defaultSelection")
	for _, key := range []string{"values", "range"} {
		if t := sel.at(key, "dataType"); t.exists() {
			f.Type = dataType(t)
		}
	}
	if s := selection(sel); !s.IsZero() {
		f.Preset = &s
		return
	}
	for _, x := range e.at("fields").list() {
		if s := selection(x.at("defaultSelection")); !s.IsZero() {
			f.Preset = &s
			return
		}
	}
}

// settle finds what a filter shows before anyone touches it: its own preset, else the default of
// the first parameter it sets. Datasets may give a parameter different defaults, and each keeps its
// own until the viewer chooses.
func (d *Dashboard) settle(f *Filter) {
	f.Default = f.Preset
	for _, b := range f.Bindings {
		ds, ok := d.byName[b.Dataset]
		if !ok || b.Parameter == "" {
			continue
		}
		p, ok := ds.parameter(b.Parameter)
		if !ok {
			continue
		}
		if f.Type == "" {
			f.Type = p.Type
		}
		if f.Default == nil && !p.Default.IsZero() {
			s := p.Default
			f.Default = &s
		}
	}
	if f.Type == "" {
		f.Type = Text
		if f.Kind == "date" || f.Kind == "date-range" {
			f.Type = Date
		}
	}
}
