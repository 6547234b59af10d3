package gateway_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/gateway/gatewaytest"
)

// shadowed has a share of the calls asked of the last entity too.
func shadowed(share float64, more ...setup) setup {
	return func(l *lab, e *endpoint.Endpoint) {
		e.Fallback = true
		e.Shadow = &endpoint.Shadow{To: len(e.Entities) - 1, Share: share}
		for _, f := range more {
			f(l, e)
		}
	}
}

// rowsOf returns the rows of a client's call and of what was asked beside it, the client's first.
func rowsOf(t *testing.T, r *gatewaytest.Recorder) []*inference.Record {
	t.Helper()
	rows := r.Records()
	slices.SortStableFunc(rows, func(a, b *inference.Record) int { return strings.Compare(a.Purpose, b.Purpose) })
	for i, x := range rows {
		if i == 0 && x.Purpose != "" || i > 0 && (x.Purpose == "" || x.Parent != rows[0].ID || x.ID == rows[0].ID) {
			t.Errorf("row %d: id %s, purpose %q, parent %s", i, x.ID, x.Purpose, x.Parent)
		}
	}
	return rows
}

// TestShadow: the client's answer and row are as without, and the other's are a row of their own.
func TestShadow(t *testing.T) {
	const s = time.Second
	other := strings.Replace(answer, "hello", "shadow's", 1)
	all := []any{hel, s, lo, stop, usage, doneEvent}
	tests := []struct {
		name        string
		a, b        step
		stream      bool
		row, beside string
		shown       string // that the other's payload has
	}{
		{name: "both answer", a: says(answer), b: says(other).in(5 * s), row: "ok 200 usage=provider:5+7=12 cost=12 a:200", beside: "ok 200 usage=provider:5+7=12 cost=12 b:200", shown: other},
		{name: "streams", stream: true, a: events(all...), b: events(all...).in(s), row: "ok 200 usage=provider:5+7=12 cost=12 a:200", beside: "ok 200 usage=provider:5+7=12 cost=12 b:200", shown: `"content":"hello"`},
		{name: "the shadow fails", a: says(answer), b: status(500), row: "ok 200 usage=provider:5+7=12 cost=12 a:200", beside: "upstream_error 500 EXTERNAL_MODEL_ERROR usage=none b:500", shown: `"no"`},
		{name: "only the shadow answers", a: status(500), b: says(other), row: "upstream_error 500 EXTERNAL_MODEL_ERROR usage=none a:500", beside: "ok 200 usage=provider:5+7=12 cost=12 b:200", shown: other},
		{name: "a shadow that never ends", a: says(answer), b: says(other).in(time.Hour), row: "ok 200 usage=provider:5+7=12 cost=12 a:200", beside: "timeout 504 DEADLINE_EXCEEDED usage=none b:0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			scripted(t, map[string][]step{"a": {tt.a}, "b": {tt.b}}, shadowed(1), func(t *testing.T, l *lab, p *playbook) {
				body := ask
				if tt.stream {
					body = askStream
				}
				c := l.do(body)
				took := time.Since(p.start)
				if want := map[bool]time.Duration{true: s}[tt.stream]; took != want {
					t.Errorf("the client waited %s, want %s", took, want)
				}
				if strings.Contains(c.body, "shadow") {
					t.Errorf("the client got %s", c.body)
				}
				if err := l.Settle(context.Background()); err != nil {
					t.Error(err)
				}
				rows := rowsOf(t, l.recorder)
				if len(rows) != 2 {
					t.Fatalf("%d rows", len(rows))
				}
				for i, want := range []string{tt.row, tt.beside} {
					if got := summary(rows[i]); got != want {
						t.Errorf("row %d\ngot  %s\nwant %s", i, got, want)
					}
				}
				x := rows[1]
				if x.Purpose != inference.PurposeShadow || x.Principal.Name != "ann@example.com" || x.Target.Endpoint != "chat" || string(x.Payload.Request) != body || !strings.Contains(string(x.Payload.Response), tt.shown) {
					t.Errorf("the other row: %s %+v, asked %s, answered %s", x.Principal.Name, x.Target, x.Payload.Request, x.Payload.Response)
				}
			})
		})
	}
}

// TestShadowsOfAShare are as many as the share says, and take no part in fallback.
func TestShadowsOfAShare(t *testing.T) {
	scripted(t, map[string][]step{"a": {status(500)}, "b": {says(answer)}}, shadowed(0.25), func(t *testing.T, l *lab, p *playbook) {
		next := uint32(0)
		l.Draw = func() uint32 { next += 1 << 30; return next - 1 } // a quarter, half, three quarters, all
		for range 100 {
			l.do(ask)
		}
		synctest.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		if a, b := p.n["a"], p.n["b"]; a != 100 || b != 25 && b != 50 {
			t.Errorf("a was asked %d times, b %d times", a, b)
		}
	})
}

// TestWhatHasNoShadow: calls that are not complete by themselves, or would do something twice.
func TestWhatHasNoShadow(t *testing.T) {
	l := newLab(t, []http.Handler{sends(200, "application/json", answer), sends(200, "application/json", answer)}, shadowed(1))
	refused := func(c *gateway.Call) { c.Token = "lg-none" }
	l.do(ask, refused)
	l.do(`{"model":"chat"`)
	if err := l.Settle(context.Background()); err != nil {
		t.Error(err)
	}
	for _, r := range l.recorder.Records() {
		if r.Purpose != "" {
			t.Errorf("a refused call has a shadow: %s", summary(r))
		}
	}
}

// TestShadowsAreBounded: what is too much is not made, and counted.
func TestShadowsAreBounded(t *testing.T) {
	few := func(l *lab, _ *endpoint.Endpoint) { l.config.MaxBeside = 2 }
	scripted(t, map[string][]step{"a": {says(answer)}, "b": {says(answer).in(time.Second)}}, shadowed(1, few), func(t *testing.T, l *lab, p *playbook) {
		for range 5 {
			l.do(ask)
		}
		if err := l.Settle(context.Background()); err != nil {
			t.Error(err)
		}
		if got := strings.Join(l.meter.notMade, ", "); got != "chat shadow busy, chat shadow busy, chat shadow busy" {
			t.Errorf("not made: %s", got)
		}
		if n := len(l.recorder.Records()); n != 7 {
			t.Errorf("%d rows, want 7", n)
		}
	})
}

// TestShadowsHonourCircuits, and open them.
func TestShadowsHonourCircuits(t *testing.T) {
	breaks := func(_ *lab, e *endpoint.Endpoint) {
		e.Breaker = endpoint.Breaker{Enabled: true, FailureShare: 0.5, MinCalls: 2, Window: time.Minute, OpenFor: time.Minute}
	}
	scripted(t, map[string][]step{"a": {says(answer)}, "b": {status(500)}}, shadowed(1, breaks), func(t *testing.T, l *lab, p *playbook) {
		for range 4 {
			l.do(ask)
			synctest.Wait()
		}
		if got := strings.Join(l.meter.notMade, ", "); got != "chat shadow circuit, chat shadow circuit" || p.n["b"] != 2 {
			t.Errorf("not made: %s; b was asked %d times", got, p.n["b"])
		}
	})
}

// TestStopEndsShadows: what is under way is recorded, and no more are made.
func TestStopEndsShadows(t *testing.T) {
	scripted(t, map[string][]step{"a": {says(answer)}, "b": {says(answer).in(time.Hour)}}, shadowed(1), func(t *testing.T, l *lab, p *playbook) {
		l.do(ask)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := l.Settle(ctx); err == nil {
			t.Error("it did not wait")
		}
		l.Stop()
		if err := l.Settle(context.Background()); err != nil {
			t.Error(err)
		}
		rows := rowsOf(t, l.recorder)
		if got := summary(rows[1]); len(rows) != 2 || !strings.HasPrefix(got, "internal_failure 503") {
			t.Errorf("%d rows, the shadow's %s", len(rows), got)
		}
		l.do(ask)
		if n := len(l.recorder.Records()); n != 3 {
			t.Errorf("%d rows after the stop, want one more", n)
		}
	})
}

// TestShadowsThatGoWrong: a panic beside a call is not the call's.
func TestShadowsThatGoWrong(t *testing.T) {
	scripted(t, map[string][]step{"a": {says(answer)}, "b": {says(answer)}}, shadowed(1), func(t *testing.T, l *lab, p *playbook) {
		p.onAsk = func(r *http.Request) {
			if r.URL.Host == "b" {
				panic("boom")
			}
		}
		if c := l.do(ask); c.body != answer {
			t.Errorf("client got %s", c.body)
		}
		synctest.Wait()
		rows := rowsOf(t, l.recorder)
		if got := summary(rows[1]); got != "internal_failure 500 INTERNAL_ERROR usage=none" {
			t.Errorf("row %s", got)
		}
	})
}
