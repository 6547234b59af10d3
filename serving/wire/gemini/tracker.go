package gemini

import (
	"bytes"

	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// Tracker follows a stream of GenerateContentResponses. What a later chunk says of the same thing
// replaces what an earlier one did, but for parts, log probabilities and citations, which add up.
type Tracker struct {
	keep bool

	account
	text    textCount
	started bool
	blocked bool // the prompt was
	failed  bool
	events  int

	object     rawjson.Object
	candidates []candidate
	head       []member // members at the top, but for candidates
	loose      [][]byte // events that are no chunks
}

// Add implements wire.Tracker.
func (t *Tracker) Add(_, data []byte) wire.Chunk {
	c := t.add(data)
	c.Started = t.started
	return c
}

func (t *Tracker) add(data []byte) wire.Chunk {
	if t.object.Parse(data, wire.MaxDepth) != nil {
		t.keepLoose(data)
		return wire.Chunk{Started: t.started}
	}
	chunk := wire.Chunk{JSON: true}
	part, usage := false, false
	for i := range t.object.Len() {
		v, kind := t.object.Value(i), t.object.Kind(i)
		switch string(t.object.Name(i)) {
		case "candidates":
			part = true
			c := rawjson.Walk(v)
			for ok := kind == rawjson.Array && c.Enter(); ok; ok = c.Next() {
				t.addCandidate(c.Take())
			}
		case "usageMetadata":
			usage = true
			t.noteUsage(v)
		case "modelVersion":
			t.noteModel(kind, v)
		case "promptFeedback":
			part = true
			t.blocked = t.blocked || hasString(v, "blockReason")
		case "error":
			chunk.Error = kind == rawjson.ObjectKind
			t.failed = t.failed || chunk.Error
		}
	}
	chunk.Started = t.started
	if !part && !usage && !chunk.Error {
		t.keepLoose(data)
		return chunk
	}
	chunk.OnlyUsage = usage && !part && !chunk.Error
	if part || usage {
		t.events++
	}
	t.keepHead()
	return chunk
}

// addCandidate adds what a chunk says of one candidate.
func (t *Tracker) addCandidate(raw []byte) {
	c := t.candidate(indexOf(raw))
	rawjson.Members(raw, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "index":
			return true
		case "content":
			t.addContent(c, v)
			return true
		case "finishReason":
			c.finished = c.finished || k == rawjson.String && len(v) > 2
		case "groundingMetadata":
			t.noteGrounding(v)
		}
		if t.keep {
			c.addMember(name, v)
		}
		return true
	})
}

func (t *Tracker) addContent(c *candidate, content []byte) {
	eachPart(content, func(raw []byte) {
		p := readPart(raw)
		t.text.add(p)
		t.started = t.started || len(p.text) > 2 || p.call != nil || p.media
		if t.keep {
			c.addPart(p)
		}
	})
	if !t.keep {
		return
	}
	rawjson.Members(content, func(name []byte, _ rawjson.Kind, v []byte) bool {
		if string(name) != "parts" {
			c.content = setMember(c.content, name, v)
		}
		return true
	})
	c.hasContent = true
}

func (t *Tracker) candidate(index int64) *candidate {
	for i := range t.candidates {
		if t.candidates[i].index == index {
			return &t.candidates[i]
		}
	}
	t.candidates = append(t.candidates, candidate{index: index})
	return &t.candidates[len(t.candidates)-1]
}

func (t *Tracker) keepHead() {
	if !t.keep {
		return
	}
	for i := range t.object.Len() {
		name, v := t.object.Name(i), t.object.Value(i)
		switch string(name) {
		case "candidates":
		case "usageMetadata":
			// One with counts is not replaced by one without.
			if hasCounts(v) || len(t.usage) == 0 {
				t.head = setMember(t.head, name, v)
			}
		default:
			t.head = setMember(t.head, name, v)
		}
	}
}

func (t *Tracker) keepLoose(data []byte) {
	if t.keep {
		t.loose = append(t.loose, bytes.Clone(data))
	}
}

// Result implements wire.Tracker.
func (t *Tracker) Result() wire.Result {
	r := wire.Result{Started: t.started, Events: t.events, Complete: t.complete()}
	r.Model, r.Failed = t.model, t.failed
	r.Usage, r.HasUsage = t.account.result()
	r.OutputChars = t.text.result()
	if t.keep {
		r.Joined = t.joined()
	}
	return r
}

// complete reports whether each candidate said why it ended, or the prompt was blocked.
func (t *Tracker) complete() bool {
	for i := range t.candidates {
		if !t.candidates[i].finished {
			return false
		}
	}
	return len(t.candidates) > 0 || t.blocked
}

// indexOf returns the index of a candidate. Google leaves out 0.
func indexOf(candidate []byte) (index int64) {
	rawjson.Members(candidate, func(name []byte, _ rawjson.Kind, v []byte) bool {
		if string(name) == "index" {
			index, _ = rawjson.Int(v)
			return false
		}
		return true
	})
	return index
}

// hasString reports whether an object has a member of that name that is a string and not empty.
func hasString(object []byte, want string) bool {
	found := false
	rawjson.Members(object, func(name []byte, k rawjson.Kind, v []byte) bool {
		found = string(name) == want && k == rawjson.String && len(v) > 2
		return !found
	})
	return found
}
