package bedrock

import (
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"net/http"
	"strings"

	"github.com/lakegate/lakegate/serving/wire/chat"
)

// format is what a medium is to Converse: the kind of its block, and its format there.
type format struct{ block, format string }

// formats are Converse's words for what a MIME type says.
var formats = map[string]format{
	"image/png":          {"image", "png"},
	"image/jpeg":         {"image", "jpeg"},
	"image/jpg":          {"image", "jpeg"},
	"image/gif":          {"image", "gif"},
	"image/webp":         {"image", "webp"},
	"application/pdf":    {"document", "pdf"},
	"text/csv":           {"document", "csv"},
	"text/html":          {"document", "html"},
	"text/plain":         {"document", "txt"},
	"text/markdown":      {"document", "md"},
	"application/msword": {"document", "doc"},
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document": {"document", "docx"},
	"application/vnd.ms-excel": {"document", "xls"},
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {"document", "xlsx"},
	"audio/mpeg":       {"audio", "mp3"},
	"audio/mp3":        {"audio", "mp3"},
	"audio/wav":        {"audio", "wav"},
	"audio/x-wav":      {"audio", "wav"},
	"audio/flac":       {"audio", "flac"},
	"audio/ogg":        {"audio", "ogg"},
	"audio/opus":       {"audio", "opus"},
	"audio/aac":        {"audio", "aac"},
	"audio/mp4":        {"audio", "m4a"},
	"audio/webm":       {"audio", "webm"},
	"video/mp4":        {"video", "mp4"},
	"video/quicktime":  {"video", "mov"},
	"video/webm":       {"video", "webm"},
	"video/mpeg":       {"video", "mpeg"},
	"video/x-matroska": {"video", "mkv"},
	"video/x-flv":      {"video", "flv"},
	"video/x-ms-wmv":   {"video", "wmv"},
	"video/3gpp":       {"video", "three_gp"},
}

// extensions help where the type is not known but the name is.
var extensions = map[string]format{
	"pdf": {"document", "pdf"}, "csv": {"document", "csv"}, "doc": {"document", "doc"}, "docx": {"document", "docx"},
	"xls": {"document", "xls"}, "xlsx": {"document", "xlsx"}, "html": {"document", "html"}, "htm": {"document", "html"},
	"txt": {"document", "txt"}, "md": {"document", "md"},
	"png": {"image", "png"}, "jpg": {"image", "jpeg"}, "jpeg": {"image", "jpeg"}, "gif": {"image", "gif"}, "webp": {"image", "webp"},
	"mp3": {"audio", "mp3"}, "wav": {"audio", "wav"}, "flac": {"audio", "flac"}, "mp4": {"video", "mp4"}, "mov": {"video", "mov"}, "webm": {"video", "webm"},
}

// media writes a picture, a sound, a film or a document; nil for what can't be passed on.
func (e *encoder) media(p *chat.Part) object {
	m := p.Media
	if m == nil {
		return nil
	}
	source := object{}
	switch {
	case m.Data != "":
		if _, err := base64.StdEncoding.DecodeString(m.Data); err != nil {
			e.refuse(p.Path, "the data must be base64: %v", err)
			return nil
		}
		source["bytes"] = m.Data
	case strings.HasPrefix(m.URL, "s3://"):
		source["s3Location"] = object{"uri": m.URL}
	case m.URL != "":
		e.lose(p.Path, "Bedrock takes no URL but of S3; send the data itself")
		return nil
	default:
		e.lose(p.Path, "Bedrock has no files of other providers; send the data itself")
		return nil
	}
	f, ok := formatOf(p)
	if !ok {
		e.lose(p.Path, "Bedrock's Converse has no name for the type %q", m.MIME)
		return nil
	}
	if m.Detail == "low" {
		e.lose(p.Path+".detail", "Bedrock's Converse has no detail of a picture")
	}
	block := object{"format": f.format, "source": source}
	if f.block == "document" {
		e.documents++
		block["name"] = documentName(m.Name, e.documents)
	}
	return object{f.block: block}
}

// formatOf returns what the type says, or else the name, the address or the data.
func formatOf(p *chat.Part) (format, bool) {
	m := p.Media
	mime, _, _ := strings.Cut(strings.ToLower(m.MIME), ";")
	if f, ok := formats[strings.TrimSpace(mime)]; ok {
		return f, true
	}
	for _, name := range [...]string{m.Name, m.URL} {
		if f, ok := extensions[extension(name)]; ok {
			return f, true
		}
	}
	if mime != "" {
		return format{}, false
	}
	head, err := base64.StdEncoding.DecodeString(m.Data[:min(len(m.Data), 64)/4*4])
	if err != nil {
		return format{}, false
	}
	mime, _, _ = strings.Cut(http.DetectContentType(head), ";")
	f, ok := formats[mime]
	return f, ok
}

func extension(name string) string {
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		return strings.ToLower(name[i+1:])
	}
	return ""
}

// documentName returns a name with the letters Bedrock takes, and no two spaces in a row.
func documentName(name string, n int) string {
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		name = name[:i]
	}
	name = strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.ContainsRune("-()[] ", c):
			return c
		}
		return '-'
	}, name)
	name = strings.Join(strings.Fields(name), " ")
	if name == "" {
		return fmt.Sprintf("document-%d", n)
	}
	return name[:min(len(name), 200)]
}

// clip bounds an id, keeping it apart from others that begin alike.
func clip(s, original string) string {
	if len(s) <= maxID && s == original {
		return s
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(original))
	return fmt.Sprintf("%s_%08x", s[:min(len(s), maxID-9)], h.Sum32())
}
