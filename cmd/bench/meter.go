package main

import (
	"context"
	"sync"
	"time"

	"github.com/lakegate/lakegate/internal/launch"
	"github.com/lakegate/lakegate/internal/loadgen"
)

// meter watches a target during a phase.
type meter struct {
	t      *target
	l      *lab
	before launch.Use
	began  spent
	quit   chan struct{}
	wg     sync.WaitGroup
	once   sync.Once
	rss    int64 // of the watcher until it has ended
}

func (l *lab) startMeter(t *target) (*meter, error) {
	m := &meter{l: l, t: t, quit: make(chan struct{}), began: l.spent(t)}
	if t.process == nil {
		return m, nil
	}
	var err error
	if m.before, err = t.use(); err != nil {
		return nil, err
	}
	m.wg.Go(m.watch)
	return m, nil
}

// watch keeps the most memory seen until stop.
func (m *meter) watch() {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if u, err := m.t.use(); err == nil {
			m.rss = max(m.rss, u.RSS)
		}
		select {
		case <-m.quit:
			return
		case <-tick.C:
		}
	}
}

func (m *meter) stop() {
	m.once.Do(func() { close(m.quit) })
	m.wg.Wait()
}

// finish ends the phase: what the target still does for the answered requests counts.
func (m *meter) finish(ctx context.Context, r *loadgen.Result) (sample, error) {
	s := sample{PerSecond: r.PerSecond(), Load: r, Disturbed: m.l.spent(m.t).disturbed(m.began)}
	defer m.stop()
	if m.t.process == nil {
		return s, nil
	}
	after, err := m.settle(ctx)
	if err != nil {
		return s, err
	}
	m.stop()
	s.RSS = m.rss
	if r.OK > 0 {
		s.CPUMicros = float64((after.CPU - m.before.CPU).Microseconds()) / float64(r.OK)
	}
	return s, nil
}

// Times to wait for a target that lands rows in its tables after the answers.
const (
	flushWait = 2200 * time.Millisecond // longer than its flush interval
	quietFor  = 200 * time.Millisecond
	settleMax = 6 * time.Second
)

// settle waits until the target rests, and returns what it has consumed by then.
func (m *meter) settle(ctx context.Context) (launch.Use, error) {
	if m.t.sql != nil {
		pause(ctx, flushWait)
	}
	last, err := m.t.use()
	for began := time.Now(); err == nil && ctx.Err() == nil && time.Since(began) < settleMax; {
		pause(ctx, quietFor)
		var now launch.Use
		if now, err = m.t.use(); err == nil && now.CPU-last.CPU <= 10*time.Millisecond {
			return now, nil
		}
		last = now
	}
	return last, err
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
