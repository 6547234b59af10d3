package openai

import (
	"slices"
	"strconv"
	"strings"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// turn is one element of messages, read.
type turn struct {
	path    string
	role    string
	name    string
	content []chat.Part
	refusal string
	thought []chat.Part
	thinks  chat.Part // what reasoning_content says
	calls   []chat.Part
	callID  string // of the call that a tool's message answers
}

func (d *decoder) messages(v []byte) {
	d.calls = map[string]string{}
	d.elements("messages", v, func(i int, _ rawjson.Kind, v []byte) {
		t := turn{path: at("messages", i)}
		d.turn(&t, v)
		if d.err == nil {
			d.add(&t)
		}
	})
}

func (d *decoder) turn(t *turn, v []byte) {
	d.members(t.path, v, func(name string, k rawjson.Kind, v []byte) {
		path := t.path + "." + name
		switch name {
		case "role":
			t.role = d.text(path, k, v)
		case "content":
			t.content = d.content(path, k, v)
		case "name":
			t.name = d.text(path, k, v)
		case "tool_call_id":
			t.callID = d.text(path, k, v)
		case "tool_calls":
			d.toolCalls(t, path, v)
		case "function_call":
			d.functionCall(t, path, v)
		case "refusal":
			t.refusal = d.text(path, k, v)
		case "reasoning_content", "reasoning":
			t.thinks = chat.Part{Kind: chat.Thinking, Text: d.text(path, k, v), Path: path}
		case "reasoning_details", "thinking_blocks":
			if thoughts := readDetails(v, path); thoughts != nil {
				t.thought = thoughts
			}
		case "annotations", "function": // empty in answers that are sent back
			if k != rawjson.Array || !isEmpty(v) {
				d.lose(path, notUnderstood)
			}
		default:
			d.lose(path, notUnderstood)
		}
	})
	t.thought = withText(t.thought, t.thinks)
}

// add puts a turn where the common form has it.
func (d *decoder) add(t *turn) {
	r := d.req
	switch t.role {
	case "system", "developer":
		if t.name != "" {
			d.lose(t.path+".name", notUnderstood)
		}
		if len(r.Messages) == 0 {
			r.System = append(r.System, t.content...)
			return
		}
		r.Messages = append(r.Messages, chat.Message{Role: chat.System, Parts: t.content, Path: t.path})
	case "user":
		r.Messages = append(r.Messages, chat.Message{Role: chat.User, Name: t.name, Parts: t.content, Path: t.path})
	case "assistant":
		parts := slices.Concat(t.thought, t.content)
		if t.refusal != "" {
			parts = append(parts, chat.Part{Kind: chat.Refusal, Text: t.refusal, Path: t.path + ".refusal"})
		}
		r.Messages = append(r.Messages, chat.Message{Role: chat.Assistant, Name: t.name, Parts: append(parts, t.calls...), Path: t.path})
	case "tool":
		if t.callID == "" {
			d.refuse(t.path+".tool_call_id", "field %q must be the id of the call that the message answers", t.path+".tool_call_id")
		}
		if name := d.calls[t.callID]; name != "" {
			t.name = name
		}
		d.addResult(t, t.callID, t.name)
	case "function":
		d.addResult(t, d.lastCall, t.name)
	default:
		d.refuse(t.path+".role", "field %q must be system, developer, user, assistant or tool, not %q", t.path+".role", t.role)
	}
}

// addResult adds the result of a tool to the message of results it is in, or begins one.
func (d *decoder) addResult(t *turn, id, name string) {
	part := chat.Part{Kind: chat.ToolResult, Path: t.path, Result: &chat.Result{CallID: id, Name: name, Parts: t.content}}
	if n := len(d.req.Messages); n > 0 {
		if last := &d.req.Messages[n-1]; last.Role == chat.User && len(last.Parts) > 0 && last.Parts[0].Kind == chat.ToolResult {
			last.Parts = append(last.Parts, part)
			return
		}
	}
	d.req.Messages = append(d.req.Messages, chat.Message{Role: chat.User, Parts: []chat.Part{part}, Path: t.path})
}

func (d *decoder) toolCalls(t *turn, path string, v []byte) {
	d.elements(path, v, func(i int, _ rawjson.Kind, v []byte) {
		path := at(path, i)
		call, kind, signature := chat.ToolCall{}, "function", ""
		d.members(path, v, func(name string, k rawjson.Kind, v []byte) {
			switch name {
			case "id":
				call.ID = d.text(path+".id", k, v)
			case "type":
				kind = d.text(path+".type", k, v)
			case "function":
				d.call(&call, path+".function", v)
			case "extra_content":
				signature = googleSignature(v)
			}
		})
		if kind != "function" {
			d.lose(path, "a call of type "+kind+"; "+notUnderstood)
			return
		}
		d.calls[call.ID] = call.Name
		part := chat.Part{Kind: chat.Call, Call: &call, Path: path}
		if signature != "" {
			part.Signature, part.SignedBy = signature, "gemini"
		}
		t.calls = append(t.calls, part)
	})
}

// functionCall reads a call as it was before tools: without an id, so one is made.
func (d *decoder) functionCall(t *turn, path string, v []byte) {
	call := chat.ToolCall{ID: madeID(d.made)}
	d.made++
	d.call(&call, path, v)
	d.lastCall = call.ID
	t.calls = append(t.calls, chat.Part{Kind: chat.Call, Call: &call, Path: path})
}

func (d *decoder) call(c *chat.ToolCall, path string, v []byte) {
	d.members(path, v, func(name string, k rawjson.Kind, v []byte) {
		switch name {
		case "name":
			c.Name = d.text(path+".name", k, v)
		case "arguments":
			c.Arguments = d.text(path+".arguments", k, v)
		}
	})
	if c.Name == "" {
		d.refuse(path+".name", "field %q must name the function", path+".name")
	}
}

// content reads a message's content: text, or a list of parts.
func (d *decoder) content(path string, k rawjson.Kind, v []byte) (parts []chat.Part) {
	switch k {
	case rawjson.String:
		if text := rawjson.Unquote(v); text != "" {
			parts = append(parts, chat.Part{Kind: chat.Text, Text: text, Path: path})
		}
	case rawjson.Array:
		d.elements(path, v, func(i int, _ rawjson.Kind, v []byte) {
			parts = d.part(parts, at(path, i), v)
		})
	default:
		d.wrong(path, "a string or an array of parts", k)
	}
	return parts
}

func (d *decoder) part(parts []chat.Part, path string, v []byte) []chat.Part {
	p := chat.Part{Path: path}
	kind := ""
	var thoughts []chat.Part
	d.members(path, v, func(name string, k rawjson.Kind, v []byte) {
		switch name {
		case "type":
			kind = d.text(path+".type", k, v)
		case "text":
			p.Text = d.text(path+".text", k, v)
		case "refusal":
			p.Text = d.text(path+".refusal", k, v)
		case "image_url":
			p.Media = d.imageURL(path+".image_url", k, v)
		case "input_audio":
			p.Media = d.audio(path+".input_audio", v)
		case "file":
			p.Media = d.file(path+".file", v)
		case "thinking", "summary":
			thoughts = readThoughts(v, path)
		case "cache_control":
			p.Cache = d.cache(path+".cache_control", v)
		case "prompt_cache_breakpoint": // for half an hour at OpenAI
			p.Cache = "5m"
		}
	})
	switch kind {
	case "text":
		p.Kind = chat.Text
	case "refusal":
		p.Kind = chat.Refusal
	case "image_url":
		p.Kind = chat.Image
	case "input_audio":
		p.Kind = chat.Audio
	case "file":
		p.Kind = chat.File
	case "thinking", "reasoning":
		return append(parts, thoughts...)
	default:
		d.lose(path, "a part of type "+strconv.Quote(kind)+"; "+notUnderstood)
		return parts
	}
	if p.Media == nil && p.Kind != chat.Text && p.Kind != chat.Refusal {
		d.refuse(path+"."+kind, "field %q must say what the %s is", path+"."+kind, p.Kind)
	}
	return append(parts, p)
}

// imageURL reads an image's address, which may hold the image itself.
func (d *decoder) imageURL(path string, k rawjson.Kind, v []byte) *chat.Media {
	m := &chat.Media{}
	if k == rawjson.String { // as some clients send it
		d.address(m, path, rawjson.Unquote(v))
		return m
	}
	d.members(path, v, func(name string, k rawjson.Kind, v []byte) {
		switch name {
		case "url":
			d.address(m, path+".url", d.text(path+".url", k, v))
		case "detail":
			if m.Detail = d.text(path+".detail", k, v); m.Detail == "auto" {
				m.Detail = ""
			}
		default:
			d.lose(path+"."+name, notUnderstood)
		}
	})
	if m.URL == "" && m.Data == "" {
		d.refuse(path+".url", "field %q must be a URL", path+".url")
	}
	return m
}

// address sets what a URL says: the data in it, or the URL.
func (d *decoder) address(m *chat.Media, path, url string) {
	rest, isData := strings.CutPrefix(url, "data:")
	if !isData {
		m.URL = url
		return
	}
	head, data, ok := strings.Cut(rest, ",")
	mime, base64 := strings.CutSuffix(head, ";base64")
	if !ok || !base64 {
		d.refuse(path, "field %q must be a URL, or data:<type>;base64,<data>", path)
		return
	}
	m.MIME, _, _ = strings.Cut(mime, ";")
	m.Data = data
}

func (d *decoder) audio(path string, v []byte) *chat.Media {
	m := &chat.Media{}
	d.members(path, v, func(name string, k rawjson.Kind, v []byte) {
		switch name {
		case "data":
			m.Data = d.text(path+".data", k, v)
		case "format":
			m.MIME = audioType(d.text(path+".format", k, v))
		default:
			d.lose(path+"."+name, notUnderstood)
		}
	})
	return m
}

func (d *decoder) file(path string, v []byte) *chat.Media {
	m := &chat.Media{}
	d.members(path, v, func(name string, k rawjson.Kind, v []byte) {
		p := path + "." + name
		switch name {
		case "filename":
			m.Name = d.text(p, k, v)
		case "file_id":
			m.FileID = d.text(p, k, v)
		case "file_data":
			text := d.text(p, k, v)
			if strings.HasPrefix(text, "data:") || strings.Contains(text, "://") {
				d.address(m, p, text) // OpenRouter takes URLs here
				return
			}
			m.Data = text
		default:
			d.lose(p, notUnderstood)
		}
	})
	return m
}

func audioType(format string) string {
	if format == "mp3" {
		return "audio/mpeg"
	}
	return "audio/" + format
}
