package anthropic

import (
	"errors"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// decodeAnswer reads a Message. What Anthropic's own tools did is left out, and so are citations:
// who asks for them does so in this format, and gets the Message as it is.
func decodeAnswer(body []byte) (*chat.Answer, error) {
	var o rawjson.Object
	if err := o.Parse(body, maxDepth); err != nil {
		return nil, err
	}
	a := &chat.Answer{Choices: make([]chat.Choice, 1)}
	c := &a.Choices[0]
	isMessage, explanation := false, ""
	for i := range o.Len() {
		v := o.Value(i)
		switch string(o.Name(i)) {
		case "type":
			if string(v) == `"error"` {
				return nil, errors.New("an error where a message should be")
			}
		case "id":
			a.ID = textOf(v)
		case "model":
			a.Model = textOf(v)
		case "content":
			isMessage = o.Kind(i) == rawjson.Array
			c.Parts = answerParts(v)
		case "stop_reason":
			c.Stop = stopOf(textOf(v))
		case "stop_sequence":
			c.StopText = textOf(v)
		case "stop_details":
			explanation = textOf(memberOf(v, "explanation"))
		case "usage":
			a.Usage, a.HasUsage = ParseUsage(v)
		}
	}
	if !isMessage {
		return nil, errors.New("no content, which every message has")
	}
	if explanation != "" {
		c.Parts = append(c.Parts, chat.Part{Kind: chat.Refusal, Text: explanation})
	}
	if c.Stop == chat.StopTool && !hasCalls(c.Parts) {
		c.Stop = chat.StopEnd // the tool was our own
	}
	return a, nil
}

// textOf returns the text of a JSON string, "" for anything else.
func textOf(v []byte) string {
	if len(v) < 2 || v[0] != '"' {
		return ""
	}
	return rawjson.Unquote(v)
}

func hasCalls(parts []chat.Part) bool {
	for i := range parts {
		if parts[i].Kind == chat.Call {
			return true
		}
	}
	return false
}

func answerParts(content []byte) (parts []chat.Part) {
	w := rawjson.Walk(content)
	if w.Kind() != rawjson.Array {
		return nil
	}
	for ok := w.Enter(); ok; ok = w.Next() {
		var b answerBlock
		b.read(w.Take())
		switch b.kind {
		case "text":
			parts = append(parts, chat.Part{Kind: chat.Text, Text: b.text})
		case "thinking":
			parts = append(parts, signed(chat.Part{Kind: chat.Thinking, Text: b.text, Signature: b.signature}))
		case "redacted_thinking":
			parts = append(parts, signed(chat.Part{Kind: chat.Thinking, Redacted: true, Signature: b.signature}))
		case "tool_use":
			if b.name == jsonTool {
				parts = append(parts, chat.Part{Kind: chat.Text, Text: b.input})
				continue
			}
			parts = append(parts, chat.Part{Kind: chat.Call, Call: &chat.ToolCall{ID: b.id, Name: b.name, Arguments: b.input}})
		}
	}
	return parts
}

func signed(p chat.Part) chat.Part {
	if p.Signature != "" {
		p.SignedBy = signer
	}
	return p
}

// answerBlock is a content block of an answer, as far as it can be told in the common form.
type answerBlock struct {
	kind, text, signature, id, name, input string
}

func (b *answerBlock) read(object []byte) {
	rawjson.Members(object, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "type":
			b.kind = textOf(v)
		case "text", "thinking":
			if k == rawjson.String {
				b.text = textOf(v)
			}
		case "signature", "data":
			b.signature = textOf(v)
		case "id":
			b.id = textOf(v)
		case "name":
			b.name = textOf(v)
		case "input":
			b.input = string(v)
		}
		return true
	})
}
