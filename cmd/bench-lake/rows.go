package main

import (
	"context"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"golang.org/x/sync/errgroup"

	"github.com/lakegate/lakegate/internal/datafile"
	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/rowtags"
	"github.com/lakegate/lakegate/internal/tableschema"

	systemtables "github.com/lakegate/lakegate/system_tables"
)

const (
	perFile  = 10_000 // rows of ten seconds at a thousand a second
	benchLog = "0195f0c1-0000-4000-8000-00000000beef"
)

// makeRows fills the usage table with n rows, as a gateway lands a thousand requests a second.
func makeRows(ctx context.Context, store objstore.Store, n int, day time.Time) (*delta.Table, error) {
	table := systemtables.EndpointUsage()
	t, err := delta.OpenOrCreate(ctx, store, table, delta.Options{Version: "bench"})
	if err != nil {
		return nil, err
	}
	files := (n + perFile - 1) / perFile
	adds := make([]delta.Add, files)
	pool := newPool()
	g, gctx := errgroup.WithContext(ctx)
	const people = 2
	for p := range people {
		m := maker{calls: newCalls(pool, uint64(p)), feed: systemtables.NewUsageFeed(systemtables.Config{AccountID: "bench", WorkspaceID: "bench"}), table: table, store: store, log: t}
		g.Go(func() error {
			for i := p; i < files; i += people {
				add, err := m.file(gctx, i, min(perFile, n-i*perFile), day)
				if err != nil {
					return err
				}
				adds[i] = *add
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i := 0; i < files; i += 100 {
		if _, err := t.Append(ctx, adds[i:min(i+100, files)], delta.Txn{AppID: benchLog, Version: int64(i + 1)}, nil); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// maker makes data files.
type maker struct {
	calls *calls
	feed  *systemtables.UsageFeed
	table *tableschema.Table
	store objstore.Store
	log   *delta.Table
}

// file makes the file of the nth ten seconds of a day, which wraps around.
func (m *maker) file(ctx context.Context, number, rows int, day time.Time) (*delta.Add, error) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, m.table.Arrow())
	defer b.Release()
	b.Reserve(rows)
	start := day.Add(time.Duration(number) * 10 * time.Second)
	var rec inference.Record
	var count rowtags.Count
	for i := range rows {
		m.calls.next(&rec, start.Add(time.Duration(i)*time.Millisecond+time.Duration(m.calls.rnd.IntN(999))*time.Microsecond))
		if err := m.feed.Append(b, inference.Fact{Record: &rec}); err != nil {
			return nil, err
		}
		count.Row(rec.ID)
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	f, err := datafile.Encode(batch, m.table, datafile.Options{})
	if err != nil {
		return nil, err
	}
	partition := map[string]string{m.table.PartitionBy: day.Format(time.DateOnly)}
	path := delta.DataFileName(partition, uint64(number+1), benchLog)
	if _, err := m.store.Put(ctx, m.log.Key(path), f.Data); err != nil {
		return nil, fmt.Errorf("store rows: %w", err)
	}
	return &delta.Add{
		Path: path, PartitionValues: partition, Size: int64(len(f.Data)), Rows: f.Rows, Stats: f.Stats,
		Tags: rowtags.Counts{benchLog: count}.Tags(), ModificationTime: start.Add(10 * time.Second),
	}, nil
}
