package serving_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/gateway/gatewaytest"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/provider/openai"
)

// counter is a recorder that counts.
type counter struct{ admitted, finished atomic.Int64 }

func (c *counter) Comparison(*inference.Comparison) error { return nil }

func (c *counter) Admit(*inference.Record) (gateway.Ticket, error) {
	c.admitted.Add(1)
	return nil, nil
}

func (c *counter) Finish(gateway.Ticket, *inference.Record, bool) error {
	c.finished.Add(1)
	return nil
}

func (c *counter) Record(*inference.Record, bool) error { return nil }

// benchProvider answers 1.5 KB, or a stream of 50 chunks with usage, each flushed.
func benchProvider() http.HandlerFunc {
	whole := []byte(strings.Replace(answer, "hello", strings.Repeat("some text of an answer ", 60), 1))
	var chunks [][]byte
	for i := range 50 {
		finish := "null"
		if i == 49 {
			finish = `"stop"`
		}
		chunks = append(chunks, fmt.Appendf(nil, `data: {"id":"chatcmpl-D8Z5oo6uDh67AD85p73ksdT1KxhE0","object":"chat.completion.chunk","created":1770933892,"model":"gpt-4o-2024","choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":%s}],"usage":null}`+"\n\n", finish))
	}
	chunks = append(chunks, []byte(`data: {"id":"1","object":"chat.completion.chunk","model":"gpt-4o-2024","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":50,"total_tokens":55}}`+"\n\ndata: [DONE]\n\n"))
	return func(w http.ResponseWriter, r *http.Request) {
		b := make([]byte, r.ContentLength)
		_, _ = io.ReadFull(r.Body, b)
		if !bytes.Contains(b, []byte(`"stream":true`)) {
			w.Header()["Content-Type"] = []string{"application/json"}
			_, _ = w.Write(whole)
			return
		}
		w.Header()["Content-Type"] = []string{"text/event-stream"}
		flush := w.(http.Flusher).Flush
		for _, c := range chunks {
			_, _ = w.Write(c)
			flush()
		}
	}
}

// BenchmarkGateway sets a bare reverse proxy and the gateway, with payloads recorded, in front of
// the same provider on loopback. "direct" is the cost of provider and client alone, which is in
// the other two as well: compare what they add to it.
func BenchmarkGateway(b *testing.B) {
	up := httptest.NewServer(benchProvider())
	defer up.Close()
	base, err := url.Parse(up.URL)
	if err != nil {
		b.Fatal(err)
	}
	transport := gateway.NewTransport()
	defer transport.CloseIdleConnections()
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Transport: transport,
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(base) },
	})
	defer proxy.Close()
	rec := &counter{}
	front := httptest.NewServer(benchServer(b, up.URL, rec, transport))
	defer front.Close()

	text := strings.Repeat("You are given a long conversation and have to extract the intent. ", 14)
	body := `{"model":"chat","messages":[{"role":"user","content":"` + text + `"}],"usage_context":{"team":"search"}`
	for name, request := range map[string]string{"whole": body + "}", "stream": body + `,"stream":true}`} {
		for _, to := range []struct{ name, url string }{{"direct", up.URL}, {"proxy", proxy.URL}, {"gateway", front.URL}} {
			b.Run(name+"/"+to.name, func(b *testing.B) { ask(b, to.url+"/v1/chat/completions", request) })
		}
	}
	if a, f := rec.admitted.Load(), rec.finished.Load(); a != f {
		b.Errorf("%d admitted, %d finished", a, f)
	}
}

func benchServer(b *testing.B, upstream string, rec gateway.Recorder, transport http.RoundTripper) http.Handler {
	m := serving.NewMetrics()
	g, err := gateway.New(gateway.DefaultConfig(), gateway.Parts{
		Live: gateway.NewLive(view(b, upstream)), Recorder: rec, Pricer: gatewaytest.Pricer{}, Meter: m,
		Providers: map[string]provider.Provider{openai.Name: openai.New()},
		Logger:    slog.New(slog.DiscardHandler), Transport: transport,
	})
	if err != nil {
		b.Fatal(err)
	}
	s, err := serving.New(serving.DefaultConfig(), g, m, func() error { return nil }, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func ask(b *testing.B, url, body string) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	b.ReportAllocs()
	b.SetParallelism(8)
	before := cpu(b)
	defer func() { b.ReportMetric(float64(cpu(b)-before)/float64(b.N)/1e3, "cpu-µs/op") }()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r, err := http.NewRequest("POST", url, strings.NewReader(body))
			if err != nil {
				b.Error(err)
				return
			}
			r.Header.Set("Authorization", key)
			resp, err := client.Do(r)
			if err != nil {
				b.Error(err)
				return
			}
			n, err := io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if err != nil || resp.StatusCode != 200 || n < 1000 {
				b.Errorf("status %d, %d bytes, %v", resp.StatusCode, n, err)
				return
			}
		}
	})
}

// cpu returns the processor time this process has used, which says more than the clock where
// others work on the same machine.
func cpu(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
