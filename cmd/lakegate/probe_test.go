package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/fakellm"
)

const probeConfig = serveConfig + `    ai_gateway:
      inference_table_config: {enabled: true, catalog_name: main, schema_name: ai, table_name_prefix: chat}
`

// TestProbe probes a gateway as `lakegate probe` does, one that is well and one whose model has no price,
// and one that goes away.
func TestProbe(t *testing.T) {
	provider, err := fakellm.New(fakellm.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	upstream := httptest.NewServer(provider)
	defer upstream.Close()
	t.Chdir(t.TempDir())
	if err := os.WriteFile("lakegate.yaml", fmt.Appendf(nil, probeConfig, "data", "chat", upstream.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	log := &watchedLog{more: make(chan struct{}, 1)}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- serve(ctx, "lakegate.yaml", func(*config.Config) {}, slog.New(slog.NewTextHandler(log, nil)))
	}()
	base := log.wait(t, `lakegate is up.* address=(\S+)`)[1]

	const key = "me-token-0123456789abcdefg"
	t.Setenv(keyVar, key)
	out, _, err := run(t, "", "probe", "--url", base, "--endpoint", "chat")
	if err != nil || strings.Contains(out, "FAIL") || strings.Count(out, "ok  ") != 22 {
		t.Errorf("a gateway that is well: %v\n%s", err, out)
	}
	probesOnAndOn(t, base)

	t.Setenv(keyVar, "reader-token-0123456789ab")
	out, _, err = run(t, "", "probe", "--url", base, "--endpoint", "chat", "--within", "1s")
	if e := (exitError{}); !errors.As(err, &e) || e.code != 1 || !strings.Contains(out, "FAIL  whole   answer   403 ") {
		t.Errorf("with a key that may not call: %v\n%s", err, out)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("stop: %v", err)
	}
	out, _, err = run(t, "", "probe", "--url", base, "--endpoint", "chat", "--key", key, "--within", "10ms")
	if err == nil || strings.Contains(out, "ok  ") || !strings.Contains(out, "connection refused") {
		t.Errorf("a gateway that is gone: %v\n%s", err, out)
	}
}

// probesOnAndOn probes with --every, and reads the probe's metrics.
func probesOnAndOn(t *testing.T, base string) {
	t.Helper()
	out := &watchedLog{more: make(chan struct{}, 1)}
	ctx, stop := context.WithCancel(context.Background())
	c := root()
	c.SetOut(out)
	c.SetArgs([]string{"probe", "--url", base, "--endpoint", "chat", "--every", "10ms", "--listen", "127.0.0.1:0"})
	ended := make(chan error, 1)
	go func() { ended <- c.ExecuteContext(ctx) }()
	metrics := out.wait(t, `metrics at (\S+)`)[1]
	out.wait(t, `22 checks, 0 failed`)
	out.wait(t, `22 checks, 0 failed`)
	resp, err := http.Get(metrics)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`lakegate_probe_ok\{call="left",check="tokens"\} 1`,
		`lakegate_probe_checks_total\{call="whole",check="payload",verdict="ok"\} [2-9]`,
		`lakegate_probe_row_seconds_count\{call="stream"\} [2-9]`,
		`lakegate_probe_answer_seconds_count\{call="error"\} [2-9]`,
		`lakegate_probe_last_success_timestamp_seconds [1-9]`,
	} {
		if !regexp.MustCompile(want).Match(b) {
			t.Errorf("no %s in\n%s", want, b)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("stop: %v", err)
	}
}

// TestProbeMetrics has the names of docs/operations.md.
func TestProbeMetrics(t *testing.T) {
	page := string(readFile(t, "docs/operations.md"))
	for _, name := range []string{"checks_total", "ok", "answer_seconds", "row_seconds", "last_success_timestamp_seconds"} {
		if !strings.Contains(page, "`lakegate_probe_"+name) {
			t.Errorf("docs/operations.md does not have lakegate_probe_%s", name)
		}
	}
}
