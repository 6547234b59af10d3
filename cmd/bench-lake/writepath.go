package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/maintain"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/fsstore"
	"github.com/lakegate/lakegate/internal/state"
	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/internal/tablewriter"

	inferencetables "github.com/lakegate/lakegate/inference_tables"
	systemtables "github.com/lakegate/lakegate/system_tables"
)

var silent = slog.New(slog.DiscardHandler)

// lake is a data folder with a gateway's writer.
type lake struct {
	store  *counted
	writer *tablewriter.Writer
	usage  *tableschema.Table
	texts  *tableschema.Table
}

// openLake opens a data folder. Segments of this many bytes are landed by themselves.
func (b *bench) openLake(ctx context.Context, name string, segment int64, away bool) (*lake, error) {
	dir := filepath.Join(b.dir, name)
	folder, err := fsstore.Open(filepath.Join(dir, "lake"))
	if err != nil {
		return nil, err
	}
	l := &lake{store: &counted{Store: folder}, usage: systemtables.EndpointUsage()}
	l.store.away.Store(away)
	if l.texts, err = inferencetables.NewTable(payloadTable); err != nil {
		return nil, err
	}
	cfg := tablewriter.DefaultConfig(dir)
	cfg.Store, cfg.FlushInterval, cfg.SegmentBytes, cfg.MaxBacklogBytes = l.store, time.Hour, segment, 1<<40
	cfg.Tables = []*tableschema.Table{l.usage, l.texts}
	if l.writer, err = tablewriter.Open(ctx, cfg, feeds(), silent); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *lake) close(err error) error {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	return errors.Join(err, l.writer.Close(ctx))
}

// fill records calls with payloads, four at a time, until there are n or the log has this many bytes.
func (l *lake) fill(ctx context.Context, n int, logBytes int64) (time.Duration, error) {
	const people = 4
	pool := newPool()
	g, gctx := errgroup.WithContext(ctx)
	at := time.Now().UTC()
	var spent [people]time.Duration
	begun := time.Now()
	for p := range people {
		made := newCalls(pool, uint64(p))
		g.Go(func() error {
			var rec inference.Record
			for i := p; i < n && gctx.Err() == nil; i += people {
				if i%1000 == p && l.writer.Stats().LogBytes >= logBytes {
					return nil
				}
				making := time.Now()
				made.next(&rec, at.Add(time.Duration(i)*time.Microsecond))
				made.withPayload(&rec)
				spent[p] += time.Since(making)
				if err := l.writer.Record(&rec, false); err != nil {
					return err
				}
			}
			return gctx.Err()
		})
	}
	err := g.Wait()
	took := time.Since(begun)
	var making time.Duration
	for _, d := range spent {
		making += d
	}
	// Making calls up is not the log's work.
	return took - making/people, err
}

// writePath measures the log, and the way from it into the tables.
func (b *bench) writePath(ctx context.Context) (err error) {
	l, err := b.openLake(ctx, "write", 1<<40, false)
	if err != nil {
		return err
	}
	defer func() { err = l.close(err) }()
	took, err := l.fill(ctx, b.calls, 1<<62)
	if err != nil {
		return err
	}
	bytes := l.writer.Stats().LogBytes
	b.add("log, rows", rate(int64(b.calls), took), "requests with 2 kB of prompt and 2 kB of answer, in the hands of the operating system; %d of them", b.calls)
	b.add("log, bytes", megabytes(bytes, took), "%d MB", bytes/1e6)
	begun := time.Now()
	if err := l.writer.Flush(ctx); err != nil {
		return err
	}
	took = time.Since(begun)
	rows := l.writer.Stats().Landed
	if rows < 2*int64(b.calls) {
		return fmt.Errorf("%d rows are landed of %d requests", rows, b.calls)
	}
	b.add("log to committed Parquet, rows", rate(rows, took), "usage and payload rows, written, synced and committed")
	b.add("log to committed Parquet, bytes", megabytes(bytes, took), "of the log")
	return b.sizes(ctx, l)
}

// sizes measures what a row takes in the tables.
func (b *bench) sizes(ctx context.Context, l *lake) error {
	k, err := keeper(l.store, 1, l.usage, l.texts)
	if err != nil {
		return err
	}
	for _, t := range []struct {
		table *tableschema.Table
		what  string
	}{{l.usage, "usage"}, {l.texts, "payload"}} {
		before, err := k.Describe(ctx, t.table)
		if err != nil {
			return err
		}
		if _, err := k.Compact(ctx, t.table, maintain.CompactOptions{Full: true}); err != nil {
			return err
		}
		after, err := k.Describe(ctx, t.table)
		if err != nil {
			return err
		}
		if before.Rows != after.Rows {
			return fmt.Errorf("table %s had %d rows before compaction and has %d", t.table.Name, before.Rows, after.Rows)
		}
		b.add("bytes per "+t.what+" row", fmt.Sprintf("%d", after.Bytes/after.Rows), "compacted; %d as landed, in files of %s rows; a million stored for a month: $%.4f",
			before.Bytes/before.Rows, grouped(before.Rows/int64(before.Files)), float64(after.Bytes)/float64(after.Rows)*1e6*priceStorage)
	}
	return nil
}

func keeper(store objstore.Store, share float64, tables ...*tableschema.Table) (*maintain.Keeper, error) {
	cfg := maintain.DefaultConfig()
	cfg.Share = share
	return maintain.New(cfg, store, state.New(store), func() []*tableschema.Table { return tables }, silent)
}

// recovery measures how long a gateway takes with a log that it finds.
func (b *bench) recovery(ctx context.Context) (err error) {
	l, err := b.openLake(ctx, "recovery", 64<<20, true)
	if err != nil {
		return err
	}
	if _, err := l.fill(ctx, 1<<30, b.log); err != nil {
		return l.close(err)
	}
	accepted := l.writer.Stats().Accepted
	ended, stop := context.WithCancel(ctx)
	stop()
	_ = l.writer.Close(ended) // its rows stay in the log
	begun := time.Now()
	if l, err = b.openLake(ctx, "recovery", 64<<20, false); err != nil {
		return err
	}
	defer func() { err = l.close(err) }()
	opened := time.Since(begun)
	if err := l.writer.Flush(ctx); err != nil {
		return err
	}
	landed := time.Since(begun)
	table, err := delta.Open(ctx, l.store, l.usage.Name.Path())
	if err != nil {
		return err
	}
	if rows, _ := table.Snapshot().NumRecords(); rows != accepted {
		return fmt.Errorf("%d rows of %d requests after recovery", rows, accepted)
	}
	b.add(fmt.Sprintf("recovery of a log of %d MiB, serving again", b.log>>20), seconds(opened), "%s requests whose rows were not landed when the gateway ended", grouped(accepted))
	b.add("the same, all rows in the tables", seconds(landed), "")
	return nil
}
