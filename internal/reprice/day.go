package reprice

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lakegate/lakegate/internal/datafile"
	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// known is what corrections have made of a request's cost.
type known struct {
	nanos   int64 // added up
	list    *int64
	version string
	at      int64
}

// day corrects the costs of one day's requests.
func (r *run) day(ctx context.Context, day string, files []*delta.Add) error {
	earlier, err := r.earlier(ctx, day)
	if err != nil {
		return err
	}
	w := newCorrections(r, day)
	defer w.release()
	for _, f := range files {
		err := r.each(ctx, r.ledger, f, r.Ledger, ledgerColumns, func(b *columns, i int) error {
			return r.row(b, i, day, earlier, w)
		})
		if err != nil {
			return err
		}
	}
	return w.store(ctx)
}

// earlier adds up the corrections that the day has already.
func (r *run) earlier(ctx context.Context, day string) (map[string]known, error) {
	out := map[string]known{}
	if r.before == nil {
		return out, nil
	}
	for f := range r.before.Files() {
		if f.PartitionValues[r.Corrections.PartitionBy] != day {
			continue
		}
		err := r.each(ctx, r.corrections, f, r.Corrections, correctionColumns, func(b *columns, i int) error {
			id := b.text("databricks_request_id", i)
			k := out[id]
			k.nanos += value(b.number("cost_nanos", i))
			if list := b.number("list_cost_nanos", i); list != nil {
				k.list = plus(k.list, *list)
			}
			if at := b.micros("corrected_at", i); at >= k.at {
				k.at, k.version = at, b.text("price_version", i)
			}
			out[id] = k
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func value(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// each reads the rows of a file.
func (r *run) each(ctx context.Context, t *delta.Table, f *delta.Add, declared *tableschema.Table, names []string, row func(*columns, int) error) error {
	src, err := objstore.NewReader(ctx, r.Store, t.Key(f.Path), f.Size)
	if err != nil {
		return fmt.Errorf("file %s: %w", f.Path, err)
	}
	cut := *declared
	cut.Columns, cut.PartitionBy, cut.SortBy = nil, "", nil
	for _, n := range names {
		c, _, ok := declared.Column(n)
		if !ok {
			return fmt.Errorf("table %s has no column %s", declared.Name, n)
		}
		cut.Columns = append(cut.Columns, c)
	}
	in, err := datafile.OpenReader(ctx, src, &cut)
	if err != nil {
		return fmt.Errorf("file %s: %w", f.Path, err)
	}
	defer in.Close()
	for {
		b, err := in.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("file %s: %w", f.Path, err)
		}
		c := newColumns(b)
		for i := range int(b.NumRows()) {
			if err := row(c, i); err != nil {
				b.Release()
				return err
			}
		}
		b.Release()
	}
}

// row prices one request again.
func (r *run) row(b *columns, i int, day string, earlier map[string]known, w *corrections) error {
	provider, model := b.text("provider", i), b.text("model", i)
	if r.o.Provider != "" && !strings.EqualFold(r.o.Provider, provider) || r.o.Model != "" && !strings.EqualFold(r.o.Model, model) {
		return nil
	}
	u := usage(b, i)
	if u.Source == inference.UsageNone || u.Source == "" {
		return nil
	}
	r.report.Rows++
	cost := r.Price(provider, model, time.UnixMicro(b.micros("request_time", i)).UTC(), u)
	if cost == nil {
		r.report.Unknown++
		return nil
	}
	if extra := b.number("extra_cost_nanos", i); extra != nil { // of other models' attempts, and it stays
		sum := *cost
		sum.NanoUSD += *extra
		if sum.ListNanoUSD != nil {
			sum.ListNanoUSD = plus(sum.ListNanoUSD, *extra)
		}
		cost = &sum
	}
	id := b.text("databricks_request_id", i)
	if cost.NanoUSD > maxNanos || value(cost.ListNanoUSD) > maxNanos {
		return fmt.Errorf("request %s would cost %d nano-dollars, more than the column holds: the price of %s %s is wrong", id, cost.NanoUSD, provider, model)
	}
	had, hadList, version := b.number("cost_nanos", i), b.number("list_cost_nanos", i), b.text("price_version", i)
	if k, ok := earlier[id]; ok {
		had, version = plus(had, k.nanos), k.version
		if k.list != nil {
			hadList = plus(hadList, *k.list)
		}
	}
	var list *int64 // a list price that was known stays, when the new list has none
	if cost.ListNanoUSD != nil && (hadList == nil || *hadList != *cost.ListNanoUSD) {
		list = plus(cost.ListNanoUSD, -value(hadList))
	}
	if had != nil && *had == cost.NanoUSD && list == nil {
		r.report.Same++
		return nil
	}
	if _, err := uuid.Parse(id); err != nil {
		return fmt.Errorf("a row of the ledger has the id %q, which is none", id)
	}
	g := r.group(day, provider, model)
	g.Rows++
	g.Before += value(had)
	g.After += cost.NanoUSD
	if had == nil {
		r.report.Priced++
	} else {
		r.report.Corrected++
	}
	if r.o.DryRun {
		return nil
	}
	return w.add(id, cost.NanoUSD-value(had), list, cost.PriceVersion, had, version)
}

// maxNanos is the largest cost that fits the ledger's DECIMAL(18,9): just under a billion dollars.
const maxNanos = 999_999_999_999_999_999

func plus(n *int64, more int64) *int64 {
	sum := value(n) + more
	return &sum
}
