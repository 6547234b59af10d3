package openai

import (
	"encoding/json"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// fields reads the members of a client's body. It keeps the first thing that was wrong, and what
// it did not understand.
type fields struct {
	err  *apierr.Error
	rest []chat.Loss
}

const notUnderstood = "it can't be said in another API's format"

// lose notes a field that the common form can't say.
func (f *fields) lose(path, why string) {
	f.rest = append(f.rest, chat.Loss{Field: path, Why: why})
}

// wrong notes a field that is not what it must be.
func (f *fields) wrong(path, expected string, k rawjson.Kind) {
	f.refuse(path, "field %q must be %s, not %s", path, expected, k)
}

func (f *fields) refuse(path, format string, args ...any) {
	if f.err == nil {
		f.err = apierr.New(apierr.InvalidParameter, format, args...).At(path)
	}
}

// members calls each for the members of an object that are not null.
func (f *fields) members(path string, object []byte, each func(name string, k rawjson.Kind, v []byte)) {
	c := rawjson.Walk(object)
	if k := c.Kind(); k != rawjson.ObjectKind {
		f.wrong(path, "an object", k)
		return
	}
	rawjson.Members(object, func(name []byte, k rawjson.Kind, v []byte) bool {
		if k != rawjson.Null {
			each(string(name), k, v)
		}
		return f.err == nil
	})
}

// elements calls each for the elements of an array.
func (f *fields) elements(path string, array []byte, each func(i int, k rawjson.Kind, v []byte)) {
	c := rawjson.Walk(array)
	if k := c.Kind(); k != rawjson.Array {
		f.wrong(path, "an array", k)
		return
	}
	i := 0
	for ok := c.Enter(); ok && f.err == nil; ok = c.Next() {
		k := c.Kind()
		each(i, k, c.Take())
		i++
	}
}

func (f *fields) text(path string, k rawjson.Kind, v []byte) string {
	if k != rawjson.String {
		f.wrong(path, "a string", k)
		return ""
	}
	return rawjson.Unquote(v)
}

func (f *fields) flag(path string, k rawjson.Kind) bool {
	if k != rawjson.True && k != rawjson.False {
		f.wrong(path, "true or false", k)
	}
	return k == rawjson.True
}

func (f *fields) number(path string, k rawjson.Kind, v []byte) json.Number {
	if k != rawjson.Number {
		f.wrong(path, "a number", k)
		return ""
	}
	return json.Number(v)
}

// whole reads a number without a fraction that is not below least.
func (f *fields) whole(path string, k rawjson.Kind, v []byte, least int64) int64 {
	n, ok := rawjson.Int(v)
	switch {
	case k != rawjson.Number:
		f.wrong(path, "a whole number", k)
	case !ok:
		f.refuse(path, "field %q must be a whole number, not %s", path, v)
	case n < least:
		f.refuse(path, "field %q must be at least %d, not %d", path, least, n)
	}
	return n
}

// object checks that a value is an object and returns it as it is.
func (f *fields) object(path string, k rawjson.Kind, v []byte) json.RawMessage {
	if k != rawjson.ObjectKind {
		f.wrong(path, "an object", k)
		return nil
	}
	return v
}

// isZero reports whether a number is 0, however it is written.
func isZero(n json.Number) bool {
	x, err := n.Float64()
	return err == nil && x == 0
}

// isEmpty reports whether an array or object has nothing in it.
func isEmpty(v []byte) bool {
	c := rawjson.Walk(v)
	return !c.Enter()
}
