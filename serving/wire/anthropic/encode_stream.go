package anthropic

import (
	"encoding/json"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// encoder writes a client's stream: message_start, blocks one after the other, message_delta with
// the reason to stop and all usage, message_stop. Usage in message_start is what is known when the
// first piece of the answer comes, often nothing; that of message_delta is final, and SDKs let it
// replace the first.
//
// Calls of tools that a provider writes at the same time come one after the other: a call waits
// while the one before it lacks arguments.
type encoder struct {
	r     *chat.Request
	id    string
	model string
	begun bool
	over  bool // the stream has had its last event

	next    int64 // index of the next block
	open    blockKind
	tool    int    // the call that is open
	written []byte // its arguments so far
	calls   int
	waiting []waitingCall

	stop     chat.Stop
	stopText string
	usage    inference.Usage
}

type blockKind uint8

const (
	noBlock blockKind = iota
	textBlock
	refusalBlock // a text block of its own
	thinkingBlock
	redactedBlock
	callBlock
)

// waitingCall is a call that began while another was not done.
type waitingCall struct {
	start     chat.Delta
	arguments []byte
}

// Append implements chat.Encoder. Of several answers it writes the first.
func (e *encoder) Append(dst []byte, d *chat.Delta) []byte {
	if e.over || d.Choice != 0 {
		return dst
	}
	switch d.Kind {
	case chat.DeltaStart:
		e.id, e.model = d.ID, d.Model
		return dst
	case chat.DeltaUsage:
		e.usage = d.Usage
		return dst
	case chat.DeltaError:
		e.over = true
		return appendEvent(dst, "error", errorBody(d))
	case chat.DeltaEnd, chat.DeltaLogProbs:
		return dst
	case chat.DeltaFinish:
		e.stop, e.stopText = d.Stop, d.StopText
		return dst
	}
	dst = e.begin(dst)
	switch d.Kind {
	case chat.DeltaText:
		return e.text(dst, textBlock, d.Text)
	case chat.DeltaRefusal:
		return e.text(dst, refusalBlock, d.Text)
	case chat.DeltaThinking:
		return e.text(dst, thinkingBlock, d.Text)
	case chat.DeltaSignature:
		return e.signature(dst, d)
	case chat.DeltaCall:
		return e.call(dst, d)
	case chat.DeltaArguments:
		return e.arguments(dst, d)
	}
	return dst
}

// AppendEnd implements chat.Encoder.
func (e *encoder) AppendEnd(dst []byte) []byte {
	if e.over {
		return dst
	}
	dst = e.begin(dst)
	dst = e.settle(dst)
	e.over = true
	event := []byte(`{"type":"message_delta","delta":{`)
	event = append(appendStop(event, e.stop, e.stopText, e.calls > 0), '}')
	event = append(appendUsage(appendName(event, "usage"), &e.usage), '}')
	dst = appendEvent(dst, "message_delta", event)
	return appendEvent(dst, "message_stop", []byte(`{"type":"message_stop"}`))
}

// begin writes message_start, with the first piece of the answer: some providers tell usage until then.
func (e *encoder) begin(dst []byte) []byte {
	if e.begun {
		return dst
	}
	e.begun = true
	event := appendMessageHead([]byte(`{"type":"message_start","message":{`), e.id, modelOf(e.model, e.r))
	event = append(event, `,"content":[],"stop_reason":null,"stop_sequence":null`...)
	event = append(appendUsage(appendName(event, "usage"), &e.usage), "}}"...)
	return appendEvent(dst, "message_start", event)
}

// start begins a block, whose JSON it is given.
func (e *encoder) start(dst []byte, kind blockKind, block []byte) []byte {
	e.open = kind
	event := appendInt([]byte(`{"type":"content_block_start"`), "index", e.next)
	return appendEvent(dst, "content_block_start", append(appendRaw(event, "content_block", block), '}'))
}

// close ends the block that is open.
func (e *encoder) close(dst []byte) []byte {
	if e.open == noBlock {
		return dst
	}
	e.open = noBlock
	event := append(appendInt([]byte(`{"type":"content_block_stop"`), "index", e.next), '}')
	e.next++
	return appendEvent(dst, "content_block_stop", event)
}

// delta adds to the block that is open: a delta of a kind, with one text in it.
func (e *encoder) delta(dst []byte, kind, name, text string) []byte {
	dst = append(dst, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":"...)
	dst = append(appendCount(dst, e.next), `,"delta":{"type":"`...)
	dst = append(append(dst, kind...), `","`...)
	dst = append(append(dst, name...), `":`...)
	return append(rawjson.AppendQuoted(dst, text), "}}\n\n"...)
}

func (e *encoder) text(dst []byte, kind blockKind, text string) []byte {
	if text == "" {
		return dst
	}
	if e.open != kind || len(e.waiting) > 0 {
		dst = e.settle(dst)
		if kind == thinkingBlock {
			dst = e.start(dst, kind, []byte(`{"type":"thinking","thinking":"","signature":""}`))
		} else {
			dst = e.start(dst, kind, []byte(`{"type":"text","text":""}`))
		}
	}
	if kind == thinkingBlock {
		return e.delta(dst, "thinking_delta", "thinking", text)
	}
	return e.delta(dst, "text_delta", "text", text)
}

// signature ends a thought. One without a thought before it has a block of its own.
func (e *encoder) signature(dst []byte, d *chat.Delta) []byte {
	signature := packSignature(d.Signature, d.SignedBy)
	if d.Redacted {
		dst = e.settle(dst)
		dst = e.start(dst, redactedBlock, append(appendText([]byte(`{"type":"redacted_thinking"`), "data", signature), '}'))
		return e.close(dst)
	}
	if e.open != thinkingBlock {
		dst = e.settle(dst)
		dst = e.start(dst, thinkingBlock, []byte(`{"type":"thinking","thinking":"","signature":""}`))
	}
	dst = e.delta(dst, "signature_delta", "signature", signature)
	return e.close(dst)
}

func (e *encoder) call(dst []byte, d *chat.Delta) []byte {
	if len(e.waiting) > 0 || e.open == callBlock && !json.Valid(e.written) {
		e.waiting = append(e.waiting, waitingCall{start: *d})
		return dst
	}
	return e.startCall(dst, d)
}

func (e *encoder) startCall(dst []byte, d *chat.Delta) []byte {
	dst = e.close(dst)
	if d.Signature != "" {
		dst = e.signature(dst, &chat.Delta{Signature: d.Signature, SignedBy: d.SignedBy})
	}
	e.tool, e.written = d.Tool, e.written[:0]
	block := appendText([]byte(`{"type":"tool_use"`), "id", callID(d.CallID, d.Tool))
	block = append(appendText(block, "name", d.Name), `,"input":{}}`...)
	e.calls++
	return e.start(dst, callBlock, block)
}

func (e *encoder) arguments(dst []byte, d *chat.Delta) []byte {
	for i := range e.waiting {
		if e.waiting[i].start.Tool == d.Tool {
			e.waiting[i].arguments = append(e.waiting[i].arguments, d.Text...)
			return dst
		}
	}
	if e.open != callBlock || e.tool != d.Tool {
		return dst // white space after arguments that were whole
	}
	dst = e.input(dst, d.Text)
	for len(e.waiting) > 0 && json.Valid(e.written) {
		dst = e.nextCall(dst)
	}
	return dst
}

func (e *encoder) input(dst []byte, text string) []byte {
	if text == "" {
		return dst
	}
	e.written = append(e.written, text...)
	return e.delta(dst, "input_json_delta", "partial_json", text)
}

// nextCall writes the first of the calls that wait, as far as it is known.
func (e *encoder) nextCall(dst []byte) []byte {
	w := e.waiting[0]
	e.waiting = e.waiting[1:]
	return e.input(e.startCall(dst, &w.start), string(w.arguments))
}

// settle ends the block that is open, and writes all calls that wait.
func (e *encoder) settle(dst []byte) []byte {
	for len(e.waiting) > 0 {
		dst = e.nextCall(dst)
	}
	return e.close(dst)
}

// errorBody writes what the provider reports in words that Anthropic's SDKs know.
func errorBody(d *chat.Delta) []byte {
	kind := "api_error"
	switch d.Code {
	case "invalid_request_error", "authentication_error", "billing_error", "permission_error", "not_found_error",
		"request_too_large", "rate_limit_error", "timeout_error", "overloaded_error":
		kind = d.Code
	case "rate_limit_exceeded", "rate_limit_reached", "insufficient_quota", "throttlingException":
		kind = "rate_limit_error"
	case "overloaded", "service_unavailable", "serviceUnavailableException", "UNAVAILABLE":
		kind = "overloaded_error"
	}
	dst := appendText([]byte(`{"type":"error","error":{`), "type", kind)
	return append(appendText(dst, "message", d.Text), "}}"...)
}
