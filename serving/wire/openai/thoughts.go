package openai

import (
	"strings"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/fields"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// readThoughts reads what a part of type thinking (Mistral) or reasoning (Databricks) has in its
// list: texts, some with the signature of their provider.
func readThoughts(v []byte, path string) []chat.Part {
	c := rawjson.Walk(v)
	if c.Kind() == rawjson.String {
		return []chat.Part{{Kind: chat.Thinking, Text: rawjson.Unquote(v), Path: path}}
	}
	var text strings.Builder
	signature := ""
	for ok := c.Enter(); ok; ok = c.Next() {
		rawjson.Members(c.Take(), func(name []byte, k rawjson.Kind, v []byte) bool {
			switch {
			case k == rawjson.String && string(name) == "text":
				text.WriteString(rawjson.Unquote(v))
			case k == rawjson.String && string(name) == "signature":
				signature = rawjson.Unquote(v)
			}
			return true
		})
	}
	p := chat.Part{Kind: chat.Thinking, Text: text.String(), Signature: signature, Path: path}
	if signature != "" {
		p.SignedBy = "anthropic"
	}
	return []chat.Part{p}
}

// detail is one element of reasoning_details, OpenRouter's way to give thoughts together with the
// proof of who thought them. lakegate writes it for signed thoughts, so that clients which send
// back what they got keep them.
type detail struct {
	kind, text, data, signature, format string
}

// The formats of reasoning_details, by who signed.
var detailFormats = map[string]string{
	"anthropic": "anthropic-claude-v1",
	"gemini":    "google-gemini-v1",
	"openai":    "openai-responses-v1",
}

func (d *detail) signer() string {
	if d.kind == "thinking" || d.kind == "redacted_thinking" {
		return "anthropic"
	}
	for signer, f := range detailFormats {
		if f == d.format {
			return signer
		}
	}
	return d.format
}

func readDetail(v []byte) (d detail) {
	rawjson.Members(v, func(name []byte, k rawjson.Kind, v []byte) bool {
		if k != rawjson.String {
			return true
		}
		switch string(name) {
		case "type":
			d.kind = rawjson.Unquote(v)
		case "text", "summary", "thinking":
			d.text = rawjson.Unquote(v)
		case "data":
			d.data = rawjson.Unquote(v)
		case "signature":
			d.signature = rawjson.Unquote(v)
		case "format":
			d.format = rawjson.Unquote(v)
		}
		return true
	})
	return d
}

// readDetails reads reasoning_details, and thinking_blocks, in which some clients keep Anthropic's
// own blocks.
func readDetails(v []byte, path string) (parts []chat.Part) {
	c := rawjson.Walk(v)
	if c.Kind() != rawjson.Array {
		return nil
	}
	i := 0
	for ok := c.Enter(); ok; ok = c.Next() {
		d := readDetail(c.Take())
		p := chat.Part{Kind: chat.Thinking, Text: d.text}
		if path != "" {
			p.Path = fields.At(path, i)
		}
		i++
		switch {
		case (d.kind == "reasoning.encrypted" || d.kind == "redacted_thinking") && d.data != "":
			p.Signature, p.Redacted = d.data, true
		case d.signature != "":
			p.Signature = d.signature
		case d.text == "":
			continue
		}
		if p.Signature != "" {
			p.SignedBy = d.signer()
		}
		parts = append(parts, p)
	}
	return parts
}

// withText returns thoughts with the text that was said beside them. Clients put together from a
// stream the text in reasoning_content and the signatures in reasoning_details, where they have no
// text: then the text is the first signed thought's, which is no good without it.
func withText(thoughts []chat.Part, beside chat.Part) []chat.Part {
	if beside.Text == "" {
		return thoughts
	}
	if thoughts == nil {
		return []chat.Part{beside}
	}
	signed := -1
	for i := range thoughts {
		switch p := &thoughts[i]; {
		case p.Text != "":
			return thoughts
		case signed < 0 && !p.Redacted:
			signed = i
		}
	}
	if signed >= 0 {
		thoughts[signed].Text = beside.Text
	}
	return thoughts
}

// appendDetail writes a signed thought.
func appendDetail(dst []byte, index int, p *chat.Part) []byte {
	if p.Redacted {
		dst = append(dst, `{"type":"reasoning.encrypted","data":`...)
		dst = rawjson.AppendQuoted(dst, p.Signature)
	} else {
		dst = append(dst, `{"type":"reasoning.text","text":`...)
		dst = rawjson.AppendQuoted(dst, p.Text)
		dst = append(dst, `,"signature":`...)
		dst = rawjson.AppendQuoted(dst, p.Signature)
	}
	format := detailFormats[p.SignedBy]
	if format == "" {
		format = p.SignedBy
	}
	dst = append(dst, `,"format":`...)
	dst = rawjson.AppendQuoted(dst, format)
	return append(appendInt(append(dst, `,"index":`...), int64(index)), '}')
}

// googleSignature reads the proof that Google's API for OpenAI's clients puts beside a call.
func googleSignature(extra []byte) string {
	v := get(get(extra, "google"), "thought_signature")
	if len(v) == 0 || v[0] != '"' {
		return ""
	}
	return rawjson.Unquote(v)
}

// appendGoogle writes it.
func appendGoogle(dst []byte, signature, signedBy string) []byte {
	if signature == "" || signedBy != "gemini" {
		return dst
	}
	dst = append(dst, `,"extra_content":{"google":{`...)
	return append(appendText(dst, "thought_signature", signature), "}}"...)
}
