package gateway_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
)

// script is an upstream without a network, whose steps take fake time. A step that is a duration
// waits; text is sent; an error ends the answer.
type script struct {
	header time.Duration // until the header comes
	kind   string        // content type; event stream when empty
	steps  []any
}

func (s script) RoundTrip(r *http.Request) (*http.Response, error) {
	if !wait(r.Context(), s.header) {
		return nil, context.Cause(r.Context())
	}
	kind := s.kind
	if kind == "" {
		kind = "text/event-stream"
	}
	return &http.Response{
		StatusCode: 200, Header: http.Header{"Content-Type": {kind}}, ContentLength: -1, Request: r,
		Body: &scriptBody{ctx: r.Context(), steps: slices.Clone(s.steps)},
	}, nil
}

func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

type scriptBody struct {
	ctx   context.Context
	steps []any
}

func (b *scriptBody) Close() error { return nil }

func (b *scriptBody) Read(p []byte) (int, error) {
	if b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx)
	}
	if len(b.steps) == 0 {
		return 0, io.EOF
	}
	switch s := b.steps[0].(type) {
	case time.Duration:
		b.steps = b.steps[1:]
		if !wait(b.ctx, s) {
			return 0, context.Cause(b.ctx)
		}
		return b.Read(p)
	case error:
		return 0, s
	default:
		text, _ := s.(string)
		n := copy(p, text)
		if b.steps[0] = text[n:]; n == len(text) {
			b.steps = b.steps[1:]
		}
		return n, nil
	}
}

// over runs a call in fake time against scripts, one per entity in turn, with the client leaving
// after the given time (0: it stays). It returns what the client got and how long the call took.
func over(t *testing.T, leaves time.Duration, body string, setups []setup, change []func(*gateway.Call), scripts ...script) (*lab, *client, time.Duration) {
	t.Helper()
	e := chatEndpoint(t, len(scripts))
	e.Fallback = true
	l := newLabOf(t, e, append(setups, func(l *lab, _ *endpoint.Endpoint) {
		l.parts.Transport = &inTurn{scripts: scripts}
	})...)
	ctx := context.Background()
	if leaves > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, leaves)
		defer cancel()
	}
	start := time.Now()
	c := l.doAs(ctx, &client{}, body, change...)
	took := time.Since(start)
	return l, c, took
}

type inTurn struct {
	mu      sync.Mutex
	scripts []script
}

func (i *inTurn) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	s := i.scripts[0]
	i.scripts = i.scripts[1:]
	i.mu.Unlock()
	return s.RoundTrip(r)
}

// TestTime: clients that leave and providers that take too long, in fake time.
func TestTime(t *testing.T) {
	const sec = time.Second
	first := func(_ *lab, e *endpoint.Endpoint) { e.FirstTokenTimeout = 5 * sec }
	idle := func(l *lab, _ *endpoint.Endpoint) { l.config.IdleTimeout = 5 * sec }
	ownIdle := func(_ *lab, e *endpoint.Endpoint) { e.IdleTimeout = 5 * sec }
	patient := func(l *lab, _ *endpoint.Endpoint) { l.config.IdleTimeout = time.Hour }
	drain := func(l *lab, _ *endpoint.Endpoint) { l.config.DrainTimeout = 5 * sec }
	drainBytes := func(l *lab, _ *endpoint.Endpoint) { l.config.DrainBytes = 100 }
	strict := func(_ *lab, e *endpoint.Endpoint) { e.Strict = true }
	slow := script{steps: []any{hel, 2 * sec, lo, 2 * sec, stop, usage, 2 * sec, doneEvent}}
	fine := script{steps: []any{hel + lo + stop + usage + doneEvent}}
	tests := []struct {
		name    string
		leaves  time.Duration
		body    string
		setups  []setup
		scripts []script
		row     string
		took    time.Duration
		client  string // part of what the client got
	}{
		{"nobody is in a hurry", 0, askStream, nil, []script{slow}, "ok 200 usage=provider:5+7=12 cost=12 a:200", 6 * sec, doneEvent},
		{"leaves in the middle", 1 * sec, askStream, nil, []script{slow}, "client_gone 200 CLIENT_CLOSED_REQUEST usage=provider:5+7=12 cost=12 a:200", 6 * sec, hel},
		{"leaves right after the last text", 5 * sec, askStream, nil, []script{slow}, "client_gone 200 CLIENT_CLOSED_REQUEST usage=provider:5+7=12 cost=12 a:200", 6 * sec, stop},
		{"leaves in the middle, strict", 1 * sec, askStream, []setup{strict}, []script{slow}, "client_gone 200 CLIENT_CLOSED_REQUEST usage=provider:5+7=12 cost=12 a:200", 6 * sec, hel},
		{"leaves before the first byte", 1 * sec, askStream, nil, []script{{header: 3 * sec, steps: slow.steps}}, "client_gone 0 CLIENT_CLOSED_REQUEST usage=provider:5+7=12 cost=12 a:200", 9 * sec, ""},
		{"leaves before a whole answer", 1 * sec, ask, nil, []script{{kind: "application/json", steps: []any{3 * sec, answer}}}, "client_gone 0 CLIENT_CLOSED_REQUEST usage=provider:5+7=12 cost=12 a:200", 3 * sec, ""},
		{"leaves, and the rest takes too long", 1 * sec, askStream, []setup{drain}, []script{{steps: []any{hel, 4 * sec, lo, 4 * sec, stop}}}, "client_gone 200 CLIENT_CLOSED_REQUEST usage=none a:200", 6 * sec, hel},
		{"leaves, and the header takes too long", 1 * sec, ask, []setup{drain}, []script{{header: time.Hour}, fine}, "client_gone 0 CLIENT_CLOSED_REQUEST usage=none a:0", 6 * sec, ""},
		{"leaves, and the rest is too much", 1 * sec, askStream, []setup{drainBytes}, []script{{steps: []any{hel, 2 * sec, lo, lo, lo, lo, lo, stop, usage, doneEvent}}}, "client_gone 200 CLIENT_CLOSED_REQUEST usage=none a:200", 2 * sec, hel},
		{"leaves, and no other entity is asked", 1 * sec, ask, nil, []script{{header: 2 * sec, kind: "text/html"}, fine}, "client_gone 0 CLIENT_CLOSED_REQUEST usage=none a:200", 2 * sec, ""},
		{"silent before the first byte", 0, askStream, []setup{first}, []script{{header: time.Hour}}, "timeout 504 DEADLINE_EXCEEDED usage=none a:0", 5 * sec, "did not begin to answer in time"},
		{"silent after the header", 0, askStream, []setup{first}, []script{{steps: []any{time.Hour}}}, "timeout 504 DEADLINE_EXCEEDED usage=none a:200", 5 * sec, "did not begin to answer in time"},
		{"silent, another is not", 0, askStream, []setup{first}, []script{{header: time.Hour}, fine}, "ok 200 usage=provider:5+7=12 cost=12 a:0 b:200", 5 * sec, doneEvent},
		{"silent in the middle", 0, askStream, []setup{idle}, []script{{steps: []any{hel, 4 * sec, lo, time.Hour}}}, "timeout 200 DEADLINE_EXCEEDED usage=none a:200", 9 * sec, "fell silent"},
		{"silent in the middle of a whole answer", 0, ask, []setup{idle}, []script{{kind: "application/json", steps: []any{answer[:9], time.Hour}}}, "timeout 504 DEADLINE_EXCEEDED usage=none a:200", 5 * sec, "fell silent"},
		{"silent for longer than the endpoint allows", 0, askStream, []setup{patient, ownIdle}, []script{{steps: []any{hel, 4 * sec, lo, time.Hour}}}, "timeout 200 DEADLINE_EXCEEDED usage=none a:200", 9 * sec, `"error"`},
		{"a whole answer, silent for longer than the endpoint allows", 0, ask, []setup{patient, ownIdle}, []script{{kind: "application/json", steps: []any{answer[:9], time.Hour}}}, "timeout 504 DEADLINE_EXCEEDED usage=none a:200", 5 * sec, "fell silent"},
		{"a comment is a sign of life", 0, askStream, []setup{ownIdle}, []script{{steps: []any{hel, 4 * sec, ": ping\n\n", 4 * sec, ": ping\n\n", 4 * sec, lo + stop + usage + doneEvent}}}, "ok 200 usage=provider:5+7=12 cost=12 a:200", 12 * sec, doneEvent},
		{"the endpoint allows more than the gateway", 0, askStream, []setup{idle, func(_ *lab, e *endpoint.Endpoint) { e.IdleTimeout = 25 * sec }}, []script{{steps: []any{hel, 20 * sec, lo + stop + usage + doneEvent}}}, "ok 200 usage=provider:5+7=12 cost=12 a:200", 20 * sec, doneEvent},
		{"longer than the endpoint allows", 0, askStream, nil, []script{{steps: []any{hel, 20 * sec, lo, 20 * sec, stop}}}, "timeout 200 DEADLINE_EXCEEDED usage=none a:200", 30 * sec, "did not finish"},
		{"all attempts together take too long", 0, ask, []setup{func(_ *lab, e *endpoint.Endpoint) { e.FirstTokenTimeout = 20 * sec }}, []script{{header: time.Hour}, {header: time.Hour}, fine}, "timeout 504 DEADLINE_EXCEEDED usage=none a:0 b:0", 30 * sec, "did not finish"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, c, took := over(t, tt.leaves, tt.body, tt.setups, nil, tt.scripts...)
				r := l.recorder.One()
				if got := summary(r); got != tt.row || took != tt.took || r.Latency != tt.took {
					t.Errorf("after %v: %s\nwant %v: %s", took, got, tt.took, tt.row)
				}
				if !strings.Contains(c.body, tt.client) {
					t.Errorf("client got %s, want %s", c.body, tt.client)
				}
				if tt.leaves > 0 && (strings.Contains(c.body, doneEvent) || strings.Contains(c.body, `"error"`)) {
					t.Errorf("sent to nobody: %s", c.body)
				}
			})
		})
	}
}

// afterFirst is an upstream that goes on after its first event only when that has been seen.
func afterFirst(seen <-chan bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		streams(hel)(w, r)
		<-seen
		_, _ = io.WriteString(w, lo+stop+usage+doneEvent)
	}
}

// TestClientThatStopsReading is noticed by the failing write.
func TestClientThatStopsReading(t *testing.T) {
	seen := make(chan bool)
	l := newLab(t, []http.Handler{afterFirst(seen)})
	sent := 0
	c := &client{onSend: func(string) error {
		if sent++; sent == 1 {
			close(seen)
			return errGone
		}
		return nil
	}}
	l.doAs(context.Background(), c, askStream)
	if got := summary(l.recorder.One()); got != "client_gone 200 CLIENT_CLOSED_REQUEST usage=provider:5+7=12 cost=12 a:200" || sent != 1 {
		t.Errorf("%d sends, row %s", sent, got)
	}
}

// TestClientThatLeavesWithTheEnd: the record is out before the last event, so it stays as it is.
func TestClientThatLeavesWithTheEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	l := newLab(t, []http.Handler{streams(hel, lo, stop, usage, doneEvent)})
	c := &client{onSend: func(piece string) error {
		if strings.Contains(piece, "[DONE]") {
			cancel()
			return errGone
		}
		return nil
	}}
	l.doAs(ctx, c, askStream)
	if got := summary(l.recorder.One()); got != "ok 200 usage=provider:5+7=12 cost=12 a:200" {
		t.Error(got)
	}
}

func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, body := range map[string]string{"whole": ask, "stream": askStream} {
			e := chatEndpoint(t, 1)
			l := newLabOf(t, e, func(l *lab, _ *endpoint.Endpoint) {
				l.parts.Transport = script{steps: []any{hel, time.Hour}}
				if body == ask {
					l.parts.Transport = script{header: time.Hour}
				}
			})
			time.AfterFunc(time.Second, l.Stop)
			c := l.do(body)
			want := map[string]string{"whole": "internal_failure 503 TEMPORARILY_UNAVAILABLE usage=none a:0", "stream": "internal_failure 200 TEMPORARILY_UNAVAILABLE usage=none a:200"}
			if got := summary(l.recorder.One()); got != want[name] || !strings.Contains(c.body, "the gateway is stopping") {
				t.Errorf("%s: row %s, client %s", name, got, c.body)
			}
			l.Stop() // safe twice
		}
	})
}

// TestPanics: a panic anywhere is a row and an error without a stack.
func TestPanics(t *testing.T) {
	boom := func() { panic("secret detail") }
	tests := []struct {
		name string
		body string
		make func(*lab, *gateway.Call, *client)
		row  string
	}{
		{"reading the body", ask, func(_ *lab, c *gateway.Call, _ *client) { c.Body = nil }, "internal_failure 500 INTERNAL_ERROR usage=none"},
		{"calling upstream", ask, func(l *lab, _ *gateway.Call, _ *client) {
			l.Transport = transportFunc(func(*http.Request) (*http.Response, error) { boom(); return nil, nil })
		}, "internal_failure 500 INTERNAL_ERROR usage=none"},
		{"sending", askStream, func(l *lab, _ *gateway.Call, c *client) {
			n := 0
			c.onSend = func(string) error {
				if n++; n == 1 {
					boom()
				}
				return nil
			}
			l.Transport = script{steps: []any{hel, time.Millisecond, lo}}
		}, "internal_failure 200 INTERNAL_ERROR usage=none"},
		{"sending the end", askStream, func(_ *lab, _ *gateway.Call, c *client) {
			c.onSend = func(piece string) error {
				if strings.Contains(piece, "[DONE]") {
					boom()
				}
				return nil
			}
		}, "ok 200 usage=provider:5+7=12 cost=12 a:200"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := newLab(t, []http.Handler{streams(hel, lo, stop, usage, doneEvent)})
			c := &client{}
			l.doAs(context.Background(), c, tt.body, func(call *gateway.Call) { tt.make(l, call, c) })
			r := l.recorder.One()
			if got := summary(r); got != tt.row {
				t.Errorf("row %s, want %s", got, tt.row)
			}
			if !strings.Contains(c.body, "internal error; the request id is "+r.ID.String()) || strings.Contains(c.body, "secret") {
				t.Errorf("client got %s", c.body)
			}
		})
	}
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
