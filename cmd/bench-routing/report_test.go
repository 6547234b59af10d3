package main

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/loadgen"
)

func result(p95 time.Duration) *loadgen.Result {
	s := loadgen.Summary{P50: p95 / 4, P95: p95, P99: 2 * p95}
	return &loadgen.Result{Sent: 10, Whole: 10, First: s, Latency: s}
}

func TestReport(t *testing.T) {
	l := &lab{ways: ways()}
	for _, w := range l.ways {
		w.load, w.calls, w.cost = result(500*time.Millisecond), 12, 1
	}
	l.ways[0].load, l.ways[0].cost = result(time.Second), 2
	text := l.table()
	for _, want := range []string{"| plain (split 40/30/30) | 250 (1.00) | 1000 (1.00) | 2000 (1.00) |", "| 125 (0.50) | 500 (0.50) |", "| 1.20 | 1.0000 (0.50) | 0.0000 |"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if err := l.verdict(); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"race", "lowest_latency"} {
		for _, w := range l.ways {
			if w.name == name {
				w.load = result(time.Second)
			}
		}
		if err := l.verdict(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is no better than the split: %v", name, err)
		}
	}
}

// The nth call of a provider takes as long on every way, but for the bad spell.
func TestLatenciesAreScripted(t *testing.T) {
	for i, p := range providers {
		a, b := &draws{rng: rand.New(rand.NewPCG(7, uint64(i)))}, &draws{rng: rand.New(rand.NewPCG(7, uint64(i)))}
		slow := 0
		for range 30 * p.every {
			x, y := a.next(p, false), b.next(p, true)
			if got := float64(y) / float64(x); got < p.spell-0.001 || got > p.spell+0.001 {
				t.Fatalf("%s: %v and %v in the bad spell", p.entity, x, y)
			}
			if x > 4*p.median {
				slow++
			}
		}
		if slow < 28 || slow > 32 {
			t.Errorf("%s: %d calls are slow", p.entity, slow)
		}
	}
}
