package gateway

import (
	"net/http"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/health"
	"github.com/lakegate/lakegate/serving/route"
)

// enter asks whether an entity may be tried. false: it has failed too often lately.
func (w *work) enter(e *endpoint.Entity) (health.Pass, bool) {
	if !w.breaks() {
		return health.Pass{}, true
	}
	p, change, ok := w.health.Of(e.ID).Circuit.Enter(&w.endpoint.Breaker, time.Now())
	w.logChange(e, change)
	if p.Probe {
		w.because("its circuit is half open")
	}
	return p, ok
}

// breaks reports whether entities are left alone that fail. Stored answers are where they are.
func (w *work) breaks() bool { return w.endpoint.Breaker.Enabled && w.call.Stored == nil }

// leastBad returns the entity whose circuit closes first, which is tried when all are open.
func (w *work) leastBad(plan []*endpoint.Entity) (*endpoint.Entity, health.Pass) {
	best := plan[0]
	for _, e := range plan[1:] {
		if w.health.Of(e.ID).Circuit.Until().Before(w.health.Of(best.ID).Circuit.Until()) {
			best = e
		}
	}
	return best, w.health.Of(best.ID).Circuit.Force()
}

// tryPassed tries an entity, and tells what is known of its health what became of it.
func (w *work) tryPassed(e *endpoint.Entity, p health.Pass) *failure {
	h, result := w.health.Of(e.ID), health.Neither
	h.InFlight.Add(1)
	w.timed, w.sent = false, time.Now()
	defer func() {
		h.InFlight.Add(-1)
		if w.breaks() {
			w.logChange(e, h.Circuit.Leave(p, result, &w.endpoint.Breaker, time.Now()))
		}
	}()
	f := w.tryKeys(e)
	result = w.resultOf(f)
	w.learn(h, f, result)
	return f
}

// untried gives a pass back that was of no use.
func (w *work) untried(e *endpoint.Entity, p health.Pass) {
	if w.breaks() {
		w.logChange(e, w.health.Of(e.ID).Circuit.Leave(p, health.Neither, &w.endpoint.Breaker, time.Now()))
	}
}

// resultOf returns what an attempt says of its entity's health. The caller's own faults say that it
// is well.
func (w *work) resultOf(f *failure) health.Result {
	if f == nil {
		f = w.midway
	}
	switch {
	case f == nil:
		return health.Success
	case f.again, route.WorthAnother(f.status):
		return health.Failure
	case f.outcome == inference.Timeout && len(w.rec.Attempts) == 1: // it had all the time there was
		return health.Failure
	case f.status == http.StatusUnauthorized || f.status == http.StatusForbidden:
		return health.Neither
	case f.status >= 400:
		return health.Success
	default:
		return health.Neither
	}
}

func (w *work) logChange(e *endpoint.Entity, c health.Change) {
	if c.From == c.To {
		return
	}
	args := []any{"endpoint", w.endpoint.Name, "entity", e.Name, "from", c.From.String(), "to", c.To.String()}
	if c.To != health.Open {
		w.Logger.Info("a circuit changed", args...)
		return
	}
	w.Logger.Warn("a circuit opened", append(args, "by", c.By.String(), "calls", c.Calls, "failed", c.Failed, "open_for", w.endpoint.Breaker.OpenFor)...)
}

// because adds a reason to those of the next attempt.
func (w *work) because(why string) {
	if w.why != "" {
		why = w.why + "; " + why
	}
	w.why = why
}

// Circuit is the state of an entity's circuit, for metrics.
type Circuit struct {
	Endpoint, Provider, Entity string
	State                      health.State
	Changes                    [3]int64 // how often each state was entered
	Opened                     [3]int64 // how often it was opened, by health.Trigger
}

// Circuits returns those of the current catalog's endpoints that have a circuit breaker.
func (g *Gateway) Circuits() []Circuit {
	var list []Circuit
	for _, e := range g.Live.Load().Catalog.All() {
		if !e.Breaker.Enabled {
			continue
		}
		for _, x := range e.Entities {
			c := Circuit{Endpoint: e.Name, Provider: x.Provider, Entity: x.Name}
			at := &g.health.Of(x.ID).Circuit
			c.State, c.Changes = at.Status()
			c.Opened = at.Opened()
			list = append(list, c)
		}
	}
	return list
}
