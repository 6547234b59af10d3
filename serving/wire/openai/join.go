package openai

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// Bytes returns the joined answer, nil when nothing came. Events that were no chunks follow in
// unjoined_events; when there was nothing else, they are the answer, as an array.
func (j *Joiner) Bytes() []byte {
	none := len(j.head.kids) == 0 && len(j.choices) == 0 && len(j.agent) == 0
	if !j.Keep || none && len(j.loose) == 0 {
		return nil
	}
	if none {
		return appendLoose(nil, j.loose)
	}
	dst := []byte{'{'}
	for i := range j.head.kids {
		// Usage comes last in OpenAI's answers, and choices before it.
		if k := &j.head.kids[i]; k.name != "usage" {
			dst = appendMember(dst, k)
		}
	}
	dst = j.appendAgent(j.appendChoices(dst))
	for i := range j.head.kids {
		if k := &j.head.kids[i]; k.name == "usage" {
			dst = appendMember(dst, k)
		}
	}
	if len(j.loose) > 0 {
		dst = append(comma(dst), `"unjoined_events":`...)
		dst = appendLoose(dst, j.loose)
	}
	return append(dst, '}')
}

func (j *Joiner) appendChoices(dst []byte) []byte {
	if len(j.choices) == 0 {
		return dst
	}
	slices.SortFunc(j.choices, func(a, b choice) int { return int(a.index - b.index) })
	dst = append(comma(dst), `"choices":[`...)
	for i := range j.choices {
		c := &j.choices[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(append(dst, `{"index":`...), c.index, 10)
		if c.message.kind == objectNode {
			dst = c.message.append(append(dst, `,"message":`...))
		}
		for k := range c.rest.kids {
			dst = appendMember(dst, &c.rest.kids[k])
		}
		dst = append(dst, '}')
	}
	return append(dst, ']')
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

func appendMember(dst []byte, k *kid) []byte {
	dst = append(append(append(comma(dst), '"'), k.name...), '"', ':')
	return k.node.append(dst)
}

// comma separates from what is before, unless that is an opening bracket.
func comma(dst []byte) []byte {
	if n := len(dst); n > 0 && dst[n-1] != '{' && dst[n-1] != '[' {
		return append(dst, ',')
	}
	return dst
}
