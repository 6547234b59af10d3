package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lakegate/lakegate/internal/fakellm"
	"github.com/lakegate/lakegate/internal/launch"
	"github.com/lakegate/lakegate/internal/loadgen"
)

const token = "lakegate-routing-bench-0123456789abcdef0123456789"

// way is a way of routing: an endpoint.
type way struct {
	name, what string
	block      string // of `lakegate` in the configuration

	load   *loadgen.Result
	calls  int     // that reached a provider
	cost   float64 // dollars of a thousand requests, extra included
	extra  float64 // dollars of a thousand requests whose answer nobody got
	unsure int64   // rows without a cost
}

func ways() []*way {
	return []*way{
		{name: "plain", what: "split 40/30/30", block: "{}"},
		{name: "least_busy", what: "strategy least_busy", block: "{strategy: {by: least_busy}}"},
		{name: "lowest_latency", what: "strategy lowest_latency", block: "{strategy: {by: lowest_latency}}"},
		{name: "lowest_cost", what: "strategy lowest_cost", block: "{strategy: {by: lowest_cost}}"},
		{name: "race", what: "two at once", block: "{race: {among: [good, quick, cheap], most: 2}}"},
		{name: "race_all", what: "three at once", block: "{race: {among: [good, quick, cheap], most: 3}}"},
		{name: "hedge", what: "the next after 400 ms, two at most", block: "{race: {among: [good, quick, cheap], after: 400ms, most: 2}}"},
	}
}

// lab is the providers, the gateway and the ways.
type lab struct {
	o       options
	world   *world
	server  *http.Server
	addr    string
	gateway *launch.Process
	ways    []*way
	took    time.Duration
}

func openLab(ctx context.Context, o options, dir string) (_ *lab, err error) {
	l := &lab{o: o, ways: ways()}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	cfg := fakellm.DefaultConfig()
	cfg.Tokens, cfg.Chunks, cfg.ChunkDelay = 120, 12, 15*time.Millisecond
	inner, err := fakellm.New(cfg)
	if err != nil {
		return nil, err
	}
	l.world = &world{inner: inner, seed: o.seed, draws: map[string]*draws{}, calls: map[string]int{}}
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l.server = &http.Server{Handler: l.world, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = l.server.Serve(at) }() // ends with close
	if l.addr, err = launch.Addr(); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "lakegate.yaml")
	if err := os.WriteFile(file, l.config(dir, at.Addr().String()), 0o600); err != nil {
		return nil, err
	}
	if l.gateway, err = launch.Start(launch.Spec{Path: o.lakegate, Args: []string{"serve", "--config", file, "--log-level", "warn"}}); err != nil {
		return nil, fmt.Errorf("%w (make build makes it)", err)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return l, l.gateway.Ready(ctx, l.url("/readyz"))
}

// config has an endpoint for each way, with providers of its own.
func (l *lab) config(dir, upstream string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "listen: %s\ndata: %s\nflush: {interval: 5s}\nsql: {workers: 1}\nkeys:\n  - {name: bench, token: %q, principal: bench@example.com, endpoints: [\"*\"], admin: true}\nendpoints:\n",
		l.addr, filepath.Join(dir, "data"), token)
	for _, w := range l.ways {
		fmt.Fprintf(&b, "  - name: %s\n    config:\n      served_entities:\n", w.name)
		for _, p := range providers {
			fmt.Fprintf(&b, "        - {name: %s, external_model: {name: %s, provider: openai, task: llm/v1/chat, openai_config: {openai_api_base: \"http://%s/%s/%s/v1\"}}}\n",
				p.entity, p.model, upstream, w.name, p.entity)
		}
		b.WriteString("      traffic_config:\n        routes:\n")
		for _, p := range providers {
			fmt.Fprintf(&b, "          - {served_entity_name: %s, traffic_percentage: %d}\n", p.entity, p.percent)
		}
		fmt.Fprintf(&b, "    ai_gateway: {fallback_config: {enabled: true}}\n    lakegate: %s\n", w.block)
	}
	return b.Bytes()
}

func (l *lab) url(path string) string { return "http://" + l.addr + path }

// measure calls all ways at the same time, and then reads their costs from the rows.
func (l *lab) measure(ctx context.Context) error {
	began := time.Now()
	l.world.bad = spell{began.Add(l.o.length / 2), began.Add(l.o.length * 3 / 4)}
	errs := make([]error, len(l.ways))
	var wg sync.WaitGroup
	for i, w := range l.ways {
		wg.Go(func() {
			cfg := loadgen.DefaultConfig()
			cfg.URL = l.url("/v1/chat/completions")
			cfg.Header = map[string]string{"Authorization": "Bearer " + token}
			cfg.Bodies = [][]byte{fmt.Appendf(nil, `{"model":%q,"stream":true,"max_tokens":200,"messages":[{"role":"user","content":%q}]}`,
				w.name, strings.Repeat("Which of these is the quickest, and at what price? ", 40))}
			cfg.Stream, cfg.Conns, cfg.Rate, cfg.Duration, cfg.Grace = true, 64, l.o.rate, l.o.length, 30*time.Second
			w.load, errs[i] = loadgen.Run(ctx, cfg)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, w := range l.ways {
		if err := l.costs(ctx, w); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
	}
	l.took = time.Since(began)
	return nil
}

// costs reads what a way cost, from its rows.
func (l *lab) costs(ctx context.Context, w *way) error {
	if w.load.Whole != w.load.Sent || w.load.Sent == 0 {
		return fmt.Errorf("of %d streams %d came to their end: %s", w.load.Sent, w.load.Whole, w.load.FirstError)
	}
	rows, err := launch.SQL{URL: l.url(""), Token: token}.Query(ctx, fmt.Sprintf(`SELECT count(*), coalesce(sum(cost_nanos), 0), coalesce(sum(extra_cost_nanos), 0),
		sum(CASE WHEN cost_nanos IS NULL THEN 1 ELSE 0 END) FROM system.serving.endpoint_usage WHERE endpoint_name = '%s'`, w.name))
	if err != nil {
		return err
	}
	var n [4]int64
	for i := range n {
		if n[i], err = strconv.ParseInt(rows[0].Text(i), 10, 64); err != nil {
			return err
		}
	}
	if n[0] != w.load.Sent {
		return fmt.Errorf("%d rows of %d requests", n[0], w.load.Sent)
	}
	w.cost, w.extra, w.unsure = float64(n[1])/1e6/float64(n[0]), float64(n[2])/1e6/float64(n[0]), n[3]
	l.world.mu.Lock()
	defer l.world.mu.Unlock()
	w.calls = l.world.calls[w.name]
	return nil
}

func (l *lab) close() {
	if l.gateway != nil {
		l.gateway.Kill()
	}
	if l.world != nil {
		_ = l.world.inner.Close()
	}
	if l.server != nil {
		_ = l.server.Close()
	}
}
