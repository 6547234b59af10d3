package gateway

import (
	"net/http"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/rollout"
)

// rollsOut reports whether the call, whose draw it is, goes to the entity that its endpoint rolls out.
// All calls that take part say so on their rows, those to the other entities too.
func (w *work) rollsOut(draw uint32) bool {
	k := w.Rollouts.Of(w.endpoint)
	if k == nil {
		return false
	}
	w.rolled = k.Split()
	w.because(w.rolled.Why)
	return w.rolled.Takes(draw)
}

// withdrawn reports whether an entity is one that the endpoint's rollout keeps this call from.
func (w *work) withdrawn(entity string) bool {
	x := w.endpoint.RolledOut()
	if x == nil || x.ID != entity || w.rule() >= 0 {
		return false
	}
	k := w.Rollouts.Of(w.endpoint)
	return k == nil || k.Split().Traffic == 0
}

// toldRollout tells the endpoint's rollout what became of the call's first attempt at an entity,
// which began at start.
func (w *work) toldRollout(e *endpoint.Entity, start time.Time, f *failure) {
	k := w.Rollouts.Of(w.endpoint)
	if w.rolled == nil || k == nil {
		return
	}
	c := rollout.Call{Target: e.Name == w.endpoint.RolledOut().Name, Latency: time.Since(start), Streamed: w.streaming}
	if first := w.rec.TimeToFirstToken; first != nil && w.streaming {
		c.FirstToken = max(1, *first-start.Sub(w.call.Received))
	}
	c.Result = w.rolloutResult(f)
	k.Note(w.rolled, c)
}

// rolloutResult returns what an attempt says of an entity that is rolled out, or is to be compared to
// it: unlike for circuits, a key that is refused and a model that is not there are the entity's faults,
// whose configuration is part of what is tried out.
func (w *work) rolloutResult(f *failure) rollout.Result {
	switch {
	case f == nil && w.rec.Outcome == inference.OK: // its record is out
		return rollout.Answered
	case f == nil && w.rec.Outcome == inference.ClientGone:
		return rollout.Nothing
	case f == nil: // what the client has of the answer is no good
		return rollout.Failed
	case w.isGone() || w.base.Err() != nil:
		return rollout.Nothing
	case f.status == http.StatusUnauthorized, f.status == http.StatusForbidden, f.status == http.StatusNotFound,
		f.status == http.StatusRequestTimeout, f.status == http.StatusTooManyRequests:
		return rollout.Failed
	case f.status >= 400 && f.status < 500, f.status == 0 && f.err.Status >= 400 && f.err.Status < 500:
		return rollout.Refused
	default:
		return rollout.Failed
	}
}
