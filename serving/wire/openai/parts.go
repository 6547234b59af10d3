package openai

import (
	"bytes"

	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// hasParts reports whether a list of that name is made of parts: a message's content, and the
// thoughts in it as Mistral's and Databricks' APIs have them.
func hasParts(name []byte) bool {
	switch string(name) {
	case "content", "thinking", "summary":
		return true
	}
	return false
}

// grows reports whether a part of that type, in quotes, comes in pieces.
func grows(kind []byte) bool {
	switch string(kind) {
	case `"text"`, `"output_text"`, `"thinking"`, `"reasoning"`, `"summary_text"`:
		return true
	}
	return false
}

// takesParts makes n a list of parts, where it can become one. Text so far is its first part.
func (n *node) takesParts() bool {
	switch {
	case n.isNothing():
		n.kind, n.buf = partsNode, nil
	case n.kind == textNode:
		text := n.buf
		n.kind, n.buf = partsNode, nil
		n.addInner(text)
	}
	return n.kind == partsNode
}

// addParts adds the elements of the array at the cursor, each to the last part where it goes on
// with that.
func (n *node) addParts(c *rawjson.Cursor, grow bool) {
	for ok := c.Enter(); ok; ok = c.Next() {
		if c.Kind() != rawjson.ObjectKind {
			n.kids = append(n.kids, kid{})
			n.kids[len(n.kids)-1].node.replace(c.Take())
			continue
		}
		part := n.part(member(*c, "type"))
		for ok := c.Enter(); ok; ok = c.Next() {
			name := c.Name()
			part.kid(name).merge(c, name, grow)
		}
	}
}

// part returns the part that a piece of that type belongs to: the last one, or a new one.
func (n *node) part(kind []byte) *node {
	if k := len(n.kids); k > 0 && grows(kind) {
		last := &n.kids[k-1].node
		if last.kind == objectNode && bytes.Equal(last.kid([]byte("type")).buf, kind) {
			return last
		}
	}
	n.kids = append(n.kids, kid{})
	last := &n.kids[len(n.kids)-1].node
	last.kind = objectNode
	if len(kind) > 0 {
		last.kid([]byte("type")).replace(kind)
	}
	return last
}
