package pricing

import (
	"bytes"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
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

// NewPerMillion is a price of so many dollars, rounded to whole nano-dollars; false when it is
// negative or above any real one.
func NewPerMillion(dollars *big.Rat) (PerMillion, bool) {
	n := new(big.Rat).Mul(dollars, big.NewRat(1_000_000_000, 1))
	n.Add(n, big.NewRat(1, 2))
	q := new(big.Int).Div(n.Num(), n.Denom())
	if dollars.Sign() < 0 || !q.IsInt64() || q.Int64() > maxDollars*1_000_000_000 {
		return 0, false
	}
	return PerMillion(q.Int64()), true
}

// MarshalText writes the price as UnmarshalText reads it, without trailing zeros.
func (p PerMillion) MarshalText() ([]byte, error) {
	s := fmt.Sprintf("%d.%09d", p/1_000_000_000, p%1_000_000_000)
	return []byte(strings.TrimSuffix(strings.TrimRight(s, "0"), ".")), nil
}

// String is the price as a file has it.
func (p PerMillion) String() string {
	text, _ := p.MarshalText()
	return string(text)
}

// String is the percentage as a file has it.
func (p Percent) String() string {
	text, _ := p.MarshalText()
	return string(text)
}

// String is the day as a file has it, "" for the zero Date.
func (d Date) String() string {
	text, _ := d.MarshalText()
	return string(text)
}

// MarshalYAML writes the price as a number.
func (p PerMillion) MarshalYAML() (any, error) { return number(p.MarshalText()) }

// MarshalYAML writes the percentage as a number.
func (p Percent) MarshalYAML() (any, error) { return number(p.MarshalText()) }

// MarshalYAML writes the day without quotes.
func (d Date) MarshalYAML() (any, error) {
	text, err := d.MarshalText()
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!timestamp", Value: string(text)}, err
}

func number(text []byte, err error) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: string(text)}
	if bytes.IndexByte(text, '.') >= 0 {
		n.Tag = "!!float"
	}
	return n, err
}

func digits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return s != ""
}

// Percent is a share in ten-thousandths of a percent: the whole is 1,000,000. As text it is
// a decimal number of percent, such as 12.5, with at most four decimals.
type Percent int64

const wholePercent Percent = 1_000_000

// UnmarshalText reads a number of percent; a minus is for surcharges.
func (p *Percent) UnmarshalText(text []byte) error {
	s, minus := strings.CutPrefix(string(text), "-")
	whole, frac, _ := strings.Cut(s, ".")
	if len(frac) > 4 || len(whole) > 5 || !digits(whole) || !digits(frac) && frac != "" || strings.HasSuffix(s, ".") {
		return fmt.Errorf("%q is not a number of percent such as 12.5 (at most 4 decimals)", text)
	}
	n, err := strconv.ParseInt(whole+frac+strings.Repeat("0", 4-len(frac)), 10, 64)
	if err != nil {
		return fmt.Errorf("percentage %q: %w", text, err)
	}
	if minus {
		n = -n
	}
	*p = Percent(n)
	return nil
}

// MarshalText writes the percentage as UnmarshalText reads it, without trailing zeros.
func (p Percent) MarshalText() ([]byte, error) {
	sign := ""
	if p < 0 {
		sign, p = "-", -p
	}
	s := fmt.Sprintf("%s%d.%04d", sign, p/10_000, p%10_000)
	return []byte(strings.TrimSuffix(strings.TrimRight(s, "0"), ".")), nil
}

// IsZero lets a file leave the percentage out.
func (p Percent) IsZero() bool { return p == 0 }

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

// NewDate is the day of a time, in UTC.
func NewDate(t time.Time) Date { return Date{t.UTC().Truncate(24 * time.Hour)} }

// IsZero reports whether d is the zero Date.
func (d Date) IsZero() bool { return d.t.IsZero() }

// Time is the day's beginning.
func (d Date) Time() time.Time { return d.t }

// MarshalText writes the day as UnmarshalText reads it; the zero Date is empty.
func (d Date) MarshalText() ([]byte, error) {
	if d.t.IsZero() {
		return nil, nil
	}
	return []byte(d.t.Format(time.DateOnly)), nil
}
