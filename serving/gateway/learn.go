package gateway

import (
	"time"

	"github.com/lakegate/lakegate/serving/health"
	"github.com/lakegate/lakegate/serving/wire"
)

// failedAs is what a failure counts as, at least, where an endpoint does not bound its attempts.
const failedAs = 10 * time.Second

// learn notes what an entity's attempt says of its speed and of the length of its answers.
func (w *work) learn(h *health.Entity, f *failure, r health.Result) {
	now := time.Now()
	switch {
	case !w.tells():
	case r == health.Failure:
		h.Failed.Add(now)
		w.latency(h).Observe(max(now.Sub(w.sent), w.slow()), now)
	case f != nil && f.lost && !w.timed:
		w.latency(h).AtLeast(now.Sub(w.sent), now)
	case f == nil:
		if !w.timed {
			w.time(h, now)
		}
		if n := w.rec.Usage.Output; n != nil && w.midway == nil {
			h.Output.Observe(*n)
		}
	}
}

// tells reports whether the call is one of those that the endpoint is for: a count of tokens is
// quicker, and what is stored is only fetched.
func (w *work) tells() bool {
	return w.call.Stored == nil && w.call.Suffix == "" && w.codec.Operation != wire.OpCount
}

// time notes that the client can see something of the attempt under way.
func (w *work) time(h *health.Entity, now time.Time) {
	w.timed = true
	if w.tells() {
		w.latency(h).Observe(now.Sub(w.sent), now)
	}
}

// latency returns which of an entity's latencies is the call's.
func (w *work) latency(h *health.Entity) *health.Latency {
	if w.streaming {
		return &h.FirstToken
	}
	return &h.Whole
}

// slow returns how long an attempt takes that is of no use.
func (w *work) slow() time.Duration {
	switch e := w.endpoint; {
	case e.FirstTokenTimeout > 0:
		return e.FirstTokenTimeout
	case e.AttemptTimeout > 0:
		return e.AttemptTimeout
	default:
		return failedAs
	}
}

// Load is how busy and how fast an entity is, for metrics.
type Load struct {
	Endpoint, Provider, Entity string
	InFlight                   int64
	FirstToken, Whole          time.Duration // 0: not measured
	Output                     int64         // tokens of an answer; -1: there was none
}

// Loads returns those of the current catalog's entities.
func (g *Gateway) Loads() []Load {
	var list []Load
	now := time.Now()
	for _, e := range g.Live.Load().Catalog.All() {
		for _, x := range e.Entities {
			h := g.health.Of(x.ID)
			l := Load{Endpoint: e.Name, Provider: x.Provider, Entity: x.Name, InFlight: h.InFlight.Load(), Output: -1}
			l.FirstToken, l.Whole = h.FirstToken.Expect(now).Measured, h.Whole.Expect(now).Measured
			if n, ok := h.Output.Value(); ok {
				l.Output = n
			}
			list = append(list, l)
		}
	}
	return list
}
