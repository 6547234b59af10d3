package responses

import (
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// outItem is an item of an answer to a client.
type outItem struct {
	kind   string // message, reasoning, function_call or image_generation_call
	id     string
	status string // in_progress, completed or incomplete

	parts     []outPart // of a message
	text      []byte    // a thought, the arguments of a call, an image
	encrypted string    // of a thought
	callID    string
	toolName
}

// outPart is a part of a message.
type outPart struct {
	refusal  bool
	text     []byte
	logProbs []byte // elements of a list
}

func (it *outItem) append(dst []byte) []byte {
	dst = appendText(append(dst, '{'), "id", it.id)
	dst = appendText(dst, "type", it.kind)
	switch it.kind {
	case "message":
		dst = append(appendName(appendText(dst, "status", it.status), "content"), '[')
		for i := range it.parts {
			dst = it.parts[i].append(comma(dst))
		}
		dst = append(dst, `],"role":"assistant"`...)
	case "reasoning":
		dst = append(appendName(dst, "summary"), '[')
		if len(it.text) > 0 {
			dst = appendSummary(dst, it.text)
		}
		dst = append(dst, ']')
		dst = appendSome(dst, "encrypted_content", it.encrypted)
	case "function_call":
		dst = appendText(dst, "status", it.status)
		dst = appendText(dst, "arguments", string(it.text))
		dst = appendText(dst, "call_id", it.callID)
		dst = appendText(dst, "name", it.name)
		dst = appendSome(dst, "namespace", it.namespace)
	case "image_generation_call":
		dst = appendText(dst, "status", it.status)
		dst = appendText(dst, "result", string(it.text))
	}
	return append(dst, '}')
}

func (p *outPart) append(dst []byte) []byte {
	if p.refusal {
		return append(appendText(append(dst, `{"type":"refusal"`...), "refusal", string(p.text)), '}')
	}
	dst = append(dst, `{"type":"output_text","annotations":[],"logprobs":[`...)
	dst = append(append(dst, p.logProbs...), ']')
	return append(appendText(dst, "text", string(p.text)), '}')
}

func appendSummary(dst, text []byte) []byte {
	return append(appendText(append(comma(dst), `{"type":"summary_text"`...), "text", string(text)), '}')
}

func appendItems(dst []byte, items []outItem) []byte {
	dst = append(dst, '[')
	for i := range items {
		dst = items[i].append(comma(dst))
	}
	return append(dst, ']')
}

// ending is how a response ended.
type ending struct {
	status string // completed, incomplete or failed
	reason string // of incomplete
	code   string // of failed
	text   string // of failed
}

// endingOf says how an answer ended in this API's words. A refusal without words of the model is
// the work of a filter.
func endingOf(stop chat.Stop, refused bool) ending {
	switch {
	case stop == chat.StopLength:
		return ending{status: "incomplete", reason: "max_output_tokens"}
	case stop == chat.StopFilter, stop == chat.StopRefusal && !refused:
		return ending{status: "incomplete", reason: "content_filter"}
	default:
		return ending{status: "completed"}
	}
}

// itemStatus is the status of the last item of a response that ended so.
func (e *ending) itemStatus() string {
	if e.status == "completed" {
		return "completed"
	}
	return "incomplete"
}

func appendUsage(dst []byte, u *inference.Usage, has bool) []byte {
	if !has {
		return append(dst, "null"...)
	}
	input, output := value(u.Input), value(u.Output)
	total := input + output
	if u.Total != nil {
		total = *u.Total
	}
	dst = appendInt(append(dst, `{"input_tokens":`...), input)
	dst = append(dst, `,"input_tokens_details":{`...)
	dst = appendInt(appendName(dst, "cache_write_tokens"), value(u.CacheWrite))
	dst = appendInt(appendName(dst, "cached_tokens"), value(u.CachedInput))
	dst = appendInt(append(dst, `},"output_tokens":`...), output)
	dst = appendInt(append(dst, `,"output_tokens_details":{"reasoning_tokens":`...), value(u.Reasoning))
	dst = appendInt(append(dst, `},"total_tokens":`...), total)
	return append(dst, '}')
}

// tierWords are the API's words for tiers that other providers name otherwise.
var tierWords = map[string]string{
	"standard": "default", "on_demand": "default", "default": "default", "auto": "auto", "flex": "flex", "scale": "scale",
	"priority": "priority", "fast": "fast", "ultrafast": "ultrafast",
}

// appendTier writes the tier that answered, null for one that the API has no word for.
func appendTier(dst []byte, tier string) []byte {
	word, ok := tierWords[tier]
	if !ok {
		return append(dst, "null"...)
	}
	return append(dst, quote(word)...)
}

// value returns a count, 0 for one that is unknown: the API's clients need numbers.
func value(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}
