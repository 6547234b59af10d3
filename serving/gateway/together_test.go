package gateway_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lakegate/lakegate/serving/cache"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/formats"
)

// TestWhatLeavesMoreIsAskedOnce: a question that writes into a conversation, or goes on after its answer,
// has neither race nor shadow nor comparison.
func TestWhatLeavesMoreIsAskedOnce(t *testing.T) {
	const begin = `{"model":"chat","input":"hi"`
	for body, want := range map[string]string{
		begin + `}`: "a@0s b@0s c@0s",
		begin + `,"background":false,"conversation":null}`:       "a@0s b@0s c@0s",
		begin + `,"conversation":"conv_1"}`:                      "a@0s",
		begin + `,"conversation":{"id":"conv_1"}}`:               "a@0s",
		begin + `,"background":true}`:                            "a@0s",
		begin + `,"previous_response_id":"resp_of_before_this"}`: "a@0s",
	} {
		steps := map[string][]step{"a": {says(answer).in(time.Second)}, "b": {says(answer).in(time.Second)}, "c": {says(answer)}}
		set := racing(0, func(e *endpoint.Endpoint) { e.Race.Among = []int{0, 1} })
		scripted(t, steps, bothOf(set, shadowed(1)), func(t *testing.T, l *lab, p *playbook) {
			l.do(body, asked(formats.Table[wire.OpenAIResponses], false))
			l.settled()
			if got := strings.Join(p.inOrder(), " "); got != want {
				t.Errorf("%s: asked %s, want %s", body, got, want)
			}
		})
	}
}

// TestAStoppedRolloutLeavesNoAnswers: what the cache has of an entity is not given once its rollout was
// stopped, and is again when that goes on.
func TestAStoppedRolloutLeavesNoAnswers(t *testing.T) {
	from := func(who string) step { return says(strings.Replace(answer, "hello", who, 1)) }
	set := bothOf(rolls(), caching())
	rolling(t, map[string][]step{"a": {from("a")}, "b": {from("b")}}, set, func(t *testing.T, l *lab, p *playbook) {
		next := uint32(0)
		l.Draw = func() uint32 { return next } // the first calls are of the rollout's part
		say := func(who string) {
			t.Helper()
			if c := l.do(cold); !strings.Contains(c.body, `"content":"`+who+`"`) {
				t.Errorf("want the answer of %s, got %s", who, c.body)
			}
		}
		k := l.parts.Rollouts.Of(mustLookup(t, l, "chat"))
		say("b")
		say("b")
		k.Halt("ann")
		say("a") // and it is kept in the other's place
		say("a")
		synctest.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		if got := fmt.Sprint(p.n); got != "map[a:1 b:1]" {
			t.Errorf("asked %s", got)
		}
	})
}

func mustLookup(t *testing.T, l *lab, name string) *endpoint.Endpoint {
	t.Helper()
	e, ok := l.parts.Live.Load().Catalog.Lookup(name)
	if !ok {
		t.Fatalf("no endpoint %s", name)
	}
	return e
}

// TestVerdictsAreNotKept: no judge is asked the same twice, so its verdicts would only drive out answers.
func TestVerdictsAreNotKept(t *testing.T) {
	steps := map[string][]step{"a": {says(answer)}, "b": {says(answer)}, "judge": {verdictOf(`{"winner":"1"}`)}}
	var kept *cache.Cache
	keeps := func(l *lab, _ *endpoint.Endpoint) {
		kept = cache.New(nil)
		l.parts.Cache = kept
		caching()(l, l.more[0])
		l.more[0].Cache.SingleFlight = true
	}
	scripted(t, steps, judged(t, 1, keeps), func(t *testing.T, l *lab, _ *playbook) {
		l.do(ask)
		l.settled()
		if n := kept.Stats().Entries; n != 0 || len(l.recorder.Comparisons()) != 1 {
			t.Errorf("%d entries, compared: %s", n, l.verdicts())
		}
	})
}

// TestWhyOfARaceThatIsNone: all circuits of a race being open, the row still says which rule it met.
func TestWhyOfARaceThatIsNone(t *testing.T) {
	set := racing(0, func(e *endpoint.Endpoint) {
		e.Rules = []endpoint.Rule{{Name: "all", To: []int{0, 1}}}
		e.Breaker = endpoint.Breaker{Enabled: true, FailureShare: 0.1, MinCalls: 1, Window: time.Minute, OpenFor: time.Minute}
	})
	scripted(t, map[string][]step{"a": {status(500)}, "b": {status(500)}}, set, func(t *testing.T, l *lab, _ *playbook) {
		l.do(ask)
		l.do(ask)
		all := l.recorder.Records()
		if got := all[len(all)-1].Attempts[0].Why; got != "rule all; a is left out: its circuit is open; all circuits are open" {
			t.Error(got)
		}
	})
}

// TestIdempotencyKeys go to the first entity only, as often as that is asked: the others are asked something
// else, of which a provider that has seen the key would say that it differs, or give the wrong answer.
func TestIdempotencyKeys(t *testing.T) {
	falls := func(_ *lab, e *endpoint.Endpoint) {
		e.Fallback, e.Retries = true, endpoint.Retries{Attempts: 2, Backoff: time.Second, MaxBackoff: time.Second}
	}
	only := func(_ *lab, e *endpoint.Endpoint) { e.Race.Among = []int{0, 1} }
	for name, tt := range map[string]struct {
		set  setup
		want string
	}{
		"fallback": {falls, "a=k a=k b= b= c= c="},
		"race":     {bothOf(racing(time.Minute), only), "a=k b="},
		"shadow":   {shadowed(1), "a=k b= c="},
	} {
		steps := map[string][]step{"a": {status(500)}, "b": {status(500)}, "c": {status(500)}}
		scripted(t, steps, tt.set, func(t *testing.T, l *lab, p *playbook) {
			var mu sync.Mutex
			var got []string
			p.onAsk = func(r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				got = append(got, r.URL.Host+"="+r.Header.Get("Idempotency-Key"))
			}
			l.do(ask, func(c *gateway.Call) { c.Header = http.Header{"Idempotency-Key": {"k"}} })
			l.settled()
			slices.SortStableFunc(got, func(a, b string) int { return strings.Compare(a[:1], b[:1]) })
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("%s: asked %s, want %s", name, s, tt.want)
			}
		})
	}
}
