package gateway

import (
	"fmt"
	"net/http"
	"time"

	"github.com/lakegate/lakegate/serving/endpoint"
)

// How long a key rests when the provider says nothing of it.
const (
	refusedRest = time.Minute // somebody has to do something about it
	busyRest    = 10 * time.Second
)

// tryKeys makes one attempt at an entity, or several where it has several keys: one that is refused
// or has used up its quota rests, and the next goes on at once.
func (w *work) tryKeys(e *endpoint.Entity) *failure {
	n := 1 + len(e.MoreKeys)
	if n == 1 {
		return w.try(e)
	}
	keys := &w.health.Of(e.ID).Keys
	var used uint64
	for left := n; ; left-- {
		key := keys.Pick(n, used, time.Now())
		used |= 1 << key
		w.because(fmt.Sprintf("key %d of %d", key+1, n))
		f := w.try(e.WithKey(key))
		if f == nil {
			return nil
		}
		rest := max(f.wait, refusedRest)
		switch f.status {
		case http.StatusUnauthorized, http.StatusForbidden:
		case http.StatusTooManyRequests:
			if rest = f.wait; rest == 0 {
				rest = busyRest
			}
		default:
			return f
		}
		keys.Rest(key, n, time.Now().Add(rest))
		if left == 1 || w.isGone() || w.remaining() <= 0 {
			return f
		}
		w.because(fmt.Sprintf("key %d: %s", key+1, f.reason))
	}
}
