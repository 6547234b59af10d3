package bedrock

import (
	"unicode/utf8"

	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// ParseAnswer reads a ConverseResponse. It names no model, but for calls that a prompt router
// passed on.
func ParseAnswer(body []byte) (wire.Answer, error) {
	var a wire.Answer
	var o rawjson.Object
	if err := o.Parse(body, maxDepth); err != nil {
		return a, err
	}
	hasOutput, isError := false, false
	tier := ""
	for i := range o.Len() {
		v, kind := o.Value(i), o.Kind(i)
		switch string(o.Name(i)) {
		case "output":
			hasOutput = kind == rawjson.ObjectKind
			a.OutputChars = outputChars(v)
		case "usage":
			a.Usage, a.HasUsage = ParseUsage(v)
		case "serviceTier":
			tier = text(get(v, "type"))
		case "trace":
			a.Model = routedModel(v)
		case "message", "Output", "__type":
			isError = true
		}
	}
	a.Failed = isError && !hasOutput
	if a.HasUsage {
		a.Usage.ServiceTier = tier
	}
	return a, nil
}

// outputChars counts the text blocks of output.message.content, and the input of the tool that JSON
// output was asked for with, which is the text that the client gets.
func outputChars(output []byte) *int64 {
	var n int64
	content := get(get(output, "message"), "content")
	c := rawjson.Walk(content)
	if c.Kind() != rawjson.Array {
		return nil
	}
	for ok := c.Enter(); ok; ok = c.Next() {
		block := c.Take()
		n += rawjson.Chars(get(block, "text"))
		if tool := get(block, "toolUse"); tool != nil && text(get(tool, "name")) == jsonTool {
			n += int64(utf8.RuneCount(get(tool, "input")))
		}
		inner := rawjson.Walk(get(get(block, "citationsContent"), "content"))
		if inner.Kind() != rawjson.Array {
			continue
		}
		for ok := inner.Enter(); ok; ok = inner.Next() {
			n += rawjson.Chars(get(inner.Take(), "text"))
		}
	}
	return &n
}

// routedModel returns the model that a prompt router chose, from a trace.
func routedModel(trace []byte) string {
	return text(get(get(trace, "promptRouter"), "invokedModelId"))
}

// get returns a member of an object, nil when that is none or has none of that name.
func get(object []byte, name string) (value []byte) {
	if len(object) == 0 {
		return nil
	}
	rawjson.Members(object, func(n []byte, _ rawjson.Kind, v []byte) bool {
		if string(n) == name {
			value = v
		}
		return true
	})
	return value
}

// text returns what a JSON string says, "" for anything else.
func text(v []byte) string {
	if len(v) == 0 || v[0] != '"' {
		return ""
	}
	return rawjson.Unquote(v)
}
