package cohere

import (
	"encoding/json"
	"strconv"

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

const cohereOnly = "only Cohere's API has it"

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

// body reads the members at the top that are not null.
func (f *fields) body(body []byte, each func(name string, k rawjson.Kind, v []byte)) bool {
	var o rawjson.Object
	if err := o.Parse(body, maxDepth); err != nil {
		f.err = apierr.New(apierr.BadRequest, "the request body must be a JSON object in UTF-8, at most %d levels deep: %v", maxDepth, err)
		return false
	}
	for i := 0; i < o.Len() && f.err == nil; i++ {
		if k := o.Kind(i); k != rawjson.Null {
			each(string(o.Name(i)), k, o.Value(i))
		}
	}
	return f.err == nil
}

// members calls each for the members of an object that are not null.
func (f *fields) members(path string, k rawjson.Kind, object []byte, each func(name string, k rawjson.Kind, v []byte)) {
	if k != rawjson.ObjectKind {
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
func (f *fields) elements(path string, k rawjson.Kind, array []byte, each func(path string, k rawjson.Kind, v []byte)) {
	if k != rawjson.Array {
		f.wrong(path, "an array", k)
		return
	}
	i := 0
	c := rawjson.Walk(array)
	for ok := c.Enter(); ok && f.err == nil; ok = c.Next() {
		k := c.Kind()
		each(path+"["+strconv.Itoa(i)+"]", k, c.Take())
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

// nonZero reads a number of which 0 is as good as none.
func (f *fields) nonZero(path string, k rawjson.Kind, v []byte) json.Number {
	n := f.number(path, k, v)
	if x, err := n.Float64(); err != nil || x == 0 {
		return ""
	}
	return n
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

// strings reads a list of strings.
func (f *fields) strings(path string, k rawjson.Kind, v []byte) []string {
	list := []string{}
	f.elements(path, k, v, func(path string, k rawjson.Kind, v []byte) {
		list = append(list, f.text(path, k, v))
	})
	return list
}
