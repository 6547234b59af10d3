package gemini

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// field is a member of an object of the client's: its name in camel case, where it is in the
// body as the client wrote it, and its value, which is not null.
type field struct {
	name string
	at   string
	kind rawjson.Kind
	raw  []byte
}

// reader reads a request. The first fault ends it.
type reader struct {
	lost []chat.Loss
	err  *apierr.Error
}

func (d *reader) fail(at, format string, args ...any) {
	if d.err == nil {
		d.err = apierr.New(apierr.InvalidParameter, at+" "+format, args...).At(at)
	}
}

// lose notes what the common form can't say.
func (d *reader) lose(at, why string) { d.lost = append(d.lost, chat.Loss{Field: at, Why: why}) }

// unknown loses a field that no other format has.
func (d *reader) unknown(f field) { d.lose(f.at, "other APIs have nothing for it") }

// fields calls f for each member of an object that is not null.
func (d *reader) fields(at string, object []byte, f func(field)) {
	isObject := rawjson.Members(object, func(name []byte, k rawjson.Kind, v []byte) bool {
		if k != rawjson.Null {
			path := string(name)
			if at != "" {
				path = at + "." + path
			}
			f(field{camel(name), path, k, v})
		}
		return d.err == nil
	})
	if !isObject {
		d.fail(at, "must be an object, not %s", kindOf(object))
	}
}

// elements calls f for each element of a list; one object counts as a list of it, as with Google.
func (d *reader) elements(f field, each func(at string, raw []byte)) {
	switch f.kind {
	case rawjson.Array:
		i := 0
		c := rawjson.Walk(f.raw)
		for ok := c.Enter(); ok && d.err == nil; ok = c.Next() {
			each(fmt.Sprintf("%s[%d]", f.at, i), c.Take())
			i++
		}
	case rawjson.ObjectKind:
		each(f.at, f.raw)
	default:
		d.fail(f.at, "must be a list of objects, not %s", f.kind)
	}
}

func (d *reader) text(f field) string {
	if f.kind != rawjson.String {
		d.fail(f.at, "must be a string, not %s", f.kind)
		return ""
	}
	return rawjson.Unquote(f.raw)
}

func (d *reader) texts(f field) []string {
	if f.kind != rawjson.Array {
		d.fail(f.at, "must be a list of strings, not %s", f.kind)
		return nil
	}
	var all []string
	d.elements(f, func(at string, raw []byte) {
		all = append(all, d.text(field{at: at, kind: kindOf(raw), raw: raw}))
	})
	return all
}

func (d *reader) flag(f field) bool {
	if f.kind != rawjson.True && f.kind != rawjson.False {
		d.fail(f.at, "must be a boolean, not %s", f.kind)
	}
	return f.kind == rawjson.True
}

// number takes a number, or a string that holds one, as Google does.
func (d *reader) number(f field) json.Number {
	raw := f.raw
	if f.kind == rawjson.String {
		raw = []byte(rawjson.Unquote(raw))
	}
	if kindOf(raw) != rawjson.Number || !json.Valid(raw) {
		d.fail(f.at, "must be a number, not %s", f.kind)
		return ""
	}
	return json.Number(raw)
}

func (d *reader) integer(f field) *int64 {
	number := d.number(f)
	n, ok := rawjson.Int([]byte(number))
	if !ok && d.err == nil {
		d.fail(f.at, "must be a whole number, not %s", number)
	}
	return &n
}

// standardBase64 turns the alphabet for URLs, which Google takes too and its SDKs send, into the
// standard one, and pads it.
func standardBase64(s string) string {
	if strings.ContainsAny(s, "-_") {
		s = strings.NewReplacer("-", "+", "_", "/").Replace(s)
	}
	if n := len(s) % 4; n > 1 {
		s += "=="[:4-n]
	}
	return s
}

// compact returns a copy of a JSON value without the space between its tokens.
func compact(v []byte) []byte {
	var b bytes.Buffer
	if json.Compact(&b, v) != nil {
		return bytes.Clone(v)
	}
	return b.Bytes()
}
