package telemetry_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	metricsapi "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	traceapi "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/serving/auth"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/gateway/gatewaytest"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/provider/openai"
	"github.com/lakegate/lakegate/serving/telemetry"
	"github.com/lakegate/lakegate/serving/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// collector is an OpenTelemetry collector that keeps what it gets.
type collector struct {
	mu      sync.Mutex
	raw     []byte
	keys    []string
	spans   []*tracepb.Span
	metrics map[string]*metricspb.Metric
}

func (c *collector) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw = append(c.raw, b...)
	c.keys = append(c.keys, r.Header.Get("X-Collector-Key"))
	switch r.URL.Path {
	case "/base/v1/traces":
		var t traceapi.ExportTraceServiceRequest
		if err := proto.Unmarshal(b, &t); err != nil {
			panic(err)
		}
		c.spans = append(c.spans, t.ResourceSpans[0].ScopeSpans[0].Spans...)
	case "/base/v1/metrics":
		var m metricsapi.ExportMetricsServiceRequest
		if err := proto.Unmarshal(b, &m); err != nil {
			panic(err)
		}
		c.metrics = map[string]*metricspb.Metric{}
		for _, rm := range m.ResourceMetrics {
			for _, sm := range rm.ScopeMetrics {
				for _, m := range sm.Metrics {
					c.metrics[m.Name] = m
				}
			}
		}
	}
}

// text is attributes as text, in order.
func text(attributes []*commonpb.KeyValue) string {
	var all []string
	for _, a := range attributes {
		if a.Key == "lakegate.request_id" {
			continue
		}
		v := a.Value
		var s string
		switch {
		case v.GetArrayValue() != nil:
			for _, x := range v.GetArrayValue().Values {
				s += "[" + x.GetStringValue() + "]"
			}
		case v.GetStringValue() != "":
			s = v.GetStringValue()
		default:
			s = strings.TrimSpace(v.String()[strings.Index(v.String(), ":")+1:])
		}
		all = append(all, a.Key+"="+s)
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

const (
	secretPrompt = "nobody may read of the merger"
	secretAnswer = "the merger is on"
	whole        = `{"id":"1","model":"gpt-4o-2024","choices":[{"index":0,"message":{"role":"assistant","content":"` + secretAnswer + `"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12,"prompt_tokens_details":{"cached_tokens":2}}}`
	streamed     = "data: {\"model\":\"gpt-4o-2024\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" + secretAnswer + "\"},\"finish_reason\":null}]}\n\n" +
		"data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n" +
		"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":7,\"total_tokens\":12}}\n\ndata: [DONE]\n\n"
)

// upstream answers, fails where asked to, and keeps the header of the last call.
type upstream struct {
	mu     sync.Mutex
	parent string
}

func (u *upstream) RoundTrip(r *http.Request) (*http.Response, error) {
	b, _ := io.ReadAll(r.Body)
	u.mu.Lock()
	u.parent = r.Header.Get("Traceparent")
	u.mu.Unlock()
	answer := func(status int, media, body string) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {media}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: -1}, nil
	}
	switch {
	case strings.Contains(string(b), "fail") || r.URL.Host == "broken":
		return answer(503, "application/json", `{"error":{"message":"away"}}`)
	case strings.Contains(string(b), `"stream":true`):
		return answer(200, "text/event-stream", streamed)
	}
	return answer(200, "application/json", whole)
}

// silent is a client.
type silent struct{}

func (silent) Answer(*gateway.Head, []byte) error { return nil }
func (silent) Start(*gateway.Head) error          { return nil }
func (silent) Send([]byte) error                  { return nil }
func (silent) Abort()                             {}

// unmetered counts nothing.
type unmetered struct{}

func (unmetered) Started()                                 {}
func (unmetered) Finished(*inference.Record)               {}
func (unmetered) Unrecorded(string)                        {}
func (unmetered) Compared(string, inference.Side)          {}
func (unmetered) NotMade(string, string, string)           {}
func (unmetered) Translated(_, _ wire.Format, dropped int) {}

// unrecorded keeps nothing.
type unrecorded struct{}

func (unrecorded) Comparison(*inference.Comparison) error               { return nil }
func (unrecorded) Admit(*inference.Record) (gateway.Ticket, error)      { return nil, nil }
func (unrecorded) Finish(gateway.Ticket, *inference.Record, bool) error { return nil }
func (unrecorded) Record(*inference.Record, bool) error                 { return nil }

func newGateway(t testing.TB, up http.RoundTripper, tracer gateway.Tracer) *gateway.Gateway {
	t.Helper()
	entity := func(name, host string) *endpoint.Entity {
		return &endpoint.Entity{
			Name: name, Model: "gpt-4o", Task: endpoint.Chat, Provider: openai.Name, BaseURL: &url.URL{Scheme: "http", Host: host, Path: "/v1"},
			AuthHeader: "Authorization", AuthValue: secret.New("Bearer sk-upstream-key"),
		}
	}
	catalog, err := endpoint.NewCatalog([]*endpoint.Endpoint{
		{Name: "chat", Task: endpoint.Chat, UsageTracking: true, Timeout: time.Minute, Entities: []*endpoint.Entity{entity("a", "up")}, Weights: []int{100}},
		{Name: "two", Task: endpoint.Chat, UsageTracking: true, Timeout: time.Minute, Fallback: true, Entities: []*endpoint.Entity{entity("a", "broken"), entity("b", "up")}, Weights: []int{100, 0}},
	})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := auth.NewKeys([]auth.Spec{{Name: "k", Hash: auth.HashToken("lg-ann"), Endpoints: []string{"*"}, Principal: inference.Principal{Name: "ann@example.com"}}})
	if err != nil {
		t.Fatal(err)
	}
	g, err := gateway.New(gateway.DefaultConfig(), gateway.Parts{
		Live: gateway.NewLive(gateway.View{Catalog: catalog, Keys: keys}), Recorder: unrecorded{}, Pricer: gatewaytest.Pricer{}, Meter: unmetered{},
		Providers: map[string]provider.Provider{openai.Name: openai.New()}, Logger: slog.New(slog.DiscardHandler), Transport: up, Tracer: tracer,
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func call(g *gateway.Gateway, model, prompt, more, parent string) {
	body := []byte(fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":%q}],"usage_context":{"team":"secret-team"}%s}`, model, prompt, more))
	g.Do(context.Background(), &gateway.Call{
		Surface: gateway.Surface{APIType: "openai/v1/chat/completions", Dialect: apierr.OpenAI, Format: wire.OpenAIChat}, Token: "lg-ann",
		Body: func(int64) ([]byte, *apierr.Error) { return body, nil }, TraceParent: parent, TraceState: "vendor=1",
	}, silent{})
}

// traced makes a gateway that tells a collector, and what stops both.
func traced(t *testing.T, change ...func(*telemetry.Config)) (*collector, *upstream, *gateway.Gateway, *telemetry.Telemetry) {
	t.Helper()
	c := &collector{}
	srv := httptest.NewServer(c)
	t.Cleanup(srv.Close)
	cfg := telemetry.DefaultConfig()
	cfg.Endpoint, cfg.Headers, cfg.Version = srv.URL+"/base/", map[string]string{"X-Collector-Key": "k"}, "1.2.3"
	for _, f := range change {
		f(&cfg)
	}
	tel, err := telemetry.New(context.Background(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	up := &upstream{}
	return c, up, newGateway(t, up, tel), tel
}

func closed(t *testing.T, tel *telemetry.Telemetry) {
	t.Helper()
	for range 2 {
		if err := tel.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

const (
	theirTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	theirSpan  = "00f067aa0ba902b7"
)

func TestSpans(t *testing.T) {
	c, up, g, tel := traced(t)
	call(g, "chat", secretPrompt, "", "00-"+theirTrace+"-"+theirSpan+"-01")
	upstreamParent := up.parent
	call(g, "chat", secretPrompt, `,"stream":true`, "")
	call(g, "two", secretPrompt, "", "nonsense")
	call(g, "chat", secretPrompt+" fail", "", "")
	call(g, secretPrompt, secretPrompt, "", "")
	closed(t, tel)

	var got []string
	for _, s := range c.spans {
		line := s.Name + "\n" + text(s.Attributes)
		for _, e := range s.Events {
			line += "\nevent " + e.Name + " " + strings.ReplaceAll(text(e.Attributes), "\n", " ")
		}
		if s.Kind != tracepb.Span_SPAN_KIND_CLIENT || s.EndTimeUnixNano < s.StartTimeUnixNano {
			t.Errorf("%s: kind %v, from %d to %d", s.Name, s.Kind, s.StartTimeUnixNano, s.EndTimeUnixNano)
		}
		if failed := s.Status.GetCode() == tracepb.Status_STATUS_CODE_ERROR; failed != strings.Contains(line, "error.type=") {
			t.Errorf("%s has status %v", line, s.Status)
		}
		got = append(got, timeless(line))
	}
	answered := "gen_ai.operation.name=chat\ngen_ai.provider.name=openai\ngen_ai.request.model=gpt-4o\ngen_ai.request.stream=%s\n" +
		"gen_ai.response.finish_reasons=%s\ngen_ai.response.model=gpt-4o-2024\n%sgen_ai.usage.input_tokens=5\ngen_ai.usage.output_tokens=7\n" +
		"http.response.status_code=200\nlakegate.api_type=openai/v1/chat/completions\nlakegate.cost_usd=1.2e-08\nlakegate.endpoint=%s\nlakegate.served_entity=%s"
	cached := "gen_ai.usage.cache_read.input_tokens=2\n"
	want := []string{
		"chat gpt-4o\n" + fmt.Sprintf(answered, "false", "[stop]", cached, "chat", "a"),
		"chat gpt-4o\n" + fmt.Sprintf(answered, "true", "[length]", "gen_ai.response.time_to_first_chunk=T\n", "chat", "a"),
		"chat gpt-4o\n" + fmt.Sprintf(answered, "false", "[stop]", cached, "two", "b") +
			"\nevent lakegate.attempt_failed gen_ai.provider.name=openai http.response.status_code=503 lakegate.served_entity=a",
		"chat gpt-4o\nerror.type=upstream_error\ngen_ai.operation.name=chat\ngen_ai.provider.name=openai\ngen_ai.request.model=gpt-4o\ngen_ai.request.stream=false\n" +
			"http.response.status_code=503\nlakegate.api_type=openai/v1/chat/completions\nlakegate.endpoint=chat\nlakegate.served_entity=a" +
			"\nevent lakegate.attempt_failed gen_ai.provider.name=openai http.response.status_code=503 lakegate.served_entity=a",
		"chat\nerror.type=refused\ngen_ai.operation.name=chat\ngen_ai.request.stream=false\nhttp.response.status_code=404\nlakegate.api_type=openai/v1/chat/completions",
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("span %d of %d:\n%s\nwant:\n%s", i, len(got), got[min(i, len(got)-1)], want[min(i, len(want)-1)])
		}
	}
	first := c.spans[0]
	if hex.EncodeToString(first.TraceId) != theirTrace || hex.EncodeToString(first.ParentSpanId) != theirSpan || first.TraceState != "vendor=1" {
		t.Errorf("trace %x, parent %x, state %q", first.TraceId, first.ParentSpanId, first.TraceState)
	}
	if want := fmt.Sprintf("00-%s-%x-01", theirTrace, first.SpanId); upstreamParent != want {
		t.Errorf("the provider got traceparent %q, want %q", upstreamParent, want)
	}
	if len(c.spans[2].ParentSpanId) != 0 {
		t.Error("nonsense became a parent")
	}
	for _, s := range []string{secretPrompt, "merger", secretAnswer, "secret-team", "ann@example.com", "lg-ann", "sk-upstream"} {
		if strings.Contains(string(c.raw), s) {
			t.Errorf("%q was told to the collector", s)
		}
	}
	for _, k := range c.keys {
		if k != "k" {
			t.Errorf("a request without the configured header")
		}
	}
	if s := tel.Stats(); s.Sent != 5 || s.Dropped != 0 || s.FailedMetrics != 0 {
		t.Errorf("%+v", s)
	}
}

// timeless takes durations out.
func timeless(s string) string {
	const key = "time_to_first_chunk="
	before, after, ok := strings.Cut(s, key)
	if !ok {
		return s
	}
	_, rest, _ := strings.Cut(after, "\n")
	return before + key + "T\n" + rest
}

func TestMetrics(t *testing.T) {
	c, _, g, tel := traced(t, func(c *telemetry.Config) { c.Sample = 0 })
	for range 3 {
		call(g, "chat", secretPrompt, "", "")
	}
	call(g, "chat", "fail", "", "")
	call(g, "no such endpoint", "hi", "", "")
	closed(t, tel)
	var got []string
	for _, name := range []string{"gen_ai.client.token.usage", "gen_ai.client.operation.duration"} {
		for _, p := range c.metrics[name].GetHistogram().GetDataPoints() {
			line := fmt.Sprintf("%s %s %d", name, strings.ReplaceAll(text(p.Attributes), "\n", " "), p.Count)
			if name == "gen_ai.client.token.usage" {
				line += fmt.Sprintf(" %v", p.GetSum())
			}
			if len(p.ExplicitBounds) != 14 {
				t.Errorf("%s has bounds %v", name, p.ExplicitBounds)
			}
			got = append(got, line)
		}
	}
	slices.Sort(got)
	of := " gen_ai.operation.name=chat gen_ai.provider.name=openai gen_ai.request.model=gpt-4o "
	want := []string{
		"gen_ai.client.operation.duration error.type=upstream_error" + of + "lakegate.endpoint=chat 1",
		"gen_ai.client.operation.duration" + of + "lakegate.endpoint=chat 3",
		"gen_ai.client.token.usage" + of + "gen_ai.token.type=input lakegate.endpoint=chat 3 15",
		"gen_ai.client.token.usage" + of + "gen_ai.token.type=output lakegate.endpoint=chat 3 21",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(c.spans) > 0 || tel.Stats().Sent > 0 {
		t.Errorf("%d spans with a sample of 0", len(c.spans))
	}
}

// TestCallersDecide: a caller that has decided about its trace is followed.
func TestCallersDecide(t *testing.T) {
	c, up, g, tel := traced(t, func(c *telemetry.Config) { c.Sample = 0 })
	call(g, "chat", "hi", "", "00-"+theirTrace+"-"+theirSpan+"-01")
	call(g, "chat", "hi", "", "00-"+theirTrace+"-"+theirSpan+"-00")
	if !strings.HasPrefix(up.parent, "00-"+theirTrace+"-") || !strings.HasSuffix(up.parent, "-00") {
		t.Errorf("the provider got %q of a call that is not sampled", up.parent)
	}
	closed(t, tel)
	if len(c.spans) != 1 {
		t.Errorf("%d spans, want that of the sampled call", len(c.spans))
	}
}

// TestACollectorThatIsAway slows nothing down; what is lost is counted.
func TestACollectorThatIsAway(t *testing.T) {
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer srv.Close()
	cfg := telemetry.DefaultConfig()
	cfg.Endpoint, cfg.Queue, cfg.Batch, cfg.Timeout = srv.URL, 16, 4, time.Hour
	tel, err := telemetry.New(context.Background(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	g := newGateway(t, &upstream{}, tel)
	const calls = 500
	for range calls { // would hang if one waited: nothing is released before
		call(g, "chat", "hi", "", "")
	}
	if s := tel.Stats(); s.Sent != 0 || s.Dropped < calls-16-4-4 {
		t.Errorf("while it is away: %+v", s)
	}
	close(release)
	closed(t, tel)
	if s := tel.Stats(); s.Sent+s.Dropped != calls || s.Sent == 0 {
		t.Errorf("after: %+v, want %d in all", s, calls)
	}
}

func TestARefusingCollector(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }))
	defer srv.Close()
	cfg := telemetry.DefaultConfig()
	cfg.Endpoint = srv.URL
	tel, err := telemetry.New(context.Background(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	g := newGateway(t, &upstream{}, tel)
	for range 3 {
		call(g, "chat", "hi", "", "")
	}
	closed(t, tel)
	if s := tel.Stats(); s != (telemetry.Stats{Dropped: 3, FailedMetrics: 1}) {
		t.Errorf("%+v", s)
	}
}

func TestConfig(t *testing.T) {
	_, err := telemetry.New(context.Background(), telemetry.Config{Endpoint: "collector:4318", Sample: 2}, slog.New(slog.DiscardHandler))
	for _, want := range []string{"want http://HOST", "sample 2", "above zero"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

// BenchmarkCall is a call through the gateway, without a network, with nobody following it and with a
// collector that is away, which is the dearest: spans are made, and counted as lost.
func BenchmarkCall(b *testing.B) {
	cfg := telemetry.DefaultConfig()
	cfg.Endpoint = "http://127.0.0.1:1"
	tel, err := telemetry.New(context.Background(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = tel.Close(context.Background()) }()
	for _, more := range []struct{ name, field string }{{"whole", ""}, {"stream", `,"stream":true`}} {
		for _, tt := range []struct {
			name   string
			tracer gateway.Tracer
		}{{"off", nil}, {"on", tel}} {
			b.Run(more.name+"/"+tt.name, func(b *testing.B) {
				g := newGateway(b, &upstream{}, tt.tracer)
				b.ReportAllocs()
				for b.Loop() {
					call(g, "chat", "hi", more.field, "00-"+theirTrace+"-"+theirSpan+"-01")
				}
			})
		}
	}
}
