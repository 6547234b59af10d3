package bedrock

import (
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/lakegate/lakegate/serving/wire/chat"
)

// formats are Converse's words for what a MIME type says.
var formats = map[string]struct{ block, format string }{
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
var extensions = map[string]string{
	"pdf": "pdf", "csv": "csv", "doc": "doc", "docx": "docx", "xls": "xls", "xlsx": "xlsx",
	"html": "html", "htm": "html", "txt": "txt", "md": "md",
}

// media writes a picture, a sound, a film or a document; nil for what can't be passed on.
func (e *encoder) media(p *chat.Part) object {
	m := p.Media
	if m == nil {
		return nil
	}
	mime, _, _ := strings.Cut(strings.ToLower(m.MIME), ";")
	f, ok := formats[strings.TrimSpace(mime)]
	if !ok && p.Kind == chat.File {
		f.block, f.format = "document", extensions[extension(m.Name)]
		ok = f.format != ""
	}
	if !ok {
		e.lose(p.Path, "Bedrock's Converse has no name for the type %q", m.MIME)
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
	block := object{"format": f.format, "source": source}
	if f.block == "document" {
		e.documents++
		block["name"] = documentName(m.Name, e.documents)
	}
	return object{f.block: block}
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
