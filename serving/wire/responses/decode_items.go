package responses

import (
	"fmt"
	"strings"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// keepsNothing says so to those who refer to an item of an answer, as Vercel's AI SDK does by default.
const keepsNothing = "lakegate keeps no answers: send the item itself; Vercel's AI SDK does with providerOptions.openai.store: false, or as openai.chat(...)"

// input reads a text or a list of items. What an assistant said, thought and called in items one
// after another is one turn, and so are the results of its calls.
func (d *decoder) input(k rawjson.Kind, v []byte) {
	switch k {
	case rawjson.String:
		d.add(chat.User, "input", chat.Part{Kind: chat.Text, Text: rawjson.Unquote(v), Path: "input"})
	case rawjson.Array:
		d.elements("input", k, v, d.item)
	default:
		d.want("input", "a string or a list of items", k)
	}
}

// add adds parts to the turn that is open, or opens one.
func (d *decoder) add(role chat.Role, path string, parts ...chat.Part) {
	d.began = true
	if n := len(d.req.Messages); n > 0 && d.continues(&d.req.Messages[n-1], role, parts) {
		last := &d.req.Messages[n-1]
		last.Parts = append(last.Parts, parts...)
		return
	}
	d.req.Messages = append(d.req.Messages, chat.Message{Role: role, Parts: parts, Path: path})
}

func (d *decoder) continues(last *chat.Message, role chat.Role, parts []chat.Part) bool {
	if role != last.Role {
		return false
	}
	return role == chat.Assistant || len(parts) == 1 && parts[0].Kind == chat.ToolResult && last.Parts[0].Kind == chat.ToolResult
}

func (d *decoder) item(path string, k rawjson.Kind, v []byte) {
	if k != rawjson.ObjectKind {
		d.want(path, "an object", k)
		return
	}
	kind := member(v, "type")
	if kind == "" && member(v, "role") != "" {
		kind = "message"
	}
	switch kind {
	case "message":
		d.message(path, v)
	case "function_call":
		d.call(path, v)
	case "function_call_output":
		d.result(path, v)
	case "reasoning":
		d.reasoning(path, v)
	case "item_reference":
		d.lose(path, keepsNothing)
	case "":
		if member(v, "id") != "" {
			d.lose(path, keepsNothing)
			return
		}
		d.fail(path+".type", "field %q is missing: an item needs a type, or a role", path+".type")
	default:
		d.lose(path, fmt.Sprintf("items of type %s belong to tools or services of OpenAI, which other providers don't have", kind))
	}
}

func (d *decoder) message(path string, v []byte) {
	role, parts := "", []chat.Part{}
	said := false
	d.each(path, rawjson.ObjectKind, v, func(name, path string, k rawjson.Kind, v []byte) bool {
		switch name {
		case "role":
			role = d.text(path, k, v)
		case "content":
			said = true
			parts = d.content(path, k, v)
		case "type", "id", "status", "phase":
		default:
			return false
		}
		return true
	})
	if !said {
		d.fail(path+".content", "field %q is missing", path+".content")
		return
	}
	switch role {
	case "user":
		d.add(chat.User, path, parts...)
	case "assistant":
		d.add(chat.Assistant, path, parts...)
	case "system", "developer":
		if !d.began {
			d.system(parts)
			return
		}
		d.add(chat.System, path, parts...)
	default:
		d.fail(path+".role", "field %q must be user, assistant, system or developer, not %q", path+".role", role)
	}
}

// system adds to the system prompt, which is text everywhere.
func (d *decoder) system(parts []chat.Part) {
	for _, p := range parts {
		if p.Kind != chat.Text {
			d.lose(p.Path, "a system prompt can only be text")
			continue
		}
		d.req.System = append(d.req.System, p)
	}
}

// content reads a text or a list of parts.
func (d *decoder) content(path string, k rawjson.Kind, v []byte) []chat.Part {
	if k == rawjson.String {
		return []chat.Part{{Kind: chat.Text, Text: rawjson.Unquote(v), Path: path}}
	}
	parts := []chat.Part{}
	if k != rawjson.Array {
		d.want(path, "a string or a list of parts", k)
		return parts
	}
	d.elements(path, k, v, func(path string, k rawjson.Kind, v []byte) {
		if p, ok := d.part(path, k, v); ok {
			parts = append(parts, p)
		}
	})
	return parts
}

func (d *decoder) part(path string, k rawjson.Kind, v []byte) (p chat.Part, ok bool) {
	if k != rawjson.ObjectKind {
		d.want(path, "an object", k)
		return p, false
	}
	p.Path = path
	switch kind := member(v, "type"); kind {
	case "input_text", "output_text", "text", "summary_text":
		p.Kind = chat.Text
		d.textPart(&p, path, v, "text")
	case "refusal":
		p.Kind = chat.Refusal
		d.textPart(&p, path, v, "refusal")
	case "input_image":
		p.Kind = chat.Image
		d.image(&p, path, v)
	case "input_file":
		p.Kind = chat.File
		d.file(&p, path, v)
	case "input_audio":
		p.Kind = chat.Audio
		d.audio(&p, path, v)
	case "":
		d.fail(path+".type", "field %q is missing", path+".type")
		return p, false
	default:
		d.lose(path, fmt.Sprintf("lakegate does not know parts of type %q", kind))
		return p, false
	}
	return p, true
}

func (d *decoder) textPart(p *chat.Part, path string, v []byte, textName string) {
	found := false
	d.each(path, rawjson.ObjectKind, v, func(name, path string, k rawjson.Kind, v []byte) bool {
		switch name {
		case textName:
			p.Text, found = d.text(path, k, v), true
		case "prompt_cache_breakpoint":
			p.Cache = "5m"
		case "type", "annotations", "logprobs", "id":
		default:
			return false
		}
		return true
	})
	if !found {
		d.fail(path+"."+textName, "field %q is missing", path+"."+textName)
	}
}

func (d *decoder) call(path string, v []byte) {
	c := &chat.ToolCall{}
	called := toolName{}
	d.each(path, rawjson.ObjectKind, v, func(name, path string, k rawjson.Kind, v []byte) bool {
		switch name {
		case "call_id":
			c.ID = d.text(path, k, v)
		case "name":
			called.name = d.text(path, k, v)
		case "namespace":
			called.namespace = d.text(path, k, v)
		case "arguments":
			c.Arguments = d.text(path, k, v)
		case "caller":
			return member(v, "type") == "direct"
		case "type", "id", "status":
		default:
			return false
		}
		return true
	})
	if c.Name = called.flat(); called.name == "" || c.ID == "" {
		d.fail(path, "%s must have a name and a call_id", path)
		return
	}
	d.tools[c.ID] = c.Name
	d.add(chat.Assistant, path, chat.Part{Kind: chat.Call, Call: c, Signature: d.signature, SignedBy: d.signedBy, Path: path})
	d.signature, d.signedBy = "", ""
}

func (d *decoder) result(path string, v []byte) {
	res := &chat.Result{}
	said := false
	d.each(path, rawjson.ObjectKind, v, func(name, path string, k rawjson.Kind, v []byte) bool {
		switch name {
		case "call_id":
			res.CallID = d.text(path, k, v)
		case "output":
			said = true
			res.Parts = d.content(path, k, v)
		case "name":
			res.Name = d.text(path, k, v)
		case "caller":
			return member(v, "type") == "direct"
		case "type", "id", "status", "namespace":
		default:
			return false
		}
		return true
	})
	if res.CallID == "" || !said {
		d.fail(path, "%s must have a call_id and an output", path)
		return
	}
	if name := d.tools[res.CallID]; name != "" {
		res.Name = name
	}
	d.add(chat.User, path, chat.Part{Kind: chat.ToolResult, Result: res, Path: path})
}

// reasoning reads a thought. One that only carries the signature of the call after it is none.
func (d *decoder) reasoning(path string, v []byte) {
	var summary, content []string
	encrypted := ""
	texts := func(into *[]string) func(string, rawjson.Kind, []byte) {
		return func(_ string, _ rawjson.Kind, v []byte) {
			if s := member(v, "text"); s != "" {
				*into = append(*into, s)
			}
		}
	}
	d.each(path, rawjson.ObjectKind, v, func(name, path string, k rawjson.Kind, v []byte) bool {
		switch name {
		case "summary":
			d.elements(path, k, v, texts(&summary))
		case "content":
			d.elements(path, k, v, texts(&content))
		case "encrypted_content":
			encrypted = d.text(path, k, v)
		case "type", "id", "status":
		default:
			return false
		}
		return true
	})
	if signer, what, signature := unpack(encrypted); what == carriesCall {
		d.signature, d.signedBy = signature, signer
		return
	}
	if len(summary) == 0 {
		summary = content
	}
	p := chat.Part{Kind: chat.Thinking, Text: strings.Join(summary, "\n\n"), Path: path}
	unpackPart(&p, encrypted)
	if p.Text == "" && p.Signature == "" {
		return
	}
	d.add(chat.Assistant, path, p)
}
