// Package reprice computes the costs of requests that are in the ledger again, by another price
// list, and writes the differences as rows of a table of corrections.
//
// Nothing of the ledger is changed: a correction is a new row, with what is added to the cost it
// corrects, so that sums over both are right and everybody can see what was corrected, when, by
// whom and why. Corrections of a request add up; doing the same twice writes nothing the second
// time. Costs that the new list doesn't know stay as they are, and are counted.
//
// All corrections of one Run are one commit, which is refused when somebody else corrected costs
// meanwhile (ErrMeanwhile): run it again. Rows that are still in the log of a gateway are not seen.
// A Run holds one day's corrections and one batch of the ledger in memory. It reads objects and
// needs no gateway; the fake is memstore.
package reprice

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// ErrMeanwhile says that somebody else corrected costs between reading and writing.
var ErrMeanwhile = errors.New("somebody else corrected costs meanwhile; run it again")

// Config is where the tables are and what requests cost.
type Config struct {
	Store       objstore.Store
	Ledger      *tableschema.Table // system.serving.endpoint_usage
	Corrections *tableschema.Table // system.serving.cost_corrections
	// Price returns what a usage costs, nil when that is not known.
	Price func(provider, model string, at time.Time, u inference.Usage) *inference.Cost
	Now   func() time.Time
}

// Options say which requests, and who wants it why.
type Options struct {
	From, To        time.Time // UTC days, the second not included; zero is without bound
	Provider, Model string    // "" for all
	DryRun          bool
	By, Reason      string
}

// Report is what a Run found.
type Report struct {
	LedgerVersion int64   `json:"ledger_version"`
	Version       int64   `json:"corrections_version"` // -1 when nothing was written
	Rows          int64   `json:"rows"`                // that have a usage, in the days asked for
	Same          int64   `json:"same"`                // whose cost stays
	Corrected     int64   `json:"corrected"`           // whose cost was another
	Priced        int64   `json:"priced"`              // whose cost was not known
	Unknown       int64   `json:"unknown"`             // that the price list doesn't know
	Nanos         int64   `json:"difference_nanos"`    // what the corrections add up to
	Groups        []Group `json:"groups"`              // by day, provider and model, those with corrections
}

// Group is the corrections of one model on one day.
type Group struct {
	Day      string `json:"day"`
	Provider string `json:"provider"`
	Model    string `json:"model"`
	Rows     int64  `json:"rows"`
	Before   int64  `json:"before_nanos"` // what was known of the cost
	After    int64  `json:"after_nanos"`
}

// appID names the transactions that count the commits of corrections.
const appID = "lakegate.reprice"

// Run compares the costs of the requests with what they cost now, and writes the differences.
func Run(ctx context.Context, c Config, o Options) (*Report, error) {
	ledger, err := delta.Open(ctx, c.Store, c.Ledger.Name.Path())
	if errors.Is(err, delta.ErrNotTable) {
		return nil, fmt.Errorf("there is no ledger yet: no table %s: %w", c.Ledger.Name, err)
	}
	if err != nil {
		return nil, err
	}
	defer ledger.Close()
	r := &run{Config: c, o: o, ledger: ledger, groups: map[groupKey]*Group{}}
	if err := r.openCorrections(ctx); err != nil {
		return nil, err
	}
	if r.corrections != nil {
		defer r.corrections.Close()
	}
	s := ledger.Snapshot()
	r.report = &Report{LedgerVersion: s.Version, Version: -1}
	files := r.byDay(s)
	for _, day := range slices.Sorted(keys(files)) {
		if err := r.day(ctx, day, files[day]); err != nil {
			return nil, fmt.Errorf("costs of %s: %w", day, err)
		}
	}
	if err := r.commit(ctx); err != nil {
		return nil, err
	}
	for _, g := range r.groups {
		r.report.Groups = append(r.report.Groups, *g)
		r.report.Nanos += g.After - g.Before
	}
	slices.SortFunc(r.report.Groups, func(a, b Group) int {
		return strings.Compare(a.Day+"\x00"+a.Provider+"\x00"+a.Model, b.Day+"\x00"+b.Provider+"\x00"+b.Model)
	})
	return r.report, nil
}

func keys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// run is one Run under way.
type run struct {
	Config
	o           Options
	ledger      *delta.Table
	corrections *delta.Table // nil in a dry run on a lake without any
	before      *delta.Snapshot
	adds        []delta.Add
	report      *Report
	groups      map[groupKey]*Group
}

type groupKey struct{ day, provider, model string }

func (r *run) openCorrections(ctx context.Context) (err error) {
	if r.o.DryRun {
		r.corrections, err = delta.Open(ctx, r.Store, r.Corrections.Name.Path())
		if errors.Is(err, delta.ErrNotTable) {
			r.corrections, err = nil, nil
		}
	} else {
		r.corrections, err = delta.OpenOrCreate(ctx, r.Store, r.Corrections, delta.Options{})
	}
	if err == nil && r.corrections != nil {
		r.before = r.corrections.Snapshot()
	}
	return err
}

// byDay returns the ledger's files of the days asked for.
func (r *run) byDay(s *delta.Snapshot) map[string][]*delta.Add {
	out := map[string][]*delta.Add{}
	for f := range s.Files() {
		day := f.PartitionValues[r.Ledger.PartitionBy]
		t, err := time.Parse(time.DateOnly, day)
		if err != nil || !r.o.From.IsZero() && t.Before(r.o.From) || !r.o.To.IsZero() && !t.Before(r.o.To) {
			continue
		}
		out[day] = append(out[day], f)
	}
	return out
}

// commit makes the corrections known, all or none.
func (r *run) commit(ctx context.Context) error {
	if len(r.adds) == 0 {
		return nil
	}
	last := r.before.Txns[appID]
	info := map[string]string{"reason": r.o.Reason, "by": r.o.By}
	s, err := r.corrections.Append(ctx, r.adds, delta.Txn{AppID: appID, Version: last + 1, After: &last}, info)
	if errors.Is(err, delta.ErrTxnOrder) || errors.Is(err, delta.ErrTxnDone) {
		return fmt.Errorf("%w (%w)", ErrMeanwhile, err)
	}
	if err != nil {
		return err
	}
	r.report.Version = s.Version
	return nil
}

func (r *run) group(day, provider, model string) *Group {
	k := groupKey{day, provider, model}
	g := r.groups[k]
	if g == nil {
		g = &Group{Day: day, Provider: provider, Model: model}
		r.groups[k] = g
	}
	return g
}
