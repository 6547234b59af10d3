package openai

import (
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// ParseAnswer checks that b is a JSON object and reads it. Answers of unknown shape give an empty
// Answer, which is no error; the error is a *rawjson.SyntaxError.
func ParseAnswer(b []byte) (wire.Answer, error) {
	var a wire.Answer
	var o rawjson.Object
	if err := o.Parse(b, MaxDepth); err != nil {
		return a, err
	}
	for i := range o.Len() {
		v, kind := o.Value(i), o.Kind(i)
		switch string(o.Name(i)) {
		case "model":
			if kind == rawjson.String {
				a.Model = rawjson.Unquote(v)
			}
		case "usage":
			a.Usage, a.HasUsage = ParseUsage(v)
		case "choices":
			a.OutputChars = choicesChars(v)
		}
	}
	return a, nil
}

// choicesChars counts the text of all choices: content of messages, or text of completions.
func choicesChars(choices []byte) *int64 {
	var n int64
	found := false
	c := rawjson.Walk(choices)
	for ok := c.Enter(); ok; ok = c.Next() {
		for ok := c.Enter(); ok; ok = c.Next() {
			switch name := c.Name(); {
			case string(name) == "message" && c.Kind() == rawjson.ObjectKind:
				n, found = n+memberChars(&c, "content"), true
			case string(name) == "text" && c.Kind() == rawjson.String:
				n, found = n+c.TakeChars(), true
			default:
				c.Take()
			}
		}
	}
	if !found {
		return nil
	}
	return &n
}
