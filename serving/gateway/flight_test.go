package gateway_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/formats"
)

// inFlight is a cache of single flight, of an endpoint that retries nothing.
func inFlight(l *lab, e *endpoint.Endpoint) {
	caching(func(c *endpoint.ResponseCache) { c.SingleFlight = true })(l, e)
}

// caller is one of several clients at the same time.
type caller struct {
	*client
	leave context.CancelFunc
}

// together makes calls that come one after the other before any is answered, and returns when the
// last one has come.
func together(t *testing.T, l *lab, wg *sync.WaitGroup, bodies ...string) []*caller {
	t.Helper()
	all := make([]*caller, len(bodies))
	for i, body := range bodies {
		ctx, leave := context.WithCancel(t.Context())
		all[i] = &caller{&client{}, leave}
		wg.Go(func() { l.doAs(ctx, all[i].client, body) })
		synctest.Wait()
	}
	return all
}

// tally counts rows of each kind.
func tally(l *lab) string {
	n := map[string]int{}
	for _, r := range l.recorder.Records() {
		hit := "asked"
		switch {
		case r.Cache == nil:
			hit = "bypass"
		case r.Cache.Hit:
			hit = "hit"
		}
		n[fmt.Sprintf("%s %d %s", r.Outcome, r.Status, hit)]++
	}
	var lines []string
	for k, v := range n {
		lines = append(lines, fmt.Sprintf("%dx %s", v, k))
	}
	slices.Sort(lines)
	return strings.Join(lines, ", ")
}

// Of calls that ask the same at the same time one asks the provider, whole or streamed, and each
// gets its own shape and has its own row.
func TestOneOfEqualCallsAsks(t *testing.T) {
	for name, c := range map[string]struct {
		step   step
		bodies []string
	}{
		"whole":            {says(answer).in(time.Second), []string{cold, cold, cold}},
		"streamed":         {events(hel, time.Second, lo, stop, usage, doneEvent), []string{coldUsage, coldUsage, coldUsage}},
		"whole, then both": {says(answer).in(time.Second), []string{cold, coldStream, coldUsage}},
		"streamed, then both": {
			events(hel, time.Second, lo, stop, usage, doneEvent), []string{coldUsage, cold, coldStream},
		},
	} {
		t.Run(name, func(t *testing.T) {
			scripted(t, map[string][]step{"a": {c.step}}, inFlight, func(t *testing.T, l *lab, s *playbook) {
				var wg sync.WaitGroup
				all := together(t, l, &wg, c.bodies...)
				wg.Wait()
				if len(s.asked) != 1 {
					t.Errorf("asked %v", s.asked)
				}
				if got := tally(l); got != "1x ok 200 asked, 2x ok 200 hit" {
					t.Error(got)
				}
				for i, x := range all {
					streamed := c.bodies[i] != cold
					if x.head.Status != 200 || x.stream != streamed || textOf(t, formats.Table[wire.OpenAIChat], x.body, streamed) != "hello" {
						t.Errorf("client %d got %+v %s", i, x.head, x.body)
					}
				}
				if all[0].head.Cache != gateway.CacheMiss || all[2].head.Cache != gateway.CacheHit {
					t.Errorf("%s, %s", all[0].head.Cache, all[2].head.Cache)
				}
				for _, r := range l.recorder.Records() {
					if r.Cache.Hit && (r.Cost.NanoUSD != 0 || *r.Cache.SavedNanoUSD != 12 || r.Latency != time.Second || r.Attempts != nil) {
						t.Errorf("a follower's row: cost %+v, saved %+v, latency %s", r.Cost, r.Cache, r.Latency)
					}
				}
				if again := l.do(cold); again.head.Cache != gateway.CacheHit {
					t.Errorf("the answer is not in the cache afterwards: %s", again.head.Cache)
				}
			})
		})
	}
}

// Different questions, other tenants and those who want a fresh answer ask for themselves.
func TestOthersDontWait(t *testing.T) {
	scripted(t, map[string][]step{"a": {says(answer).in(time.Second)}}, inFlight, func(t *testing.T, l *lab, s *playbook) {
		var wg sync.WaitGroup
		wg.Go(func() { l.do(cold) })
		wg.Go(func() { l.do(strings.Replace(cold, "hi", "ho", 1)) })
		wg.Go(func() { l.do(cold, func(c *gateway.Call) { c.Token = "lg-bob" }) })
		wg.Go(func() { l.do(cold, func(c *gateway.Call) { c.NoCache = true }) })
		wg.Go(func() { l.do(cold, func(c *gateway.Call) { c.NoStore = true }) })
		wg.Go(func() { l.do(ask) })
		wg.Wait()
		if len(s.asked) != 6 || !strings.HasPrefix(tally(l), "3x ok 200 asked, 3x ok 200 bypass") {
			t.Errorf("asked %v, %s", s.asked, tally(l))
		}
	})
}

// When the leader gets no answer one of its followers asks; when that gets none either, each does.
func TestALeadersFailure(t *testing.T) {
	scripted(t, map[string][]step{"a": {status(500).in(time.Second), says(answer).in(time.Second)}}, inFlight, func(t *testing.T, l *lab, s *playbook) {
		var wg sync.WaitGroup
		together(t, l, &wg, cold, cold, cold, cold)
		wg.Wait()
		if got := strings.Join(s.asked, " "); got != "a@0s a@1s" || tally(l) != "1x ok 200 asked, 1x upstream_error 500 asked, 2x ok 200 hit" {
			t.Errorf("asked %s, %s", got, tally(l))
		}
	})
	scripted(t, map[string][]step{"a": {status(500).in(time.Second)}}, inFlight, func(t *testing.T, l *lab, s *playbook) {
		var wg sync.WaitGroup
		together(t, l, &wg, cold, cold, cold, cold)
		wg.Wait()
		if got := strings.Join(s.asked, " "); got != "a@0s a@1s a@2s a@2s" || tally(l) != "4x upstream_error 500 asked" {
			t.Errorf("asked %s, %s", got, tally(l))
		}
	})
	scripted(t, map[string][]step{"a": {events(hel, time.Second, errReset), says(answer)}}, inFlight, func(t *testing.T, l *lab, s *playbook) {
		var wg sync.WaitGroup
		all := together(t, l, &wg, coldStream, cold)
		wg.Wait()
		if tally(l) != "1x ok 200 asked, 1x upstream_broken 200 asked" || all[1].body != answer {
			t.Errorf("asked %v, %s: %s", s.asked, tally(l), all[1].body)
		}
	})
}

// An answer that is not to be given again is the leader's alone; the others ask, and don't wait for
// one another.
func TestAnAnswerThatIsNotShared(t *testing.T) {
	filtered := strings.Replace(answer, `"stop"`, `"content_filter"`, 1)
	scripted(t, map[string][]step{"a": {says(filtered).in(time.Second)}}, inFlight, func(t *testing.T, l *lab, s *playbook) {
		var wg sync.WaitGroup
		together(t, l, &wg, cold, cold, cold)
		wg.Wait()
		if got := strings.Join(s.asked, " "); got != "a@0s a@1s a@1s" || tally(l) != "3x ok 200 asked" {
			t.Errorf("asked %s, %s", got, tally(l))
		}
	})
}

// A leader whose client leaves goes on for its followers; its row says that the client left.
func TestALeaderWhoseClientLeaves(t *testing.T) {
	for name, c := range map[string]struct {
		step step
		body string
		want string
	}{
		"whole":    {says(answer).in(time.Minute), cold, "1x client_gone 0 asked, 2x ok 200 hit"},
		"streamed": {events(hel, time.Minute, lo, stop, usage, doneEvent), coldUsage, "1x client_gone 200 asked, 2x ok 200 hit"},
	} {
		t.Run(name, func(t *testing.T) {
			patient := func(l *lab, e *endpoint.Endpoint) {
				inFlight(l, e)
				e.Timeout = time.Hour // longer than what is read on for a client that left
			}
			scripted(t, map[string][]step{"a": {c.step}}, patient, func(t *testing.T, l *lab, s *playbook) {
				var wg sync.WaitGroup
				all := together(t, l, &wg, c.body, c.body, c.body)
				all[0].leave()
				wg.Wait()
				if len(s.asked) != 1 || tally(l) != c.want {
					t.Errorf("asked %v, %s", s.asked, tally(l))
				}
				for _, x := range all[1:] {
					if textOf(t, formats.Table[wire.OpenAIChat], x.body, x.stream) != "hello" {
						t.Errorf("a follower got %s", x.body)
					}
				}
				for _, r := range l.recorder.Records() {
					if r.Outcome == inference.ClientGone && (*r.Usage.Input != 5 || r.Cost.NanoUSD != 12 || r.ErrorCode != "CLIENT_CLOSED_REQUEST") {
						t.Errorf("the leader's row: %s %+v", summary(r), r.ErrorCode)
					}
				}
			})
		})
	}
}

// A leader whose client can't be written to any more goes on too.
func TestALeaderWhoseClientIsDeaf(t *testing.T) {
	scripted(t, map[string][]step{"a": {events(hel, time.Second, lo, stop, usage, doneEvent)}}, inFlight, func(t *testing.T, l *lab, s *playbook) {
		var wg sync.WaitGroup
		wg.Go(func() {
			l.doAs(t.Context(), &client{onSend: func(piece string) error {
				if strings.Contains(piece, `"lo"`) {
					return errGone
				}
				return nil
			}}, coldUsage)
		})
		synctest.Wait()
		all := together(t, l, &wg, coldUsage)
		wg.Wait()
		if textOf(t, formats.Table[wire.OpenAIChat], all[0].body, true) != "hello" || len(s.asked) != 1 || tally(l) != "1x client_gone 200 asked, 1x ok 200 hit" {
			t.Errorf("asked %v, %s: %s", s.asked, tally(l), all[0].body)
		}
	})
}

// A leader that races its targets goes on for its followers too.
func TestALeaderThatRaces(t *testing.T) {
	steps := map[string][]step{
		"a": {events(time.Minute, hel, time.Minute, lo, stop, usage, doneEvent)},
		"b": {events(2*time.Minute, hel, lo, stop, usage, doneEvent)},
	}
	racing := func(l *lab, e *endpoint.Endpoint) {
		inFlight(l, e)
		e.Timeout, e.Race = time.Hour, &endpoint.Race{Among: []int{0, 1}, Most: 2}
	}
	scripted(t, steps, racing, func(t *testing.T, l *lab, s *playbook) {
		var wg sync.WaitGroup
		all := together(t, l, &wg, coldUsage, coldUsage, cold)
		all[0].leave()
		wg.Wait()
		if len(s.asked) != 2 || tally(l) != "1x client_gone 0 asked, 2x ok 200 hit" {
			t.Errorf("asked %v, %s", s.asked, tally(l))
		}
		for _, x := range all[1:] {
			if textOf(t, formats.Table[wire.OpenAIChat], x.body, x.stream) != "hello" {
				t.Errorf("a follower got %s", x.body)
			}
		}
	})
}

// When the last follower leaves too, the answer is read on for its usage only, as ever; whoever comes
// then asks afresh.
func TestEverybodyLeaves(t *testing.T) {
	patient := func(l *lab, e *endpoint.Endpoint) {
		inFlight(l, e)
		e.Timeout = time.Hour
	}
	scripted(t, map[string][]step{"a": {says(answer).in(10 * time.Minute)}}, patient, func(t *testing.T, l *lab, s *playbook) {
		var wg sync.WaitGroup
		all := together(t, l, &wg, cold, cold, cold)
		for _, x := range []int{2, 0, 1} {
			all[x].leave()
			synctest.Wait()
		}
		late := together(t, l, &wg, cold)
		start := time.Now()
		wg.Wait()
		if len(s.asked) != 2 || tally(l) != "1x ok 200 asked, 3x client_gone 0 asked" || late[0].body != answer {
			t.Errorf("asked %v, %s after %s", s.asked, tally(l), time.Since(start))
		}
		for _, r := range l.recorder.Records() {
			if r.Outcome == inference.ClientGone && r.Latency > l.config.DrainTimeout {
				t.Errorf("a client that left was waited for: %s", r.Latency)
			}
		}
	})
}

// A leader whose client leaves while nobody follows ends as ever, and nobody joins it.
func TestNobodyJoinsALeaderThatLeft(t *testing.T) {
	scripted(t, map[string][]step{"a": {says(answer).in(time.Second)}}, inFlight, func(t *testing.T, l *lab, s *playbook) {
		var wg sync.WaitGroup
		all := together(t, l, &wg, cold)
		all[0].leave()
		synctest.Wait()
		together(t, l, &wg, cold)
		wg.Wait()
		if len(s.asked) != 2 || tally(l) != "1x client_gone 0 asked, 1x ok 200 asked" {
			t.Errorf("asked %v, %s", s.asked, tally(l))
		}
	})
}

// A follower waits no longer than its endpoint's calls may take, and not for a gateway that stops.
func TestAFollowerDoesNotWaitForEver(t *testing.T) {
	slow := says(answer).in(time.Hour)
	scripted(t, map[string][]step{"a": {slow}}, inFlight, func(t *testing.T, l *lab, _ *playbook) {
		var wg sync.WaitGroup
		wg.Go(func() { l.do(cold) })
		time.Sleep(time.Second)
		all := together(t, l, &wg, cold)
		wg.Wait()
		if got := tally(l); got != "1x ok 200 asked, 1x timeout 504 asked" && got != "2x timeout 504 asked" {
			t.Errorf("%s: %s", got, all[0].body)
		}
	})
	scripted(t, map[string][]step{"a": {slow}}, inFlight, func(t *testing.T, l *lab, s *playbook) {
		var wg sync.WaitGroup
		together(t, l, &wg, cold, cold)
		l.Stop()
		wg.Wait()
		if got := tally(l); got != "2x internal_failure 503 asked" {
			t.Errorf("asked %v, %s", s.asked, got)
		}
	})
}

// A follower is admitted before it waits: a gateway that dies leaves a row of it.
func TestAFollowerIsAdmitted(t *testing.T) {
	scripted(t, map[string][]step{"a": {says(answer).in(time.Second)}}, inFlight, func(t *testing.T, l *lab, _ *playbook) {
		var wg sync.WaitGroup
		together(t, l, &wg, cold, cold)
		if got := strings.Count(l.journal.String(), "admit"); got != 2 {
			t.Errorf("%d calls are admitted:\n%s", got, l.journal)
		}
		wg.Wait()
		if got := strings.Count(l.journal.String(), "finish"); got != 2 {
			t.Errorf("%d calls are finished:\n%s", got, l.journal)
		}
	})
}

// Many clients that come, leave and come again, of providers that fail now and then: each call has
// one row, nothing hangs, and nobody gets less than a whole answer.
func TestFlightsUnderLoad(t *testing.T) {
	steps := []step{
		says(answer).in(7 * time.Millisecond), status(500).in(3 * time.Millisecond), events(hel, 5*time.Millisecond, lo, stop, usage, doneEvent),
		says(answer), events(hel, errReset), status(429),
	}
	for range 40 {
		steps = append(steps, steps[:6]...)
	}
	scripted(t, map[string][]step{"a": steps}, func(l *lab, e *endpoint.Endpoint) {
		inFlight(l, e)
		e.Cache.TTL = 10 * time.Millisecond
	}, func(t *testing.T, l *lab, s *playbook) {
		var wg sync.WaitGroup
		for i := range 300 {
			wg.Go(func() {
				time.Sleep(time.Duration(i*i%97) * time.Millisecond)
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				if i%5 == 0 {
					time.AfterFunc(time.Duration(i%9)*time.Millisecond, leave)
				}
				body := []string{cold, coldUsage}[i%2]
				c := l.doAs(ctx, &client{}, body)
				if ctx.Err() == nil && c.head.Status == 200 && c.head.Cache == gateway.CacheHit && textOf(t, formats.Table[wire.OpenAIChat], c.body, c.stream) != "hello" {
					t.Errorf("call %d got %s", i, c.body)
				}
			})
		}
		wg.Wait()
		if n := len(l.recorder.Records()); n != 300 {
			t.Errorf("%d rows of 300 calls", n)
		}
		if hits := strings.Count(tally(l), "hit"); hits == 0 || len(s.asked) > 250 {
			t.Errorf("asked %d times: %s", len(s.asked), tally(l))
		}
	})
}
