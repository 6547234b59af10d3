package pricing

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// PerMillion is a price: nano-dollars (1e-9 US dollars) per million tokens. As text it is a
// decimal number of dollars per million tokens, such as 2.50; nothing is rounded.
type PerMillion int64

// maxDollars bounds a price, far above any real one, so that sums stay in 128 bits.
const maxDollars = 1_000_000

// UnmarshalText reads a decimal number of dollars with at most nine decimals.
func (p *PerMillion) UnmarshalText(text []byte) error {
	s := string(text)
	whole, frac, _ := strings.Cut(s, ".")
	if len(frac) > 9 || !digits(whole) || !digits(frac) && frac != "" || strings.HasSuffix(s, ".") {
		return fmt.Errorf("price %q is not a number of US dollars per million tokens such as 2.50 (at most 9 decimals)", s)
	}
	dollars, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || dollars > maxDollars {
		return fmt.Errorf("price %q is above %d US dollars per million tokens", s, maxDollars)
	}
	nanos, err := strconv.ParseInt(frac+strings.Repeat("0", 9-len(frac)), 10, 64)
	if err != nil {
		return fmt.Errorf("price %q: %w", s, err)
	}
	*p = PerMillion(dollars*1_000_000_000 + nanos)
	return nil
}

// MarshalText writes the price as UnmarshalText reads it, without trailing zeros.
func (p PerMillion) MarshalText() ([]byte, error) {
	s := fmt.Sprintf("%d.%09d", p/1_000_000_000, p%1_000_000_000)
	return []byte(strings.TrimSuffix(strings.TrimRight(s, "0"), ".")), nil
}

func digits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return s != ""
}

// Date is a day in UTC; the zero Date is before every other.
type Date struct{ t time.Time }

// UnmarshalText reads a day as 2026-11-20.
func (d *Date) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.DateOnly, string(text))
	if err != nil {
		return fmt.Errorf("date %q is not a day such as 2026-11-20", text)
	}
	d.t = t
	return nil
}

// MarshalText writes the day as UnmarshalText reads it; the zero Date is empty.
func (d Date) MarshalText() ([]byte, error) {
	if d.t.IsZero() {
		return nil, nil
	}
	return []byte(d.t.Format(time.DateOnly)), nil
}
