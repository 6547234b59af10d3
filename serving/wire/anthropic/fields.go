package anthropic

import (
	"encoding/json"
	"fmt"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// fields reads the members of a client's body. It keeps the first thing that was wrong, and all
// that the common form can't say.
type fields struct {
	err  *apierr.Error
	rest []chat.Loss
}

const onlyHere = "only Anthropic's API has it"

func (f *fields) lose(path, why string, args ...any) {
	if len(args) > 0 {
		why = fmt.Sprintf(why, args...)
	}
	if path == "" {
		path = `""` // a member without a name
	}
	f.rest = append(f.rest, chat.Loss{Field: path, Why: why})
}

// loseUnless notes a member as lost, unless its value says nothing: false, or nothing in brackets.
func (f *fields) loseUnless(path string, k rawjson.Kind, v []byte) {
	if k != rawjson.False && !isEmpty(k, v) {
		f.lose(path, onlyHere)
	}
}

func isEmpty(k rawjson.Kind, v []byte) bool {
	c := rawjson.Walk(v)
	return (k == rawjson.Array || k == rawjson.ObjectKind) && !c.Enter()
}

func (f *fields) refuse(path, format string, args ...any) {
	if f.err == nil {
		f.err = apierr.New(apierr.InvalidParameter, format, args...).At(path)
	}
}

func (f *fields) wrong(path, expected string, k rawjson.Kind) {
	f.refuse(path, "field %q must be %s, not %s", path, expected, k)
}

// members calls each for the members of an object whose values are not null.
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
func (f *fields) elements(path string, array []byte, each func(path string, v []byte)) {
	c := rawjson.Walk(array)
	if k := c.Kind(); k != rawjson.Array {
		f.wrong(path, "an array", k)
		return
	}
	i := 0
	for ok := c.Enter(); ok && f.err == nil; ok = c.Next() {
		each(fmt.Sprintf("%s[%d]", path, i), c.Take())
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

func (f *fields) whole(path string, k rawjson.Kind, v []byte) *int64 {
	n, ok := rawjson.Int(v)
	switch {
	case k != rawjson.Number:
		f.wrong(path, "a whole number", k)
	case !ok || n < 0:
		f.refuse(path, "field %q must be a whole number that is not negative, not %s", path, v)
	}
	return &n
}

// choice returns the type member of an object, which says what its other members are.
func (f *fields) choice(path string, object []byte) string {
	c := rawjson.Walk(object)
	if k := c.Kind(); k != rawjson.ObjectKind {
		f.wrong(path, "an object", k)
		return ""
	}
	v := memberOf(object, "type")
	if len(v) == 0 || v[0] != '"' {
		f.refuse(path+".type", "%s has no type", path)
		return ""
	}
	return rawjson.Unquote(v)
}
