package console

import (
	"context"
	"sync"
	"time"
)

// flights lets callers who ask the same at the same time share one query. The query is cancelled
// when the last of them has left, or after the timeout.
type flights struct {
	timeout time.Duration
	mu      sync.Mutex
	running map[string]*flight
}

type flight struct {
	done    chan struct{}
	waiting int
	cancel  context.CancelFunc
	result  *Result
	err     error
}

func newFlights(timeout time.Duration) *flights {
	return &flights{timeout: timeout, running: map[string]*flight{}}
}

// do returns what run returns, running it only if it isn't running for this key already. It starts a
// goroutine that ends when run does.
func (fs *flights) do(ctx context.Context, key string, run func(context.Context) (*Result, error)) (*Result, error) {
	fs.mu.Lock()
	f, ok := fs.running[key]
	if !ok {
		f = fs.start(ctx, key, run)
	}
	f.waiting++
	fs.mu.Unlock()
	select {
	case <-f.done:
		return f.result, f.err
	case <-ctx.Done():
		fs.leave(key, f)
		return nil, ctx.Err()
	}
}

// start runs the query apart from the request that asked first. The caller holds the lock.
func (fs *flights) start(ctx context.Context, key string, run func(context.Context) (*Result, error)) *flight {
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), fs.timeout)
	f := &flight{done: make(chan struct{}), cancel: cancel}
	fs.running[key] = f
	go func() {
		defer cancel()
		f.result, f.err = run(own)
		fs.mu.Lock()
		fs.forget(key, f)
		fs.mu.Unlock()
		close(f.done)
	}()
	return f
}

func (fs *flights) leave(key string, f *flight) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f.waiting--; f.waiting == 0 {
		fs.forget(key, f) // the next caller must not get a cancelled query
		f.cancel()
	}
}

func (fs *flights) forget(key string, f *flight) {
	if fs.running[key] == f {
		delete(fs.running, key)
	}
}
