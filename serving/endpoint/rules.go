package endpoint

import "strings"

// Rule sends the calls that meet a condition to some of the entities. Of an endpoint's rules the
// first one that a call meets counts.
type Rule struct {
	Name string
	When Condition
	To   []int // places in Entities, at least one, in the order to be tried
	Only bool  // nobody but those of To gets to see its calls
}

// Condition is met by the calls that each of its parts holds of. A part that is zero holds of all.
type Condition struct {
	Headers      []Named // each is there, with one value that fits
	UsageContext []Named // each tag is there, with a value that fits
	Requesters   Patterns
	Groups       Patterns // one of the requester's fits
	Models       Patterns // the model as it was asked for
	// MinInput and MaxInput bound the tokens of the input as they are estimated from its size; nil:
	// no bound.
	MinInput, MaxInput *int64
	Streaming          *bool // nil: whole or streamed
}

// Named is a header, by its canonical name, or a tag, and what it is to be.
type Named struct {
	Name string
	Is   Patterns
}

// Patterns are alternatives.
type Patterns []Pattern

// Match reports whether one of them fits. Upper and lower case differ.
func (p Patterns) Match(s string) bool {
	for i := range p {
		if p[i].Match(s) {
			return true
		}
	}
	return false
}

// Pattern is a text in which each * stands for any text, also for none.
type Pattern struct{ parts []string }

// NewPattern compiles a pattern.
func NewPattern(s string) Pattern { return Pattern{strings.Split(s, "*")} }

// String returns the pattern as it was written.
func (p Pattern) String() string { return strings.Join(p.parts, "*") }

// Match reports whether the whole of s fits.
func (p Pattern) Match(s string) bool {
	last := len(p.parts) - 1
	if last < 0 {
		return false
	}
	if last == 0 {
		return s == p.parts[0]
	}
	s, ok := strings.CutPrefix(s, p.parts[0])
	if !ok {
		return false
	}
	for _, part := range p.parts[1:last] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return strings.HasSuffix(s, p.parts[last])
}
