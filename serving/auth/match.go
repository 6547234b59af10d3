package auth

import "strings"

// matchAny reports whether one of the patterns matches s.
func matchAny(patterns []string, s string) bool {
	for _, p := range patterns {
		if match(p, s) {
			return true
		}
	}
	return false
}

// matchAnyFold is matchAny without regard to case.
func matchAnyFold(patterns []string, s string) bool {
	s = strings.ToLower(s)
	for _, p := range patterns {
		if match(strings.ToLower(p), s) {
			return true
		}
	}
	return false
}

// match reports whether the pattern matches all of s. A * stands for any run of characters, dots
// included; every other character for itself. It takes time proportional to the lengths times
// the number of stars, whatever the pattern.
func match(pattern, s string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == s
	}
	s, ok := strings.CutPrefix(s, head)
	if !ok {
		return false
	}
	// The leftmost place of each middle part leaves most for those after it.
	for {
		part, more, star := strings.Cut(rest, "*")
		if !star {
			return strings.HasSuffix(s, part)
		}
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s, rest = s[i+len(part):], more
	}
}
