package rawjson

import (
	"encoding/binary"
	"math/bits"
	"strconv"
	"unicode/utf8"
)

// unlimited is the depth for values that Parse has bounded already.
const unlimited = 1 << 30

// Cursor walks through a value that is part of parsed JSON, each byte once:
//
//	for ok := c.Enter(); ok; ok = c.Next() {
//		name := c.Name() // in objects
//		... c.Take(), or another Enter
//	}
//
// On bytes that are not JSON it comes to an end early.
type Cursor struct {
	s scanner
	i int
}

// Walk returns a cursor at the start of a value.
func Walk(value []byte) Cursor { return Cursor{s: scanner{b: value, maxDepth: unlimited}} }

// Kind returns the kind of the value the cursor is at, by its first byte.
func (c *Cursor) Kind() Kind {
	if c.i >= len(c.s.b) {
		return Invalid
	}
	switch b := c.s.b[c.i]; b {
	case '"':
		return String
	case '{':
		return ObjectKind
	case '[':
		return Array
	case 't':
		return True
	case 'f':
		return False
	case 'n':
		return Null
	default:
		if b == '-' || b >= '0' && b <= '9' {
			return Number
		}
		return Invalid
	}
}

// Offset returns where the cursor is in the value it started from.
func (c *Cursor) Offset() int { return c.i }

// Take returns the value the cursor is at, and moves past it.
func (c *Cursor) Take() []byte {
	end, _, ok := c.s.value(c.i, 1)
	if !ok {
		c.i = len(c.s.b)
		return nil
	}
	v := c.s.b[c.i:end]
	c.i = end
	return v
}

// TakeChars counts the characters (Unicode code points) of the string the cursor is at, and moves
// past it. It decodes nothing.
func (c *Cursor) TakeChars() int64 {
	n, end := chars(c.s.b[c.i+1:])
	c.i = min(c.i+1+end+1, len(c.s.b))
	return n
}

// Enter steps into the array or object the cursor is at. It returns false, past the value, when
// that is empty or anything else.
func (c *Cursor) Enter() bool {
	if k := c.Kind(); k != Array && k != ObjectKind {
		c.Take()
		return false
	}
	c.i = c.s.space(c.i + 1)
	if k := c.i; k < len(c.s.b) && (c.s.b[k] == ']' || c.s.b[k] == '}') {
		c.i++
		return false
	}
	return c.i < len(c.s.b)
}

// Next moves from a value to the next one of the array or object around it. It returns false,
// past the end of that, when there is none.
func (c *Cursor) Next() bool {
	c.i = c.s.space(c.i)
	if c.i >= len(c.s.b) {
		return false
	}
	comma := c.s.b[c.i] == ','
	if c.i++; comma {
		c.i = c.s.space(c.i)
	}
	return comma && c.i < len(c.s.b)
}

// Name returns the name of the member the cursor is at, as written and without quotes, and moves
// to its value. A name with escapes is never equal to the name it stands for.
func (c *Cursor) Name() []byte {
	if c.Kind() != String {
		c.i = len(c.s.b)
		return nil
	}
	name := c.Take()
	c.i = c.s.space(c.i)
	if len(name) < 2 || c.i >= len(c.s.b) || c.s.b[c.i] != ':' {
		c.i = len(c.s.b)
		return nil
	}
	c.i = c.s.space(c.i + 1)
	return name[1 : len(name)-1]
}

// Members calls f for each member of a JSON object that is part of parsed JSON, until f returns
// false. Names are as Cursor.Name has them. It returns false when object is not an object.
func Members(object []byte, f func(name []byte, k Kind, value []byte) bool) bool {
	c := Walk(object)
	if c.Kind() != ObjectKind {
		return false
	}
	for ok := c.Enter(); ok; ok = c.Next() {
		name := c.Name()
		k := c.Kind()
		if v := c.Take(); v == nil || !f(name, k, v) {
			return v != nil
		}
	}
	return true
}

// Int returns the value of a JSON number that is a whole number. 12.0 and 1e3 are whole.
func Int(number []byte) (int64, bool) {
	if n, err := strconv.ParseInt(string(number), 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(string(number), 64)
	if err != nil || f != float64(int64(f)) || f > 1<<53 || f < -1<<53 {
		return 0, false
	}
	return int64(f), true
}

// Inside checks the inside of a string: b starts after the opening quote. It returns the number
// of characters, and where the closing quote is; false when that is not the inside of a string.
func Inside(b []byte) (n int64, end int, ok bool) {
	s := scanner{b: b}
	past, _, ok := s.string(-1)
	if !ok || !utf8.Valid(b[:past-1]) {
		return 0, 0, false
	}
	n, end = chars(b)
	return n, end, true
}

// Chars counts the characters a JSON string stands for, given with its quotes.
func Chars(quoted []byte) int64 {
	c := Walk(quoted)
	if c.Kind() != String {
		return 0
	}
	return c.TakeChars()
}

// chars counts the characters up to the quote that ends a string, whose place it returns too.
func chars(b []byte) (n int64, end int) {
	for i := 0; i < len(b); {
		if i+8 <= len(b) {
			x := binary.LittleEndian.Uint64(b[i:])
			q, e := x^(ones*'"'), x^(ones*'\\')
			follow := x &^ (x << 1) & highs // the bytes 10xxxxxx; all others start a character
			hit := ((q-ones)&^q | (e-ones)&^e) & highs
			if hit == 0 {
				n += int64(8 - bits.OnesCount64(follow))
				i += 8
				continue
			}
			k := bits.TrailingZeros64(hit) / 8
			n += int64(k - bits.OnesCount64(follow&(1<<(8*k)-1)))
			i += k
		}
		switch c := b[i]; {
		case c == '"':
			return n, i
		case c == '\\':
			w := max(escapeLen(b[i:]), 1)
			// The second half of a surrogate pair belongs to the character before it.
			if !isLowSurrogate(b[i : i+w]) {
				n++
			}
			i += w
		default:
			if c&0xC0 != 0x80 {
				n++
			}
			i++
		}
	}
	return n, len(b)
}

func isLowSurrogate(esc []byte) bool {
	return len(esc) == 6 && esc[2]|0x20 == 'd' && (esc[3]|0x20 >= 'c' && esc[3]|0x20 <= 'f')
}
