package gateway

import (
	"strings"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/route"
)

// draw returns the number that the traffic split falls by: a random one, or, where the endpoint is
// sticky and the call says what by, the one of that.
func (w *work) draw() uint32 {
	by := w.endpoint.StickyBy
	if by == "" {
		return w.Draw()
	}
	key := w.rec.Principal.Name
	if tag, ok := strings.CutPrefix(by, endpoint.StickyTag); ok {
		key = w.rec.UsageContext[tag]
	}
	if key == "" {
		return w.Draw()
	}
	w.why = "sticky by " + by
	return route.Sticky(w.endpoint.ID, key)
}
