package health

import (
	"sync"
	"time"
)

// Keys says which of an entity's keys to use: one goes on until it is told to rest, then the next.
// The zero Keys begins with the first.
type Keys struct {
	mu      sync.Mutex
	current int
	resting []time.Time // until when, by key
}

// Pick returns the number of a key of n, from 0, that is not among used, a set of bits: the current
// one or the next that does not rest; if all do, the one that has rested first. n is at most 64, and
// not all of them are used.
func (k *Keys) Pick(n int, used uint64, now time.Time) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.grow(n)
	best := -1
	for i := range n {
		key := (k.current + i) % n
		if used>>key&1 == 1 {
			continue
		}
		if !now.Before(k.resting[key]) {
			return key
		}
		if best < 0 || k.resting[key].Before(k.resting[best]) {
			best = key
		}
	}
	return max(best, 0)
}

// Rest says that a key of n is of no use until then.
func (k *Keys) Rest(key, n int, until time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.grow(n)
	k.resting[key] = until
	if k.current == key {
		k.current = (key + 1) % n
	}
}

func (k *Keys) grow(n int) {
	for len(k.resting) < n {
		k.resting = append(k.resting, time.Time{})
	}
}
