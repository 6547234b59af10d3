package lvdash

import (
	"fmt"
	"strings"
)

// Parse reads a file. The error is Faults when the file isn't a dashboard at all; a widget that
// can't be understood is not an error but a widget whose View says what is broken.
func Parse(raw []byte) (*Dashboard, error) {
	root, err := decode(raw)
	if err != nil {
		return nil, err
	}
	var faults []Fault
	c := cursor{v: root, faults: &faults}
	if !c.is(object) {
		return nil, notADashboard(faults, c)
	}
	if !c.at("pages").exists() && !c.at("datasets").exists() {
		return nil, Faults{{Line: 1, Message: `this is not a dashboard: it has neither "datasets" nor "pages"`}}
	}
	d := &Dashboard{original: raw, byName: map[string]*Dataset{}}
	d.datasets(c.at("datasets"))
	d.shared(c.at("parameters"))
	d.pages(c.at("pages"))
	if len(faults) > 0 {
		return nil, Faults(faults)
	}
	var ignored []Fault // a broken theme is no reason to refuse a dashboard
	d.Theme = theme(c.at("uiSettings", "theme").collecting(&ignored))
	for _, f := range ignored {
		d.Notes = append(d.Notes, f.Error())
	}
	d.identify()
	return d, nil
}

func notADashboard(faults []Fault, c cursor) error {
	if len(faults) == 0 {
		c.fail("expected an object, found null")
		faults = *c.faults
	}
	return Faults(faults)
}

func (d *Dashboard) datasets(c cursor) {
	for _, x := range c.list() {
		ds := &Dataset{
			Name:    x.at("name").must(),
			Title:   x.at("displayName").str(),
			SQL:     datasetSQL(x),
			Asset:   x.at("asset_name").str(),
			Catalog: x.at("catalog").str(),
			Schema:  x.at("schema").str(),
		}
		if ds.Title == "" {
			ds.Title = ds.Name
		}
		for _, p := range x.at("parameters").list() {
			ds.Parameters = append(ds.Parameters, parameter(p))
		}
		for _, m := range x.at("columns").list() {
			ds.Measures = append(ds.Measures, Measure{m.at("displayName").str(), m.at("expression").str()})
		}
		if _, dup := d.byName[ds.Name]; dup && ds.Name != "" {
			x.at("name").fail("a dataset called %q is there already", ds.Name)
			continue
		}
		d.byName[ds.Name] = ds
		d.Datasets = append(d.Datasets, ds)
	}
}

func datasetSQL(c cursor) string {
	if lines := c.at("queryLines"); lines.exists() {
		return strings.Join(lines.strings(), "")
	}
	return c.at("query").str()
}

// shared adds the parameters that hand-written files declare for the whole dashboard.
func (d *Dashboard) shared(c cursor) {
	for _, x := range c.list() {
		p := parameter(x)
		for _, ds := range d.Datasets {
			if _, own := ds.parameter(p.Keyword); !own {
				ds.Parameters = append(ds.Parameters, p)
			}
		}
	}
}

func parameter(c cursor) Parameter {
	p := Parameter{
		Keyword: c.at("keyword").must(),
		Title:   c.at("displayName").str(),
		Type:    dataType(c.at("dataType")),
		Default: selection(c.at("defaultSelection")),
	}
	switch shape := c.at("complexType"); shape.str() {
	case "RANGE":
		p.Shape = Range
	case "MULTI":
		p.Shape = Multi
	case "":
	default:
		shape.fail("unknown parameter shape %q: lakegate knows RANGE and MULTI", shape.str())
	}
	return p
}

func dataType(c cursor) DataType {
	switch t := DataType(strings.ToUpper(c.str())); t {
	case "":
		return Text
	case Text, Date, DateTime, Decimal, Integer:
		return t
	case "TIMESTAMP":
		return DateTime
	case "NUMERIC", "NUMBER", "DOUBLE", "FLOAT":
		return Decimal
	case "LONG", "INT", "BIGINT":
		return Integer
	default:
		c.fail("unknown data type %q", c.str())
		return Text
	}
}

// selection reads {values:{values:[{value}]}} and {range:{min:{value},max:{value}}}; the value may
// also stand bare, as some hand-written files have it.
func selection(c cursor) Selection {
	var s Selection
	if c.exists() && c.v.kind == list { // the oldest form
		for _, x := range c.list() {
			s.Values = append(s.Values, selected(x))
		}
		return s
	}
	for _, x := range c.at("values", "values").list() {
		s.Values = append(s.Values, selected(x))
	}
	r := c.at("range")
	s.Min, s.Max = bound(r.at("min")), bound(r.at("max"))
	return s
}

func selected(c cursor) *string {
	if c.exists() && c.v.kind == object {
		c = c.at("value")
	}
	if !c.exists() {
		return nil
	}
	v := c.scalar()
	return &v
}

func bound(c cursor) string {
	if v := selected(c); v != nil {
		return *v
	}
	return ""
}

func theme(c cursor) Theme {
	var t Theme
	for _, x := range c.at("visualizationColors").list() {
		if col := color(x); strings.HasPrefix(col, "#") {
			t.Colors = append(t.Colors, col)
		}
	}
	return t
}

// identify gives every widget an ID of its own, and every filter its initial state.
func (d *Dashboard) identify() {
	taken := map[string]bool{}
	for _, p := range d.Pages {
		for _, it := range p.Items {
			id := it.Widget.Name
			if id == "" || taken[id] {
				id = p.Name + "." + id
			}
			for n := 2; taken[id]; n++ {
				id = fmt.Sprintf("%s.%s.%d", p.Name, it.Widget.Name, n)
			}
			taken[id] = true
			it.Widget.ID = id
			if f := it.Widget.View.Filter; f != nil {
				d.settle(f)
			}
		}
	}
}
