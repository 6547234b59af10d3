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
