package anthropic

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"

	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// join writes the Message. When there was none, the events are the answer: a lone one as it is,
// several as an array.
func (t *tracker) join() []byte {
	if len(t.head) == 0 && len(t.blocks) == 0 {
		switch {
		case len(t.loose) == 0:
			return nil
		case len(t.loose) == 1 && json.Valid(t.loose[0]):
			return bytes.Clone(t.loose[0])
		default:
			return appendLoose(nil, t.loose)
		}
	}
	dst := []byte{'{'}
	hasContent := false
	for i := range t.head {
		// content stands before what is known at the end only, as in Anthropic's own answers.
		if !hasContent && (t.head[i].name == "stop_reason" || t.head[i].name == "stop_sequence") {
			dst, hasContent = t.appendContent(dst), true
		}
		dst = appendField(dst, t.head[i].name, t.head[i].value)
	}
	if !hasContent {
		dst = t.appendContent(dst)
	}
	if t.usage != nil {
		dst = appendField(dst, "usage", t.usage)
	}
	if len(t.loose) > 0 {
		dst = appendField(dst, "unjoined_events", appendLoose(nil, t.loose))
	}
	return append(dst, '}')
}

func (t *tracker) appendContent(dst []byte) []byte {
	slices.SortStableFunc(t.blocks, func(a, b block) int { return cmp.Compare(a.index, b.index) })
	dst = append(comma(dst), `"content":[`...)
	for i := range t.blocks {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = t.blocks[i].append(dst)
	}
	return append(dst, ']')
}

func (b *block) append(dst []byte) []byte {
	dst = append(dst, '{')
	var input []byte
	whole := true
	if len(b.input) > 0 {
		input = []byte(unquoteInner(b.input))
		whole = json.Valid(input)
	}
	for _, f := range b.fields {
		switch {
		case f.name == b.grows:
			dst = appendField(dst, f.name, append(append([]byte{'"'}, b.text...), '"'))
		case f.name == "input" && input != nil && whole:
		case f.name == "signature" && len(b.signature) > 0, f.name == "citations" && len(b.citations) > 0:
		default:
			dst = appendField(dst, f.name, f.value)
		}
	}
	if input != nil && whole {
		dst = appendField(dst, "input", input)
	}
	if len(b.signature) > 0 {
		dst = appendField(dst, "signature", b.signature)
	}
	if len(b.citations) > 0 {
		dst = appendField(dst, "citations", append(append([]byte{'['}, b.citations...), ']'))
	}
	if !whole { // the answer was cut off inside of it
		dst = appendField(dst, "partial_json", append(append([]byte{'"'}, b.input...), '"'))
	}
	return append(dst, '}')
}

func appendField(dst []byte, name string, value []byte) []byte {
	dst = append(append(append(comma(dst), '"'), name...), `":`...)
	if len(value) == 0 {
		return append(dst, "null"...)
	}
	return append(dst, value...)
}

// appendLoose writes events as an array: JSON as it is, other text as strings.
func appendLoose(dst []byte, events [][]byte) []byte {
	dst = append(dst, '[')
	for i, e := range events {
		if i > 0 {
			dst = append(dst, ',')
		}
		if json.Valid(e) {
			dst = append(dst, e...)
			continue
		}
		dst = rawjson.AppendQuoted(dst, string(bytes.ToValidUTF8(e, []byte("\ufffd"))))
	}
	return append(dst, ']')
}

// comma separates from what is before, unless that is nothing or an opening bracket.
func comma(dst []byte) []byte {
	if n := len(dst); n > 0 && dst[n-1] != '{' && dst[n-1] != '[' {
		return append(dst, ',')
	}
	return dst
}
