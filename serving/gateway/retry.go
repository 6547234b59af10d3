package gateway

import (
	"fmt"
	"time"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/route"
)

// tryAll tries the entities in turn, each as often as the endpoint allows. It returns what the
// last attempt failed with, nil when the client has its answer.
func (w *work) tryAll(plan []*endpoint.Entity) *failure {
	var last *failure
	for i, e := range plan {
		if last != nil {
			if w.isGone() || w.remaining() <= 0 || !last.another {
				break
			}
			w.why = "after " + plan[i-1].Name + ": " + last.reason
		}
		if last = w.persist(e, i+1 < len(plan)); last == nil {
			return nil
		}
	}
	return last
}

// persist tries an entity until it answers, as often as the endpoint allows. others says that there
// are more entities to try.
func (w *work) persist(e *endpoint.Entity, others bool) *failure {
	most := w.endpoint.Retries.Attempts
	if w.call.Stored != nil {
		most = 1 // it may be a deletion
	}
	for n := 1; ; n++ {
		w.more = others || n < most
		f := w.try(e)
		if f == nil || n >= most || !w.pause(f, n) {
			return f
		}
	}
}

// pause waits before an entity is tried again after its n-th attempt, and reports whether it is to
// be: that is no use when the failure was not the provider's, or when the wait takes too long.
func (w *work) pause(f *failure, n int) bool {
	if !f.again || w.isGone() {
		return false
	}
	d, ok := route.Backoff(w.endpoint.Retries, n, f.wait, w.Draw())
	if !ok || d >= w.remaining() {
		return false
	}
	w.why = fmt.Sprintf("%s; waited %s", f.reason, d.Round(time.Millisecond))
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-w.leave:
	case <-w.base.Done():
	}
	return false
}
