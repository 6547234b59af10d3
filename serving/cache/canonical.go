package cache

import (
	"bytes"
	"slices"

	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// canonical appends a JSON object with its members, at every depth, sorted by name and without
// white space, and without those at the top that are ignored. Members of the same name stay in their
// order. It reads each byte of the object once. false: that was no JSON object.
func canonical(dst, object []byte, ignored func(name []byte) bool) ([]byte, bool) {
	object = bytes.Trim(object, " \t\r\n")
	c := rawjson.Walk(object)
	if c.Kind() != rawjson.ObjectKind {
		return nil, false
	}
	dst = appendObject(dst, &c, ignored)
	return dst, c.Offset() == len(object)
}

func appendValue(dst []byte, c *rawjson.Cursor) []byte {
	switch c.Kind() {
	case rawjson.ObjectKind:
		return appendObject(dst, c, nil)
	case rawjson.Array:
		dst = append(dst, '[')
		for ok := c.Enter(); ok; ok = c.Next() {
			dst = append(appendValue(dst, c), ',')
		}
		return append(dst, ']')
	default:
		return append(dst, c.Take()...)
	}
}

// member is where a member stands in what was written, its comma included.
type member struct {
	name       []byte
	start, end int
}

func appendObject(dst []byte, c *rawjson.Cursor, skip func([]byte) bool) []byte {
	dst = append(dst, '{')
	first := len(dst)
	var members []member
	for ok := c.Enter(); ok; ok = c.Next() {
		name := c.Name()
		if skip != nil && skip(name) {
			c.Take()
			continue
		}
		m := member{name: name, start: len(dst)}
		dst = append(append(append(dst, '"'), name...), '"', ':')
		dst = append(appendValue(dst, c), ',')
		m.end = len(dst)
		members = append(members, m)
	}
	byName := func(a, b member) int { return bytes.Compare(a.name, b.name) }
	if !slices.IsSortedFunc(members, byName) {
		slices.SortStableFunc(members, byName)
		written := bytes.Clone(dst[first:])
		dst = dst[:first]
		for _, m := range members {
			dst = append(dst, written[m.start-first:m.end-first]...)
		}
	}
	return append(dst, '}')
}
