// Package health knows how served entities have been doing: which of them fail so often that they
// are better left alone for a while, which of their keys are of use, how busy and how fast they are.
//
// An Entities holds one Entity for each id it was asked about, for as long as it lives, so that a
// reloaded configuration goes on with what is known. It takes the time from its callers. All
// methods are safe for concurrent use, and none waits or starts anything.
package health

import (
	"sync"
	"sync/atomic"
)

// Entities are the states of all entities, by id. The zero Entities knows nothing yet.
type Entities struct {
	mu sync.RWMutex
	of map[string]*Entity
}

// Entity is how one entity has been doing.
type Entity struct {
	Circuit Circuit
	Keys    Keys

	InFlight   atomic.Int64 // attempts under way
	Failed     Lately       // attempts that failed
	FirstToken Latency      // of streams, until their first token; failures count as slow
	Whole      Latency      // of whole answers
	Output     Average      // tokens of an answer
}

// Of returns the entity of that id, which is the same every time.
func (h *Entities) Of(id string) *Entity {
	h.mu.RLock()
	e := h.of[id]
	h.mu.RUnlock()
	if e != nil {
		return e
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if e = h.of[id]; e == nil {
		if h.of == nil {
			h.of = map[string]*Entity{}
		}
		e = &Entity{}
		h.of[id] = e
	}
	return e
}
