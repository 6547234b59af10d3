package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/fakellm"
	"github.com/lakegate/lakegate/internal/forget"
)

// TestForgetBesideAGateway has the caller of a running gateway forgotten, and then of a stopped one.
func TestForgetBesideAGateway(t *testing.T) {
	provider, err := fakellm.New(fakellm.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	upstream := httptest.NewServer(provider)
	defer upstream.Close()
	t.Chdir(t.TempDir())
	if err := os.WriteFile("lakegate.yaml", fmt.Appendf(nil, serveConfig, "data", "chat", upstream.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	log := &watchedLog{more: make(chan struct{}, 1)}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- serve(ctx, "lakegate.yaml", func(*config.Config) {}, slog.New(slog.NewTextHandler(log, nil)))
	}()
	base := log.wait(t, `lakegate is up.* address=(\S+)`)[1]
	calls := func(n int) {
		t.Helper()
		for range n {
			if status, body := call(t, base, "me-token-0123456789abcdefg", "chat"); status != 200 {
				t.Fatalf("call: %d %s", status, body)
			}
		}
	}
	forgotten := func(rows int64, args ...string) {
		t.Helper()
		out, _, err := run(t, "", append([]string{"tables", "forget", "--json"}, args...)...)
		var r forget.Report
		if jerr := json.Unmarshal([]byte(out), &r); jerr != nil {
			t.Fatalf("forget %v: %v\n%s", args, err, out)
		}
		if err != nil || !r.Clean || r.Rows() != rows {
			t.Errorf("forget %v: %v, clean %v, %d rows, want %d\n%s", args, err, r.Clean, r.Rows(), rows, out)
		}
	}
	calls(3)
	out, _, err := run(t, "", "tables", "forget", "--requester", "me@example.com", "--dry-run")
	if err != nil || !strings.Contains(out, "nothing was changed") {
		t.Errorf("dry run: %v\n%s", err, out)
	}
	forgotten(3, "--requester", "me@example.com")
	t.Setenv(keyVar, "me-token-0123456789abcdefg")
	for v, want := range []string{"", "a request to forget somebody", ""} { // made, with the rows, without them
		_, _, err := run(t, "", "sql", "--server", base, fmt.Sprintf("SELECT count(*), max(requester) FROM system.serving.endpoint_usage VERSION AS OF %d", v))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("version %d: %v, want an error with %q", v, err, want)
		}
	}
	calls(2)
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	forgotten(2, "--requester", "me@example.com", "--mode", "anonymize", "--config", "lakegate.yaml")
	if out, _, err := run(t, "", "verify", "--data", "data"); err != nil || !strings.Contains(out, "erased=3") {
		t.Errorf("verify: %v\n%s", err, out)
	}
	if out, _, err := run(t, "", "tables", "forget", "--list"); err != nil || strings.Count(out, "done") != 2 {
		t.Errorf("list: %v\n%s", err, out)
	}
	for args, want := range map[string]string{
		"":                               "name a requester",
		"--requester a --tag b=c":        "name a requester",
		"--tag b":                        "want key=value",
		"--request-id x":                 "no UUID",
		"--requester a --mode shred":     "want delete or anonymize",
		"--requester a --folder nowhere": "no data folder",
	} {
		_, _, err := run(t, "", append([]string{"tables", "forget"}, strings.Fields(args)...)...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("forget %s: want an error with %q, got %v", args, want, err)
		}
	}
}
