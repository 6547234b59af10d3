package bedrock

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// signedBy is who signs thoughts that come through Converse: of its models only Anthropic's do, and
// their signatures hold on Anthropic's own API too.
const signedBy = "anthropic"

// decodeAnswer reads a ConverseResponse.
func decodeAnswer(body []byte) (*chat.Answer, error) {
	a, err := ParseAnswer(body)
	if err != nil {
		return nil, fmt.Errorf("answer of Converse: %w", err)
	}
	body = bytes.TrimSpace(body)
	content := get(get(get(body, "output"), "message"), "content")
	stop, sequence := stopOf(body)
	choice := chat.Choice{Stop: stop, StopText: sequence}
	c := rawjson.Walk(content)
	if c.Kind() == rawjson.Array {
		for ok := c.Enter(); ok; ok = c.Next() {
			choice.Parts = appendBlock(choice.Parts, c.Take())
		}
	}
	if choice.Stop == chat.StopTool && !slices.ContainsFunc(choice.Parts, func(p chat.Part) bool { return p.Kind == chat.Call }) {
		choice.Stop = chat.StopEnd // the tool was JSON output
	}
	return &chat.Answer{Model: a.Model, Choices: []chat.Choice{choice}, Usage: a.Usage, HasUsage: a.HasUsage}, nil
}

// appendBlock appends what a content block of an answer says. Blocks that are no part of a chat,
// such as a guardrail's, are left out.
func appendBlock(parts []chat.Part, block []byte) []chat.Part {
	rawjson.Members(block, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "text":
			if s := text(v); s != "" {
				parts = append(parts, chat.Part{Kind: chat.Text, Text: s})
			}
		case "citationsContent":
			if s := joinedText(get(v, "content")); s != "" {
				parts = append(parts, chat.Part{Kind: chat.Text, Text: s})
			}
		case "toolUse":
			arguments := get(v, "input")
			if arguments == nil {
				arguments = []byte("{}")
			}
			name := text(get(v, "name"))
			if name == jsonTool {
				parts = append(parts, chat.Part{Kind: chat.Text, Text: string(arguments)})
				return true
			}
			parts = append(parts, chat.Part{Kind: chat.Call, Call: &chat.ToolCall{
				ID: text(get(v, "toolUseId")), Name: name, Arguments: string(arguments),
			}})
		case "reasoningContent":
			parts = appendReasoning(parts, v)
		case "image":
			if p, ok := answerImage(v); ok {
				parts = append(parts, p)
			}
		}
		return true
	})
	return parts
}

func appendReasoning(parts []chat.Part, v []byte) []chat.Part {
	if r := get(v, "reasoningText"); r != nil {
		p := chat.Part{Kind: chat.Thinking, Text: text(get(r, "text")), Signature: text(get(r, "signature"))}
		if p.Signature != "" {
			p.SignedBy = signedBy
		}
		return append(parts, p)
	}
	if r := text(get(v, "redactedContent")); r != "" {
		return append(parts, chat.Part{Kind: chat.Thinking, Signature: r, SignedBy: signedBy, Redacted: true})
	}
	return parts
}

func answerImage(v []byte) (chat.Part, bool) {
	data := text(get(get(v, "source"), "bytes"))
	if data == "" {
		return chat.Part{}, false
	}
	return chat.Part{Kind: chat.Image, Media: &chat.Media{MIME: "image/" + text(get(v, "format")), Data: data}}, true
}

func joinedText(list []byte) string {
	s := ""
	c := rawjson.Walk(list)
	if c.Kind() != rawjson.Array {
		return ""
	}
	for ok := c.Enter(); ok; ok = c.Next() {
		s += text(get(c.Take(), "text"))
	}
	return s
}
