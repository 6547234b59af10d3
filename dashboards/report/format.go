package report

import (
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Format is how a report is written.
type Format string

// The formats.
const (
	Table    Format = "table" // aligned columns for a terminal
	CSV      Format = "csv"   // RFC 4180, for programs and spreadsheets
	JSON     Format = "json"
	Markdown Format = "md"
)

// Show makes text of callers safe to print: what isn't printable could move a terminal's cursor.
func Show(s string) string { return Dimension{}.show(&s) }

// ParseFormat reads the name of a format.
func ParseFormat(s string) (Format, error) {
	switch f := Format(s); f {
	case Table, CSV, JSON, Markdown:
		return f, nil
	}
	return "", fmt.Errorf("format %q is not known: use table, csv, json or md", s)
}

// Write writes the report. Errors are those of w.
func (r *Report) Write(w io.Writer, f Format) error {
	var text string
	switch f {
	case Table:
		text = r.table()
	case CSV:
		text = r.csv()
	case JSON:
		text = r.json()
	case Markdown:
		text = r.markdown()
	default:
		_, err := ParseFormat(string(f))
		return err
	}
	_, err := io.WriteString(w, text)
	return err
}

// reasons say what a line without a cost means.
var reasons = []struct {
	reason        Reason
	name, meaning string
}{
	{NoPrice, "no price known", "tokens were counted, but the price list has no price for the model on that day"},
	{NoUsage, "no usage known", "the call may have cost something, but the provider sent no complete token count"},
	{NoCharge, "not charged", "refused by lakegate or by the provider before anything was used"},
}

func (l Line) name() string {
	for _, x := range reasons {
		if x.reason == l.Reason {
			return "unpriced: " + x.name
		}
	}
	return string(l.Class)
}

// grid is the report's table as text: numbers grouped and exact.
type grid struct {
	head   []string
	left   int // columns that are words, at the left
	rows   [][]string
	totals int // rows at the end that are sums
}

var numberHead = []string{"requests", "failed", "input tokens", "output tokens", "cached tokens", "cost USD"}

func (r *Report) grid() grid {
	g := grid{head: []string{"line"}, left: 1 + len(r.By), totals: 4}
	amounts := []*big.Int{r.Total.Cost}
	for _, d := range r.By {
		g.head = append(g.head, d.String())
	}
	g.head = append(g.head, numberHead...)
	for _, l := range r.Lines {
		amounts = append(amounts, l.Cost)
	}
	n := places(amounts)
	for _, l := range r.Lines {
		row := []string{l.name()}
		for i, v := range l.Group {
			row = append(row, r.By[i].show(v))
		}
		g.rows = append(g.rows, append(row, l.cells(n)...))
	}
	blank := make([]string, len(r.By))
	for _, c := range []Class{Allocated, Untagged, Unpriced} {
		g.rows = append(g.rows, append(append([]string{"sum of " + string(c)}, blank...), r.ByClass[c].cells(n)...))
	}
	g.rows = append(g.rows, append(append([]string{"total"}, blank...), r.Total.cells(n)...))
	return g
}

func (s Sums) cells(places int) []string {
	cells := []string{}
	for _, n := range []int64{s.Requests, s.Failed, s.Input, s.Output, s.Cached} {
		cells = append(cells, grouped(strconv.FormatInt(n, 10)))
	}
	return append(cells, grouped(dollars(s.Cost, places)))
}

// maxShown is how much of a value a page shows, in runes; CSV and JSON have it whole.
const maxShown = 60

// show makes a caller's text safe to print: what isn't printable could move a terminal's cursor.
func (d Dimension) show(v *string) string {
	if v == nil {
		return d.missing()
	}
	clean := []rune(strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return unicode.ReplacementChar
	}, *v))
	if len(clean) > maxShown {
		clean = append(clean[:maxShown-1], '…')
	}
	return string(clean)
}

// Equations are the two sums that the report stands for.
func (r *Report) Equations() []string {
	parts := []Sums{r.ByClass[Allocated], r.ByClass[Untagged], r.ByClass[Unpriced], r.Total}
	var costs []*big.Int
	for _, p := range parts {
		costs = append(costs, p.Cost)
	}
	n := places(costs)
	var money, calls []string
	for _, p := range parts {
		money = append(money, "$"+grouped(dollars(p.Cost, n)))
		calls = append(calls, grouped(strconv.FormatInt(p.Requests, 10)))
	}
	return []string{equation(money), equation(calls) + " requests"}
}

func equation(v []string) string {
	return "allocated " + v[0] + " + untagged " + v[1] + " + unpriced " + v[2] + " = total " + v[3]
}

// title is the first line above the table, facts are the others.
func (r *Report) title() string {
	if len(r.By) == 0 {
		return "Chargeback"
	}
	return "Chargeback by " + strings.Join(r.byNames(), ", ")
}

func (r *Report) byNames() []string {
	names := make([]string, len(r.By))
	for i, d := range r.By {
		names[i] = d.show(ptr(d.String()))
	}
	return names
}

func ptr(s string) *string { return &s }

func (r *Report) facts() []string {
	prices := "Prices: none were used."
	if len(r.PriceVersions) > 0 {
		prices = "Prices: list " + strings.Join(r.PriceVersions, ", ") + "."
	}
	newest := "No request in the period."
	if r.Newest != nil {
		newest = "Newest request: " + r.moment(*r.Newest) + "."
	}
	facts := []string{
		fmt.Sprintf("Period: %s to %s (not included), %s.", r.date(r.From), r.date(r.To), r.Location),
		prices,
		newest + " Report made: " + r.moment(r.Made) + ".",
	}
	if r.Made.Before(r.To) {
		facts = append(facts, "The period is not over yet.")
	}
	return append(facts, r.Remarks...)
}

func (r *Report) date(t time.Time) string { return t.In(r.Location).Format(time.DateOnly) }
func (r *Report) moment(t time.Time) string {
	return t.In(r.Location).Format("2006-01-02 15:04:05 MST")
}

// notes are the lines below the table, each with a reason to be there.
func (r *Report) notes() []string {
	var notes []string
	for _, x := range reasons {
		for _, l := range r.Lines {
			if l.Reason == x.reason {
				notes = append(notes, fmt.Sprintf("Unpriced, %s: %s. Such calls count as $0 above.", x.name, x.meaning))
				break
			}
		}
	}
	if g := r.Total.Generated; g > 0 {
		notes = append(notes, fmt.Sprintf("%s of these requests are generated demo data.", grouped(strconv.FormatInt(g, 10))))
	}
	return notes
}
