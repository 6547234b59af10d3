package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/serving/auth"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/gateway/gatewaytest"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/provider/custom"
	"github.com/lakegate/lakegate/serving/provider/openai"
	"github.com/lakegate/lakegate/serving/wire"
)

// journal is what happened, in order, as the client and the recorder saw it.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, "\n")
}

// client is a gateway.Responder that keeps what it gets.
type client struct {
	journal *journal
	head    *gateway.Head
	body    string
	stream  bool
	aborted bool
	// onSend, when set, is called with each piece of a stream, and its error returned.
	onSend func(piece string) error
}

func (c *client) Answer(h *gateway.Head, body []byte) error {
	c.head, c.body = h, string(body)
	c.journal.add("answer %d", h.Status)
	return nil
}

func (c *client) Start(h *gateway.Head) error {
	c.head, c.stream = h, true
	c.journal.add("start %d", h.Status)
	return nil
}

func (c *client) Send(b []byte) error {
	c.body += string(b)
	c.journal.add("send %s", strings.ReplaceAll(strings.TrimSuffix(string(b), "\n\n"), "\n\n", " | "))
	if c.onSend != nil {
		return c.onSend(string(b))
	}
	return nil
}

func (c *client) Abort() {
	c.aborted = true
	c.journal.add("abort")
}

// meter counts.
type meter struct {
	mu                sync.Mutex
	started, finished int
	unrecorded        []string
	translated        []string
	notMade           []string
	compared          []string
}

func (m *meter) Started() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.started++
}

func (m *meter) Finished(*inference.Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.finished++
}

func (m *meter) Translated(from, to wire.Format, dropped int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.translated = append(m.translated, fmt.Sprintf("%s to %s without %d", from, to, dropped))
}

func (m *meter) Compared(endpoint string, winner inference.Side) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.compared = append(m.compared, endpoint+" "+string(winner))
}

func (m *meter) NotMade(endpoint, purpose, why string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.notMade = append(m.notMade, endpoint+" "+purpose+" "+why)
}

func (m *meter) Unrecorded(step string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.unrecorded = append(m.unrecorded, step)
}

// tracer counts spans, and those that ended.
type tracer struct{ started, ended, twice atomic.Int64 }

func (t *tracer) Start(*gateway.Call) gateway.Span {
	t.started.Add(1)
	return &span{of: t}
}

type span struct {
	of   *tracer
	over atomic.Bool
}

func (*span) Inject(http.Header) {}

func (*span) Saw([]byte) {}

func (s *span) End(*inference.Record) {
	if s.over.Swap(true) {
		s.of.twice.Add(1)
	}
	s.of.ended.Add(1)
}

// lab is a gateway with all around it faked but the upstream's HTTP.
type lab struct {
	*gateway.Gateway
	t        *testing.T
	journal  *journal
	recorder *gatewaytest.Recorder
	meter    *meter
	parts    gateway.Parts
	config   gateway.Config
	more     []*endpoint.Endpoint // beside the one
}

var (
	summary = gatewaytest.Summary
	asText  = gatewaytest.Text
)

const token = "lg-ann"

// setup changes a lab before it starts.
type setup func(*lab, *endpoint.Endpoint)

// newLab makes a lab with one endpoint, chat, whose entities a, b, ... call the upstreams.
func newLab(t *testing.T, upstreams []http.Handler, setups ...setup) *lab {
	t.Helper()
	e := chatEndpoint(t, len(upstreams))
	for i, u := range upstreams {
		srv := httptest.NewServer(u)
		t.Cleanup(srv.Close)
		e.Entities[i].BaseURL = parseURL(t, srv.URL+"/v1")
	}
	return newLabOf(t, e, setups...)
}

func chatEndpoint(t *testing.T, entities int) *endpoint.Endpoint {
	e := &endpoint.Endpoint{
		Name: "chat", Task: endpoint.Chat, UsageTracking: true, Timeout: 30 * time.Second,
		Payload: &endpoint.PayloadTable{Table: tableschema.Name{Catalog: "main", Schema: "ai", Table: "chat_payload"}, SamplingFraction: 1},
	}
	for i := range entities {
		e.Entities = append(e.Entities, &endpoint.Entity{
			Name: string(rune('a' + i)), Model: "gpt-4o", Task: endpoint.Chat, Provider: openai.Name,
			BaseURL: parseURL(t, "http://upstream/v1"), AuthHeader: "Authorization", AuthValue: secret.New("Bearer sk-upstream-key"),
		})
		e.Weights = append(e.Weights, 0)
	}
	e.Weights[0] = 100
	return e
}

func parseURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func newLabOf(t *testing.T, e *endpoint.Endpoint, setups ...setup) *lab {
	t.Helper()
	transport := gateway.NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	j := &journal{}
	l := &lab{t: t, journal: j, recorder: gatewaytest.NewRecorder(t), meter: &meter{}, config: gateway.DefaultConfig()}
	spans := &tracer{}
	l.recorder.Note = func(step string) { j.add("%s", step) }
	l.parts = gateway.Parts{
		Recorder: l.recorder, Pricer: gatewaytest.Pricer{}, Meter: l.meter, Tracer: spans, Transport: transport,
		Providers: map[string]provider.Provider{openai.Name: openai.New(), custom.Name: custom.New()},
		Logger:    slog.New(slog.DiscardHandler), Draw: func() uint32 { return 0 },
	}
	for _, s := range setups {
		s(l, e)
	}
	catalog, err := endpoint.NewCatalog(append(l.more, e))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := auth.NewKeys([]auth.Spec{
		{Name: "ann-key", Hash: auth.HashToken(token), Endpoints: []string{"chat*"}, Principal: inference.Principal{Name: "ann@example.com", KeyTags: map[string]string{"cost_center": "7"}}},
		{Name: "bob-key", Hash: auth.HashToken("lg-bob"), Endpoints: []string{"*"}, Principal: inference.Principal{Name: "bob@example.com"}},
		{Name: "none", Hash: auth.HashToken("lg-none"), Principal: inference.Principal{Name: "nobody@example.com"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	l.parts.Live = gateway.NewLive(gateway.View{Catalog: catalog, Keys: keys})
	if l.Gateway, err = gateway.New(l.config, l.parts); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s, e, twice := spans.started.Load(), spans.ended.Load(), spans.twice.Load(); s != e || twice > 0 {
			t.Errorf("%d spans started, %d ended, %d of them again", s, e, twice)
		}
		if l.meter.started != l.meter.finished {
			t.Errorf("%d calls started, %d finished", l.meter.started, l.meter.finished)
		}
	})
	return l
}

// do makes a call of the OpenAI chat surface and returns what the client got.
func (l *lab) do(body string, change ...func(*gateway.Call)) *client {
	return l.doAs(context.Background(), &client{}, body, change...)
}

func (l *lab) doAs(ctx context.Context, c *client, body string, change ...func(*gateway.Call)) *client {
	l.t.Helper()
	c.journal = l.journal
	call := &gateway.Call{
		Surface: gateway.Surface{APIType: "openai/v1/chat/completions", Dialect: apierr.OpenAI, Format: wire.OpenAIChat},
		Token:   token, URL: "/v1/chat/completions", UserAgent: "test/1", RemoteIP: "192.0.2.7",
		Body: func(limit int64) ([]byte, *apierr.Error) {
			if int64(len(body)) > limit {
				return nil, apierr.New(apierr.TooLarge, "the body is larger than %d bytes", limit)
			}
			return []byte(body), nil
		},
	}
	for _, f := range change {
		f(call)
	}
	l.Do(ctx, call, c)
	return c
}

const (
	ask       = `{"model":"chat","messages":[{"role":"user","content":"hi"}]}`
	askStream = `{"model":"chat","messages":[{"role":"user","content":"hi"}],"stream":true}`
	answer    = `{"id":"1","object":"chat.completion","model":"gpt-4o-2024","choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}}`
)

// sends is an upstream that answers with the given status, content type and body.
func sends(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// streams is an upstream that sends pieces, each flushed. A piece "!" drops the connection, and
// "..." waits until the caller goes away.
func streams(pieces ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		rc := http.NewResponseController(w)
		for _, p := range pieces {
			switch p {
			case "!":
				panic(http.ErrAbortHandler)
			case "...":
				<-r.Context().Done()
			default:
				_, _ = io.WriteString(w, p)
				_ = rc.Flush()
			}
		}
	}
}

// Chunks of a stream.
var (
	hel       = event(`{"id":"1","object":"chat.completion.chunk","model":"gpt-4o-2024","choices":[{"index":0,"delta":{"role":"assistant","content":"hel"},"finish_reason":null}],"usage":null}`)
	lo        = event(`{"id":"1","object":"chat.completion.chunk","model":"gpt-4o-2024","choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":null}],"usage":null}`)
	stop      = event(`{"id":"1","object":"chat.completion.chunk","model":"gpt-4o-2024","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}`)
	usage     = event(`{"id":"1","object":"chat.completion.chunk","model":"gpt-4o-2024","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}}`)
	doneEvent = event("[DONE]")
)

func event(data string) string { return "data: " + data + "\n\n" }

var errGone = errors.New("write: broken pipe")
