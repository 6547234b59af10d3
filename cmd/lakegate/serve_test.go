package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/fakellm"
)

const serveConfig = `listen: 127.0.0.1:0
data: %s
flush: {interval: 1h}
keys:
  - {name: me, token: "me-token-0123456789abcdefg", principal: me@example.com, endpoints: ["*"], admin: true}
  - {name: reader, token: "reader-token-0123456789ab", principal: reader@example.com, endpoints: [], tables: [system.serving.endpoint_usage]}
endpoints:
  - name: %s
    config:
      served_entities:
        - name: mini
          external_model: {name: gpt-4o-mini, provider: openai, task: llm/v1/chat, openai_config: {openai_api_base: "%s/v1", openai_api_key_plaintext: sk-provider-secret}}
`

// watchedLog hands out the lines of a log as they come.
type watchedLog struct {
	mu   sync.Mutex
	all  bytes.Buffer
	more chan struct{}
}

func (w *watchedLog) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all.Write(p)
	nudge(w.more)
	return len(p), nil
}

// wait returns the first match of the pattern after what an earlier wait has seen.
func (w *watchedLog) wait(t *testing.T, pattern string) []string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	for {
		w.mu.Lock()
		text := w.all.String()
		if at := re.FindStringIndex(text); at != nil {
			m := re.FindStringSubmatch(text)
			w.all.Next(at[1])
			w.mu.Unlock()
			return m
		}
		w.mu.Unlock()
		select {
		case <-w.more:
		case <-deadline.C:
			t.Fatalf("the log never said %q:\n%s", pattern, text)
		}
	}
}

// TestServe starts a gateway as `lakegate serve` does, uses it, changes its config for better and
// worse, and stops it.
func TestServe(t *testing.T) {
	provider, err := fakellm.New(fakellm.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	upstream := httptest.NewServer(provider)
	defer upstream.Close()
	t.Chdir(t.TempDir())
	const path, data = "lakegate.yaml", "data" // relative, as in the README
	write := func(endpoint string, more ...string) {
		t.Helper()
		next := path + ".next"
		if err := os.WriteFile(next, fmt.Appendf(nil, serveConfig+strings.Join(more, ""), data, endpoint, upstream.URL), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, path); err != nil {
			t.Fatal(err)
		}
	}
	write("chat")
	log := &watchedLog{more: make(chan struct{}, 1)}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- serve(ctx, path, func(*config.Config) {}, slog.New(slog.NewTextHandler(log, nil)))
	}()
	base := log.wait(t, `lakegate is up.* address=(\S+)`)[1]

	if status, body := call(t, base, "me-token-0123456789abcdefg", "chat"); status != 200 {
		t.Errorf("call: %d %s", status, body)
	}
	t.Setenv(keyVar, "reader-token-0123456789ab")
	count := func(want string) {
		t.Helper()
		out, _, err := run(t, "", "sql", "--server", base, "--format", "csv", "SELECT count(*) AS n FROM system.serving.endpoint_usage")
		if err != nil || out != "n\r\n"+want+"\r\n" {
			t.Errorf("rows: %q %v, want %s", out, err, want)
		}
	}
	count("1") // nothing was flushed: the row comes from the log
	if _, _, err := run(t, "", "sql", "--server", base, "SELECT * FROM system.serving.served_entities"); err == nil || !strings.Contains(err.Error(), "may not read it") {
		t.Errorf("a table that was not granted: %v", err)
	}

	half := "prices:\n  - {provider: openai, discount: 50}\n"
	write("renamed", half)
	log.wait(t, "configuration reloaded")
	if status, body := call(t, base, "me-token-0123456789abcdefg", "chat"); status != 404 || !strings.Contains(body, "model_not_found") {
		t.Errorf("an endpoint that is gone: %d %s", status, body)
	}
	write("bad name!")
	if line := log.wait(t, "the config file is bad[^\n]*")[0]; strings.Contains(line, "sk-provider-secret") || !strings.Contains(line, "lakegate.yaml:") {
		t.Errorf("a bad file is reported as %s", line)
	}
	if status, body := call(t, base, "me-token-0123456789abcdefg", "renamed"); status != 200 {
		t.Errorf("after a bad file: %d %s", status, body)
	}
	count("3")
	if out, _, err := run(t, "", "sql", "--server", base, "--format", "csv", `SELECT list_cost_nanos div cost_nanos AS off, count(*) AS n
		FROM system.serving.endpoint_usage WHERE cost_nanos > 0 GROUP BY 1 ORDER BY 1`); err != nil || out != "off,n\r\n1,1\r\n2,1\r\n" {
		t.Errorf("a call at list price, and one at half of it: %q %v", out, err)
	}

	closesOverHTTP(t, base)

	if _, _, err := run(t, "", "sql", "--data", data, "SELECT 1"); err == nil || !strings.Contains(err.Error(), "a gateway is running on") {
		t.Errorf("a folder that a gateway has: %v", err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("stop: %v", err)
	}
	log.wait(t, "every row has landed")
	if out, _, err := run(t, "", "verify", "--data", data); err != nil || !strings.Contains(out, "accepted=6 landed=6") {
		t.Errorf("verify: %v\n%s", err, out) // 3 calls, and 3 changes of served entities
	}
}

func call(t *testing.T, base, token, endpoint string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, base+"/v1/chat/completions", strings.NewReader(`{"model":"`+endpoint+`","messages":[{"role":"user","content":"hello"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// closesOverHTTP closes this month in a running gateway, as an administrator and as somebody else.
func closesOverHTTP(t *testing.T, base string) {
	t.Helper()
	month := time.Now().UTC().Format("2006-01")
	for _, tt := range []struct{ token, args, want string }{
		{"nobody-0123456789abcdefghi", "statements", "send a valid API key"},
		{"reader-token-0123456789ab", "statements", "no month is closed yet"},
		{"reader-token-0123456789ab", "close --force --month " + month, "only administrators may close"},
		{"me-token-0123456789abcdefg", "close --month " + month, "the month can't be closed yet"},
		{"me-token-0123456789abcdefg", "close --month 2026", "want a month such as"},
		{"me-token-0123456789abcdefg", "close --by requester --force --month " + month, "Closed by me@example.com"},
		{"me-token-0123456789abcdefg", "close --force --month " + month, "the month is closed already"},
		{"me-token-0123456789abcdefg", "close --force --revise --month " + month, "nothing has changed"},
		{"reader-token-0123456789ab", "statements", "me@example.com"},
		{"reader-token-0123456789ab", "statements " + month + " --format csv", "line,allocated,,me@example.com"},
		{"reader-token-0123456789ab", "statements 2001-01", "the month is not closed"},
		{"reader-token-0123456789ab", "statements --check " + month, "the same on every line"},
	} {
		t.Setenv(keyVar, tt.token)
		out, _, err := run(t, "", append([]string{"report"}, append(strings.Fields(tt.args), "--server", base)...)...)
		if err != nil {
			out += err.Error()
		}
		if !strings.Contains(out, tt.want) {
			t.Errorf("report %s: no %q in\n%s", tt.args, tt.want, out)
		}
	}
}
