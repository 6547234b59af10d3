package report

import (
	"encoding/csv"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// csv writes RFC 4180: one row per line, then the sums of the three classes and the total. Every
// row says what period and prices it is of, so that files of several months can be put together.
func (r *Report) csv() string {
	var s strings.Builder
	w := csv.NewWriter(&s)
	w.UseCRLF = true
	write := func(record []string) { _ = w.Write(record) } // a strings.Builder takes everything

	fixed := []string{"row", "line", "reason"}
	rest := []string{
		"requests", "failed_requests", "generated_requests", "input_tokens", "output_tokens", "cached_input_tokens", "cost_nanos", "cost_usd",
		"price_versions", "period_from", "period_to", "time_zone", "newest_request", "made_at",
	}
	for _, c := range r.Columns {
		rest = append(rest, c.Name)
	}
	head := slices.Clone(fixed)
	for _, d := range r.By {
		head = append(head, d.column(fixed, rest))
	}
	write(append(head, rest...))
	meta := []string{strings.Join(r.PriceVersions, " "), r.date(r.From), r.date(r.To), r.Location.String(), r.newest(), r.stamp(r.Made)}
	for _, c := range r.Columns {
		meta = append(meta, spreadsheet(&c.Value))
	}
	for _, l := range r.Lines {
		row := []string{"line", string(l.Class), string(l.Reason)}
		for _, v := range l.Group {
			row = append(row, spreadsheet(v))
		}
		write(slices.Concat(row, l.machine(), meta))
	}
	blank := make([]string, len(r.By))
	for _, c := range []Class{Allocated, Untagged, Unpriced} {
		write(slices.Concat([]string{"sum", string(c), ""}, blank, r.ByClass[c].machine(), meta))
	}
	write(slices.Concat([]string{"total", "allocated + untagged + unpriced", ""}, blank, r.Total.machine(), meta))
	w.Flush()
	return s.String()
}

func (s Sums) machine() []string {
	var cells []string
	for _, n := range []int64{s.Requests, s.Failed, s.Generated, s.Input, s.Output, s.Cached} {
		cells = append(cells, strconv.FormatInt(n, 10))
	}
	return append(cells, s.Cost.String(), dollars(s.Cost, decimals))
}

// column is the name of the dimension's column; a tag never takes the name of another column.
func (d Dimension) column(taken ...[]string) string {
	for _, names := range taken {
		if slices.Contains(names, d.String()) {
			return "tag:" + d.tag
		}
	}
	return d.String()
}

// spreadsheet is a value as a cell: a quote goes before what a spreadsheet would run as a formula,
// for callers choose the values of tags. No value is an empty cell.
func spreadsheet(v *string) string {
	if v == nil {
		return ""
	}
	if *v != "" && strings.ContainsRune("=+-@\t\r", rune((*v)[0])) {
		return "'" + *v
	}
	return *v
}

// stamp is a moment for programs: RFC 3339 in the report's zone.
func (r *Report) stamp(t time.Time) string { return t.In(r.Location).Format(time.RFC3339) }

func (r *Report) newest() string {
	if r.Newest == nil {
		return ""
	}
	return r.stamp(*r.Newest)
}

// The JSON document; docs/chargeback.md describes it. Money is text: a number of nano-dollars may
// be more than a float64 holds.
type jsonReport struct {
	Report        string              `json:"report"`
	By            []string            `json:"by"`
	From          string              `json:"from"`
	To            string              `json:"to"`
	TimeZone      string              `json:"time_zone"`
	MadeAt        string              `json:"made_at"`
	NewestRequest *string             `json:"newest_request"`
	PriceVersions []string            `json:"price_versions"`
	Lines         []jsonLine          `json:"lines"`
	Sums          map[string]jsonSums `json:"sums"`
	Equations     []string            `json:"equations"`
}

type jsonLine struct {
	Line   string             `json:"line"`
	Reason string             `json:"reason,omitempty"`
	Group  map[string]*string `json:"group"`
	jsonSums
}

type jsonSums struct {
	Requests  int64  `json:"requests"`
	Failed    int64  `json:"failed_requests"`
	Generated int64  `json:"generated_requests"`
	Input     int64  `json:"input_tokens"`
	Output    int64  `json:"output_tokens"`
	Cached    int64  `json:"cached_input_tokens"`
	CostNanos string `json:"cost_nanos"`
	CostUSD   string `json:"cost_usd"`
}

func (s Sums) json() jsonSums {
	return jsonSums{s.Requests, s.Failed, s.Generated, s.Input, s.Output, s.Cached, s.Cost.String(), dollars(s.Cost, decimals)}
}

func (r *Report) json() string {
	doc := jsonReport{
		Report: "chargeback", By: []string{}, From: r.stamp(r.From), To: r.stamp(r.To), TimeZone: r.Location.String(), MadeAt: r.stamp(r.Made),
		PriceVersions: append([]string{}, r.PriceVersions...), Lines: []jsonLine{}, Equations: r.Equations(),
		Sums: map[string]jsonSums{"total": r.Total.json()},
	}
	if r.Newest != nil {
		doc.NewestRequest = ptr(r.newest())
	}
	for _, d := range r.By {
		doc.By = append(doc.By, d.String())
	}
	for c, s := range r.ByClass {
		doc.Sums[string(c)] = s.json()
	}
	for _, l := range r.Lines {
		group := map[string]*string{}
		for i, v := range l.Group {
			group[doc.By[i]] = v
		}
		doc.Lines = append(doc.Lines, jsonLine{string(l.Class), string(l.Reason), group, l.Sums.json()})
	}
	b, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		panic(err) // strings and integers always marshal
	}
	return string(b) + "\n"
}
