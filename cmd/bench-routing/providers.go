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
	every         int           // one of so many calls is slow
	slow          float64       // how many times as slow, at least; up to twice that
	spell         float64       // how many times as slow all calls are in the bad spell; 1 without one
}

// The providers: one that is good and dear, one that is quick and often slow, one that is cheap, slower and
// has a bad spell.
var providers = []provider{
	{entity: "good", model: "gpt-4o", percent: 40, median: 180 * time.Millisecond, spread: 0.3, every: 33, slow: 6, spell: 1},
	{entity: "quick", model: "gpt-4.1-mini", percent: 30, median: 120 * time.Millisecond, spread: 0.4, every: 33, slow: 8, spell: 1},
	{entity: "cheap", model: "gpt-4o-mini", percent: 30, median: 260 * time.Millisecond, spread: 0.3, every: 33, slow: 6, spell: 4},
}

// draws are a provider's calls on one way of routing. The nth is the same on every way.
type draws struct {
	rng       *rand.Rand
	n, unluck int // calls so far; which one of the present lot is slow
}

// next is the time until the first token of the next call.
func (d *draws) next(p provider, bad bool) time.Duration {
	if d.n%p.every == 0 {
		d.unluck = d.rng.IntN(p.every)
	}
	slow := d.n%p.every == d.unluck
	d.n++
	normal, much := d.rng.NormFloat64(), d.rng.Float64()
	return p.after(normal, much, slow, bad)
}

func (p provider) after(normal, much float64, slow, bad bool) time.Duration {
	d := float64(p.median) * math.Exp(p.spread*normal)
	if slow {
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
	draws map[string]*draws // by way and entity
	calls map[string]int    // by way
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
		w.draws[key] = &draws{rng: rand.New(rand.NewPCG(w.seed, uint64(i)))}
	}
	w.calls[way]++
	return w.draws[key].next(providers[i], w.bad.now())
}
