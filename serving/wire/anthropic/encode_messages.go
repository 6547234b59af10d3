package anthropic

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"unicode"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// turn is a message as Anthropic wants it. The rules that collect keeps:
//
//   - Neighbours of one role are one turn.
//   - Results of tools come first in theirs.
//   - Blocks of text have more than white space in them, and turns have blocks.
//   - The last text of an answer to be continued does not end in white space.
//   - Instructions in the middle of a chat stay where they are if the model takes them there,
//     which is behind a turn of the user; else they follow the system prompt.
//   - Identifiers of calls have letters, digits, - and _ only.
//   - A call's input is an object.
type turn struct {
	role    chat.Role
	results [][]byte // blocks
	others  [][]byte
	trim    *chat.Part // the last block, when that is text: what to write anew, trimmed
}

func (e *requestWriter) collect() {
	for i := range e.r.Messages {
		m := &e.r.Messages[i]
		if m.Name != "" {
			e.lose(m.Path+".name", "Anthropic's API has no names of speakers")
		}
		if m.Role == chat.System && !e.fitsHere(i) {
			e.system = append(e.system[:len(e.system):len(e.system)], m.Parts...)
			continue
		}
		e.add(m)
	}
	if n := len(e.turns); n > 0 && e.turns[n-1].role == chat.Assistant {
		e.turns[n-1].trimEnd()
	}
}

// fitsHere reports whether instructions can stay where message i is: behind a turn of the user,
// and before one of the assistant or at the end.
func (e *requestWriter) fitsHere(i int) bool {
	n := len(e.turns)
	if !e.version.midInstructions() || n == 0 || e.turns[n-1].role == chat.Assistant {
		return false
	}
	for _, m := range e.r.Messages[i+1:] {
		if m.Role != chat.System {
			return m.Role == chat.Assistant
		}
	}
	return true
}

func (e *requestWriter) add(m *chat.Message) {
	t := turn{role: m.Role}
	for i := range m.Parts {
		p := &m.Parts[i]
		block := e.block(p)
		switch {
		case block == nil:
			continue
		case p.Kind == chat.ToolResult:
			t.results = append(t.results, block)
			continue
		}
		t.others = append(t.others, block)
		t.trim = nil
		if p.Kind == chat.Text {
			t.trim = p
		}
	}
	if len(t.results)+len(t.others) == 0 {
		return
	}
	if n := len(e.turns); n > 0 && e.turns[n-1].role == t.role {
		last := &e.turns[n-1]
		last.results = append(last.results, t.results...)
		last.others = append(last.others, t.others...)
		last.trim = t.trim
		return
	}
	e.turns = append(e.turns, t)
}

func (t *turn) trimEnd() {
	if t.trim != nil {
		t.others[len(t.others)-1] = appendTextBlock(nil, strings.TrimRightFunc(t.trim.Text, unicode.IsSpace), t.trim.Cache)
	}
}

func (e *requestWriter) writeTurns() {
	e.dst = append(appendName(e.dst, "messages"), '[')
	for i := range e.turns {
		t := &e.turns[i]
		e.dst = append(appendText(append(comma(e.dst), '{'), "role", string(t.role)), `,"content":`...)
		if text, ok := t.lone(); ok {
			e.dst = append(append(e.dst, text...), '}')
			continue
		}
		e.dst = append(e.dst, '[')
		for _, block := range append(t.results, t.others...) {
			e.dst = append(comma(e.dst), block...)
		}
		e.dst = append(e.dst, "]}"...)
	}
	e.dst = append(e.dst, ']')
}

var textHead = []byte(`{"type":"text","text":`)

// lone returns the text of a turn that is nothing else, as a JSON string.
func (t *turn) lone() ([]byte, bool) {
	if len(t.results) > 0 || len(t.others) != 1 || !bytes.HasPrefix(t.others[0], textHead) {
		return nil, false
	}
	c := rawjson.Walk(t.others[0][len(textHead):])
	text := c.Take()
	return text, len(textHead)+len(text)+1 == len(t.others[0]) // no cache_control
}

// block writes a part; nil when there is nothing to write.
func (e *requestWriter) block(p *chat.Part) []byte {
	switch p.Kind {
	case chat.Text, chat.Refusal:
		if strings.TrimSpace(p.Text) == "" {
			return nil
		}
		return appendTextBlock(nil, p.Text, p.Cache)
	case chat.Image:
		return e.media(p, "image")
	case chat.File:
		return e.media(p, "document")
	case chat.Audio:
		e.lose(p.Path, "Anthropic's API takes no sound")
	case chat.Thinking:
		return thoughtBlock(p)
	case chat.Call:
		return e.call(p)
	case chat.ToolResult:
		return e.result(p)
	}
	return nil
}

func appendTextBlock(dst []byte, text, cache string) []byte {
	dst = appendQuoted(append(dst, textHead...), text)
	return append(appendCache(dst, cache), '}')
}

// thoughtBlock leaves out thoughts that are not signed by Anthropic, which it refuses.
func thoughtBlock(p *chat.Part) []byte {
	switch {
	case p.Signature == "" || p.SignedBy != signer:
		return nil
	case p.Redacted:
		return append(appendText([]byte(`{"type":"redacted_thinking"`), "data", p.Signature), '}')
	default:
		dst := appendText([]byte(`{"type":"thinking"`), "thinking", p.Text)
		return append(appendText(dst, "signature", p.Signature), '}')
	}
}

func (e *requestWriter) call(p *chat.Part) []byte {
	c := p.Call
	dst := appendText([]byte(`{"type":"tool_use"`), "id", e.ids[c.ID])
	dst = appendText(dst, "name", c.Name)
	input := strings.TrimSpace(c.Arguments)
	switch {
	case input == "":
		input = "{}"
	case input[0] != '{' || !json.Valid([]byte(input)):
		e.lose(p.Path, "the arguments of the call are not a JSON object, and Anthropic's API takes no others")
		input = "{}"
	}
	return append(appendCache(appendRaw(dst, "input", []byte(input)), p.Cache), '}')
}

func (e *requestWriter) result(p *chat.Part) []byte {
	r := p.Result
	dst := appendText([]byte(`{"type":"tool_result"`), "tool_use_id", e.ids[r.CallID])
	var blocks [][]byte
	for i := range r.Parts {
		if b := e.block(&r.Parts[i]); b != nil {
			blocks = append(blocks, b)
		}
	}
	t := turn{others: blocks}
	if text, ok := t.lone(); ok {
		dst = appendRaw(dst, "content", text)
	} else if len(blocks) > 0 {
		dst = append(append(appendRaw(dst, "content", []byte{'['}), bytes.Join(blocks, []byte{','})...), ']')
	}
	if r.Failed {
		dst = appendRaw(dst, "is_error", []byte("true"))
	}
	return append(appendCache(dst, p.Cache), '}')
}

// media writes a picture or a document.
func (e *requestWriter) media(p *chat.Part, kind string) []byte {
	m := p.Media
	if m == nil {
		return nil
	}
	mime := mimeOf(m)
	var source []byte
	switch {
	case m.FileID != "" && !strings.HasPrefix(m.FileID, "file_"): // OpenAI's begin with file-
		e.lose(p.Path, "the file %s is not Anthropic's", m.FileID)
		return nil
	case m.FileID != "":
		source = appendText([]byte(`{"type":"file"`), "file_id", m.FileID)
	case m.URL != "":
		source = appendText([]byte(`{"type":"url"`), "url", m.URL)
	case kind == "document" && strings.HasPrefix(mime, "text/"):
		text, err := base64.StdEncoding.DecodeString(m.Data)
		if err != nil {
			e.lose(p.Path, "the document is not base64")
			return nil
		}
		source = appendText([]byte(`{"type":"text","media_type":"text/plain"`), "data", string(bytes.ToValidUTF8(text, []byte("\ufffd"))))
	case kind == "document" && mime != "application/pdf":
		e.lose(p.Path, "Anthropic's API takes documents of application/pdf and text, not %s", named(mime))
		return nil
	case kind == "image" && !isPicture(mime):
		e.lose(p.Path, "Anthropic's API takes pictures of jpeg, png, gif and webp, not %s", named(mime))
		return nil
	default:
		source = appendText(appendText([]byte(`{"type":"base64"`), "media_type", mime), "data", m.Data)
	}
	if m.Detail == "low" {
		e.lose(p.Path+".detail", "Anthropic's API has no detail of a picture")
	}
	dst := append(appendRaw(appendText([]byte{'{'}, "type", kind), "source", source), '}')
	if kind == "document" {
		dst = appendSome(dst, "title", m.Name)
	}
	return append(appendCache(dst, p.Cache), '}')
}

// mimeOf returns what the data says it is, where nobody else does.
func mimeOf(m *chat.Media) string {
	mime, _, _ := strings.Cut(strings.ToLower(m.MIME), ";")
	switch {
	case mime == "image/jpg":
		return "image/jpeg"
	case mime != "" && mime != "application/octet-stream" || len(m.Data) == 0:
		return mime
	}
	head := m.Data[:min(len(m.Data), 512)/4*4]
	b, err := base64.StdEncoding.DecodeString(head)
	if err != nil {
		return mime
	}
	mime, _, _ = strings.Cut(http.DetectContentType(b), ";")
	return mime
}

func isPicture(mime string) bool {
	switch mime {
	case "image/jpeg", "image/png", "image/gif", "image/webp":
		return true
	}
	return false
}

func named(mime string) string {
	if mime == "" {
		return "an unknown type"
	}
	return mime
}

// appendQuoted appends a JSON string.
func appendQuoted(dst []byte, text string) []byte { return rawjson.AppendQuoted(dst, text) }

// toolIDs returns what each identifier of a call is called in the request: itself, or the nearest
// that Anthropic takes and nobody else has.
func toolIDs(r *chat.Request) map[string]string {
	ids, taken := map[string]string{}, map[string]bool{}
	for i := range r.Messages {
		for j := range r.Messages[i].Parts {
			var id string
			switch p := &r.Messages[i].Parts[j]; p.Kind {
			case chat.Call:
				id = p.Call.ID
			case chat.ToolResult:
				id = p.Result.CallID
			default:
				continue
			}
			if _, known := ids[id]; known {
				continue
			}
			valid := validID(id)
			for taken[valid] {
				valid += "_"
			}
			ids[id], taken[valid] = valid, true
		}
	}
	return ids
}

func validID(id string) string {
	if id == "" {
		return "call"
	}
	return strings.Map(func(c rune) rune {
		if c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			return c
		}
		return '_'
	}, id)
}
