package cohere

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// decodeAnswer reads a whole answer of a chat.
func decodeAnswer(body []byte) (*chat.Answer, error) {
	parsed, err := ParseAnswer(body)
	if err != nil {
		return nil, fmt.Errorf("answer of a chat: %w", err)
	}
	body = bytes.TrimSpace(body)
	message := get(body, "message")
	choice := chat.Choice{Stop: stopOf(text(get(body, "finish_reason")))}
	if plan := text(get(message, "tool_plan")); plan != "" {
		choice.Parts = append(choice.Parts, chat.Part{Kind: chat.Text, Text: plan})
	}
	elements(get(message, "content"), func(part []byte) {
		if s := text(get(part, "text")); s != "" {
			choice.Parts = append(choice.Parts, chat.Part{Kind: chat.Text, Text: s})
		}
		if s := text(get(part, "thinking")); s != "" {
			choice.Parts = append(choice.Parts, chat.Part{Kind: chat.Thinking, Text: s, SignedBy: signedBy})
		}
	})
	elements(get(message, "tool_calls"), func(call []byte) {
		f := get(call, "function")
		choice.Parts = append(choice.Parts, chat.Part{Kind: chat.Call, Call: &chat.ToolCall{
			ID: text(get(call, "id")), Name: text(get(f, "name")), Arguments: text(get(f, "arguments")),
		}})
	})
	if items := get(body, "logprobs"); len(items) > 2 && items[0] == '[' {
		l := []byte(`{"content":[`)
		elements(items, func(item []byte) { l = appendLogProbs(l, item) })
		choice.LogProbs = append(l, `],"refusal":null}`...)
	}
	return &chat.Answer{ID: text(get(body, "id")), Choices: []chat.Choice{choice}, Usage: parsed.Usage, HasUsage: parsed.HasUsage}, nil
}

// appendLogProbs appends an item of log probabilities in OpenAI's shape. An item may have several
// tokens and one text, which goes to the first of them.
func appendLogProbs(dst, item []byte) []byte {
	token := get(item, "text")
	if len(token) == 0 || token[0] != '"' {
		token = []byte(`""`)
	}
	elements(get(item, "logprobs"), func(p []byte) {
		if _, err := strconv.ParseFloat(string(p), 64); err != nil {
			return
		}
		dst = append(append(comma(dst), `{"token":`...), token...)
		dst = append(append(dst, `,"logprob":`...), p...)
		dst = append(dst, `,"bytes":null,"top_logprobs":[]}`...)
		token = []byte(`""`)
	})
	return dst
}

// stopOf reads a finish_reason.
func stopOf(word string) chat.Stop {
	switch word {
	case "COMPLETE":
		return chat.StopEnd
	case "STOP_SEQUENCE":
		return chat.StopSequence
	case "MAX_TOKENS", "ERROR_LIMIT":
		return chat.StopLength
	case "TOOL_CALL":
		return chat.StopTool
	case "ERROR_TOXIC":
		return chat.StopFilter
	default:
		return chat.StopOther
	}
}

// decoder turns a provider's stream into deltas.
type decoder struct {
	object rawjson.Object
	ev     event
	deltas []chat.Delta
	calls  []int64 // their indexes
	begun  bool
	ended  bool
}

// Decode implements chat.Decoder.
func (d *decoder) Decode(name, data []byte) ([]chat.Delta, error) {
	d.deltas = d.deltas[:0]
	if d.ended {
		return nil, nil
	}
	if bytes.Equal(data, done) {
		return d.Close(), nil
	}
	if err := d.object.Parse(data, maxDepth); err != nil {
		return nil, fmt.Errorf("event of a chat: %w", err)
	}
	d.ev.read(name, &d.object)
	if d.ev.kind == "" && d.object.Find("message") >= 0 {
		d.fail(text(d.object.Value(d.object.Find("message"))), "") // an error's body in the place of an event
		return d.deltas, nil
	}
	if !d.begun {
		d.begun = true
		d.add(chat.Delta{Kind: chat.DeltaStart, ID: text(d.ev.id)})
	}
	switch d.ev.kind {
	case "content-start", "content-delta":
		d.content(get(d.ev.message, "content"))
	case "tool-plan-delta":
		d.say(chat.DeltaText, get(d.ev.message, "tool_plan"))
	case "tool-call-start":
		d.call(get(d.ev.message, "tool_calls"))
	case "tool-call-delta":
		d.arguments(get(get(d.ev.message, "tool_calls"), "function"))
	case "message-end":
		d.end()
	}
	return d.deltas, nil
}

func (d *decoder) add(x chat.Delta) { d.deltas = append(d.deltas, x) }

func (d *decoder) say(kind chat.DeltaKind, quoted []byte) {
	if s := text(quoted); s != "" {
		d.add(chat.Delta{Kind: kind, Text: s})
	}
}

func (d *decoder) content(content []byte) {
	d.say(chat.DeltaThinking, get(content, "thinking"))
	d.say(chat.DeltaText, get(content, "text"))
	if d.ev.logProbs == nil {
		return
	}
	const head = `{"content":[`
	if l := appendLogProbs([]byte(head), d.ev.logProbs); len(l) > len(head) {
		d.add(chat.Delta{Kind: chat.DeltaLogProbs, Raw: append(l, `],"refusal":null}`...)})
	}
}

func (d *decoder) call(call []byte) {
	d.calls = append(d.calls, d.ev.index)
	f := get(call, "function")
	d.add(chat.Delta{Kind: chat.DeltaCall, Tool: len(d.calls) - 1, CallID: text(get(call, "id")), Name: text(get(f, "name"))})
	d.arguments(f)
}

func (d *decoder) arguments(function []byte) {
	s := text(get(function, "arguments"))
	if s == "" {
		return
	}
	tool := len(d.calls) - 1
	for tool > 0 && d.calls[tool] != d.ev.index {
		tool--
	}
	if tool < 0 { // its start never came
		d.calls, tool = append(d.calls, d.ev.index), 0
		d.add(chat.Delta{Kind: chat.DeltaCall})
	}
	d.add(chat.Delta{Kind: chat.DeltaArguments, Tool: tool, Text: s})
}

// end reads message-end: why the answer ended, its usage, or an error.
func (d *decoder) end() {
	reason := get(d.ev.delta, "finish_reason")
	if u, ok := ParseUsage(get(d.ev.delta, "usage")); ok {
		d.add(chat.Delta{Kind: chat.DeltaUsage, Usage: u})
	}
	if failure := text(get(d.ev.delta, "error")); failure != "" || isFailure(reason) {
		d.fail(failure, text(reason))
		return
	}
	d.add(chat.Delta{Kind: chat.DeltaFinish, Stop: stopOf(text(reason))})
	d.close()
}

func (d *decoder) fail(message, code string) {
	if message == "" {
		message = "the model's answer ended with " + code
	}
	d.add(chat.Delta{Kind: chat.DeltaError, Text: message, Code: code})
	d.close()
}

func (d *decoder) close() {
	if !d.ended {
		d.ended = true
		d.add(chat.Delta{Kind: chat.DeltaEnd})
	}
}

// Close implements chat.Decoder.
func (d *decoder) Close() []chat.Delta {
	d.deltas = d.deltas[:0]
	d.close()
	return d.deltas
}
