package gemini

import (
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// inputChars counts the text of a request's contents and of its system instruction, nil when it
// has neither.
func inputChars(body []byte) *int64 {
	var o rawjson.Object
	if o.Parse(body, wire.MaxDepth) != nil {
		return nil
	}
	var n int64
	found := false
	for i := range o.Len() {
		switch string(o.Name(i)) {
		case "contents", "systemInstruction", "system_instruction":
			found = true
			n += contentChars(o.Value(i))
		}
	}
	if !found {
		return nil
	}
	return &n
}

// contentChars counts the text of a content or a list of them.
func contentChars(v []byte) int64 {
	var n int64
	each(v, func(content []byte) {
		rawjson.Members(content, func(name []byte, _ rawjson.Kind, v []byte) bool {
			if string(name) == "parts" {
				each(v, func(part []byte) { n += textChars(part) })
			}
			return true
		})
	})
	return n
}

func textChars(part []byte) (n int64) {
	rawjson.Members(part, func(name []byte, k rawjson.Kind, v []byte) bool {
		if string(name) == "text" && k == rawjson.String {
			n += rawjson.Chars(v)
		}
		return true
	})
	return n
}

// each calls f for each element of a list. What is no list counts as its only element, as it does
// with Google.
func each(v []byte, f func(element []byte)) {
	c := rawjson.Walk(v)
	if c.Kind() != rawjson.Array {
		f(v)
		return
	}
	for ok := c.Enter(); ok; ok = c.Next() {
		f(c.Take())
	}
}
