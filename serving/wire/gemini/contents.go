package gemini

import (
	"encoding/json"
	"path"
	"strings"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// unsigned stands for the signature of a call that Google's models did not make or whose signature
// got lost on the way. Google documents it for exactly that; without any, Gemini 3 refuses.
const unsigned = "skip_thought_signature_validator"

// contents writes the messages. Results of calls follow the calls in one content of their own, and
// what the model said in a row is one content: so Google wants it.
func (e *encoding) contents() []content {
	var all []content
	lastResults := false
	for _, m := range e.r.Messages {
		if m.Name != "" {
			e.lose(m.Path+".name", "Google's API does not name speakers")
		}
		role := "user"
		switch m.Role {
		case chat.Assistant:
			role = "model"
		case chat.System: // Google has one place for instructions
			e.system = append(e.system, e.parts(m.Parts)...)
			continue
		}
		for run := range runs(m.Parts) {
			results := run[0].Kind == chat.ToolResult
			parts := e.parts(run)
			if len(parts) == 0 {
				continue
			}
			if last := len(all) - 1; last >= 0 && all[last].Role == role && (role == "model" || results && lastResults) {
				all[last].Parts = append(all[last].Parts, parts...)
			} else {
				all = append(all, content{parts, role})
			}
			lastResults = results
		}
	}
	for i := range all {
		e.sign(all[i].Parts)
	}
	if len(all) == 0 && e.err == nil {
		e.err = apierr.New(apierr.InvalidParameter, "the request has no message but the system's, and Google's API needs one")
	}
	return all
}

// runs cuts parts where results of tools begin and end.
func runs(parts []chat.Part) func(yield func([]chat.Part) bool) {
	return func(yield func([]chat.Part) bool) {
		for start := 0; start < len(parts); {
			end := start + 1
			for end < len(parts) && (parts[end].Kind == chat.ToolResult) == (parts[start].Kind == chat.ToolResult) {
				end++
			}
			if !yield(parts[start:end]) {
				return
			}
			start = end
		}
	}
}

// sign gives the first call of a content a signature, where the model insists on one.
func (e *encoding) sign(parts []wirePart) {
	if !takesLevels(e.model) {
		return
	}
	for i := range parts {
		if parts[i].FunctionCall != nil {
			if parts[i].ThoughtSignature == "" {
				parts[i].ThoughtSignature = unsigned
			}
			return
		}
	}
}

func (e *encoding) parts(parts []chat.Part) []wirePart {
	var all []wirePart
	for i := range parts {
		p := &parts[i]
		e.cache(p.Cache, p.Path)
		if w, ok := e.part(p); ok {
			if p.SignedBy == signedByGemini {
				w.ThoughtSignature = p.Signature
			}
			// Google refuses empty texts beside other parts.
			if w.Text == nil || *w.Text != "" || w.ThoughtSignature != "" || len(parts) == 1 {
				all = append(all, w)
			}
		}
	}
	return all
}

func (e *encoding) part(p *chat.Part) (wirePart, bool) {
	switch p.Kind {
	case chat.Text, chat.Refusal:
		return wirePart{Text: &p.Text}, true
	case chat.Thinking:
		return wirePart{Text: &p.Text, Thought: true}, p.SignedBy == signedByGemini
	case chat.Image, chat.Audio, chat.File:
		return e.media(p)
	case chat.Call:
		return e.call(p), true
	case chat.ToolResult:
		return wirePart{FunctionResponse: e.result(p)}, true
	}
	e.lose(p.Path, "Google's API has no parts of the kind "+string(p.Kind))
	return wirePart{}, false
}

func (e *encoding) media(p *chat.Part) (wirePart, bool) {
	m := p.Media
	if m.Detail == "low" {
		e.lose(p.Path+".detail", "Google's API reads each picture in full detail")
	}
	mime := m.MIME
	switch {
	case m.Data != "":
		if mime == "" {
			mime = mimeOf(m.Name)
		}
		if mime == "" {
			e.fail(p.Path, "needs a media type: Google's API wants to be told what the data is")
		}
		return wirePart{InlineData: &blob{mime, m.Data}}, true
	case m.URL != "":
		if mime == "" {
			mime = mimeOf(m.URL)
		}
		return wirePart{FileData: &fileData{mime, m.URL}}, true
	case isFileID(m.FileID):
		return wirePart{FileData: &fileData{mime, m.FileID}}, true
	}
	e.lose(p.Path, "the file is at another provider")
	return wirePart{}, false
}

// mimeOf tells a media type by the end of a name or URL, "" when it can't.
func mimeOf(name string) string {
	name, _, _ = strings.Cut(name, "?")
	return mimes[strings.ToLower(path.Ext(name))]
}

var mimes = map[string]string{
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp", ".gif": "image/gif",
	".heic": "image/heic", ".pdf": "application/pdf", ".txt": "text/plain", ".md": "text/markdown", ".csv": "text/csv",
	".html": "text/html", ".json": "application/json", ".mp3": "audio/mpeg", ".wav": "audio/wav", ".ogg": "audio/ogg",
	".flac": "audio/flac", ".mp4": "video/mp4", ".mov": "video/quicktime", ".webm": "video/webm",
}

func (e *encoding) call(p *chat.Part) wirePart {
	args, ok := asObject(p.Call.Arguments)
	switch {
	case strings.TrimSpace(p.Call.Arguments) == "":
		args = json.RawMessage("{}")
	case !ok:
		e.fail(p.Path, "has arguments that are no JSON object, which Google's API can't be told")
	}
	e.names[p.Call.ID] = p.Call.Name
	return wirePart{FunctionCall: &wireCall{p.Call.ID, p.Call.Name, args}}
}

// result writes what a call came to: a JSON object as it is, other text as its output.
func (e *encoding) result(p *chat.Part) *functionResponse {
	r := p.Result
	w := &functionResponse{ID: r.CallID, Name: r.Name}
	if w.Name == "" {
		w.Name = e.names[r.CallID]
	}
	if w.Name == "" {
		e.fail(p.Path, "answers the call %q, which no message before it made", r.CallID)
	}
	var text strings.Builder
	for i := range r.Parts {
		switch part := &r.Parts[i]; part.Kind {
		case chat.Text:
			if text.Len() > 0 {
				text.WriteByte('\n')
			}
			text.WriteString(part.Text)
		default:
			if m, ok := e.part(part); ok {
				w.Parts = append(w.Parts, m)
			}
		}
	}
	key := "output"
	if r.Failed {
		key = "error"
	}
	object, ok := asObject(text.String())
	if !ok || r.Failed {
		object, _ = marshal(map[string]string{key: text.String()})
	}
	w.Response = object
	return w
}

func (e *encoding) fail(at, format string, args ...any) {
	if e.err == nil {
		e.err = apierr.New(apierr.InvalidParameter, at+" "+format, args...).At(at)
	}
}
