package responses

import (
	"strings"

	"github.com/lakegate/lakegate/serving/wire/chat"
)

func (e *requestEncoder) message(m *chat.Message) {
	if m.Name != "" {
		e.lose(m.Path+".name", "OpenAI's Responses API has no names of speakers")
	}
	switch m.Role {
	case chat.Assistant:
		e.assistant(m)
	case chat.System:
		e.said("system", "input_text", m.Parts)
	default:
		e.user(m)
	}
}

// user writes the results of tools, each an item, and what the user said around them.
func (e *requestEncoder) user(m *chat.Message) {
	from := 0
	for i := range m.Parts {
		if m.Parts[i].Kind == chat.ToolResult {
			e.said("user", "input_text", m.Parts[from:i])
			e.result(m.Parts[i].Result)
			from = i + 1
		}
	}
	e.said("user", "input_text", m.Parts[from:])
}

// said writes a message of parts, unless there are none that can be told.
func (e *requestEncoder) said(role, textType string, parts []chat.Part) {
	before := len(e.dst)
	e.dst = append(comma(e.dst), `{"type":"message"`...)
	e.dst = append(appendName(appendText(e.dst, "role", role), "content"), '[')
	empty := len(e.dst)
	for i := range parts {
		e.part(&parts[i], textType)
	}
	if len(e.dst) == empty {
		e.dst = e.dst[:before]
		return
	}
	e.dst = append(e.dst, "]}"...)
}

func (e *requestEncoder) part(p *chat.Part, textType string) {
	input := textType == "input_text"
	switch {
	case p.Kind == chat.Text:
		e.dst = appendText(append(comma(e.dst), '{'), "type", textType)
		e.dst = append(appendText(e.dst, "text", p.Text), '}')
	case p.Kind == chat.Refusal && !input:
		e.dst = append(comma(e.dst), `{"type":"refusal"`...)
		e.dst = append(appendText(e.dst, "refusal", p.Text), '}')
	case p.Kind == chat.Image && input:
		e.image(p)
	case p.Kind == chat.File && input:
		e.file(p.Media)
	case p.Kind == chat.Audio:
		e.lose(p.Path, "OpenAI's Responses API takes no sound")
	default:
		e.lose(p.Path, "OpenAI's Responses API takes no "+string(p.Kind)+" here")
	}
}

func (e *requestEncoder) image(p *chat.Part) {
	m := p.Media
	e.dst = append(comma(e.dst), `{"type":"input_image"`...)
	if m.FileID != "" && m.Data == "" && m.URL == "" {
		e.dst = appendText(e.dst, "file_id", m.FileID)
	} else {
		e.dst = appendText(e.dst, "image_url", addressOf(m, "image/png"))
	}
	detail := m.Detail
	if detail == "" {
		detail = "auto" // the API requires one
	}
	e.dst = append(appendText(e.dst, "detail", detail), '}')
}

// addressOf returns the URL of media, or one that holds its data.
func addressOf(m *chat.Media, usual string) string {
	if m.Data == "" {
		return m.URL
	}
	mime := m.MIME
	if mime == "" {
		mime = usual
	}
	return "data:" + mime + ";base64," + m.Data
}

func (e *requestEncoder) file(m *chat.Media) {
	e.dst = append(comma(e.dst), `{"type":"input_file"`...)
	switch {
	case m.Data != "":
		name := m.Name
		if name == "" {
			name = "file.pdf" // the API requires one beside data
		}
		e.dst = appendText(e.dst, "filename", name)
		e.dst = appendText(e.dst, "file_data", addressOf(m, "application/pdf"))
	case m.URL != "":
		e.dst = appendText(e.dst, "file_url", m.URL)
	default:
		e.dst = appendText(e.dst, "file_id", m.FileID)
	}
	e.dst = append(e.dst, '}')
}

// result writes what a tool call came to: a text, or parts where there is more than text.
func (e *requestEncoder) result(r *chat.Result) {
	parts := r.Parts
	if r.Failed {
		parts = sayFailed(parts)
	}
	e.dst = append(comma(e.dst), `{"type":"function_call_output"`...)
	e.dst = appendText(e.dst, "call_id", r.CallID)
	if text, ok := onlyText(parts); ok {
		e.dst = append(appendText(e.dst, "output", text), '}')
		return
	}
	e.dst = append(appendName(e.dst, "output"), '[')
	for i := range parts {
		e.part(&parts[i], "input_text")
	}
	e.dst = append(e.dst, "]}"...)
}

func onlyText(parts []chat.Part) (string, bool) {
	var texts []string
	for i := range parts {
		if parts[i].Kind != chat.Text {
			return "", false
		}
		texts = append(texts, parts[i].Text)
	}
	return strings.Join(texts, "\n"), true
}

// sayFailed makes a result say that the tool failed, unless it does.
func sayFailed(parts []chat.Part) []chat.Part {
	said := append([]chat.Part{}, parts...)
	for i := range said {
		if said[i].Kind != chat.Text {
			continue
		}
		if !strings.HasPrefix(strings.ToLower(said[i].Text), "error") {
			said[i].Text = "Error: " + said[i].Text
		}
		return said
	}
	return append([]chat.Part{{Kind: chat.Text, Text: "Error"}}, said...)
}

// assistant writes an earlier answer: its texts, thoughts and calls are items, in order.
func (e *requestEncoder) assistant(m *chat.Message) {
	from := 0
	for i := range m.Parts {
		p := &m.Parts[i]
		if p.Kind != chat.Thinking && p.Kind != chat.Call {
			continue
		}
		e.said("assistant", "output_text", m.Parts[from:i])
		from = i + 1
		switch {
		case p.Kind == chat.Call:
			e.call(p.Call)
		case isOwnThought(p):
			e.thought(p)
		}
	}
	e.said("assistant", "output_text", m.Parts[from:])
}

func (e *requestEncoder) thought(p *chat.Part) {
	e.dst = append(comma(e.dst), `{"type":"reasoning","summary":[`...)
	if p.Text != "" {
		e.dst = append(appendText(append(e.dst, `{"type":"summary_text"`...), "text", p.Text), '}')
	}
	e.dst = append(appendText(append(e.dst, ']'), "encrypted_content", p.Signature), '}')
}

func (e *requestEncoder) call(c *chat.ToolCall) {
	e.dst = append(comma(e.dst), `{"type":"function_call"`...)
	e.dst = appendText(e.dst, "call_id", c.ID)
	e.dst = appendText(e.dst, "name", c.Name)
	e.dst = append(appendText(e.dst, "arguments", arguments(c.Arguments)), '}')
}

func arguments(text string) string {
	if text == "" {
		return "{}"
	}
	return text
}
