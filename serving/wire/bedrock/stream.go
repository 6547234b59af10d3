package bedrock

import (
	"bytes"
	"errors"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

var errNotJSON = errors.New("an event of the provider's stream is not JSON")

// decoder turns a ConverseStream into deltas.
type decoder struct {
	object  rawjson.Object
	deltas  []chat.Delta
	tools   []int64 // indexes of the blocks that are tool calls
	json    *int64  // that of the block that is JSON output, asked for as a tool
	begun   bool
	stopped bool
	counted bool
	ended   bool
}

// Decode implements chat.Decoder.
func (d *decoder) Decode(name, data []byte) ([]chat.Delta, error) {
	d.deltas = d.deltas[:0]
	if d.ended {
		return nil, nil
	}
	data = bytes.TrimSpace(data)
	if d.object.Parse(data, maxDepth) != nil {
		if isException(name) {
			return d.fail(string(name), nil), nil
		}
		return nil, errNotJSON
	}
	if !isException(name) {
		d.begin()
	}
	switch string(name) {
	case "contentBlockStart":
		index, start := blockEvent(data, "start")
		if tool := get(start, "toolUse"); tool != nil {
			d.call(index, tool)
		}
	case "contentBlockDelta":
		d.delta(blockEvent(data, "delta"))
	case "messageStop":
		d.stop(data)
	case "metadata":
		if u, ok := ParseUsage(get(data, "usage")); ok {
			u.ServiceTier = text(get(get(data, "serviceTier"), "type"))
			d.add(chat.Delta{Kind: chat.DeltaUsage, Usage: u})
			d.counted = true
		}
	default:
		if isException(name) {
			return d.fail(string(name), data), nil
		}
	}
	if d.stopped && d.counted {
		d.end()
	}
	return d.deltas, nil
}

func (d *decoder) add(x chat.Delta) { d.deltas = append(d.deltas, x) }

// begin says that an answer starts, whatever comes first.
func (d *decoder) begin() {
	if !d.begun {
		d.begun = true
		d.add(chat.Delta{Kind: chat.DeltaStart})
	}
}

func (d *decoder) end() {
	d.ended = true
	d.add(chat.Delta{Kind: chat.DeltaEnd})
}

func (d *decoder) fail(exception string, data []byte) []chat.Delta {
	d.add(chat.Delta{Kind: chat.DeltaError, Text: exceptionMessage(exception, data), Code: exception})
	d.end()
	return d.deltas
}

func (d *decoder) call(index int64, tool []byte) {
	name := text(get(tool, "name"))
	if name == jsonTool {
		d.json = &index
		return
	}
	d.tools = append(d.tools, index)
	d.add(chat.Delta{Kind: chat.DeltaCall, Tool: len(d.tools) - 1, CallID: text(get(tool, "toolUseId")), Name: name})
}

func (d *decoder) delta(index int64, delta []byte) {
	rawjson.Members(delta, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "text":
			if s := text(v); s != "" {
				d.add(chat.Delta{Kind: chat.DeltaText, Text: s})
			}
		case "toolUse":
			s := text(get(v, "input"))
			switch {
			case s == "":
			case d.json != nil && *d.json == index:
				d.add(chat.Delta{Kind: chat.DeltaText, Text: s})
			default:
				d.add(chat.Delta{Kind: chat.DeltaArguments, Tool: d.tool(index), Text: s})
			}
		case "reasoningContent":
			d.reason(v)
		}
		return true
	})
}

// tool returns which call the block is.
func (d *decoder) tool(index int64) int {
	for i := len(d.tools) - 1; i >= 0; i-- {
		if d.tools[i] == index {
			return i
		}
	}
	d.tools = append(d.tools, index) // its start never came
	d.add(chat.Delta{Kind: chat.DeltaCall, Tool: len(d.tools) - 1})
	return len(d.tools) - 1
}

func (d *decoder) reason(delta []byte) {
	rawjson.Members(delta, func(name []byte, _ rawjson.Kind, v []byte) bool {
		s := text(v)
		if s == "" {
			return true
		}
		switch string(name) {
		case "text":
			d.add(chat.Delta{Kind: chat.DeltaThinking, Text: s})
		case "signature":
			d.add(chat.Delta{Kind: chat.DeltaSignature, Signature: s, SignedBy: signedBy})
		case "redactedContent":
			d.add(chat.Delta{Kind: chat.DeltaSignature, Signature: s, SignedBy: signedBy, Redacted: true})
		}
		return true
	})
}

func (d *decoder) stop(data []byte) {
	stop, stopText := stopOf(data)
	d.stopped = true
	if stop == chat.StopTool && d.json != nil && len(d.tools) == 0 {
		stop = chat.StopEnd
	}
	d.add(chat.Delta{Kind: chat.DeltaFinish, Stop: stop, StopText: stopText})
}

// Close implements chat.Decoder.
func (d *decoder) Close() []chat.Delta {
	d.deltas = d.deltas[:0]
	if !d.ended {
		d.end()
	}
	return d.deltas
}

// stopOf reads why an answer ended, from a ConverseResponse or a messageStop.
func stopOf(object []byte) (chat.Stop, string) {
	stop := chat.StopOther
	switch text(get(object, "stopReason")) {
	case "end_turn":
		stop = chat.StopEnd
	case "tool_use":
		stop = chat.StopTool
	case "max_tokens", "model_context_window_exceeded":
		stop = chat.StopLength
	case "stop_sequence":
		stop = chat.StopSequence
	case "guardrail_intervened", "content_filtered":
		stop = chat.StopFilter
	case "refusal":
		stop = chat.StopRefusal
	case "pause_turn":
		stop = chat.StopPause
	}
	more := get(object, "additionalModelResponseFields")
	sequence := text(get(more, "stop_sequence"))
	if sequence == "" {
		sequence = text(get(get(more, "delta"), "stop_sequence"))
	}
	return stop, sequence
}
