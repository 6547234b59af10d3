// Package limits enforces the rate limits of endpoints: calls and tokens in a rolling window.
//
// Reserve asks whether a call may go ahead and counts it; the Reservation it returns is settled
// once, with the tokens the call really used. In any window of a limit's period no more calls are
// admitted than it says. Tokens are known only afterwards: a call is admitted while fewer tokens
// than the limit are used or reserved, so a window can run over by what the calls in flight at
// its end use beyond their reservation.
//
// Counts live in memory, in this process: they start empty, and each gateway has its own. They
// belong to an endpoint's name, so they survive a new configuration. A Limiter is safe for
// concurrent use. Tests pass it a clock of their own.
package limits

import (
	"sync"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// Limiter counts calls and tokens.
type Limiter struct {
	now func() time.Time

	mu      sync.Mutex
	windows map[subject]*window
	swept   int // windows left over by the last sweep
}

// subject is whose calls a window counts together.
type subject struct {
	endpoint string
	key      endpoint.LimitKey
	who      string
	period   time.Duration
}

// New returns a limiter that reads the time from now; nil means time.Now.
func New(now func() time.Time) *Limiter {
	if now == nil {
		now = time.Now
	}
	return &Limiter{now: now, windows: map[subject]*window{}}
}

// Reserve counts a call of p and reserves tokens for it, or says why it may not go ahead; then
// nothing was counted. The zero Reservation of an endpoint without limits needs no settling.
//
// As with Databricks, the endpoint's own limit binds everybody; of the others, those that name
// the caller come first, then those of the caller's groups, then the default for each user. Of
// several groups one with room left is enough.
func (l *Limiter) Reserve(e *endpoint.Endpoint, p *inference.Principal, tokens int64) (Reservation, *apierr.Error) {
	if len(e.RateLimits) == 0 {
		return Reservation{}, nil
	}
	all, anyGroup := applicable(e.RateLimits, p)
	if len(all) == 0 && len(anyGroup) == 0 {
		return Reservation{}, nil
	}
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	r := Reservation{limiter: l, tokens: tokens}
	for _, limit := range all {
		w := l.window(e.Name, limit, p)
		if full := w.refusal(limit, now); full != nil {
			return Reservation{}, full.err(e.Name)
		}
		r.add(w)
	}
	var soonest *refusal
	room := len(anyGroup) == 0
	for _, limit := range anyGroup {
		w := l.window(e.Name, limit, p)
		full := w.refusal(limit, now)
		if full == nil {
			room = true
		} else if soonest == nil || full.wait < soonest.wait {
			soonest = full
		}
		r.add(w)
	}
	if !room {
		return Reservation{}, soonest.err(e.Name)
	}
	for _, w := range r.windows {
		w.take(now, tokens)
	}
	return r, nil
}

// applicable returns the limits that must all have room for a call of p, and those of p's groups,
// of which one must.
func applicable(limits []endpoint.RateLimit, p *inference.Principal) (all, anyGroup []*endpoint.RateLimit) {
	var named, each []*endpoint.RateLimit
	for i := range limits {
		limit := &limits[i]
		switch {
		case limit.Key == endpoint.PerEndpoint:
			all = append(all, limit)
		case limit.Key == endpoint.PerUser && limit.Principal == "":
			each = append(each, limit)
		case limit.Key == endpoint.PerGroup && isMember(p, limit.Principal):
			anyGroup = append(anyGroup, limit)
		case limit.Key == endpoint.PerUser && limit.Principal == p.Name && p.Kind != inference.ServicePrincipal,
			limit.Key == endpoint.PerServicePrincipal && limit.Principal == p.Name && p.Kind == inference.ServicePrincipal:
			named = append(named, limit)
		}
	}
	switch {
	case len(named) > 0:
		return append(all, named...), nil
	case len(anyGroup) > 0:
		return all, anyGroup
	default:
		return append(all, each...), nil
	}
}

func isMember(p *inference.Principal, group string) bool {
	for _, g := range p.Groups {
		if g == group {
			return true
		}
	}
	return false
}

// window returns the counts a limit looks at. The mutex is held.
func (l *Limiter) window(name string, limit *endpoint.RateLimit, p *inference.Principal) *window {
	s := subject{endpoint: name, key: limit.Key, who: limit.Principal, period: limit.Period}
	if limit.Key == endpoint.PerUser {
		s.who = p.Name
	}
	w := l.windows[s]
	if w == nil {
		l.sweep()
		w = newWindow(limit.Period)
		l.windows[s] = w
	}
	return w
}

// sweep forgets windows that count nothing any more, whenever there are twice as many as were
// left the last time.
func (l *Limiter) sweep() {
	if len(l.windows) < 2*l.swept+1024 {
		return
	}
	now := l.now()
	for s, w := range l.windows {
		if w.idle(now) {
			delete(l.windows, s)
		}
	}
	l.swept = len(l.windows)
}

// Reservation is a call that was let through and not settled yet. Settle and Cancel are for its
// one owner; only the first of them counts.
type Reservation struct {
	limiter *Limiter
	windows []*window
	tokens  int64
}

func (r *Reservation) add(w *window) {
	for _, x := range r.windows {
		if x == w {
			return // two limits on the same calls, such as one for calls and one for tokens
		}
	}
	r.windows = append(r.windows, w)
}

// Settle replaces the reserved tokens by those that were used.
func (r *Reservation) Settle(tokens int64) { r.end(tokens, false) }

// Keep settles with the tokens that were reserved, for a call whose real use is not known.
func (r *Reservation) Keep() { r.end(r.tokens, false) }

// Cancel takes the call back: it was not made after all.
func (r *Reservation) Cancel() { r.end(0, true) }

func (r *Reservation) end(tokens int64, cancelled bool) {
	if r.limiter == nil {
		return
	}
	l := r.limiter
	r.limiter = nil
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range r.windows {
		w.give(now, r.tokens, tokens, cancelled)
	}
}
