package gateway

import (
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/route"
)

// plan appends the entities to try, in order, at least one; w.why says why the first is first.
// Stored answers are where they are, and what follows one is made there.
func (w *work) plan(dst []*endpoint.Entity) []*endpoint.Entity {
	if w.call.Stored != nil {
		if dst = w.planStored(dst); len(dst) > 0 {
			return dst
		}
	}
	if e := w.predecessor(); e != nil {
		return append(dst, e)
	}
	return route.Plan(dst, w.endpoint, w.weights(), w.draw())
}

// weights returns the percentages of the endpoint's entities, with sum 100, in their order. The
// slice is not to be changed.
func (w *work) weights() []int { return w.endpoint.Weights }
