package chaos

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"path"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
)

var (
	errRefused = errors.New("connection refused")
	errDead    = errors.New("the process that asked is gone")
)

// network is between gateways and the store.
type network struct {
	seed  uint64
	store *memstore.Store
	step  *int
	rate  int // of 100 calls, how many fail; 100 is a store that is down

	mu    sync.Mutex
	asked map[string]int // calls of a kind in this step
	at    int
	late  []lateWrite
	// before, when set, is called once in front of the next commit: somebody else is faster.
	before func(key string)
}

// lateWrite is a write whose sender was told that its outcome is unknown, and that arrives later.
type lateWrite struct {
	key  string
	data []byte
}

// client is the store as one process sees it.
type client struct {
	n      *network
	dead   atomic.Bool
	asleep atomic.Bool // it is not this process's turn: what it does by a clock of its own is refused
}

// turn lets the process ask the store until done is called.
func (c *client) turn() (done func()) {
	c.asleep.Store(false)
	return func() { c.asleep.Store(true) }
}

func (c *client) allowed() error {
	switch {
	case c.dead.Load():
		return errDead
	case c.asleep.Load():
		return errRefused
	}
	return nil
}

func (n *network) client() *client { return &client{n: n} }

// calm makes everything work, and delivers what is late.
func (n *network) calm() {
	n.mu.Lock()
	n.rate, n.before = 0, nil
	n.mu.Unlock()
	n.deliver()
}

// deliver applies the writes that are late.
func (n *network) deliver() {
	n.mu.Lock()
	late := n.late
	n.late = nil
	n.mu.Unlock()
	for _, l := range late {
		_, _ = n.store.Create(context.Background(), l.key, l.data) // somebody may have been there first
	}
}

// fate is a number from 0 that decides what happens to a call. It is the same for a seed whatever
// order the calls of one step come in.
func (n *network) fate(op, key string) (bad bool, which uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.rate == 0 {
		return false, 0
	}
	if n.at != *n.step {
		n.at, n.asked = *n.step, map[string]int{}
	}
	if !strings.Contains(key, "_delta_log/") {
		key = path.Dir(key) // the names of data files are random
	}
	kind := op + " " + key
	n.asked[kind]++
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %d %s %d", n.seed, *n.step, kind, n.asked[kind])
	v := h.Sum64()
	v ^= v >> 33
	v *= 0xff51afd7ed558ccd
	v ^= v >> 33
	return v%100 < uint64(n.rate), v / 100
}

// read does a call that changes nothing.
func (c *client) read(ctx context.Context, op, key string) error {
	if err := c.allowed(); err != nil {
		return err
	}
	if bad, _ := c.n.fate(op, key); bad {
		return errRefused
	}
	return ctx.Err()
}

// write does a call that changes something: it may be refused, or happen or not without the caller
// being told, or happen later.
func (c *client) write(ctx context.Context, op, key string, data []byte, do func() (objstore.Info, error)) (objstore.Info, error) {
	if err := c.allowed(); err != nil {
		return objstore.Info{}, err
	}
	if err := ctx.Err(); err != nil {
		return objstore.Info{}, err
	}
	commit := op == "create" && strings.Contains(key, "/_delta_log/")
	if commit {
		c.n.mu.Lock()
		before := c.n.before
		c.n.before = nil
		c.n.mu.Unlock()
		if before != nil {
			before(key)
		}
	}
	bad, which := c.n.fate(op, key)
	if !bad {
		return do()
	}
	switch which % 4 {
	case 0:
		if _, err := do(); err != nil {
			return objstore.Info{}, err
		}
		return objstore.Info{}, fmt.Errorf("%w: the answer was lost", objstore.ErrUnknown)
	case 1:
		return objstore.Info{}, fmt.Errorf("%w: the call was lost", objstore.ErrUnknown)
	case 2:
		if commit {
			c.n.mu.Lock()
			c.n.late = append(c.n.late, lateWrite{key, data})
			c.n.mu.Unlock()
		}
		return objstore.Info{}, fmt.Errorf("%w: the call is late", objstore.ErrUnknown)
	}
	return objstore.Info{}, errRefused
}

func (c *client) Get(ctx context.Context, key string) ([]byte, objstore.Info, error) {
	if err := c.read(ctx, "get", key); err != nil {
		return nil, objstore.Info{}, err
	}
	return c.n.store.Get(ctx, key)
}

func (c *client) GetRange(ctx context.Context, key string, offset, length int64) ([]byte, objstore.Info, error) {
	if err := c.read(ctx, "get", key); err != nil {
		return nil, objstore.Info{}, err
	}
	return c.n.store.GetRange(ctx, key, offset, length)
}

func (c *client) Stat(ctx context.Context, key string) (objstore.Info, error) {
	if err := c.read(ctx, "stat", key); err != nil {
		return objstore.Info{}, err
	}
	return c.n.store.Stat(ctx, key)
}

func (c *client) Put(ctx context.Context, key string, data []byte) (objstore.Info, error) {
	return c.write(ctx, "put", key, data, func() (objstore.Info, error) { return c.n.store.Put(ctx, key, data) })
}

func (c *client) Create(ctx context.Context, key string, data []byte) (objstore.Info, error) {
	return c.write(ctx, "create", key, data, func() (objstore.Info, error) { return c.n.store.Create(ctx, key, data) })
}

func (c *client) Replace(ctx context.Context, key, etag string, data []byte) (objstore.Info, error) {
	return c.write(ctx, "replace", key, data, func() (objstore.Info, error) { return c.n.store.Replace(ctx, key, etag, data) })
}

func (c *client) Delete(ctx context.Context, key string) error {
	_, err := c.write(ctx, "delete", key, nil, func() (objstore.Info, error) { return objstore.Info{}, c.n.store.Delete(ctx, key) })
	return err
}

func (c *client) List(ctx context.Context, prefix, startAfter string) iter.Seq2[objstore.Info, error] {
	if err := c.read(ctx, "list", prefix); err != nil {
		return func(yield func(objstore.Info, error) bool) { yield(objstore.Info{}, err) }
	}
	return c.n.store.List(ctx, prefix, startAfter)
}
