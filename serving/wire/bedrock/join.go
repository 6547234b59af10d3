package bedrock

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"

	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// joiner makes one ConverseResponse of the events of a stream.
type joiner struct {
	blocks  []*block
	stopAs  []byte   // stopReason, quoted
	members []member // of messageStop and metadata that an answer has too
	loose   [][]byte
}

type member struct {
	name  string
	value []byte
}

// block is a content block under way. Texts are kept as they are written inside of JSON strings,
// which can be put together without decoding.
type block struct {
	index     int64
	text      []byte
	reasoning []byte
	thinks    bool
	signature []byte
	redacted  []byte // decoded
	citations []byte // separated by commas
	tool      []byte // start.toolUse
	input     []byte
	result    []byte // start.toolResult
	results   []byte // separated by commas
}

func (j *joiner) block(index int64) *block {
	for i := len(j.blocks) - 1; i >= 0; i-- {
		if j.blocks[i].index == index {
			return j.blocks[i]
		}
	}
	b := &block{index: index}
	j.blocks = append(j.blocks, b)
	return b
}

func (j *joiner) start(index int64, start []byte) {
	if tool := get(start, "toolUse"); tool != nil {
		j.block(index).tool = bytes.Clone(tool)
	}
	if result := get(start, "toolResult"); result != nil {
		j.block(index).result = bytes.Clone(result)
	}
}

// delta adds to a block. It returns false for what it can't join.
func (j *joiner) delta(index int64, delta []byte) bool {
	known := true
	rawjson.Members(delta, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch {
		case string(name) == "text" && k == rawjson.String:
			b := j.block(index)
			b.text = append(b.text, v[1:len(v)-1]...)
		case string(name) == "toolUse":
			if in := get(v, "input"); len(in) > 1 && in[0] == '"' {
				b := j.block(index)
				b.input = append(b.input, in[1:len(in)-1]...)
			}
		case string(name) == "reasoningContent":
			j.block(index).reason(v)
		case string(name) == "citation" && k == rawjson.ObjectKind:
			b := j.block(index)
			b.citations = append(comma(b.citations), v...)
		case string(name) == "toolResult" && k == rawjson.Array:
			b := j.block(index)
			c := rawjson.Walk(v)
			for ok := c.Enter(); ok; ok = c.Next() {
				b.results = append(comma(b.results), c.Take()...)
			}
		default:
			known = false
		}
		return true
	})
	return known
}

func (b *block) reason(delta []byte) {
	rawjson.Members(delta, func(name []byte, k rawjson.Kind, v []byte) bool {
		if k != rawjson.String {
			return true
		}
		switch string(name) {
		case "text":
			b.reasoning, b.thinks = append(b.reasoning, v[1:len(v)-1]...), true
		case "signature":
			b.signature, b.thinks = append(b.signature, v[1:len(v)-1]...), true
		case "redactedContent":
			if d, err := base64.StdEncoding.AppendDecode(b.redacted, []byte(rawjson.Unquote(v))); err == nil {
				b.redacted = d
			}
		}
		return true
	})
}

// stop keeps what messageStop says.
func (j *joiner) stop(o *rawjson.Object) {
	for i := range o.Len() {
		switch name := string(o.Name(i)); name {
		case "stopReason":
			j.stopAs = bytes.Clone(o.Value(i))
		case "p":
		default:
			j.keep(name, o.Value(i))
		}
	}
}

// tail keeps what metadata says. p is padding.
func (j *joiner) tail(o *rawjson.Object) {
	for i := range o.Len() {
		if name := string(o.Name(i)); name != "p" {
			j.keep(name, o.Value(i))
		}
	}
}

func (j *joiner) keep(name string, v []byte) {
	for i := range j.members {
		if j.members[i].name == name {
			j.members[i].value = bytes.Clone(v)
			return
		}
	}
	j.members = append(j.members, member{name, bytes.Clone(v)})
}

// addLoose keeps an event that can't be joined.
func (j *joiner) addLoose(name, data []byte) {
	e := rawjson.AppendQuoted([]byte{'{'}, string(bytes.ToValidUTF8(name, []byte("\ufffd"))))
	e = append(e, ':')
	if json.Valid(data) {
		e = append(e, data...)
	} else {
		e = rawjson.AppendQuoted(e, string(bytes.ToValidUTF8(data, []byte("\ufffd"))))
	}
	j.loose = append(j.loose, append(e, '}'))
}

// bytes returns the answer, nil when nothing came.
func (j *joiner) bytes() []byte {
	if len(j.blocks) == 0 && j.stopAs == nil && len(j.members) == 0 && len(j.loose) == 0 {
		return nil
	}
	slices.SortStableFunc(j.blocks, func(a, b *block) int { return int(a.index - b.index) })
	dst := []byte(`{"output":{"message":{"role":"assistant","content":[`)
	for _, b := range j.blocks {
		dst = b.append(dst)
	}
	dst = append(dst, "]}}"...)
	if j.stopAs != nil {
		dst = append(append(dst, `,"stopReason":`...), j.stopAs...)
	}
	for _, m := range j.members {
		dst = append(rawjson.AppendQuoted(append(dst, ','), m.name), ':')
		dst = append(dst, m.value...)
	}
	if len(j.loose) > 0 {
		dst = append(dst, `,"unjoined_events":[`...)
		dst = append(append(dst, bytes.Join(j.loose, []byte{','})...), ']')
	}
	return append(dst, '}')
}

// append writes the block as an answer has it.
func (b *block) append(dst []byte) []byte {
	if b.redacted != nil {
		dst = append(comma(dst), `{"reasoningContent":{"redactedContent":"`...)
		dst = append(base64.StdEncoding.AppendEncode(dst, b.redacted), `"}}`...)
	}
	if b.thinks {
		dst = append(append(comma(dst), `{"reasoningContent":{"reasoningText":{"text":"`...), b.reasoning...)
		if b.signature != nil {
			dst = append(append(dst, `","signature":"`...), b.signature...)
		}
		dst = append(dst, `"}}}`...)
	}
	switch {
	case b.citations != nil:
		dst = append(append(comma(dst), `{"citationsContent":{"content":[{"text":"`...), b.text...)
		dst = append(append(append(dst, `"}],"citations":[`...), b.citations...), "]}}"...)
	case b.text != nil:
		dst = append(append(append(comma(dst), `{"text":"`...), b.text...), `"}`...)
	}
	if b.tool != nil || b.input != nil {
		dst = append(comma(dst), `{"toolUse":`...)
		dst = append(appendWith(dst, b.tool, "input", toolInput(b.input)), '}')
	}
	if b.result != nil || b.results != nil {
		dst = append(comma(dst), `{"toolResult":`...)
		list := append(append([]byte{'['}, b.results...), ']')
		dst = append(appendWith(dst, b.result, "content", list), '}')
	}
	return dst
}

// toolInput returns the JSON that the pieces of a tool's input add up to: as a string, when it
// broke off.
func toolInput(pieces []byte) []byte {
	quoted := append(append([]byte{'"'}, pieces...), '"')
	in := []byte(rawjson.Unquote(quoted))
	switch {
	case len(bytes.TrimSpace(in)) == 0:
		return []byte("{}")
	case json.Valid(in):
		return in
	default:
		return quoted
	}
}

// appendWith appends an object with one more member, in the place of one of that name.
func appendWith(dst, object []byte, name string, value []byte) []byte {
	dst = append(dst, '{')
	rawjson.Members(object, func(n []byte, _ rawjson.Kind, v []byte) bool {
		if string(n) != name {
			dst = append(append(append(comma(dst), '"'), n...), `":`...)
			dst = append(dst, v...)
		}
		return true
	})
	dst = append(append(append(comma(dst), '"'), name...), `":`...)
	return append(append(dst, value...), '}')
}

// comma separates from what is before, unless that is nothing or an opening bracket.
func comma(dst []byte) []byte {
	if n := len(dst); n > 0 && dst[n-1] != '{' && dst[n-1] != '[' {
		return append(dst, ',')
	}
	return dst
}
