package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// TestRacesAtRandom has providers do anything, and clients leave at any time: each call is one row, its
// answer is one provider's, and the costs of its attempts add up to its own.
func TestRacesAtRandom(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range 20 {
		after := []time.Duration{0, 50 * time.Millisecond, time.Second}[rnd.IntN(3)]
		steps := map[string][]step{}
		for _, who := range []string{"a", "b", "c"} {
			for range 40 {
				steps[who] = append(steps[who], anything(rnd, who))
			}
		}
		set := racing(after, func(e *endpoint.Endpoint) {
			e.Race.Most, e.Fallback, e.Strict = 2+rnd.IntN(2), rnd.IntN(2) == 0, rnd.IntN(2) == 0
			e.Retries = endpoint.Retries{Attempts: 1 + rnd.IntN(2), Backoff: 100 * time.Millisecond, MaxBackoff: time.Second}
			e.Breaker = endpoint.Breaker{Enabled: rnd.IntN(2) == 0, FailureShare: 0.9, MinCalls: 5, Window: time.Minute, OpenFor: time.Second}
			e.FirstTokenTimeout = []time.Duration{0, 2 * time.Second}[rnd.IntN(2)]
		})
		scripted(t, steps, set, func(t *testing.T, l *lab, p *playbook) {
			var calls sync.WaitGroup
			for range 30 {
				body, leave := ask, time.Duration(0)
				if rnd.IntN(2) == 0 {
					body = askStream
				}
				if rnd.IntN(4) == 0 {
					leave = time.Duration(1 + rnd.IntN(int(3*time.Second)))
				}
				calls.Go(func() {
					ctx, cancel := context.WithCancel(context.Background())
					defer cancel()
					if leave > 0 {
						time.AfterFunc(leave, cancel)
					}
					if c := l.doAs(ctx, &client{}, body); mixed(c.body) {
						t.Errorf("a client got of several: %s", c.body)
					}
				})
			}
			calls.Wait()
			for _, r := range l.recorder.Records() {
				if fault := unsound(r); fault != "" {
					t.Errorf("%s: %s\n%s\n%s", fault, summary(r), attempts(r), spent(r))
				}
			}
		})
	}
}

// anything is a step of a provider that may do well or not.
func anything(rnd *rand.Rand, who string) step {
	wait := time.Duration(rnd.IntN(int(3 * time.Second)))
	text := func(s string) string { return strings.Replace(s, "hel", "<"+who+">", 1) }
	var s step
	switch rnd.IntN(12) {
	case 0:
		s = status([]int{400, 401, 429, 500, 503}[rnd.IntN(5)])
	case 1:
		s = step{err: errReset}
	case 2:
		s = says("no JSON")
	case 3:
		s = step{pieces: []any{answer[:40], wait, errReset}}
	case 4:
		s = events(text(hel), wait, errReset)
	case 5:
		s = events(event(`{"error":{"message":"overloaded","code":"busy"}}`))
	case 6, 7, 8:
		s = says(text(answer))
	default:
		s = events(wait/2, text(hel), wait/2, lo, stop, usage, doneEvent)
	}
	return s.in(wait)
}

// mixed reports whether a client has answers of several providers.
func mixed(body string) bool {
	n := 0
	for _, who := range []string{"<a>", "<b>", "<c>"} {
		if strings.Contains(body, who) {
			n++
		}
	}
	return n > 1 || strings.Count(body, "<") > 1
}

// unsound says what is wrong with a row, "" for nothing.
func unsound(r *inference.Record) string {
	var err error
	var sum, extra int64
	won := 0
	for _, a := range r.Attempts {
		if a.CostNano != nil {
			sum += *a.CostNano
		}
		switch {
		case a.Error == "":
			won++
		case a.Source == inference.UsageEstimated && a.Error != inference.Outrun:
			err = errors.New("an estimate of one that was not cut off")
		case a.Source == inference.UsageEstimated && (a.Input == nil || a.Output == nil):
			err = errors.New("one that was cut off has no estimate")
		case a.Latency < 0 || a.Latency > r.Latency:
			err = fmt.Errorf("an attempt took %s of a call of %s", a.Latency, r.Latency)
		}
	}
	cost := int64(0)
	if r.Cost != nil {
		cost = r.Cost.NanoUSD
	}
	if r.ExtraNanoUSD != nil {
		extra = *r.ExtraNanoUSD
	}
	switch {
	case err != nil:
		return err.Error()
	case won > 1:
		return "several have answered"
	case r.Outcome == inference.OK && won != 1:
		return "nobody has answered"
	case r.Outcome == inference.OK && r.Usage.Source == inference.UsageProvider && extra+*r.Usage.Total != cost:
		return "the cost is not the answer's and what is extra"
	case sum != cost:
		return fmt.Sprintf("the attempts cost %d and the row %d", sum, cost)
	case r.UpstreamLatency != nil && (*r.UpstreamLatency < 0 || *r.UpstreamLatency > r.Latency):
		return fmt.Sprintf("waited %s for providers in a call of %s", *r.UpstreamLatency, r.Latency)
	}
	return ""
}
