package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/fakellm"
)

// TestTelemetry: a gateway whose file names a collector tells it of a call, and the provider of the trace.
func TestTelemetry(t *testing.T) {
	provider, err := fakellm.New(fakellm.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var parent, key string
	told := map[string]int{}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		parent = r.Header.Get("Traceparent")
		mu.Unlock()
		provider.ServeHTTP(w, r)
	}))
	defer upstream.Close()
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		key = r.Header.Get("Authorization")
		for _, word := range []string{"chat gpt-4o-mini", "gen_ai.client.operation.duration"} {
			if strings.Contains(string(b), word) {
				told[r.URL.Path+" "+word]++
			}
		}
	}))
	defer collector.Close()
	t.Chdir(t.TempDir())
	t.Setenv("COLLECTOR_KEY", "0123")
	file := fmt.Appendf(nil, serveConfig+"telemetry: {otlp_endpoint: %q, headers: {Authorization: \"Bearer ${COLLECTOR_KEY}\"}}\n", "data", "chat", upstream.URL, collector.URL)
	if err := os.WriteFile("lakegate.yaml", file, 0o600); err != nil {
		t.Fatal(err)
	}
	log := &watchedLog{more: make(chan struct{}, 1)}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- serve(ctx, "lakegate.yaml", func(*config.Config) {}, slog.New(slog.NewTextHandler(log, nil)))
	}()
	base := log.wait(t, `lakegate is up.* address=(\S+)`)[1]
	if status, body := call(t, base, "me-token-0123456789abcdefg", "chat"); status != 200 {
		t.Errorf("call: %d %s", status, body)
	}
	resp, err := http.Get(base + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(b), "\nlakegate_otel_spans_dropped_total 0\n") {
		t.Errorf("no count of dropped spans: %v", err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("stop: %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	if told["/v1/traces chat gpt-4o-mini"] != 1 || told["/v1/metrics gen_ai.client.operation.duration"] != 1 || key != "Bearer 0123" {
		t.Errorf("the collector was told %v, with %q", told, key)
	}
	if len(parent) != 55 {
		t.Errorf("the provider got traceparent %q", parent)
	}
}
