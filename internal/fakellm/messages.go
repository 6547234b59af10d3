package fakellm

import (
	"fmt"
	"strconv"
)

// stopReasons are Anthropic's words for why an answer ends.
var stopReasons = map[string]string{"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}

// appendMessage appends a whole answer as Anthropic's API gives one: a text, or the call of a tool.
func (p *Plan) appendMessage(b []byte) []byte {
	b = p.appendMessageOpening(b)
	b = append(b, `"content":[`...)
	if p.Tool != "" {
		b = appendString(append(b, `{"type":"tool_use","id":"toolu_fake_1","name":`...), p.Tool)
		b = append(append(append(b, `,"input":`...), p.Content...), '}')
	} else {
		b = append(appendString(append(b, `{"type":"text","text":`...), p.Content), '}')
	}
	b = append(append(append(b, `],"stop_reason":"`...), stopReasons[p.Finish]...), `","stop_sequence":null`...)
	if !p.Script.NoUsage {
		b = p.Usage.appendMessages(append(b, `,"usage":`...), p.Usage.Completion)
	}
	return append(b, '}')
}

func (p *Plan) appendMessageOpening(b []byte) []byte {
	b = append(append(b, `{"id":"`...), p.id("msg_")...)
	b = appendString(append(b, `","type":"message","role":"assistant","model":`...), p.Model)
	return append(b, ',')
}

// appendMessages appends usage as Anthropic words it: its input leaves out what was cached.
func (u Usage) appendMessages(b []byte, output int64) []byte {
	b = strconv.AppendInt(append(b, `{"input_tokens":`...), u.Prompt-u.Cached, 10)
	b = strconv.AppendInt(append(b, `,"cache_creation_input_tokens":0,"cache_read_input_tokens":`...), u.Cached, 10)
	b = strconv.AppendInt(append(b, `,"output_tokens":`...), output, 10)
	return append(b, `,"service_tier":"standard"}`...)
}

// messageStream sends the answer as Anthropic's events.
func (a *answer) messageStream() bool {
	a.head(200, typeEvents, -1)
	if !a.flush() || !a.wait(a.p.Script.First) {
		return false
	}
	b := getBuffer()
	defer putBuffer(b)
	for i := range a.p.pieces + 4 {
		if i > 0 && !a.wait(a.p.Script.Gap) {
			return false
		}
		if a.misbehave(i) {
			return false
		}
		b.b = a.p.appendMessageEvent(b.b[:0], i)
		if !a.event(b.b) {
			return false
		}
	}
	if !a.p.Script.NoDone && !a.event(append(b.b[:0], "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"...)) {
		return false
	}
	return a.zip == nil || a.zip.Close() == nil
}

// appendMessageEvent appends event i of a stream: the message, its block, the pieces of that, its
// end, and what the message came to.
func (p *Plan) appendMessageEvent(b []byte, i int) []byte {
	switch last := p.pieces + 2; {
	case i == 0:
		b = append(b, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":"...)
		b = p.appendMessageOpening(b)
		b = append(b, `"content":[],"stop_reason":null,"stop_sequence":null,"usage":`...)
		b = append(p.Usage.appendMessages(b, 1), '}')
	case i == 1 && p.Tool != "":
		b = append(b, "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"id\":\"toolu_fake_1\",\"name\":"...)
		b = append(appendString(b, p.Tool), `,"input":{}}`...)
	case i == 1:
		b = append(b, "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}"...)
	case i < last:
		kind := `{"type":"text_delta","text":`
		if p.Tool != "" {
			kind = `{"type":"input_json_delta","partial_json":`
		}
		b = append(b, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":"...)
		b = append(appendString(append(b, kind...), piece(p.Content, i-2, p.pieces)), '}')
	case i == last:
		b = append(b, "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0"...)
	default:
		b = append(b, "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"...)
		b = append(appendString(b, stopReasons[p.Finish]), `,"stop_sequence":null},"usage":`...)
		b = p.Usage.appendMessages(b, p.Usage.Completion)
	}
	return append(b, "}\n\n"...)
}

// messageFaults says what Anthropic's API would miss in a request.
func (q *request) messageFaults() error {
	if q.maxTokens == unset {
		return fmt.Errorf("max_tokens: Field required")
	}
	return nil
}
