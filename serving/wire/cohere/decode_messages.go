package cohere

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// message reads one of messages.
func (r *request) message(path string, k rawjson.Kind, v []byte) {
	role := text(get(v, "role"))
	m := chat.Message{Path: path}
	var calls []chat.Part
	result := chat.Result{}
	r.Members(path, v, func(name string, k rawjson.Kind, v []byte) {
		switch p := path + "." + name; {
		case name == "role":
			r.Text(p, k, v)
		case name == "content":
			m.Parts = append(m.Parts, r.content(p, k, v)...)
		case name == "tool_plan" && role == "assistant":
			if plan := r.Text(p, k, v); plan != "" {
				m.Parts = append(m.Parts, chat.Part{Kind: chat.Text, Text: plan, Path: p})
			}
		case name == "tool_calls" && role == "assistant":
			r.Elements(p, v, func(path string, k rawjson.Kind, v []byte) {
				calls = append(calls, r.call(path, k, v))
			})
		case name == "tool_call_id" && role == "tool":
			result.CallID = r.Text(p, k, v)
		case name == "citations" && role == "assistant": // of an answer before: the text says it all
		default:
			r.Lose(p, "it is not known")
		}
	})
	switch role {
	case "user":
		m.Role = chat.User
	case "assistant":
		m.Role = chat.Assistant
		m.Parts = append(m.Parts, calls...)
	case "system":
		if len(r.Messages) == 0 {
			r.System = append(r.System, m.Parts...)
			return
		}
		m.Role = chat.System
	case "tool":
		if result.CallID == "" {
			r.Refuse(path+".tool_call_id", "field %q must name the call this is the result of", path+".tool_call_id")
		}
		m.Role = chat.User
		result.Parts = m.Parts
		m.Parts = []chat.Part{{Kind: chat.ToolResult, Result: &result, Path: path}}
	default:
		r.Refuse(path+".role", "field %q must be user, assistant, system or tool, not %q", path+".role", role)
	}
	r.Messages = append(r.Messages, m)
}

// content reads a string or a list of parts.
func (r *request) content(path string, k rawjson.Kind, v []byte) (parts []chat.Part) {
	if k == rawjson.String {
		return []chat.Part{{Kind: chat.Text, Text: rawjson.Unquote(v), Path: path}}
	}
	if k == rawjson.ObjectKind { // one part, as the API takes it too
		return r.part(nil, path, k, v)
	}
	r.Elements(path, v, func(path string, k rawjson.Kind, v []byte) {
		parts = r.part(parts, path, k, v)
	})
	return parts
}

func (r *request) part(parts []chat.Part, path string, k rawjson.Kind, v []byte) []chat.Part {
	if k == rawjson.String {
		return append(parts, chat.Part{Kind: chat.Text, Text: rawjson.Unquote(v), Path: path})
	}
	if k != rawjson.ObjectKind {
		r.Wrong(path, "an object", k)
		return parts
	}
	p := chat.Part{Path: path}
	switch kind := text(get(v, "type")); kind {
	case "text":
		p.Kind, p.Text = chat.Text, r.need(path, v, "text")
	case "thinking":
		p.Kind, p.Text, p.SignedBy = chat.Thinking, r.need(path, v, "thinking"), signedBy
	case "image_url":
		p.Kind, p.Media = chat.Image, r.image(path+".image_url", get(v, "image_url"))
	case "document":
		p.Kind, p.Text = chat.Text, r.document(path+".document", get(v, "document"))
	default:
		r.Refuse(path+".type", "field %q must be text, image_url, thinking or document, not %q", path+".type", kind)
	}
	return append(parts, p)
}

// document writes what a tool found as text: JSON of the document, or of its data when that is all.
func (r *request) document(path string, doc []byte) string {
	if len(doc) == 0 || doc[0] != '{' {
		r.Refuse(path, "field %q must be an object", path)
		return ""
	}
	if data := get(doc, "data"); data != nil && get(doc, "id") == nil {
		doc = data
	}
	if doc[0] == '"' {
		return rawjson.Unquote(doc)
	}
	var compact bytes.Buffer
	if json.Compact(&compact, doc) != nil {
		return string(doc)
	}
	return compact.String()
}

// need reads a member that must be a string.
func (r *request) need(path string, object []byte, name string) string {
	v := get(object, name)
	c := rawjson.Walk(v)
	return r.Text(path+"."+name, c.Kind(), v)
}

func (r *request) image(path string, v []byte) *chat.Media {
	m := &chat.Media{}
	if url := text(v); url != "" {
		m.URL = url
	} else {
		m.URL = r.need(path, v, "url")
		m.Detail = text(get(v, "detail"))
	}
	if head, data, ok := strings.Cut(m.URL, ";base64,"); ok && strings.HasPrefix(head, "data:") {
		m.MIME, m.Data, m.URL = strings.TrimPrefix(head, "data:"), data, ""
	}
	if m.Detail == "auto" {
		m.Detail = ""
	}
	return m
}

func (r *request) call(path string, k rawjson.Kind, v []byte) chat.Part {
	c := chat.ToolCall{}
	r.Members(path, v, func(name string, k rawjson.Kind, v []byte) {
		switch name {
		case "id":
			c.ID = r.Text(path+".id", k, v)
		case "function":
			r.Members(path+".function", v, func(name string, k rawjson.Kind, v []byte) {
				switch p := path + ".function." + name; name {
				case "name":
					c.Name = r.Text(p, k, v)
				case "arguments":
					c.Arguments = r.Text(p, k, v)
				}
			})
		}
	})
	if c.Name == "" {
		r.Refuse(path+".function.name", "field %q must name the function", path+".function.name")
	}
	return chat.Part{Kind: chat.Call, Call: &c, Path: path}
}
