package responses

import (
	"bytes"
	"strings"

	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// tracker follows a stream. The final event has the whole answer; until it comes, and where it
// never does, the answer is in the items.
type tracker struct {
	keep bool

	res    wire.Result // without Joined, and without what the items know
	head   []byte      // the last response object of an event that was not the final one
	final  []byte      // the final one's
	ended  bool
	extras members // members beside agents' events that belong to their answer
	items  []item
	loose  [][]byte // events that are none

	object rawjson.Object
	ev     event
}

// event is where the members of an event are.
type event struct {
	kind        string
	response    []byte
	item        []byte
	itemID      []byte // as quoted
	outputIndex int64  // -1 for none
	index       int64  // content_index or summary_index
	delta       []byte // as quoted
	failed      bool   // it has an error member
}

// Add implements wire.Tracker.
func (t *tracker) Add(_, data []byte) wire.Chunk {
	c := t.add(data)
	c.Started = t.res.Started
	return c
}

func (t *tracker) add(data []byte) wire.Chunk {
	if t.object.Parse(data, maxDepth) != nil {
		if string(bytes.TrimSpace(data)) == "[DONE]" {
			t.res.Complete = t.res.Complete || !t.res.Failed
			return wire.Chunk{End: true}
		}
		t.keepLoose(data)
		return wire.Chunk{}
	}
	t.ev.read(&t.object)
	switch kind := t.ev.kind; kind {
	case "response.created", "response.in_progress", "response.queued":
		t.begin()
	case "response.completed", "response.incomplete", "response.failed", "response.cancelled":
		return t.finish()
	case "error":
		t.res.Failed = true
		t.keepLoose(data)
		return wire.Chunk{JSON: true, Error: true}
	default:
		if !strings.HasPrefix(kind, "response.") {
			t.keepLoose(data)
			t.res.Failed = t.res.Failed || t.ev.failed
			return wire.Chunk{JSON: true, Error: t.ev.failed}
		}
		t.addPiece()
	}
	t.res.Events++
	return wire.Chunk{JSON: true}
}

// read finds the members of an event, whose bytes it points into.
func (e *event) read(o *rawjson.Object) {
	kind := e.kind
	*e = event{outputIndex: -1}
	for i := range o.Len() {
		v, k := o.Value(i), o.Kind(i)
		switch string(o.Name(i)) {
		case "type":
			if k == rawjson.String && string(v[1:len(v)-1]) == kind {
				e.kind = kind // as the event before, mostly
			} else if k == rawjson.String {
				e.kind = rawjson.Unquote(v)
			}
		case "response":
			e.response = object(k, v)
		case "item":
			e.item = object(k, v)
		case "item_id":
			if k == rawjson.String {
				e.itemID = v
			}
		case "output_index":
			if n, ok := rawjson.Int(v); ok {
				e.outputIndex = n
			}
		case "content_index", "summary_index":
			e.index, _ = rawjson.Int(v)
		case "delta":
			if k == rawjson.String {
				e.delta = v
			}
		case "error":
			e.failed = k != rawjson.Null
		}
	}
}

func object(k rawjson.Kind, v []byte) []byte {
	if k != rawjson.ObjectKind {
		return nil
	}
	return v
}

func (t *tracker) keepLoose(data []byte) {
	if t.keep {
		t.loose = append(t.loose, bytes.Clone(data))
	}
}

// begin takes the response of an event that opens a stream. After a final event it opens the
// next answer: agents that call a model several times may pass all its events on.
func (t *tracker) begin() {
	if t.ended {
		t.ended, t.final, t.items = false, nil, nil
		t.res.Complete = false
	}
	if t.ev.response == nil {
		return
	}
	a := readResponse(t.ev.response)
	t.takeAnswer(&a)
	if t.keep {
		t.head = append(t.head[:0], t.ev.response...)
	}
}

// takeAnswer takes over what an answer knows.
func (t *tracker) takeAnswer(a *wire.Answer) {
	if a.Model != "" {
		t.res.Model = a.Model
	}
	tier, searches := t.res.Usage.ServiceTier, t.res.Usage.Searches
	if a.HasUsage {
		t.res.Usage, t.res.HasUsage = a.Usage, true
	}
	if t.res.Usage.ServiceTier = a.Usage.ServiceTier; a.Usage.ServiceTier == "" {
		t.res.Usage.ServiceTier = tier
	}
	if t.res.Usage.Searches = a.Usage.Searches; a.Usage.Searches == nil {
		t.res.Usage.Searches = searches
	}
	t.res.Failed = t.res.Failed || a.Failed
}

func (t *tracker) finish() wire.Chunk {
	failed := t.ev.kind == "response.failed"
	t.res.Events++
	t.res.Failed = t.res.Failed || failed
	t.ended = true
	if t.ev.response != nil {
		a := readResponse(t.ev.response)
		t.takeAnswer(&a)
		t.res.OutputChars = a.OutputChars
		t.res.Started = t.res.Started || a.OutputChars != nil
		t.takeFinal()
	}
	t.res.Complete = !t.res.Failed
	return wire.Chunk{JSON: true, End: true, Error: failed}
}

// takeFinal takes the final event's response for the answer, unless its output is left out or
// empty though items came, as the server behind Codex has it.
func (t *tracker) takeFinal() {
	var output []byte
	rawjson.Members(t.ev.response, func(name []byte, _ rawjson.Kind, v []byte) bool {
		if string(name) == "output" {
			output = v
		}
		return true
	})
	c := rawjson.Walk(output)
	if whole := output != nil && (len(t.items) == 0 || c.Enter()); !whole {
		if t.keep {
			t.head = append(t.head[:0], t.ev.response...)
		}
		return
	}
	t.items = nil
	if t.keep {
		t.final = bytes.Clone(t.ev.response)
	}
}

// Result implements wire.Tracker.
func (t *tracker) Result() wire.Result {
	r := t.res
	if !t.ended || r.OutputChars == nil {
		t.countItems(&r)
	}
	if t.keep {
		r.Joined = t.joined()
	}
	return r
}

func (t *tracker) countItems(r *wire.Result) {
	var chars, searches *int64
	for i := range t.items {
		if it := &t.items[i]; it.message {
			add(&chars, it.chars)
		}
		if t.items[i].search {
			add(&searches, 1)
		}
	}
	if r.OutputChars == nil {
		r.OutputChars = chars
	}
	if r.Usage.Searches == nil {
		r.Usage.Searches = searches
	}
}
