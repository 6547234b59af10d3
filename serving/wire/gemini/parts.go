package gemini

import (
	"fmt"
	"strings"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// signedByGemini is SignedBy of thoughts of Google's models.
const signedByGemini = "gemini"

// part reads a Part. It returns false for one of a kind that the common form does not have.
func (d *decoding) part(at string, raw []byte) (chat.Part, bool) {
	p := chat.Part{Path: at}
	thought := false
	set := func(kind chat.PartKind, f field) {
		if p.Kind != "" {
			d.fail(at, "must have one kind of data, not %s beside another", f.name)
		}
		p.Kind = kind
	}
	d.fields(at, raw, func(f field) {
		switch f.name {
		case "text":
			set(chat.Text, f)
			p.Text = d.text(f)
		case "thought":
			thought = d.flag(f)
		case "thoughtSignature":
			sign(&p, d.text(f))
		case "inlineData", "fileData":
			p.Media = d.media(f)
			set(kindOfMedia(p.Media.MIME), f)
		case "functionCall":
			set(chat.Call, f)
			p.Call = d.call(f)
		case "functionResponse":
			set(chat.ToolResult, f)
			p.Result = d.result(f)
		default:
			d.unknown(f)
		}
	})
	if thought && p.Kind == chat.Text {
		p.Kind = chat.Thinking
	}
	return p, p.Kind != ""
}

func kindOfMedia(mime string) chat.PartKind {
	switch kind, _, _ := strings.Cut(mime, "/"); kind {
	case "image":
		return chat.Image
	case "audio":
		return chat.Audio
	default:
		return chat.File
	}
}

// media reads a Blob or a FileData.
func (d *decoding) media(f field) *chat.Media {
	m := &chat.Media{}
	d.fields(f.at, f.raw, func(f field) {
		switch f.name {
		case "mimeType":
			m.MIME = d.text(f)
		case "data":
			m.Data = standardBase64(d.text(f))
		case "fileUri":
			uri := d.text(f)
			if isFileID(uri) {
				m.FileID = uri
			} else {
				m.URL = uri
			}
		case "displayName":
			m.Name = d.text(f)
		default:
			d.unknown(f)
		}
	})
	return m
}

// isFileID reports whether a URI names a file that only Google can read: one uploaded to the
// Gemini API, or one in Cloud Storage.
func isFileID(uri string) bool {
	return strings.HasPrefix(uri, "gs://") || strings.HasPrefix(uri, "files/") ||
		strings.HasPrefix(uri, "https://generativelanguage.googleapis.com/")
}

func (d *decoding) call(f field) *chat.ToolCall {
	c := &chat.ToolCall{}
	d.fields(f.at, f.raw, func(f field) {
		switch f.name {
		case "id":
			c.ID = d.text(f)
		case "name":
			c.Name = d.text(f)
		case "args":
			if f.kind != rawjson.ObjectKind {
				d.fail(f.at, "must be an object, not %s", f.kind)
			}
			c.Arguments = string(compact(f.raw))
		default:
			d.unknown(f)
		}
	})
	if c.Name == "" {
		d.fail(f.at+".name", "is missing: a call needs the name of its function")
	}
	if c.ID == "" {
		c.ID = fmt.Sprintf("call_%d", d.calls)
	}
	d.calls++
	d.waiting = append(d.waiting, waitingCall{c.ID, c.Name})
	return c
}

// result reads a FunctionResponse. One without id answers the first call of its name that has no
// result yet.
func (d *decoding) result(f field) *chat.Result {
	r := &chat.Result{}
	var parts []chat.Part
	d.fields(f.at, f.raw, func(f field) {
		switch f.name {
		case "id":
			r.CallID = d.text(f)
		case "name":
			r.Name = d.text(f)
		case "response":
			parts = append(parts, d.response(f, r))
		case "parts":
			d.elements(f, func(at string, raw []byte) {
				if p, ok := d.part(at, raw); ok {
					r.Parts = append(r.Parts, p)
				}
			})
		default:
			d.unknown(f)
		}
	})
	r.Parts = append(parts, r.Parts...)
	if r.Name == "" {
		d.fail(f.at+".name", "is missing: a response needs the name of its function")
	}
	for i, w := range d.waiting {
		if w.id == r.CallID || r.CallID == "" && w.name == r.Name {
			r.CallID = w.id
			d.waiting = append(d.waiting[:i:i], d.waiting[i+1:]...)
			break
		}
	}
	if r.CallID == "" {
		r.CallID = fmt.Sprintf("call_%d", d.calls)
		d.calls++
	}
	return r
}

// response reads what a function gave back. A lone member output or error is what it was, as
// Google documents; any other object is taken whole.
func (d *decoding) response(f field, r *chat.Result) chat.Part {
	p := chat.Part{Kind: chat.Text, Text: string(compact(f.raw)), Path: f.at}
	members := 0
	var only field
	d.fields(f.at, f.raw, func(f field) {
		members++
		only = f
	})
	if members != 1 || only.name != "output" && only.name != "error" {
		return p
	}
	r.Failed = only.name == "error"
	p.Text = string(compact(only.raw))
	if only.kind == rawjson.String {
		p.Text = rawjson.Unquote(only.raw)
	}
	return p
}
