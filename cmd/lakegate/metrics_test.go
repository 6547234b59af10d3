package main

import (
	"flag"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/maintain"
	"github.com/lakegate/lakegate/internal/maintain/gateways"
	"github.com/lakegate/lakegate/internal/vault"
	"github.com/lakegate/lakegate/serving"
	"github.com/lakegate/lakegate/serving/cache"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/rollout"
	"github.com/lakegate/lakegate/serving/warm"
	"github.com/lakegate/lakegate/serving/wire"
)

var update = flag.Bool("update", false, "write docs/operations.md's table of metrics")

// everyMetric is each metric that a gateway can show, once.
func everyMetric(t *testing.T) []*dto.MetricFamily {
	t.Helper()
	m := serving.NewMetrics()
	var one int64 = 1
	m.Started()
	m.Finished(&inference.Record{
		Target:   inference.Target{Endpoint: "e", EndpointID: "e"},
		Usage:    inference.Usage{Input: &one},
		Attempts: []inference.Attempt{{Action: inference.ActionRace}},
		Cache:    &inference.CacheUse{SavedNanoUSD: &one}, ExtraNanoUSD: &one,
	})
	m.Finished(&inference.Record{Purpose: inference.PurposeShadow})
	m.NotMade("e", inference.PurposeShadow, "busy")
	m.Compared("e", inference.Tie)
	m.Translated(wire.OpenAIChat, wire.AnthropicMessages, 1)
	m.Configure(oneEndpoint(t))
	m.Registry().MustRegister(
		newProcessCollector(func() error { return nil }, 1),
		serving.NewCircuitCollector(func() []gateway.Circuit { return []gateway.Circuit{{}} }),
		serving.NewWarmCollector(func() warm.Stats { return warm.Stats{Entities: []warm.Entity{{}}} }),
		serving.NewLoadCollector(func() []gateway.Load { return []gateway.Load{{FirstToken: 1, Whole: 1}} }),
		serving.NewCacheCollector(cache.New(nil)),
		serving.NewRolloutCollector(oneRollout(t), func() int64 { return 1 }),
		collector[lakeStats]{func() (lakeStats, bool) { return lakeStats{}, true }, lakeMetrics},
		collector[cacheStats]{func() (cacheStats, bool) { return cacheStats{}, true }, cacheMetrics},
		collector[keeperStats]{func() (keeperStats, bool) { return keeperStats{}, true }, keeperMetrics},
		collector[telemetryStats]{func() (telemetryStats, bool) { return telemetryStats{}, true }, telemetryMetrics},
		collector[sqlStats]{func() (sqlStats, bool) { return sqlStats{}, true }, sqlMetrics},
		secretsCollector{func() []vault.Count { return []vault.Count{{Source: vault.FromLake, Worked: time.Now()}} }},
		&survey{
			proven: func() bool { return true }, policy: "block", at: time.Now(), gateways: []gateways.Gateway{{}},
			found: []surveyed{{Description: maintain.Description{RowsKnown: true}, holder: "me"}},
		})
	families, err := m.Registry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// metricNames has every name that PromQL may use.
func metricNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{"up": true}
	for _, f := range everyMetric(t) {
		names[f.GetName()] = true
		if f.GetType() == dto.MetricType_HISTOGRAM {
			delete(names, f.GetName())
			for _, part := range []string{"_bucket", "_count", "_sum"} {
				names[f.GetName()+part] = true
			}
		}
	}
	return names
}

// TestMetricsAreConventional holds the metrics to Prometheus' conventions.
func TestMetricsAreConventional(t *testing.T) {
	for _, f := range everyMetric(t) {
		name := f.GetName()
		if !strings.HasPrefix(name, "lakegate_") {
			continue
		}
		counter, total := f.GetType() == dto.MetricType_COUNTER, strings.HasSuffix(name, "_total")
		if counter != total {
			t.Errorf("%s is a %v: counters, and they alone, end in _total", name, f.GetType())
		}
		if len(f.GetHelp()) < 10 || !strings.Contains(".)", f.GetHelp()[len(f.GetHelp())-1:]) && !strings.HasSuffix(f.GetHelp(), ".") {
			t.Errorf("%s: help %q is no sentence", name, f.GetHelp())
		}
		for _, unit := range []string{"_ms", "_millis", "_minutes", "_kb", "_mb"} {
			if strings.Contains(name+"_", unit+"_") {
				t.Errorf("%s: units are seconds and bytes", name)
			}
		}
	}
}

const (
	tableStart = "<!-- metrics: written by go test ./cmd/lakegate -run TestMetricsAreDocumented -update -->\n"
	tableEnd   = "<!-- end of metrics -->\n"
)

// TestMetricsAreDocumented holds the table of docs/operations.md to the code.
func TestMetricsAreDocumented(t *testing.T) {
	var table strings.Builder
	table.WriteString("| metric | type | labels | what it is |\n| --- | --- | --- | --- |\n")
	for _, f := range everyMetric(t) {
		if !strings.HasPrefix(f.GetName(), "lakegate_") {
			continue
		}
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, "`"+l.GetName()+"`")
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", f.GetName(), strings.ToLower(f.GetType().String()), strings.Join(labels, ", "), strings.ReplaceAll(f.GetHelp(), "|", `\|`))
	}
	page := string(readFile(t, "docs/operations.md"))
	before, rest, ok := strings.Cut(page, tableStart)
	is, after, closed := strings.Cut(rest, tableEnd)
	if !ok || !closed {
		t.Fatalf("docs/operations.md has no place for the table: want lines %q and %q", tableStart, tableEnd)
	}
	if is == table.String() {
		return
	}
	if !*update {
		t.Fatalf("docs/operations.md and the metrics differ: go test ./cmd/lakegate -run %s -update\nwant:\n%s", t.Name(), table.String())
	}
	if err := os.WriteFile(filepath.Join(repository, "docs/operations.md"), []byte(before+tableStart+table.String()+tableEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// oneRollout is the table of an endpoint that moves from one entity to another.
func oneRollout(t *testing.T) *rollout.Table {
	t.Helper()
	at := &url.URL{Scheme: "http", Host: "provider"}
	c, err := endpoint.NewCatalog([]*endpoint.Endpoint{{
		Name: "e", Task: endpoint.Chat, Weights: []int{100, 0},
		Entities: []*endpoint.Entity{{Name: "s", BaseURL: at}, {Name: "n", BaseURL: at}},
		Rollout:  &endpoint.Rollout{Target: 1, Stages: []endpoint.RolloutStage{{Traffic: endpoint.FullTraffic, For: time.Hour}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	table := rollout.NewTable(slog.New(slog.DiscardHandler))
	table.Configure(c)
	return table
}

func oneEndpoint(t *testing.T) *endpoint.Catalog {
	t.Helper()
	c, err := endpoint.NewCatalog([]*endpoint.Endpoint{{
		Name: "e", Task: endpoint.Chat, Weights: []int{100},
		Entities: []*endpoint.Entity{{Name: "s", Provider: "openai", Task: endpoint.Chat, BaseURL: &url.URL{Scheme: "http", Host: "provider"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
