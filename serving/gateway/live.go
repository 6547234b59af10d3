package gateway

import (
	"sync/atomic"

	"github.com/lakegate/lakegate/serving/auth"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// View is one state of the configuration: the endpoints, and the keys that may call them.
type View struct {
	Catalog *endpoint.Catalog
	Keys    *auth.Keys
}

// Live holds the current view. Swapping it in takes effect for the calls that start afterwards. It
// is safe for concurrent use.
type Live struct{ p atomic.Pointer[View] }

// NewLive returns a holder of v.
func NewLive(v View) *Live {
	l := &Live{}
	l.Swap(v)
	return l
}

// Swap makes v the current view and returns the one before, zero for none.
func (l *Live) Swap(v View) View {
	if old := l.p.Swap(&v); old != nil {
		return *old
	}
	return View{}
}

// Load returns the current view.
func (l *Live) Load() View { return *l.p.Load() }
