package delta

import (
	"context"
	"sync/atomic"
)

// flight lets callers share a read: whoever waited while a read that began after its own call was
// carried out takes that one's result. Joining a read that began earlier would miss what was
// written in between.
type flight struct {
	token         chan struct{} // held by the reading caller
	started, done *atomic.Int64 // numbers of the newest read begun, and of the newest that succeeded
}

func newFlight() flight {
	return flight{make(chan struct{}, 1), new(atomic.Int64), new(atomic.Int64)}
}

func (f flight) do(ctx context.Context, read func() error) error {
	called := f.started.Load()
	select {
	case f.token <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-f.token }()
	if f.done.Load() > called {
		return nil
	}
	n := f.started.Add(1)
	if err := read(); err != nil {
		return err
	}
	f.done.Store(n)
	return nil
}
