package gemini

import (
	"strconv"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// encoder writes a stream of GenerateContentResponses. A call is told when its arguments are whole,
// since Google's clients know no pieces of them, and why an answer ended in the last chunk, along
// with the usage.
type encoder struct {
	thoughts bool
	tail     []byte // what follows the usage in each chunk
	usage    inference.Usage
	hasUsage bool
	calls    []liveCall
	finished []chat.Delta
	failed   bool
	ended    bool
}

type liveCall struct {
	chat.Delta
	arguments []byte
}

func newEncoder(r *chat.Request) chat.Encoder {
	return &encoder{thoughts: showsThoughts(r), tail: []byte("}")}
}

// Append implements chat.Encoder.
func (e *encoder) Append(dst []byte, d *chat.Delta) []byte {
	switch d.Kind {
	case chat.DeltaStart:
		e.start(d)
	case chat.DeltaText, chat.DeltaRefusal:
		if d.Text != "" {
			dst = e.appendText(e.appendCalls(dst, d.Choice), d, "")
		}
	case chat.DeltaThinking:
		if e.thoughts && d.Text != "" {
			dst = e.appendText(e.appendCalls(dst, d.Choice), d, `,"thought":true`)
		}
	case chat.DeltaSignature:
		if s := thoughtSignature(d.Signature, d.SignedBy, d.Redacted); e.thoughts && s != "" {
			dst = e.appendText(dst, d, `,"thought":true,"thoughtSignature":`+string(rawjson.AppendQuoted(nil, s)))
		}
	case chat.DeltaCall:
		e.calls = append(e.calls, liveCall{Delta: *d})
	case chat.DeltaArguments:
		for i := range e.calls {
			if c := &e.calls[i]; c.Choice == d.Choice && c.Tool == d.Tool {
				c.arguments = append(c.arguments, d.Text...)
			}
		}
	case chat.DeltaLogProbs:
		if p := logprobsResultOf(d.Raw); p != nil {
			dst = e.appendChunk(dst, d.Choice, nil, append([]byte(`,"logprobsResult":`), p...))
		}
	case chat.DeltaFinish:
		dst = e.appendCalls(dst, d.Choice)
		e.finished = append(e.finished, *d)
	case chat.DeltaUsage:
		e.usage, e.hasUsage = d.Usage, known(&d.Usage)
	case chat.DeltaError:
		e.failed = true
		dst = appendError(dst, d)
	case chat.DeltaEnd: // AppendEnd follows
	}
	return dst
}

func (e *encoder) start(d *chat.Delta) {
	t := e.tail[:0]
	if d.Model != "" {
		t = rawjson.AppendQuoted(append(t, `,"modelVersion":`...), d.Model)
	}
	if d.Created > 0 {
		t = append(append(append(t, `,"createTime":"`...), time.Unix(d.Created, 0).UTC().Format(time.RFC3339)...), '"')
	}
	if d.ID != "" {
		t = rawjson.AppendQuoted(append(t, `,"responseId":`...), d.ID)
	}
	e.tail = append(t, '}')
}

// appendText appends a chunk with one text.
func (e *encoder) appendText(dst []byte, d *chat.Delta, more string) []byte {
	part := rawjson.AppendQuoted([]byte(`{"text":`), d.Text)
	return e.appendChunk(dst, d.Choice, append(append(part, more...), '}'), nil)
}

// appendCalls appends the calls of a choice that wait, which are whole.
func (e *encoder) appendCalls(dst []byte, choice int) []byte {
	var parts []byte
	waiting := e.calls[:0]
	for i := range e.calls {
		c := &e.calls[i]
		if c.Choice != choice {
			waiting = append(waiting, *c)
			continue
		}
		w := wirePart{FunctionCall: &wireCall{c.CallID, c.Name, argsOf(string(c.arguments))}}
		w.ThoughtSignature = thoughtSignature(c.Signature, c.SignedBy, false)
		raw, err := marshal(w)
		if err != nil {
			panic(err) // the arguments are JSON
		}
		if len(parts) > 0 {
			parts = append(parts, ',')
		}
		parts = append(parts, raw...)
	}
	e.calls = waiting
	if parts == nil {
		return dst
	}
	return e.appendChunk(dst, choice, parts, nil)
}

// appendChunk appends the event of a chunk with the given parts, and more about its candidate.
func (e *encoder) appendChunk(dst []byte, choice int, parts, more []byte) []byte {
	dst = append(append(dst, `data: {"candidates":[{"content":{"parts":[`...), parts...)
	dst = append(append(dst, `],"role":"model"}`...), more...)
	dst = strconv.AppendInt(append(dst, `,"index":`...), int64(choice), 10)
	return e.appendTail(append(dst, `}]`...))
}

// appendTail ends the chunk of an event.
func (e *encoder) appendTail(dst []byte) []byte {
	if e.hasUsage {
		dst = appendUsage(append(dst, `,"usageMetadata":`...), &e.usage)
	}
	return append(append(dst, e.tail...), "\r\n\r\n"...)
}

// AppendEnd implements chat.Encoder.
func (e *encoder) AppendEnd(dst []byte) []byte {
	if e.ended || e.failed {
		return dst
	}
	e.ended = true
	for len(e.calls) > 0 {
		dst = e.appendCalls(dst, e.calls[0].Choice)
	}
	for i := range e.finished {
		f := &e.finished[i]
		more := []byte(`,"finishReason":"` + finishReason(f.Stop) + `"`)
		dst = e.appendChunk(dst, f.Choice, []byte(`{"text":""}`), more)
	}
	return dst
}

// appendError appends an error that the provider reported in the middle of its stream.
func appendError(dst []byte, d *chat.Delta) []byte {
	code, status := 500, "INTERNAL"
	if known, ok := statuses[d.Code]; ok {
		code, status = known, d.Code
	}
	event := strconv.AppendInt([]byte(`{"error":{"code":`), int64(code), 10)
	event = rawjson.AppendQuoted(append(event, `,"message":`...), d.Text)
	return appendEvent(dst, append(append(append(event, `,"status":"`...), status...), `"}}`...))
}

// statuses are Google's words for errors, with their HTTP status.
var statuses = map[string]int{
	"INVALID_ARGUMENT": 400, "FAILED_PRECONDITION": 400, "UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403, "NOT_FOUND": 404,
	"RESOURCE_EXHAUSTED": 429, "CANCELLED": 499, "INTERNAL": 500, "UNAVAILABLE": 503, "DEADLINE_EXCEEDED": 504,
}
