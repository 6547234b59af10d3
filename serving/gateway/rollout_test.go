package gateway_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
	"github.com/lakegate/lakegate/internal/rollouts"
	"github.com/lakegate/lakegate/internal/state"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/rollout"
	"github.com/lakegate/lakegate/serving/route"
)

// rolls has b rolled out at the cost of a, with draws that are spread evenly.
func rolls(change ...func(*endpoint.Endpoint)) setup {
	return func(l *lab, e *endpoint.Endpoint) {
		e.Rollout = &endpoint.Rollout{
			Target: 1,
			Stages: []endpoint.RolloutStage{{Traffic: 20_00, For: 10 * time.Minute}, {Traffic: 50_00, For: 5 * time.Minute}},
			Stop:   endpoint.RolloutBounds{ErrorShare: 0.1, MinCalls: 20},
		}
		for _, c := range change {
			c(e)
		}
		n := uint32(0)
		l.parts.Draw = func() uint32 {
			n++
			return n * 7919 % endpoint.FullTraffic * 100
		}
		l.parts.Rollouts = rollout.NewTable(slog.New(slog.DiscardHandler))
	}
}

// rolling runs test with the rollout under way, its documents being in memory.
func rolling(t *testing.T, steps map[string][]step, set setup, test func(*testing.T, *lab, *playbook)) {
	t.Helper()
	scripted(t, steps, set, func(t *testing.T, l *lab, up *playbook) {
		l.parts.Rollouts.Configure(l.parts.Live.Load().Catalog)
		k := rollouts.New(rollouts.Deps{
			Docs: state.New(memstore.New()), Table: l.parts.Rollouts, Gateway: "here", Has: func(string) bool { return true },
			Record: func(*inference.Audit) error { return nil }, Logger: slog.New(slog.DiscardHandler),
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			k.Run(ctx)
		}()
		time.Sleep(time.Millisecond)
		test(t, l, up)
		cancel()
		<-ended
	})
}

// calls makes n calls, a second apart, and says how many went where and why.
func (l *lab) calls(n int, body string) string {
	first := map[string]int{}
	var order []string
	for range n {
		l.do(body)
		all := l.recorder.Records()
		a := all[len(all)-1].Attempts[0]
		key := a.ServedEntity + " <- " + a.Why
		if first[key]++; first[key] == 1 {
			order = append(order, key)
		}
		time.Sleep(time.Second)
	}
	for i, key := range order {
		order[i] = fmt.Sprintf("%d %s", first[key], key)
	}
	return strings.Join(order, "\n")
}

// TestRollout: stage by stage, by time and by calls, and the rows say which.
func TestRollout(t *testing.T) {
	good := map[string][]step{"a": {says(answer)}, "b": {says(answer)}}
	rolling(t, good, rolls(), func(t *testing.T, l *lab, _ *playbook) {
		view := func() rollout.View { return l.parts.Rollouts.All()[0].View(time.Now()) }
		want := func(when string, stage int, status rollout.Status) {
			t.Helper()
			if v := view(); v.Stage != stage || v.Status != status {
				t.Fatalf("%s: it is %s in stage %d after %+v", when, v.Status, v.Stage, v.Total)
			}
		}
		time.Sleep(time.Hour)
		for view().Total.Target.Calls < 19 {
			l.calls(1, ask)
		}
		time.Sleep(time.Hour)
		want("an hour, but too few calls", 0, rollout.Running)
		for view().Total.Target.Calls == 19 {
			l.calls(1, ask)
		}
		time.Sleep(3 * time.Second)
		want("enough of both", 1, rollout.Running)
		why := " <- rollout: stage 2 of 2, 50% to b"
		if got := l.calls(200, ask); !strings.Contains(got, " a"+why) || !strings.Contains(got, " b"+why) || strings.Count(got, "\n") != 1 {
			t.Errorf("in the second stage:\n%s", got)
		}
		if n := view().Total.Target.Calls; n < 90 || n > 110 {
			t.Errorf("%d of 200 calls went to the target", n)
		}
		want("enough calls, but too early", 1, rollout.Running)
		time.Sleep(100 * time.Second)
		if got := l.calls(10, ask); got != "10 b <- rollout: done, all to b" {
			t.Errorf("at the end:\n%s", got)
		}
	})
}

// TestRolloutStops: by what the target does, with the first calls that can't be made up for any more.
func TestRolloutStops(t *testing.T) {
	well := says(answer)
	slow := well.in(3 * time.Second)
	streamed := events(hel, lo, stop, usage, doneEvent)
	late := streamed.in(3 * time.Second)
	fall := func(e *endpoint.Endpoint) { e.Fallback = true }
	retry := func(e *endpoint.Endpoint) {
		e.Retries = endpoint.Retries{Attempts: 3, Backoff: time.Millisecond, MaxBackoff: time.Second}
	}
	bound := func(b endpoint.RolloutBounds) func(*endpoint.Endpoint) {
		return func(e *endpoint.Endpoint) {
			b.MinCalls = 20
			e.Rollout.Stop = b
		}
	}
	none := func(*endpoint.Endpoint) {}
	tests := []struct {
		name   string
		old    step
		target step
		change func(*endpoint.Endpoint)
		body   string
		calls  int    // that the target gets, of 200; 0: it goes on
		why    string // begins so
	}{
		{"well", well, well, none, ask, 0, ""},
		{"503", well, status(503), none, ask, 3, "3 of 3 calls failed: more than 10% of 20"},
		{"503 with a fallback", well, status(503), fall, ask, 3, "3 of 3 calls failed: more than 10% of 20"},
		{"503 with retries", well, status(503), retry, ask, 3, "3 of 3 calls failed: more than 10% of 20"},
		{"the key is refused", well, status(401), none, ask, 3, "3 of 3 calls failed"},
		{"there is no such model", well, status(404), none, ask, 3, "3 of 3 calls failed"},
		{"no connection", well, step{err: errReset}, none, ask, 3, "3 of 3 calls failed"},
		{"HTML", well, step{media: "text/html", pieces: []any{"<html>"}}, none, ask, 3, "3 of 3 calls failed"},
		{"a stream breaks off", streamed, events(hel, errReset), none, askStream, 3, "3 of 3 calls failed"},
		{"it refuses what the others take", well, status(400), none, ask, 5, "5 of 5 calls were refused as wrong (4xx), at the other entities 0 of "},
		{"all refuse", status(400), status(400), none, ask, 0, ""},
		{"slow", well, slow, bound(endpoint.RolloutBounds{ErrorShare: 0.1, Latency: 2 * time.Second}), ask, 2, "2 of 2 answers took more than 2s: more than 5% of 20"},
		{"slow, and nobody minds", well, slow, none, ask, 0, ""},
		{"late first tokens", streamed, late, bound(endpoint.RolloutBounds{ErrorShare: 0.1, FirstToken: 2 * time.Second}), askStream, 2, "2 of 2 streams had their first token after more than 2s"},
		{"slower than the others", well.in(time.Second), slow, bound(endpoint.RolloutBounds{ErrorShare: 0.1, WorseThan: 2}), ask, 20, "an answer typically takes 3s, from the other entities 1s: more than 2 times that"},
		{"slower first tokens", streamed.in(time.Second), late, bound(endpoint.RolloutBounds{ErrorShare: 0.1, WorseThan: 2}), askStream, 20, "an answer typically takes 3s"},
	}
	for _, tt := range tests {
		steps := map[string][]step{"a": {tt.old}, "b": {tt.target}}
		rolling(t, steps, rolls(tt.change), func(t *testing.T, l *lab, _ *playbook) {
			got := l.calls(200, tt.body)
			if tt.calls == 0 {
				if strings.Contains(got, "stopped") {
					t.Errorf("%s: it stopped:\n%s", tt.name, got)
				}
				return
			}
			v := l.parts.Rollouts.All()[0].View(time.Now())
			if v.Status != rollout.Stopped || !strings.HasPrefix(v.Why, tt.why) {
				t.Errorf("%s: %s because %q, want %q", tt.name, v.Status, v.Why, tt.why)
			}
			if !strings.Contains(got, fmt.Sprintf("%d b <- rollout: stage 1 of 2, 20%% to b", tt.calls)) || strings.Contains(got, "b <- rollout: stopped") {
				t.Errorf("%s:\n%s\nwant %d at the target", tt.name, got, tt.calls)
			}
		})
	}
}

// TestRolloutIsNoFallback: what is rolled out gets its part and no more, whatever the others do.
func TestRolloutIsNoFallback(t *testing.T) {
	set := rolls(func(e *endpoint.Endpoint) { e.Fallback, e.Weights = true, []int{50, 0, 50} })
	steps := map[string][]step{"a": {status(500)}, "b": {says(answer)}, "c": {status(500)}}
	rolling(t, steps, set, func(t *testing.T, l *lab, up *playbook) {
		got := l.calls(100, ask)
		asked := 0
		for _, a := range up.asked {
			if strings.HasPrefix(a, "b@") {
				asked++
			}
		}
		if asked < 19 || asked > 21 {
			t.Errorf("b was asked %d times of 100:\n%s", asked, got)
		}
	})
}

// TestUnknownRollout: without its state, nothing goes to the target.
func TestUnknownRollout(t *testing.T) {
	for name, set := range map[string]setup{
		"not configured": rolls(),
		"not read": func(l *lab, e *endpoint.Endpoint) {
			rolls()(l, e)
			l.parts.Rollouts = nil
		},
	} {
		scripted(t, map[string][]step{"a": {says(answer)}, "b": {says(answer)}}, set, func(t *testing.T, l *lab, _ *playbook) {
			if got := l.calls(50, ask); got != "50 a <- " {
				t.Errorf("%s:\n%s", name, got)
			}
		})
	}
	scripted(t, map[string][]step{"a": {says(answer)}, "b": {says(answer)}}, rolls(), func(t *testing.T, l *lab, _ *playbook) {
		l.parts.Rollouts.Configure(l.parts.Live.Load().Catalog)
		if got := l.calls(50, ask); got != "50 a <- rollout: not known yet, nothing to b" {
			t.Error(got)
		}
	})
}

// TestStickyRollout: of those who stick to an entity, the next stage moves its part and nobody else.
func TestStickyRollout(t *testing.T) {
	set := rolls(func(e *endpoint.Endpoint) { e.StickyBy, e.Weights = "usage_context.session", []int{30, 0, 70} })
	steps := map[string][]step{"a": {says(answer)}, "b": {says(answer)}, "c": {says(answer)}}
	rolling(t, steps, set, func(t *testing.T, l *lab, _ *playbook) {
		entities := func() map[int]string {
			at := map[int]string{}
			for i := range 400 {
				l.do(strings.Replace(ask, "{", fmt.Sprintf(`{"usage_context":{"session":"s%d"},`, i), 1))
				all := l.recorder.Records()
				at[i] = all[len(all)-1].Attempts[0].ServedEntity
			}
			return at
		}
		before := entities()
		if why := l.last(); !strings.HasPrefix(why[1:], " 200 <- sticky by usage_context.session; rollout: stage 1 of 2, 20% to b") {
			t.Error(why)
		}
		time.Sleep(11 * time.Minute)
		moved := map[string]int{}
		for i, e := range entities() {
			if e != before[i] {
				moved[before[i]+" to "+e]++
			}
		}
		if len(moved) != 2 || moved["a to b"] < 20 || moved["c to b"] < 50 {
			t.Errorf("moved %v", moved)
		}
	})
}

// TestRolloutIsDrawnFairly tests both splits against their percentages, by chi-square.
func TestRolloutIsDrawnFairly(t *testing.T) {
	set := rolls(func(e *endpoint.Endpoint) { e.StickyBy, e.Weights = "requester", []int{30, 0, 70} })
	rolling(t, map[string][]step{"a": {says(answer)}, "b": {says(answer)}, "c": {says(answer)}}, set, func(t *testing.T, l *lab, _ *playbook) {
		e := l.parts.Live.Load().Catalog.All()[0]
		s := l.parts.Rollouts.Of(e).Split()
		const n = 100_000
		var got [3]int
		for i := range n {
			draw := route.Sticky(e.ID, fmt.Sprintf("user%d@example.com", i))
			switch {
			case s.Takes(draw):
				got[1]++
			case route.Plan(nil, e, e.Weights, draw)[0] == e.Entities[0]:
				got[0]++
			default:
				got[2]++
			}
		}
		chi := 0.0
		for i, share := range []float64{0.8 * 0.3, 0.2, 0.8 * 0.7} {
			chi += (float64(got[i]) - share*n) * (float64(got[i]) - share*n) / (share * n)
		}
		if chi > 13.8 { // 2 degrees of freedom, p = 0.001
			t.Errorf("%v, chi-square %.1f", got, chi)
		}
	})
}

// TestRolloutLeavesOthersAlone: stored answers, and calls that a rule sends elsewhere, take no part.
func TestRolloutLeavesOthersAlone(t *testing.T) {
	set := rolls(func(e *endpoint.Endpoint) {
		e.Rules = []endpoint.Rule{{Name: "trial", When: endpoint.Condition{Headers: []endpoint.Named{{Name: "X-Trial", Is: endpoint.Patterns{endpoint.NewPattern("*")}}}}, To: []int{1}}}
	})
	rolling(t, map[string][]step{"a": {says(answer)}, "b": {status(500)}}, set, func(t *testing.T, l *lab, _ *playbook) {
		for range 20 {
			l.do(ask, func(c *gateway.Call) { c.ClientHeader = http.Header{"X-Trial": {"1"}} })
			if l.last() != "b 500 provider answered 500 <- rule trial" {
				t.Fatal(l.last())
			}
		}
		if v := l.parts.Rollouts.All()[0].View(time.Now()); v.Status != rollout.Running || v.Total.Target.Calls != 0 {
			t.Errorf("%+v", v)
		}
	})
}
