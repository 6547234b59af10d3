package reprice_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lakegate/lakegate/internal/datafile"
	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
	"github.com/lakegate/lakegate/internal/reprice"
	systemtables "github.com/lakegate/lakegate/system_tables"
)

var day = time.Date(2026, 11, 3, 10, 0, 0, 0, time.UTC)

func n(v int64) *int64 { return &v }

// record is a request of the day that used input and output tokens, nil for unknown.
func record(at time.Time, model string, input, output *int64, cost *inference.Cost) *inference.Record {
	r := &inference.Record{ID: inference.NewID(), Time: at, Outcome: inference.OK, Cost: cost}
	r.Target.Provider, r.Target.Model = "openai", model
	r.Usage = inference.Usage{Source: inference.UsageProvider, Input: input, Output: output}
	if input == nil {
		r.Usage = inference.Usage{Source: inference.UsageNone}
	}
	return r
}

// ledger writes the records as one file of each of their days.
func ledger(t *testing.T, s objstore.Store, records ...*inference.Record) {
	t.Helper()
	ctx, table := context.Background(), systemtables.EndpointUsage()
	d, err := delta.OpenOrCreate(ctx, s, table, delta.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	feed := systemtables.NewUsageFeed(systemtables.DefaultConfig())
	for _, rec := range records {
		b := array.NewRecordBuilder(memory.DefaultAllocator, table.Arrow())
		if err := feed.Append(b, inference.Fact{Record: rec}); err != nil {
			t.Fatal(err)
		}
		f, err := datafile.Encode(b.NewRecordBatch(), table, datafile.Options{})
		if err != nil {
			t.Fatal(err)
		}
		partition := map[string]string{"request_date": rec.Time.Format(time.DateOnly)}
		path := delta.DataFileName(partition, 1, "11111111")
		if _, err := s.Put(ctx, d.Key(path), f.Data); err != nil {
			t.Fatal(err)
		}
		add := delta.Add{Path: path, PartitionValues: partition, Size: int64(len(f.Data)), Rows: 1, Stats: f.Stats}
		if _, err := d.Append(ctx, []delta.Add{add}, delta.Txn{}, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// config prices a token at so many nano-dollars, and knows no model called secret.
func config(s objstore.Store, perToken int64, version string) reprice.Config {
	return reprice.Config{
		Store: s, Ledger: systemtables.EndpointUsage(), Corrections: systemtables.CostCorrections(), Now: func() time.Time { return day.AddDate(0, 0, 9) },
		Price: func(_, model string, _ time.Time, u inference.Usage) *inference.Cost {
			if model == "secret" {
				return nil
			}
			return &inference.Cost{NanoUSD: perToken * (*u.Input + *u.Output), ListNanoUSD: n(2 * perToken * (*u.Input + *u.Output)), PriceVersion: version}
		},
	}
}

type correction struct {
	nanos, list int64
	version     string
}

// corrections reads the table back.
func corrections(t *testing.T, s objstore.Store) map[string][]correction {
	t.Helper()
	ctx := context.Background()
	d, err := delta.Open(ctx, s, systemtables.CostCorrections().Name.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	out := map[string][]correction{}
	for f := range d.Snapshot().Files() {
		src, err := objstore.NewReader(ctx, s, d.Key(f.Path), f.Size)
		if err != nil {
			t.Fatal(err)
		}
		tb, err := datafile.ReadColumns(ctx, src, "databricks_request_id", "cost_nanos", "list_cost_nanos", "price_version", "cost")
		if err != nil {
			t.Fatal(err)
		}
		col := func(name string) any { return tb.Column(tb.Schema().FieldIndices(name)[0]).Data().Chunk(0) }
		ids, nanos, list := col("databricks_request_id").(*array.String), col("cost_nanos").(*array.Int64), col("list_cost_nanos").(*array.Int64)
		for i := range ids.Len() {
			c := correction{nanos.Value(i), list.Value(i), col("price_version").(*array.String).Value(i)}
			if d := col("cost").(*array.Decimal128).Value(i).BigInt().Int64(); d != c.nanos {
				t.Errorf("cost has the digits %d beside %d nano-dollars", d, c.nanos)
			}
			out[ids.Value(i)] = append(out[ids.Value(i)], c)
		}
	}
	return out
}

func TestDifferencesAreWrittenOnce(t *testing.T) {
	s, ctx := memstore.New(), context.Background()
	same := record(day, "m", n(10), n(0), &inference.Cost{NanoUSD: 30, ListNanoUSD: n(60), PriceVersion: "old"})
	dear := record(day, "m", n(10), n(5), &inference.Cost{NanoUSD: 100, PriceVersion: "old"})
	unpriced := record(day.AddDate(0, 0, 1), "m", n(7), n(0), nil)
	unknown := record(day, "secret", n(7), n(0), &inference.Cost{NanoUSD: 5, PriceVersion: "old"})
	noUsage := record(day, "m", nil, nil, nil)
	before := record(day.AddDate(0, 0, -9), "m", n(7), n(0), nil)
	ledger(t, s, same, dear, unpriced, unknown, noUsage, before)
	o := reprice.Options{From: day.Truncate(24 * time.Hour), By: "ann", Reason: "new contract"}

	dry := o
	dry.DryRun = true
	planned, err := reprice.Run(ctx, config(s, 3, "new"), dry)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := delta.Open(ctx, s, systemtables.CostCorrections().Name.Path()); !errors.Is(err, delta.ErrNotTable) {
		t.Errorf("a dry run made the table: %v", err)
	}
	done, err := reprice.Run(ctx, config(s, 3, "new"), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*reprice.Report{planned, done} {
		if r.Rows != 4 || r.Same != 1 || r.Corrected != 1 || r.Priced != 1 || r.Unknown != 1 || r.Nanos != (45-100)+21 || len(r.Groups) != 2 {
			t.Errorf("report %+v", r)
		}
	}
	got := corrections(t, s)
	want := map[string]correction{dear.ID.String(): {-55, 90, "new"}, unpriced.ID.String(): {21, 42, "new"}}
	if len(got) != len(want) {
		t.Errorf("%d requests are corrected, want %d", len(got), len(want))
	}
	for id, w := range want {
		if len(got[id]) != 1 || got[id][0] != w {
			t.Errorf("corrections of %s: %v, want %v", id, got[id], w)
		}
	}

	again, err := reprice.Run(ctx, config(s, 3, "new"), o)
	if err != nil {
		t.Fatal(err)
	}
	if again.Corrected != 0 || again.Priced != 0 || again.Same != 3 || again.Version != -1 {
		t.Errorf("the second time: %+v", again)
	}
	back, err := reprice.Run(ctx, config(s, 1, "newer"), o)
	if err != nil {
		t.Fatal(err)
	}
	if back.Corrected != 3 || back.Nanos != (10-30)+(15-45)+(7-21) {
		t.Errorf("another list: %+v", back)
	}
	if c := corrections(t, s)[dear.ID.String()]; len(c) != 2 || c[0].nanos+c[1].nanos != 15-100 {
		t.Errorf("corrections add up wrong: %v", c)
	}
}

// What attempts cost whose answer nobody got stays: the ledger has no counts to price them by.
func TestCostsOfOtherAttemptsStay(t *testing.T) {
	s := memstore.New()
	raced := record(day, "m", n(10), n(5), &inference.Cost{NanoUSD: 107, ListNanoUSD: n(207), PriceVersion: "old"})
	raced.ExtraNanoUSD = n(7)
	lost := record(day, "m", nil, nil, &inference.Cost{NanoUSD: 9, PriceVersion: "old"})
	lost.ExtraNanoUSD = n(9)
	same := record(day, "m", n(1), n(0), &inference.Cost{NanoUSD: 8, ListNanoUSD: n(11), PriceVersion: "old"})
	same.ExtraNanoUSD = n(5)
	ledger(t, s, raced, lost, same)
	if _, err := reprice.Run(context.Background(), config(s, 3, "new"), reprice.Options{}); err != nil {
		t.Fatal(err)
	}
	got := corrections(t, s)
	if c := got[raced.ID.String()]; len(got) != 1 || len(c) != 1 || c[0] != (correction{45 + 7 - 107, 90 + 7 - 207, "new"}) {
		t.Errorf("corrections %v", got)
	}
}

func TestOnlyWhatWasAskedFor(t *testing.T) {
	s := memstore.New()
	ledger(t, s, record(day, "a", n(1), n(1), nil), record(day, "b", n(1), n(1), nil))
	r, err := reprice.Run(context.Background(), config(s, 1, "v"), reprice.Options{Model: "B"})
	if err != nil || r.Rows != 1 || r.Priced != 1 || len(r.Groups) != 1 || r.Groups[0].Model != "b" {
		t.Errorf("report %+v, %v", r, err)
	}
	r, err = reprice.Run(context.Background(), config(s, 1, "v"), reprice.Options{To: day.Truncate(24 * time.Hour)})
	if err != nil || r.Rows != 0 {
		t.Errorf("days before: %+v, %v", r, err)
	}
}

func TestTwoAtOnce(t *testing.T) {
	s, ctx := memstore.New(), context.Background()
	ledger(t, s, record(day, "m", n(1), n(1), nil))
	c := config(s, 1, "v")
	inner := c.Price
	c.Price = func(p, m string, at time.Time, u inference.Usage) *inference.Cost { // another one is faster
		if _, err := reprice.Run(ctx, config(s, 7, "w"), reprice.Options{}); err != nil {
			t.Error(err)
		}
		return inner(p, m, at, u)
	}
	if _, err := reprice.Run(ctx, c, reprice.Options{}); !errors.Is(err, reprice.ErrMeanwhile) {
		t.Errorf("error %v, want ErrMeanwhile", err)
	}
	var all []correction
	for _, c := range corrections(t, s) {
		all = append(all, c...)
	}
	if len(all) != 1 || all[0].nanos != 14 {
		t.Errorf("corrections %v, want the other's alone", all)
	}
}

func TestACostThatDoesNotFitIsRefused(t *testing.T) {
	s := memstore.New()
	ledger(t, s, record(day, "m", n(10), n(0), nil))
	_, err := reprice.Run(context.Background(), config(s, 1e17, "v"), reprice.Options{})
	if err == nil || !strings.Contains(err.Error(), "more than the column holds") {
		t.Errorf("error %v", err)
	}
	if c := corrections(t, s); len(c) != 0 {
		t.Errorf("corrections %v were written", c)
	}
}

func TestNoLedger(t *testing.T) {
	_, err := reprice.Run(context.Background(), config(memstore.New(), 1, "v"), reprice.Options{})
	if !errors.Is(err, delta.ErrNotTable) {
		t.Errorf("error %v", err)
	}
}
