package rawjson

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// scanner checks JSON and finds where values end. Its methods take the position to start at and
// return the position after what they read; on a fault they set the reason and return false.
// b is valid UTF-8.
type scanner struct {
	b        []byte
	maxDepth int
	at       int
	reason   string
}

func (s *scanner) fail(i int, reason string) (int, Kind, bool) {
	s.at, s.reason = i, reason
	return i, Invalid, false
}

// failure returns the fault that was met, or the given one where none was noted.
func (s *scanner) failure(reason string, at int) *SyntaxError {
	if s.reason != "" {
		reason, at = s.reason, s.at
	}
	return &SyntaxError{at, reason}
}

func (s *scanner) space(i int) int {
	for i < len(s.b) {
		switch s.b[i] {
		case ' ', '\n', '\r', '\t':
			i++
		default:
			return i
		}
	}
	return i
}

// value reads any value; depth is the one it would have as an object or array.
func (s *scanner) value(i, depth int) (int, Kind, bool) {
	if i >= len(s.b) {
		return s.fail(i, "the end of the text where a value should be")
	}
	switch c := s.b[i]; c {
	case '"':
		return s.string(i)
	case '{':
		end, ok := s.object(i, depth, nil)
		return end, ObjectKind, ok
	case '[':
		end, ok := s.array(i, depth)
		return end, Array, ok
	case 't':
		return s.word(i, "true", True)
	case 'f':
		return s.word(i, "false", False)
	case 'n':
		return s.word(i, "null", Null)
	default:
		if c == '-' || (c >= '0' && c <= '9') {
			return s.number(i)
		}
		return s.fail(i, "a character that starts no JSON value")
	}
}

func (s *scanner) word(i int, word string, k Kind) (int, Kind, bool) {
	if len(s.b)-i < len(word) || string(s.b[i:i+len(word)]) != word {
		return s.fail(i, "a character that starts no JSON value")
	}
	return i + len(word), k, true
}

// object reads an object that starts at i, noting its members where members is not nil.
func (s *scanner) object(i, depth int, members *[]Member) (int, bool) {
	if depth > s.maxDepth {
		s.fail(i, "objects and arrays nested too deep")
		return i, false
	}
	i = s.space(i + 1)
	if i < len(s.b) && s.b[i] == '}' {
		return i + 1, true
	}
	for {
		if i >= len(s.b) || s.b[i] != '"' {
			s.fail(i, "no member name where one should be")
			return i, false
		}
		m := Member{keyStart: i}
		var ok bool
		if i, _, ok = s.string(i); !ok {
			return i, false
		}
		m.keyEnd = i
		if i = s.space(i); i >= len(s.b) || s.b[i] != ':' {
			s.fail(i, "no colon after a member name")
			return i, false
		}
		m.valStart = s.space(i + 1)
		if i, m.Kind, ok = s.value(m.valStart, depth+1); !ok {
			return i, false
		}
		m.valEnd = i
		if members != nil {
			m.escaped = hasEscape(s.b[m.keyStart:m.keyEnd])
			*members = append(*members, m)
		}
		if i = s.space(i); i >= len(s.b) {
			s.fail(i, "the end of the text inside an object")
			return i, false
		}
		switch s.b[i] {
		case ',':
			i = s.space(i + 1)
		case '}':
			return i + 1, true
		default:
			s.fail(i, "no comma or closing brace after a member")
			return i, false
		}
	}
}

func (s *scanner) array(i, depth int) (int, bool) {
	if depth > s.maxDepth {
		s.fail(i, "objects and arrays nested too deep")
		return i, false
	}
	i = s.space(i + 1)
	if i < len(s.b) && s.b[i] == ']' {
		return i + 1, true
	}
	for {
		var ok bool
		if i, _, ok = s.value(i, depth+1); !ok {
			return i, false
		}
		if i = s.space(i); i >= len(s.b) {
			s.fail(i, "the end of the text inside an array")
			return i, false
		}
		switch s.b[i] {
		case ',':
			i = s.space(i + 1)
		case ']':
			return i + 1, true
		default:
			s.fail(i, "no comma or closing bracket after an element")
			return i, false
		}
	}
}

// string reads a string that starts at the quote at i.
func (s *scanner) string(i int) (int, Kind, bool) {
	i++
	for {
		i += plain(s.b[i:])
		if i >= len(s.b) {
			return s.fail(i, "the end of the text inside a string")
		}
		switch c := s.b[i]; {
		case c == '"':
			return i + 1, String, true
		case c == '\\':
			n := escapeLen(s.b[i:])
			if n == 0 {
				return s.fail(i, "an escape that JSON does not have")
			}
			i += n
		default:
			return s.fail(i, "a control character inside a string")
		}
	}
}

// escapeLen returns the length of the escape b starts with, or 0.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) < 6 {
			return 0
		}
		for _, c := range b[2:6] {
			if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
				return 0
			}
		}
		return 6
	}
	return 0
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// plain returns how many bytes at the start of b are neither quote, backslash nor control
// character. It looks at eight at a time: most of a body is the inside of strings.
func plain(b []byte) int {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		q, e := x^(ones*'"'), x^(ones*'\\')
		// A byte's high bit is set where x is below 0x20, q is zero or e is zero. Borrows can
		// only set bits above the lowest true one, so the lowest is exact.
		if hit := ((x-ones*0x20)&^x | (q-ones)&^q | (e-ones)&^e) & highs; hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c < 0x20 || c == '"' || c == '\\' {
			return i
		}
	}
	return i
}

func (s *scanner) number(i int) (int, Kind, bool) {
	start := i
	if s.b[i] == '-' {
		i++
	}
	switch d := s.digits(i); {
	case d == 0:
		return s.fail(start, "a number without digits")
	case d > 1 && s.b[i] == '0':
		return s.fail(start, "a number with a leading zero")
	default:
		i += d
	}
	if i < len(s.b) && s.b[i] == '.' {
		d := s.digits(i + 1)
		if d == 0 {
			return s.fail(start, "a number without digits after the point")
		}
		i += 1 + d
	}
	if i < len(s.b) && s.b[i]|0x20 == 'e' {
		i++
		if i < len(s.b) && (s.b[i] == '+' || s.b[i] == '-') {
			i++
		}
		d := s.digits(i)
		if d == 0 {
			return s.fail(start, "a number without digits in its exponent")
		}
		i += d
	}
	return i, Number, true
}

func (s *scanner) digits(i int) int {
	n := 0
	for i+n < len(s.b) && s.b[i+n] >= '0' && s.b[i+n] <= '9' {
		n++
	}
	return n
}

func hasEscape(b []byte) bool { return bytes.IndexByte(b, '\\') >= 0 }
