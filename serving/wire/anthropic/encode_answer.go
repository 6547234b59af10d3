package anthropic

import (
	"crypto/rand"
	"encoding/json"
	"strings"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// encodeAnswer writes a Message. It has the first choice; this format knows no other.
func encodeAnswer(a *chat.Answer, r *chat.Request) []byte {
	var c chat.Choice
	if len(a.Choices) > 0 {
		c = a.Choices[0]
	}
	dst := appendMessageHead([]byte{'{'}, a.ID, modelOf(a.Model, r))
	dst = append(appendName(dst, "content"), '[')
	for i := range c.Parts {
		dst = appendAnswerPart(dst, &c.Parts[i], i)
	}
	dst = append(dst, ']')
	dst = appendStop(dst, c.Stop, c.StopText, hasCalls(c.Parts))
	return append(appendUsage(appendName(dst, "usage"), &a.Usage), '}')
}

// appendMessageHead appends what comes first in a Message. Programs tell answers apart by their
// identifiers, so one is made up where the provider has none.
func appendMessageHead(dst []byte, id, model string) []byte {
	if id == "" {
		id = "msg_" + rand.Text()
	}
	dst = appendText(dst, "id", id)
	dst = append(dst, `,"type":"message","role":"assistant"`...)
	return appendText(dst, "model", model)
}

func modelOf(model string, r *chat.Request) string {
	if model == "" && r != nil {
		return r.Model
	}
	return model
}

func appendStop(dst []byte, stop chat.Stop, text string, calls bool) []byte {
	dst = appendText(dst, "stop_reason", reasonOf(stop, calls))
	if stop != chat.StopSequence || text == "" {
		return appendRaw(dst, "stop_sequence", []byte("null"))
	}
	return appendText(dst, "stop_sequence", text)
}

// appendAnswerPart appends the blocks of a part, which is the i-th of its answer.
func appendAnswerPart(dst []byte, p *chat.Part, i int) []byte {
	switch p.Kind {
	case chat.Text, chat.Refusal:
		if p.Text == "" {
			return dst
		}
		return append(appendText(append(comma(dst), `{"type":"text"`...), "text", p.Text), '}')
	case chat.Thinking:
		signature := packSignature(p.Signature, p.SignedBy)
		if p.Redacted {
			return append(appendText(append(comma(dst), `{"type":"redacted_thinking"`...), "data", signature), '}')
		}
		return appendThought(dst, p.Text, signature)
	case chat.Call:
		if p.Signature != "" {
			dst = appendThought(dst, "", packSignature(p.Signature, p.SignedBy))
		}
		dst = appendText(append(comma(dst), `{"type":"tool_use"`...), "id", callID(p.Call.ID, i))
		dst = appendText(dst, "name", p.Call.Name)
		return append(appendRaw(dst, "input", inputOf(p.Call.Arguments)), '}')
	}
	return dst
}

func appendThought(dst []byte, text, signature string) []byte {
	dst = appendText(append(comma(dst), `{"type":"thinking"`...), "thinking", text)
	return append(appendText(dst, "signature", signature), '}')
}

// inputOf returns arguments as the object that a tool_use has. What the model wrote and is no
// object goes into one, so that it isn't lost.
func inputOf(arguments string) []byte {
	a := strings.TrimSpace(arguments)
	switch {
	case a == "":
		return []byte("{}")
	case a[0] == '{' && json.Valid([]byte(a)):
		return []byte(a)
	default:
		return append(appendText([]byte{'{'}, "arguments", arguments), '}')
	}
}

// callID returns an identifier of the call that is part i.
func callID(id string, i int) string {
	if id != "" {
		return id
	}
	return string(appendCount([]byte("call_"), int64(i)))
}

// appendUsage appends a usage object, in Anthropic's convention: input_tokens leave the cache out.
// The counts that every answer of Anthropic has are 0 where they are not known.
func appendUsage(dst []byte, u *inference.Usage) []byte {
	cached, written := value(u.CachedInput), value(u.CacheWrite)
	dst = appendInt(append(dst, '{'), "input_tokens", max(0, value(u.Input)-cached-written))
	dst = appendInt(dst, "cache_creation_input_tokens", written)
	dst = appendInt(dst, "cache_read_input_tokens", cached)
	if u.CacheWrite1h != nil {
		dst = appendInt(append(appendName(dst, "cache_creation"), '{'), "ephemeral_5m_input_tokens", max(0, written-*u.CacheWrite1h))
		dst = append(appendInt(dst, "ephemeral_1h_input_tokens", *u.CacheWrite1h), '}')
	}
	dst = appendInt(dst, "output_tokens", value(u.Output))
	if u.Reasoning != nil {
		dst = append(appendInt(append(appendName(dst, "output_tokens_details"), '{'), "thinking_tokens", *u.Reasoning), '}')
	}
	if value(u.Searches) > 0 {
		dst = appendInt(append(appendName(dst, "server_tool_use"), '{'), "web_search_requests", *u.Searches)
		dst = append(dst, `,"web_fetch_requests":0}`...)
	}
	return append(appendSome(dst, "service_tier", tierOf(u.ServiceTier)), '}')
}

// tierOf returns Anthropic's word for a tier, "" where it has none.
func tierOf(tier string) string {
	switch tier {
	case "standard", "priority", "batch":
		return tier
	case "default":
		return "standard"
	}
	return ""
}
