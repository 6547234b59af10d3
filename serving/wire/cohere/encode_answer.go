package cohere

import (
	"strconv"
	"strings"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// encodeAnswer writes an answer for a client: its first choice, since Cohere's API gives one. Text
// before calls of tools is their plan.
func encodeAnswer(a *chat.Answer, r *chat.Request) []byte {
	dst := quote([]byte(`{"id":`), a.ID)
	dst = append(dst, `,"message":{"role":"assistant"`...)
	var choice chat.Choice
	if len(a.Choices) > 0 {
		choice = a.Choices[0]
	}
	plan, calls := "", 0
	for i := range choice.Parts {
		if choice.Parts[i].Kind == chat.Call {
			calls++
		}
	}
	var content []byte
	for i := range choice.Parts {
		switch p := &choice.Parts[i]; p.Kind {
		case chat.Text, chat.Refusal:
			if calls > 0 {
				plan += p.Text
				continue
			}
			content = append(quote(append(comma(content), `{"type":"text","text":`...), p.Text), '}')
		case chat.Thinking:
			if p.Text != "" {
				content = append(quote(append(comma(content), `{"type":"thinking","thinking":`...), p.Text), '}')
			}
		}
	}
	if plan != "" {
		dst = quote(append(dst, `,"tool_plan":`...), plan)
	}
	if calls > 0 {
		dst = append(appendCalls(append(dst, `,"tool_calls":[`...), choice.Parts), ']')
	}
	if content != nil {
		dst = append(append(append(dst, `,"content":[`...), content...), ']')
	}
	dst = append(append(dst, `},"finish_reason":"`...), reasonOf(choice.Stop)...)
	dst = append(dst, '"')
	if a.HasUsage {
		dst = appendUsage(append(dst, `,"usage":`...), &a.Usage)
	}
	if l := appendItems(nil, choice.LogProbs); l != nil {
		dst = append(append(append(dst, `,"logprobs":[`...), l...), ']')
	}
	return append(dst, '}')
}

func appendCalls(dst []byte, parts []chat.Part) []byte {
	for i := range parts {
		if parts[i].Kind != chat.Call {
			continue
		}
		c := parts[i].Call
		arguments := c.Arguments
		if arguments == "" {
			arguments = "{}"
		}
		dst = quote(append(comma(dst), `{"id":`...), c.ID)
		dst = quote(append(dst, `,"type":"function","function":{"name":`...), c.Name)
		dst = append(quote(append(dst, `,"arguments":`...), arguments), "}}"...)
	}
	return dst
}

// quote appends a JSON string. Bytes that are not UTF-8 become U+FFFD.
func quote(dst []byte, s string) []byte {
	return rawjson.AppendQuoted(dst, strings.ToValidUTF8(s, "\ufffd"))
}

// reasonOf writes why an answer ended. For what a filter cut off Cohere's second version has no word
// but ERROR, which says that there is no answer; its first had one.
func reasonOf(s chat.Stop) string {
	switch s {
	case chat.StopSequence:
		return "STOP_SEQUENCE"
	case chat.StopLength:
		return "MAX_TOKENS"
	case chat.StopTool:
		return "TOOL_CALL"
	case chat.StopFilter:
		return "ERROR_TOXIC"
	default:
		return "COMPLETE"
	}
}

// appendUsage writes counts as those billed and those counted.
func appendUsage(dst []byte, u *inference.Usage) []byte {
	units := []byte{'{'}
	for _, c := range [...]struct {
		name string
		n    *int64
	}{{"input_tokens", u.Input}, {"output_tokens", u.Output}} {
		if c.n != nil {
			units = append(append(append(comma(units), '"'), c.name...), `":`...)
			units = strconv.AppendInt(units, *c.n, 10)
		}
	}
	units = append(units, '}')
	dst = append(append(dst, `{"billed_units":`...), units...)
	dst = append(append(dst, `,"tokens":`...), units...)
	if u.CachedInput != nil {
		dst = strconv.AppendInt(append(dst, `,"cached_tokens":`...), *u.CachedInput, 10)
	}
	return append(dst, '}')
}

// appendItems appends items of log probabilities for those of OpenAI's object.
func appendItems(dst, logProbs []byte) []byte {
	elements(get(logProbs, "content"), func(token []byte) {
		p := get(token, "logprob")
		if p == nil {
			return
		}
		dst = append(comma(dst), `{"text":`...)
		dst = quote(dst, text(get(token, "token")))
		dst = append(append(dst, `,"token_ids":[],"logprobs":[`...), p...)
		dst = append(dst, "]}"...)
	})
	return dst
}

// appendStreamError tells a client in the middle of a stream what went wrong.
func appendStreamError(dst []byte, e *apierr.Error) []byte {
	dst = append(dst, "event: message-end\ndata: "+`{"type":"message-end","delta":{"error":`...)
	dst = quote(dst, e.Message)
	return append(dst, `,"finish_reason":"ERROR"}}`+"\n\ndata: [DONE]\n\n"...)
}
