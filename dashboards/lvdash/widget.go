package lvdash

import (
	"fmt"
	"strings"

	"github.com/lakegate/lakegate/dashboards/lvdash/markdown"
)

// widget reads one tile. What is wrong inside it breaks this tile only.
func (d *Dashboard) widget(c cursor, p *Page) *Widget {
	var faults []Fault
	c = c.collecting(&faults)
	w := &Widget{Name: c.at("name").str(), Page: p, path: c.path, line: c.line()}
	for _, q := range c.at("queries").list() {
		w.Queries = append(w.Queries, query(q))
	}
	w.View = w.view(c)
	w.annotate()
	for _, q := range w.Queries {
		if _, ok := d.byName[q.Dataset]; !ok {
			c.at("queries").fail("query %q reads the dataset %q, which the file does not have", q.Name, q.Dataset)
		}
	}
	if len(faults) > 0 {
		w.View.breakDown(Faults(faults).Error())
	}
	return w
}

// breakDown turns the view into an error card that keeps its title.
func (v *View) breakDown(message string) {
	*v = View{Title: v.Title, Description: v.Description, Broken: &Broken{Message: message}}
}

func query(c cursor) Query {
	q := Query{Name: c.at("name").must(), Fixed: map[string]Selection{}}
	c = c.at("query")
	q.Dataset = c.at("datasetName").must()
	q.Disaggregated = c.at("disaggregated").truth()
	for _, f := range c.at("fields").list() {
		q.Fields = append(q.Fields, QueryField{f.at("name").must(), f.at("expression").must()})
	}
	for _, f := range c.at("filters").list() {
		q.Filters = append(q.Filters, f.at("expression").must())
	}
	for _, o := range c.at("orders").list() {
		q.Orders = append(q.Orders, Order{o.at("expression").must(), o.at("direction").str() == "DESC"})
	}
	for _, b := range c.at("parameters").list() {
		q.Parameters = append(q.Parameters, Binding{b.at("name").str(), b.at("keyword").must()})
	}
	for _, v := range c.at("parameterValues").list() {
		q.Fixed[v.at("keyword").must()] = selection(v.at("selection"))
	}
	for _, s := range c.at("cubeGroupingSets", "sets").list() {
		q.Totals = append(q.Totals, s.at("fieldNames").strings())
	}
	return q
}

func (w *Widget) view(c cursor) View {
	if t, ok := textOf(c); ok {
		return View{Text: &TextView{Blocks: markdown.Parse(t)}}
	}
	spec := c.at("spec")
	if !spec.exists() {
		return View{Empty: true}
	}
	frame := spec.at("frame")
	v := View{Data: spec.at("data", "queryName").str()}
	if !frame.at("showTitle").exists() || frame.at("showTitle").truth() {
		v.Title = frame.at("title").str()
	}
	if frame.at("showDescription").truth() {
		v.Description = frame.at("description").str()
	}
	v.Center = frame.at("headerAlignment").str() == "center"
	w.draw(&v, spec)
	return v
}

// textOf returns the markdown of a text widget, in any of the ways it is written.
func textOf(c cursor) (string, bool) {
	if ml := c.at("multilineTextboxSpec"); ml.exists() {
		return strings.Join(ml.at("lines").strings(), ""), true
	}
	if tb := c.at("textbox_spec"); tb.exists() {
		return tb.str(), true
	}
	if spec := c.at("spec"); spec.exists() && spec.at("widgetType").str() == "markdown" {
		return spec.at("text").str(), true
	}
	return "", false
}

// draw sets the part of v that fits the widget's type.
func (w *Widget) draw(v *View, spec cursor) {
	e := spec.at("encodings")
	switch t := spec.at("widgetType").str(); t {
	case "counter":
		v.Counter = counter(spec, e)
	case "line", "area", "bar", "scatter", "heatmap", "histogram", "pie", "combo":
		v.Chart = chart(t, spec, e)
	case "table":
		v.Table = table(spec, e)
	case "pivot":
		v.Pivot = pivot(e)
	case "filter-single-select", "filter-multi-select", "filter-date-picker",
		"filter-date-range-picker", "filter-text-entry", "range-slider":
		v.Filter = w.filter(t, spec, e)
	case "details":
		v.Table = table(spec, e)
		v.Badge = "details are shown as a table"
	case "":
		w.preview(v, spec)
	default:
		v.Table = &Table{}
		v.Badge = fmt.Sprintf("chart type %s is not drawn yet: shown as a table", printable(t))
	}
}

// preview handles the format of 2023, which has a viz_spec instead of encodings.
func (w *Widget) preview(v *View, spec cursor) {
	if len(w.Queries) == 0 {
		spec.fail("has no widgetType and no query: there is nothing to draw")
		return
	}
	if v.Title == "" {
		v.Title = spec.at("viz_spec", "display_name").str()
	}
	v.Table = &Table{}
	v.Badge = "charts of the 2023 preview format are not drawn yet: shown as a table"
}

// printable bounds text of the file that goes into a message.
func printable(s string) string {
	const most = 60
	r := []rune(s)
	if len(r) > most {
		r = append(r[:most], '…')
	}
	return string(r)
}
