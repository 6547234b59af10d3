package bedrock

import (
	"bytes"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// tracker follows a ConverseStream.
type tracker struct {
	keep   bool
	join   joiner
	object rawjson.Object

	usage    inference.Usage
	hasUsage bool
	tier     string
	model    string
	chars    int64
	json     *int64 // index of the block that is JSON output, asked for as a tool
	started  bool
	stopped  bool // messageStop came
	failed   bool // an exception came
	events   int
}

// Add implements wire.Tracker.
func (t *tracker) Add(name, data []byte) wire.Chunk {
	data = bytes.TrimSpace(data)
	if t.object.Parse(data, maxDepth) != nil {
		t.unjoined(name, data)
		return wire.Chunk{Error: isException(name), Started: t.started}
	}
	c := wire.Chunk{JSON: true}
	switch string(name) {
	case "messageStart", "contentBlockStop":
		t.events++
	case "contentBlockStart":
		t.events++
		t.start(data)
	case "contentBlockDelta":
		t.events++
		t.delta(data)
	case "messageStop":
		t.events++
		t.stopped = true
		if t.keep {
			t.join.stop(&t.object)
		}
	case "metadata":
		t.events++
		t.metadata()
	default:
		if isException(name) {
			t.failed, c.Error = true, true
		}
		t.unjoined(name, data)
	}
	c.Started = t.started
	c.End = t.stopped && t.hasUsage && (string(name) == "metadata" || string(name) == "messageStop")
	return c
}

// isException: the events that report errors are named by their exceptions.
func isException(name []byte) bool {
	return bytes.HasSuffix(name, []byte("xception")) || bytes.HasSuffix(name, []byte("Error"))
}

func (t *tracker) unjoined(name, data []byte) {
	if t.keep {
		t.join.addLoose(name, data)
	}
}

func (t *tracker) start(data []byte) {
	index, start := blockEvent(data, "start")
	if tool := get(start, "toolUse"); tool != nil {
		t.started = true
		if text(get(tool, "name")) == jsonTool {
			t.json = &index
		}
	}
	if t.keep {
		t.join.start(index, start)
	}
}

func (t *tracker) delta(data []byte) {
	index, delta := blockEvent(data, "delta")
	rawjson.Members(delta, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch {
		case k == rawjson.String && string(name) == "text":
			n := rawjson.Chars(v)
			t.chars += n
			t.started = t.started || n > 0
		case k == rawjson.ObjectKind:
			t.started = true
			if t.json != nil && *t.json == index {
				t.chars += rawjson.Chars(get(v, "input"))
			}
		}
		return true
	})
	if t.keep && !t.join.delta(index, delta) {
		t.join.addLoose([]byte("contentBlockDelta"), data)
	}
}

func (t *tracker) metadata() {
	for i := range t.object.Len() {
		v := t.object.Value(i)
		switch string(t.object.Name(i)) {
		case "usage":
			if u, ok := ParseUsage(v); ok {
				t.usage, t.hasUsage = u, true
			}
		case "serviceTier":
			t.tier = text(get(v, "type"))
		case "trace":
			t.model = routedModel(v)
		}
	}
	if t.keep {
		t.join.tail(&t.object)
	}
}

// Result implements wire.Tracker.
func (t *tracker) Result() wire.Result {
	r := wire.Result{
		Answer:   wire.Answer{Model: t.model, Usage: t.usage, HasUsage: t.hasUsage, Failed: t.failed},
		Started:  t.started,
		Complete: t.stopped && !t.failed,
		Events:   t.events,
	}
	if t.hasUsage {
		r.Usage.ServiceTier = t.tier
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

// blockEvent returns the block's index and the named member of an event of a content block.
func blockEvent(data []byte, member string) (index int64, value []byte) {
	rawjson.Members(data, func(name []byte, _ rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "contentBlockIndex":
			if n, ok := rawjson.Int(v); ok {
				index = n
			}
		case member:
			value = v
		}
		return true
	})
	return index, value
}
