package anthropic

import (
	"encoding/base64"
	"strings"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

func (d *requestReader) messages(v []byte) { d.Elements("messages", v, d.message) }

// message reads one turn. A block of instructions inside of it becomes a message of its own.
func (d *requestReader) message(path string, _ rawjson.Kind, v []byte) {
	m := chat.Message{Path: path}
	var content []byte
	d.Members(path, v, func(name string, k rawjson.Kind, v []byte) {
		switch name {
		case "role":
			m.Role = chat.Role(d.Text(path+".role", k, v))
		case "content":
			content = v
		default:
			d.loseUnless(path+"."+name, k, v)
		}
	})
	switch {
	case d.Err != nil:
		return
	case m.Role != chat.User && m.Role != chat.Assistant && m.Role != chat.System:
		d.Refuse(path+".role", "%s.role must be user, assistant or system, not %q", path, m.Role)
		return
	case content == nil:
		d.Refuse(path+".content", "%s has no content", path)
		return
	}
	path += ".content"
	if kindOf(content) == rawjson.String {
		m.Parts = []chat.Part{{Kind: chat.Text, Text: rawjson.Unquote(content), Path: path}}
		d.r.Messages = append(d.r.Messages, m)
		return
	}
	d.Elements(path, content, func(path string, _ rawjson.Kind, v []byte) {
		kind := d.choice(path, v)
		if kind != "mid_conv_system" {
			m.Parts = d.block(m.Parts, path, kind, v)
			return
		}
		if len(m.Parts) > 0 {
			d.r.Messages = append(d.r.Messages, m)
			m.Parts = nil
		}
		d.r.Messages = append(d.r.Messages, chat.Message{Role: chat.System, Parts: d.instructions(path, v), Path: path})
	})
	if len(m.Parts) > 0 {
		d.r.Messages = append(d.r.Messages, m)
	}
}

// instructions reads a block of type mid_conv_system.
func (d *requestReader) instructions(path string, v []byte) (parts []chat.Part) {
	cache := ""
	d.Members(path, v, func(name string, k rawjson.Kind, v []byte) {
		switch name {
		case "type":
		case "content":
			parts = d.systemParts(path+".content", k, v)
		case "cache_control":
			cache = d.cache(path+".cache_control", v)
		default:
			d.loseUnless(path+"."+name, k, v)
		}
	})
	if n := len(parts); n > 0 && cache != "" {
		parts[n-1].Cache = cache
	}
	return parts
}

// systemParts reads instructions: a string or text blocks.
func (d *requestReader) systemParts(path string, k rawjson.Kind, v []byte) (parts []chat.Part) {
	if k == rawjson.String {
		return []chat.Part{{Kind: chat.Text, Text: rawjson.Unquote(v), Path: path}}
	}
	d.Elements(path, v, func(path string, _ rawjson.Kind, v []byte) {
		if kind := d.choice(path, v); kind != "text" && d.Err == nil {
			d.Refuse(path+".type", "%s.type must be text, not %q", path, kind)
		}
		parts = d.block(parts, path, "text", v)
	})
	return parts
}

// block reads a content block. One that the common form has no word for is lost.
func (d *requestReader) block(parts []chat.Part, path, kind string, v []byte) []chat.Part {
	p := chat.Part{Path: path}
	switch kind {
	case "text":
		p.Kind = chat.Text
	case "image":
		p.Kind, p.Media = chat.Image, &chat.Media{}
	case "document":
		p.Kind, p.Media = chat.File, &chat.Media{}
	case "thinking":
		p.Kind = chat.Thinking
	case "redacted_thinking":
		p.Kind, p.Redacted = chat.Thinking, true
	case "tool_use":
		p.Kind, p.Call = chat.Call, &chat.ToolCall{}
	case "tool_result":
		p.Kind, p.Result = chat.ToolResult, &chat.Result{}
	default:
		d.losef(path, "only Anthropic's API has blocks of type %s", kind)
		return parts
	}
	d.Members(path, v, func(name string, k rawjson.Kind, v []byte) {
		switch at := path + "." + name; {
		case name == "type":
		case name == "cache_control":
			p.Cache = d.cache(at, v)
		case !d.blockMember(&p, at, name, k, v):
			d.loseUnless(at, k, v)
		}
	})
	if p.Kind == chat.Thinking {
		return append(parts, signedPart(p))
	}
	if n := len(parts); p.Kind == chat.Call && n > 0 && carriesSignature(&parts[n-1]) {
		p.Signature, p.SignedBy = parts[n-1].Signature, parts[n-1].SignedBy
		parts = parts[:n-1]
	}
	return append(parts, p)
}

// blockMember reads a member of a block that only its kind has; false when it has none such.
func (d *requestReader) blockMember(p *chat.Part, path, name string, k rawjson.Kind, v []byte) bool {
	switch p.Kind {
	case chat.Text:
		if name != "text" {
			return false
		}
		p.Text = d.Text(path, k, v)
	case chat.Thinking:
		switch {
		case name == "thinking" && !p.Redacted:
			p.Text = d.Text(path, k, v)
		case name == "signature" && !p.Redacted, name == "data" && p.Redacted:
			p.Signature = d.Text(path, k, v)
		default:
			return false
		}
	case chat.Image, chat.File:
		return d.mediaMember(p, path, name, k, v)
	case chat.Call:
		return d.callMember(p.Call, path, name, k, v)
	case chat.ToolResult:
		return d.resultMember(p.Result, path, name, k, v)
	}
	return true
}

func (d *requestReader) callMember(c *chat.ToolCall, path, name string, k rawjson.Kind, v []byte) bool {
	switch name {
	case "id":
		c.ID = d.Text(path, k, v)
	case "name":
		c.Name = d.Text(path, k, v)
	case "input":
		if k != rawjson.ObjectKind {
			d.Wrong(path, "an object", k)
		}
		c.Arguments = string(v)
	case "caller":
		return string(memberOf(v, "type")) == `"direct"`
	default:
		return false
	}
	return true
}

func (d *requestReader) resultMember(r *chat.Result, path, name string, k rawjson.Kind, v []byte) bool {
	switch {
	case name == "tool_use_id":
		r.CallID = d.Text(path, k, v)
	case name == "is_error":
		r.Failed = d.Flag(path, k)
	case name == "content" && k == rawjson.String:
		r.Parts = []chat.Part{{Kind: chat.Text, Text: rawjson.Unquote(v), Path: path}}
	case name == "content":
		d.Elements(path, v, func(path string, _ rawjson.Kind, v []byte) {
			switch kind := d.choice(path, v); kind {
			case "text", "image", "document":
				r.Parts = d.block(r.Parts, path, kind, v)
			default:
				d.losef(path, "only Anthropic's API has blocks of type %s", kind)
			}
		})
	default:
		return false
	}
	return true
}

// mediaMember reads pictures and documents. A document's context, and citations of it, are lost.
func (d *requestReader) mediaMember(p *chat.Part, path, name string, k rawjson.Kind, v []byte) bool {
	switch {
	case name == "source":
		d.source(p.Media, path, v)
	case name == "title" && p.Kind == chat.File:
		p.Media.Name = d.Text(path, k, v)
	case name == "citations" && k == rawjson.ObjectKind:
		return string(memberOf(v, "enabled")) != "true"
	default:
		return false
	}
	return true
}

func (d *requestReader) source(m *chat.Media, path string, v []byte) {
	kind := d.choice(path, v)
	d.Members(path, v, func(name string, k rawjson.Kind, v []byte) {
		switch at := path + "." + name; name {
		case "type":
		case "media_type":
			m.MIME = d.Text(at, k, v)
		case "url":
			m.URL = d.Text(at, k, v)
		case "file_id":
			m.FileID = d.Text(at, k, v)
		case "data":
			if m.Data = d.Text(at, k, v); kind == "text" {
				m.Data = base64.StdEncoding.EncodeToString([]byte(m.Data))
			}
		case "content":
			m.MIME, m.Data = "text/plain", base64.StdEncoding.EncodeToString([]byte(d.plain(at, k, v)))
		default:
			d.loseUnless(at, k, v)
		}
	})
	switch {
	case d.Err != nil:
	case kind != "base64" && kind != "url" && kind != "file" && kind != "text" && kind != "content":
		d.losef(path, "only Anthropic's API has sources of type %s", kind)
	case m.Data == "" && m.URL == "" && m.FileID == "":
		d.Refuse(path, "%s has no data, url or file_id", path)
	}
}

// plain reads a document made of text: a string, or blocks, which are put one below the other.
func (d *requestReader) plain(path string, k rawjson.Kind, v []byte) string {
	if k == rawjson.String {
		return rawjson.Unquote(v)
	}
	var texts []string
	d.Elements(path, v, func(path string, _ rawjson.Kind, v []byte) {
		if kind := d.choice(path, v); kind != "text" {
			d.losef(path, "only Anthropic's API has a %s inside of a document", kind)
			return
		}
		t := memberOf(v, "text")
		texts = append(texts, d.Text(path+".text", kindOf(t), t))
	})
	return strings.Join(texts, "\n")
}
