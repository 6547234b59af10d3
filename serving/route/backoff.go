package route

import (
	"time"

	"github.com/lakegate/lakegate/serving/endpoint"
)

// Backoff returns how long to wait after the n-th attempt of an entity failed, n from 1: a part of
// Backoff times 2^(n-1), at most of MaxBackoff, that is as random as draw (full jitter).
//
// A provider that said when to come again, asked above zero, is not asked sooner, and up to a
// quarter of that later, so that not all callers come at once. false: it asked for more than
// MaxBackoff.
func Backoff(r endpoint.Retries, n int, asked time.Duration, draw uint32) (time.Duration, bool) {
	if asked > 0 {
		return asked + part(asked/4, draw), asked <= r.MaxBackoff
	}
	most := r.Backoff
	for ; n > 1 && most < r.MaxBackoff; n-- {
		most *= 2
	}
	return part(min(most, r.MaxBackoff), draw), true
}

// part returns the part of d that draw is of all numbers.
func part(d time.Duration, draw uint32) time.Duration {
	return time.Duration(float64(d) * (float64(draw) / (1 << 32)))
}
