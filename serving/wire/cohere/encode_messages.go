package cohere

import (
	"encoding/base64"
	"strings"

	"github.com/lakegate/lakegate/serving/wire/chat"
)

// message is one of a body's messages.
type message struct {
	Role       string   `json:"role"`
	Content    any      `json:"content,omitempty"` // a string or a list
	ToolPlan   string   `json:"tool_plan,omitempty"`
	ToolCalls  []object `json:"tool_calls,omitempty"`
	ToolCallID string   `json:"tool_call_id,omitempty"`
}

func (a *asker) messages() {
	if len(a.r.System) > 0 {
		a.body.Messages = append(a.body.Messages, message{Role: "system", Content: a.texts(a.r.System)})
	}
	for i := range a.r.Messages {
		m := &a.r.Messages[i]
		if m.Name != "" {
			a.lose(m.Path+".name", "Cohere's API has no names of speakers")
		}
		switch m.Role {
		case chat.Assistant:
			a.assistant(m)
		case chat.System:
			a.body.Messages = append(a.body.Messages, message{Role: "system", Content: a.texts(m.Parts)})
		default:
			a.user(m)
		}
	}
}

// texts writes parts of text: as a string, when there is one.
func (a *asker) texts(parts []chat.Part) any {
	var list []object
	for i := range parts {
		p := &parts[i]
		if p.Kind != chat.Text && p.Kind != chat.Refusal {
			a.lose(p.Path, "Cohere's API takes no %s here", p.Kind)
			continue
		}
		list = append(list, object{"type": "text", "text": p.Text})
	}
	return single(list)
}

// single returns the text of a list that has nothing but one, else the list.
func single(list []object) any {
	switch {
	case len(list) == 0:
		return ""
	case len(list) == 1 && list[0]["type"] == "text":
		return list[0]["text"]
	}
	return list
}

// user writes a turn of the user: results of tools are messages of their own, before the rest.
func (a *asker) user(m *chat.Message) {
	var list []object
	for i := range m.Parts {
		p := &m.Parts[i]
		switch p.Kind {
		case chat.ToolResult:
			a.result(p)
		case chat.Text:
			list = append(list, object{"type": "text", "text": p.Text})
		case chat.Image:
			list = a.image(list, p)
		case chat.File:
			list = a.file(list, p)
		default:
			a.lose(p.Path, "Cohere's API takes no %s", p.Kind)
		}
	}
	if len(list) > 0 {
		a.body.Messages = append(a.body.Messages, message{Role: "user", Content: single(list)})
	}
}

func (a *asker) image(list []object, p *chat.Part) []object {
	m := p.Media
	url := m.URL
	if m.Data != "" {
		mime := m.MIME
		if mime == "" {
			mime = "image/png"
		}
		url = "data:" + mime + ";base64," + m.Data
	}
	if url == "" {
		a.lose(p.Path, "Cohere's API takes images as URLs or data, not as ids of files")
		return list
	}
	image := object{"url": url}
	if m.Detail != "" {
		image["detail"] = m.Detail
	}
	return append(list, object{"type": "image_url", "image_url": image})
}

// file writes a document of plain text as text, since Cohere takes no files.
func (a *asker) file(list []object, p *chat.Part) []object {
	if strings.HasPrefix(p.Media.MIME, "text/") && p.Media.Data != "" {
		if text, err := base64.StdEncoding.DecodeString(p.Media.Data); err == nil {
			return append(list, object{"type": "text", "text": strings.ToValidUTF8(string(text), "\ufffd")})
		}
	}
	a.lose(p.Path, "Cohere's API takes no files but of plain text")
	return list
}

// result writes what a tool call came to. Cohere has no word for failure, so that the text says it.
func (a *asker) result(p *chat.Part) {
	var list []object
	for i := range p.Result.Parts {
		part := &p.Result.Parts[i]
		if part.Kind != chat.Text {
			a.lose(part.Path, "Cohere's API takes no %s as the result of a tool", part.Kind)
			continue
		}
		list = append(list, object{"type": "text", "text": part.Text})
	}
	if p.Result.Failed {
		list = sayFailed(list)
	}
	a.body.Messages = append(a.body.Messages, message{Role: "tool", ToolCallID: p.Result.CallID, Content: single(list)})
}

func sayFailed(list []object) []object {
	if len(list) == 0 {
		return []object{{"type": "text", "text": "Error"}}
	}
	if s, _ := list[0]["text"].(string); !strings.HasPrefix(strings.ToLower(s), "error") {
		list[0]["text"] = "Error: " + s
	}
	return list
}

// assistant writes a turn of the model. What it said before it called tools is its plan.
func (a *asker) assistant(m *chat.Message) {
	out := message{Role: "assistant"}
	var list []object
	plan := ""
	for i := range m.Parts {
		p := &m.Parts[i]
		switch p.Kind {
		case chat.Call:
			arguments := p.Call.Arguments
			if arguments == "" {
				arguments = "{}"
			}
			out.ToolCalls = append(out.ToolCalls, object{
				"id": p.Call.ID, "type": "function",
				"function": object{"name": p.Call.Name, "arguments": arguments},
			})
		case chat.Text, chat.Refusal:
			plan += p.Text
			if p.Text != "" {
				list = append(list, object{"type": "text", "text": p.Text})
			}
		case chat.Thinking:
			if p.Text != "" && p.Signature == "" && (p.SignedBy == signedBy || p.SignedBy == "") {
				list = append(list, object{"type": "thinking", "thinking": p.Text})
			}
		default:
			a.lose(p.Path, "Cohere's API takes no %s from the model", p.Kind)
		}
	}
	if out.ToolCalls != nil {
		out.ToolPlan = plan
		list = thoughts(list)
	}
	if len(list) > 0 || out.ToolCalls == nil {
		out.Content = single(list)
	}
	a.body.Messages = append(a.body.Messages, out)
}

func thoughts(list []object) (kept []object) {
	for _, p := range list {
		if p["type"] == "thinking" {
			kept = append(kept, p)
		}
	}
	return kept
}
