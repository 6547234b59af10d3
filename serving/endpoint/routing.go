package endpoint

import "time"

// Retries says how often a served entity is asked again that was busy or at fault. The zero
// Retries never asks again.
type Retries struct {
	Attempts int // of one entity in one call, the first included; 0 is 1
	// Backoff bounds the wait before the second attempt; the bound doubles with each further one, up
	// to MaxBackoff. The wait is a random part of it.
	Backoff time.Duration
	// MaxBackoff is also the longest that a provider may ask to wait for being asked again.
	MaxBackoff time.Duration
}

// The waits between attempts of endpoints that say nothing else.
const (
	DefaultAttempts   = 3
	DefaultBackoff    = 250 * time.Millisecond
	DefaultMaxBackoff = 10 * time.Second
)

// Breaker says when calls are kept from an entity that fails. The zero Breaker never does.
type Breaker struct {
	Enabled bool
	// FailureShare, above 0 and up to 1, of the calls of the last Window opens the circuit, once
	// there were MinCalls.
	FailureShare float64
	MinCalls     int
	Window       time.Duration
	// ConsecutiveFailures open it too, however many calls there were before; 0: they alone don't.
	ConsecutiveFailures int
	OpenFor             time.Duration // then one call at a time shows whether the entity is well
}

// What breakers do that were told nothing else.
const (
	DefaultFailureShare = 0.5
	DefaultMinCalls     = 20
	DefaultWindow       = 30 * time.Second
	DefaultOpenFor      = 15 * time.Second
	// DefaultConsecutiveFailures is more than chance brings: of a provider that fails one call in five
	// all the time, which is below DefaultFailureShare, one such row comes in 12 million calls, but
	// five in a row in 4,000.
	DefaultConsecutiveFailures = 10
)

// WithKey returns the entity with another of its keys, by number; 0 is its own.
func (x *Entity) WithKey(n int) *Entity {
	if n == 0 {
		return x
	}
	other := *x
	other.AuthValue = x.MoreKeys[n-1]
	return &other
}

// What a sticky split goes by.
const (
	StickyRequester = "requester"
	StickyTag       = "usage_context."
	StickyHeader    = "header."
)

// FallsBackTo reports whether a call that failed elsewhere may go on to the i-th entity, where the
// endpoint has fallback.
func (e *Endpoint) FallsBackTo(i int) bool {
	rolledOut := e.Rollout != nil && e.Rollout.Target == i // which gets its part and no more
	return e.Strategy.Allows(i) && (e.Shadow == nil || e.Shadow.To != i) && !rolledOut
}
