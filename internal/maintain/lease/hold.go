package lease

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/lakegate/lakegate/internal/state"
)

// Lease is a lease that was got. Who got it renews it in time, or runs Do.
type Lease struct {
	observer *Observer
	name     string
	ttl      time.Duration

	writing sync.Mutex // held while the document is written

	mu      sync.Mutex // the rest
	rec     record
	version state.Version
	unsure  bool      // the version isn't known: the outcome of a write isn't
	until   time.Time // believed in until then
	lost    bool
}

// Name is the lease's.
func (l *Lease) Name() string { return l.name }

// Held reports whether the lease is held at this moment.
func (l *Lease) Held() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.lost && l.observer.now().Before(l.until)
}

// Renew makes the lease last another ttl. ErrLost when somebody else has it. Another error says that
// it couldn't be told or done: the lease is held as long as it was before, and can be renewed later.
func (l *Lease) Renew(ctx context.Context) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	err := l.settle(ctx)
	if err == nil {
		err = l.write(ctx)
	}
	if err != nil {
		return fmt.Errorf("renew lease %s: %w", l.name, l.failed(err))
	}
	return nil
}

// Release gives the lease back, so that others needn't wait. From the call on it is not held. Giving
// back what is lost is no error.
func (l *Lease) Release(ctx context.Context) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	err := l.settle(ctx)
	l.mu.Lock()
	gone := l.lost
	l.lost = true
	l.mu.Unlock()
	if gone || errors.Is(err, ErrLost) {
		return nil
	}
	if err == nil {
		l.rec.Holder = ""
		err = l.write(ctx)
	}
	if err = l.failed(err); err != nil && !errors.Is(err, ErrLost) {
		return fmt.Errorf("release lease %s: %w", l.name, err)
	}
	return nil
}

// settle finds the version that is there, if the last write left that open.
func (l *Lease) settle(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost {
		return ErrLost
	}
	if !l.unsure {
		return nil
	}
	l.mu.Unlock()
	r, version, err := l.observer.look(ctx, l.name)
	l.mu.Lock()
	switch {
	case err != nil:
		return err
	case r.Token != l.rec.Token:
		return ErrLost
	}
	l.version, l.unsure = version, false
	return nil
}

// write writes the document in place of the version that is known. The time the lease is believed
// in starts before that: the document is there no earlier.
func (l *Lease) write(ctx context.Context) error {
	begun := l.observer.now()
	l.rec.Beat++
	l.rec.TTL, l.rec.Renewed = l.ttl.Milliseconds(), begun.UTC()
	doc, err := json.Marshal(l.rec)
	if err != nil {
		return err
	}
	docs, version := l.observer.docs, l.version
	if version == "" {
		version, err = docs.Create(ctx, Kind, l.name, doc)
	} else {
		version, err = docs.Replace(ctx, Kind, l.name, version, doc)
	}
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.version = version
	l.until = begun.Add(l.ttl - l.ttl/10)
	return nil
}

// failed notes what the error of a write means.
func (l *Lease) failed(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrLost), errors.Is(err, state.ErrChanged), errors.Is(err, state.ErrExists):
		l.lost = true
		return ErrLost
	}
	l.unsure = true
	return err
}

// Do runs f while it renews the lease, and gives it back when f has returned. f's context ends, with
// ErrLost as its cause, when the lease is not held any more. Do returns the error of f, together
// with ErrLost in that case.
func (l *Lease) Do(ctx context.Context, f func(ctx context.Context) error) error {
	inside, cancel := context.WithCancelCause(ctx)
	var both sync.WaitGroup
	both.Go(func() { l.keep(inside) })
	both.Go(func() { l.watch(inside, cancel) })
	err := f(inside)
	cancel(nil)
	both.Wait()
	if errors.Is(context.Cause(inside), ErrLost) {
		return errors.Join(fmt.Errorf("lease %s: %w", l.name, ErrLost), err)
	}
	// Whoever comes next waits for the ttl if this fails; the work is done all the same, and nobody
	// should wait for a store that is away to end.
	giveBack, stop := context.WithTimeout(context.WithoutCancel(ctx), min(l.ttl, 5*time.Second))
	defer stop()
	_ = l.Release(giveBack)
	return err
}

// keep renews the lease three times per ttl, and after failures more often, until ctx ends.
func (l *Lease) keep(ctx context.Context) {
	wait := l.ttl / 3
	for sleep(ctx, wait) {
		try, stop := context.WithTimeout(ctx, l.ttl/3)
		err := l.Renew(try)
		stop()
		if errors.Is(err, ErrLost) {
			return
		}
		if wait = l.ttl / 3; err != nil {
			wait = l.ttl / 20
		}
	}
}

// watch cancels when the lease is not held any more. A renewal that hangs doesn't keep it from that.
func (l *Lease) watch(ctx context.Context, cancel context.CancelCauseFunc) {
	for sleep(ctx, l.left()) {
		if !l.Held() {
			cancel(ErrLost)
			return
		}
	}
}

// sleep reports whether the time went by before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// left is how long the lease is held unless it is renewed.
func (l *Lease) left() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(0, l.until.Sub(l.observer.now()))
}
