package openai

import (
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// Answer is what lakegate needs of a whole answer.
type Answer struct {
	Model    string // as the provider names it, "" when it does not
	Usage    inference.Usage
	HasUsage bool
	// OutputChars counts the characters of the answer's text, nil when it has none.
	OutputChars *int64
}

// ParseAnswer checks that b is a JSON object and reads it. Answers of unknown shape give an empty
// Answer, which is no error; the error is a *rawjson.SyntaxError.
func ParseAnswer(b []byte) (Answer, error) {
	var a Answer
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

// ProviderError is an error body of a provider, as far as it can be told.
type ProviderError struct {
	Message string
	Code    string // the provider's own word for it, "" for none
	// OpenAIShaped: the body is {"error": {"message": ...}} and can be passed on to OpenAI's SDKs.
	OpenAIShaped bool
}

// ParseError reads the JSON error body of a provider: OpenAI's shape, or a message, error, detail
// or error_message at the top, as others write it. It returns false when b is not a JSON object.
func ParseError(b []byte) (ProviderError, bool) {
	var o rawjson.Object
	var e ProviderError
	if o.Parse(b, MaxDepth) != nil {
		return e, false
	}
	for i := range o.Len() {
		v, kind := o.Value(i), o.Kind(i)
		switch string(o.Name(i)) {
		case "error":
			if kind == rawjson.ObjectKind {
				e.readInner(v)
				continue
			}
			e.keepMessage(kind, v)
		case "message", "detail", "error_message", "error_msg":
			e.keepMessage(kind, v)
		case "error_code", "code", "type":
			e.keepCode(kind, v)
		}
	}
	return e, true
}

func (e *ProviderError) readInner(object []byte) {
	rawjson.Members(object, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "message":
			if k == rawjson.String {
				e.Message, e.OpenAIShaped = rawjson.Unquote(v), true
			}
		case "code":
			if k == rawjson.String {
				e.Code = "" // code says more than type, whichever comes first
			}
			e.keepCode(k, v)
		case "type":
			e.keepCode(k, v)
		}
		return true
	})
}

func (e *ProviderError) keepMessage(k rawjson.Kind, v []byte) {
	if e.Message == "" && k == rawjson.String {
		e.Message = rawjson.Unquote(v)
	}
}

func (e *ProviderError) keepCode(k rawjson.Kind, v []byte) {
	if e.Code == "" && k == rawjson.String {
		e.Code = rawjson.Unquote(v)
	}
}
