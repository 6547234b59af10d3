package cohere

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// joiner makes one answer of the events of a stream. Texts are kept as they are written inside of
// JSON strings, which can be put together without decoding.
type joiner struct {
	begun     bool
	id        []byte
	plan      []byte
	contents  []piece
	calls     []piece
	citations []byte // separated by commas, as the next
	logProbs  []byte
	end       []field // of message-end
	loose     [][]byte
}

// piece is a content or a call under way.
type piece struct {
	index    int64
	thinking bool
	text     []byte // or arguments
	head     []byte // of a call: the object it began with
}

type field struct {
	name  string
	value []byte
}

func at(pieces []piece, index int64) ([]piece, *piece) {
	for i := len(pieces) - 1; i >= 0; i-- {
		if pieces[i].index == index {
			return pieces, &pieces[i]
		}
	}
	pieces = append(pieces, piece{index: index})
	return pieces, &pieces[len(pieces)-1]
}

// inside returns what a string has between its quotes, nil for what is no string.
func inside(v []byte) []byte {
	if len(v) < 2 || v[0] != '"' {
		return nil
	}
	return v[1 : len(v)-1]
}

func (j *joiner) add(e *event) {
	j.begun = true
	var p *piece
	switch e.kind {
	case "message-start":
		j.keepID(e.id)
	case "content-start", "content-delta":
		j.contents, p = at(j.contents, e.index)
		content := get(e.message, "content")
		p.text = append(p.text, inside(get(content, "text"))...)
		if thinking := get(content, "thinking"); len(inside(thinking)) > 0 {
			p.thinking, p.text = true, append(p.text, inside(thinking)...)
		}
		p.thinking = p.thinking || text(get(content, "type")) == "thinking"
		if e.logProbs != nil {
			j.logProbs = append(comma(j.logProbs), e.logProbs...)
		}
	case "tool-plan-delta":
		j.plan = append(j.plan, inside(get(e.message, "tool_plan"))...)
	case "tool-call-start", "tool-call-delta":
		j.calls, p = at(j.calls, e.index)
		call := get(e.message, "tool_calls")
		if e.kind == "tool-call-start" && call != nil {
			p.head = bytes.Clone(call)
		}
		p.text = append(p.text, inside(get(get(call, "function"), "arguments"))...)
	case "citation-start":
		if c := get(e.message, "citations"); c != nil {
			j.citations = append(comma(j.citations), c...)
		}
	case "message-end":
		j.keepID(e.id)
		j.keepEnd(e.delta)
	}
}

func (j *joiner) keepID(id []byte) {
	if len(id) > 2 && id[0] == '"' {
		j.id = bytes.Clone(id)
	}
}

func (j *joiner) keepEnd(delta []byte) {
	rawjson.Members(delta, func(name []byte, k rawjson.Kind, v []byte) bool {
		f := field{string(name), bytes.Clone(v)}
		for i := range j.end {
			if j.end[i].name == f.name {
				j.end[i] = f
				return true
			}
		}
		if k != rawjson.Null {
			j.end = append(j.end, f)
		}
		return true
	})
}

// addLoose keeps an event that can't be joined.
func (j *joiner) addLoose(data []byte) {
	if !json.Valid(data) {
		data = rawjson.AppendQuoted(nil, string(bytes.ToValidUTF8(data, []byte("\ufffd"))))
	}
	j.loose = append(j.loose, bytes.Clone(data))
}

// bytes returns the answer, nil when nothing came.
func (j *joiner) bytes() []byte {
	if !j.begun && len(j.loose) == 0 {
		return nil
	}
	dst := []byte{'{'}
	if j.begun {
		dst = j.appendAnswer(dst)
	}
	if len(j.loose) > 0 {
		dst = append(comma(dst), `"unjoined_events":[`...)
		dst = append(append(dst, bytes.Join(j.loose, []byte{','})...), ']')
	}
	return append(dst, '}')
}

func (j *joiner) appendAnswer(dst []byte) []byte {
	if j.id != nil {
		dst = append(append(dst, `"id":`...), j.id...)
	}
	dst = append(comma(dst), `"message":{"role":"assistant"`...)
	if j.plan != nil {
		dst = append(append(append(dst, `,"tool_plan":"`...), j.plan...), '"')
	}
	if len(j.calls) > 0 {
		dst = append(dst, `,"tool_calls":[`...)
		for i := range sorted(j.calls) {
			dst = j.calls[i].appendCall(dst)
		}
		dst = append(dst, ']')
	}
	if len(j.contents) > 0 {
		dst = append(dst, `,"content":[`...)
		for i := range sorted(j.contents) {
			dst = j.contents[i].appendContent(dst)
		}
		dst = append(dst, ']')
	}
	if j.citations != nil {
		dst = append(append(append(dst, `,"citations":[`...), j.citations...), ']')
	}
	dst = append(dst, '}')
	for _, f := range j.end {
		dst = append(append(append(dst, `,"`...), f.name...), `":`...)
		dst = append(dst, f.value...)
	}
	if j.logProbs != nil {
		dst = append(append(append(dst, `,"logprobs":[`...), j.logProbs...), ']')
	}
	return dst
}

func sorted(pieces []piece) []piece {
	slices.SortStableFunc(pieces, func(a, b piece) int {
		switch {
		case a.index < b.index:
			return -1
		case a.index > b.index:
			return 1
		}
		return 0
	})
	return pieces
}

func (p *piece) appendContent(dst []byte) []byte {
	kind := "text"
	if p.thinking {
		kind = "thinking"
	}
	dst = append(append(append(comma(dst), `{"type":"`...), kind...), `","`...)
	return append(append(append(append(dst, kind...), `":"`...), p.text...), `"}`...)
}

// appendCall writes the call as it began, with all of its arguments.
func (p *piece) appendCall(dst []byte) []byte {
	dst = append(comma(dst), '{')
	var function []byte
	rawjson.Members(p.head, func(name []byte, _ rawjson.Kind, v []byte) bool {
		if string(name) == "function" {
			function = v
			return true
		}
		dst = append(append(append(comma(dst), '"'), name...), `":`...)
		dst = append(dst, v...)
		return true
	})
	dst = append(comma(dst), `"function":{`...)
	rawjson.Members(function, func(name []byte, _ rawjson.Kind, v []byte) bool {
		if string(name) != "arguments" {
			dst = append(append(append(comma(dst), '"'), name...), `":`...)
			dst = append(dst, v...)
		}
		return true
	})
	dst = append(append(comma(dst), `"arguments":"`...), p.text...)
	return append(dst, `"}}`...)
}

// comma separates from what is before, unless that is nothing or an opening bracket.
func comma(dst []byte) []byte {
	if n := len(dst); n > 0 && dst[n-1] != '{' && dst[n-1] != '[' {
		return append(dst, ',')
	}
	return dst
}
