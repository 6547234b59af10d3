package report

import (
	"fmt"
	"math/big"
	"strings"
)

const decimals = 9 // of a nano-dollar

// dollars prints nano-dollars with so many decimals. It never rounds: the digits it leaves out
// must be zeros, which places makes sure of.
func dollars(nanos *big.Int, places int) string {
	s := new(big.Int).Abs(nanos).String()
	if len(s) <= decimals {
		s = strings.Repeat("0", decimals+1-len(s)) + s
	}
	whole, frac := s[:len(s)-decimals], s[len(s)-decimals:]
	sign := ""
	if nanos.Sign() < 0 {
		sign = "-"
	}
	if places == 0 {
		return sign + whole
	}
	return sign + whole + "." + frac[:places]
}

// USD prints nano-dollars as dollars, every digit of them.
func USD(nanos *big.Int) string { return dollars(nanos, decimals) }

// places is the fewest decimals, at least two, that show every amount exactly.
func places(amounts []*big.Int) int {
	n := 2
	for _, a := range amounts {
		n = max(n, len(strings.TrimRight(dollars(a, decimals), "0"))-strings.IndexByte(dollars(a, decimals), '.')-1)
	}
	return n
}

// parseDollars reads a decimal number of dollars as exact nano-dollars.
func parseDollars(s string) (*big.Int, error) {
	whole, frac, _ := strings.Cut(s, ".")
	if len(frac) > decimals {
		if strings.Trim(frac[decimals:], "0") != "" {
			return nil, fmt.Errorf("amount %q has parts of a nano-dollar", s)
		}
		frac = frac[:decimals]
	}
	n, ok := new(big.Int).SetString(whole+frac+strings.Repeat("0", decimals-len(frac)), 10)
	if !ok {
		return nil, fmt.Errorf("amount %q is not a number of dollars", s)
	}
	return n, nil
}

// grouped puts commas between groups of three digits of the whole part.
func grouped(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	whole, frac, point := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if point {
		whole += "." + frac
	}
	return sign + whole
}
