package pricing

import (
	"math"
	"math/bits"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
)

const million = 1_000_000

// rates are prices of one moment. Output is nil for models that have none, the other two when
// they are not sold apart from input.
type rates struct {
	Input       *PerMillion `yaml:"input"`
	Output      *PerMillion `yaml:"output"`
	CachedInput *PerMillion `yaml:"cached_input"`
	CacheWrite  *PerMillion `yaml:"cache_write"`
}

// period is what a model costs from a day on, until its next period begins.
type period struct {
	From    Date  `yaml:"from"`
	Unknown bool  `yaml:"unknown"`
	Base    rates `yaml:",inline"`
	Long    *long `yaml:"long"`
	Peak    *peak `yaml:"peak"`
}

// long replaces the rates of a whole request whose input is over so many tokens.
type long struct {
	Over    int64 `yaml:"over"`
	Unknown bool  `yaml:"unknown"`
	Rates   rates `yaml:",inline"`
}

// peak replaces the rates on Monday to Friday between the given UTC hours.
type peak struct {
	Hours [][2]int `yaml:"hours"` // first hour included, second not
	Rates rates    `yaml:",inline"`
}

// rates picks the rates that hold for a request; false when they are not known.
func (p *period) rates(u inference.Usage, at time.Time) (rates, bool) {
	if p.Unknown || u.Input == nil {
		return rates{}, false
	}
	if p.Long != nil && *u.Input > p.Long.Over {
		return p.Long.Rates, !p.Long.Unknown
	}
	if p.Peak != nil && p.Peak.holds(at) {
		return p.Peak.Rates, true
	}
	return p.Base, true
}

func (p *peak) holds(at time.Time) bool {
	if d := at.Weekday(); d == time.Saturday || d == time.Sunday {
		return false
	}
	for _, h := range p.Hours {
		if at.Hour() >= h[0] && at.Hour() < h[1] {
			return true
		}
	}
	return false
}

// cost is the price of a usage in nano-dollars; false when a count that is needed is missing, or
// the counts contradict each other or are beyond any bill.
func (r rates) cost(u inference.Usage) (int64, bool) {
	output := count(u.Output)
	if u.Output == nil && r.Output != nil || r.Output == nil && output != 0 {
		return 0, false
	}
	input, cached, written := *u.Input, count(u.CachedInput), count(u.CacheWrite)
	if input < 0 || output < 0 || cached < 0 || written < 0 || cached > input || written > input-cached {
		return 0, false
	}
	var s sum
	s.add(input-cached-written, r.Input)
	s.add(cached, either(r.CachedInput, r.Input))
	s.add(written, either(r.CacheWrite, r.Input))
	s.add(output, r.Output)
	return s.nanos()
}

func count(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

func either(p, otherwise *PerMillion) *PerMillion {
	if p != nil {
		return p
	}
	return otherwise
}

// sum adds products of tokens and prices in 128 bits, so that it is exact for every count.
type sum struct{ hi, lo uint64 }

func (s *sum) add(tokens int64, price *PerMillion) {
	if price == nil {
		return
	}
	hi, lo := bits.Mul64(uint64(tokens), uint64(*price))
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, lo, 0)
	s.hi, _ = bits.Add64(s.hi, hi, carry)
}

// nanos divides by a million, rounding half up; false when the result doesn't fit.
func (s sum) nanos() (int64, bool) {
	lo, carry := bits.Add64(s.lo, million/2, 0)
	hi := s.hi + carry
	if hi >= million {
		return 0, false
	}
	q, _ := bits.Div64(hi, lo, million)
	return int64(q), q <= math.MaxInt64
}
