package main

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/s3store"
	"github.com/lakegate/lakegate/internal/objstore/s3test"
	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/internal/tablewriter"
	"github.com/lakegate/lakegate/sql/warehouse"
	systemtables "github.com/lakegate/lakegate/system_tables"
)

// noted is a store that notes which data files are read.
type noted struct {
	objstore.Store
	mu   sync.Mutex
	read map[string]bool
}

func (n *noted) note(key string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if strings.Contains(key, "/part-") {
		n.read[key] = true
	}
}

func (n *noted) Get(ctx context.Context, key string) ([]byte, objstore.Info, error) {
	n.note(key)
	return n.Store.Get(ctx, key)
}

func (n *noted) GetRange(ctx context.Context, key string, offset, length int64) ([]byte, objstore.Info, error) {
	n.note(key)
	return n.Store.GetRange(ctx, key, offset, length)
}

// days returns the partitions of the files that were read since it was called last, one for each file.
func (n *noted) days() (days []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for key := range n.read {
		_, day, _ := strings.Cut(key, "_date=")
		days = append(days, strings.SplitN(day, "/", 2)[0])
	}
	slices.Sort(days)
	n.read = map[string]bool{}
	return days
}

// bucket is a lake in a bucket with five days of requests: one on the first day, two on the second and so
// on, and one more on the fourth, that failed. Each day is a file.
type bucket struct {
	t     *testing.T
	store *noted
	cfg   tablewriter.Config
	lake  *tablewriter.Writer
}

const usageCount = "SELECT count(*) FROM system.serving.endpoint_usage "

func newBucket(t *testing.T) *bucket {
	t.Helper()
	server := s3test.New(t)
	quiet := slog.New(slog.DiscardHandler)
	s3, err := s3store.Open(t.Context(), s3store.Config{
		Bucket: s3test.Bucket, Prefix: "lake", Region: s3test.Region, Endpoint: server.Endpoint, PathStyle: true,
		AccessKeyID: s3test.AccessKey, SecretAccessKey: s3test.SecretKey, Timeout: 30 * time.Second,
	}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	b := &bucket{t: t, store: &noted{Store: s3, read: map[string]bool{}}}
	cfg := config.DefaultConfig()
	cfg.Data = t.TempDir()
	b.cfg = writerConfig(&cfg, b.store)
	b.cfg.FlushInterval = time.Hour
	if b.lake, err = tablewriter.Open(t.Context(), b.cfg, feeds("acct", "ws"), quiet); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.lake.Close(context.Background()) })
	for day := range 5 {
		for range day + 1 {
			b.record(day, 200)
		}
		if day == 3 {
			b.record(day, 500)
		}
		if err := b.lake.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func (b *bucket) record(day, status int) {
	b.t.Helper()
	n := int64(100 * (day + 1))
	err := b.lake.Record(&inference.Record{
		ID: inference.NewID(), Time: time.Date(2026, 11, 16+day, 10, 0, 0, 0, time.UTC), Status: status, Outcome: inference.OK,
		Principal: inference.Principal{Name: "ann", Kind: inference.User},
		Target:    inference.Target{Endpoint: "chat"}, Usage: inference.Usage{Source: inference.UsageProvider, Total: &n, Input: &n, Output: new(int64)},
	}, false)
	if err != nil {
		b.t.Fatal(err)
	}
}

// sql returns what asks the lake: the first cell of the answer.
func (b *bucket) sql(dirs []string, lake lakeView) func(query string) string {
	b.t.Helper()
	c := config.DefaultConfig().SQL
	c.Workers = 1
	db, err := openWarehouse(c, dirs, "", lake, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { db.Close() })
	return func(query string) string {
		b.t.Helper()
		r, err := db.Query(b.t.Context(), warehouse.Query{SQL: query, Allow: func(string) bool { return true }})
		if err != nil {
			b.t.Fatalf("%s: %v", query, err)
		}
		return *r.Rows[0][0]
	}
}

// SQL over a bucket downloads the files that can have rows of the query, and no others.
func TestSQLOverABucketReadsWhatItNeeds(t *testing.T) {
	b := newBucket(t)
	ask := b.sql(b.lake.Dirs(), b.lake)
	for _, tc := range []struct{ query, want, days string }{
		{usageCount + "WHERE request_date = '2026-11-18'", "3", "2026-11-18"},
		{usageCount + "WHERE request_date = '2026-11-18'", "3", ""}, // it is here now
		{usageCount + "WHERE status_code = 500", "1", "2026-11-19"},
		{usageCount + "WHERE request_time < '2026-11-17T00:00:00Z'", "1", "2026-11-16"},
		{usageCount + "WHERE request_date = '2026-11-30'", "0", ""},
		{usageCount + "VERSION AS OF 2", "3", "2026-11-17"},
		{usageCount, "16", "2026-11-20"},
	} {
		got := ask(tc.query)
		if days := strings.Join(b.store.days(), ","); got != tc.want || days != tc.days {
			t.Errorf("%s: %s rows, want %s; downloaded the days %q, want %q", tc.query, got, tc.want, days, tc.days)
		}
	}
}

// A copy that is damaged is noticed by the engine and fetched again, and the query is answered.
func TestSQLOverADamagedCopy(t *testing.T) {
	b := newBucket(t)
	ask := b.sql(b.lake.Dirs(), b.lake)
	before := ask("SELECT sum(total_token_count) FROM system.serving.endpoint_usage")
	b.store.days()
	snap, err := b.lake.Snapshot(t.Context(), []string{"system.serving.endpoint_usage"})
	if err != nil {
		t.Fatal(err)
	}
	path := snap.List[0].Files[0].Path
	snap.Release()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, make([]byte, info.Size()), 0o600); err != nil {
		t.Fatal(err)
	}
	after := ask("SELECT sum(total_token_count) FROM system.serving.endpoint_usage")
	if days := b.store.days(); after != before || len(days) != 1 {
		t.Errorf("%s tokens before a copy was damaged, %s after it; downloaded the days %v", before, after, days)
	}
	if s, _ := b.lake.CacheStats(); s.Damaged != 1 {
		t.Errorf("cache %+v", s)
	}
}

// Without a gateway, a reader has copies of its own.
func TestSQLOverABucketWithoutAGateway(t *testing.T) {
	b := newBucket(t)
	if err := b.lake.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.store.days()
	reader, err := tablewriter.OpenReader(t.Context(), b.cfg, feeds("acct", "ws"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close() })
	got := b.sql(reader.Dirs(), reader)(usageCount + "WHERE request_date >= '2026-11-19'")
	if days := strings.Join(b.store.days(), ","); got != "10" || days != "2026-11-19,2026-11-20" {
		t.Errorf("the reader has %s rows and downloaded the days %s", got, days)
	}
}

// A lake that an older program wrote lacks the newest columns; queries and views have them as NULL.
func TestColumnsOfALaterProgram(t *testing.T) {
	now := systemtables.EndpointUsage()
	old := *now
	old.Columns = old.Columns[:20:20]
	got := withLater(&old)
	if len(got.Columns) != len(now.Columns) || len(old.Columns) != 20 || got.Columns[19].Name != now.Columns[19].Name || got.PartitionBy != now.PartitionBy {
		t.Errorf("%d columns, want %d", len(got.Columns), len(now.Columns))
	}
	if err := got.Validate(); err != nil {
		t.Error(err)
	}
	if withLater(now) != now || withLater(nil) != nil {
		t.Error("a table that lacks nothing is another one")
	}
	own := &tableschema.Table{Name: tableschema.Name{Catalog: "main", Schema: "ai", Table: "payload"}}
	if withLater(own) != own {
		t.Error("a table of somebody's has our columns")
	}
}
