// Package fields reads the members of a client's JSON body, path by path.
//
// A Reader keeps the first thing that was wrong, naming the field, and reads on no further after it;
// and it keeps what it is told the common form can't say. It copies only what it returns as a string
// or a number: everything else is a part of the body, which must not change meanwhile. A Reader is for
// one body and one goroutine.
package fields

import (
	"encoding/json"
	"strconv"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// Reader is what came of reading so far.
type Reader struct {
	Err  *apierr.Error // the first fault, nil for none
	Rest []chat.Loss   // what can't be said in another format
}

// Lose notes a field that the common form can't say.
func (r *Reader) Lose(path, why string) {
	if path == "" {
		path = `""` // a member without a name
	}
	r.Rest = append(r.Rest, chat.Loss{Field: path, Why: why})
}

// Refuse notes a fault of the field at path, unless there is one already.
func (r *Reader) Refuse(path, format string, args ...any) {
	if r.Err == nil {
		r.Err = apierr.New(apierr.InvalidParameter, format, args...).At(path)
	}
}

// Wrong notes a field that is not what it must be.
func (r *Reader) Wrong(path, expected string, k rawjson.Kind) {
	r.Refuse(path, "field %q must be %s, not %s", path, expected, k)
}

// Body calls each for the members of the object that a body must be, those that are null left out. false:
// there was a fault.
func (r *Reader) Body(body []byte, each func(name string, k rawjson.Kind, v []byte)) bool {
	var o rawjson.Object
	if err := o.Parse(body, wire.MaxDepth); err != nil {
		r.Err = apierr.New(apierr.BadRequest, "the request body must be a JSON object in UTF-8, at most %d levels deep: %v", wire.MaxDepth, err)
		return false
	}
	for i := 0; i < o.Len() && r.Err == nil; i++ {
		if k := o.Kind(i); k != rawjson.Null {
			each(string(o.Name(i)), k, o.Value(i))
		}
	}
	return r.Err == nil
}

// Members calls each for the members of an object that are not null.
func (r *Reader) Members(path string, object []byte, each func(name string, k rawjson.Kind, v []byte)) {
	c := rawjson.Walk(object)
	if k := c.Kind(); k != rawjson.ObjectKind {
		r.Wrong(path, "an object", k)
		return
	}
	rawjson.Members(object, func(name []byte, k rawjson.Kind, v []byte) bool {
		if k != rawjson.Null {
			each(string(name), k, v)
		}
		return r.Err == nil
	})
}

// Each calls each for the elements of an array, by number.
func (r *Reader) Each(path string, array []byte, each func(i int, k rawjson.Kind, v []byte)) {
	c := rawjson.Walk(array)
	if k := c.Kind(); k != rawjson.Array {
		r.Wrong(path, "an array", k)
		return
	}
	i := 0
	for ok := c.Enter(); ok && r.Err == nil; ok = c.Next() {
		k := c.Kind()
		each(i, k, c.Take())
		i++
	}
}

// Elements calls each for the elements of an array, by path.
func (r *Reader) Elements(path string, array []byte, each func(path string, k rawjson.Kind, v []byte)) {
	r.Each(path, array, func(i int, k rawjson.Kind, v []byte) { each(At(path, i), k, v) })
}

// At is the path of an array's element.
func At(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// Text reads a string.
func (r *Reader) Text(path string, k rawjson.Kind, v []byte) string {
	if k != rawjson.String {
		r.Wrong(path, "a string", k)
		return ""
	}
	return rawjson.Unquote(v)
}

// Texts reads a list of strings, never nil.
func (r *Reader) Texts(path string, array []byte) []string {
	list := []string{}
	r.Elements(path, array, func(path string, k rawjson.Kind, v []byte) {
		list = append(list, r.Text(path, k, v))
	})
	return list
}

// Flag reads true or false.
func (r *Reader) Flag(path string, k rawjson.Kind) bool {
	if k != rawjson.True && k != rawjson.False {
		r.Wrong(path, "true or false", k)
	}
	return k == rawjson.True
}

// Number reads a number as it is written.
func (r *Reader) Number(path string, k rawjson.Kind, v []byte) json.Number {
	if k != rawjson.Number {
		r.Wrong(path, "a number", k)
		return ""
	}
	return json.Number(v)
}

// NonZero reads a number of which 0 is as good as none: that is "".
func (r *Reader) NonZero(path string, k rawjson.Kind, v []byte) json.Number {
	n := r.Number(path, k, v)
	if IsZero(n) {
		return ""
	}
	return n
}

// Whole reads a number without a fraction that is not below least.
func (r *Reader) Whole(path string, k rawjson.Kind, v []byte, least int64) int64 {
	n, ok := rawjson.Int(v)
	switch {
	case k != rawjson.Number:
		r.Wrong(path, "a whole number", k)
	case !ok:
		r.Refuse(path, "field %q must be a whole number, not %s", path, v)
	case n < least:
		r.Refuse(path, "field %q must be at least %d, not %d", path, least, n)
	}
	return n
}

// Object checks that a value is an object and returns it as it is.
func (r *Reader) Object(path string, k rawjson.Kind, v []byte) json.RawMessage {
	if k != rawjson.ObjectKind {
		r.Wrong(path, "an object", k)
		return nil
	}
	return v
}

// IsZero reports whether a number is 0, however it is written.
func IsZero(n json.Number) bool {
	x, err := n.Float64()
	return err == nil && x == 0
}

// IsEmpty reports whether v is an array or object that has nothing in it.
func IsEmpty(v []byte) bool {
	c := rawjson.Walk(v)
	k := c.Kind()
	return (k == rawjson.Array || k == rawjson.ObjectKind) && !c.Enter()
}
