package main

import (
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/lakegate/lakegate/internal/fakellm"
)

// provider is a script of latencies: the time until the first token is log-normal, and every so often a
// multiple of that.
type provider struct {
	entity, model string
	percent       int           // of the plain split
	median        time.Duration // until the first token
	spread        float64       // sigma of the logarithm
	tail          float64       // share of calls that are slow
	slow          float64       // how many times as slow, at least; up to twice that
	spell         float64       // how many times as slow all calls are in the bad spell; 1 without one
}

// The providers: one that is good and dear, one that is quick and often slow, one that is cheap, slower and
// has a bad spell.
var providers = []provider{
	{entity: "good", model: "gpt-4o", percent: 40, median: 180 * time.Millisecond, spread: 0.3, tail: 0.03, slow: 6, spell: 1},
	{entity: "quick", model: "gpt-4.1-mini", percent: 30, median: 120 * time.Millisecond, spread: 0.4, tail: 0.03, slow: 8, spell: 1},
	{entity: "cheap", model: "gpt-4o-mini", percent: 30, median: 260 * time.Millisecond, spread: 0.3, tail: 0.03, slow: 6, spell: 4},
}

// draw is the time until the first token of a call. It takes as many random numbers whatever they are,
// so that the nth call of a provider is the same on every way of routing.
func (p provider) draw(rng *rand.Rand, bad bool) time.Duration {
	normal, unlucky, much := rng.NormFloat64(), rng.Float64(), rng.Float64()
	d := float64(p.median) * math.Exp(p.spread*normal)
	if unlucky < p.tail {
		d *= p.slow * (1 + much)
	}
	if bad {
		d *= p.spell
	}
	return time.Duration(d)
}

// spell is when the bad one is.
type spell struct{ from, until time.Time }

func (s *spell) now() bool { return time.Now().After(s.from) && time.Now().Before(s.until) }

// world answers for all providers of all ways: /WAY/ENTITY/v1/chat/completions.
type world struct {
	inner *fakellm.Server
	seed  uint64
	bad   spell // set before the first call

	mu    sync.Mutex
	draws map[string]*rand.Rand // by way and entity
	calls map[string]int        // by way
}

func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	way, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	entity, path, _ := strings.Cut(rest, "/")
	for i, p := range providers {
		if p.entity != entity {
			continue
		}
		t := time.NewTimer(w.next(way, i))
		defer t.Stop()
		select {
		case <-t.C:
			r.URL.Path = "/" + path
			w.inner.ServeHTTP(rw, r)
		case <-r.Context().Done():
		}
		return
	}
	http.NotFound(rw, r)
}

func (w *world) next(way string, i int) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := way + "/" + providers[i].entity
	if w.draws[key] == nil {
		w.draws[key] = rand.New(rand.NewPCG(w.seed, uint64(i)))
	}
	w.calls[way]++
	return providers[i].draw(w.draws[key], w.bad.now())
}
