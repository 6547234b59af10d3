package responses

import (
	"path"
	"strings"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

func (d *decoder) image(p *chat.Part, path string, v []byte) {
	p.Media = &chat.Media{}
	d.each(path, rawjson.ObjectKind, v, func(name, path string, k rawjson.Kind, v []byte) bool {
		switch name {
		case "image_url":
			d.address(p.Media, path, d.text(path, k, v))
		case "file_id":
			p.Media.FileID = d.text(path, k, v)
		case "detail":
			p.Media.Detail = d.text(path, k, v)
		case "prompt_cache_breakpoint":
			p.Cache = "5m"
		case "type":
		default:
			return false
		}
		return true
	})
	d.needsMedia(p.Media, path, "image_url or file_id")
}

func (d *decoder) file(p *chat.Part, at string, v []byte) {
	m := &chat.Media{}
	p.Media = m
	d.each(at, rawjson.ObjectKind, v, func(name, path string, k rawjson.Kind, v []byte) bool {
		switch name {
		case "file_data":
			if s := d.text(path, k, v); strings.HasPrefix(s, "data:") {
				d.address(m, path, s)
			} else {
				m.Data = s
			}
		case "file_url":
			d.address(m, path, d.text(path, k, v))
		case "file_id":
			m.FileID = d.text(path, k, v)
		case "filename":
			m.Name = d.text(path, k, v)
		case "detail":
			m.Detail = d.text(path, k, v)
		case "prompt_cache_breakpoint":
			p.Cache = "5m"
		case "type":
		default:
			return false
		}
		return true
	})
	if m.MIME == "" {
		m.MIME = documentType(m.Name)
	}
	if m.MIME == "" && m.URL != "" {
		address, _, _ := strings.Cut(m.URL, "?")
		m.MIME = documentType(address)
	}
	d.needsMedia(m, at, "file_data, file_url or file_id")
}

func documentType(name string) string { return documents[strings.ToLower(path.Ext(name))] }

// documents are the types of files by the end of their name, where the data does not say.
var documents = map[string]string{
	".pdf": "application/pdf", ".txt": "text/plain", ".md": "text/markdown", ".csv": "text/csv", ".html": "text/html",
	".json": "application/json", ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}

func (d *decoder) audio(p *chat.Part, path string, v []byte) {
	p.Media = &chat.Media{}
	d.each(path, rawjson.ObjectKind, v, func(name, path string, k rawjson.Kind, v []byte) bool {
		if name == "input_audio" {
			d.each(path, k, v, func(name, path string, k rawjson.Kind, v []byte) bool {
				switch name {
				case "data":
					p.Media.Data = d.text(path, k, v)
				case "format":
					p.Media.MIME = map[string]string{"mp3": "audio/mpeg"}[d.text(path, k, v)]
					if p.Media.MIME == "" {
						p.Media.MIME = "audio/" + d.text(path, k, v)
					}
				default:
					return false
				}
				return true
			})
			return true
		}
		return name == "type"
	})
	d.needsMedia(p.Media, path, "input_audio.data")
}

func (d *decoder) needsMedia(m *chat.Media, path, names string) {
	if m.Data == "" && m.URL == "" && m.FileID == "" {
		d.fail(path, "%s must have %s", path, names)
	}
}

// address reads a URL; one that holds its data gives the data.
func (d *decoder) address(m *chat.Media, path, url string) {
	rest, isData := strings.CutPrefix(url, "data:")
	if !isData {
		m.URL = url
		return
	}
	head, data, ok := strings.Cut(rest, ",")
	mime, base64 := strings.CutSuffix(head, ";base64")
	if !ok || !base64 {
		d.fail(path, "field %q: a data URL must hold base64, as in data:image/png;base64,...", path)
		return
	}
	m.MIME, _, _ = strings.Cut(mime, ";")
	m.Data = data
}
