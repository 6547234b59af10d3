package cache

import "sync"

// Flight is a question on its way to a provider: one call leads, which asks it, and others that ask
// the same follow, which wait for what the leader is told. Each method says who calls it.
type Flight struct {
	of   *Cache
	sum  Sum
	done chan struct{}

	mu        sync.Mutex
	followers int
	carried   bool   // the leader goes on for its followers, though its own client left
	closed    bool   // nobody joins any more
	landed    bool   // done is closed
	release   func() // called once the leader carries nobody any more
	entry     *Entry
	shape     Shape
	failed    bool
}

// Join makes the caller the leader of a question that nobody asks, or one more follower of whoever
// does. A leader calls Land, a follower Leave, exactly once.
func (c *Cache) Join(sum Sum) (f *Flight, leads bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.flights[sum]; f != nil && f.follow() {
		return f, false
	}
	f = &Flight{of: c, sum: sum, done: make(chan struct{})}
	c.flights[sum] = f
	return f, true
}

func (f *Flight) follow() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return false
	}
	f.followers++
	return true
}

// Done is closed when the flight has landed.
func (f *Flight) Done() <-chan struct{} { return f.done }

// Result is for followers, once Done is closed: the answer and its shape; nil when there is none to
// share. failed says that the leader got none, so that it is worth another flight.
func (f *Flight) Result() (e *Entry, s Shape, failed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.entry, f.shape, f.failed
}

// Leave is for followers who have what they waited for, or wait no longer.
func (f *Flight) Leave() {
	f.mu.Lock()
	f.followers--
	var release func()
	if f.followers == 0 && f.carried && !f.landed {
		f.carried, f.closed, release = false, true, f.release
	}
	f.mu.Unlock()
	if release != nil {
		f.forget()
		release()
	}
}

// Carry is for the leader whose client left, as often as it likes: whether it goes on for its
// followers as if the client were there. When the last of them leaves, release is called, and Carry
// is false from then on.
func (f *Flight) Carry(release func()) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.carried:
		return true
	case f.closed || f.landed:
		return false
	case f.followers > 0:
		f.carried, f.release = true, release
		return true
	default:
		f.closed = true // whoever comes now leads a flight of its own
		return false
	}
}

// Land is for the leader, when its call is over: it gives all followers the answer, nil for none.
// Calls after the first do nothing.
func (f *Flight) Land(e *Entry, s Shape, failed bool) {
	f.forget()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.landed {
		return
	}
	f.entry, f.shape, f.failed, f.closed, f.landed = e, s, failed, true, true
	close(f.done)
}

// forget makes room for the next flight of the question.
func (f *Flight) forget() {
	f.of.mu.Lock()
	defer f.of.mu.Unlock()
	if f.of.flights[f.sum] == f {
		delete(f.of.flights, f.sum)
	}
}

// Carried is for the leader: whether it goes on for its followers alone.
func (f *Flight) Carried() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.carried
}
