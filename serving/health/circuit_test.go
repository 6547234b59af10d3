package health

import (
	"strings"
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

// TestFailuresInARow runs stories of attempts that overlap: a capital letter begins one, the small
// letter ends it as a failure, or as a success when it is followed by !.
func TestFailuresInARow(t *testing.T) {
	b := endpoint.Breaker{Enabled: true, FailureShare: 1, MinCalls: 1000, Window: 10 * time.Second, OpenFor: 5 * time.Second, ConsecutiveFailures: 3}
	for _, tt := range []struct {
		name, story string
		row         int
		open        bool
	}{
		{"one after another", "Aa Bb Dd", 0, true},
		{"one less", "Aa Bb", 2, false},
		{"after years of successes", strings.Repeat("Aa! ", 5000) + "Aa Bb Dd", 0, true},
		{"a success begins anew", "Aa Bb Dd! Ee Ff", 2, false},
		{"and then again", "Aa Bb Dd! Ee Ff Gg", 0, true},
		{"under way together they count once", "A B D E F a b d e f", 1, false},
		{"and what began later counts", "A B D a b d Ee Ff", 0, true},
		{"a late success counts too", "A Bb Dd a! Ee Ff", 2, false},
		{"late failures after a success begin a row once", "A B D a Ee! b d", 1, false},
	} {
		var c Circuit
		passes := map[rune]Pass{}
		story := []rune(tt.story)
		for i, x := range story {
			switch {
			case x >= 'A' && x <= 'Z':
				passes[x], _, _ = c.Enter(&b, start)
			case x >= 'a' && x <= 'z':
				r := Failure
				if i+1 < len(story) && story[i+1] == '!' {
					r = Success
				}
				c.Leave(passes[x-'a'+'A'], r, &b, start)
			}
		}
		state, _ := c.Status()
		if open := state == Open; open != tt.open || c.row != tt.row || open && c.Opened() != [3]int64{0, 1, 0} {
			t.Errorf("%s: it is %s after %v, %d in a row", tt.name, state, c.Opened(), c.row)
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
