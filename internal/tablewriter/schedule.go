package tablewriter

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// schedule decides when the log is landed: some time after the first record of a segment, at once
// when a segment is large or somebody asks, and again after a failure.
type schedule struct {
	interval time.Duration                               // from the first record to the landing
	land     func(ctx context.Context, asked bool) error // lands everything
	failed   func(err error, failures int)               // is told of failures, by turns
	asks     chan ask                                    // calls of now
	first    chan struct{}                               // a record was appended to an empty segment
	full     chan struct{}                               // the active segment is large
	ended    chan struct{}                               // closed when run has ended
	told     atomic.Bool                                 // first was sent for the active segment
}

// ask is a call of now.
type ask struct {
	ctx  context.Context // lives as long as the call
	done chan error
}

func newSchedule(interval time.Duration) *schedule {
	return &schedule{interval: interval, asks: make(chan ask), first: make(chan struct{}, 1), full: make(chan struct{}, 1), ended: make(chan struct{})}
}

// appended says that there is a record to land.
func (s *schedule) appended() {
	if !s.told.Load() && s.told.CompareAndSwap(false, true) {
		wake(s.first)
	}
}

// large says that the active segment is to be landed at once.
func (s *schedule) large() { wake(s.full) }

// sealing says that the next record is the first of its segment.
func (s *schedule) sealing() { s.told.Store(false) }

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// now lands the log and returns how it went; ErrClosed when run has ended.
func (s *schedule) now(ctx context.Context) error {
	a := ask{ctx, make(chan error, 1)}
	select {
	case s.asks <- a:
	case <-s.ended:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-a.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run lands the log when it is time to. It is called once and ends with ctx.
func (s *schedule) run(ctx context.Context) {
	defer close(s.ended)
	timer := time.NewTimer(s.interval)
	defer timer.Stop()
	armed, failures := true, 0
	for {
		var asked *ask
		select {
		case <-ctx.Done():
			return
		case <-s.first:
			if !armed {
				timer.Reset(s.interval)
				armed = true
			}
			continue
		case <-s.full:
			if failures > 0 {
				continue // the timer is set to try again
			}
		case <-timer.C:
			armed = false
		case a := <-s.asks:
			asked = &a
		}
		err := s.once(ctx, asked)
		if err == nil {
			failures = 0
			continue
		}
		failures++
		timer.Reset(backoff(failures, s.interval))
		armed = true
		if ctx.Err() == nil {
			s.failed(err, failures)
		}
	}
}

// once lands the log; for somebody who asked with their context too.
func (s *schedule) once(ctx context.Context, asked *ask) error {
	if asked == nil {
		return s.land(ctx, false)
	}
	both, cancel := context.WithCancel(asked.ctx)
	defer context.AfterFunc(ctx, cancel)()
	defer cancel()
	err := s.land(both, true)
	asked.done <- err
	return err
}

const (
	minBackoff = 500 * time.Millisecond
	maxBackoff = 30 * time.Second
)

// backoff is how long to wait after a number of failures in a row.
func backoff(failures int, bound time.Duration) time.Duration {
	d := min(minBackoff<<min(failures-1, 10), maxBackoff, bound)
	return d - d/10 + rand.N(d/5+1)
}
