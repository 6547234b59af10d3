package lvdash

import (
	"fmt"
	"strings"
	"time"
)

// maxChosen bounds the values of one filter.
const maxChosen = 1000

// scope calls do for every filter that acts on the widget's page, with what it is set to.
func (d *Dashboard) scope(w *Widget, in Inputs, do func(*Widget, Selection, bool) error) error {
	for _, p := range d.Pages {
		if !p.Global && p != w.Page {
			continue
		}
		for _, it := range p.Items {
			f := it.Widget.View.Filter
			if f == nil {
				continue
			}
			sel, chosen := in.Chosen[it.Widget.ID]
			if !chosen && f.Preset != nil {
				sel = *f.Preset
			}
			if err := do(it.Widget, sel, chosen || f.Preset != nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// predicates writes the conditions that filter widgets put on the dataset's rows. A filter doesn't
// narrow its own choices.
func (d *Dashboard) predicates(g *generator, w *Widget, ds *Dataset, in Inputs) ([]string, error) {
	var out []string
	err := d.scope(w, in, func(fw *Widget, sel Selection, _ bool) error {
		if fw == w || sel.All || sel.IsZero() {
			return nil
		}
		for _, b := range fw.View.Filter.Bindings {
			if b.Dataset != ds.Name || b.Field == "" {
				continue
			}
			x, e, err := g.sql(b.Field)
			if err == nil && e.aggregate() {
				err = fmt.Errorf("it filters by the aggregate %s", printable(b.Field))
			}
			var p string
			if err == nil {
				p, err = predicate(g.binds, fw.View.Filter, x, sel, in.Now)
			}
			if err != nil {
				return fmt.Errorf("filter %s: %w", fw.title(), err)
			}
			if p != "" {
				out = append(out, p)
			}
		}
		return nil
	})
	return out, err
}

// title is what messages call the widget.
func (w *Widget) title() string {
	if w.View.Title != "" {
		return printable(w.View.Title)
	}
	return printable(w.Name)
}

// predicate writes what a selection asks of the expression x; "" when it lets everything through.
func predicate(b *binds, f *Filter, x string, sel Selection, now time.Time) (string, error) {
	var p string
	var err error
	switch {
	case sel.Text != "":
		p = contains(b, f, x, sel.Text)
	case len(sel.Values) > 0:
		p, err = oneOf(b, f, x, sel.Values, now)
	case f.Kind == "number-range":
		p, err = numberRange(b, x, sel)
	default:
		p, err = timeRange(b, f, x, sel, now)
	}
	if err != nil || p == "" || !f.Exclude {
		return p, err
	}
	return "(NOT COALESCE(" + p + ", FALSE))", nil
}

// oneOf compares as text, because the choices came as text.
func oneOf(b *binds, f *Filter, x string, values []*string, now time.Time) (string, error) {
	if len(values) > maxChosen {
		return "", fmt.Errorf("%d values are chosen; the most is %d", len(values), maxChosen)
	}
	as := "STRING"
	if f.Kind == "date" {
		as = "DATE"
	}
	var in []string
	null := false
	for _, v := range values {
		if v == nil {
			null = true
			continue
		}
		s := *v
		if as == "DATE" {
			t, err := resolveTime(s, now, false)
			if err != nil {
				return "", err
			}
			s = timeText(t, Date)
		}
		in = append(in, b.add(s, as))
	}
	var parts []string
	if len(in) > 0 {
		parts = append(parts, "CAST("+x+" AS "+as+") IN ("+strings.Join(in, ", ")+")")
	}
	if null {
		parts = append(parts, x+" IS NULL")
	}
	return "(" + strings.Join(parts, " OR ") + ")", nil
}

func contains(b *binds, f *Filter, x, want string) string {
	x = "CAST(" + x + " AS STRING)"
	marker := b.add(want, "STRING")
	if f.AnyCase {
		x, marker = "LOWER("+x+")", "LOWER("+marker+")"
	}
	switch f.Match {
	case "exact-match":
		return "(" + x + " = " + marker + ")"
	case "starts-with":
		return "(LEFT(" + x + ", LENGTH(" + marker + ")) = " + marker + ")"
	}
	return "(INSTR(" + x + ", " + marker + ") > 0)"
}

func numberRange(b *binds, x string, sel Selection) (string, error) {
	var parts []string
	for _, side := range []struct{ op, value string }{{">=", sel.Min}, {"<=", sel.Max}} {
		if side.value == "" {
			continue
		}
		n, err := numberText(side.value)
		if err != nil {
			return "", err
		}
		parts = append(parts, x+" "+side.op+" "+b.add(n, "DOUBLE"))
	}
	return all(parts), nil
}

func timeRange(b *binds, f *Filter, x string, sel Selection, now time.Time) (string, error) {
	if f.Type == Date {
		x = "CAST(" + x + " AS DATE)"
	}
	var parts []string
	for _, side := range []struct {
		op, value string
		end       bool
	}{{">=", sel.Min, false}, {"<=", sel.Max, true}} {
		if side.value == "" {
			continue
		}
		t, err := resolveTime(side.value, now, side.end)
		if err != nil {
			return "", err
		}
		kind := DateTime
		if f.Type == Date {
			kind = Date
		}
		parts = append(parts, x+" "+side.op+" "+b.add(timeText(t, kind), kind.sqlType()))
	}
	return all(parts), nil
}

func all(parts []string) string {
	if len(parts) == 0 {
		return ""
	}
	return "(" + strings.Join(parts, " AND ") + ")"
}
