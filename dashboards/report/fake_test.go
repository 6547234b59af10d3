package report

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// call is a row of the ledger, as far as the report reads it.
type call struct {
	time                        time.Time
	endpoint, model, requester  string
	usageContext, keyTags       map[string]string
	outcome, task, version      string
	status                      int
	input, output, cached, cost *int64
	generated                   bool
}

func n(v int64) *int64 { return &v }

// evaluate does in Go what query asks SQL for.
func evaluate(by []Dimension, w window, calls []call) Rows {
	type group struct {
		cells  []*string
		sums   Sums
		newest time.Time
	}
	groups, order := map[string]*group{}, []string{}
	total := &group{sums: Sums{Cost: new(big.Int)}}
	for _, c := range calls {
		if c.time.Before(w.from) || !c.time.Before(w.to) {
			continue
		}
		var cells []*string
		tagged := true
		for _, d := range by {
			v := c.value(d, w)
			cells = append(cells, v)
			tagged = tagged && (v != nil || d.tag == "")
		}
		cells = append(cells, ptr(c.line(tagged)), orNil(c.version))
		key := ""
		for _, v := range cells {
			if v != nil {
				key += strconv.Quote(*v)
			}
			key += ","
		}
		if groups[key] == nil {
			groups[key] = &group{cells: cells, sums: Sums{Cost: new(big.Int)}}
			order = append(order, key)
		}
		for _, g := range []*group{groups[key], total} {
			g.sums.add(c.sums())
			if c.time.After(g.newest) {
				g.newest = c.time
			}
		}
	}
	var rows Rows
	for _, key := range order {
		g := groups[key]
		rows.Values = append(rows.Values, append(g.cells, cellsOf(g.sums, nil, g.newest)...))
	}
	cells := make([]*string, len(by), len(by)+12)
	cells = append(cells, ptr(totalLine), nil)
	rows.Values = append(rows.Values, append(cells, cellsOf(total.sums, total.sums.Cost, total.newest)...))
	return rows
}

func (c call) value(d Dimension, w window) *string {
	switch {
	case d.tag != "":
		if v := c.usageContext[d.tag]; v != "" {
			return &v
		}
		return orNil(c.keyTags[d.tag])
	case d.name == "day" || d.name == "month":
		return ptr(w.name(d.name, c.time))
	case d.name == "endpoint":
		return orNil(c.endpoint)
	case d.name == "model":
		return orNil(c.model)
	case d.name == "requester":
		return orNil(c.requester)
	}
	panic("the test's ledger has no " + d.name)
}

func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (c call) line(tagged bool) string {
	switch {
	case c.cost != nil && tagged:
		return "allocated"
	case c.cost != nil:
		return "untagged"
	case c.input != nil && (c.output != nil || c.task == "llm/v1/embeddings"):
		return "no_price"
	case c.outcome == "refused" || c.outcome == "upstream_error" && c.status >= 400:
		return "no_charge"
	}
	return "no_usage"
}

func (c call) sums() Sums {
	s := Sums{Requests: 1, Cost: new(big.Int)}
	if c.outcome != "ok" {
		s.Failed = 1
	}
	if c.generated {
		s.Generated = 1
	}
	for dst, v := range map[*int64]*int64{&s.Input: c.input, &s.Output: c.output, &s.Cached: c.cached} {
		if v != nil {
			*dst = *v
		}
	}
	if c.cost != nil {
		s.Cost.SetInt64(*c.cost)
	}
	return s
}

func cellsOf(s Sums, cost *big.Int, newest time.Time) []*string {
	var cells []*string
	for _, v := range []int64{s.Requests, s.Failed, s.Generated, s.Input, s.Output, s.Cached} {
		cells = append(cells, ptr(strconv.FormatInt(v, 10)))
	}
	cells = append(cells, ptr(s.Cost.String()))
	if cost == nil || s.Requests == 0 {
		cells = append(cells, nil)
	} else {
		cells = append(cells, ptr(dollars(cost, 9)))
	}
	if newest.IsZero() {
		return append(cells, nil)
	}
	return append(cells, ptr(newest.UTC().Format("2006-01-02 15:04:05.999999+00")))
}

// eval evaluates the nested CASEs that a window makes for days and months.
func eval(expr string, at time.Time) (string, error) {
	v, rest, err := evalPart(expr, at)
	if err == nil && rest != "" {
		err = fmt.Errorf("%q is left over", rest)
	}
	return v, err
}

func evalPart(expr string, at time.Time) (value, rest string, err error) {
	if s, ok := strings.CutPrefix(expr, "'"); ok {
		v, rest, _ := strings.Cut(s, "'")
		return v, rest, nil
	}
	s, ok := strings.CutPrefix(expr, "CASE WHEN request_time < TIMESTAMP '")
	if !ok {
		return "", "", fmt.Errorf("%.60q is neither a string nor a CASE", expr)
	}
	text, s, _ := strings.Cut(s, "' THEN ")
	bound, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return "", "", err
	}
	yes, s, err := evalPart(s, at)
	if err != nil {
		return "", "", err
	}
	no, s, err := evalPart(strings.TrimPrefix(s, " ELSE "), at)
	if at.Before(bound) {
		no = yes
	}
	return no, strings.TrimPrefix(s, " END"), err
}
