package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/launch"
	"github.com/lakegate/lakegate/internal/loadgen"
)

func TestBodiesHaveTheirSize(t *testing.T) {
	for _, stream := range []bool{false, true} {
		for _, size := range []int{1 << 10, 10 << 10} {
			b := chatBody(endpoint, size, stream)
			if len(b) != size || !gjson.ValidBytes(b) || gjson.GetBytes(b, "stream").Bool() != stream {
				t.Errorf("%d bytes for %d, stream %v: %.80s", len(b), size, stream, b)
			}
		}
	}
}

// samples makes a target's samples, one a round, of a phase of a given cost and speed.
func samples(cpu float64, latency, first time.Duration) []sample {
	var all []sample
	for i, d := range []time.Duration{-1, 1} {
		all = append(all, sample{
			Round: i + 1, PerSecond: 1000, CPUMicros: cpu + float64(d), RSS: 50e6,
			Load: &loadgen.Result{Latency: loadgen.Summary{P50: latency, P99: 2 * latency}, First: loadgen.Summary{P50: first}},
		})
	}
	return all
}

func made(name string, cpu float64, latency, first time.Duration) *target {
	t := &target{Name: name, samples: map[string][]sample{}, idle: launch.Use{RSS: 20e6}}
	for _, ph := range phases() {
		t.samples[ph.name] = samples(cpu, latency, first)
	}
	return t
}

func TestReport(t *testing.T) {
	us := time.Microsecond
	lg := made(relaxed, 90, 350*us, 600*us)
	lg.sql, lg.rows = &launch.SQL{}, rows{Found: 10, Distinct: 10, Payloads: 9}
	lg.sent.Store(10)
	lg.fresh = &freshness{Idle: loadgen.Summary{P50: 9 * time.Millisecond, P99: 20 * time.Millisecond}, Busy: loadgen.Summary{P99: 2 * time.Second}}
	l := &lab{targets: []*target{made(direct, 0, 100*us, 400*us), made(proxy, 100, 300*us, 500*us), lg}, notes: []string{"SKIPPED nginx"}}
	r := newReport(l, time.Minute)
	want := map[string]struct {
		value   float64
		verdict string
	}{
		"CPU per request to reverse proxy, 1 KB":     {0.9, "extraordinary"},
		"added p50 at 1,000/s to reverse proxy's":    {1.25, "met"},
		"time to first token added, p50":             {0.2, "met"},
		"memory under 1,000/s":                       {50, "extraordinary"},
		"rows found / rows expected":                 {1, "met"},
		"row visible to SQL, p99":                    {20, "extraordinary"},
		"the same, at 200 requests/s":                {2000, "missed"},
		"CPU per 50-chunk stream to reverse proxy":   {0.9, "extraordinary"},
		"the same, 10 KB":                            {0.9, "extraordinary"},
		"the same, 1 KB translated to Anthropic":     {0.9, ""},
		"the same, stream translated from Anthropic": {0.9, ""},
	}
	for _, x := range r.Ratios {
		w, ok := want[strings.TrimPrefix(x.Figure, relaxed+": ")]
		if d := x.Value - w.value; !ok || d > 1e-9 || d < -1e-9 || x.verdict() != w.verdict {
			t.Errorf("%s: %v, %s, want %+v", x.Figure, x.Value, x.verdict(), w)
		}
	}
	if len(r.Ratios) != len(want) {
		t.Errorf("%d ratios, want %d", len(r.Ratios), len(want))
	}
	dir := filepath.Join(t.TempDir(), "out")
	if err := r.write(dir); err != nil {
		t.Fatal(err)
	}
	md, err := os.ReadFile(filepath.Join(dir, "bench.md"))
	if err != nil || !strings.Contains(string(md), "SKIPPED nginx") || strings.Contains(string(md), "NaN") {
		t.Errorf("%v\n%s", err, md)
	}
	var back report
	j, err := os.ReadFile(filepath.Join(dir, "bench.json"))
	if err != nil || json.Unmarshal(j, &back) != nil || len(back.Targets) != 3 || len(back.Targets[2].Samples[fixedRate]) != 2 {
		t.Errorf("%v\n%.300s", err, j)
	}
	if err := l.lost(); err == nil || !strings.Contains(err.Error(), "9 payload rows") {
		t.Errorf("a missing payload row: %v", err)
	}
}

func TestRowsMustBeExact(t *testing.T) {
	x := ratio{Value: 0.999, Goal: 1, Exactly: true}
	if x.verdict() != "MISSED" {
		t.Errorf("rows found / expected 0.999 is %q", x.verdict())
	}
}

func TestConfigIsAccepted(t *testing.T) {
	for _, block := range []string{telemetryOff, telemetryOn} {
		text := configText("127.0.0.1:1234", "/tmp/data", "strict", "http://127.0.0.1:1235", block)
		if _, err := config.Parse(text, func(string) (string, bool) { return "", false }); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	}
}
