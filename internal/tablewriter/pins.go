package tablewriter

import (
	"sync"

	"github.com/lakegate/lakegate/internal/wal"
)

// pins knows which log segments requests still need: those with the admit record of a request that
// is not finished, and those with an admit record that an outcome refers to which is not landed.
//
// Open requests stand in a ring in the order of the segments they pin, so the first one's is the
// oldest that is needed.
type pins struct {
	mu     sync.Mutex
	ring   pin               // ring.next is the first
	count  int               // open requests
	active uint64            // nothing is appended to a segment before this one any more
	refers map[uint64]uint64 // segment with admit records -> newest segment with an outcome that refers to one
}

// pin is one admitted request.
type pin struct {
	prev, next *pin   // nil when the request is not in the ring; pins.mu
	segment    uint64 // the one it pins, or one before it; pins.mu

	mu       sync.Mutex
	pos      wal.Pos // of the admit record, zero until it is written
	body     []byte  // the request's body in it, nil for none
	finished bool
}

func newPins(active uint64) *pins {
	p := &pins{active: active, refers: map[uint64]uint64{}}
	p.ring.prev, p.ring.next = &p.ring, &p.ring
	return p
}

// open pins the active segment for a request that is about to be logged. Pinning comes first: a
// segment must not go between the append and the pin.
func (p *pins) open() *pin {
	n := &pin{}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count++
	p.insert(n, p.active)
	return n
}

// insert puts n at the end of the ring. p.mu is held.
func (p *pins) insert(n *pin, segment uint64) {
	n.segment = segment
	n.prev, n.next = p.ring.prev, &p.ring
	n.prev.next, n.next.prev = n, n
}

// remove takes n out of the ring and reports whether it was in. p.mu is held.
func (p *pins) remove(n *pin) bool {
	if n.next == nil {
		return false
	}
	n.prev.next, n.next.prev = n.next, n.prev
	n.prev, n.next = nil, nil
	return true
}

// close ends a request whose outcome was logged at outcome and refers to the admit record at admit,
// the zero Pos for none.
func (p *pins) close(n *pin, admit, outcome wal.Pos) {
	if n == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refer(admit, outcome)
	if p.remove(n) {
		p.count--
	}
}

// refer notes that the outcome needs the admit record. p.mu is held, or p is not shared yet.
func (p *pins) refer(admit, outcome wal.Pos) {
	if admit.Segment != 0 {
		p.refers[admit.Segment] = max(p.refers[admit.Segment], outcome.Segment)
	}
}

// rotated says that the log has a new active segment.
func (p *pins) rotated(active uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.active = active
}

// move pins another segment for an open request, which must be the active one.
func (p *pins) move(n *pin, segment uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.remove(n) {
		p.insert(n, segment)
	}
}

// free reports whether nobody needs the segment, when everything through a segment is landed.
func (p *pins) free(segment, through uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	first := p.ring.next
	return p.refers[segment] <= through && (first == &p.ring || first.segment > segment)
}

// dropped forgets a segment.
func (p *pins) dropped(segment uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.refers, segment)
}

// through returns the requests that pin a segment up to and including the given one.
func (p *pins) through(segment uint64) (list []*pin) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n := p.ring.next; n != &p.ring && n.segment <= segment; n = n.next {
		list = append(list, n)
	}
	return list
}

// len is the number of open requests.
func (p *pins) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}

// admitted says where the request was logged, and with which body.
func (n *pin) admitted(pos wal.Pos, body []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pos, n.body = pos, body
}

// finish says that the outcome is about to be logged, and returns where the admit record is. From
// here on it stays there.
func (n *pin) finish() (admit wal.Pos, body []byte, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.finished {
		return wal.Pos{}, nil, ErrTicketUsed
	}
	n.finished = true
	return n.pos, n.body, nil
}

// relocate lets copy write the admit record anew, unless the request is finished. No outcome can be
// logged meanwhile, so that in the log an outcome never stands before an admit record of its
// request. It returns the new place, the zero Pos when nothing was copied.
func (n *pin) relocate(copy func(wal.Pos) (wal.Pos, error)) (wal.Pos, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.finished || n.pos.Segment == 0 {
		return wal.Pos{}, nil
	}
	pos, err := copy(n.pos)
	if err != nil {
		return wal.Pos{}, err
	}
	n.pos = pos
	return pos, nil
}
