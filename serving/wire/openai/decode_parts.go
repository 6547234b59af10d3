package openai

import (
	"strconv"
	"strings"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/fields"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// content reads a message's content: text, or a list of parts.
func (d *decoder) content(path string, k rawjson.Kind, v []byte) (parts []chat.Part) {
	switch k {
	case rawjson.String:
		if text := rawjson.Unquote(v); text != "" {
			parts = append(parts, chat.Part{Kind: chat.Text, Text: text, Path: path})
		}
	case rawjson.Array:
		d.Each(path, v, func(i int, _ rawjson.Kind, v []byte) {
			parts = d.part(parts, fields.At(path, i), v)
		})
	default:
		d.Wrong(path, "a string or an array of parts", k)
	}
	return parts
}

// partKinds are the types of parts that are understood. Others are lost whole.
var partKinds = map[string]chat.PartKind{
	"text": chat.Text, "refusal": chat.Refusal, "image_url": chat.Image, "input_audio": chat.Audio, "file": chat.File,
}

// part adds a part of a content to parts.
func (d *decoder) part(parts []chat.Part, path string, v []byte) []chat.Part {
	p := partReader{decoder: d, path: path, part: chat.Part{Path: path}}
	d.Members(path, v, p.member)
	kind, known := partKinds[p.kind]
	switch {
	case p.kind == "thinking", p.kind == "reasoning":
		return append(parts, p.thoughts...)
	case !known:
		d.Lose(path, "a part of type "+strconv.Quote(p.kind)+"; "+notUnderstood)
		return parts
	case p.part.Media == nil && kind != chat.Text && kind != chat.Refusal:
		d.Refuse(path+"."+p.kind, "field %q must say what the %s is", path+"."+p.kind, kind)
	}
	for _, field := range p.unknown {
		d.Lose(field, notUnderstood)
	}
	p.part.Kind = kind
	return append(parts, p.part)
}

// partReader reads the members of a part.
type partReader struct {
	*decoder
	path     string
	kind     string
	part     chat.Part
	thoughts []chat.Part
	unknown  []string
}

func (p *partReader) member(name string, k rawjson.Kind, v []byte) {
	path := p.path + "." + name
	switch name {
	case "type":
		p.kind = p.Text(path, k, v)
	case "text", "refusal":
		p.part.Text = p.Text(path, k, v)
	case "image_url":
		p.part.Media = p.imageURL(path, k, v)
	case "input_audio":
		p.part.Media = p.audio(path, v)
	case "file":
		p.part.Media = p.file(path, v)
	case "thinking", "summary":
		p.thoughts = readThoughts(v, p.path)
	case "cache_control":
		p.part.Cache = p.cache(path, v)
	case "prompt_cache_breakpoint": // for half an hour at OpenAI
		p.part.Cache = "5m"
	case "id", "index", "signature", "annotations": // of answers that are sent back
	default:
		p.unknown = append(p.unknown, path)
	}
}

// imageURL reads an image's address, which may hold the image itself.
func (d *decoder) imageURL(path string, k rawjson.Kind, v []byte) *chat.Media {
	m := &chat.Media{}
	if k == rawjson.String { // as some clients send it
		d.address(m, path, rawjson.Unquote(v))
		return m
	}
	d.Members(path, v, func(name string, k rawjson.Kind, v []byte) {
		switch name {
		case "url":
			d.address(m, path+".url", d.Text(path+".url", k, v))
		case "detail":
			if m.Detail = d.Text(path+".detail", k, v); m.Detail == "auto" {
				m.Detail = ""
			}
		default:
			d.Lose(path+"."+name, notUnderstood)
		}
	})
	if m.URL == "" && m.Data == "" {
		d.Refuse(path+".url", "field %q must be a URL", path+".url")
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
		d.Refuse(path, "field %q must be a URL, or data:<type>;base64,<data>", path)
		return
	}
	m.MIME, _, _ = strings.Cut(mime, ";")
	m.Data = data
}

func (d *decoder) audio(path string, v []byte) *chat.Media {
	m := &chat.Media{}
	d.Members(path, v, func(name string, k rawjson.Kind, v []byte) {
		switch name {
		case "data":
			m.Data = d.Text(path+".data", k, v)
		case "format":
			m.MIME = audioType(d.Text(path+".format", k, v))
		default:
			d.Lose(path+"."+name, notUnderstood)
		}
	})
	return m
}

func (d *decoder) file(path string, v []byte) *chat.Media {
	m := &chat.Media{}
	d.Members(path, v, func(name string, k rawjson.Kind, v []byte) {
		p := path + "." + name
		switch name {
		case "filename":
			m.Name = d.Text(p, k, v)
		case "file_id":
			m.FileID = d.Text(p, k, v)
		case "file_data":
			text := d.Text(p, k, v)
			if strings.HasPrefix(text, "data:") || strings.Contains(text, "://") {
				d.address(m, p, text) // OpenRouter takes URLs here
				return
			}
			m.Data = text
		default:
			d.Lose(p, notUnderstood)
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
