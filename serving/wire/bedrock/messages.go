package bedrock

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/lakegate/lakegate/serving/wire/chat"
)

// messages writes the turns. Neighbours of one role become one turn, as Converse wants them, and
// results of tools come first in theirs. Instructions in the middle of a chat, which most models
// don't take there, follow those at its beginning.
func (e *encoder) messages() {
	for i := range e.r.Messages {
		m := &e.r.Messages[i]
		if m.Name != "" {
			e.lose(m.Path+".name", "Bedrock's Converse has no names of speakers")
		}
		role := "user"
		switch m.Role {
		case chat.Assistant:
			role = "assistant"
		case chat.System:
			e.system(m.Parts)
			continue
		}
		var results, others []object
		for j := range m.Parts {
			p := &m.Parts[j]
			if p.Kind == chat.ToolResult {
				results = appendCachePoint(e.part(results, p), p.Cache)
				continue
			}
			others = appendCachePoint(e.part(others, p), p.Cache)
		}
		e.add(role, results, others)
	}
}

// add appends to the last turn, or begins another one.
func (e *encoder) add(role string, results, others []object) {
	if len(results)+len(others) == 0 {
		return
	}
	n := len(e.body.Messages)
	if n == 0 || e.body.Messages[n-1].Role != role {
		e.body.Messages = append(e.body.Messages, turn{Role: role, Content: append(results, others...)})
		return
	}
	last := &e.body.Messages[n-1]
	// Results stand before all text, also that of messages before.
	at := 0
	for at < len(last.Content) && (last.Content[at]["toolResult"] != nil || at > 0 && last.Content[at]["cachePoint"] != nil && last.Content[at-1]["toolResult"] != nil) {
		at++
	}
	content := append(append([]object{}, last.Content[:at]...), results...)
	content = append(content, last.Content[at:]...)
	last.Content = append(content, others...)
}

// part appends a content block.
func (e *encoder) part(list []object, p *chat.Part) []object {
	switch p.Kind {
	case chat.Text, chat.Refusal:
		if strings.TrimSpace(p.Text) == "" {
			return list // Converse refuses blank text, which says nothing
		}
		return append(list, object{"text": p.Text})
	case chat.Image, chat.Audio, chat.File:
		if b := e.media(p); b != nil {
			return append(list, b)
		}
	case chat.Call:
		if b := e.call(p); b != nil {
			return append(list, b)
		}
	case chat.ToolResult:
		if p.Result != nil {
			return append(list, e.result(p.Result))
		}
	case chat.Thinking:
		if b := thought(p); b != nil {
			return append(list, b)
		}
	}
	return list
}

// thought writes a thought that its model will know for its own. Others mean nothing to it.
func thought(p *chat.Part) object {
	if p.SignedBy != signedBy || p.Signature == "" {
		return nil
	}
	if p.Redacted {
		if _, err := base64.StdEncoding.DecodeString(p.Signature); err != nil {
			return nil // not its own
		}
		return object{"reasoningContent": object{"redactedContent": p.Signature}}
	}
	return object{"reasoningContent": object{"reasoningText": object{"text": p.Text, "signature": p.Signature}}}
}

func (e *encoder) call(p *chat.Part) object {
	arguments := strings.TrimSpace(p.Call.Arguments)
	if arguments == "" {
		arguments = "{}"
	}
	if !json.Valid([]byte(arguments)) || arguments[0] != '{' {
		e.refuse(p.Path, "the arguments of the tool call %q must be a JSON object", p.Call.ID)
		return nil
	}
	return object{"toolUse": object{"toolUseId": safeID(p.Call.ID), "name": p.Call.Name, "input": json.RawMessage(arguments)}}
}

func (e *encoder) result(r *chat.Result) object {
	content := []object{}
	for i := range r.Parts {
		p := &r.Parts[i]
		switch p.Kind {
		case chat.Text, chat.Image, chat.File:
			content = e.part(content, p)
		default:
			e.lose(p.Path, "Bedrock's Converse takes no %s in the result of a tool", p.Kind)
		}
	}
	result := object{"toolUseId": safeID(r.CallID), "content": content}
	if r.Failed {
		result["status"] = "error"
	}
	return object{"toolResult": result}
}

// maxID is how long Bedrock takes the id of a tool call.
const maxID = 64

// safeID writes an id with the letters Bedrock takes, the same each time.
func safeID(id string) string {
	return clip(strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.ContainsRune("_.:-", c):
			return c
		}
		return '_'
	}, id), id)
}
