package cache

import (
	"container/list"
	"sync"
	"time"
)

// store holds one endpoint's entries.
type store struct {
	mu      sync.Mutex
	entries map[Key]*list.Element
	recent  list.List // of *kept, the one used last in front
	bytes   int64
	ttl     time.Duration // as the last Put had it
	timer   *time.Timer   // runs while there are entries

	evicted, expired int64
}

type kept struct {
	key   Key
	entry *Entry
}

func (s *store) get(k Key, l Limits, now time.Time) (*Entry, time.Duration, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	el, ok := s.entries[k]
	if !ok {
		return nil, 0, false
	}
	e := el.Value.(*kept).entry
	age := max(now.Sub(e.At), 0)
	if age >= l.TTL {
		s.remove(el)
		s.expired++
		return nil, 0, false
	}
	s.recent.MoveToFront(el)
	return e, age, true
}

func (s *store) put(k Key, e *Entry, l Limits, now func() time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if el, ok := s.entries[k]; ok {
		s.remove(el)
	}
	for len(s.entries) >= l.MaxEntries || len(s.entries) > 0 && s.bytes+e.size() > l.MaxBytes {
		s.remove(s.recent.Back())
		s.evicted++
	}
	s.entries[k] = s.recent.PushFront(&kept{k, e})
	s.bytes += e.size()
	s.ttl = l.TTL
	if s.timer == nil {
		s.timer = time.AfterFunc(l.TTL, func() { s.sweep(now()) })
	}
}

// sweep takes out what has expired, and comes again while anything is left. It is late by one
// time to live at most.
func (s *store) sweep(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for el := s.recent.Back(); el != nil; {
		before := el.Prev()
		if now.Sub(el.Value.(*kept).entry.At) >= s.ttl {
			s.remove(el)
			s.expired++
		}
		el = before
	}
	switch {
	case s.timer == nil: // a test's own call
	case len(s.entries) > 0:
		s.timer.Reset(s.ttl)
	default:
		s.timer = nil
	}
}

// remove takes an entry out. The mutex is held.
func (s *store) remove(el *list.Element) {
	k := el.Value.(*kept)
	s.recent.Remove(el)
	delete(s.entries, k.key)
	s.bytes -= k.entry.size()
}
