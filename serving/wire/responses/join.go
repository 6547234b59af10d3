package responses

import (
	"bytes"
	"encoding/json"

	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// joined returns the answer the events add up to: the final event's response, or, without one,
// the last response seen with the items that came.
func (t *tracker) joined() []byte {
	if t.final != nil {
		return appendLoose(t.final, t.loose)
	}
	if t.head == nil && len(t.items) == 0 && len(t.extras) == 0 {
		return onlyLoose(t.loose)
	}
	var o rawjson.Object
	if t.head == nil || o.Parse(t.head, maxDepth) != nil {
		_ = o.Parse([]byte(`{"object":"response"}`), maxDepth)
	}
	var p rawjson.Patch
	set(&p, &o, "output", t.appendItems(nil))
	for _, m := range t.extras {
		set(&p, &o, m.name, m.value)
	}
	return appendLoose(p.Append(nil, &o), t.loose)
}

func set(p *rawjson.Patch, o *rawjson.Object, name string, value []byte) {
	if i := o.Find(name); i >= 0 {
		p.Replace(i, value)
		return
	}
	p.Add(name, value)
}

func (t *tracker) appendItems(dst []byte) []byte {
	dst = append(dst, '[')
	for i, it := range t.inOrder() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = it.append(dst)
	}
	return append(dst, ']')
}

// append writes the item: as it was when done, else as it was added with what came since.
func (it *item) append(dst []byte) []byte {
	if it.done || len(it.pieces) == 0 && len(it.raw) > 0 {
		return append(dst, it.raw...)
	}
	var o rawjson.Object
	var p rawjson.Patch
	if len(it.raw) == 0 || o.Parse(it.raw, maxDepth) != nil {
		_ = o.Parse([]byte("{}"), maxDepth)
		if len(it.id) > 0 {
			p.Add("id", it.id)
		}
		if it.message {
			p.Add("type", []byte(`"message"`))
			p.Add("role", []byte(`"assistant"`))
		}
	}
	for _, kind := range it.kinds() {
		if f, ok := growing[kind]; ok {
			set(&p, &o, f.member, it.appendPieces(nil, kind, f))
		}
	}
	return p.Append(dst, &o)
}

// field says where the text of a delta goes.
type field struct {
	member        string
	before, after string // of a part, where the member is a list of them
}

var growing = map[string]field{
	"response.output_text.delta":                {"content", `{"type":"output_text","text":`, `,"annotations":[]}`},
	"response.refusal.delta":                    {"content", `{"type":"refusal","refusal":`, `}`},
	"response.reasoning_text.delta":             {"content", `{"type":"reasoning_text","text":`, `}`},
	"response.reasoning_summary_text.delta":     {"summary", `{"type":"summary_text","text":`, `}`},
	"response.function_call_arguments.delta":    {"arguments", "", ""},
	"response.mcp_call_arguments.delta":         {"arguments", "", ""},
	"response.custom_tool_call_input.delta":     {"input", "", ""},
	"response.code_interpreter_call_code.delta": {"code", "", ""},
}

// kinds returns the kinds of the item's pieces, each member once.
func (it *item) kinds() (kinds []string) {
	seen := map[string]bool{}
	for i := range it.pieces {
		kind := it.pieces[i].kind
		if m := growing[kind].member; !seen[m] {
			seen[m] = true
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// appendPieces writes the member that pieces of a kind make; others of the same member, such as a
// refusal after text, are in it too.
func (it *item) appendPieces(dst []byte, kind string, f field) []byte {
	if f.before == "" {
		for i := range it.pieces {
			if it.pieces[i].kind == kind {
				return append(append(append(dst, '"'), it.pieces[i].text...), '"')
			}
		}
	}
	dst = append(dst, '[')
	for i := range it.pieces {
		p := &it.pieces[i]
		if g := growing[p.kind]; g.member == f.member {
			dst = append(comma(dst), g.before...)
			dst = append(append(append(dst, '"'), p.text...), '"')
			dst = append(dst, g.after...)
		}
	}
	return append(dst, ']')
}

// appendLoose returns a copy of an object with the events that are not part of it.
func appendLoose(object []byte, events [][]byte) []byte {
	if len(events) == 0 {
		return bytes.Clone(object)
	}
	var o rawjson.Object
	if o.Parse(object, maxDepth) != nil {
		return bytes.Clone(object)
	}
	var p rawjson.Patch
	set(&p, &o, "unjoined_events", onlyLoose(events))
	return p.Append(nil, &o)
}

// onlyLoose writes events as an array, nil for none: JSON as it is, other text as strings.
func onlyLoose(events [][]byte) []byte {
	if len(events) == 0 {
		return nil
	}
	dst := []byte{'['}
	for _, e := range events {
		dst = comma(dst)
		if json.Valid(e) {
			dst = append(dst, e...)
			continue
		}
		dst = rawjson.AppendQuoted(dst, string(bytes.ToValidUTF8(e, []byte("\ufffd"))))
	}
	return append(dst, ']')
}
