// Package rawjson reads and edits JSON by its bytes, without decoding it into values.
//
// It exists for the request path: a body is checked once, the few members that matter are found
// by position, and an edit copies everything it does not touch byte for byte, so that numbers
// keep their digits, objects their order and unknown fields their meaning. What Object.Parse
// accepts is RFC 8259 JSON in valid UTF-8 within a bounded depth; it never allocates more than
// one Member per member of the outermost object.
//
// Slices handed out point into the parsed bytes and are good as long as those are. An Object may
// be used by one goroutine at a time while parsing, by many afterwards; reusing one for another
// Parse keeps its memory.
package rawjson

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// Kind is the kind of a JSON value.
type Kind uint8

// The kinds. Invalid is the kind of what is not there.
const (
	Invalid Kind = iota
	Null
	False
	True
	Number
	String
	Array
	ObjectKind
)

// String names the kind as a sentence for a caller would.
func (k Kind) String() string {
	switch k {
	case Null:
		return "null"
	case False, True:
		return "a boolean"
	case Number:
		return "a number"
	case String:
		return "a string"
	case Array:
		return "an array"
	case ObjectKind:
		return "an object"
	default:
		return "nothing"
	}
}

// SyntaxError says why bytes are not the JSON that was wanted, and where.
type SyntaxError struct {
	Offset int // position of the first byte at fault
	Reason string
}

// Error implements error.
func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at byte %d", e.Reason, e.Offset) }

// Member is one name and value of an object.
type Member struct {
	keyStart, keyEnd int // with the quotes
	valStart, valEnd int
	escaped          bool // the name has escapes
	Kind             Kind
}

// Object is a parsed JSON object: its bytes and where its members are.
type Object struct {
	raw     []byte
	members []Member
	open    int // position of {
	shut    int // position of }
}

// usualMembers is how many members a body has room for at first.
const usualMembers = 12

// Parse checks all of b and finds the members of the object it must be. maxDepth bounds how deep
// objects and arrays may nest, the outermost counting as 1. The error is a *SyntaxError, and o
// is empty then. Parse keeps b.
func (o *Object) Parse(b []byte, maxDepth int) error {
	o.raw, o.members, o.open, o.shut = nil, o.members[:0], 0, 0
	if !utf8.Valid(b) {
		return &SyntaxError{invalidUTF8At(b), "text that is not UTF-8"}
	}
	s := scanner{b: b, maxDepth: maxDepth}
	i := s.space(0)
	if i == len(b) {
		return &SyntaxError{i, "no JSON value"}
	}
	if b[i] != '{' {
		if end, _, ok := s.value(i, 1); ok && s.space(end) == len(b) {
			return &SyntaxError{i, "not a JSON object"}
		}
		return s.failure("a character that starts no JSON value", i)
	}
	if o.members == nil {
		o.members = make([]Member, 0, usualMembers)
	}
	end, ok := s.object(i, 1, &o.members)
	if !ok {
		o.members = o.members[:0]
		return s.failure("", i)
	}
	if rest := s.space(end); rest != len(b) {
		o.members = o.members[:0]
		return &SyntaxError{rest, "more text after the JSON object"}
	}
	o.raw, o.open, o.shut = b, i, end-1
	return nil
}

// Len returns the number of members.
func (o *Object) Len() int { return len(o.members) }

// Raw returns the bytes that were parsed.
func (o *Object) Raw() []byte { return o.raw }

// Name returns the name of member i, unescaped.
func (o *Object) Name(i int) []byte {
	m := &o.members[i]
	if m.escaped {
		return []byte(Unquote(o.raw[m.keyStart:m.keyEnd]))
	}
	return o.raw[m.keyStart+1 : m.keyEnd-1]
}

// Kind returns the kind of the value of member i.
func (o *Object) Kind(i int) Kind { return o.members[i].Kind }

// Value returns the bytes of the value of member i.
func (o *Object) Value(i int) []byte {
	m := &o.members[i]
	return o.raw[m.valStart:m.valEnd]
}

// Find returns the position of the first member of that name, or -1.
func (o *Object) Find(name string) int {
	for i := range o.members {
		if string(o.Name(i)) == name {
			return i
		}
	}
	return -1
}

// Unquote returns the text of a JSON string given with its quotes. A half of a surrogate pair
// becomes U+FFFD. It is made for strings that were parsed; others give "".
func Unquote(quoted []byte) string {
	if len(quoted) < 2 {
		return ""
	}
	inner := quoted[1 : len(quoted)-1]
	if !hasEscape(inner) {
		return string(inner)
	}
	var s string
	if json.Unmarshal(quoted, &s) != nil {
		return ""
	}
	return s
}

// AppendQuoted appends s as a JSON string.
func AppendQuoted(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			q, err := json.Marshal(s)
			if err != nil {
				panic(err) // strings always marshal
			}
			return append(dst, q...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

func invalidUTF8At(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
	return len(b)
}
