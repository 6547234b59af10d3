package main

import (
	"context"
	"log/slog"
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
	"github.com/lakegate/lakegate/internal/tablewriter"
	"github.com/lakegate/lakegate/sql/warehouse"
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

// SQL over a bucket downloads the files that can have rows of the query, and no others.
func TestSQLOverABucketReadsWhatItNeeds(t *testing.T) {
	server := s3test.New(t)
	s3, err := s3store.Open(t.Context(), s3store.Config{
		Bucket: s3test.Bucket, Prefix: "lake", Region: s3test.Region, Endpoint: server.Endpoint, PathStyle: true,
		AccessKeyID: s3test.AccessKey, SecretAccessKey: s3test.SecretKey, Timeout: 30 * time.Second,
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	store := &noted{Store: s3, read: map[string]bool{}}
	cfg := config.DefaultConfig()
	cfg.Data = t.TempDir()
	quiet := slog.New(slog.DiscardHandler)
	c := writerConfig(&cfg, store)
	c.FlushInterval = time.Hour
	lake, err := tablewriter.Open(t.Context(), c, feeds("acct", "ws"), quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer lake.Close(context.Background())
	first := time.Date(2026, 11, 16, 10, 0, 0, 0, time.UTC)
	record := func(day, status int) {
		n := int64(100 * (day + 1))
		err := lake.Record(&inference.Record{
			ID: inference.NewID(), Time: first.AddDate(0, 0, day), Status: status, Outcome: inference.OK,
			Principal: inference.Principal{Name: "ann", Kind: inference.User},
			Target:    inference.Target{Endpoint: "chat"}, Usage: inference.Usage{Source: inference.UsageProvider, Total: &n, Input: &n, Output: new(int64)},
		}, false)
		if err != nil {
			t.Fatal(err)
		}
	}
	for day := range 5 {
		for range day + 1 {
			record(day, 200)
		}
		if day == 3 {
			record(day, 500)
		}
		if err := lake.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	sql := cfg.SQL
	sql.Workers = 1
	db, err := openWarehouse(sql, lake.Dirs(), "", lake, nil, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const count = "SELECT count(*) FROM system.serving.endpoint_usage "
	ask := func(query string) string {
		t.Helper()
		r, err := db.Query(t.Context(), warehouse.Query{SQL: query, Allow: func(string) bool { return true }})
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return *r.Rows[0][0]
	}
	for _, tc := range []struct{ query, want, days string }{
		{count + "WHERE request_date = '2026-11-18'", "3", "2026-11-18"},
		{count + "WHERE request_date = '2026-11-18'", "3", ""}, // it is here now
		{count + "WHERE status_code = 500", "1", "2026-11-19"},
		{count + "WHERE request_time < '2026-11-17T00:00:00Z'", "1", "2026-11-16"},
		{count + "WHERE request_date = '2026-11-30'", "0", ""},
		{count + "VERSION AS OF 2", "3", "2026-11-17"},
		{count, "16", "2026-11-20"},
	} {
		got := ask(tc.query)
		if days := strings.Join(store.days(), ","); got != tc.want || days != tc.days {
			t.Errorf("%s: %s rows, want %s; downloaded the days %q, want %q", tc.query, got, tc.want, days, tc.days)
		}
	}
}
