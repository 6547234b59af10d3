package gateway

import (
	"fmt"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/health"
	"github.com/lakegate/lakegate/serving/route"
)

// tryAll tries the entities in turn, each as often as the endpoint allows, but for those whose
// circuit is open. It returns what the client is to be told, nil when it has its answer.
func (w *work) tryAll(plan []*endpoint.Entity) *failure {
	var last *failure
	var worst blame
	var tried string
	for i, e := range plan {
		if last != nil && (w.isGone() || w.remaining() <= 0 || !last.another) {
			break
		}
		pass, ok := w.enter(e)
		if !ok {
			w.because(e.Name + " is left out: its circuit is open")
			continue
		}
		if last != nil {
			w.because("after " + tried + ": " + last.reason)
		}
		if last = w.persist(e, pass, i+1 < len(plan)); last == nil {
			return nil
		}
		worst.add(w, last)
		tried = e.Name
	}
	if last == nil {
		e, pass := w.leastBad(plan)
		w.because("all circuits are open")
		return w.persist(e, pass, false)
	}
	return worst.tell(w)
}

// blame is the failure of several that the client is told, and whose it was: the last, but for
// entities that could not be told the request. Nobody has asked those, so they don't hide what went
// wrong where somebody was.
type blame struct {
	failure *failure
	of      inference.Target
}

// add takes in the next failure, which is that of the row's target.
func (b *blame) add(w *work, f *failure) {
	if b.failure == nil || !f.unasked() || b.failure.unasked() {
		b.failure, b.of = f, w.rec.Target
	}
}

// tell makes the row's target the one to blame.
func (b *blame) tell(w *work) *failure {
	w.rec.Target = b.of
	return b.failure
}

// persist tries an entity until it answers, as often as the endpoint allows. others says that there
// are more entities to try.
func (w *work) persist(e *endpoint.Entity, pass health.Pass, others bool) *failure {
	most := w.endpoint.Retries.Attempts
	if w.call.Stored != nil {
		most = 1 // it may be a deletion
	}
	start := time.Now()
	for n := 1; ; n++ {
		w.more = others || n < most
		f := w.tryPassed(e, pass)
		if n == 1 && w.rolled != nil {
			w.toldRollout(e, start, f)
		}
		if f == nil || n >= most || !w.pause(f, n) {
			return f
		}
		var ok bool
		if pass, ok = w.enter(e); !ok {
			w.why = ""
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
	leave := w.leave
	for {
		select {
		case <-t.C:
			return true
		case <-leave:
			if w.carries() {
				leave = nil
				continue
			}
		case <-w.base.Done():
		}
		w.why = ""
		return false
	}
}
