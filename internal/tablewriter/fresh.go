package tablewriter

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/lakegate/lakegate/internal/delta"
)

const (
	// refreshInterval is how long the commits of other gateways may stay unseen.
	refreshInterval = time.Second
	// patience is how long a snapshot waits for the store to say what is new. Past that it takes the
	// version that is known.
	patience = time.Second
	// lookTimeout ends a look that hangs, so that the next can find the store well again.
	lookTimeout = 30 * time.Second
)

// freshness is how new a table's known version is, and the look at the store that is under way.
type freshness struct {
	mu      sync.Mutex
	seen    time.Time // nothing that was committed before is missing
	tried   time.Time // when the newest look that has ended began
	failed  bool      // it failed
	running *look
}

// look is one look at the store. It runs in a goroutine of its own, whoever waits for it.
type look struct {
	began time.Time
	done  chan struct{}
}

// wait returns when the look has ended; false when it takes too long since it began.
func (k *look) wait(ctx context.Context, most time.Duration) bool {
	ctx, cancel := context.WithDeadline(ctx, k.began.Add(most))
	defer cancel()
	select {
	case <-k.done:
		return true
	default:
	}
	select {
	case <-k.done:
		return true
	case <-ctx.Done():
		return false
	}
}

// catchUp makes the tables' known versions those of a moment ago, or newer. Tables are asked for side
// by side, and a store that does not answer is waited for once, not by every snapshot: then the
// versions that are known stay. It does not hold the view while the store is asked.
func (l *lake) catchUp(ctx context.Context, tables []*table, want time.Time) {
	for _, t := range tables {
		l.lookAt(t, want)
	}
	for _, t := range tables {
		for k := l.lookAt(t, want); k != nil && k.wait(ctx, l.patience) && k.began.Before(want); {
			k = l.lookAt(t, want) // that look may have missed what this one must see
		}
	}
}

// lookAt returns the look that is under way, starting one if the last began before want; nil when
// none is needed.
func (l *lake) lookAt(t *table, want time.Time) *look {
	f := &t.fresh
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running != nil {
		return f.running
	}
	if !f.seen.Before(want) || !f.tried.Before(want) {
		return nil
	}
	k := &look{began: time.Now(), done: make(chan struct{})}
	if !l.goOn(func(ctx context.Context) { l.refreshTable(ctx, t, k) }) {
		return nil
	}
	f.running = k
	return k
}

// refreshTable carries a look out.
func (l *lake) refreshTable(ctx context.Context, t *table, k *look) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	err := l.refreshNow(ctx, t)
	if err != nil && !errors.Is(err, context.Canceled) {
		l.logger.Warn("table cannot be refreshed; its last known version is used", "table", t.name.String(), "error", err)
	}
	f := &t.fresh
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tried, f.failed, f.running = k.began, err != nil, nil
	if err == nil && f.seen.Before(k.began) {
		f.seen = k.began
	}
	close(k.done)
}

// refreshNow installs the newest version of a table. One that is not in the store is as new as can be.
func (l *lake) refreshNow(ctx context.Context, t *table) error {
	d := t.reader.Load()
	if d == nil {
		opened, err := delta.Open(ctx, l.store, t.name.Path())
		if errors.Is(err, delta.ErrNotTable) {
			return nil
		}
		if err != nil {
			return err
		}
		d = opened
	} else if _, err := d.Refresh(ctx); err != nil {
		return err
	}
	if err := l.view.enter(ctx); err != nil {
		return err
	}
	before := t.installed
	l.install(t, d, d.Snapshot())
	after := t.installed
	l.view.leave()
	l.prefetch(t, before, after)
	return nil
}

// committed notes that a version was made by this process: it is the newest there is.
func (f *freshness) committed(at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen.Before(at) {
		f.seen, f.failed = at, false
	}
}

// everSeen reports whether the store has told once what is committed, if only that nothing is.
func (f *freshness) everSeen() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.seen.IsZero()
}

// stale returns since when a table's newest version is not known; false when the store answered when
// it was asked last.
func (f *freshness) stale() (since time.Time, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	hangs := f.running != nil && time.Since(f.running.began) > patience
	return f.seen, f.failed || hangs
}

// stale returns how many tables' newest versions are not known, and since when the first is not.
func (l *lake) stale() (tables int64, since time.Time) {
	for _, t := range l.all() {
		seen, ok := t.fresh.stale()
		if !ok {
			continue
		}
		if tables++; since.IsZero() || seen.Before(since) {
			since = seen
		}
	}
	return tables, since
}
