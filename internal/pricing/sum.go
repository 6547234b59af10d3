package pricing

import (
	"math"
	"math/bits"
)

// sum adds products of tokens and prices in 128 bits, so that it is exact for every count. It is
// in millionths of a nano-dollar.
type sum struct {
	hi, lo uint64
	over   bool // beyond any bill
}

func (s *sum) add(tokens int64, price *PerMillion) {
	if price == nil {
		return
	}
	hi, lo := bits.Mul64(uint64(tokens), uint64(*price))
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, lo, 0)
	s.hi, _ = bits.Add64(s.hi, hi, carry)
}

// thousands adds what is sold by the thousand.
func (s *sum) thousands(n int64, price *PerMillion) {
	if n > math.MaxInt64/1000 {
		s.over = true
		return
	}
	s.add(n*1000, price)
}

// nanos is the sum in whole nano-dollars, less a discount, rounded once, half up; false when the
// result doesn't fit.
func (s sum) nanos(off Percent) (int64, bool) {
	const million, whole = 1_000_000, uint64(wholePercent)
	if s.over {
		return 0, false
	}
	divisor := uint64(million)
	if off != 0 {
		factor := whole - uint64(off) // a negative discount is more than the whole
		hi, lo := bits.Mul64(s.lo, factor)
		over, top := bits.Mul64(s.hi, factor)
		var carry uint64
		if s.hi, carry = bits.Add64(top, hi, 0); over+carry != 0 {
			return 0, false
		}
		s.lo = lo
		divisor *= whole
	}
	lo, carry := bits.Add64(s.lo, divisor/2, 0)
	hi := s.hi + carry
	if hi >= divisor {
		return 0, false
	}
	q, _ := bits.Div64(hi, lo, divisor)
	return int64(q), q <= math.MaxInt64
}
