package gateway

import (
	"strings"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/route"
)

// draw returns the number that the traffic split falls by: a random one, or, where the endpoint is
// sticky and the call says what by, the one of that.
func (w *work) draw() uint32 {
	key := w.stickyKey()
	if key == "" {
		return w.Draw()
	}
	w.because("sticky by " + w.endpoint.StickyBy)
	return route.Sticky(w.endpoint.ID, key)
}

// stickyKey returns what the call has in common with those that go to the same entity, "" for
// nothing.
func (w *work) stickyKey() string {
	by := w.endpoint.StickyBy
	if by == "" {
		return ""
	}
	if tag, ok := strings.CutPrefix(by, endpoint.StickyTag); ok {
		return w.rec.UsageContext[tag]
	}
	if name, ok := strings.CutPrefix(by, endpoint.StickyHeader); ok {
		if v := w.call.ClientHeader[name]; len(v) > 0 {
			return v[0]
		}
		return ""
	}
	return w.rec.Principal.Name
}

// stuckTo returns the entity that a sticky split gives the call, which has met rule, nil for one that
// goes by chance.
func (w *work) stuckTo(rule int) *endpoint.Entity {
	key := w.stickyKey()
	if key == "" {
		return nil
	}
	draw := route.Sticky(w.endpoint.ID, key)
	if rule < 0 {
		if k := w.Rollouts.Of(w.endpoint); k != nil && k.Split().Takes(draw) {
			return w.endpoint.RolledOut()
		}
		return route.Plan(nil, w.endpoint, w.weights(), draw)[0]
	}
	to := w.endpoint.Rules[rule].To
	if route.Sum(w.weights(), to) == 0 {
		return nil
	}
	return w.endpoint.Entities[to[route.Among(w.weights(), to, draw)]]
}
