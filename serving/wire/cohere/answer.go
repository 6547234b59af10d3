package cohere

import (
	"bytes"

	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// ParseAnswer reads a whole answer of a chat. Cohere's answers name no model.
func ParseAnswer(body []byte) (wire.Answer, error) {
	var a wire.Answer
	var o rawjson.Object
	if err := o.Parse(body, maxDepth); err != nil {
		return a, err
	}
	for i := range o.Len() {
		v, kind := o.Value(i), o.Kind(i)
		switch string(o.Name(i)) {
		case "usage":
			a.Usage, a.HasUsage = ParseUsage(v)
		case "message":
			a.OutputChars = messageChars(v)
			a.Failed = a.Failed || kind == rawjson.String // an error's text
		case "finish_reason":
			a.Failed = a.Failed || isFailure(v)
		}
	}
	return a, nil
}

// isFailure reports whether a quoted finish_reason says that the model came to no answer.
func isFailure(reason []byte) bool {
	return bytes.Equal(reason, []byte(`"ERROR"`)) || bytes.Equal(reason, []byte(`"TIMEOUT"`))
}

// messageChars counts the text of a message: its content, and its plan before calls of tools.
func messageChars(message []byte) *int64 {
	var n int64
	isObject := rawjson.Members(message, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "tool_plan":
			n += rawjson.Chars(v)
		case "content":
			n += contentChars(v)
		}
		return true
	})
	if !isObject {
		return nil
	}
	return &n
}

// contentChars counts the text of a content: a string, or the text parts of a list.
func contentChars(content []byte) (n int64) {
	if len(content) > 0 && content[0] == '"' {
		return rawjson.Chars(content)
	}
	elements(content, func(part []byte) { n += rawjson.Chars(get(part, "text")) })
	return n
}

// chatChars counts the characters of text in a request for a chat.
func chatChars(body []byte) *int64 {
	messages := get(bytes.TrimSpace(body), "messages")
	if len(messages) == 0 || messages[0] != '[' {
		return nil
	}
	var n int64
	elements(messages, func(m []byte) { n += contentChars(get(m, "content")) })
	return &n
}
