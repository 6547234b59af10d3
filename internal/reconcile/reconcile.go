// Package reconcile compares what a provider says was used, or cost, with what the ledger says, by
// UTC day and model.
//
// Read takes the provider's own report: the pages of OpenAI's usage and costs API, of Anthropic's
// usage and cost report API, or a CSV file with a header. It refuses what it does not know, naming
// the place; nothing is guessed. Compare puts both sides next to each other. A number that one side
// doesn't have is not compared; money is in nano-dollars, read digit for digit and rounded once a
// day and model.
//
// Pure functions; the shapes are those of platform.openai.com/docs/api-reference/usage and
// docs.claude.com/en/api/admin-api (November 2026).
package reconcile

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// Row is what one side says of one model on one day. Nil is not said.
type Row struct {
	Day      string // 2026-11-20, UTC
	Model    string
	Requests *int64
	Input    *int64 // all input tokens, cached and cache-written ones included
	Output   *int64
	Cached   *int64 // read from the cache
	Written  *int64 // written to the cache
	Nanos    *int64 // nano-dollars

	dollars *big.Rat // while rows are added up
}

// add adds up counts; a count that only one has is that one's.
func (r *Row) add(o *Row) {
	for _, p := range [...]struct{ to, from **int64 }{
		{&r.Requests, &o.Requests}, {&r.Input, &o.Input}, {&r.Output, &o.Output}, {&r.Cached, &o.Cached}, {&r.Written, &o.Written},
	} {
		switch {
		case *p.from == nil:
		case *p.to == nil:
			n := **p.from
			*p.to = &n
		default:
			**p.to += **p.from
		}
	}
	if o.dollars != nil {
		if r.dollars == nil {
			r.dollars = new(big.Rat)
		}
		r.dollars.Add(r.dollars, o.dollars)
	}
}

// sum makes one row of each day and model, in order.
func sum(rows []Row) ([]Row, error) {
	index := map[[2]string]int{}
	var out []Row
	for i := range rows {
		k := [2]string{rows[i].Day, strings.ToLower(rows[i].Model)}
		at, ok := index[k]
		if !ok {
			at = len(out)
			index[k] = at
			out = append(out, Row{Day: rows[i].Day, Model: rows[i].Model})
		}
		out[at].add(&rows[i])
	}
	for i := range out {
		if d := out[i].dollars; d != nil {
			n, ok := nanos(d)
			if !ok {
				return nil, fmt.Errorf("%s on %s costs more than can be counted", out[i].Model, out[i].Day)
			}
			out[i].Nanos = &n
		}
	}
	slices.SortFunc(out, func(a, b Row) int { return cmp.Or(strings.Compare(a.Day, b.Day), strings.Compare(a.Model, b.Model)) })
	return out, nil
}

// nanos rounds half up.
func nanos(d *big.Rat) (int64, bool) {
	x := new(big.Rat).Mul(d, big.NewRat(1_000_000_000, 1))
	x.Add(x, big.NewRat(1, 2))
	q := new(big.Int).Div(x.Num(), x.Denom()) // floors, below zero too
	return q.Int64(), q.IsInt64()
}

// Diff is one day and model, on both sides.
type Diff struct {
	Day    string `json:"day"`
	Model  string `json:"model"`
	Theirs *Row   `json:"provider,omitempty"` // nil: the provider doesn't know it
	Ours   *Row   `json:"ledger,omitempty"`   // nil: the ledger doesn't
	// Off names what differs by more than the tolerance: requests, input, output, cached, written, cost.
	Off []string `json:"off,omitempty"`
}

// Compare puts the provider's rows beside the ledger's. tolerance is the difference that is let pass,
// as a part of the larger number: 0.01 is a percent. Requests are compared only where asked for:
// providers count failed ones in ways of their own.
func Compare(theirs, ours []Row, tolerance float64, requests bool) []Diff {
	type pair struct{ theirs, ours *Row }
	pairs := map[[2]string]*pair{}
	at := func(r *Row) *pair {
		k := [2]string{r.Day, strings.ToLower(r.Model)}
		if pairs[k] == nil {
			pairs[k] = &pair{}
		}
		return pairs[k]
	}
	for i := range theirs {
		at(&theirs[i]).theirs = &theirs[i]
	}
	for i := range ours {
		at(&ours[i]).ours = &ours[i]
	}
	var out []Diff
	for _, p := range pairs {
		d := Diff{Theirs: p.theirs, Ours: p.ours}
		known := cmp.Or(p.theirs, p.ours)
		d.Day, d.Model = known.Day, known.Model
		d.Off = off(p.theirs, p.ours, tolerance, requests)
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b Diff) int { return cmp.Or(strings.Compare(a.Day, b.Day), strings.Compare(a.Model, b.Model)) })
	return out
}

// off names what differs. A side that is not there has used nothing.
func off(theirs, ours *Row, tolerance float64, requests bool) []string {
	var none Row
	t, o := theirs, ours
	if t == nil {
		t = &none
	}
	if o == nil {
		o = &none
	}
	var out []string
	for _, c := range [...]struct {
		name string
		a, b *int64
	}{
		{"requests", t.Requests, o.Requests},
		{"input", t.Input, o.Input},
		{"output", t.Output, o.Output},
		{"cached", t.Cached, o.Cached},
		{"written", t.Written, o.Written},
		{"cost", t.Nanos, o.Nanos},
	} {
		if c.name == "requests" && !requests || c.a == nil && theirs != nil || c.b == nil && ours != nil {
			continue
		}
		a, b := value(c.a), value(c.b)
		if diff := max(a-b, b-a); diff > 0 && float64(diff) > tolerance*float64(max(a, b, -a, -b)) {
			out = append(out, c.name)
		}
	}
	return out
}

func value(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}
