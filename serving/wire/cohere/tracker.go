package cohere

import (
	"bytes"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// tracker follows the stream of a chat.
type tracker struct {
	keep   bool
	join   joiner
	object rawjson.Object
	ev     event

	usage    inference.Usage
	hasUsage bool
	chars    int64
	started  bool
	complete bool
	failed   bool
	done     bool // [DONE] came
	events   int
}

// event is what an event of a stream has, as the bytes of its values.
type event struct {
	kind     string
	id       []byte
	index    int64
	delta    []byte
	message  []byte // of delta
	logProbs []byte
}

// read reads an event that was parsed.
func (e *event) read(name []byte, o *rawjson.Object) {
	*e = event{kind: string(name)}
	for i := range o.Len() {
		v := o.Value(i)
		switch string(o.Name(i)) {
		case "type":
			if o.Kind(i) == rawjson.String {
				e.kind = rawjson.Unquote(v)
			}
		case "id":
			e.id = v
		case "index":
			if n, ok := rawjson.Int(v); ok {
				e.index = n
			}
		case "delta":
			e.delta, e.message = v, get(v, "message")
		case "logprobs":
			if o.Kind(i) == rawjson.ObjectKind {
				e.logProbs = v
			}
		}
	}
}

var done = []byte("[DONE]")

// Add implements wire.Tracker.
func (t *tracker) Add(name, data []byte) wire.Chunk {
	if bytes.Equal(data, done) {
		t.done = true
		return wire.Chunk{End: true, Started: t.started}
	}
	if t.object.Parse(data, maxDepth) != nil {
		t.loose(data)
		return wire.Chunk{Started: t.started}
	}
	c := wire.Chunk{JSON: true}
	t.ev.read(name, &t.object)
	t.events++
	switch t.ev.kind {
	case "content-start", "content-delta":
		t.content(get(t.ev.message, "content"))
	case "tool-plan-delta":
		t.note(rawjson.Chars(get(t.ev.message, "tool_plan")))
	case "tool-call-start", "tool-call-delta":
		t.started = true
	case "message-start", "content-end", "tool-call-end", "citation-start", "citation-end":
	case "message-end":
		c.Error = t.end()
	default:
		t.events--
		t.loose(data)
		c.Started = t.started
		return c
	}
	if t.keep {
		t.join.add(&t.ev)
	}
	c.Started = t.started
	return c
}

func (t *tracker) note(chars int64) {
	t.chars += chars
	t.started = t.started || chars > 0
}

func (t *tracker) content(content []byte) {
	t.note(rawjson.Chars(get(content, "text")))
	t.started = t.started || len(get(content, "thinking")) > 2
}

// end reads a message-end, and reports whether that is an error.
func (t *tracker) end() bool {
	isError := false
	rawjson.Members(t.ev.delta, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "usage":
			if u, ok := ParseUsage(v); ok {
				t.usage, t.hasUsage = u, true
			}
		case "error":
			isError = isError || k == rawjson.String || k == rawjson.ObjectKind
		case "finish_reason":
			isError = isError || isFailure(v)
		}
		return true
	})
	t.failed = t.failed || isError
	t.complete = true
	return isError
}

func (t *tracker) loose(data []byte) {
	if t.keep {
		t.join.addLoose(data)
	}
}

// Result implements wire.Tracker.
func (t *tracker) Result() wire.Result {
	r := wire.Result{
		Answer:   wire.Answer{Usage: t.usage, HasUsage: t.hasUsage, Failed: t.failed},
		Started:  t.started,
		Complete: t.complete && !t.failed,
		Events:   t.events,
	}
	if t.events > 0 {
		chars := t.chars
		r.OutputChars = &chars
	}
	if t.keep {
		r.Joined = t.join.bytes()
	}
	return r
}
