package gateway_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/serving/endpoint"
)

// breaks has circuits open after two failures of the last ten seconds, for five.
func breaks(_ *lab, e *endpoint.Endpoint) {
	e.Fallback, e.Timeout = len(e.Entities) > 1, 2*time.Second
	e.Breaker = endpoint.Breaker{Enabled: true, FailureShare: 0.5, MinCalls: 2, Window: 10 * time.Second, OpenFor: 5 * time.Second}
}

// last returns what the row of the newest call says of its attempts.
func (l *lab) last() string {
	all := l.recorder.Records()
	return attempts(all[len(all)-1])
}

// TestCircuit: a target that fails is left alone, tried after a while, and used again when it is well.
func TestCircuit(t *testing.T) {
	var log bytes.Buffer
	set := func(l *lab, e *endpoint.Endpoint) {
		breaks(l, e)
		l.parts.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
	}
	steps := map[string][]step{"a": {status(503), status(503), status(503), says(answer)}, "b": {says(answer)}}
	scripted(t, steps, set, func(t *testing.T, l *lab, up *playbook) {
		for i, want := range []struct {
			wait     time.Duration
			attempts string
		}{
			{0, "a 503 provider answered 503\nb 200 <- after a: provider answered 503"},
			{0, "a 503 provider answered 503\nb 200 <- after a: provider answered 503"},
			{0, "b 200 <- a is left out: its circuit is open"},
			{4 * time.Second, "b 200 <- a is left out: its circuit is open"},
			{time.Second, "a 503 provider answered 503 <- its circuit is half open\nb 200 <- after a: provider answered 503"},
			{0, "b 200 <- a is left out: its circuit is open"},
			{5 * time.Second, "a 200 <- its circuit is half open"},
			{0, "a 200"},
		} {
			time.Sleep(want.wait)
			if c := l.do(ask); c.head.Status != 200 || l.last() != want.attempts {
				t.Errorf("call %d: %d\n%s\nwant\n%s", i, c.head.Status, l.last(), want.attempts)
			}
		}
		circuits := l.Circuits()
		if got := fmt.Sprint(circuits); got != "[{chat openai a closed [1 2 2] [1 0 1]} {chat openai b closed [0 0 0] [0 0 0]}]" {
			t.Errorf("circuits %s", got)
		}
	})
	var got []string
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, "circuit") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	want := []string{
		`level=WARN msg="a circuit opened" endpoint=chat entity=a from=closed to=open by=failure_share calls=2 failed=2 open_for=5s`,
		`level=INFO msg="a circuit changed" endpoint=chat entity=a from=open to=half_open`,
		`level=WARN msg="a circuit opened" endpoint=chat entity=a from=half_open to=open by=probe calls=0 failed=0 open_for=5s`,
		`level=INFO msg="a circuit changed" endpoint=chat entity=a from=open to=half_open`,
		`level=INFO msg="a circuit changed" endpoint=chat entity=a from=half_open to=closed`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("logged\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestADeadProviderIsLeftAtOnce: after a thousand good calls, ten bad ones in a row are enough.
func TestADeadProviderIsLeftAtOnce(t *testing.T) {
	var log bytes.Buffer
	set := func(l *lab, e *endpoint.Endpoint) {
		e.Fallback = true
		e.Breaker = endpoint.Breaker{Enabled: true, FailureShare: 0.5, MinCalls: 20, Window: 30 * time.Second, ConsecutiveFailures: 10, OpenFor: 15 * time.Second}
		l.parts.Logger = slog.New(slog.NewTextHandler(&log, nil))
	}
	scripted(t, map[string][]step{"a": {says(answer)}, "b": {says(answer)}}, set, func(t *testing.T, l *lab, up *playbook) {
		for range 1000 {
			l.do(ask)
			time.Sleep(10 * time.Millisecond)
		}
		up.change("a", step{err: errReset})
		for i := range 10 {
			if l.do(ask); !strings.HasPrefix(l.last(), "a 0 ") || !strings.Contains(l.last(), "\nb 200") {
				t.Fatalf("failure %d: %s", i+1, l.last())
			}
		}
		if l.do(ask); l.last() != "b 200 <- a is left out: its circuit is open" {
			t.Error(l.last())
		}
		if c := l.Circuits()[0]; c.Opened != [3]int64{0, 1, 0} {
			t.Errorf("%+v", c)
		}
	})
	if want := `from=closed to=open by=consecutive_failures calls=1010 failed=10 open_for=15s`; !strings.Contains(log.String(), want) {
		t.Errorf("logged %s, want %s", log.String(), want)
	}
}

// TestAllCircuitsOpen: the one that closes first is tried all the same.
func TestAllCircuitsOpen(t *testing.T) {
	scripted(t, map[string][]step{"a": {status(500)}, "b": {status(500), status(500), says(answer)}}, breaks, func(t *testing.T, l *lab, _ *playbook) {
		for range 2 {
			l.do(ask)
		}
		if l.do(ask); l.last() != "a 500 provider answered 500 <- a is left out: its circuit is open; b is left out: its circuit is open; all circuits are open" {
			t.Error(l.last())
		}
	})
	scripted(t, map[string][]step{"a": {status(500), status(500), says(answer)}}, breaks, func(t *testing.T, l *lab, _ *playbook) {
		for range 2 {
			l.do(ask)
		}
		if c := l.do(ask); c.head.Status != 200 || l.last() != "a 200 <- a is left out: its circuit is open; all circuits are open" {
			t.Error(l.last())
		}
		if l.do(ask); l.last() != "a 200" {
			t.Error(l.last())
		}
	})
}

// TestWhatOpensCircuits: what the caller did wrong, and a key that is refused, open nothing; what
// breaks off in the middle of a stream does.
func TestWhatOpensCircuits(t *testing.T) {
	tests := []struct {
		name string
		step step
		body string
		open bool
	}{
		{"400", status(400), ask, false},
		{"404", status(404), ask, false},
		{"422", status(422), ask, false},
		{"401", status(401), ask, false},
		{"403", status(403), ask, false},
		{"408", status(408), ask, true},
		{"429", status(429), ask, true},
		{"500", status(500), ask, true},
		{"500, not to be tried again", status(500).with("X-Should-Retry: false"), ask, true},
		{"no connection", step{err: errReset}, ask, true},
		{"an answer that breaks off", step{pieces: []any{answer[:20], errReset}}, ask, true},
		{"no answer in time", says(answer).in(time.Hour), ask, true},
		{"a stream that breaks off", events(hel, errReset), askStream, true},
		{"a stream", events(hel, lo, stop, usage, doneEvent), askStream, false},
	}
	for _, tt := range tests {
		scripted(t, map[string][]step{"a": {tt.step}}, breaks, func(t *testing.T, l *lab, _ *playbook) {
			for range 5 {
				l.do(tt.body)
			}
			if open := l.Circuits()[0].Changes[2] > 0; open != tt.open {
				t.Errorf("%s: open %v, want %v", tt.name, open, tt.open)
			}
		})
	}
}

// TestRetriesStopAtAnOpenCircuit: it opens in the middle of a call too.
func TestRetriesStopAtAnOpenCircuit(t *testing.T) {
	set := func(l *lab, e *endpoint.Endpoint) {
		breaks(l, e)
		e.Retries = endpoint.Retries{Attempts: 5, Backoff: 100 * time.Millisecond, MaxBackoff: time.Second}
	}
	scripted(t, map[string][]step{"a": {status(500)}, "b": {says(answer)}}, set, func(t *testing.T, l *lab, up *playbook) {
		l.do(ask)
		if got := strings.Join(up.asked, " "); got != "a@0s a@50ms b@150ms" {
			t.Errorf("asked %s\n%s", got, l.last())
		}
	})
}
