package datafile

import "unicode/utf8"

const (
	boundChars = 32             // characters of a string in the statistics
	maxChars   = 2 * boundChars // where the search for an upper bound gives up
	ascii      = '\x7f'         // a tie-breaker above every ASCII character
	highest    = utf8.MaxRune   // a tie-breaker above every other
)

// truncateMin returns a lower bound of s: its first characters.
func truncateMin(s string) string {
	n := 0
	for i := range s {
		if n == boundChars {
			return s[:i]
		}
		n++
	}
	return s
}

// truncateMax returns an upper bound of s: its first characters and one that is greater than the
// first one cut. That takes some more characters when the one to cut is the highest there is, and
// fails when they all are.
func truncateMax(s string) (string, bool) {
	n := 0
	for i, r := range s {
		if n >= boundChars {
			switch {
			case n > maxChars:
				return "", false
			case r < ascii:
				return s[:i] + string(ascii), true
			case r < highest:
				return s[:i] + string(highest), true
			}
		}
		n++
	}
	if n > maxChars {
		return "", false
	}
	return s, true
}
