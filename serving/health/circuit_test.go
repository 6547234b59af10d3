package health

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lakegate/lakegate/serving/endpoint"
)

var (
	start   = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	breaker = endpoint.Breaker{Enabled: true, FailureShare: 0.5, MinCalls: 4, Window: 10 * time.Second, OpenFor: 5 * time.Second}
)

// TestCircuit runs stories: s, f and n are attempts that end at once, as Success, Failure and
// Neither, + is a second, and the letters C, H and O say which state the circuit must be in.
func TestCircuit(t *testing.T) {
	for name, story := range map[string]string{
		"too few calls":                         "fffC",
		"enough":                                "fffCfO",
		"a share below the bound":               "sssCffCfO",
		"exactly the share":                     "ssfCfO",
		"what is no failure counts for nothing": "nnnnnnfffC",
		"old failures are forgotten":            "fff+++++++++++fffC",
		"nearly old ones are not":               "fff++++++++fO",
		"half open after its time, then closed": "ffffO++++O+sC",
		"a closed circuit begins anew":          "ffff+++++sCfffCfO",
		"half open, then open again":            "ffff+++++fO++++O+sC",
		"a probe that says nothing":             "ffff+++++nHsC",
	} {
		var c Circuit
		now := start
		for i, step := range story {
			switch step {
			case '+':
				now = now.Add(time.Second)
			case 's', 'f', 'n':
				p, _, ok := c.Enter(&breaker, now)
				if !ok {
					t.Fatalf("%s: at %d no attempt may be made", name, i)
				}
				c.Leave(p, map[rune]Result{'s': Success, 'f': Failure, 'n': Neither}[step], &breaker, now)
			default:
				want := map[rune]State{'C': Closed, 'H': HalfOpen, 'O': Open}[step]
				if got, _ := c.Status(); got != want {
					t.Fatalf("%s: at %d it is %s, want %s", name, i, got, want)
				}
				if want != Open {
					continue
				}
				if _, _, ok := c.Enter(&breaker, now); ok {
					t.Fatalf("%s: at %d an open circuit lets a call through", name, i)
				}
			}
		}
	}
}

// TestLateResults: an attempt that began before the circuit opened says nothing of it now.
func TestLateResults(t *testing.T) {
	var c Circuit
	early, _, _ := c.Enter(&breaker, start)
	for range 4 {
		p, _, _ := c.Enter(&breaker, start)
		c.Leave(p, Failure, &breaker, start)
	}
	c.Leave(early, Success, &breaker, start)
	if s, _ := c.Status(); s != Open {
		t.Errorf("a late success made it %s", s)
	}
	if change := c.Leave(c.Force(), Success, &breaker, start); change.From != Open || change.To != Closed {
		t.Errorf("a forced attempt that went well: %+v", change)
	}
}

// TestOneProbe: of many callers at once, a half open circuit lets one through.
func TestOneProbe(t *testing.T) {
	var c Circuit
	for range 4 {
		p, _, _ := c.Enter(&breaker, start)
		c.Leave(p, Failure, &breaker, start)
	}
	var through atomic.Int64
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if p, _, ok := c.Enter(&breaker, start.Add(5*time.Second)); ok && p.Probe {
				through.Add(1)
			}
		})
	}
	all.Wait()
	if s, changes := c.Status(); through.Load() != 1 || s != HalfOpen || changes != [3]int64{0, 1, 1} {
		t.Errorf("%d calls went through, it is %s after %v", through.Load(), s, changes)
	}
}

func TestOfIsTheSame(t *testing.T) {
	var h Entities
	a := h.Of("a")
	if h.Of("a") != a || h.Of("b") == a {
		t.Error("entities are mixed up")
	}
}

func BenchmarkAttempt(b *testing.B) {
	var h Entities
	b.ReportAllocs()
	for b.Loop() {
		p, _, _ := h.Of("id").Circuit.Enter(&breaker, start)
		h.Of("id").Circuit.Leave(p, Success, &breaker, start)
	}
}

// TestAttemptsAllocateNothing: asking and telling a circuit is on the path of each call.
func TestAttemptsAllocateNothing(t *testing.T) {
	var h Entities
	h.Of("id")
	n := testing.AllocsPerRun(100, func() {
		p, _, _ := h.Of("id").Circuit.Enter(&breaker, start)
		h.Of("id").Circuit.Leave(p, Success, &breaker, start)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
