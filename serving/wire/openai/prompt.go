package openai

import (
	"fmt"
	"strings"

	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// PromptBody returns the body that asks a prompt of a model: one user message for a chat, prompt
// for completions, input for embeddings. For other operations the prompt is the body. params is a JSON
// object of further fields, such as temperature, or empty; it can't set what the prompt sets.
func PromptBody(op wire.Operation, prompt string, params []byte) ([]byte, error) {
	if op != wire.OpChat && op != wire.OpCompletions && op != wire.OpEmbeddings {
		return []byte(prompt), nil
	}
	if len(params) == 0 {
		params = []byte("{}")
	}
	var o rawjson.Object
	if err := o.Parse(params, MaxDepth); err != nil {
		return nil, fmt.Errorf("model parameters: %w", err)
	}
	name, value := "input", rawjson.AppendQuoted(nil, strings.ToValidUTF8(prompt, "\ufffd"))
	switch op {
	case wire.OpChat:
		name, value = "messages", append(append([]byte(`[{"role":"user","content":`), value...), "}]"...)
	case wire.OpCompletions:
		name = "prompt"
	}
	var p rawjson.Patch
	for i := range o.Len() {
		switch n := string(o.Name(i)); n {
		case name, "model", "stream", "stream_options":
			return nil, fmt.Errorf("model parameters can't set %q", n)
		}
	}
	p.Add(name, value)
	return p.Append(nil, &o), nil
}

// AnswerText returns the text of an answer to a PromptBody: the first choice's content for
// a chat, its text for completions, the first embedding as a JSON array, and else the answer itself.
// It returns false when there is none.
func AnswerText(op wire.Operation, answer []byte) (string, bool) {
	switch op {
	case wire.OpChat:
		return contentText(get(get(first(get(answer, "choices")), "message"), "content"))
	case wire.OpCompletions:
		return contentText(get(first(get(answer, "choices")), "text"))
	case wire.OpEmbeddings:
		e := get(first(get(answer, "data")), "embedding")
		return string(e), len(e) > 0
	default:
		return string(answer), true
	}
}

// contentText returns a string, or the text parts of a list of parts put together.
func contentText(v []byte) (string, bool) {
	if len(v) == 0 {
		return "", false
	}
	if v[0] == '"' {
		return rawjson.Unquote(v), true
	}
	var s strings.Builder
	found := false
	if v[0] != '[' {
		return "", false
	}
	c := rawjson.Walk(v)
	for ok := c.Enter(); ok; ok = c.Next() {
		if t := get(c.Take(), "text"); len(t) > 0 && t[0] == '"' {
			s.WriteString(rawjson.Unquote(t))
			found = true
		}
	}
	return s.String(), found
}

func get(object []byte, name string) (value []byte) {
	rawjson.Members(object, func(n []byte, _ rawjson.Kind, v []byte) bool {
		if string(n) == name {
			value = v
		}
		return true
	})
	return value
}

func first(array []byte) []byte {
	c := rawjson.Walk(array)
	if c.Kind() != rawjson.Array || !c.Enter() {
		return nil
	}
	return c.Take()
}
