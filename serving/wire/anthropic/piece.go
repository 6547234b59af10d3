package anthropic

import (
	"bytes"

	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// piece is a content_block_delta that adds to a string, which most events of a stream do.
type piece struct {
	index int64
	kind  pieceKind
	inner []byte // the inside of the string, as escaped
	chars int64
}

type pieceKind uint8

const (
	pieceText pieceKind = iota
	pieceThinking
	pieceInput
)

// block is one whose start was lost.
func (k pieceKind) block(index int64) block {
	switch k {
	case pieceThinking:
		return block{index: index, grows: "thinking", fields: []field{{"type", []byte(`"thinking"`)}, {"thinking", []byte(`""`)}}}
	case pieceInput:
		return block{index: index, fields: []field{{"type", []byte(`"tool_use"`)}}}
	default:
		return block{index: index, grows: "text", fields: []field{{"type", []byte(`"text"`)}, {"text", []byte(`""`)}}}
	}
}

var (
	pieceHead  = []byte(`{"type":"content_block_delta","index":`)
	pieceTails = [...]struct {
		kind pieceKind
		text []byte
	}{
		{pieceText, []byte(`,"delta":{"type":"text_delta","text":"`)},
		{pieceInput, []byte(`,"delta":{"type":"input_json_delta","partial_json":"`)},
		{pieceThinking, []byte(`,"delta":{"type":"thinking_delta","thinking":"`)},
	}
)

// parsePiece reads an event in the very words that Anthropic writes it in, and checks nothing but
// the string in it. It returns false for all others, which Object.Parse then reads.
func parsePiece(data []byte) (p piece, ok bool) {
	rest, ok := bytes.CutPrefix(data, pieceHead)
	if !ok {
		return p, false
	}
	digits := 0
	for digits < len(rest) && digits < 9 && rest[digits] >= '0' && rest[digits] <= '9' {
		p.index = p.index*10 + int64(rest[digits]-'0')
		digits++
	}
	if digits == 0 || digits > 1 && rest[0] == '0' {
		return p, false
	}
	rest = rest[digits:]
	for i := range pieceTails {
		inside, found := bytes.CutPrefix(rest, pieceTails[i].text)
		if !found {
			continue
		}
		n, end, ok := rawjson.Inside(inside)
		if !ok || !closes(inside[end+1:]) {
			return p, false
		}
		p.kind, p.inner, p.chars = pieceTails[i].kind, inside[:end], n
		return p, true
	}
	return p, false
}

// closes reports whether two objects end here. Anthropic puts spaces between, so that the length
// of an event tells nothing.
func closes(rest []byte) bool {
	rest = bytes.TrimLeft(rest, " ")
	if len(rest) == 0 || rest[0] != '}' {
		return false
	}
	rest = bytes.Trim(rest[1:], " ")
	return len(rest) == 1 && rest[0] == '}'
}
