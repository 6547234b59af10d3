package openai

import (
	"bytes"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// Joiner makes one answer of the chunks of a stream, as the same call without streaming would
// have given it, and notes usage, model and length on the way. Chunks of other shapes are kept as
// they are. It holds the joined answer, not the chunks.
type Joiner struct {
	// Keep is set to have Bytes; without it only the numbers are kept.
	Keep bool

	Model       string
	Usage       inference.Usage // of the last chunk that had any
	HasUsage    bool
	Tier        string // service_tier of the last chunk that had one
	OutputChars int64
	Started     bool // some text or tool call came
	Chunks      int  // chunks with choices

	object  rawjson.Object
	head    node // members at the top, but for choices
	choices []choice
	loose   [][]byte // events that are no chunks

	agent     []agentMessage // of chunks as agents on Databricks have them
	agentDone bool

	like   template // the last chunk that was nothing but a piece of text
	misses int      // templates learned in a row and never used
}

type choice struct {
	index    int64
	finished bool
	message  node // what the deltas add up to
	rest     node // finish_reason, logprobs, text and others
}

// Add takes the data of one event, which is not kept.
func (j *Joiner) Add(data []byte) wire.Chunk {
	if j.addAlike(data) {
		return wire.Chunk{JSON: true}
	}
	if j.object.Parse(data, MaxDepth) != nil {
		j.keepLoose(data)
		return wire.Chunk{}
	}
	c := wire.Chunk{JSON: true}
	hadChoices, hadUsage, emptyChoices := false, false, true
	for i := range j.object.Len() {
		name, v, kind := j.object.Name(i), j.object.Value(i), j.object.Kind(i)
		switch string(name) {
		case "choices":
			hadChoices = kind == rawjson.Array
			c := rawjson.Walk(v)
			for ok := c.Enter(); ok; ok = c.Next() {
				emptyChoices = false
				hadUsage = j.addChoice(&c) || hadUsage
			}
		case "usage":
			if u, ok := ParseUsage(v); ok {
				j.Usage, j.HasUsage, hadUsage = u, true, true
			}
		case "x_groq": // Groq's usage in streams, whether asked for or not
			if u, ok := ParseUsage(get(v, "usage")); ok {
				j.Usage, j.HasUsage, hadUsage = u, true, true
			}
		case "service_tier":
			if kind == rawjson.String && len(v) > 2 && string(v[1:len(v)-1]) != j.Tier {
				j.Tier = rawjson.Unquote(v)
			}
		case "model":
			if kind == rawjson.String && len(v) > 2 && string(v[1:len(v)-1]) != j.Model {
				j.Model = rawjson.Unquote(v)
			}
		case "delta":
			if kind == rawjson.ObjectKind {
				j.addAgent(v)
				hadChoices = true
				emptyChoices = false
			}
		case "finish_reason":
			j.agentDone = j.agentDone || kind == rawjson.String
		case "error":
			c.Error = kind != rawjson.Null
		}
	}
	c.OnlyUsage = hadUsage && emptyChoices
	if !hadChoices && !hadUsage && !c.Error {
		j.keepLoose(data)
		return c
	}
	if hadChoices {
		j.Chunks++
		j.learn(data)
	}
	j.keepHead()
	return c
}

func (j *Joiner) keepLoose(data []byte) {
	if j.Keep {
		j.loose = append(j.loose, bytes.Clone(data))
	}
}

// keepHead takes over the members at the top of the chunk. obfuscation is padding.
func (j *Joiner) keepHead() {
	if !j.Keep {
		return
	}
	for i := range j.object.Len() {
		switch name := j.object.Name(i); string(name) {
		case "choices", "obfuscation":
		case "delta":
			if j.object.Kind(i) != rawjson.ObjectKind {
				j.head.kid(name).replace(j.object.Value(i))
			}
		case "object":
			v := j.object.Value(i)
			if string(v) == `"chat.completion.chunk"` {
				v = []byte(`"chat.completion"`)
			}
			j.head.kid(name).replace(v)
		default:
			j.head.kid(name).replace(j.object.Value(i))
		}
	}
}

// addChoice merges the element of choices at the cursor, and reports whether usage was in it, as
// it is with Moonshot.
func (j *Joiner) addChoice(c *rawjson.Cursor) (usage bool) {
	ch := j.choiceAt(*c)
	for ok := c.Enter(); ok; ok = c.Next() {
		switch name := c.Name(); string(name) {
		case "index":
			c.Take()
		case "delta", "message":
			j.addDelta(ch, c)
		case "text":
			j.note(*c)
			j.keep(&ch.rest, name, c, true)
		case "usage":
			if u, ok := ParseUsage(c.Take()); ok {
				j.Usage, j.HasUsage, usage = u, true, true
			}
		case "finish_reason":
			peek := *c
			ch.finished = ch.finished || peek.Kind() == rawjson.String && len(peek.Take()) > 2
			j.keep(&ch.rest, name, c, false)
		default:
			j.keep(&ch.rest, name, c, false)
		}
	}
	return usage
}

func (j *Joiner) addDelta(ch *choice, c *rawjson.Cursor) {
	ch.message.kind = objectNode
	for ok := c.Enter(); ok; ok = c.Next() {
		name := c.Name()
		if string(name) == "content" {
			j.note(*c)
		} else if !j.Started && !isFixed(name) {
			peek := *c
			k := peek.Kind() // reasoning, tool calls, audio
			j.Started = k == rawjson.ObjectKind || k == rawjson.Array || k == rawjson.String && len(peek.Take()) > 2
		}
		j.keep(&ch.message, name, c, true)
	}
}

// keep merges the value at the cursor into a member of n, or only moves past it.
func (j *Joiner) keep(n *node, name []byte, c *rawjson.Cursor, grow bool) {
	if !j.Keep {
		c.Take()
		return
	}
	n.kid(name).merge(c, name, grow)
}

// note counts the text of the answer at the cursor, which is a copy.
func (j *Joiner) note(c rawjson.Cursor) {
	n := textChars(&c)
	j.OutputChars += n
	j.Started = j.Started || n > 0
}

// choiceAt returns the choice that the element at the cursor, which is a copy, is a piece of.
func (j *Joiner) choiceAt(c rawjson.Cursor) *choice {
	index, _ := indexOf(c)
	return j.choice(index)
}

func (j *Joiner) choice(index int64) *choice {
	for i := range j.choices {
		if j.choices[i].index == index {
			return &j.choices[i]
		}
	}
	j.choices = append(j.choices, choice{index: index})
	return &j.choices[len(j.choices)-1]
}

// Finished reports whether every choice has said why it ended.
func (j *Joiner) Finished() bool {
	for i := range j.choices {
		if !j.choices[i].finished {
			return false
		}
	}
	return len(j.choices) > 0 || len(j.agent) > 0 && j.agentDone
}
