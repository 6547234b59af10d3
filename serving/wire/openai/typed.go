package openai

import (
	"bytes"
	"strings"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// typedTracker follows streams whose events say their type: images, speech and transcriptions.
// Their last event has all that the answer without streaming would have, and its usage.
type typedTracker struct {
	keep  bool
	usage func([]byte) (inference.Usage, bool)
	join  func(dst, event []byte) []byte // adds what an event of the end brings to the answer

	object rawjson.Object
	answer wire.Answer
	text   int64
	events int
	began  bool
	ended  bool
	joined []byte
	pieces []byte // the inside of the texts that came, as JSON
}

// Add implements wire.Tracker.
func (t *typedTracker) Add(name, data []byte) wire.Chunk {
	if bytes.Equal(data, done) {
		t.ended = true
		return wire.Chunk{End: true, Started: t.began}
	}
	if t.object.Parse(data, MaxDepth) != nil {
		return wire.Chunk{Started: t.began}
	}
	t.events++
	kind := t.kind(name)
	c := wire.Chunk{JSON: true, Error: kind == "error" || t.has("error")}
	if !c.Error {
		c.End = t.take(kind, data)
	}
	t.ended = t.ended || c.End
	t.began = t.began || !c.Error
	c.Started = t.began
	return c
}

// kind returns the type of the event: its own word, or the name it was framed with.
func (t *typedTracker) kind(name []byte) string {
	if i := t.object.Find("type"); i >= 0 && t.object.Kind(i) == rawjson.String {
		return rawjson.Unquote(t.object.Value(i))
	}
	return string(name)
}

func (t *typedTracker) has(member string) bool {
	i := t.object.Find(member)
	return i >= 0 && t.object.Kind(i) != rawjson.Null
}

// take reads an event, and reports whether it ends the stream.
func (t *typedTracker) take(kind string, data []byte) bool {
	for i := range t.object.Len() {
		v, k := t.object.Value(i), t.object.Kind(i)
		switch name := string(t.object.Name(i)); {
		case name == "usage":
			if u, ok := t.usage(v); ok {
				t.answer.Usage, t.answer.HasUsage = u, true
			}
		case name == "model" && k == rawjson.String:
			t.answer.Model = rawjson.Unquote(v)
		case name == "delta" && k == rawjson.String:
			t.text += rawjson.Chars(v)
			if t.keep {
				t.pieces = append(t.pieces, v[1:len(v)-1]...)
			}
		}
	}
	end := strings.HasSuffix(kind, ".done") || strings.HasSuffix(kind, ".completed")
	if end && t.keep {
		t.joined = t.join(t.joined, data)
	}
	return end
}

// Result implements wire.Tracker.
func (t *typedTracker) Result() wire.Result {
	r := wire.Result{Answer: t.answer, Started: t.began, Complete: t.ended, Events: t.events}
	if t.text > 0 {
		n := t.text
		r.OutputChars = &n
	}
	switch {
	case len(t.joined) > 0:
		r.Joined = bytes.Clone(t.joined)
	case len(t.pieces) > 0:
		r.Joined = append(append([]byte(`{"text":"`), t.pieces...), `"}`...)
	}
	return r
}

// joinLast takes the last event for the answer, without its type.
func joinLast(dst, event []byte) []byte {
	dst = append(dst[:0], '{')
	rawjson.Members(event, func(name []byte, _ rawjson.Kind, v []byte) bool {
		if string(name) != "type" {
			dst = append(appendName(dst, string(name)), v...)
		}
		return true
	})
	return append(dst, '}')
}

// joinImage adds an image to the answer: what the call without streaming has in data. Members that
// are of the whole answer are those of its last image.
func joinImage(dst, event []byte) []byte {
	images := []byte{}
	if v := get(dst, "data"); len(v) > 2 {
		images = append(append(images, v[1:len(v)-1]...), ',')
	}
	out := []byte{'{'}
	image := []byte{'{'}
	rawjson.Members(event, func(name []byte, _ rawjson.Kind, v []byte) bool {
		switch n := string(name); n {
		case "type", "partial_image_index":
		case "b64_json", "url", "revised_prompt":
			image = append(appendName(image, n), v...)
		case "created_at":
			out = append(appendName(out, "created"), v...)
		default:
			out = append(appendName(out, n), v...)
		}
		return true
	})
	out = append(appendName(out, "data"), '[')
	out = append(append(out, images...), image...)
	return append(out, "}]}"...)
}
