package tablewriter

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/prune"
)

// benchConfig lands nothing while the benchmark runs.
func benchConfig(b *testing.B) Config {
	cfg := manual(b.TempDir())
	cfg.SegmentBytes, cfg.MaxBacklogBytes = 1<<50, 1<<50
	return cfg
}

// typical is a finished request as the gateway fills it in.
func typical(payload int) *inference.Record {
	n, first := int64(1234), 80*time.Millisecond
	r := &inference.Record{
		ID: inference.NewID(), Time: day,
		Principal: inference.Principal{Name: "ann@example.com", Kind: inference.User, KeyID: "search-prod", KeyTags: map[string]string{"team": "search", "env": "prod"}},
		Target:    inference.Target{Endpoint: "chat", EndpointID: "e1", ServedEntity: "gpt", ServedEntityID: "s1", Provider: "openai", Model: "gpt-5-mini", Task: "llm/v1/chat"},
		APIType:   "openai/v1/chat/completions", URL: "/v1/chat/completions", RequestedModel: "chat", ClientRequestID: "c-123",
		UsageContext: map[string]string{"project": "x"}, UserAgent: "openai-python/2.1", RemoteIP: "10.0.0.7",
		Status: 200, Outcome: inference.OK, Latency: time.Second, TimeToFirstToken: &first, UpstreamLatency: &first,
		Attempts: []inference.Attempt{{ServedEntity: "gpt", Provider: "openai", Model: "gpt-5-mini", Status: 200, Latency: time.Second}},
		Usage:    inference.Usage{Source: inference.UsageProvider, Input: &n, Output: &n, Total: &n, CachedInput: &n},
		Cost:     &inference.Cost{NanoUSD: 12345678, PriceVersion: "2026-11-01"},
	}
	if payload > 0 {
		text := []byte(strings.Repeat("lorem ipsum ", payload/12+1)[:payload])
		r.Payload = inference.Payload{Table: payloadTable, SamplingFraction: 1, Request: text, Response: text}
	}
	return r
}

// BenchmarkRequest is what one request costs on its path: Admit and Finish.
func BenchmarkRequest(b *testing.B) {
	for _, strict := range []bool{false, true} {
		for _, payload := range []int{0, 1 << 10, 10 << 10} {
			for _, callers := range []int{1, 32} {
				name := fmt.Sprintf("strict=%v/payload=%d/callers=%d", strict, payload, callers)
				b.Run(name, func(b *testing.B) {
					w := mustOpen(b, benchConfig(b), testFeeds()...)
					rec := typical(payload)
					one := func() {
						t, err := w.Admit(rec)
						if err == nil {
							err = w.Finish(t, rec, strict)
						}
						if err != nil {
							b.Error(err)
						}
					}
					b.ReportAllocs()
					if callers == 1 {
						for b.Loop() {
							one()
						}
					} else {
						b.SetParallelism(callers / 2)
						b.RunParallel(func(pb *testing.PB) {
							for pb.Next() {
								one()
							}
						})
					}
					b.StopTimer()
					abandon(b, w)
				})
			}
		}
	}
}

// BenchmarkLand is what a row costs in the background, files and commits included.
func BenchmarkLand(b *testing.B) {
	for _, payload := range []int{0, 1 << 10} {
		b.Run(fmt.Sprintf("payload=%d", payload), func(b *testing.B) {
			w := mustOpen(b, benchConfig(b), testFeeds()...)
			const rows = 5000
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				for range rows {
					r := typical(payload)
					t, err := w.Admit(r)
					must(b, err)
					must(b, w.Finish(t, r, false))
				}
				b.StartTimer()
				must(b, w.Flush(b.Context()))
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/rows, "µs/request")
		})
	}
}

// BenchmarkSnapshot is how long a query waits for the rows since the last one.
func BenchmarkSnapshot(b *testing.B) {
	for _, rows := range []int{0, 1, 1000} {
		b.Run(fmt.Sprintf("new=%d", rows), func(b *testing.B) {
			w := mustOpen(b, benchConfig(b), testFeeds()...)
			must(b, w.Declare(b.Context(), newUsageFeed().table))
			for b.Loop() {
				b.StopTimer()
				for range rows {
					must(b, w.Record(typical(0), false))
				}
				b.StartTimer()
				s, err := w.Snapshot(b.Context(), []string{usageTable})
				must(b, err)
				b.StopTimer()
				s.Release()
				b.StartTimer()
			}
			abandon(b, w)
		})
	}
}

// BenchmarkSnapshotOf is what a query pays to find its files in a large table: 100,000 files of 100
// days, whose statistics were parsed before.
func BenchmarkSnapshotOf(b *testing.B) {
	cfg := benchConfig(b)
	w := mustOpen(b, cfg, newUsageFeed())
	feed := newUsageFeed()
	must(b, w.Declare(b.Context(), feed.table))
	table := w.lake.lookup(usageTable)
	for d := range 100 {
		var adds []delta.Add
		for i := range 1000 {
			at := day.AddDate(0, 0, -d).Add(time.Duration(i) * 10 * time.Second).Format("2006-01-02T15:04:05.000Z")
			adds = append(adds, delta.Add{
				Path: delta.DataFileName(map[string]string{"request_date": at[:10]}, uint64(i), "0123456789"), PartitionValues: map[string]string{"request_date": at[:10]},
				Size: 1000, Stats: fmt.Sprintf(`{"numRecords":10,"minValues":{"request_time":"%s","tokens":%d},"maxValues":{"request_time":"%s","tokens":%d},"nullCount":{"tokens":0}}`, at, i, at, i+10),
			})
		}
		_, err := table.writer.Append(b.Context(), adds, delta.Txn{}, nil)
		must(b, err)
	}
	w.lake.refresh = 0
	for _, tc := range []struct {
		name   string
		filter prune.Filter
		files  int
	}{
		{"a day", prune.Filter{{Column: "request_date", Op: prune.Eq, Values: []string{"2026-11-20"}}}, 1000},
		{"an hour", prune.Filter{{Column: "request_time", Op: prune.Ge, Values: []string{day.Format(time.RFC3339)}}, {Column: "request_time", Op: prune.Lt, Values: []string{day.Add(time.Hour).Format(time.RFC3339)}}}, 360},
		{"all", nil, 100_000},
	} {
		b.Run(tc.name, func(b *testing.B) {
			for b.Loop() {
				s, err := w.SnapshotOf(b.Context(), []SnapshotRequest{{Table: usageTable, Filter: tc.filter}})
				must(b, err)
				if n := len(s.List[0].Files); n != tc.files {
					b.Fatalf("%d files", n)
				}
				s.Release()
			}
		})
	}
}
