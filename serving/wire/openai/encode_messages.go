package openai

import (
	"encoding/base64"
	"strings"

	"github.com/lakegate/lakegate/serving/wire/chat"
)

func (e *encoder) system(parts []chat.Part) {
	if len(parts) > 0 {
		e.texts("system", "", parts)
	}
}

func (e *encoder) message(m *chat.Message) {
	if m.Name != "" && e.speak.noNames {
		e.lose(m.Path+".name", "the provider's API has no names of speakers")
	}
	switch m.Role {
	case chat.System:
		e.texts("system", "", m.Parts)
	case chat.Assistant:
		e.assistant(m)
	default:
		e.user(m)
	}
}

// begin starts a message.
func (e *encoder) begin(role, name string) {
	e.dst = append(comma(e.dst), '{')
	e.dst = appendText(e.dst, "role", role)
	if !e.speak.noNames {
		e.dst = appendSome(e.dst, "name", name)
	}
}

// texts writes a message of text alone: a string for one text, parts for several.
func (e *encoder) texts(role, name string, parts []chat.Part) {
	e.begin(role, name)
	e.dst = appendName(e.dst, "content")
	e.textContent(parts)
	e.dst = append(e.dst, '}')
}

func (e *encoder) textContent(parts []chat.Part) {
	if len(parts) == 1 && parts[0].Kind == chat.Text && !e.marks(parts[0].Cache) {
		e.dst = appendString(e.dst, parts[0].Text)
		return
	}
	start := len(e.dst)
	e.dst = append(e.dst, '[')
	for i := range parts {
		if parts[i].Kind != chat.Text {
			e.lose(parts[i].Path, "OpenAI's API takes only text here, not "+string(parts[i].Kind))
			continue
		}
		e.textPart(parts[i].Text, parts[i].Cache)
	}
	e.endParts(start)
}

// endParts ends a list of parts that began at start. One without any becomes empty text, since
// OpenAI refuses empty lists.
func (e *encoder) endParts(start int) {
	if len(e.dst) == start+1 {
		e.dst = append(e.dst[:start], `""`...)
		return
	}
	e.dst = append(e.dst, ']')
}

func (e *encoder) textPart(text, cache string) {
	e.dst = append(comma(e.dst), `{"type":"text","text":`...)
	e.dst = appendString(e.dst, text)
	e.appendCache(cache)
	e.dst = append(e.dst, '}')
}

// endPart ends a part whose description is its last member.
func (e *encoder) endPart(p *chat.Part) {
	e.dst = append(e.dst, '}')
	e.appendCache(p.Cache)
	e.dst = append(e.dst, '}')
}

// user writes what a user said, after the results of tools in it: these must follow the calls.
func (e *encoder) user(m *chat.Message) {
	var said []chat.Part
	results := false
	for i := range m.Parts {
		p := &m.Parts[i]
		if p.Kind != chat.ToolResult {
			said = append(said, *p)
			continue
		}
		results = true
		said = append(said, e.result(p.Result)...)
	}
	if len(said) == 0 && results {
		return
	}
	if len(said) == 1 && said[0].Kind == chat.Text {
		e.texts("user", m.Name, said)
		return
	}
	e.begin("user", m.Name)
	e.dst = appendName(e.dst, "content")
	start := len(e.dst)
	e.dst = append(e.dst, '[')
	for i := range said {
		e.userPart(&said[i])
	}
	e.endParts(start)
	e.dst = append(e.dst, '}')
}

// result writes a tool's message, and returns what OpenAI takes only from users.
func (e *encoder) result(r *chat.Result) (media []chat.Part) {
	var texts []chat.Part
	for _, p := range r.Parts {
		switch p.Kind {
		case chat.Text:
			texts = append(texts, p)
		case chat.Image, chat.File, chat.Audio:
			media = append(media, p)
		default:
			e.lose(p.Path, "OpenAI's API takes no "+string(p.Kind)+" as the result of a tool")
		}
	}
	if r.Failed {
		texts = sayFailed(texts)
	}
	if len(texts) == 0 {
		texts = []chat.Part{{Kind: chat.Text}}
	}
	e.begin("tool", "")
	e.dst = appendText(e.dst, "tool_call_id", e.callID(r.CallID))
	e.dst = appendName(e.dst, "content")
	e.textContent(texts)
	e.dst = append(e.dst, '}')
	return media
}

// sayFailed makes a result say that the tool failed, unless it does.
func sayFailed(texts []chat.Part) []chat.Part {
	if len(texts) == 0 {
		return []chat.Part{{Kind: chat.Text, Text: "Error"}}
	}
	if first := &texts[0]; !strings.HasPrefix(strings.ToLower(first.Text), "error") {
		first.Text = "Error: " + first.Text
	}
	return texts
}

func (e *encoder) userPart(p *chat.Part) {
	switch p.Kind {
	case chat.Text:
		e.textPart(p.Text, p.Cache)
	case chat.Image:
		e.image(p)
	case chat.Audio:
		e.audio(p)
	case chat.File:
		e.file(p)
	default:
		e.lose(p.Path, "OpenAI's API takes no "+string(p.Kind)+" from users")
	}
}

func (e *encoder) image(p *chat.Part) {
	m := p.Media
	if m.URL == "" && m.Data == "" {
		e.lose(p.Path, "OpenAI's chat completions take images as URLs or data, not as ids of files")
		return
	}
	e.dst = append(comma(e.dst), `{"type":"image_url","image_url":{`...)
	e.dst = appendText(e.dst, "url", address(m, "image/png"))
	if m.Detail != "auto" {
		e.dst = appendSome(e.dst, "detail", m.Detail)
	}
	e.endPart(p)
}

// address returns the URL of media, or one that holds its data.
func address(m *chat.Media, usual string) string {
	if m.Data == "" {
		return m.URL
	}
	mime := m.MIME
	if mime == "" {
		mime = usual
	}
	return "data:" + mime + ";base64," + m.Data
}

func (e *encoder) audio(p *chat.Part) {
	format := audioFormat(p.Media.MIME)
	if p.Media.Data == "" || format == "" {
		e.lose(p.Path, "OpenAI's chat completions take sound as wav or mp3 data only")
		return
	}
	e.dst = append(comma(e.dst), `{"type":"input_audio","input_audio":{`...)
	e.dst = appendText(e.dst, "data", p.Media.Data)
	e.dst = appendText(e.dst, "format", format)
	e.endPart(p)
}

func audioFormat(mime string) string {
	switch mime {
	case "audio/wav", "audio/x-wav", "audio/wave":
		return "wav"
	case "audio/mpeg", "audio/mp3":
		return "mp3"
	}
	return ""
}

// file writes a document; one of plain text becomes text, since OpenAI takes no such files.
func (e *encoder) file(p *chat.Part) {
	m := p.Media
	if strings.HasPrefix(m.MIME, "text/") && m.Data != "" {
		if text, err := base64.StdEncoding.DecodeString(m.Data); err == nil {
			e.textPart(string(text), p.Cache)
			return
		}
	}
	switch {
	case m.FileID != "" && !strings.HasPrefix(m.FileID, "file-"):
		e.lose(p.Path, "the file is at another provider; send its data")
		return
	case m.FileID == "" && m.Data == "":
		e.lose(p.Path, "OpenAI's chat completions take files as data or ids, not as URLs")
		return
	}
	e.dst = append(comma(e.dst), `{"type":"file","file":{`...)
	if m.FileID != "" {
		e.dst = appendText(e.dst, "file_id", m.FileID)
		e.endPart(p)
		return
	}
	name := m.Name
	if name == "" {
		name = "file.pdf" // OpenAI requires one
	}
	e.dst = appendText(e.dst, "filename", name)
	e.dst = appendText(e.dst, "file_data", address(m, "application/pdf"))
	e.endPart(p)
}

func (e *encoder) assistant(m *chat.Message) {
	var said, calls []chat.Part
	refusal := ""
	for _, p := range m.Parts {
		switch p.Kind {
		case chat.Text:
			said = append(said, p)
		case chat.Refusal:
			refusal += p.Text
		case chat.Call:
			calls = append(calls, p)
		case chat.Thinking:
		default:
			e.lose(p.Path, "OpenAI's API takes no "+string(p.Kind)+" from the assistant")
		}
	}
	e.begin("assistant", m.Name)
	if len(said) > 0 || len(calls) == 0 && refusal == "" {
		e.dst = appendName(e.dst, "content")
		if len(said) == 0 {
			said = []chat.Part{{Kind: chat.Text}}
		}
		e.textContent(said)
	}
	e.dst = appendSome(e.dst, "refusal", refusal)
	if len(calls) > 0 {
		e.dst = append(appendName(e.dst, "tool_calls"), '[')
		for i := range calls {
			c := calls[i].Call
			e.dst = append(appendCall(comma(e.dst), e.callID(c.ID), c), '}')
		}
		e.dst = append(e.dst, ']')
	}
	e.dst = append(e.dst, '}')
}

// appendCall writes a call of a tool, but for its closing brace.
func appendCall(dst []byte, id string, c *chat.ToolCall) []byte {
	dst = appendText(append(dst, '{'), "id", id)
	dst = append(dst, `,"type":"function","function":{`...)
	dst = appendText(dst, "name", c.Name)
	return append(appendText(dst, "arguments", arguments(c.Arguments)), '}')
}

func arguments(text string) string {
	if text == "" {
		return "{}"
	}
	return text
}
