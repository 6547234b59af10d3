package gateway_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
)

// by sets an endpoint's strategy over entities that share the traffic evenly.
func by(kind endpoint.StrategyKind, change ...func(*lab, *endpoint.Endpoint)) setup {
	return func(l *lab, e *endpoint.Endpoint) {
		e.Strategy = &endpoint.Strategy{By: kind}
		for i := range e.Weights {
			e.Weights[i] = 100 / len(e.Weights)
		}
		l.parts.Draw = func() uint32 { return 0 } // the first of those that are as good
		for _, f := range change {
			f(l, e)
		}
	}
}

// went counts the first attempts of all calls by entity.
func (l *lab) went() map[string]int {
	n := map[string]int{}
	for _, r := range l.recorder.Records() {
		n[r.Attempts[0].ServedEntity]++
	}
	return n
}

// TestLowestLatency: each entity is measured once, then the soonest gets the calls, and the others are
// measured again now and then, the slower the more rarely.
func TestLowestLatency(t *testing.T) {
	steps := map[string][]step{
		"a": {says(answer).in(480 * time.Millisecond)}, "b": {says(answer).in(200 * time.Millisecond)}, "c": {says(answer).in(5 * time.Second)},
	}
	even := func(_ *lab, e *endpoint.Endpoint) { e.Weights = []int{34, 33, 33} }
	scripted(t, steps, by(endpoint.LowestLatency, even), func(t *testing.T, l *lab, _ *playbook) {
		for i, want := range []string{
			"a 200 <- lowest latency: not measured yet, b not measured yet, c not measured yet",
			"b 200 <- lowest latency: not measured yet, c not measured yet, a 480 ms",
			"c 200 <- lowest latency: not measured yet, b 200 ms, a 480 ms",
			"b 200 <- lowest latency: 200 ms, a 480 ms, c 5.0 s",
		} {
			if l.do(ask); l.last() != want {
				t.Errorf("call %d: %s, want %s", i, l.last(), want)
			}
		}
		for range 1200 { // ten minutes of two calls a second
			l.do(ask)
			time.Sleep(300 * time.Millisecond)
		}
		// 480 ms fade to 200 ms in 26 s, 5 s in 97 s; each measure takes a little time of its own.
		n := l.went()
		if n["a"] < 15 || n["a"] > 25 || n["c"] < 4 || n["c"] > 8 {
			t.Errorf("calls went to %v", n)
		}
	})
}

// TestLowestLatencyWithFewCalls: where calls are rare, time alone is no reason to ask a slow entity.
func TestLowestLatencyWithFewCalls(t *testing.T) {
	steps := map[string][]step{"a": {says(answer).in(480 * time.Millisecond)}, "b": {says(answer).in(200 * time.Millisecond)}}
	scripted(t, steps, by(endpoint.LowestLatency), func(t *testing.T, l *lab, _ *playbook) {
		for range 140 {
			l.do(ask)
			time.Sleep(10 * time.Minute)
		}
		if n := l.went(); n["a"] < 8 || n["a"] > 11 { // one in 14: 13 calls of 2 s make 26 s
			t.Errorf("calls went to %v", n)
		}
	})
}

// TestMeasuredByOne: of many calls at a time, one measures the entity anew whose latency is old.
func TestMeasuredByOne(t *testing.T) {
	steps := map[string][]step{"a": {says(answer).in(480 * time.Millisecond)}, "b": {says(answer).in(200 * time.Millisecond)}}
	scripted(t, steps, by(endpoint.LowestLatency), func(t *testing.T, l *lab, s *playbook) {
		l.do(ask)
		l.do(ask)
		for range 20 {
			time.Sleep(2 * time.Second)
			l.do(ask)
		}
		before := l.went()
		time.Sleep(time.Hour)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { l.do(ask) })
		}
		wg.Wait()
		if after := l.went(); after["a"] != before["a"]+1 || after["b"] != before["b"]+49 {
			t.Errorf("calls went to %v, then to %v", before, after)
		}
		if !strings.Contains(fmt.Sprint(whys(l)), "lowest latency: 480 ms, which is old, b 200 ms") {
			t.Errorf("rows say %v", whys(l))
		}
	})
}

func whys(l *lab) map[string]int {
	n := map[string]int{}
	for _, r := range l.recorder.Records() {
		n[r.Attempts[0].Why]++
	}
	return n
}

// TestFailuresAreSlow: an entity that fails at once is not the fastest.
func TestFailuresAreSlow(t *testing.T) {
	steps := map[string][]step{"a": {says(answer).in(20 * time.Millisecond), status(500)}, "b": {says(answer).in(200 * time.Millisecond)}}
	scripted(t, steps, by(endpoint.LowestLatency), func(t *testing.T, l *lab, _ *playbook) {
		for range 100 {
			l.do(ask)
			time.Sleep(100 * time.Millisecond)
		}
		if n := l.went(); n["a"] > 3 {
			t.Errorf("calls went to %v", n)
		}
		if want := "b 200 <- lowest latency: 200 ms, a 1.0 s"; l.last() != want {
			t.Errorf("%s, want %s", l.last(), want)
		}
	})
}

// TestLatencyOfStreams: of streams it is the time to the first token that counts, which has nothing to
// do with whole answers.
func TestLatencyOfStreams(t *testing.T) {
	rest := []any{lo, stop, usage, doneEvent}
	role := event(`{"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}`)
	steps := map[string][]step{
		"a": {events(append([]any{role, 300 * time.Millisecond, hel}, rest...)...)},
		"b": {events(append([]any{100 * time.Millisecond, hel, 20 * time.Second}, rest...)...)},
	}
	scripted(t, steps, by(endpoint.LowestLatency), func(t *testing.T, l *lab, s *playbook) {
		l.do(askStream)
		l.do(askStream)
		if l.do(askStream); l.last() != "b 200 <- lowest latency: 100 ms, a 300 ms" {
			t.Error(l.last())
		}
		go l.do(askStream)
		time.Sleep(time.Second)
		s.change("b", events(append([]any{time.Second, hel}, rest...)...))
		go l.do(askStream)
		time.Sleep(2 * time.Second)
		l.do(askStream) // the average knows the last one, though the one before it is not over
		if l.last() != "b 200 <- lowest latency: 190 ms, a 300 ms" {
			t.Error(l.last())
		}
		time.Sleep(time.Minute)
		s.change("a", says(answer))
		if l.do(ask); l.last() != "a 200 <- lowest latency: not measured yet, b not measured yet" {
			t.Error(l.last())
		}
	})
}

// TestLeastBusy: the entity with the fewest calls in flight.
func TestLeastBusy(t *testing.T) {
	steps := map[string][]step{"a": {says(answer).in(10 * time.Second)}, "b": {says(answer).in(4 * time.Second)}}
	scripted(t, steps, by(endpoint.LeastBusy), func(t *testing.T, l *lab, _ *playbook) {
		for range 20 { // one a second: a has up to 10 seconds of work, b 4
			go l.do(ask)
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := l.went(); n["a"]+n["b"] != 20 || n["b"] < 12 {
			t.Errorf("calls went to %v", n)
		}
		if w := whys(l); w["least busy: 0 in flight, b 0"] == 0 || w["least busy: 1 in flight, a 2"] == 0 {
			t.Errorf("rows say %v", w)
		}
	})
}

// TestLeastBusyIsNoTrap: an entity that refuses everything at once is never busy, and still does not
// get all the calls.
func TestLeastBusyIsNoTrap(t *testing.T) {
	steps := map[string][]step{"a": {status(503)}, "b": {says(answer).in(time.Second)}}
	scripted(t, steps, by(endpoint.LeastBusy), func(t *testing.T, l *lab, _ *playbook) {
		for range 600 { // ten a second for a minute: about ten are in flight at b
			go l.do(ask)
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		if n := l.went(); n["a"] > 100 || n["a"] < 20 {
			t.Errorf("calls went to %v", n)
		}
		if w := fmt.Sprint(whys(l)); !strings.Contains(w, "failed lately") {
			t.Errorf("rows say %s", w)
		}
	})
}

// perModel prices models by a token of input and one of output, in nano-dollars.
type perModel map[string][2]int64

func (p perModel) Price(_, model string, _ time.Time, u inference.Usage) *inference.Cost {
	x, ok := p[model]
	if !ok || u.Input == nil {
		return nil
	}
	return &inference.Cost{NanoUSD: x[0]**u.Input + x[1]**u.Output, PriceVersion: "test"}
}

// TestLowestCost: by this call's size and the length of the entity's answers.
func TestLowestCost(t *testing.T) {
	set := by(endpoint.LowestCost, func(l *lab, e *endpoint.Endpoint) {
		for i, m := range []string{"free text", "free tokens", "no price"} {
			e.Entities[i].Model = m
		}
		e.Weights = []int{40, 30, 30}
		l.parts.Pricer = perModel{"free text": {100, 3000}, "free tokens": {1000, 1000}}
	})
	sized := func(more string) string {
		return strings.Replace(answer, `"completion_tokens":7`, `"completion_tokens":`+more, 1)
	}
	steps := map[string][]step{"a": {says(sized("500"))}, "b": {says(sized("40"))}, "c": {says(answer)}}
	long := `{"model":"chat","max_tokens":10,"messages":[{"role":"user","content":"` + strings.Repeat("a", 4000) + `"}]}`
	scripted(t, steps, set, func(t *testing.T, l *lab, _ *playbook) {
		for _, c := range []struct{ body, want string }{
			{ask, "b 200 <- lowest cost: about $0.00050, a $0.0015, c unknown"},   // 500 tokens of output, as long as nobody knows
			{ask, "b 200 <- lowest cost: about $0.000041, a $0.00012, c unknown"}, // 40, as b's answers have
			{long, "a 200 <- lowest cost: about $0.00013, b $0.0010, c unknown"},  // it is the input that counts
		} {
			if l.do(c.body); l.last() != c.want {
				t.Errorf("%s, want %s", l.last(), c.want)
			}
		}
	})
}

// TestNoPrice: without any price the percentages decide.
func TestNoPrice(t *testing.T) {
	set := by(endpoint.LowestCost, func(l *lab, e *endpoint.Endpoint) {
		l.parts.Pricer, e.Weights = perModel{}, []int{0, 100}
		e.Strategy.Among = []int{0, 1}
	})
	scripted(t, map[string][]step{"a": {says(answer)}, "b": {says(answer)}}, set, func(t *testing.T, l *lab, _ *playbook) {
		if l.do(ask); l.last() != "b 200 <- lowest cost: no price is known" {
			t.Error(l.last())
		}
	})
}

// TestStrategyAndCircuits: an entity whose circuit is open is left out by a strategy too, also where
// there is no fallback.
func TestStrategyAndCircuits(t *testing.T) {
	set := by(endpoint.LowestCost, func(l *lab, e *endpoint.Endpoint) {
		e.Entities[0].Model, e.Entities[1].Model = "cheap", "dear"
		l.parts.Pricer = perModel{"cheap": {1, 1}, "dear": {2, 2}}
		e.Breaker = endpoint.Breaker{Enabled: true, FailureShare: 0.5, MinCalls: 2, Window: time.Minute, OpenFor: 10 * time.Second}
	})
	steps := map[string][]step{"a": {status(500), status(500), status(500), says(answer)}, "b": {says(answer)}}
	scripted(t, steps, set, func(t *testing.T, l *lab, _ *playbook) {
		var got []string
		for range 5 {
			l.do(ask)
			got = append(got, l.last()[:1])
		}
		if s := fmt.Sprint(got); s != "[a a b b b]" || !strings.HasSuffix(l.last(), "with its circuit open") {
			t.Errorf("%s, %s", s, l.last())
		}
		time.Sleep(11 * time.Second)
		if l.do(ask); !strings.HasSuffix(l.last(), "its circuit is half open") {
			t.Error(l.last())
		}
		if l.do(ask); l.last()[:1] != "b" {
			t.Error(l.last())
		}
		time.Sleep(11 * time.Second)
		l.do(ask)
		if l.do(ask); l.last() != "a 200 <- lowest cost: about $0.0000000080, b $0.000000016" {
			t.Error(l.last())
		}
	})
}

// TestAmong: entities that are not allowed are neither chosen nor fallen back to, but by a rule that
// names them.
func TestAmong(t *testing.T) {
	set := by(endpoint.LowestLatency, func(_ *lab, e *endpoint.Endpoint) {
		e.Weights, e.Fallback = []int{50, 50, 0}, true
		e.Strategy.Among = []int{0, 1}
		e.Rules = []endpoint.Rule{{Name: "batch", When: endpoint.Condition{Headers: named("X-Batch", "*")}, To: []int{2}}}
	})
	steps := map[string][]step{"a": {status(500)}, "b": {status(500)}, "c": {says(answer), status(500)}}
	scripted(t, steps, set, func(t *testing.T, l *lab, _ *playbook) {
		if l.do(ask); l.last() != "a 500 provider answered 500 <- lowest latency: not measured yet, b not measured yet\nb 500 provider answered 500 <- after a: provider answered 500" {
			t.Error(l.last())
		}
		if l.do(ask, header("X-Batch", "1")); l.last() != "c 200 <- rule batch" {
			t.Error(l.last())
		}
		if l.do(ask, header("X-Batch", "1")); l.last() != "c 500 provider answered 500 <- rule batch\na 500 provider answered 500 <- after c: provider answered 500\nb 500 provider answered 500 <- after a: provider answered 500" {
			t.Error(l.last())
		}
	})
}

// TestExplore: the share of calls that are drawn, and where they go, by chi-square.
func TestExplore(t *testing.T) {
	const calls, share = 20_000, 0.3
	random := rand.New(rand.NewPCG(7, 8))
	set := by(endpoint.LeastBusy, func(l *lab, e *endpoint.Endpoint) {
		e.Weights, e.Strategy.Explore = []int{60, 30, 10}, share
		l.parts.Draw, l.parts.Transport, l.parts.Recorder = random.Uint32, instant{}, &whyCounter{n: map[string]int{}}
	})
	up := http.NotFoundHandler()
	l := newLab(t, []http.Handler{up, up, up}, set)
	counts := l.parts.Recorder.(*whyCounter)
	for range calls {
		l.do(ask)
		l.journal.lines = nil
	}
	// Half of what is left is drawn too, since all are as busy: what counts is what says explored.
	want := map[string]float64{"a explored": 0.6, "b explored": 0.3, "c explored": 0.1}
	chi, explored := 0.0, 0
	for k, part := range want {
		w := part * share * calls
		chi += (float64(counts.n[k]) - w) * (float64(counts.n[k]) - w) / w
		explored += counts.n[k]
	}
	rest := float64(calls-explored) - (1-share)*calls
	chi += rest * rest / ((1 - share) * calls)
	if chi > 16.27 { // 3 degrees of freedom, p = 0.001
		t.Errorf("chi-square %.1f: %v", chi, counts.n)
	}
}

// whyCounter counts first attempts by entity and why.
type whyCounter struct {
	forgetful
	n map[string]int
}

func (c *whyCounter) Finish(_ gateway.Ticket, r *inference.Record, _ bool) error {
	c.n[r.Attempts[0].ServedEntity+" "+r.Attempts[0].Why]++
	return nil
}

// TestRaceByStrategy: the entity that a race asks second is the one that the strategy finds next best.
func TestRaceByStrategy(t *testing.T) {
	set := by(endpoint.LowestLatency, func(_ *lab, e *endpoint.Endpoint) {
		e.Weights, e.Fallback = []int{34, 33, 33}, true
		e.Race = &endpoint.Race{Among: []int{0, 1, 2}, After: 100 * time.Millisecond, Most: 2}
		e.Rules = []endpoint.Rule{{Name: "warm", When: endpoint.Condition{Headers: named("X-Warm", "*")}, To: []int{0}}, {Name: "warm", When: endpoint.Condition{Headers: named("X-Too", "*")}, To: []int{1}}, {Name: "warm", When: endpoint.Condition{Headers: named("X-Three", "*")}, To: []int{2}}}
	})
	steps := map[string][]step{"a": {says(answer).in(900 * time.Millisecond)}, "b": {says(answer).in(50 * time.Millisecond), says(answer).in(time.Hour)}, "c": {says(answer).in(200 * time.Millisecond)}}
	scripted(t, steps, set, func(t *testing.T, l *lab, s *playbook) {
		for _, name := range []string{"X-Warm", "X-Too", "X-Three"} {
			l.do(ask, header(name, "1"))
		}
		l.do(ask)
		if r := l.recorder.Records(); r[len(r)-1].Target.ServedEntity != "c" {
			t.Error(l.last())
		}
		if n := len(s.asked); !strings.HasPrefix(s.asked[n-2], "b@") || !strings.HasPrefix(s.asked[n-1], "c@") {
			t.Errorf("asked %v", s.asked)
		}
		// What loses because it is slow is known to be slow: soon it is not asked first any more.
		for range 10 {
			l.do(ask)
		}
		if !strings.HasPrefix(l.last(), "c 200 <- lowest latency: 200 ms, b 2") {
			t.Error(l.last())
		}
	})
}
