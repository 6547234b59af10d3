package cache

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// FuzzKey: white space never matters, and a body that is valid has a key.
func FuzzKey(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"b":[1,{"d":2,"c":"\u0041"}],"a":{}}`, ` {"a":[[],[{}]],"a":null} `, `{"model":{"x":[1]},"z":-1e5,"y":"}]"}`, `{"":"","\"":"\\"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var o rawjson.Object
		if o.Parse(body, 256) != nil {
			return
		}
		key, ok := (&Question{Body: body}).Key()
		if !ok {
			t.Fatalf("no key for %q", body)
		}
		for name, format := range map[string]func(*bytes.Buffer) error{
			"compact":  func(b *bytes.Buffer) error { return json.Compact(b, body) },
			"indented": func(b *bytes.Buffer) error { return json.Indent(b, body, " ", "\t") },
		} {
			var b bytes.Buffer
			if format(&b) != nil {
				return // encoding/json is stricter in places
			}
			if other, ok := (&Question{Body: b.Bytes()}).Key(); !ok || other != key {
				t.Errorf("%s, %q has another key than %q", name, b.Bytes(), body)
			}
		}
	})
}
