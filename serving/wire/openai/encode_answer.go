package openai

import (
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// encodeChatAnswer writes a whole answer for a client. Thoughts are reasoning_content, as
// DeepSeek's API and many others have it; those with a signature are reasoning_details too, in
// OpenRouter's shape, so that clients that send them back keep the proof.
func encodeChatAnswer(a *chat.Answer, r *chat.Request) []byte {
	dst := appendText([]byte{'{'}, "id", a.ID)
	dst = append(dst, `,"object":"chat.completion","created":`...)
	dst = appendInt(dst, a.Created)
	dst = appendText(dst, "model", a.Model)
	dst = append(appendName(dst, "choices"), '[')
	for i := range a.Choices {
		dst = appendChoice(comma(dst), &a.Choices[i], r)
	}
	dst = append(dst, ']')
	if a.HasUsage {
		dst = appendUsage(appendName(dst, "usage"), &a.Usage)
		dst = appendSome(dst, "service_tier", a.Usage.ServiceTier)
	}
	return append(dst, '}')
}

// oldFunctions reports whether the client speaks of functions, as it was before tools.
func oldFunctions(r *chat.Request) bool { return r != nil && r.Name(chat.FTools) == "functions" }

func appendChoice(dst []byte, ch *chat.Choice, r *chat.Request) []byte {
	dst = appendInt(append(dst, `{"index":`...), int64(ch.Index))
	dst = append(dst, `,"message":{"role":"assistant","content":`...)
	said := gather(ch.Parts)
	if said.text == "" && (said.refusal != "" || len(said.calls) > 0) {
		dst = append(dst, "null"...)
	} else {
		dst = appendString(dst, said.text)
	}
	dst = append(dst, `,"refusal":`...)
	if said.refusal == "" {
		dst = append(dst, "null"...)
	} else {
		dst = appendString(dst, said.refusal)
	}
	dst = appendSome(dst, "reasoning_content", said.thought)
	if len(said.signed) > 0 {
		dst = append(appendName(dst, "reasoning_details"), '[')
		for i := range said.signed {
			dst = appendDetail(comma(dst), i, &said.signed[i])
		}
		dst = append(dst, ']')
	}
	old := oldFunctions(r)
	switch {
	case len(said.calls) == 0:
	case old:
		c := said.calls[0].Call
		dst = appendText(append(dst, `,"function_call":{`...), "name", c.Name)
		dst = append(appendText(dst, "arguments", arguments(c.Arguments)), '}')
	default:
		dst = append(appendName(dst, "tool_calls"), '[')
		for i := range said.calls {
			p := &said.calls[i]
			dst = appendCall(comma(dst), p.Call.ID, p.Call)
			dst = append(appendGoogle(dst, p.Signature, p.SignedBy), '}')
		}
		dst = append(dst, ']')
	}
	dst = append(dst, `},"logprobs":`...)
	if len(ch.LogProbs) > 0 {
		dst = appendLine(dst, ch.LogProbs)
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(dst, `,"finish_reason":`...)
	return append(appendFinish(dst, ch.Stop, said.refusal != "", old), '}')
}

// said is what a choice has, by where OpenAI's shape has it.
type said struct {
	text, refusal, thought string
	signed                 []chat.Part
	calls                  []chat.Part
}

func gather(parts []chat.Part) (s said) {
	for i := range parts {
		switch p := &parts[i]; p.Kind {
		case chat.Text:
			s.text += p.Text
		case chat.Refusal:
			s.refusal += p.Text
		case chat.Thinking:
			s.thought += p.Text
			if p.Signature != "" {
				s.signed = append(s.signed, *p)
			}
		case chat.Call:
			s.calls = append(s.calls, *p)
		}
	}
	return s
}

// appendFinish writes a reason to stop in OpenAI's words. A model's refusal without words of its
// own is nearest to content_filter; a pause and what is not known are a stop.
func appendFinish(dst []byte, s chat.Stop, refusal, old bool) []byte {
	word := "stop"
	switch {
	case s == "":
		return append(dst, "null"...)
	case s == chat.StopLength:
		word = "length"
	case s == chat.StopTool && old:
		word = "function_call"
	case s == chat.StopTool:
		word = "tool_calls"
	case s == chat.StopFilter, s == chat.StopRefusal && !refusal:
		word = "content_filter"
	}
	return append(append(append(dst, '"'), word...), '"')
}

// appendUsage writes usage in OpenAI's shape; counts that are not known are null or left out.
func appendUsage(dst []byte, u *inference.Usage) []byte {
	dst = append(dst, `{"prompt_tokens":`...)
	dst = appendOrNull(dst, u.Input)
	dst = append(dst, `,"completion_tokens":`...)
	dst = appendOrNull(dst, u.Output)
	dst = append(dst, `,"total_tokens":`...)
	dst = appendOrNull(dst, total(u))
	if u.CachedInput != nil || u.CacheWrite != nil || u.InputAudio != nil || u.InputImage != nil {
		dst = append(appendName(dst, "prompt_tokens_details"), '{')
		dst = appendCount(dst, "cached_tokens", u.CachedInput)
		dst = appendCount(dst, "cache_write_tokens", u.CacheWrite)
		dst = appendCount(dst, "audio_tokens", u.InputAudio)
		dst = append(appendCount(dst, "image_tokens", u.InputImage), '}')
	}
	if u.Reasoning != nil || u.OutputAudio != nil || u.OutputImage != nil {
		dst = append(appendName(dst, "completion_tokens_details"), '{')
		dst = appendCount(dst, "reasoning_tokens", u.Reasoning)
		dst = appendCount(dst, "audio_tokens", u.OutputAudio)
		dst = append(appendCount(dst, "image_tokens", u.OutputImage), '}')
	}
	return append(dst, '}')
}

func appendOrNull(dst []byte, n *int64) []byte {
	if n == nil {
		return append(dst, "null"...)
	}
	return appendInt(dst, *n)
}

func total(u *inference.Usage) *int64 {
	if u.Total == nil && u.Input != nil && u.Output != nil {
		return sum(*u.Input, *u.Output)
	}
	return u.Total
}
