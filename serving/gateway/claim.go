package gateway

import (
	"slices"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
)

// claim says that w has something for the client, and reports whether that goes to it: always, but
// for a racer that another one was faster than. It may be asked again.
func (w *work) claim() bool {
	if w.racer == nil {
		return true
	}
	return w.racer.claim()
}

func (x *racer) claim() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.winner != nil {
		return x.winner == x
	}
	x.winner = x
	call := x.race.work.visible
	to, from := &call.rec.Target, &x.own.rec.Target
	to.ServedEntity, to.ServedEntityID, to.Provider, to.Model, to.UpstreamAPI = from.ServedEntity, from.ServedEntityID, from.Provider, from.Model, from.UpstreamAPI
	call.rec.TimeToFirstToken = x.own.rec.TimeToFirstToken
	for _, other := range x.racers {
		other.noteIn(call)
		if other == x {
			x.place = len(call.rec.Attempts)
			continue
		}
		if !other.ended && !other.since.IsZero() {
			a := other.attempt()
			a.Error, a.Source = inference.Outrun, inference.UsageEstimated
			call.rec.Attempts = append(call.rec.Attempts, a)
		}
		other.cancel(errOutrun)
	}
	call.mu.Lock()
	call.line = x.own.line
	call.mu.Unlock()
	x.work.visible = call
	close(x.won)
	return true
}

// noteIn puts the attempts of a racer that came to nothing among the call's.
func (x *racer) noteIn(call *visible) {
	call.rec.Attempts = append(call.rec.Attempts, x.own.rec.Attempts...)
	if x.own.extra == nil {
		return
	}
	if call.extra == nil {
		call.extra = &inference.Cost{PriceVersion: x.own.extra.PriceVersion}
	}
	call.extra.NanoUSD += x.own.extra.NanoUSD
}

// attempt is the one under way.
func (x *racer) attempt() inference.Attempt {
	return inference.Attempt{
		Action: x.action, ServedEntity: x.entity.Name, Provider: x.entity.Provider, Model: x.entity.Model,
		Status: x.status, Why: x.why, Latency: time.Since(x.since),
	}
}

// trying notes that a racer makes an attempt.
func (w *work) trying(start time.Time) {
	if x := w.racer; x != nil {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.since, x.why, x.status = start, w.why, 0
	}
}

// answers notes that a racer's attempt has an answer that begins.
func (w *work) answers(status int) {
	if x := w.racer; x != nil {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.status = status
	}
}

// note adds an attempt to those that w makes visible, and what it took to what they took: who wins meanwhile
// takes over both or neither.
func (x *racer) note(w *work, a inference.Attempt, used *inference.Usage) {
	x.mu.Lock()
	defer x.mu.Unlock()
	a.Action = x.action
	w.consumed(&a, used)
	if x.winner != x {
		w.rec.Attempts = append(w.rec.Attempts, a)
		x.since = time.Time{}
		return
	}
	w.rec.Attempts = slices.Insert(w.rec.Attempts, x.place, a)
	w.winner = x.place + 1
	w.overlap += x.overlapping(w)
}

// overlapping is by how much the times of the race's attempts are longer together than the race.
func (r *race) overlapping(w *work) time.Duration {
	var sum time.Duration
	for _, a := range w.rec.Attempts[r.from:] {
		sum += a.Latency
	}
	return max(0, sum-time.Since(r.start))
}

// allFailed puts what the racers did into the call's record, when none of them has won.
func (r *race) allFailed(last *failure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.work
	for _, x := range r.racers {
		x.noteIn(w.visible)
		if x.failed == last {
			to, from := &w.rec.Target, &x.own.rec.Target
			to.ServedEntity, to.ServedEntityID, to.Provider, to.Model, to.UpstreamAPI = from.ServedEntity, from.ServedEntityID, from.Provider, from.Model, from.UpstreamAPI
		}
	}
	w.overlap += r.overlapping(w)
}

// outrun is what became of a racer that another one was faster than.
func outrun() *failure {
	return &failure{
		err:     apierr.New(apierr.Internal, "%s", inference.Outrun).Because(errOutrun),
		outcome: inference.InternalFailure, reason: inference.Outrun, lost: true,
	}
}
