package tablewriter

import (
	"context"
	"time"
)

// slice is how long the landing works at a stretch while requests are running.
const slice = 5 * time.Millisecond

// pacer makes the landing leave time to others. It belongs to the landing goroutine.
type pacer struct {
	rest  func(worked time.Duration) time.Duration // how long to rest after working so long
	since time.Time                                // when the stretch began
	steps int
}

// step is called after each small piece of work, and rests when it is time to. It returns the
// context's error.
func (p *pacer) step(ctx context.Context) error {
	if p.steps++; p.steps%32 != 0 {
		return ctx.Err()
	}
	now := time.Now()
	worked := now.Sub(p.since)
	switch {
	case p.since.IsZero() || worked > time.Second: // the first step, or it did something else meanwhile
		p.since = now
		return ctx.Err()
	case worked < slice:
		return ctx.Err()
	}
	if d := p.rest(worked); d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	p.since = time.Now()
	return ctx.Err()
}

// maxRest bounds one rest, so that a slow encoding is not paid back in one piece.
const maxRest = 100 * time.Millisecond

// rest is how long the landing pauses after working for a while: as long as it worked, so that it
// takes half of a processor, and less the nearer the backlog is to half of its bound. It does not
// pause when no request is running, or when somebody waits for it.
func (w *Writer) rest(worked time.Duration) time.Duration {
	if w.asked || w.pins.len() == 0 {
		return 0
	}
	half := float64(w.cfg.MaxBacklogBytes) / 2
	free := 1 - float64(w.stats.backlog.Load())/half
	return min(maxRest, time.Duration(float64(worked)*max(0, free)))
}
