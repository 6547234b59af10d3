package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/config"
)

const benchConfig = `listen: 127.0.0.1:0
data: %s
log: {durability: %s}
keys:
  - {name: bench, token: "bench-token-0123456789abcdef", principal: bench@example.com, endpoints: ["*"], tags: {team: bench}}
endpoints:
  - name: chat
    config:
      served_entities:
        - name: mini
          external_model: {name: gpt-4o-mini, provider: openai, task: llm/v1/chat, openai_config: {openai_api_base: "%s/v1", openai_api_key_plaintext: none}}
    ai_gateway:
      inference_table_config: {enabled: true, catalog_name: main, schema_name: ai, table_name_prefix: chat}
`

// BenchmarkCall is a whole call over loopback, provider included: through a bare reverse proxy, and
// through the gateway with payload logging on. Compare cases of one run only.
func BenchmarkCall(b *testing.B) {
	answer := []byte(`{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"message":{"role":"assistant","content":"` +
		strings.Repeat("word ", 250) + `"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":250,"total_tokens":259}}`)
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer)
	}))
	defer upstream.Close()
	target, err := url.Parse(upstream.URL)
	if err != nil {
		b.Fatal(err)
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: &http.Transport{MaxIdleConnsPerHost: 256},
	})
	defer proxy.Close()
	for _, size := range []int{1 << 10, 10 << 10} {
		body := []byte(`{"model":"chat","messages":[{"role":"user","content":"` + strings.Repeat("word ", size/5) + `"}],"usage_context":{"team":"x"}}`)
		b.Run(fmt.Sprintf("proxy/%dKB", size>>10), func(b *testing.B) { callAll(b, proxy.URL, body) })
		for _, mode := range []string{"relaxed", "strict"} {
			b.Run(fmt.Sprintf("%s/%dKB", mode, size>>10), func(b *testing.B) {
				callAll(b, startBench(b, mode, upstream.URL), body)
			})
		}
	}
}

func startBench(b *testing.B, mode, upstream string) string {
	cfg, err := config.Parse(fmt.Appendf(nil, benchConfig, b.TempDir(), mode, upstream), os.LookupEnv)
	if err != nil {
		b.Fatal(err)
	}
	a, err := newApp(context.Background(), cfg, configSource{}, stderrLogger(slog.LevelError))
	if err != nil {
		b.Fatal(err)
	}
	stop, err := a.start(cfg.Listen)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := joinClose(stop(), a); err != nil {
			b.Error(err)
		}
	})
	return a.baseURL
}

func callAll(b *testing.B, base string, body []byte) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	defer client.CloseIdleConnections()
	b.SetParallelism(16)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			req, err := http.NewRequest(http.MethodPost, base+"/v1/chat/completions", bytes.NewReader(body))
			if err != nil {
				b.Error(err)
				return
			}
			req.Header.Set("Authorization", "Bearer bench-token-0123456789abcdef")
			resp, err := client.Do(req)
			if err != nil {
				b.Error(err)
				return
			}
			_, err = io.Copy(io.Discard, resp.Body)
			if resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
				b.Errorf("%d %v", resp.StatusCode, err)
				return
			}
		}
	})
}
