// Package report makes the chargeback report: what was spent in a period, by team, model,
// requester or any other tag or column, from the ledger system.serving.endpoint_usage.
//
// Every request of the period is on exactly one line. A line is allocated (its cost and every tag
// asked for are known), untagged (its cost is known, a tag is missing) or unpriced (its cost is
// not known, with the reason). Chargeback proves that the lines add up before it returns: to the
// requests, tokens and nano-dollars of one independent sum over the same rows, and to the sum of
// the column cost. Money is integer nano-dollars from the ledger to the printed page.
//
// The day belongs to the caller's time zone. Its boundaries, summer time included, are computed
// here and sent as UTC instants, so that no engine's idea of time zones matters.
//
// The package runs no SQL itself: Runner does, and is declared here. Everything is safe for
// concurrent use. Fakes: any Runner; the tests have one that evaluates the query's meaning in Go.
package report

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// Runner runs one SELECT in Databricks' dialect with the rights of whoever asked for the report.
type Runner interface {
	Query(ctx context.Context, sql string) (Rows, error)
}

// Rows is a result: every cell is text as SQL prints it, nil for NULL. Truncated says that a row
// limit cut rows off; the report then fails rather than leave spend out.
type Rows struct {
	Columns   []string
	Values    [][]*string
	Truncated bool
}

// Options say what to report on.
type Options struct {
	By       []Dimension
	From, To time.Time      // To is not included; ParsePeriod makes both from calendar dates
	Location *time.Location // of days and months, and of printed times
	Made     time.Time      // when the report is made; printed
	AsOf     *AsOf          // the version of the ledger to read; nil for the newest, unlanded rows included
}

// ErrUnbalanced says that the lines do not add up to the ledger. Nothing is reported then.
var ErrUnbalanced = errors.New("the report does not add up to the ledger")

// maxPeriod keeps a slip of the keyboard from becoming a query per day of the Roman empire.
const maxPeriod = 20 * 366 * 24 * time.Hour

func (o Options) validate() error {
	switch {
	case o.Location == nil:
		return errors.New("chargeback: no time zone")
	case !o.From.Before(o.To):
		return fmt.Errorf("chargeback: the period is empty: from %s to %s", o.From.In(o.Location).Format(time.DateOnly), o.To.In(o.Location).Format(time.DateOnly))
	case o.To.Sub(o.From) > maxPeriod:
		return fmt.Errorf("chargeback: the period from %s to %s is longer than 20 years", o.From.In(o.Location).Format(time.DateOnly), o.To.In(o.Location).Format(time.DateOnly))
	}
	return nil
}

// Line is one line of the report.
type Line struct {
	Class  Class
	Reason Reason    // why there is no cost, for Unpriced
	Group  []*string // one value per Options.By; nil where the row has none
	Sums
}

// Class is which part of the equation a line belongs to.
type Class string

// The classes.
const (
	Allocated Class = "allocated"
	Untagged  Class = "untagged"
	Unpriced  Class = "unpriced"
)

// Reason says why the cost of a line is not known.
type Reason string

// The reasons.
const (
	NoPrice  Reason = "no_price"  // tokens are known, the model's price is not
	NoUsage  Reason = "no_usage"  // the provider may have worked, but sent no complete count
	NoCharge Reason = "no_charge" // refused by lakegate or by the provider: nothing to pay is expected
)

// Sums are the numbers of one line or of several.
type Sums struct {
	Requests  int64
	Failed    int64 // requests that did not end ok
	Generated int64 // requests that are made-up history of the demo
	Input     int64 // known input tokens, cached ones included
	Output    int64 // known output tokens
	Cached    int64 // known input tokens read from a prompt cache
	Cost      *big.Int
}

func (s *Sums) add(o Sums) {
	s.Requests += o.Requests
	s.Failed += o.Failed
	s.Generated += o.Generated
	s.Input += o.Input
	s.Output += o.Output
	s.Cached += o.Cached
	if s.Cost == nil {
		s.Cost = new(big.Int)
	}
	if o.Cost != nil {
		s.Cost.Add(s.Cost, o.Cost)
	}
}

func (s Sums) equal(o Sums) bool {
	costs := s.Cost.Cmp(o.Cost) == 0
	s.Cost, o.Cost = nil, nil
	return costs && s == o
}

// Report is a finished chargeback report. Its lines add up; it must not be changed.
type Report struct {
	Options
	Lines         []Line // allocated, then untagged, then unpriced
	ByClass       map[Class]Sums
	Total         Sums       // of the ledger, not of the lines; they are equal
	PriceVersions []string   // of the price lists that costs come from, sorted
	Prices        []PriceUse // the same with what each was used for
	Newest        *time.Time // the newest request of the period, nil when it has none

	// What the maker of a Report may add: lines above the table for people, and columns of the CSV.
	Remarks []string
	Columns []Column
}

// Column is a value that every row of the CSV has.
type Column struct{ Name, Value string }

// PriceUse is what one version of the price list was used for.
type PriceUse struct {
	Version string
	Sums
}

// Chargeback runs the report. Errors are the Runner's, those of a result that isn't what was
// asked for, and ErrUnbalanced.
func Chargeback(ctx context.Context, run Runner, o Options) (*Report, error) {
	return build(o, func(w window) (Rows, error) { return run.Query(ctx, query(o.By, w, o.AsOf)) })
}
