package openai

import (
	"bytes"

	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// node is a JSON value that grows piece by piece. Text is kept as it was escaped: the pieces of a
// string put together are the string, so nothing is decoded.
type node struct {
	kind nodeKind
	buf  []byte // rawNode: the JSON; textNode: the inside of a string; listNode: elements and commas
	kids []kid  // objectNode: by name; indexedNode: by index; partsNode
}

type nodeKind uint8

const (
	noNode nodeKind = iota
	rawNode
	textNode
	listNode
	objectNode
	indexedNode
	partsNode // kids in order: the parts of a content, where pieces of one kind in a row are one part
)

type kid struct {
	name  string // as written in JSON, without quotes
	index int64
	node  node
}

func (n *node) kid(name []byte) *node {
	for i := range n.kids {
		if n.kids[i].name == string(name) {
			return &n.kids[i].node
		}
	}
	n.kids = append(n.kids, kid{name: string(name)})
	return &n.kids[len(n.kids)-1].node
}

// at returns the element of an index, the last one where several have it.
func (n *node) at(index int64) *node {
	for i := len(n.kids) - 1; i >= 0; i-- {
		if n.kids[i].index == index {
			return &n.kids[i].node
		}
	}
	n.kids = append(n.kids, kid{index: index})
	return &n.kids[len(n.kids)-1].node
}

// isFixed reports whether a string field names something. It comes whole, in one chunk or
// in all of them, while other strings come in pieces.
func isFixed(name []byte) bool {
	switch string(name) {
	case "role", "id", "type", "name", "format", "signature":
		return true
	}
	return false
}

// replace makes n the given JSON, unless that is null and there is something already.
func (n *node) replace(v []byte) {
	if n.kind == rawNode && bytes.Equal(n.buf, v) || n.kind != noNode && string(v) == "null" {
		return
	}
	n.kind, n.buf, n.kids = rawNode, append(n.buf[:0], v...), nil
}

func (n *node) isNothing() bool {
	return n.kind == noNode || n.kind == rawNode && string(n.buf) == "null"
}

// merge adds the next piece of the field called name, which the cursor is at and moves past. grow
// says that strings come in pieces.
func (n *node) merge(c *rawjson.Cursor, name []byte, grow bool) {
	switch k := c.Kind(); {
	case k == rawjson.String && grow && !isFixed(name):
		n.addText(c.Take())
	case k == rawjson.String:
		// "" beside a name that is known says nothing.
		if v := c.Take(); len(v) > 2 || n.kind == noNode {
			n.replace(v)
		}
	case k == rawjson.ObjectKind && (n.isNothing() || n.kind == objectNode):
		n.kind, n.buf = objectNode, nil
		for ok := c.Enter(); ok; ok = c.Next() {
			name := c.Name()
			n.kid(name).merge(c, name, grow)
		}
	case k == rawjson.Array && hasParts(name) && n.takesParts():
		n.addParts(c, grow)
	case k == rawjson.Array && n.takesElements():
		n.addElements(c, grow)
	default:
		n.replace(c.Take())
	}
}

// addText adds the piece of a string.
func (n *node) addText(quoted []byte) { n.addInner(quoted[1 : len(quoted)-1]) }

// addInner adds the inside of the piece of a string.
func (n *node) addInner(inner []byte) {
	switch {
	case n.kind == textNode:
		n.buf = append(n.buf, inner...)
	case n.isNothing():
		n.kind, n.buf = textNode, append(n.buf[:0], inner...)
	case n.kind == partsNode: // content that was a list of parts so far
		if len(inner) > 0 {
			n.part([]byte(`"text"`)).kid([]byte("text")).addInner(inner)
		}
	default:
		n.replace(append(append([]byte{'"'}, inner...), '"'))
	}
}

// takesElements makes n a list, where it can become one.
func (n *node) takesElements() bool {
	if n.isNothing() {
		n.kind, n.buf = listNode, n.buf[:0]
	}
	return n.kind == listNode || n.kind == indexedNode
}

// addElements adds the elements of the array at the cursor: those with an index to the element of
// that index, as tool calls come, and others at the end.
func (n *node) addElements(c *rawjson.Cursor, grow bool) {
	for ok := c.Enter(); ok; ok = c.Next() {
		index, indexed := indexOf(*c)
		switch {
		case indexed && (n.kind == indexedNode || len(n.buf) == 0):
			n.kind = indexedNode
			k := n.at(index)
			if k.isAnother(*c) {
				n.kids = append(n.kids, kid{index: index})
				k = &n.kids[len(n.kids)-1].node
			}
			k.mergeElement(c, grow)
		case n.kind == indexedNode:
			n.at(int64(len(n.kids))).merge(c, nil, grow)
		default:
			n.buf = append(comma(n.buf), c.Take()...)
		}
	}
}

// isAnother reports whether the object at the cursor, which is a copy, has another id than n has:
// some servers give all calls the index 0.
func (n *node) isAnother(c rawjson.Cursor) bool {
	for i := range n.kids {
		if n.kids[i].name == "id" {
			id := member(c, "id")
			return len(id) > 2 && len(n.kids[i].node.buf) > 2 && !bytes.Equal(id, n.kids[i].node.buf)
		}
	}
	return false
}

// mergeElement merges an element that has an index, which was for the stream only.
func (n *node) mergeElement(c *rawjson.Cursor, grow bool) {
	n.kind = objectNode
	for ok := c.Enter(); ok; ok = c.Next() {
		name := c.Name()
		if string(name) == "index" {
			c.Take()
			continue
		}
		n.kid(name).merge(c, name, grow)
	}
}

// indexOf returns the index member of the object at the cursor, which is a copy.
func indexOf(c rawjson.Cursor) (index int64, ok bool) {
	return rawjson.Int(member(c, "index"))
}

// member returns a member of the object at the cursor, which is a copy; nil for none.
func member(c rawjson.Cursor, name string) []byte {
	if c.Kind() != rawjson.ObjectKind {
		return nil
	}
	for more := c.Enter(); more; more = c.Next() {
		if string(c.Name()) == name {
			return c.Take()
		}
		c.Take()
	}
	return nil
}

// append writes the value as JSON.
func (n *node) append(dst []byte) []byte {
	switch n.kind {
	case textNode:
		return append(append(append(dst, '"'), n.buf...), '"')
	case listNode:
		return append(append(append(dst, '['), n.buf...), ']')
	case objectNode:
		dst = append(dst, '{')
		for i := range n.kids {
			dst = appendMember(dst, &n.kids[i])
		}
		return append(dst, '}')
	case indexedNode, partsNode:
		dst = append(dst, '[')
		for i := range n.kids {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = n.kids[i].node.append(dst)
		}
		return append(dst, ']')
	case rawNode:
		return append(dst, n.buf...)
	default:
		return append(dst, "null"...)
	}
}
