package lvdash

import (
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is what there is to say about a file before it is imported.
type Report struct {
	Pages    int             `json:"pages"`
	Widgets  []WidgetReport  `json:"widgets"`
	Datasets []DatasetReport `json:"datasets"`
	Notes    []string        `json:"notes"`
	// Placeholders are the {names} that need a value, sorted.
	Placeholders []string `json:"placeholders"`
	// Tables are all that the datasets read, sorted; Missing are those that Known didn't know.
	Tables  []string `json:"tables"`
	Missing []string `json:"missing"`
}

// WidgetReport says what becomes of a widget.
type WidgetReport struct {
	Page   string `json:"page"`
	Widget string `json:"widget"`
	Type   string `json:"type"`
	State  string `json:"state"` // drawn, table (instead of its chart) or broken
	Detail string `json:"detail,omitempty"`
	Place  string `json:"place"` // JSON path and line
}

// DatasetReport says what a dataset needs.
type DatasetReport struct {
	Name       string   `json:"name"`
	Parameters []string `json:"parameters"`
	Tables     []string `json:"tables"`
	Dropped    []string `json:"dropped,omitempty"` // statements before the query
	Error      string   `json:"error,omitempty"`
}

// The states of a widget.
const (
	Drawn       = "drawn"
	AsTable     = "table"
	BrokenState = "broken"
)

// Check reports on a dashboard. known tells whether a table is there, nil to not ask; values are
// those of placeholders.
func Check(d *Dashboard, values map[string]string, known func(table string) bool) *Report {
	r := &Report{Pages: len(d.Pages), Notes: append([]string{}, d.Notes...), Placeholders: []string{}, Tables: []string{}, Missing: []string{}}
	all, holes := map[string]bool{}, map[string]bool{}
	for _, ds := range d.Datasets {
		dr := ds.report(holes, values)
		for _, t := range dr.Tables {
			all[t] = true
		}
		r.Datasets = append(r.Datasets, dr)
	}
	for h := range holes {
		if _, ok := values[h]; !ok {
			r.Placeholders = append(r.Placeholders, h)
		}
	}
	sort.Strings(r.Placeholders)
	for t := range all {
		r.Tables = append(r.Tables, t)
		if known != nil && !strings.Contains(t, "{") && !known(t) {
			r.Missing = append(r.Missing, t)
		}
	}
	sort.Strings(r.Tables)
	sort.Strings(r.Missing)
	fill := map[string]string{}
	for h := range holes {
		fill[h] = "placeholder" // a missing value is reported once, not for each widget
	}
	for k, v := range values {
		fill[k] = v
	}
	for _, p := range d.Pages {
		for _, it := range p.Items {
			r.Widgets = append(r.Widgets, d.checkWidget(it.Widget, fill))
		}
	}
	return r
}

func (ds *Dataset) report(holes map[string]bool, values map[string]string) DatasetReport {
	dr := DatasetReport{Name: ds.Title, Parameters: []string{}, Tables: []string{}}
	for _, p := range ds.Parameters {
		dr.Parameters = append(dr.Parameters, fmt.Sprintf(":%s %s %s", p.Keyword, p.Shape, p.Type))
	}
	src, err := ds.source()
	if err != nil {
		dr.Error = err.Error()
		return dr
	}
	tokens, dropped, err := clean(src)
	if err != nil {
		dr.Error = "its query " + err.Error()
		return dr
	}
	for _, s := range dropped {
		dr.Dropped = append(dr.Dropped, printable(s))
	}
	for i, t := range tokens {
		if t.kind != template {
			continue
		}
		name := strings.Trim(t.text, "${}")
		holes[name] = true
		if v, ok := values[name]; ok {
			tokens[i] = token{word, v}
		}
	}
	for _, t := range tables(tokens) {
		dr.Tables = append(dr.Tables, ds.qualify(t))
	}
	return dr
}

// qualify completes a table name with the dataset's own catalog and schema.
func (ds *Dataset) qualify(table string) string {
	switch parts := strings.Count(table, "."); {
	case parts == 0 && ds.Schema != "":
		table = ds.Schema + "." + table
		if ds.Catalog != "" {
			table = ds.Catalog + "." + table
		}
	case parts == 1 && ds.Catalog != "":
		table = ds.Catalog + "." + table
	}
	return table
}

func (d *Dashboard) checkWidget(w *Widget, fill map[string]string) WidgetReport {
	r := WidgetReport{
		Page: w.Page.Title, Widget: w.title(), Type: w.View.kind(), State: Drawn, Detail: w.View.Badge,
		Place: fmt.Sprintf("%s (line %d)", w.path, w.line),
	}
	if w.View.Badge != "" {
		r.State = AsTable
	}
	if w.View.Broken != nil {
		r.State, r.Detail = BrokenState, w.View.Broken.Message
		return r
	}
	// The time is fixed so that equal files give equal reports.
	_, err := d.Compile(w, Inputs{Now: time.Unix(0, 0), Values: fill})
	if err != nil && !errors.Is(err, ErrNoQuery) {
		r.State, r.Detail = BrokenState, err.Error()
	}
	return r
}

// kind names what the widget is drawn as.
func (v *View) kind() string {
	switch {
	case v.Broken != nil:
		return "broken"
	case v.Text != nil:
		return "text"
	case v.Counter != nil:
		return "counter"
	case v.Chart != nil:
		return v.Chart.Mark
	case v.Table != nil:
		return "table"
	case v.Pivot != nil:
		return "pivot"
	case v.Filter != nil:
		return "filter"
	}
	return "empty"
}

// Count returns how many widgets are in the state.
func (r *Report) Count(state string) int {
	n := 0
	for _, w := range r.Widgets {
		if w.State == state {
			n++
		}
	}
	return n
}

// Print writes the report as text for a terminal.
func (r *Report) Print(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(tw, "%d pages, %d widgets: %d drawn, %d shown as a table, %d broken\n",
		r.Pages, len(r.Widgets), r.Count(Drawn), r.Count(AsTable), r.Count(BrokenState))
	fmt.Fprintf(tw, "\nDATASET\tTABLES\tPARAMETERS\n")
	for _, d := range r.Datasets {
		fmt.Fprintf(tw, "%s\t%s\t%s\n", d.Name, listOr(d.Tables, "-"), listOr(d.Parameters, "-"))
		for _, s := range d.Dropped {
			fmt.Fprintf(tw, "  left out before the query: %s\n", s)
		}
		if d.Error != "" {
			fmt.Fprintf(tw, "  broken: %s\n", d.Error)
		}
	}
	r.printTrouble(tw)
	return tw.Flush()
}

func (r *Report) printTrouble(w io.Writer) {
	first := true
	for _, x := range r.Widgets {
		if x.State == Drawn {
			continue
		}
		if first {
			fmt.Fprintf(w, "\nPAGE\tWIDGET\tSTATE\tWHY\n")
			first = false
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", x.Page, x.Widget, x.State, x.Detail)
	}
	if len(r.Placeholders) > 0 {
		fmt.Fprintf(w, "\nplaceholders that need a value: %s\n", strings.Join(r.Placeholders, ", "))
	}
	if len(r.Missing) > 0 {
		fmt.Fprintf(w, "\ntables that are not here: %s\n", strings.Join(r.Missing, ", "))
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "note: %s\n", n)
	}
}

func listOr(xs []string, otherwise string) string {
	if len(xs) == 0 {
		return otherwise
	}
	return strings.Join(xs, ", ")
}
