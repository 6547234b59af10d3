package lvdash

import "sort"

// counter reads a counter's encodings.
func counter(spec, e cursor) *Counter {
	v := e.at("value")
	for _, other := range []string{"target", "period"} { // some files have just one of these
		if !v.at("fieldName").exists() && e.at(other, "fieldName").exists() {
			v = e.at(other)
		}
	}
	c := &Counter{
		Value:    field(v),
		Row:      max(v.at("rowNumber").int(1)-1, 0),
		Template: v.at("formatTemplate").str(),
		Rules:    rules(v.at("style", "rules")),
		Target:   optional(e.at("target")),
		Period:   optional(e.at("period")),
	}
	if c.Target != nil && c.Target.Name == c.Value.Name {
		c.Target = nil
	}
	if c.Period != nil && c.Period.Name == c.Value.Name {
		c.Period = nil
	}
	// A target without a field of its own is the same value one period earlier.
	c.Percent = e.at("target", "change", "type").str() == "percent" || e.at("target", "period").exists()
	return c
}

// table reads the columns of a table of any version; none means all.
func table(spec, e cursor) *Table {
	t := &Table{RowNumbers: spec.at("withRowNumber").truth() || spec.at("displayRowNumbers").truth()}
	for _, key := range []string{"itemsPerPage", "rowsPerPage"} {
		if n := spec.at(key).int(0); n > 0 {
			t.PageSize = n
		}
	}
	type placed struct {
		column Column
		order  int
	}
	var cols []placed
	for i, x := range e.at("columns").list() {
		if v := x.at("visible"); v.exists() && !v.truth() {
			continue
		}
		cols = append(cols, placed{column(x), x.at("order").int(100000 + i)})
	}
	sort.SliceStable(cols, func(i, j int) bool { return cols[i].order < cols[j].order })
	for _, c := range cols {
		t.Columns = append(t.Columns, c.column)
	}
	return t
}

func column(c cursor) Column {
	col := Column{
		Field:       Field{Name: c.at("fieldName").must(), Label: tableLabel(c), Format: format(c.at("format"))},
		As:          c.at("displayAs").str(),
		Align:       c.at("alignContent").str(),
		Description: c.at("description").str(),
		Link:        c.at("linkUrlTemplate").str(),
		LinkText:    c.at("linkTextTemplate").str(),
	}
	if col.Align == "" {
		col.Align = c.at("contentAlignment").str()
	}
	if col.Format == nil {
		col.Format = oldFormat(c, col.As)
	}
	if click := c.at("actions", "click"); click.at("type").str() == "link" {
		col.As, col.Link = "link", click.at("urlTemplate").str()
	}
	if col.As != "link" {
		col.Link, col.LinkText = linkOnlyIfAsked(col)
	}
	col.Rules = append(rules(c.at("style", "rules")), oldRules(c.at("cellFormat", "rules"))...)
	return col
}

// linkOnlyIfAsked drops the templates that v1 writes on every column, link or not.
func linkOnlyIfAsked(c Column) (link, linkText string) {
	if c.As == "image" {
		return c.Link, c.LinkText
	}
	return "", ""
}

// tableLabel prefers title, which is where v1 keeps what the author typed.
func tableLabel(c cursor) string {
	if s := c.at("title").str(); s != "" {
		return s
	}
	return label(c)
}

// rules reads the conditional styles of counters and of table v2.
func rules(c cursor) []Rule {
	var out []Rule
	for _, x := range c.list() {
		r := Rule{
			Op:         x.at("condition", "operator").str(),
			Value:      x.at("condition", "operand", "value").scalar(),
			Color:      color(x.at("color")),
			Background: color(x.at("backgroundColor")),
			Bold:       x.at("bold").truth(),
		}
		if fg := color(x.at("foregroundColor")); fg != "" {
			r.Color = fg
		}
		if r.Op != "" {
			out = append(out, r)
		}
	}
	return out
}

// oldRules reads those of table v1.
func oldRules(c cursor) []Rule {
	var out []Rule
	for _, x := range c.list() {
		r := Rule{
			Column:     x.at("if", "column").str(),
			Op:         x.at("if", "fn").str(),
			Value:      x.at("if", "literal").scalar(),
			Color:      color(x.at("value", "foregroundColor")),
			Background: color(x.at("value", "backgroundColor")),
		}
		if r.Op == "==" {
			r.Op = "="
		}
		out = append(out, r)
	}
	return out
}

// pivot reads rows, columns and cells.
func pivot(e cursor) *Pivot {
	p := &Pivot{}
	for _, x := range e.at("rows").list() {
		p.Rows = append(p.Rows, field(x))
	}
	for _, x := range e.at("columns").list() {
		p.Columns = append(p.Columns, field(x))
	}
	cell := e.at("cell")
	for _, x := range cell.at("fields").list() {
		p.Cells = append(p.Cells, field(x))
	}
	if f := optional(cell); f != nil {
		p.Cells = append(p.Cells, *f)
	}
	if len(p.Cells) == 0 {
		cell.fail("a pivot needs a field in its cells")
	}
	return p
}
