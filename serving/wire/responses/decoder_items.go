package responses

import (
	"bytes"
	"slices"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// find returns the item of an id, or where one of the two has none, of the event's place; it
// makes one where there is none.
func (s *streamDecoder) find(id []byte) *streamItem {
	for i := len(s.items) - 1; i >= 0; i-- {
		it := &s.items[i]
		sameID := len(id) > 0 && bytes.Equal(it.id, id)
		samePlace := (len(id) == 0 || len(it.id) == 0) && it.index == s.ev.outputIndex && !it.closed
		if sameID || samePlace {
			return it
		}
	}
	s.items = append(s.items, streamItem{id: bytes.Clone(id), index: s.ev.outputIndex, tool: -1})
	return &s.items[len(s.items)-1]
}

// item takes an item that was added or is done.
func (s *streamDecoder) item() {
	if s.ev.item == nil {
		return
	}
	s.startAnyway()
	it := s.find(quotedID(s.ev.item))
	done := s.ev.kind == "response.output_item.done"
	switch member(s.ev.item, "type") {
	case "function_call":
		if s.framed {
			s.call(it, done)
		} else if done {
			s.hold()
		}
	case "function_call_output":
		s.answered(member(s.ev.item, "call_id"))
	case "message":
		if done && !it.spoke {
			s.whole(it, rawMember(s.ev.item, "content"))
		}
	case "reasoning":
		if done && !it.closed {
			s.thoughtDone(it)
		}
	}
	it.closed = it.closed || done
	if i := s.object.Find("usage"); i >= 0 {
		if u, ok := ParseUsage(s.object.Value(i)); ok {
			s.give(chat.Delta{Kind: chat.DeltaUsage, Usage: u})
		}
	}
}

// startAnyway starts a stream that has no response.created, as agents' have not.
func (s *streamDecoder) startAnyway() {
	if !s.started {
		s.started = true
		s.give(chat.Delta{Kind: chat.DeltaStart})
	}
}

func (s *streamDecoder) call(it *streamItem, done bool) {
	if it.tool < 0 {
		it.tool, s.called = s.tools, true
		s.tools++
		s.give(chat.Delta{Kind: chat.DeltaCall, Tool: it.tool, CallID: member(s.ev.item, "call_id"), Name: member(s.ev.item, "name")})
	}
	if text := member(s.ev.item, "arguments"); done && !it.spoke && text != "" {
		it.spoke = true
		s.give(chat.Delta{Kind: chat.DeltaArguments, Tool: it.tool, Text: text})
	}
}

// pendingCall is a call of an agent that it may have made itself: then its result follows, and the
// client has nothing to do.
type pendingCall struct{ id, name, arguments string }

func (s *streamDecoder) hold() {
	s.pending = append(s.pending, pendingCall{member(s.ev.item, "call_id"), member(s.ev.item, "name"), member(s.ev.item, "arguments")})
}

func (s *streamDecoder) answered(id string) {
	s.pending = slices.DeleteFunc(s.pending, func(c pendingCall) bool { return c.id == id })
}

func (s *streamDecoder) givePending(c *pendingCall) {
	s.called = true
	s.give(chat.Delta{Kind: chat.DeltaCall, Tool: s.tools, CallID: c.id, Name: c.name})
	s.give(chat.Delta{Kind: chat.DeltaArguments, Tool: s.tools, Text: arguments(c.arguments)})
	s.tools++
}

// whole gives the parts of a message that came without deltas.
func (s *streamDecoder) whole(it *streamItem, content []byte) {
	c := rawjson.Walk(content)
	if c.Kind() == rawjson.String {
		it.spoke = true
		s.give(chat.Delta{Kind: chat.DeltaText, Text: rawjson.Unquote(c.Take())})
		return
	}
	if c.Kind() != rawjson.Array {
		return
	}
	for ok := c.Enter(); ok; ok = c.Next() {
		part := c.Take()
		if text := member(part, "refusal"); text != "" {
			it.spoke, s.refused = true, true
			s.give(chat.Delta{Kind: chat.DeltaRefusal, Text: text})
		}
		if text := member(part, "text"); text != "" {
			it.spoke = true
			s.give(chat.Delta{Kind: chat.DeltaText, Text: text})
		}
	}
}

// thoughtDone gives a thought that came without deltas, and what signs it.
func (s *streamDecoder) thoughtDone(it *streamItem) {
	if !it.spoke {
		s.wholeThought(it, "summary")
	}
	if !it.spoke {
		s.wholeThought(it, "content")
	}
	p := chat.Part{Kind: chat.Thinking}
	if it.spoke {
		p.Text = "some"
	}
	if unpackPart(&p, member(s.ev.item, "encrypted_content")); p.Signature != "" {
		s.give(chat.Delta{Kind: chat.DeltaSignature, Signature: p.Signature, SignedBy: p.SignedBy, Redacted: p.Redacted})
	}
}

func (s *streamDecoder) wholeThought(it *streamItem, name string) {
	c := rawjson.Walk(rawMember(s.ev.item, name))
	if c.Kind() != rawjson.Array {
		return
	}
	for ok := c.Enter(); ok; ok = c.Next() {
		if text := member(c.Take(), "text"); text != "" {
			s.think(it, text, it.spoke)
		}
	}
}

func (s *streamDecoder) think(it *streamItem, text string, another bool) {
	if another {
		text = "\n\n" + text
	}
	it.spoke = true
	s.give(chat.Delta{Kind: chat.DeltaThinking, Text: text})
}

// thought gives a piece of a thought; parts of its summary are paragraphs.
func (s *streamDecoder) thought() {
	if len(s.ev.delta) <= 2 {
		return
	}
	s.startAnyway()
	it := s.find(s.ev.itemID)
	s.think(it, rawjson.Unquote(s.ev.delta), it.spoke && s.ev.index != it.part)
	it.part = s.ev.index
}

// piece gives a piece of a message.
func (s *streamDecoder) piece(kind chat.DeltaKind) {
	if len(s.ev.delta) <= 2 {
		return
	}
	s.startAnyway()
	s.find(s.ev.itemID).spoke = true
	s.give(chat.Delta{Kind: kind, Text: rawjson.Unquote(s.ev.delta)})
}

func (s *streamDecoder) logProbs() {
	i := s.object.Find("logprobs")
	if i < 0 || s.object.Kind(i) != rawjson.Array || len(s.object.Value(i)) <= len("[]") {
		return
	}
	raw := append(append([]byte(`{"content":`), s.object.Value(i)...), '}')
	s.give(chat.Delta{Kind: chat.DeltaLogProbs, Raw: raw})
}

func (s *streamDecoder) arguments() {
	it := s.find(s.ev.itemID)
	if it.tool < 0 || len(s.ev.delta) <= 2 {
		return
	}
	it.spoke = true
	s.give(chat.Delta{Kind: chat.DeltaArguments, Tool: it.tool, Text: rawjson.Unquote(s.ev.delta)})
}
