package config

import (
	"errors"
	"strings"
)

var errReference = errors.New(`"${" starts a reference such as ${NAME}, of letters, digits and _; write $${ for the text itself`)

// expand replaces every ${NAME} in s by what env says, and every $${ by ${. What a reference
// stands for is not looked at again. It returns the names that are not set, in order, and an
// error when a reference is malformed; the error does not quote s.
func expand(s string, env Env) (text string, unset []string, err error) {
	var b strings.Builder
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			b.WriteString(s)
			return b.String(), unset, nil
		}
		if i > 0 && s[i-1] == '$' {
			b.WriteString(s[:i-1] + "${")
			s = s[i+2:]
			continue
		}
		b.WriteString(s[:i])
		name, rest, closed := strings.Cut(s[i+2:], "}")
		if !closed || !envName(name) {
			return "", nil, errReference
		}
		value, ok := env(name)
		if !ok {
			unset = append(unset, name)
		}
		b.WriteString(value)
		s = rest
	}
}

func envName(s string) bool {
	if s == "" || s[0] >= '0' && s[0] <= '9' {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}
