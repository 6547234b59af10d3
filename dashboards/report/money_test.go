package report

import (
	"math/big"
	"testing"
)

func big10(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		panic(s)
	}
	return n
}

func TestMoney(t *testing.T) {
	for _, c := range []struct{ nanos, exact, grouped string }{
		{"0", "0.000000000", "0.000000000"},
		{"1", "0.000000001", "0.000000001"},
		{"999999999", "0.999999999", "0.999999999"},
		{"1000000000", "1.000000000", "1.000000000"},
		{"1234567890123", "1234.567890123", "1,234.567890123"},
		{"-1234567890123", "-1234.567890123", "-1,234.567890123"},
		{"123456789012345678901234567890", "123456789012345678901.234567890", "123,456,789,012,345,678,901.234567890"},
	} {
		n := big10(c.nanos)
		if got := dollars(n, 9); got != c.exact {
			t.Errorf("%s nano-dollars are %s, want %s", c.nanos, got, c.exact)
		}
		if got := grouped(dollars(n, 9)); got != c.grouped {
			t.Errorf("%s nano-dollars are %s, want %s", c.nanos, got, c.grouped)
		}
		if back, err := parseDollars(c.exact); err != nil || back.Cmp(n) != 0 {
			t.Errorf("%s reads back as %v (%v)", c.exact, back, err)
		}
	}
	for text, nanos := range map[string]string{"5": "5000000000", "0.5": "500000000", "-0.5": "-500000000", "1.2000000000": "1200000000"} {
		if got, err := parseDollars(text); err != nil || got.Cmp(big10(nanos)) != 0 {
			t.Errorf("%s is %v (%v), want %s", text, got, err, nanos)
		}
	}
}

// No digit that isn't zero is ever left out, and no column of zeros is printed.
func TestPlaces(t *testing.T) {
	for _, c := range []struct {
		nanos []string
		want  int
	}{
		{[]string{"0"}, 2},
		{[]string{"1000000000", "2500000000"}, 2},
		{[]string{"1000000000", "2505000000"}, 3},
		{[]string{"1"}, 9},
		{nil, 2},
	} {
		var amounts []*big.Int
		for _, s := range c.nanos {
			amounts = append(amounts, big10(s))
		}
		if got := places(amounts); got != c.want {
			t.Errorf("%v need %d places, want %d", c.nanos, got, c.want)
		}
	}
}
