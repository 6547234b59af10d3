package gateway_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// TestEverythingAtRandom turns on at random all that an endpoint can have, has providers do anything, clients
// leave and the gateway stop at any time: each call is one row that adds up, what was made beside it names
// it, nobody's answer has two beginnings, and nothing is left when all is over.
func TestEverythingAtRandom(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range 40 {
		steps := map[string][]step{"judge": {verdictOf(`{"winner":"1"}`), status(500), verdictOf("both").in(time.Second)}}
		for _, who := range []string{"a", "b", "c", "d"} {
			for range 60 {
				steps[who] = append(steps[who], anything(rnd, who))
			}
		}
		var prompt bool
		set := judged(t, 0.7, func(l *lab, e *endpoint.Endpoint) { prompt = everything(t, rnd, l, e) })
		scripted(t, steps, set, func(t *testing.T, l *lab, _ *playbook) {
			crowd(t, rnd, l, prompt)
			l.settled()
			synctest.Wait()
			sound(t, l)
			if t.Failed() {
				e := mustLookup(t, l, "chat")
				t.Fatalf("strategy %+v, rules %+v, race %+v, shadow %+v, cache %+v, prompt %t", e.Strategy, e.Rules, e.Race, e.Shadow, e.Cache, prompt)
			}
		})
		if t.Failed() {
			return
		}
	}
}

// everything configures an endpoint of a, b, c, and d, which is for shadows, and reports whether it is a prompt.
func everything(t *testing.T, rnd *rand.Rand, l *lab, e *endpoint.Endpoint) (prompt bool) {
	some := func() bool { return rnd.IntN(2) == 0 }
	e.Weights = []int{50, 30, 20, 0}
	e.Fallback, e.Strict = some(), some()
	e.Retries = endpoint.Retries{Attempts: 1 + rnd.IntN(2), Backoff: 100 * time.Millisecond, MaxBackoff: time.Second}
	e.Breaker = endpoint.Breaker{Enabled: some(), FailureShare: 0.9, MinCalls: 5, Window: time.Minute, OpenFor: time.Second}
	e.Timeout = []time.Duration{4 * time.Second, time.Minute}[rnd.IntN(2)]
	e.FirstTokenTimeout = []time.Duration{0, 2 * time.Second}[rnd.IntN(2)]
	if some() {
		by := endpoint.Strategies()[rnd.IntN(4)]
		e.Strategy = &endpoint.Strategy{By: by, Among: [][]int{nil, {0, 1, 2}, {0, 1}}[rnd.IntN(3)], Explore: 0.2}
	}
	if some() {
		yes := true
		e.Rules = []endpoint.Rule{{Name: "streams", When: endpoint.Condition{Streaming: &yes}, To: []int{2, 1}}}
	}
	if some() {
		e.Race = &endpoint.Race{Among: []int{0, 1, 2}, Most: 2 + rnd.IntN(2), After: []time.Duration{0, 500 * time.Millisecond}[rnd.IntN(2)]}
	}
	if some() {
		e.Shadow = &endpoint.Shadow{To: 3, Share: 0.7}
	}
	if some() {
		caching(func(c *endpoint.ResponseCache) { c.AnyTemperature, c.SingleFlight = true, some() })(l, e)
	}
	if some() {
		limit := int64(20)
		e.RateLimits = []endpoint.RateLimit{{Key: endpoint.PerUser, Calls: &limit, Period: time.Hour}}
	}
	if prompt = some(); prompt {
		prompted(t, 60, 40)(l, e)
	}
	var mu sync.Mutex
	own := rand.New(rand.NewPCG(rnd.Uint64(), 0))
	l.parts.Draw = func() uint32 {
		mu.Lock()
		defer mu.Unlock()
		return own.Uint32()
	}
	return prompt
}

// crowd makes calls, some of them equal, for a while, and sometimes stops the gateway in the middle.
func crowd(t *testing.T, rnd *rand.Rand, l *lab, prompt bool) {
	if rnd.IntN(4) == 0 {
		stop := time.AfterFunc(time.Duration(rnd.IntN(int(6*time.Second))), l.Stop)
		defer stop.Stop()
	}
	var calls sync.WaitGroup
	defer calls.Wait()
	for range 30 {
		question := `"messages":[{"role":"user","content":"%d"}]`
		if prompt {
			question = `"variables":{"text":"%d"}`
		}
		body := fmt.Sprintf(`{"model":"chat",`+question+`,"stream":%t}`, rnd.IntN(4), rnd.IntN(2) == 0)
		wait, leave := time.Duration(rnd.IntN(int(3*time.Second))), time.Hour
		if rnd.IntN(3) == 0 {
			leave = time.Duration(1 + rnd.IntN(int(3*time.Second)))
		}
		calls.Go(func() {
			time.Sleep(wait)
			ctx, cancel := context.WithTimeout(context.Background(), leave)
			defer cancel()
			if c := l.doAs(ctx, &client{}, body); mixed(c.body) {
				t.Errorf("a client got of several: %s", c.body)
			}
		})
	}
}

// sound checks what there is after all calls are over.
func sound(t *testing.T, l *lab) {
	rows := map[inference.ID]*inference.Record{}
	clients, taken := 0, 0
	for _, r := range l.recorder.Records() {
		if rows[r.ID] != nil {
			t.Errorf("two rows of %s", r.ID)
		}
		rows[r.ID] = r
		if r.Purpose == "" {
			if clients++; r.Outcome != inference.Refused || len(r.Attempts) > 0 {
				taken++
			}
		}
	}
	e := mustLookup(t, l, "chat")
	if clients != 30 || len(e.RateLimits) > 0 && taken > 20 {
		t.Errorf("%d rows of 30 clients, of which %d were let through", clients, taken)
	}
	for _, r := range rows {
		hit := r.Cache != nil && r.Cache.Hit
		if fault := unsound(r); fault != "" && !hit {
			t.Errorf("%s: %s %s\n%s\n%s", fault, r.Purpose, summary(r), attempts(r), spent(r))
		}
		if p := rows[r.Parent]; r.Purpose != "" && (p == nil || p.Purpose != "" || p.Principal.Name != r.Principal.Name) || r.Purpose == "" && r.Parent != (inference.ID{}) {
			t.Errorf("a row of purpose %q beside %+v", r.Purpose, p)
		}
		if hit && (len(r.Attempts) > 0 || r.Purpose != "") {
			t.Errorf("a hit that asked somebody: %s", summary(r))
		}
	}
	for _, c := range l.recorder.Comparisons() {
		first, other := rows[c.RequestID], rows[c.OtherID]
		if first == nil || other == nil || other.Parent != first.ID || first.Outcome != inference.OK || c.JudgeID != (inference.ID{}) && rows[c.JudgeID] == nil {
			t.Errorf("a comparison of rows that are not there: %+v", c)
		}
	}
	for _, load := range l.Loads() {
		if load.InFlight != 0 {
			t.Errorf("%d attempts at %s are in flight for ever", load.InFlight, load.Entity)
		}
	}
	if n := len(l.meter.unrecorded); n > 0 {
		t.Errorf("%d could not be recorded", n)
	}
}
