package gateway

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// Why an upstream call was broken off.
var (
	errFirstToken = errors.New("no answer within the endpoint's first token timeout")
	errAttempt    = errors.New("no answer within the endpoint's attempt timeout")
	errTotal      = errors.New("no complete answer within the endpoint's timeout")
	errIdle       = errors.New("the provider fell silent in the middle of its answer")
	errDrained    = errors.New("the client left, and the rest of the answer took too long")
	errStopping   = errors.New("the gateway is stopping")
	errDone       = errors.New("the call is done")
)

// line is one upstream call's lifetime. It does not depend on the client's: it ends when the
// answer takes too long or falls silent, when the client has been gone for too long, or when the
// gateway stops.
type line struct {
	ctx      context.Context
	cancel   context.CancelCauseFunc
	timer    *time.Timer
	deadline time.Time             // of the call
	attempt  time.Time             // until something is there for the client; zero for no bound
	first    time.Time             // until the answer begins; zero for no bound
	next     atomic.Pointer[error] // why, when the timer fires

	idleFor   time.Duration // what expect has set last
	idleUntil time.Time
}

// open starts the lifetime of an attempt. close ends it, and must be called.
func (w *work) open() *line {
	l := &line{deadline: w.deadline}
	within := w.within
	if within == nil {
		within = w.base
	}
	l.ctx, l.cancel = context.WithCancelCause(within)
	now := time.Now()
	l.attempt, l.first = after(now, w.endpoint.AttemptTimeout), after(now, w.endpoint.FirstTokenTimeout)
	l.timer = time.AfterFunc(l.time(0, nil), func() { l.cancel(*l.next.Load()) })
	w.mu.Lock()
	w.line = l
	w.mu.Unlock()
	return l
}

func (w *work) close(l *line) {
	w.mu.Lock()
	w.line = nil
	w.mu.Unlock()
	l.timer.Stop()
	l.cancel(errDone)
}

// silence returns how long a provider may be silent in the middle of its answer.
func (w *work) silence() time.Duration {
	if d := w.endpoint.IdleTimeout; d > 0 {
		return d
	}
	return w.config.IdleTimeout
}

// expect gives the provider d for its next sign of life. The timer is moved only when a quarter
// of d has passed, not at each of a stream's events; so it may cut a silence that much early.
func (l *line) expect(d time.Duration) {
	now := time.Now()
	if l.idleFor == d && l.idleUntil.Sub(now) > d-d/4 {
		return
	}
	l.idleFor, l.idleUntil = d, now.Add(d)
	l.timer.Reset(l.time(d, &errIdle))
}

// time returns how long until the line is cut: d, or less where another bound is nearer. d of 0
// is no bound of its own.
func (l *line) time(d time.Duration, why *error) time.Duration {
	if left := time.Until(l.deadline); d <= 0 || left < d {
		d, why = left, &errTotal
	}
	if !l.attempt.IsZero() {
		if left := time.Until(l.attempt); left < d {
			d, why = left, &errAttempt
		}
	}
	if !l.first.IsZero() {
		if left := time.Until(l.first); left < d {
			d, why = left, &errFirstToken
		}
	}
	l.next.Store(why)
	return d
}

// began notes that an answer has begun: the first bound is over.
func (l *line) began() { l.first, l.idleFor = time.Time{}, 0 }

// shown notes that the client has something of the answer: the attempt's bounds are over.
func (l *line) shown() { l.first, l.attempt, l.idleFor = time.Time{}, time.Time{}, 0 }

// after returns the time d after t, zero for no d.
func after(t time.Time, d time.Duration) time.Time {
	if d <= 0 {
		return time.Time{}
	}
	return t.Add(d)
}

// clientLeft is called when the client's context ends, also after its answer did. From now on
// the answer is read for its usage only, and not for long.
func (w *work) clientLeft() {
	if w.carries() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gone.Swap(true) || w.over {
		return
	}
	w.drain = time.AfterFunc(w.config.DrainTimeout, w.cutDrain)
}

// isGone reports whether the client left, and nobody else waits for its answer. It asks the context
// too: clientLeft may be about to run.
func (w *work) isGone() bool { return w.gone.Load() || w.left() != nil && !w.carries() }

func (w *work) cutDrain() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.line != nil {
		w.line.cancel(errDrained)
	}
}
