package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/fakellm"
)

// A gateway whose bucket can't be reached starts, serves and keeps the rows. SQL does not pass
// the rows of its log for all there are.
func TestServeWithoutTheStore(t *testing.T) {
	provider, err := fakellm.New(fakellm.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	upstream := httptest.NewServer(provider)
	defer upstream.Close()
	t.Chdir(t.TempDir())
	const lake = "lake: {url: s3://bucket/lake, s3: {endpoint: \"http://127.0.0.1:1\", path_style: true, access_key_id: k, secret_access_key: s, timeout: 2s}}\n"
	if err := os.WriteFile("lakegate.yaml", fmt.Appendf([]byte(lake), serveConfig, "data", "chat", upstream.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	log := &watchedLog{more: make(chan struct{}, 1)}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error, 1)
	go func() {
		ended <- serve(ctx, "lakegate.yaml", func(*config.Config) {}, slog.New(slog.NewTextHandler(log, nil)))
	}()
	log.wait(t, "the store of the tables can't be reached; calls are served")
	base := log.wait(t, `lakegate is up.* address=(\S+)`)[1]
	if status, body := call(t, base, "me-token-0123456789abcdefg", "chat"); status != 200 {
		t.Errorf("call: %d %s", status, body)
	}
	t.Setenv(keyVar, "me-token-0123456789abcdefg")
	if out, _, err := run(t, "", "sql", "--server", base, "--format", "csv", "SELECT count(*) AS n FROM system.serving.endpoint_usage"); err == nil || !strings.Contains(err.Error(), "committed rows are not known") {
		t.Errorf("an answer without the rows that are committed: %q %v", out, err)
	}
	for _, args := range []string{"dashboards list", "report statements"} {
		if _, _, err := run(t, "", append(strings.Fields(args), "--server", base)...); err == nil || !strings.Contains(err.Error(), "can't be reached now") {
			t.Errorf("%s does not blame the store: %v", args, err)
		}
	}
	stop()
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "rows stay in the log until the next start") {
		t.Errorf("stop: %v", err)
	}
	if _, _, err := run(t, "", "tables", "list"); err == nil || !strings.Contains(err.Error(), "can't connect to 127.0.0.1:1") {
		t.Errorf("tables list: %v", err)
	}
}
