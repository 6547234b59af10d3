package gemini

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// functionCall is a functionCall object, by its bytes; strings have their quotes.
type functionCall struct {
	id, name, args []byte
	partial        []byte // partialArgs, a list
	more           bool   // willContinue
}

func readCall(object []byte) functionCall {
	var f functionCall
	rawjson.Members(object, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "id":
			f.id = v
		case "name":
			if k == rawjson.String && len(v) > 2 {
				f.name = v
			}
		case "args":
			if k == rawjson.ObjectKind {
				f.args = v
			}
		case "partialArgs":
			if k == rawjson.Array {
				f.partial = v
			}
		case "willContinue":
			f.more = k == rawjson.True
		}
		return true
	})
	return f
}

// openCall is a call whose arguments come in pieces, as Vertex AI sends them when asked for
// streamFunctionCallArguments: each piece says by a JSON path where it belongs.
type openCall struct {
	id, name []byte
	args     argument
	open     bool // more is to come
}

func newCall(f functionCall) *openCall {
	c := &openCall{id: bytes.Clone(f.id), name: bytes.Clone(f.name)}
	c.args.kind = rawjson.ObjectKind
	c.add(f)
	return c
}

// add takes the next piece. One that says neither willContinue nor anything else ends the call.
func (c *openCall) add(f functionCall) {
	c.open = f.more
	if f.args != nil {
		rawjson.Members(f.args, func(name []byte, _ rawjson.Kind, v []byte) bool {
			c.args.kid(unescape(name)).set(v)
			return true
		})
	}
	if f.partial == nil {
		return
	}
	w := rawjson.Walk(f.partial)
	for ok := w.Enter(); ok; ok = w.Next() {
		c.addPartial(w.Take())
	}
}

// addPartial puts a PartialArg where its path says. Paths that can't be are left out.
func (c *openCall) addPartial(object []byte) {
	var path, v []byte
	more := false
	rawjson.Members(object, func(name []byte, k rawjson.Kind, value []byte) bool {
		switch string(name) {
		case "jsonPath":
			path = value
		case "stringValue", "numberValue", "boolValue":
			v = value
		case "nullValue":
			v = []byte("null")
		case "willContinue":
			more = k == rawjson.True
		}
		return true
	})
	at := c.args.find(rawjson.Unquote(path))
	if at == nil || v == nil {
		return
	}
	if v[0] == '"' && at.growing && at.kind == rawjson.String {
		at.raw = append(append(at.raw[:len(at.raw)-1], v[1:len(v)-1]...), '"')
	} else {
		at.set(v)
	}
	at.growing = more
}

func (c *openCall) append(dst []byte) []byte {
	dst = append(dst, '{')
	if c.id != nil {
		dst = append(append(dst, `"id":`...), c.id...)
	}
	if c.name != nil {
		dst = append(append(comma(dst), `"name":`...), c.name...)
	}
	dst = append(comma(dst), `"args":`...)
	return append(c.args.append(dst), '}')
}

// argument is a JSON value that is put together.
type argument struct {
	name    string // where it is a member of an object
	kind    rawjson.Kind
	raw     []byte // of what is neither array nor object
	kids    []argument
	growing bool // a string of which there is more to come
}

func (a *argument) set(v []byte) {
	c := rawjson.Walk(v)
	a.kind, a.raw, a.kids = c.Kind(), append(a.raw[:0], v...), nil
	if a.kind == rawjson.ObjectKind || a.kind == rawjson.Array {
		a.kind = rawjson.Invalid // whole: it does not grow
	}
}

func (a *argument) kid(name string) *argument {
	a.become(rawjson.ObjectKind)
	for i := range a.kids {
		if a.kids[i].name == name {
			return &a.kids[i]
		}
	}
	a.kids = append(a.kids, argument{name: name})
	return &a.kids[len(a.kids)-1]
}

func (a *argument) become(k rawjson.Kind) {
	if a.kind != k {
		a.kind, a.raw, a.kids = k, nil, nil
	}
}

// element returns element i, which is there or the next; nil for others.
func (a *argument) element(i int) *argument {
	a.become(rawjson.Array)
	if i > len(a.kids) {
		return nil
	}
	if i == len(a.kids) {
		a.kids = append(a.kids, argument{})
	}
	return &a.kids[i]
}

// maxSteps bounds how deep paths go.
const maxSteps = 64

// find returns the value at a path such as $.recipe.steps[0] or $['a b'], made where there is
// none, or nil when the path can't be read.
func (a *argument) find(path string) *argument {
	path, ok := strings.CutPrefix(path, "$")
	if !ok {
		return nil
	}
	for steps := 0; path != ""; steps++ {
		if steps == maxSteps {
			return nil
		}
		var name string
		if name, path, ok = cutName(path); ok {
			a = a.kid(name)
			continue
		}
		var index int
		if index, path, ok = cutIndex(path); !ok {
			return nil
		}
		if a = a.element(index); a == nil {
			return nil
		}
	}
	return a
}

// cutName cuts .name, ['name'] or ["name"] off a path.
func cutName(path string) (name, rest string, ok bool) {
	if path[0] == '.' {
		end := strings.IndexAny(path[1:], ".[")
		if end < 0 {
			end = len(path) - 1
		}
		return path[1 : 1+end], path[1+end:], end > 0
	}
	if len(path) < 2 || path[1] != '\'' && path[1] != '"' {
		return "", path, false
	}
	name, rest, ok = strings.Cut(path[2:], path[1:2]+"]")
	if !ok {
		return "", path, false
	}
	return name, rest, true
}

// cutIndex cuts [0] off a path.
func cutIndex(path string) (index int, rest string, ok bool) {
	inner, rest, ok := strings.Cut(strings.TrimPrefix(path, "["), "]")
	index, err := strconv.Atoi(inner)
	return index, rest, ok && path[0] == '[' && err == nil && index >= 0
}

func (a *argument) append(dst []byte) []byte {
	switch a.kind {
	case rawjson.ObjectKind:
		dst = append(dst, '{')
		for i := range a.kids {
			dst = append(rawjson.AppendQuoted(comma(dst), a.kids[i].name), ':')
			dst = a.kids[i].append(dst)
		}
		return append(dst, '}')
	case rawjson.Array:
		dst = append(dst, '[')
		for i := range a.kids {
			dst = a.kids[i].append(comma(dst))
		}
		return append(dst, ']')
	}
	if a.raw == nil {
		return append(dst, "null"...)
	}
	return append(dst, a.raw...)
}

// unescape turns a member's name as it was written into its text.
func unescape(name []byte) string {
	return rawjson.Unquote(append(append([]byte{'"'}, name...), '"'))
}
