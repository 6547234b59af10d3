package gemini

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// candidate is one answer as far as it came.
type candidate struct {
	index      int64
	finished   bool
	hasContent bool
	parts      []part
	content    []member // of content, but for parts: the role
	rest       []member // of the candidate
}

// part is a part of an answer that may grow.
type part struct {
	text      []byte // the inside of the string; nil for other parts
	thought   bool
	signature []byte    // with quotes
	call      *openCall // a call whose arguments come in pieces
	raw       []byte    // a part that came whole
}

// member is a member of an object: its name as written, without quotes, and its value.
type member struct {
	name  string
	value []byte
}

// setMember replaces the member of that name, or adds it.
func setMember(members []member, name, v []byte) []member {
	for i := range members {
		if members[i].name == string(name) {
			members[i].value = append(members[i].value[:0], v...)
			return members
		}
	}
	return append(members, member{string(name), bytes.Clone(v)})
}

// addMember takes in what a chunk says of the candidate itself.
func (c *candidate) addMember(name, v []byte) {
	for i := range c.rest {
		if m := &c.rest[i]; m.name == string(name) && (m.name == "logprobsResult" || m.name == "citationMetadata") {
			m.value = extend(m.value, v)
			return
		}
	}
	c.rest = setMember(c.rest, name, v)
}

// extend adds the lists of one object to those of another, and replaces the other members.
func extend(object, by []byte) []byte {
	var all []member
	rawjson.Members(object, func(name []byte, _ rawjson.Kind, v []byte) bool {
		all = setMember(all, name, v)
		return true
	})
	rawjson.Members(by, func(name []byte, k rawjson.Kind, v []byte) bool {
		i := slices.IndexFunc(all, func(m member) bool { return m.name == string(name) })
		if i < 0 || k != rawjson.Array || all[i].value[0] != '[' {
			all = setMember(all, name, v)
			return true
		}
		if inner := bytes.TrimSpace(v[1 : len(v)-1]); len(inner) > 0 {
			old := all[i].value
			old = bytes.TrimRight(old[:len(old)-1], " \t\r\n")
			all[i].value = append(append(comma(old), inner...), ']')
		}
		return true
	})
	return append(appendMembers([]byte{'{'}, all), '}')
}

// addPart joins a part to what came before: text to text of the same kind, up to a signature, and
// pieces of a call's arguments to the call.
func (c *candidate) addPart(p piece) {
	var last *part
	if n := len(c.parts); n > 0 {
		last = &c.parts[n-1]
	}
	switch {
	case p.call != nil && !p.other && p.text == nil:
		c.addCall(last, p)
	case p.text != nil && !p.other && p.call == nil:
		inner := p.text[1 : len(p.text)-1]
		if last != nil && last.text != nil && last.thought == p.thought && last.signature == nil {
			last.text, last.signature = append(last.text, inner...), bytes.Clone(p.signature)
		} else if len(inner) > 0 || p.signature != nil {
			c.parts = append(c.parts, part{text: append([]byte{}, inner...), thought: p.thought, signature: bytes.Clone(p.signature)})
		}
	default:
		c.parts = append(c.parts, part{raw: bytes.Clone(p.raw)})
	}
}

// addCall adds a call, or a piece of the one that last is.
func (c *candidate) addCall(last *part, p piece) {
	f := readCall(p.call)
	if last != nil && last.call != nil && last.call.open && f.name == nil {
		last.call.add(f)
		if last.signature == nil {
			last.signature = bytes.Clone(p.signature)
		}
		return
	}
	if !f.more && f.partial == nil {
		c.parts = append(c.parts, part{raw: bytes.Clone(p.raw)})
		return
	}
	call := newCall(f)
	c.parts = append(c.parts, part{call: call, signature: bytes.Clone(p.signature)})
}

// joined returns the whole answer, nil when nothing came. Events that were no chunks follow in
// unjoined_events; when there was nothing else, they are the answer, as an array.
func (t *Tracker) joined() []byte {
	if len(t.candidates) == 0 && len(t.head) == 0 {
		if len(t.loose) == 0 {
			return nil
		}
		return appendLoose(nil, t.loose)
	}
	dst := []byte{'{'}
	if len(t.candidates) > 0 {
		dst = append(dst, `"candidates":[`...)
		sorted := slices.Clone(t.candidates)
		slices.SortFunc(sorted, func(a, b candidate) int { return int(a.index - b.index) })
		for i := range sorted {
			dst = sorted[i].append(comma(dst))
		}
		dst = append(dst, ']')
	}
	dst = appendMembers(dst, t.head)
	if len(t.loose) > 0 {
		dst = appendLoose(append(comma(dst), `"unjoined_events":`...), t.loose)
	}
	return append(dst, '}')
}

func (c *candidate) append(dst []byte) []byte {
	dst = append(dst, '{')
	if c.hasContent {
		dst = append(dst, `"content":{`...)
		if len(c.parts) > 0 {
			dst = append(dst, `"parts":[`...)
			for i := range c.parts {
				dst = c.parts[i].append(comma(dst))
			}
			dst = append(dst, ']')
		}
		dst = append(appendMembers(dst, c.content), '}')
	}
	dst = appendMembers(dst, c.rest)
	dst = strconv.AppendInt(append(comma(dst), `"index":`...), c.index, 10)
	return append(dst, '}')
}

func (p *part) append(dst []byte) []byte {
	if p.raw != nil {
		return append(dst, p.raw...)
	}
	dst = append(dst, '{')
	if p.call != nil {
		dst = p.call.append(append(dst, `"functionCall":`...))
	} else {
		dst = append(append(append(dst, `"text":"`...), p.text...), '"')
	}
	if p.thought {
		dst = append(dst, `,"thought":true`...)
	}
	if p.signature != nil {
		dst = append(append(dst, `,"thoughtSignature":`...), p.signature...)
	}
	return append(dst, '}')
}

func appendMembers(dst []byte, members []member) []byte {
	for i := range members {
		dst = append(append(append(comma(dst), '"'), members[i].name...), '"', ':')
		dst = append(dst, members[i].value...)
	}
	return dst
}

// appendLoose writes events as an array: JSON as it is, other text as strings.
func appendLoose(dst []byte, events [][]byte) []byte {
	dst = append(dst, '[')
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

// comma separates from what is before, unless that is an opening bracket.
func comma(dst []byte) []byte {
	if n := len(dst); n > 0 && dst[n-1] != '{' && dst[n-1] != '[' {
		return append(dst, ',')
	}
	return dst
}
