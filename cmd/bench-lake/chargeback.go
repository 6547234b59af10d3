package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lakegate/lakegate/dashboards/report"
	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/maintain"
	"github.com/lakegate/lakegate/internal/objstore/fsstore"
	"github.com/lakegate/lakegate/internal/prune"
	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/sql/warehouse"

	systemtables "github.com/lakegate/lakegate/system_tables"
)

// times is how often each query is run; the median counts.
const times = 5

// chargeback measures the report by team and model over many rows: as they were landed, compacted,
// and beside plain DuckDB on one file of the same rows and columns.
func (b *bench) chargeback(ctx context.Context) (err error) {
	dir := filepath.Join(b.dir, "chargeback")
	store, err := fsstore.Open(filepath.Join(dir, "lake"))
	if err != nil {
		return err
	}
	day := time.Now().UTC().AddDate(0, 0, -3).Truncate(24 * time.Hour)
	begun := time.Now()
	table, err := makeRows(ctx, store, b.rows, day)
	if err != nil {
		return fmt.Errorf("make rows: %w", err)
	}
	made := time.Since(begun)
	bytes, files := sizeOf(table)
	b.add("rows of the chargeback", grouped(int64(b.rows)), "%s files of %s rows, %d MB, made in %s", grouped(int64(files)), grouped(perFile), bytes/1e6, seconds(made))

	lake := &lakeSource{store: store, table: table}
	db, err := openWarehouse(dir, lake)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	by, err := report.ParseBy("team,model")
	if err != nil {
		return err
	}
	q := &asked{db: db}
	o := report.Options{By: by, From: day, To: day.AddDate(0, 0, 1), Location: time.UTC, Made: time.Now()}
	before, first, err := q.median(ctx, o)
	if err != nil {
		return err
	}
	if int(first.Requests) != b.rows {
		return fmt.Errorf("the report has %d requests of %d", first.Requests, b.rows)
	}
	if err := b.compact(ctx, store, bytes); err != nil {
		return err
	}
	if _, err := table.Refresh(ctx); err != nil {
		return err
	}
	after, second, err := q.median(ctx, o)
	if err != nil {
		return err
	}
	one := filepath.Join(dir, "one.parquet")
	duck, err := plainDuckDB(ctx, lake.paths(), one, day, q.sql)
	if err != nil {
		return err
	}
	if want := fmt.Sprint(first.Requests, first.Cost); fmt.Sprint(second.Requests, second.Cost) != want || duck.sum != want {
		return fmt.Errorf("three answers: %s, %d %s, %s", want, second.Requests, second.Cost, duck.sum)
	}
	info, err := os.Stat(one)
	if err != nil {
		return err
	}
	b.add("chargeback by team and model, as landed", seconds(before), "median of %d, through lakegate's SQL; %s rows/s", times, grouped(int64(float64(b.rows)/before.Seconds())))
	b.add("the same, compacted", seconds(after), "%s rows/s", grouped(int64(float64(b.rows)/after.Seconds())))
	b.add("the same, plain DuckDB on one file", seconds(duck.median), "%d MB, zstd, row groups of 122,880 rows, two threads, the same statement", info.Size()/1e6)
	b.add("as landed / plain DuckDB", fmt.Sprintf("%.2f x", before.Seconds()/duck.median.Seconds()), "")
	b.add("**compacted / plain DuckDB**", fmt.Sprintf("**%.2f x**", after.Seconds()/duck.median.Seconds()), "goal: 1.2 x")
	return nil
}

// compact merges the table's files to the end.
func (b *bench) compact(ctx context.Context, store *fsstore.Store, bytes int64) error {
	k, err := keeper(store, 1, systemtables.EndpointUsage())
	if err != nil {
		return err
	}
	debug.FreeOSMemory()
	peak := watchMemory()
	begun := time.Now()
	r, err := k.Compact(ctx, systemtables.EndpointUsage(), maintain.CompactOptions{Full: true})
	took := time.Since(begun)
	before, most := peak()
	if err != nil {
		return err
	}
	if r.Rows != int64(b.rows) || len(r.Skipped) > 0 {
		return fmt.Errorf("%d rows compacted of %d, %d files skipped", r.Rows, b.rows, len(r.Skipped))
	}
	b.add("compaction", rate(r.Rows, took), "%s, one goroutine at full speed; %d files become %d, %d MB become %d", megabytes(bytes, took), r.FilesBefore, r.FilesAfter, r.BytesBefore/1e6, r.BytesAfter/1e6)
	b.add("memory of the compaction", fmt.Sprintf("%d MB", (most-before)/1e6), "resident, above the %d MB before", before/1e6)
	return nil
}

// watchMemory returns what gives the resident memory at the call, and the most since then.
func watchMemory() func() (before, most int64) {
	first := resident()
	stop, done := make(chan struct{}), make(chan int64)
	go func() {
		most := first
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				most = max(most, resident())
			case <-stop:
				done <- most
				return
			}
		}
	}()
	return func() (int64, int64) { close(stop); return first, <-done }
}

// resident is the resident memory of this process, 0 where it can't be read.
func resident() int64 {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	f := strings.Fields(string(data))
	pages, err := strconv.ParseInt(f[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

func sizeOf(t *delta.Table) (bytes int64, files int) {
	for f := range t.Snapshot().Files() {
		bytes += f.Size
		files++
	}
	return bytes, files
}

// asked runs the report's statement in a warehouse, and keeps its text and the time it took.
type asked struct {
	db   *warehouse.Warehouse
	sql  string
	took time.Duration
}

func (a *asked) Query(ctx context.Context, text string) (report.Rows, error) {
	a.sql = text
	begun := time.Now()
	r, err := a.db.Query(ctx, warehouse.Query{SQL: text, Allow: func(string) bool { return true }, Principal: inference.Principal{Name: "bench"}})
	a.took = time.Since(begun)
	if err != nil {
		return report.Rows{}, err
	}
	rows := report.Rows{Values: r.Rows, Truncated: r.Truncated}
	for _, c := range r.Columns {
		rows.Columns = append(rows.Columns, c.Name)
	}
	return rows, nil
}

// median runs the report a few times.
func (a *asked) median(ctx context.Context, o report.Options) (time.Duration, report.Sums, error) {
	var all []time.Duration
	var sums report.Sums
	for range times {
		r, err := report.Chargeback(ctx, a, o)
		if err != nil {
			return 0, sums, err
		}
		all = append(all, a.took)
		sums = r.Total
	}
	slices.Sort(all)
	return all[len(all)/2], sums, nil
}

// lakeSource gives a warehouse the one table.
type lakeSource struct {
	store *fsstore.Store
	table *delta.Table
}

func (s *lakeSource) Tables() []*tableschema.Table {
	return []*tableschema.Table{systemtables.EndpointUsage()}
}

func (s *lakeSource) paths() []string {
	var all []string
	for f := range s.table.Snapshot().Files() {
		all = append(all, s.store.LocalPath(s.table.Key(f.Path)))
	}
	return all
}

func (s *lakeSource) Snapshot(_ context.Context, requests []warehouse.Request) (warehouse.Snapshot, error) {
	out := warehouse.Snapshot{Release: func() {}}
	for _, r := range requests {
		t := warehouse.Table{Schema: systemtables.EndpointUsage()}
		keep := r.Filter.For(t.Schema)
		for f := range s.table.Snapshot().Files() {
			if !keep.Keep(f.PartitionValues, prune.NewStats(f.Stats)) {
				t.Pruned++
				continue
			}
			t.Files = append(t.Files, warehouse.File{Path: s.store.LocalPath(s.table.Key(f.Path)), Partition: f.PartitionValues})
		}
		out.Tables = append(out.Tables, t)
	}
	return out, nil
}

func (s *lakeSource) History(context.Context, string, int) ([]warehouse.Commit, error) {
	return nil, nil
}

func (s *lakeSource) Detail(context.Context, string) (*warehouse.Detail, error) {
	return nil, errors.New("no detail")
}

// openWarehouse starts a SQL worker, which is this program.
func openWarehouse(dir string, lake *lakeSource) (*warehouse.Warehouse, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cfg := warehouse.DefaultConfig()
	cfg.Command = []string{self, roleWorker}
	cfg.Dirs = []string{dir}
	cfg.Workers, cfg.Timeout = 1, 10*time.Minute
	return warehouse.New(cfg, lake, nil, silent)
}
