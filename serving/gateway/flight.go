package gateway

import (
	"net/http"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/cache"
)

// joinFlight makes one of the calls that ask the same at the same time ask for all: the others wait until
// it has its answer, and get that as a hit. It returns true when the call is over. When the one gets
// none, another of them asks; when that gets none either, each asks for itself.
func (w *work) joinFlight(k *keeper) bool {
	for range 2 {
		f, leads := w.Cache.Join(k.key.Sum)
		if leads {
			return w.lead(f, k)
		}
		over, again := w.follow(f, k)
		f.Leave()
		if over || !again {
			return over
		}
	}
	return false
}

// lead makes the call the one that asks, unless its answer has come just now.
func (w *work) lead(f *cache.Flight, k *keeper) bool {
	if h := w.findHit(k.key, limitsOf(w.endpoint.Cache)); h != nil {
		f.Land(nil, 0, true) // who has joined meanwhile looks again
		w.resp = k.Responder
		w.answerHit(h)
		return true
	}
	k.carries, k.left = w.carries, w.left
	w.flight.Store(f)
	return false
}

// follow waits for the leader's answer and gives it to the client. again: there was none, and it is
// worth another flight. A follower is admitted before it waits, since that may take long: what
// happens to the gateway in between, the call becomes a row.
func (w *work) follow(f *cache.Flight, k *keeper) (over, again bool) {
	if !w.admitted {
		if err := w.admit(); err != nil {
			w.refuse(err)
			return true, false
		}
	}
	t := time.NewTimer(w.remaining())
	defer t.Stop()
	select {
	case <-f.Done():
	case <-w.leave:
		w.answered = true
		w.clientGone(0)
		return true, false
	case <-t.C:
		w.giveUp(timedOut(nil, "the answer that an equal call waits for did not come in time", false))
		return true, false
	case <-w.base.Done():
		return false, false // it fails as any call does now
	}
	e, shape, failed := f.Result()
	if e == nil {
		return false, failed
	}
	h := &hit{entry: e, body: e.Body, media: e.ContentType}
	if shape != k.key.Shape {
		if h.body, h.media = w.reshape(e, shape); h.body == nil {
			return false, false
		}
	}
	w.resp = k.Responder
	w.answerHit(h)
	return true, false
}

// land gives followers the answer that was kept, nil for none.
func (w *work) land(k *keeper, e *cache.Entry) {
	if f := w.flight.Load(); f != nil {
		f.Land(e, k.key.Shape, !w.wentWell())
	}
}

// wentWell reports whether the answer is a whole one, of a call that is over.
func (w *work) wentWell() bool {
	return w.othersOK || w.rec.Outcome == inference.OK && w.rec.Status == http.StatusOK
}

// carries reports whether the call goes on for its followers, though its own client left; call it
// when that is so.
func (w *work) carries() bool {
	f := w.flight.Load()
	return f != nil && f.Carry(w.clientLeft)
}

// carried reports whether the call's own client left.
func (w *work) carried() bool {
	f := w.flight.Load()
	return f != nil && f.Carried()
}

// statusSeen is the status that a client saw which left: none, when nothing of the answer was there.
func (w *work) statusSeen(status int) int {
	if k, ok := w.resp.(*keeper); ok && k.begun {
		return status
	}
	return 0
}
