// Package cache keeps answers of models in memory, to be given again to whoever asks exactly the
// same.
//
// What it promises: an entry is returned only for the key it was put in with, and never when it is
// older than the time to live that the caller says. Each endpoint has a store of its own, bounded
// in entries and in bytes, so that no endpoint drives out another's answers; what was used least
// recently goes first. The bytes counted are those of the bodies and keys and an allowance for
// what goes with them. Expired entries are taken out by a timer, also of endpoints that
// nobody calls any more.
//
// What it does not: the cache is this process's. It starts empty, two gateways share nothing, and
// it holds answers in clear text. It decides neither what may be kept nor who may see it: that is
// in the key, which Question.Key makes, and in package gateway.
//
// A Flight lets calls that ask the same at the same time wait for the one that asked first.
//
// Everything is safe for concurrent use. Entries are immutable once they were put in.
package cache

import (
	"container/list"
	"sync"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
)

// Limits bound an endpoint's store. They come with each call, so that a new configuration holds
// at once.
type Limits struct {
	TTL        time.Duration
	MaxEntries int
	MaxBytes   int64
}

// MaxEntry is how large a body may be to be kept: a quarter of the store.
func (l Limits) MaxEntry() int64 { return l.MaxBytes / 4 }

// Shape is how an answer was given.
type Shape uint8

// The shapes. Streams of OpenAI's formats have usage only for clients that asked for it.
const (
	Whole Shape = iota
	Stream
	StreamWithUsage
)

// Key names an entry.
type Key struct {
	Sum   Sum
	Shape Shape
}

// Entry is an answer as a client got it, and what it took.
type Entry struct {
	Body        []byte
	ContentType string
	Dropped     []string         // fields its provider could not be told
	Target      inference.Target // who answered
	Usage       inference.Usage
	Cost        *inference.Cost // nil when no price is known
	At          time.Time       // set by Put
}

// perEntry is the allowance for an entry without its body, as BenchmarkMemory measures it.
const perEntry = 1024

func (e *Entry) size() int64 { return int64(cap(e.Body)) + perEntry }

// Stats are counts over all stores, since the start but for Entries and Bytes.
type Stats struct {
	Entries, Bytes   int64
	Evicted, Expired int64
}

// Cache is the stores of all endpoints.
type Cache struct {
	now func() time.Time

	mu      sync.Mutex
	stores  map[string]*store // by endpoint
	flights map[Sum]*Flight   // under way, to be joined
}

// New returns an empty cache that reads the time from now; nil means time.Now.
func New(now func() time.Time) *Cache {
	if now == nil {
		now = time.Now
	}
	return &Cache{now: now, stores: map[string]*store{}, flights: map[Sum]*Flight{}}
}

// Get returns an endpoint's entry and its age.
func (c *Cache) Get(endpoint string, k Key, l Limits) (*Entry, time.Duration, bool) {
	c.mu.Lock()
	s := c.stores[endpoint]
	c.mu.Unlock()
	if s == nil {
		return nil, 0, false
	}
	return s.get(k, l, c.now())
}

// Put keeps an entry, which must not change any more, in place of one with the same key. One that
// is too large is not kept.
func (c *Cache) Put(endpoint string, k Key, e *Entry, l Limits) {
	if int64(len(e.Body)) > l.MaxEntry() || e.size() > l.MaxBytes || l.MaxEntries < 1 || l.TTL <= 0 {
		return
	}
	c.mu.Lock()
	s := c.stores[endpoint]
	if s == nil {
		s = &store{entries: map[Key]*list.Element{}}
		c.stores[endpoint] = s
	}
	c.mu.Unlock()
	e.At = c.now()
	s.put(k, e, l, c.now)
}

// Stats returns what there is and what went.
func (c *Cache) Stats() Stats {
	c.mu.Lock()
	stores := make([]*store, 0, len(c.stores))
	for _, s := range c.stores {
		stores = append(stores, s)
	}
	c.mu.Unlock()
	var sum Stats
	for _, s := range stores {
		s.mu.Lock()
		sum.Entries += int64(len(s.entries))
		sum.Bytes += s.bytes
		sum.Evicted += s.evicted
		sum.Expired += s.expired
		s.mu.Unlock()
	}
	return sum
}
