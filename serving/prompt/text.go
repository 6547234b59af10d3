package prompt

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// text is a template's text in pieces.
type text []piece

// piece is a literal, or the place of a variable.
type piece struct {
	literal  []byte // as the inside of a JSON string; nil for a variable
	variable int    // its index
}

// part is a piece of a text before its variables are known by number.
type part struct{ literal, name string }

var errBraces = errors.New(`"{{" is not closed by "}}"`)

// split takes a text apart at its variables.
func split(s string) ([]part, error) {
	var parts []part
	for {
		before, rest, found := strings.Cut(s, "{{")
		if before != "" {
			parts = append(parts, part{literal: before})
		}
		if !found {
			return parts, nil
		}
		inside, after, closed := strings.Cut(rest, "}}")
		if !closed {
			return nil, errBraces
		}
		name := strings.TrimSpace(inside)
		switch {
		case strings.HasPrefix(name, "secrets/"):
			return nil, errors.New("a prompt can't have secrets in it: providers would read them")
		case !IsName(name):
			return nil, fmt.Errorf("%q is no variable: want {{ name }}, of letters, digits and _; text with double braces goes into the default of a variable", clip("{{"+inside+"}}"))
		}
		parts = append(parts, part{name: name})
		s = after
	}
}

// maxName bounds names of variables, in bytes.
const maxName = 64

// IsName reports whether a variable can be called s.
func IsName(s string) bool {
	if s == "" || len(s) > maxName || s[0] >= '0' && s[0] <= '9' {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// size returns how long a text is with these values.
func (t text) size(values [][]byte) (n int64) {
	for _, p := range t {
		if p.literal != nil {
			n += int64(len(p.literal))
		} else {
			n += int64(len(values[p.variable]))
		}
	}
	return n
}

// append writes a text as a JSON string.
func (t text) append(dst []byte, values [][]byte) []byte {
	dst = append(dst, '"')
	for _, p := range t {
		if p.literal != nil {
			dst = append(dst, p.literal...)
		} else {
			dst = append(dst, values[p.variable]...)
		}
	}
	return append(dst, '"')
}

// appendInside appends s as the inside of a JSON string.
func appendInside[S string | []byte](dst []byte, s S) []byte {
	const hex = "0123456789abcdef"
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf:
			dst = append(dst, c)
		default:
			r, n := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
			dst = utf8.AppendRune(dst, r)
			i += n
			continue
		}
		i++
	}
	return dst
}

func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
