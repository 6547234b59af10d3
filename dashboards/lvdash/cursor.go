package lvdash

import (
	"fmt"
	"strconv"
)

// cursor walks a value, knows its path, and collects what is wrong with it. Absent and null are the
// same; the reading methods return their zero value for both, and also where the type is wrong.
type cursor struct {
	v      *value // nil when absent
	path   string
	faults *[]Fault
}

func (c cursor) fail(format string, args ...any) {
	f := Fault{Path: c.path, Message: fmt.Sprintf(format, args...)}
	if c.v != nil {
		f.Line = c.v.line
	}
	*c.faults = append(*c.faults, f)
}

// collecting returns the cursor with another place for faults.
func (c cursor) collecting(faults *[]Fault) cursor { c.faults = faults; return c }

func (c cursor) line() int {
	if c.v == nil {
		return 0
	}
	return c.v.line
}

func (c cursor) exists() bool { return c.v != nil && c.v.kind != null }

// is reports whether the value has the kind; any other kind but null is a fault.
func (c cursor) is(k kind) bool {
	if !c.exists() {
		return false
	}
	if c.v.kind != k {
		c.fail("expected %s, found %s", k, c.v.kind)
		return false
	}
	return true
}

func (c cursor) at(keys ...string) cursor {
	for _, key := range keys {
		child := cursor{path: key, faults: c.faults}
		if c.path != "" {
			child.path = c.path + "." + key
		}
		if c.v != nil && c.v.kind == object {
			child.v = c.v.fields[key]
		} else if c.exists() {
			c.fail("expected an object, found %s", c.v.kind)
			child.v = nil
		}
		c = child
	}
	return c
}

func (c cursor) list() []cursor {
	if !c.is(list) {
		return nil
	}
	out := make([]cursor, len(c.v.items))
	for i, x := range c.v.items {
		out[i] = cursor{v: x, path: c.path + "[" + strconv.Itoa(i) + "]", faults: c.faults}
	}
	return out
}

func (c cursor) str() string {
	if !c.is(text) {
		return ""
	}
	return c.v.text
}

// must returns the string and makes its absence a fault.
func (c cursor) must() string {
	if !c.exists() {
		c.fail("is missing")
		return ""
	}
	return c.str()
}

func (c cursor) truth() bool { return c.is(boolean) && c.v.truth }

func (c cursor) float() *float64 {
	s := c.scalar()
	if s == "" {
		return nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		c.fail("expected a number, found %q", s)
		return nil
	}
	return &f
}

func (c cursor) int(otherwise int) int {
	f := c.float()
	if f == nil {
		return otherwise
	}
	return int(*f)
}

// scalar returns a string, number or truth value as text.
func (c cursor) scalar() string {
	if !c.exists() {
		return ""
	}
	switch c.v.kind {
	case text, number:
		return c.v.text
	case boolean:
		return strconv.FormatBool(c.v.truth)
	}
	c.fail("expected a string or a number, found %s", c.v.kind)
	return ""
}

// strings returns a list of strings; a lone string counts as a list of one.
func (c cursor) strings() []string {
	if c.exists() && c.v.kind == text {
		return []string{c.v.text}
	}
	var out []string
	for _, x := range c.list() {
		out = append(out, x.str())
	}
	return out
}
