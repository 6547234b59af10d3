package lvdash

import "strings"

// field reads one encoding that names a column.
func field(c cursor) Field {
	return Field{Name: c.at("fieldName").must(), Label: label(c), Format: format(c.at("format"))}
}

func optional(c cursor) *Field {
	if !c.at("fieldName").exists() {
		return nil
	}
	f := field(c)
	return &f
}

func label(c cursor) string {
	for _, key := range []string{"displayName", "title"} {
		if s := strings.TrimSpace(c.at(key).str()); s != "" {
			return s
		}
	}
	return c.at("fieldName").str()
}

// axis reads a position encoding: one field or several.
func axis(c cursor) *Axis {
	if !c.exists() {
		return nil
	}
	a := &Axis{
		Title:      c.at("axis", "title").str(),
		HideTitle:  c.at("axis", "hideTitle").truth(),
		HideLabels: c.at("axis", "hideLabels").truth(),
	}
	shared := format(c.at("format"))
	if fs := c.at("fields"); fs.exists() {
		for _, x := range fs.list() {
			a.Fields = append(a.Fields, field(x))
		}
	} else if f := optional(c); f != nil {
		a.Fields = []Field{*f}
	}
	for i := range a.Fields {
		if a.Fields[i].Format == nil {
			a.Fields[i].Format = shared
		}
	}
	a.scale(c.at("scale"))
	return a
}

func (a *Axis) scale(c cursor) {
	a.Scale = c.at("type").str()
	switch fn := c.at("fn", "type").str(); fn {
	case "log", "symlog":
		a.Log = true
	}
	a.Min, a.Max = c.at("domain", "min").float(), c.at("domain", "max").float()
	if m := c.at("domainMin").float(); m != nil {
		a.Min = m
	}
	a.Reverse = c.at("reverse").truth()
	a.Sort = sorting(c.at("sort"))
	a.Top = c.at("categorySize", "number").int(0)
}

func sorting(c cursor) *Sort {
	by := c.at("by").str()
	if by == "" {
		return nil
	}
	return &Sort{By: by, Values: scalars(c.at("orderedValues"))}
}

func scalars(c cursor) []string {
	var out []string
	for _, x := range c.list() {
		out = append(out, x.scalar())
	}
	return out
}

// colorOf reads a colour encoding; nil when the widget has none.
func colorOf(c cursor) *Color {
	if !c.exists() {
		return nil
	}
	col := &Color{
		Field:  optional(c),
		Scale:  c.at("scale", "type").str(),
		Ramp:   ramp(c.at("scale", "colorRamp")),
		Legend: c.at("legend", "position").str(),
		Sort:   sorting(c.at("scale", "sort")),
	}
	if c.at("legend", "hide").truth() {
		col.Legend = "hidden"
	}
	for _, m := range c.at("scale", "mappings").list() {
		v := m.at("value")
		mapping := Mapping{Color: color(m.at("color"))}
		if v.exists() {
			s := v.scalar()
			mapping.Value = &s
		}
		col.Mappings = append(col.Mappings, mapping)
	}
	return col
}

// chart reads the encodings of every chart with axes, and of pies.
func chart(mark string, spec, e cursor) *Chart {
	c := &Chart{
		Mark: mark, X: axis(e.at("x")), Color: colorOf(e.at("color")),
		Labels: e.at("label", "show").truth(), Size: optional(e.at("size")),
	}
	for _, x := range e.at("extra").list() {
		if f := optional(x); f != nil {
			c.Extra = append(c.Extra, *f)
		}
	}
	m := spec.at("mark")
	if !m.exists() {
		m = e.at("mark") // four files of the corpus have it there
	}
	c.mark(m)
	for _, a := range spec.at("annotations").list() {
		c.Annotations = append(c.Annotations, annotation(a))
	}
	switch mark {
	case "pie":
		c.Angle = optional(e.at("angle"))
		if c.Angle == nil {
			e.at("angle").fail("a pie needs a field for its angle")
		}
		return c
	case "combo":
		c.Y, c.Y2 = comboAxis(e.at("y"), "primary"), comboAxis(e.at("y"), "secondary")
	default:
		c.Y = axis(e.at("y"))
	}
	c.complete(e)
	return c
}

func (c *Chart) mark(m cursor) {
	c.Layout = m.at("layout").str()
	c.Points = m.at("showPoints").truth()
	if r := m.at("innerRadius").float(); r != nil {
		c.InnerRadius = *r
	}
	for _, x := range m.at("colors").list() {
		if col := color(x); col != "" {
			c.Colors = append(c.Colors, col)
		}
	}
}

// complete makes sure that there is something to draw and that both axes have a scale.
func (c *Chart) complete(e cursor) {
	for _, side := range []struct {
		axis      **Axis
		name      string
		otherwise string
	}{{&c.X, "x", "categorical"}, {&c.Y, "y", "quantitative"}} {
		if *side.axis == nil {
			*side.axis = &Axis{}
		}
		if (*side.axis).Scale == "" {
			(*side.axis).Scale = side.otherwise
		}
	}
	lonely := c.Mark == "bar" || c.Mark == "histogram" // these may have a measure and no category
	if len(c.Y.Fields) == 0 && c.Y2 != nil && len(c.Y2.Fields) > 0 {
		c.Y.Fields = nil
		return
	}
	if len(c.X.Fields) == 0 && !(lonely && len(c.Y.Fields) > 0) {
		e.at("x").fail("a %s needs a field on its x axis", c.Mark)
	}
	if len(c.Y.Fields) == 0 && !(lonely && len(c.X.Fields) > 0) {
		e.at("y").fail("a %s needs a field on its y axis", c.Mark)
	}
}

func comboAxis(c cursor, side string) *Axis {
	a := axis(c.at(side))
	if a == nil {
		return nil
	}
	if a.Scale == "" {
		a.scale(c.at("scale"))
	}
	if a.Scale == "" {
		a.Scale = "quantitative"
	}
	for i := range a.Fields {
		if a.Fields[i].Format == nil {
			a.Fields[i].Format = format(c.at("format"))
		}
	}
	return a
}

func annotation(c cursor) Annotation {
	a := Annotation{Horizontal: strings.HasPrefix(c.at("type").str(), "horizontal")}
	side := "x"
	if a.Horizontal {
		side = "y"
	}
	a.At = c.at("encodings", side, "dataValue").scalar()
	a.Label = c.at("encodings", "label", "value").str()
	a.Color = color(c.at("encodings", "color"))
	return a
}
