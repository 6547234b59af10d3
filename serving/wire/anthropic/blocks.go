package anthropic

import (
	"bytes"

	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// block is a content block that grows. Text is kept as it was escaped: the pieces of a string put
// together are the string, so nothing is decoded.
type block struct {
	index     int64
	fields    []field // of content_block_start
	grows     string  // the field that pieces of text are added to: text, thinking or none
	text      []byte  // its inside
	input     []byte  // the inside of all partial_json, a string in which JSON is written
	signature []byte
	citations []byte // elements and commas
}

func (b *block) isText() bool { return b.grows == "text" }

// startBlock takes a content_block_start.
func (t *tracker) startBlock() {
	index, ok := rawjson.Int(t.member("index"))
	if !ok {
		index = int64(len(t.blocks))
	}
	t.newBlock(index, t.member("content_block"))
}

// takeBlocks takes blocks that message_start brings.
func (t *tracker) takeBlocks(content []byte) {
	c := rawjson.Walk(content)
	for ok := c.Enter(); ok; ok = c.Next() {
		t.newBlock(int64(len(t.blocks)), c.Take())
	}
}

func (t *tracker) newBlock(index int64, object []byte) {
	b := block{index: index}
	switch string(memberOf(object, "type")) {
	case `"text"`:
		b.grows = "text"
	case `"thinking"`:
		b.grows = "thinking"
	}
	rawjson.Members(object, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch string(name) {
		case b.grows:
			if k == rawjson.String {
				b.text = bytes.Clone(v[1 : len(v)-1])
			}
		case "to": // a fallback: from here on another model answers, and its name is the Message's
			if m := memberOf(v, "model"); k == rawjson.ObjectKind && len(m) > 2 && m[0] == '"' {
				t.takeModel(m)
				t.setHead([]byte("model"), m)
			}
		}
		if t.keep {
			b.fields = append(b.fields, field{string(name), bytes.Clone(v)})
		}
		return true
	})
	if b.isText() {
		t.hasText = true
		t.chars += chars(b.text)
	}
	t.started = t.started || b.grows == "" || len(b.text) > 0
	if old := t.block(index); old != nil {
		*old = b
		return
	}
	t.blocks = append(t.blocks, b)
}

func chars(inner []byte) int64 {
	if len(inner) == 0 {
		return 0
	}
	n, _, _ := rawjson.Inside(append(inner[:len(inner):len(inner)], '"'))
	return n
}

// block returns the block of an index, nil when there is none. The last is asked for most.
func (t *tracker) block(index int64) *block {
	for i := len(t.blocks) - 1; i >= 0; i-- {
		if t.blocks[i].index == index {
			return &t.blocks[i]
		}
	}
	return nil
}

// addDelta takes a content_block_delta that parsePiece did not.
func (t *tracker) addDelta(data []byte) {
	index, _ := rawjson.Int(t.member("index"))
	delta := t.member("delta")
	known := false
	switch string(memberOf(delta, "type")) {
	case `"text_delta"`:
		known = t.addString(index, pieceText, memberOf(delta, "text"))
	case `"thinking_delta"`:
		known = t.addString(index, pieceThinking, memberOf(delta, "thinking"))
	case `"input_json_delta"`:
		known = t.addString(index, pieceInput, memberOf(delta, "partial_json"))
	default:
		b := t.block(index)
		known = b != nil && (!t.keep || b.take(delta))
	}
	if !known {
		t.keepLoose(data)
	}
}

// take adds a delta that is no piece of a string; false when its type is not known.
func (b *block) take(delta []byte) bool {
	switch string(memberOf(delta, "type")) {
	case `"signature_delta"`:
		b.signature = bytes.Clone(memberOf(delta, "signature"))
	case `"citations_delta"`:
		citation := memberOf(delta, "citation")
		if citation == nil {
			return false
		}
		b.citations = append(comma(b.citations), citation...)
	case `"compaction_delta"`:
		rawjson.Members(delta, func(name []byte, _ rawjson.Kind, v []byte) bool {
			if string(name) != "type" {
				b.fields = set(b.fields, name, v)
			}
			return true
		})
	default:
		return false
	}
	return true
}

func (t *tracker) addString(index int64, kind pieceKind, quoted []byte) bool {
	if len(quoted) < 2 || quoted[0] != '"' {
		return false
	}
	t.addPiece(&piece{index: index, kind: kind, inner: quoted[1 : len(quoted)-1], chars: rawjson.Chars(quoted)})
	return true
}

// addPiece adds a piece of text, of a thought or of a tool's input to its block.
func (t *tracker) addPiece(p *piece) {
	b := t.block(p.index)
	if b == nil {
		t.blocks = append(t.blocks, p.kind.block(p.index))
		b = &t.blocks[len(t.blocks)-1]
	}
	t.started = t.started || len(p.inner) > 0
	if p.kind == pieceText {
		t.hasText = true
		t.chars += p.chars
	}
	if !t.keep {
		return
	}
	if p.kind == pieceInput {
		b.input = append(b.input, p.inner...)
		return
	}
	b.text = append(b.text, p.inner...)
}
