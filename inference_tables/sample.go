package inferencetables

import (
	"encoding/binary"

	"github.com/lakegate/lakegate/internal/inference"
)

// Sampled says whether a request belongs to the kept share: all for a fraction of 1 and more,
// none for 0 and less. The choice depends on the id alone, so that every part of lakegate, and
// recovery after a crash, makes the same one; and what a small fraction keeps, a larger one keeps
// too.
func Sampled(id inference.ID, fraction float64) bool {
	switch {
	case fraction >= 1:
		return true
	case !(fraction > 0): // NaN too
		return false
	}
	// 53 bits are what a float64 holds exactly.
	h := mix(binary.BigEndian.Uint64(id[8:]) ^ mix(binary.BigEndian.Uint64(id[:8])))
	return float64(h>>11)/(1<<53) < fraction
}

// mix spreads every bit of x over the result (the finaliser of splitmix64).
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}
