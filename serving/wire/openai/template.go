package openai

import (
	"bytes"

	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// template is a chunk with the text it brought left out. Nearly all chunks of a stream differ in
// nothing but their text, and comparing them with the one before costs a tenth of reading them
// (BenchmarkJoin50Chunks).
type template struct {
	before, after []byte // all up to the text, with its opening quote, and from its closing quote
	padded        bool   // the chunk has padding, which differs each time, between after and end
	end           []byte // from the padding's closing quote
	field         []byte // name of the delta's field
	choice        int64
}

// maxMisses is how many templates in a row may go unused before a stream counts as irregular.
const maxMisses = 4

// addAlike adds a chunk that is like the last one but for its text, if it is.
func (j *Joiner) addAlike(data []byte) bool {
	t := &j.like
	if len(t.before) == 0 || !bytes.HasPrefix(data, t.before) {
		return false
	}
	rest := data[len(t.before):]
	n, end, ok := rawjson.Inside(rest)
	if !ok {
		return false
	}
	text, rest := rest[:end], rest[end:]
	if !t.matchesEnd(rest) {
		return false
	}
	j.misses = 0
	j.Chunks++
	j.Started = j.Started || n > 0
	if string(t.field) == "content" {
		j.OutputChars += n
	}
	if j.Keep {
		j.choice(t.choice).message.kid(t.field).addInner(text)
	}
	return true
}

func (t *template) matchesEnd(rest []byte) bool {
	if !t.padded {
		return bytes.Equal(rest, t.after)
	}
	rest, ok := bytes.CutPrefix(rest, t.after)
	if !ok {
		return false
	}
	_, end, ok := rawjson.Inside(rest)
	return ok && bytes.Equal(rest[end:], t.end)
}

// learn takes a chunk for the next template when its text is all that it brings: one choice whose
// delta has one string that grows, and nothing else but what is null, constant or padding.
func (j *Joiner) learn(data []byte) {
	t := &j.like
	t.before = t.before[:0]
	if j.misses >= maxMisses {
		return
	}
	text, pad := span{}, span{}
	c := rawjson.Walk(data)
	for ok := c.Enter(); ok; ok = c.Next() {
		switch name := c.Name(); string(name) {
		case "choices":
			if !t.learnChoices(&c, &text) {
				return
			}
		case "obfuscation":
			pad = inside(&c)
		case "usage", "error":
			if c.Kind() != rawjson.Null {
				return
			}
			c.Take()
		default:
			c.Take()
		}
	}
	if text.end == 0 || pad.end != 0 && pad.start < text.end {
		return
	}
	j.misses++
	t.padded = pad.end != 0
	t.before = append(t.before, data[:text.start]...)
	t.after = append(t.after[:0], data[text.end:]...)
	if t.padded {
		t.after = append(t.after[:0], data[text.end:pad.start]...)
		t.end = append(t.end[:0], data[pad.end:]...)
	}
}

// span is where the inside of a string is; end is 0 for none.
type span struct{ start, end int }

// inside returns where the inside of the value at the cursor is, and moves past it.
func inside(c *rawjson.Cursor) span {
	if c.Kind() != rawjson.String {
		c.Take()
		return span{}
	}
	start := c.Offset() + 1
	c.Take()
	return span{start, c.Offset() - 1}
}

func (t *template) learnChoices(c *rawjson.Cursor, text *span) bool {
	n := 0
	for ok := c.Enter(); ok; ok = c.Next() {
		if n++; n > 1 || !t.learnChoice(c, text) {
			return false
		}
	}
	return n == 1
}

func (t *template) learnChoice(c *rawjson.Cursor, text *span) bool {
	t.choice = 0
	for ok := c.Enter(); ok; ok = c.Next() {
		switch name := c.Name(); string(name) {
		case "index":
			t.choice, _ = rawjson.Int(c.Take())
		case "delta":
			for ok := c.Enter(); ok; ok = c.Next() {
				name := c.Name()
				k := c.Kind()
				switch {
				case k == rawjson.String && !isFixed(name) && text.end == 0:
					t.field = append(t.field[:0], name...)
					*text = inside(c)
				case k == rawjson.Null, k == rawjson.String && isFixed(name):
					c.Take()
				default:
					return false
				}
			}
		default:
			if c.Kind() != rawjson.Null {
				return false
			}
			c.Take()
		}
	}
	return true
}
