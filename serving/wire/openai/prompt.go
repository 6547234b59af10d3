package openai

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// PromptBody returns the body that asks a prompt of a model: one user message for Chat, prompt
// for Completions, input for Embeddings. For Opaque the prompt is the body. params is a JSON
// object of further fields, such as temperature, or empty; it can't set what the prompt sets.
func PromptBody(op Operation, prompt string, params []byte) ([]byte, error) {
	if op == Opaque {
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
	case Chat:
		name, value = "messages", append(append([]byte(`[{"role":"user","content":`), value...), "}]"...)
	case Completions:
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

// AnswerText returns the text of an answer to a PromptBody: the first choice's content for Chat,
// its text for Completions, the first embedding as a JSON array, and the answer itself for Opaque.
// It returns false when there is none.
func AnswerText(op Operation, answer []byte) (string, bool) {
	switch op {
	case Chat:
		return contentText(get(get(first(get(answer, "choices")), "message"), "content"))
	case Completions:
		return contentText(get(first(get(answer, "choices")), "text"))
	case Embeddings:
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

// WithContext returns a body with client_request_id and usage_context set, where they are not
// empty.
func WithContext(body []byte, clientRequestID string, usageContext map[string]string) ([]byte, error) {
	if clientRequestID == "" && len(usageContext) == 0 {
		return body, nil
	}
	var o rawjson.Object
	if err := o.Parse(body, MaxDepth); err != nil {
		return nil, err
	}
	var p rawjson.Patch
	if clientRequestID != "" {
		set(&p, "client_request_id", o.Find("client_request_id"), rawjson.AppendQuoted(nil, clientRequestID))
	}
	if len(usageContext) > 0 {
		tags, err := json.Marshal(usageContext)
		if err != nil {
			return nil, err
		}
		set(&p, "usage_context", o.Find("usage_context"), tags)
	}
	return p.Append(nil, &o), nil
}
