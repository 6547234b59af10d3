package gateway_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/formats"
)

// racing has the first two entities race, or as many as most says.
func racing(after time.Duration, more ...func(*endpoint.Endpoint)) setup {
	return func(_ *lab, e *endpoint.Endpoint) {
		e.Race = &endpoint.Race{After: after, Most: 2}
		for i := range e.Entities {
			e.Race.Among = append(e.Race.Among, i)
		}
		for _, f := range more {
			f(e)
		}
	}
}

func ofThree(e *endpoint.Endpoint) { e.Race.Most = 3 }

// actions tells of a row's attempts: what each was, and what it took.
func actions(r *inference.Record) string {
	var lines []string
	for _, a := range r.Attempts {
		action := a.Action
		if action == "" {
			action = "-"
		}
		line := action + " " + a.ServedEntity + " " + a.Latency.String()
		if a.CostNano != nil {
			line += " " + string(a.Source)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, ", ")
}

// TestRace: who is asked when, whose answer the client gets, and what the row tells.
func TestRace(t *testing.T) {
	const ms, s = time.Millisecond, time.Second
	from := func(who string) string { return strings.Replace(answer, "hello", who, 1) }
	say := func(who string) step { return says(from(who)) }
	text := func(who string) string { return strings.Replace(hel, "hel", who, 1) }
	role := event(`{"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}`)
	streamed := func(who string, before ...any) step {
		return events(append(append([]any{role}, before...), text(who), s, stop, usage, doneEvent)...)
	}
	failed := event(`{"error":{"message":"overloaded","code":"busy"}}`)
	failedWhole := `{"error":{"message":"no"},"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}`
	tests := []struct {
		name     string
		a, b, c  []step
		set      setup
		stream   bool
		winner   string
		took     time.Duration
		attempts string
		asked    string
		actions  string
		row      string
	}{
		{
			name: "the second is faster", set: racing(0), a: []step{say("a").in(2 * s)}, b: []step{say("b").in(s)}, winner: "b", took: s,
			attempts: "a 0 another target was faster\nb 200 <- asked at once with a", asked: "a@0s b@0s",
			actions: "- a 1s estimated, RACE b 1s provider", row: "ok 200 usage=provider:5+7=12 cost=17 a:0 b:200",
		},
		{
			name: "the first is faster", set: racing(0), a: []step{say("a").in(s)}, b: []step{say("b").in(2 * s)}, winner: "a", took: s,
			attempts: "a 200\nb 0 another target was faster <- asked at once with a", asked: "a@0s b@0s",
			actions: "- a 1s provider, RACE b 1s estimated", row: "ok 200 usage=provider:5+7=12 cost=17 a:200 b:0",
		},
		{
			name: "three", set: racing(0, ofThree), a: []step{say("a").in(3 * s)}, b: []step{{pieces: []any{from("b")[:20], 4 * s, from("b")[20:]}}}, c: []step{say("c").in(s)}, winner: "c", took: s,
			attempts: "a 0 another target was faster\nb 200 another target was faster <- asked at once with a\nc 200 <- asked at once with a", asked: "a@0s b@0s c@0s",
			actions: "- a 1s estimated, RACE b 1s estimated, RACE c 1s provider", row: "ok 200 usage=provider:5+7=12 cost=22 a:0 b:200 c:200",
		},
		{
			name: "two of three", set: racing(0), a: []step{say("a").in(3 * s)}, b: []step{say("b").in(s)}, c: []step{say("c")}, winner: "b", took: s,
			attempts: "a 0 another target was faster\nb 200 <- asked at once with a", asked: "a@0s b@0s",
			actions: "- a 1s estimated, RACE b 1s provider", row: "ok 200 usage=provider:5+7=12 cost=17 a:0 b:200",
		},
		{
			name: "an error never wins", set: racing(0), a: []step{say("a").in(2 * s)}, b: []step{status(500)}, winner: "a", took: 2 * s,
			attempts: "a 200\nb 500 provider answered 500 <- asked at once with a", asked: "a@0s b@0s",
			actions: "- a 2s provider, RACE b 0s", row: "ok 200 usage=provider:5+7=12 cost=12 a:200 b:500",
		},
		{
			name: "nor does an answer that is one", set: racing(0), a: []step{say("a").in(2 * s)}, b: []step{says(failedWhole)}, winner: "a", took: 2 * s,
			attempts: "a 200\nb 200 provider answered with an error <- asked at once with a", asked: "a@0s b@0s",
			actions: "- a 2s provider, RACE b 0s provider", row: "ok 200 usage=provider:5+7=12 cost=16 a:200 b:200",
		},
		{
			name: "nor what the caller did wrong, by one of them", set: racing(0), a: []step{status(400)}, b: []step{say("b").in(s)}, winner: "b", took: s,
			attempts: "a 400 provider answered 400\nb 200 <- asked at once with a", asked: "a@0s b@0s",
			actions: "- a 0s, RACE b 1s provider", row: "ok 200 usage=provider:5+7=12 cost=12 a:400 b:200",
		},
		{
			name: "nor what nobody can read", set: racing(0), a: []step{says("no JSON")}, b: []step{say("b").in(s)}, winner: "b", took: s,
			attempts: "a 200 the provider's answer is not a JSON object\nb 200 <- asked at once with a", asked: "a@0s b@0s",
			actions: "- a 0s, RACE b 1s provider", row: "ok 200 usage=provider:5+7=12 cost=12 a:200 b:200",
		},
		{
			name: "all fail", set: racing(0), a: []step{status(500).in(s)}, b: []step{status(503)}, winner: "no", took: s,
			attempts: "a 500 provider answered 500\nb 503 provider answered 503 <- asked at once with a", asked: "a@0s b@0s",
			actions: "- a 1s, RACE b 0s", row: "upstream_error 500 EXTERNAL_MODEL_ERROR usage=none a:500 b:503",
		},
		{
			name: "all fail, then the fallback", set: racing(0, withFallback), a: []step{status(500).in(s)}, b: []step{status(503)}, c: []step{say("c")}, winner: "c", took: s,
			attempts: "a 500 provider answered 500\nb 503 provider answered 503 <- asked at once with a\nc 200 <- after the race: provider answered 500", asked: "a@0s b@0s c@1s",
			actions: "- a 1s, RACE b 0s, - c 0s provider", row: "ok 200 usage=provider:5+7=12 cost=12 a:500 b:503 c:200",
		},
		{
			name: "no fallback when the request is wrong", set: racing(0, withFallback), a: []step{status(400).in(s)}, b: []step{status(503).in(2 * s)}, c: []step{say("c")}, winner: "no", took: 2 * s,
			attempts: "a 400 provider answered 400\nb 503 provider answered 503 <- asked at once with a", asked: "a@0s b@0s",
			actions: "- a 1s, RACE b 2s", row: "upstream_error 400 EXTERNAL_MODEL_ERROR usage=none a:400 b:503",
		},
		{
			name: "all fail, then the race again", set: racing(0, func(e *endpoint.Endpoint) {
				e.Retries = endpoint.Retries{Attempts: 2, Backoff: 100 * ms, MaxBackoff: s}
			}), a: []step{status(500), say("a").in(s)}, b: []step{status(503).in(s), say("b").in(2 * s)}, winner: "a", took: 2050 * ms,
			attempts: "a 500 provider answered 500\nb 503 provider answered 503 <- asked at once with a\na 200 <- provider answered 503; waited 50ms\nb 0 another target was faster <- asked at once with a", asked: "a@0s b@0s a@1.05s b@1.05s",
			actions: "- a 0s, RACE b 1s, - a 1s provider, RACE b 1s estimated", row: "ok 200 usage=provider:5+7=12 cost=17 a:500 b:503 a:200 b:0",
		},

		{
			name: "hedging: nobody else is asked", set: racing(300 * ms), a: []step{say("a").in(200 * ms)}, b: []step{say("b")}, winner: "a", took: 200 * ms,
			attempts: "a 200", asked: "a@0s", actions: "- a 200ms provider", row: "ok 200 usage=provider:5+7=12 cost=12 a:200",
		},
		{
			name: "hedging: the next is asked and wins", set: racing(300 * ms), a: []step{say("a").in(2 * s)}, b: []step{say("b").in(100 * ms)}, winner: "b", took: 400 * ms,
			attempts: "a 0 another target was faster\nb 200 <- a had shown nothing after 300ms", asked: "a@0s b@300ms",
			actions: "- a 400ms estimated, RACE b 100ms provider", row: "ok 200 usage=provider:5+7=12 cost=17 a:0 b:200",
		},
		{
			name: "hedging: the first wins all the same", set: racing(300 * ms), a: []step{say("a").in(500 * ms)}, b: []step{say("b").in(s)}, winner: "a", took: 500 * ms,
			attempts: "a 200\nb 0 another target was faster <- a had shown nothing after 300ms", asked: "a@0s b@300ms",
			actions: "- a 500ms provider, RACE b 200ms estimated", row: "ok 200 usage=provider:5+7=12 cost=17 a:200 b:0",
		},
		{
			name: "hedging: one after the other", set: racing(300*ms, ofThree), a: []step{say("a").in(9 * s)}, b: []step{say("b").in(9 * s)}, c: []step{say("c").in(s)}, winner: "c", took: 1600 * ms,
			attempts: "a 0 another target was faster\nb 0 another target was faster <- a had shown nothing after 300ms\nc 200 <- b had shown nothing after 300ms", asked: "a@0s b@300ms c@600ms",
			actions: "- a 1.6s estimated, RACE b 1.3s estimated, RACE c 1s provider", row: "ok 200 usage=provider:5+7=12 cost=22 a:0 b:0 c:200",
		},
		{
			name: "hedging: a failure does not wait", set: racing(300*ms, ofThree), a: []step{status(500).in(100 * ms)}, b: []step{say("b").in(9 * s)}, c: []step{say("c").in(s)}, winner: "c", took: 1400 * ms,
			attempts: "a 500 provider answered 500\nb 0 another target was faster <- after a: provider answered 500\nc 200 <- b had shown nothing after 300ms", asked: "a@0s b@100ms c@400ms",
			actions: "- a 100ms, RACE b 1.3s estimated, RACE c 1s provider", row: "ok 200 usage=provider:5+7=12 cost=17 a:500 b:0 c:200",
		},

		{
			name: "streams: the first token wins", stream: true, set: racing(0), a: []step{streamed("a", 2*s)}, b: []step{streamed("b", s)}, winner: `"b"`, took: 2 * s,
			attempts: "a 200 another target was faster\nb 200 <- asked at once with a", asked: "a@0s b@0s",
			actions: "- a 1s estimated, RACE b 2s provider", row: "ok 200 usage=provider:5+7=12 cost=17 a:200 b:200",
		},
		{
			name: "streams: hedging looks for a token", stream: true, set: racing(300 * ms), a: []step{streamed("a", s, ": ping\n\n", s)}, b: []step{streamed("b", 100*ms)}, winner: `"b"`, took: 1400 * ms,
			attempts: "a 200 another target was faster\nb 200 <- a had shown nothing after 300ms", asked: "a@0s b@300ms",
			actions: "- a 400ms estimated, RACE b 1.1s provider", row: "ok 200 usage=provider:5+7=12 cost=17 a:200 b:200",
		},
		{
			name: "streams: no race after the first token", stream: true, set: racing(300 * ms), a: []step{events(text("a"), 5*s, stop, usage, doneEvent)}, b: []step{streamed("b")}, winner: `"a"`, took: 5 * s,
			attempts: "a 200", asked: "a@0s", actions: "- a 5s provider", row: "ok 200 usage=provider:5+7=12 cost=12 a:200",
		},
		{
			name: "streams: an error before the first token", stream: true, set: racing(0), a: []step{events(role, failed)}, b: []step{streamed("b", s)}, winner: `"b"`, took: 2 * s,
			attempts: "a 200 provider's stream began with an error\nb 200 <- asked at once with a", asked: "a@0s b@0s",
			actions: "- a 0s, RACE b 2s provider", row: "ok 200 usage=provider:5+7=12 cost=12 a:200 b:200",
		},
		{
			name: "streams: an error after it is the client's", stream: true, set: racing(0), a: []step{events(text("a"), s, failed).in(s)}, b: []step{streamed("b").in(3 * s)}, winner: `"a"`, took: 2 * s,
			attempts: "a 200 the provider reported an error in the middle of its answer\nb 0 another target was faster <- asked at once with a", asked: "a@0s b@0s",
			actions: "- a 2s, RACE b 1s estimated", row: "upstream_broken 200 BAD_GATEWAY usage=none cost=1 a:200 b:0",
		},
		{
			name: "streams: one that answers whole", stream: true, set: racing(0), a: []step{streamed("a", s)}, b: []step{say("b").in(500 * ms)}, winner: `"b"`, took: 500 * ms,
			attempts: "a 200 another target was faster\nb 200 <- asked at once with a", asked: "a@0s b@0s",
			actions: "- a 500ms estimated, RACE b 500ms provider", row: "ok 200 usage=provider:5+7=12 cost=17 a:200 b:200",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			steps := map[string][]step{"a": tt.a, "b": tt.b}
			if tt.c != nil {
				steps["c"] = tt.c
			}
			scripted(t, steps, tt.set, func(t *testing.T, l *lab, p *playbook) {
				body := ask
				if tt.stream {
					body = askStream
				}
				c := l.do(body)
				if took := time.Since(p.start); took != tt.took {
					t.Errorf("took %s, want %s", took, tt.took)
				}
				synctest.Wait()
				r := l.recorder.One()
				if got := attempts(r); got != tt.attempts {
					t.Errorf("attempts\n%s\nwant\n%s", got, tt.attempts)
				}
				if got := actions(r); got != tt.actions {
					t.Errorf("actions\n%s\nwant\n%s", got, tt.actions)
				}
				if got := summary(r); tt.row != "" && got != tt.row {
					t.Errorf("row\n%s\nwant\n%s", got, tt.row)
				}
				if got := strings.Join(p.inOrder(), " "); got != tt.asked {
					t.Errorf("asked %s, want %s", got, tt.asked)
				}
				if !strings.Contains(c.body, tt.winner) {
					t.Errorf("client got %s, want %s", c.body, tt.winner)
				}
				if r.UpstreamLatency == nil || *r.UpstreamLatency > tt.took {
					t.Errorf("waited %v for providers in %s", r.UpstreamLatency, tt.took)
				}
			})
		})
	}
}

// inOrder returns who was asked when; those asked at the same moment by their names.
func (s *playbook) inOrder() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := append([]string(nil), s.asked...)
	for i := range list {
		for k := i; k > 0; k-- {
			a, at, _ := strings.Cut(list[k-1], "@")
			if b, bt, _ := strings.Cut(list[k], "@"); at == bt && b < a {
				list[k-1], list[k] = list[k], list[k-1]
			}
		}
	}
	return list
}

// TestLosersAreCutOff at once, and nothing of theirs is left behind.
func TestLosersAreCutOff(t *testing.T) {
	const s = time.Second
	scripted(t, map[string][]step{"a": {says(answer).in(time.Hour)}, "b": {says(answer).in(s)}}, racing(0), func(t *testing.T, l *lab, p *playbook) {
		cut := make(chan time.Duration, 2)
		p.onAsk = func(r *http.Request) {
			if r.URL.Host == "a" {
				context.AfterFunc(r.Context(), func() { cut <- time.Since(p.start) })
			}
		}
		l.do(ask)
		if at := <-cut; at != s {
			t.Errorf("cut off after %s", at)
		}
	})
	long := events(s, hel, time.Minute, stop, usage, doneEvent)
	scripted(t, map[string][]step{"a": {says(answer).in(time.Hour)}, "b": {long}}, racing(0, longer), func(t *testing.T, l *lab, p *playbook) {
		cut := make(chan time.Duration, 2)
		p.onAsk = func(r *http.Request) {
			if r.URL.Host == "a" {
				context.AfterFunc(r.Context(), func() { cut <- time.Since(p.start) })
			}
		}
		l.do(askStream)
		if at := <-cut; at != s || time.Since(p.start) != s+time.Minute {
			t.Errorf("cut off after %s, of a stream of %s", at, time.Since(p.start))
		}
	})
}

func longer(e *endpoint.Endpoint) { e.Timeout = time.Hour }

// TestLosersAreKnownToBeSlow: where the fastest is asked first, one that loses is so no more, but for
// calls that try it now and then.
func TestLosersAreKnownToBeSlow(t *testing.T) {
	const ms = time.Millisecond
	fastest := func(e *endpoint.Endpoint) {
		e.Strategy = &endpoint.Strategy{By: endpoint.LowestLatency, Among: []int{0, 1}}
	}
	a := []step{says(answer).in(100 * ms), says(answer).in(time.Minute)}
	scripted(t, map[string][]step{"a": a, "b": {says(answer).in(200 * ms)}}, racing(300*ms, fastest), func(t *testing.T, l *lab, p *playbook) {
		for range 40 {
			l.do(ask)
			time.Sleep(time.Second)
		}
		n := 0
		for _, r := range l.recorder.Records()[20:] {
			if r.Attempts[0].ServedEntity == "b" && len(r.Attempts) == 1 {
				n++
			}
		}
		if n < 15 {
			t.Errorf("of 20 calls %d went to the faster one at once", n)
		}
	})
}

// TestRaceAndTheClient: one that leaves is drained for as ever, and the gateway's stop ends all.
func TestRaceAndTheClient(t *testing.T) {
	const s = time.Second
	tests := []struct {
		name   string
		a, b   step
		stream bool
		leave  time.Duration
		stop   time.Duration
		took   time.Duration
		row    string
	}{
		{name: "leaves, and one answers", a: says(answer).in(5 * s), b: says(answer).in(9 * s), leave: s, took: 5 * s, row: "client_gone 0 CLIENT_CLOSED_REQUEST usage=provider:5+7=12 cost=17 a:200 b:0"},
		{name: "leaves, and nobody answers", a: says(answer).in(time.Hour), b: says(answer).in(time.Hour), leave: s, took: 31 * s, row: "client_gone 0 CLIENT_CLOSED_REQUEST usage=none a:0 b:0"},
		{name: "leaves a stream", stream: true, a: events(3*s, hel, stop, usage, doneEvent), b: events(9*s, hel, stop, usage, doneEvent), leave: s, took: 3 * s, row: "client_gone 0 CLIENT_CLOSED_REQUEST usage=provider:5+7=12 cost=17 a:200 b:200"},
		{name: "stop", a: says(answer).in(time.Hour), b: says(answer).in(time.Hour), stop: s, took: s, row: "internal_failure 503 TEMPORARILY_UNAVAILABLE usage=none a:0 b:0"},
		{name: "the call's time", a: says(answer).in(time.Hour), b: says(answer).in(time.Hour), took: 30 * s, row: "timeout 504 DEADLINE_EXCEEDED usage=none a:0 b:0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			slow := func(_ *lab, e *endpoint.Endpoint) {
				if tt.leave > 0 {
					e.Timeout = time.Hour
				}
			}
			scripted(t, map[string][]step{"a": {tt.a}, "b": {tt.b}}, bothOf(racing(0), slow), func(t *testing.T, l *lab, p *playbook) {
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				if tt.leave > 0 {
					time.AfterFunc(tt.leave, cancel)
				}
				if tt.stop > 0 {
					time.AfterFunc(tt.stop, l.Stop)
				}
				body := ask
				if tt.stream {
					body = askStream
				}
				c := l.doAs(ctx, &client{}, body)
				if took := time.Since(p.start); took != tt.took {
					t.Errorf("took %s, want %s", took, tt.took)
				}
				if got := summary(l.recorder.One()); got != tt.row {
					t.Errorf("row\n%s\nwant\n%s", got, tt.row)
				}
				if tt.leave > 0 && (c.head != nil || c.body != "") {
					t.Errorf("a client that left got %+v %s", c.head, c.body)
				}
			})
		})
	}
}

func bothOf(a, b setup) setup {
	return func(l *lab, e *endpoint.Endpoint) { a(l, e); b(l, e) }
}

// TestRaceAndCircuits: one that is open is left out, and who lost a race has neither done well nor badly.
func TestRaceAndCircuits(t *testing.T) {
	const s = time.Second
	breaks := func(e *endpoint.Endpoint) {
		e.Breaker = endpoint.Breaker{Enabled: true, FailureShare: 0.5, MinCalls: 2, Window: time.Minute, OpenFor: time.Minute}
	}
	t.Run("losers", func(t *testing.T) {
		scripted(t, map[string][]step{"a": {says(answer).in(5 * s)}, "b": {says(answer).in(s)}}, racing(0, breaks), func(t *testing.T, l *lab, p *playbook) {
			for range 5 {
				l.do(ask)
			}
			for _, c := range l.Circuits() {
				if c.State.String() != "closed" {
					t.Errorf("circuit of %s is %s", c.Entity, c.State)
				}
			}
			if p.n["a"] != 5 || p.n["b"] != 5 {
				t.Errorf("asked %v", p.n)
			}
		})
	})
	t.Run("one is open", func(t *testing.T) {
		scripted(t, map[string][]step{"a": {status(500)}, "b": {says(answer).in(s)}}, racing(0, breaks), func(t *testing.T, l *lab, p *playbook) {
			for range 5 {
				l.do(ask)
			}
			synctest.Wait()
			rows := l.recorder.Records()
			if got := attempts(rows[4]); p.n["a"] != 2 || got != "b 200 <- a is left out: its circuit is open" {
				t.Errorf("a was asked %d times; the last call:\n%s", p.n["a"], got)
			}
		})
	})
	t.Run("all are open", func(t *testing.T) {
		scripted(t, map[string][]step{"a": {status(500)}, "b": {status(500)}}, racing(0, breaks), func(t *testing.T, l *lab, p *playbook) {
			for range 3 {
				l.do(ask)
			}
			rows := l.recorder.Records()
			if got := attempts(rows[2]); !strings.HasPrefix(got, "a 500 provider answered 500 <- ") || !strings.Contains(got, "all circuits are open") {
				t.Errorf("the last call:\n%s", got)
			}
		})
	})
}

// TestRaceWithSeveralKeys: a racer goes through its keys as ever.
func TestRaceWithSeveralKeys(t *testing.T) {
	const s = time.Second
	keys := func(e *endpoint.Endpoint) {
		e.Entities[0].MoreKeys = append(e.Entities[0].MoreKeys, secret.New("Bearer 2"))
	}
	scripted(t, map[string][]step{"a": {status(429), says(answer).in(s)}, "b": {says(answer).in(5 * s)}}, racing(0, keys), func(t *testing.T, l *lab, p *playbook) {
		l.do(ask)
		want := "a 429 provider answered 429 <- key 1 of 2\na 200 <- key 1: provider answered 429; key 2 of 2\nb 0 another target was faster <- asked at once with a"
		if got := attempts(l.recorder.One()); got != want {
			t.Errorf("attempts\n%s\nwant\n%s", got, want)
		}
	})
}

// TestRaceIsStrict: what can't be recorded isn't given, by whoever has won.
func TestRaceIsStrict(t *testing.T) {
	strict := func(e *endpoint.Endpoint) { e.Strict = true }
	fails := func(l *lab, _ *endpoint.Endpoint) { l.recorder.FinishErr = errGone }
	scripted(t, map[string][]step{"a": {says(answer).in(time.Second)}, "b": {says(answer)}}, bothOf(racing(0, strict), fails), func(t *testing.T, l *lab, p *playbook) {
		if c := l.do(ask); c.head.Status != 503 {
			t.Errorf("client got %d %s", c.head.Status, c.body)
		}
	})
}

// TestRacePayload: the winner's answer is kept, and nobody else's.
func TestRacePayload(t *testing.T) {
	other := strings.Replace(answer, "hello", "loser", 1)
	for _, body := range []string{ask, askStream} {
		a, b := says(other).in(time.Second), says(answer)
		if body == askStream {
			a, b = events(hel, lo, stop, usage, doneEvent).in(time.Second), events(hel, lo, stop, usage, doneEvent)
		}
		scripted(t, map[string][]step{"a": {a}, "b": {b}}, racing(0), func(t *testing.T, l *lab, p *playbook) {
			l.do(body)
			if r := l.recorder.One(); !strings.Contains(string(r.Payload.Response), `"content":"hello"`) || string(r.Payload.Request) != body || len(r.Payload.ErrorCodes) > 0 {
				t.Errorf("payload %+v", r.Payload)
			}
		})
	}
}

// TestRaceAndTheCache: what won is kept, at what it alone has cost, and given again without a race.
func TestRaceAndTheCache(t *testing.T) {
	cached := func(e *endpoint.Endpoint) {
		e.Cache = &endpoint.ResponseCache{TTL: time.Hour, MaxEntries: 10, MaxBytes: 1 << 20, Scope: endpoint.CachePerEndpoint, AnyTemperature: true}
	}
	scripted(t, map[string][]step{"a": {says(answer).in(time.Second)}, "b": {says(answer)}}, racing(0, cached), func(t *testing.T, l *lab, p *playbook) {
		l.do(ask)
		synctest.Wait()
		c := l.do(ask)
		r := l.recorder.Records()[1]
		if c.head.Cache != gateway.CacheHit || p.n["a"] != 1 || p.n["b"] != 1 || r.Cache.SavedNanoUSD == nil || *r.Cache.SavedNanoUSD != 12 || len(r.Attempts) > 0 {
			t.Errorf("cache %s, asked %v, row %s %+v", c.head.Cache, p.n, summary(r), r.Cache)
		}
	})
}

// TestPanicInARace is the call's if its winner panics, and a failure else.
func TestPanicInARace(t *testing.T) {
	const s = time.Second
	boom := func(who string) func(*http.Request) {
		return func(r *http.Request) {
			if r.URL.Host == who {
				panic("secret")
			}
		}
	}
	scripted(t, map[string][]step{"a": {says(answer)}, "b": {says(answer).in(s)}}, racing(0), func(t *testing.T, l *lab, p *playbook) {
		p.onAsk = boom("a")
		c := l.do(ask)
		if got := attempts(l.recorder.One()); c.body != answer || got != "a 0 internal error\nb 200 <- asked at once with a" {
			t.Errorf("client got %s, attempts\n%s", c.body, got)
		}
	})
	scripted(t, map[string][]step{"a": {says(answer)}, "b": {says(answer)}}, racing(0), func(t *testing.T, l *lab, p *playbook) {
		p.onAsk = func(*http.Request) { panic("secret") }
		c := l.do(ask)
		if got := summary(l.recorder.One()); c.head.Status != 500 || strings.Contains(c.body, "secret") || got != "internal_failure 500 INTERNAL_ERROR usage=none a:0 b:0" {
			t.Errorf("client got %d %s, row %s", c.head.Status, c.body, got)
		}
	})
	scripted(t, map[string][]step{"a": {events(hel, s, lo, stop, usage, doneEvent)}, "b": {events(2*s, hel)}}, racing(0), func(t *testing.T, l *lab, p *playbook) {
		n := 0
		c := l.doAs(context.Background(), &client{onSend: func(string) error {
			if n++; n == 1 {
				panic("secret")
			}
			return nil
		}}, askStream)
		if got := summary(l.recorder.One()); !strings.Contains(c.body, "internal error") || strings.Contains(c.body, "secret") || !strings.HasPrefix(got, "internal_failure 200 INTERNAL_ERROR") {
			t.Errorf("client got %s, row %s", c.body, got)
		}
	})
}

// TestWhatDoesNotRace: entities that a rule or a strategy keeps the call from, and calls that are not
// complete by themselves.
func TestWhatDoesNotRace(t *testing.T) {
	steps := map[string][]step{"a": {says(answer)}, "b": {says(answer)}, "c": {says(answer)}}
	rule := func(to ...int) func(*endpoint.Endpoint) {
		return func(e *endpoint.Endpoint) { e.Rules = []endpoint.Rule{{Name: "r", To: to}} }
	}
	for _, tt := range []struct {
		name string
		set  func(*endpoint.Endpoint)
		want string
	}{
		{"a rule for one", rule(1), "b@0s"},
		{"a rule for two", rule(1, 2), "b@0s c@0s"},
		{"a strategy's guard", func(e *endpoint.Endpoint) { e.Strategy = &endpoint.Strategy{By: endpoint.Weighted, Among: []int{0, 2}} }, "a@0s c@0s"},
		{"the first is not among them", func(e *endpoint.Endpoint) { e.Race.Among = []int{1, 2} }, "a@0s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			scripted(t, steps, racing(0, tt.set), func(t *testing.T, l *lab, p *playbook) {
				l.do(ask)
				synctest.Wait()
				if got := strings.Join(p.inOrder(), " "); got != tt.want {
					t.Errorf("asked %s, want %s", got, tt.want)
				}
			})
		})
	}
}

// TestRaceAcrossFormats: one racer speaks the client's format, the other is translated.
func TestRaceAcrossFormats(t *testing.T) {
	const s = time.Second
	anthropic := formats.Table[wire.AnthropicMessages]
	for _, streamed := range []bool{false, true} {
		other := says(string(fixture(t, wire.AnthropicMessages, "provider/text.json")))
		mine := says(answer)
		if streamed {
			other, mine = events(string(fixture(t, wire.AnthropicMessages, "provider/text.sse"))), events(hel, lo, stop, usage, doneEvent)
		}
		for _, first := range []bool{false, true} {
			a, b, want := other, mine.in(s), "a"
			if !first {
				a, b, want = other.in(s), mine, "b"
			}
			scripted(t, map[string][]step{"a": {a.in(a.after + s)}, "b": {b.in(b.after + s)}}, bothOf(racing(0), speaks(wire.AnthropicMessages, wire.OpenAIChat)), func(t *testing.T, l *lab, p *playbook) {
				c := l.do(requestOf(t, anthropic, "text", streamed), asked(anthropic, streamed))
				r := l.recorder.One()
				if r.Outcome != inference.OK || r.Target.ServedEntity != want || !strings.Contains(c.body, `"type"`) || streamed != c.stream {
					t.Errorf("streamed %v: row %s\nclient got %s", streamed, summary(r), c.body)
				}
				if fault := unsound(r); fault != "" && want == "b" {
					t.Errorf("%s: %s", fault, spent(r))
				}
			})
		}
	}
}

// TestRaceOfEmbeddings: what is no chat races as well.
func TestRaceOfEmbeddings(t *testing.T) {
	vector := `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,1]}],"model":"gpt-e","usage":{"prompt_tokens":2,"total_tokens":2}}`
	scripted(t, map[string][]step{"a": {says(vector).in(time.Minute)}, "b": {says(vector)}}, bothOf(racing(time.Second), task(endpoint.Embeddings)), func(t *testing.T, l *lab, p *playbook) {
		c := l.do(`{"model":"chat","input":"x"}`, surfaceOf(wire.OpenAIEmbeddings))
		if got := attempts(l.recorder.One()); c.body != vector || got != "a 0 another target was faster\nb 200 <- a had shown nothing after 1s" {
			t.Errorf("client got %s; attempts\n%s", c.body, got)
		}
	})
}

// TestAFailedResponseDoesNotWin, though its status is 200 and its clients read of failures in answers.
func TestAFailedResponseDoesNotWin(t *testing.T) {
	failed := `{"id":"resp_9","object":"response","status":"failed","error":{"code":"server_error","message":"it broke"},"output":[],"usage":{"input_tokens":3,"output_tokens":0,"total_tokens":3}}`
	good := `{"id":"resp_8","object":"response","status":"completed","model":"gpt-5","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"yes"}]}],"usage":{"input_tokens":3,"output_tokens":1,"total_tokens":4}}`
	set := bothOf(racing(0), speaks(wire.OpenAIResponses, wire.OpenAIResponses))
	scripted(t, map[string][]step{"a": {says(failed)}, "b": {says(good).in(time.Second), says(failed)}}, set, func(t *testing.T, l *lab, p *playbook) {
		c := l.do(`{"model":"chat","input":"x"}`, surfaceOf(wire.OpenAIResponses))
		if got := summary(l.recorder.One()); c.body != good || got != "ok 200 usage=provider:3+1=4 cost=7 a:200 b:200" {
			t.Errorf("client got %s, row %s", c.body, got)
		}
		c = l.do(`{"model":"chat","input":"x"}`, surfaceOf(wire.OpenAIResponses))
		if r := l.recorder.Records()[1]; r.Outcome != inference.UpstreamError || !strings.Contains(c.body, "it broke") || *r.ExtraNanoUSD != 6 {
			t.Errorf("client got %d %s, row %s", c.head.Status, c.body, summary(r))
		}
	})
}
