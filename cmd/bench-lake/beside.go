package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/fakellm"
	"github.com/lakegate/lakegate/internal/launch"
	"github.com/lakegate/lakegate/internal/loadgen"
	"github.com/lakegate/lakegate/internal/objstore/fsstore"

	systemtables "github.com/lakegate/lakegate/system_tables"
)

// roleProvider is the first argument of the scripted provider: provider ADDR.
const roleProvider = "provider"

func provide(addr string) error {
	debug.SetGCPercent(400) // leave the machine to what is measured
	p, err := fakellm.New(fakellm.DefaultConfig())
	if err != nil {
		return err
	}
	return (&http.Server{Addr: addr, Handler: p, ReadHeaderTimeout: 10 * time.Second}).ListenAndServe()
}

const besideConfig = `listen: %s
data: %s
maintenance: {enabled: %t, interval: 1s}
keys:
  - {name: bench, token: lakegate-bench-0123456789abcdef0123456789abcdef, principal: bench@example.com, endpoints: ["*"], admin: true}
endpoints:
  - name: bench
    config:
      served_entities:
        - name: gpt
          external_model:
            name: gpt-4o-mini
            provider: openai
            task: llm/v1/chat
            openai_config: {openai_api_key_plaintext: sk-provider, openai_api_base: "%s/v1"}
    ai_gateway:
      usage_tracking_config: {enabled: true}
      inference_table_config: {enabled: true, catalog_name: main, schema_name: ai, table_name_prefix: bench}
`

// beside measures requests through a gateway that compacts meanwhile, and through one that doesn't.
func (b *bench) beside(ctx context.Context) error {
	if _, err := os.Stat(b.lakegate); err != nil {
		b.add("requests beside a compaction", "-", "not measured: %s is not there (make build makes it)", b.lakegate)
		return nil
	}
	upstream, err := launch.Addr()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	provider, err := launch.Start(launch.Spec{Path: self, Args: []string{roleProvider, upstream}})
	if err != nil {
		return err
	}
	defer provider.Kill()
	if err := provider.Ready(ctx, "http://"+upstream+"/v1/models"); err != nil {
		return err
	}
	rounds := 3
	if b.quick {
		rounds = 1
	}
	var alone, compacting []loadgen.Summary
	var merging time.Duration
	for n := range rounds {
		s, _, err := b.besideOnce(ctx, fmt.Sprintf("alone-%d", n), upstream, false)
		if err != nil {
			return err
		}
		alone = append(alone, s)
		s, took, err := b.besideOnce(ctx, fmt.Sprintf("beside-%d", n), upstream, true)
		if err != nil {
			return err
		}
		compacting, merging = append(compacting, s), took
	}
	without, with := middle(alone), middle(compacting)
	b.add("requests while nothing is compacted, p99", milliseconds(without.P99), "p50 %s; %d requests/s with payloads, %d rounds", milliseconds(without.P50), besideRate, rounds)
	b.add("requests while the gateway compacts, p99", milliseconds(with.P99), "p50 %s; %s rows merged in %s at a quarter of a core; %.2f x", milliseconds(with.P50), grouped(besideRows), seconds(merging), float64(with.P99)/float64(without.P99))
	return nil
}

const (
	besideRows = 1_000_000
	besideRate = 200
)

// middle is the run with the median p99.
func middle(runs []loadgen.Summary) loadgen.Summary {
	slices.SortFunc(runs, func(a, b loadgen.Summary) int { return int(a.P99 - b.P99) })
	return runs[len(runs)/2]
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%.2f ms", d.Seconds()*1000) }

// besideOnce runs requests through a gateway with a lake full of small files: as long as it compacts
// them, or for as long as that takes about.
func (b *bench) besideOnce(ctx context.Context, name, upstream string, maintained bool) (s loadgen.Summary, merging time.Duration, err error) {
	data := filepath.Join(b.dir, name)
	defer os.RemoveAll(data)
	store, err := fsstore.Open(filepath.Join(data, "lake"))
	if err != nil {
		return s, 0, err
	}
	day := time.Now().UTC().AddDate(0, 0, -3).Truncate(24 * time.Hour)
	if _, err := makeRows(ctx, store, besideRows, day); err != nil {
		return s, 0, err
	}
	addr, err := launch.Addr()
	if err != nil {
		return s, 0, err
	}
	file := data + ".yaml"
	if err := os.WriteFile(file, fmt.Appendf(nil, besideConfig, addr, data, maintained, "http://"+upstream), 0o600); err != nil {
		return s, 0, err
	}
	gateway, err := launch.Start(launch.Spec{Path: b.lakegate, Args: []string{"serve", "--config", file}})
	if err != nil {
		return s, 0, err
	}
	defer gateway.Kill()
	if err := gateway.Ready(ctx, "http://"+addr+"/readyz"); err != nil {
		return s, 0, err
	}
	begun := time.Now()
	merged := make(chan struct{})
	var failed error
	if maintained {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		go func() { // ends with ctx, or with the compaction
			defer close(merged)
			failed = waitForMerge(ctx, store)
			merging = time.Since(begun)
		}()
	}
	cfg := loadgen.DefaultConfig()
	cfg.URL = "http://" + addr + "/v1/chat/completions"
	cfg.Header = map[string]string{"Authorization": "Bearer lakegate-bench-0123456789abcdef0123456789abcdef", "Content-Type": "application/json"}
	cfg.Bodies = [][]byte{[]byte(`{"model":"bench","messages":[{"role":"user","content":"Say something about lakes."}]}`)}
	cfg.Conns, cfg.Rate, cfg.Duration, cfg.Stop = 16, besideRate, 15*time.Second, nil
	if maintained {
		cfg.Duration, cfg.Stop = 2*time.Minute, merged
	}
	r, err := loadgen.Run(ctx, cfg)
	if err != nil {
		return s, 0, err
	}
	if r.OK != r.Sent || r.OK == 0 {
		return s, 0, fmt.Errorf("%d of %d requests were answered: %s", r.OK, r.Sent, r.FirstError)
	}
	if maintained {
		select {
		case <-merged:
			if failed != nil {
				return s, 0, failed
			}
		default:
			return s, 0, fmt.Errorf("nothing was compacted in %v", cfg.Duration)
		}
	}
	return r.Latency, merging, nil
}

// waitForMerge returns when the table has few files.
func waitForMerge(ctx context.Context, store *fsstore.Store) error {
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	t, err := delta.Open(ctx, store, systemtables.EndpointUsage().Name.Path())
	if err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		s, err := t.Refresh(ctx)
		if err != nil || s.NumFiles() < besideRows/perFile {
			return err
		}
	}
}
