package health

import (
	"sync"
	"time"

	"github.com/lakegate/lakegate/serving/endpoint"
)

// State is what a circuit lets through.
type State int

// The states.
const (
	Closed   State = iota // every call
	HalfOpen              // one call at a time, to see whether it goes well
	Open                  // no call, until it is time to see
)

// String returns the state as metrics and logs have it.
func (s State) String() string { return [...]string{"closed", "half_open", "open"}[s] }

// Result is what an attempt says of its entity.
type Result int

// The results.
const (
	Neither Result = iota // nothing: the client left, the gateway's key was refused
	Success               // it answered, be it that the caller was wrong
	Failure               // it was busy, broken or too slow
)

// Circuit keeps calls from an entity that fails too often, or too often in a row. The zero Circuit is closed.
type Circuit struct {
	mu      sync.Mutex
	state   State
	turn    int       // counts changes: an attempt says nothing of a state it did not begin in
	until   time.Time // when an open circuit is tried
	probing bool      // half open, and a call is through
	cells   [cells]cell
	row     int      // failures since the last success that count as one after another
	rows    int      // how many such rows there were
	changes [3]int64 // how often each state was entered
	opened  [3]int64 // and why it opened, by Trigger
}

// Trigger is why a circuit opened.
type Trigger int

// The triggers.
const (
	ByShare Trigger = iota // too many attempts of the window failed
	ByRow                  // too many failed one after another
	ByProbe                // the call failed that was to show whether it may close
)

// String returns the trigger as metrics and logs have it.
func (t Trigger) String() string {
	return [...]string{"failure_share", "consecutive_failures", "probe"}[t]
}

// The window is counted in cells, the oldest of which makes place for a new one.
const cells = 10

type cell struct {
	at            int64 // since the epoch, in parts of the window
	calls, failed int
}

// Pass lets one attempt through a circuit.
type Pass struct {
	turn, row int
	Probe     bool // it shows whether the circuit may close
}

// Change is a change of state that was just made; the zero Change is none.
type Change struct {
	From, To State
	// Why it opened, and where it was closed before, the attempts and failures of the window.
	By            Trigger
	Calls, Failed int
}

// Enter asks to make an attempt now. Each Pass is to be given back by Leave, once. false: the entity
// is better left alone.
func (c *Circuit) Enter(b *endpoint.Breaker, now time.Time) (Pass, Change, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.state == Closed:
		return Pass{turn: c.turn, row: c.rows}, Change{}, true
	case c.state == Open && now.Before(c.until), c.state == HalfOpen && c.probing:
		return Pass{}, Change{}, false
	}
	var change Change
	if c.state == Open {
		change = c.become(HalfOpen, b, now)
	}
	c.probing = true
	return Pass{turn: c.turn, Probe: true}, change, true
}

// Force makes an attempt whatever the state, because all others are no better.
func (c *Circuit) Force() Pass {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Pass{turn: c.turn, row: c.rows}
}

// Leave gives back a Pass with what became of the attempt.
func (c *Circuit) Leave(p Pass, r Result, b *endpoint.Breaker, now time.Time) Change {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.turn != c.turn {
		return Change{}
	}
	if p.Probe {
		c.probing = false
	}
	switch {
	case r == Neither:
	case c.state == Closed:
		return c.count(p, r, b, now)
	case r == Success:
		return c.become(Closed, b, now)
	case c.state == HalfOpen:
		return c.open(ByProbe, b, now)
	}
	return Change{}
}

// count notes a result of a closed circuit, and opens it when there were too many failures.
func (c *Circuit) count(p Pass, r Result, b *endpoint.Breaker, now time.Time) Change {
	at := now.UnixNano() / max(1, int64(b.Window/cells))
	this := &c.cells[at%cells]
	if this.at != at {
		*this = cell{at: at}
	}
	this.calls++
	if r == Success {
		c.row = 0
		return Change{}
	}
	this.failed++
	c.inRow(p)
	calls, failed := 0, 0
	for _, x := range c.cells {
		if x.at > at-cells {
			calls, failed = calls+x.calls, failed+x.failed
		}
	}
	by := ByShare
	switch {
	case b.ConsecutiveFailures > 0 && c.row >= b.ConsecutiveFailures:
		by = ByRow
	case calls < b.MinCalls || float64(failed) < b.FailureShare*float64(calls):
		return Change{}
	}
	change := c.open(by, b, now)
	change.Calls, change.Failed = calls, failed
	return change
}

// inRow counts a failure among those one after another. The first one begins a row; of the others
// those count that began after that: what was under way then may all have failed of the same thing,
// such as a connection that many calls share, of which the provider may know nothing.
func (c *Circuit) inRow(p Pass) {
	switch {
	case c.row == 0:
		c.row, c.rows = 1, c.rows+1
	case p.row == c.rows:
		c.row++
	}
}

func (c *Circuit) open(by Trigger, b *endpoint.Breaker, now time.Time) Change {
	change := c.become(Open, b, now)
	change.By = by
	c.opened[by]++
	return change
}

// become changes the state.
func (c *Circuit) become(s State, b *endpoint.Breaker, now time.Time) Change {
	change := Change{From: c.state, To: s}
	c.state, c.probing, c.cells, c.row = s, false, [cells]cell{}, 0
	c.turn++
	c.changes[s]++
	c.until = time.Time{}
	if s == Open {
		c.until = now.Add(b.OpenFor)
	}
	return change
}

// Until returns when an open circuit is tried again, zero for others.
func (c *Circuit) Until() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.until
}

// Rests reports whether Enter would refuse an attempt now.
func (c *Circuit) Rests(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state == Open && now.Before(c.until) || c.state == HalfOpen && c.probing
}

// Status returns the state and how often each was entered, by state.
func (c *Circuit) Status() (State, [3]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state, c.changes
}

// Opened returns how often it was opened, by Trigger.
func (c *Circuit) Opened() [3]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.opened
}
