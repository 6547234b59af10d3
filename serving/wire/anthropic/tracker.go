package anthropic

import (
	"bytes"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// tracker follows one stream and joins its Message.
type tracker struct {
	keep bool

	object  rawjson.Object
	model   string
	usage   []byte // merged, as JSON; nil for none
	parsed  inference.Usage
	has     bool
	chars   int64
	hasText bool // content came, be it empty
	started bool
	stopped bool // message_stop came
	done    bool // a reason to stop came
	failed  bool
	events  int

	head   []field // members of the Message, but for content and usage
	blocks []block
	loose  [][]byte // events that are no part of a Message
}

// field is a member of an object, its name as written in JSON.
type field struct {
	name  string
	value []byte
}

// set gives a member another value, unless that is null and there is one already.
func set(fields []field, name, value []byte) []field {
	for i := range fields {
		if fields[i].name == string(name) {
			if string(value) != "null" {
				fields[i].value = bytes.Clone(value)
			}
			return fields
		}
	}
	return append(fields, field{string(name), bytes.Clone(value)})
}

// Add implements wire.Tracker.
func (t *tracker) Add(name, data []byte) wire.Chunk {
	c := t.add(name, data)
	c.Started = t.started
	return c
}

func (t *tracker) add(name, data []byte) wire.Chunk {
	if p, ok := parsePiece(data); ok {
		t.events++
		t.addPiece(&p)
		return wire.Chunk{JSON: true}
	}
	if t.object.Parse(data, maxDepth) != nil {
		t.keepLoose(data)
		return wire.Chunk{}
	}
	c := wire.Chunk{JSON: true}
	switch kind := t.kind(name); kind {
	case "message_start":
		t.start()
	case "content_block_start":
		t.startBlock()
	case "content_block_delta":
		t.addDelta(data)
	case "content_block_stop":
	case "message_delta":
		t.change()
	case "message_stop":
		t.stopped, c.End = true, true
	case "error":
		t.fail(data)
		c.Error = true
		return c
	case "ping":
		return c
	default:
		t.keepLoose(data)
		return c
	}
	t.events++
	return c
}

// kind returns the type of the event, which is its name where the data leaves it out.
func (t *tracker) kind(name []byte) string {
	if i := t.object.Find("type"); i >= 0 && t.object.Kind(i) == rawjson.String {
		return rawjson.Unquote(t.object.Value(i))
	}
	return string(name)
}

func (t *tracker) member(name string) []byte {
	if i := t.object.Find(name); i >= 0 {
		return t.object.Value(i)
	}
	return nil
}

// start takes the Message of message_start. The event may come twice; after message_stop it
// begins another Message, the only one that counts then.
func (t *tracker) start() {
	if t.stopped {
		*t = tracker{keep: t.keep, object: t.object, events: t.events, loose: t.loose}
	}
	first := len(t.blocks) == 0
	rawjson.Members(t.member("message"), func(name []byte, k rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "usage":
			t.addUsage(v)
			return true
		case "content":
			if first && k == rawjson.Array {
				t.takeBlocks(v)
			}
			return true
		case "model":
			t.takeModel(v)
		case "stop_reason":
			t.done = t.done || k == rawjson.String
		}
		t.setHead(name, v)
		return true
	})
}

func (t *tracker) takeModel(v []byte) {
	if m := rawjson.Unquote(v); m != "" {
		t.model = m
	}
}

func (t *tracker) addUsage(v []byte) {
	merged := mergeUsage(t.usage, v)
	if u, ok := ParseUsage(merged); ok {
		t.usage, t.parsed, t.has = merged, u, true
	}
}

// change takes a message_delta: why the Message ended, and usage so far.
func (t *tracker) change() {
	rawjson.Members(bytes.TrimSpace(t.object.Raw()), func(name []byte, _ rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "type":
		case "usage":
			t.addUsage(v)
		case "delta":
			rawjson.Members(v, func(name []byte, k rawjson.Kind, v []byte) bool {
				t.done = t.done || string(name) == "stop_reason" && k == rawjson.String
				t.setHead(name, v)
				return true
			})
		default:
			t.setHead(name, v)
		}
		return true
	})
}

func (t *tracker) setHead(name, value []byte) {
	if t.keep {
		t.head = set(t.head, name, value)
	}
}

func (t *tracker) fail(data []byte) {
	t.failed = true
	if e := t.member("error"); e != nil && len(t.head) > 0 {
		t.setHead([]byte("error"), e)
		return
	}
	t.keepLoose(data)
}

func (t *tracker) keepLoose(data []byte) {
	if t.keep {
		t.loose = append(t.loose, bytes.Clone(data))
	}
}

// Result implements wire.Tracker.
func (t *tracker) Result() wire.Result {
	r := wire.Result{
		Answer:   wire.Answer{Model: t.model, Usage: t.parsed, HasUsage: t.has, Failed: t.failed},
		Started:  t.started,
		Complete: (t.stopped || t.done) && !t.failed,
		Events:   t.events,
	}
	if t.has && !r.Complete {
		r.Usage.Source = inference.UsagePartial
	}
	if t.hasText {
		n := t.chars
		r.OutputChars = &n
	}
	if t.keep {
		r.Joined = t.join()
	}
	return r
}
