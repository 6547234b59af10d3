package openai

import (
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// ParseAnswer checks that b is a JSON object and reads it. Answers of unknown shape give an empty
// Answer, which is no error; the error is a *rawjson.SyntaxError.
func ParseAnswer(b []byte) (wire.Answer, error) {
	return parseAnswer(b, ParseUsage, nothing)
}

func nothing(*wire.Answer, string, []byte) {}

// parseAnswer reads an answer whose usage is read by usage; more is given what else there is.
func parseAnswer(b []byte, usage func([]byte) (inference.Usage, bool), more func(a *wire.Answer, name string, v []byte)) (wire.Answer, error) {
	var a wire.Answer
	var o rawjson.Object
	if err := o.Parse(b, MaxDepth); err != nil {
		return a, err
	}
	tier := ""
	for i := range o.Len() {
		v, kind := o.Value(i), o.Kind(i)
		switch name := string(o.Name(i)); name {
		case "model":
			if kind == rawjson.String {
				a.Model = rawjson.Unquote(v)
			}
		case "usage":
			a.Usage, a.HasUsage = usage(v)
		case "service_tier":
			if kind == rawjson.String {
				tier = rawjson.Unquote(v)
			}
		case "choices":
			a.OutputChars = choicesChars(v)
		case "messages":
			a.OutputChars = messagesChars(v)
		case "error":
			a.Failed = kind == rawjson.ObjectKind || kind == rawjson.String
		default:
			more(&a, name, v)
		}
	}
	a.Failed = a.Failed && a.OutputChars == nil
	if a.Usage.ServiceTier == "" {
		a.Usage.ServiceTier = tier
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
