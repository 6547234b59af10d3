package openai

import (
	"fmt"

	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/fields"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// chunkDecoder reads a provider's stream of chunks.
type chunkDecoder struct {
	object  rawjson.Object
	out     []chat.Delta
	choices []choiceState
	tier    string
	started bool
	ended   bool
}

// choiceState is what is known of one answer of n.
type choiceState struct {
	index    int
	calls    []callState
	finished bool
	refused  bool
	stopText string
}

// callState is a call that has begun.
type callState struct {
	index int64 // in the provider's count
	id    string
}

func newChatDecoder() chat.Decoder { return &chunkDecoder{} }

// Decode implements chat.Decoder.
func (d *chunkDecoder) Decode(_, data []byte) ([]chat.Delta, error) {
	d.out = d.out[:0]
	if string(data) == "[DONE]" {
		return d.Close(), nil
	}
	if err := d.object.Parse(data, MaxDepth); err != nil {
		return nil, fmt.Errorf("event of a chat: %w", err)
	}
	d.start()
	if i := d.object.Find("service_tier"); i >= 0 && d.object.Kind(i) == rawjson.String {
		d.tier = rawjson.Unquote(d.object.Value(i))
	}
	for i := range d.object.Len() {
		v, k := d.object.Value(i), d.object.Kind(i)
		switch string(d.object.Name(i)) {
		case "choices":
			c := rawjson.Walk(v)
			for ok := c.Enter(); ok; ok = c.Next() {
				d.choice(c.Take())
			}
		case "usage":
			d.addUsage(v)
		case "x_groq":
			d.addUsage(get(v, "usage"))
		case "error":
			d.fail(k, v)
		}
	}
	return d.out, nil
}

// Close implements chat.Decoder.
func (d *chunkDecoder) Close() []chat.Delta {
	d.out = d.out[:0]
	if !d.ended {
		d.ended = true
		d.out = append(d.out, chat.Delta{Kind: chat.DeltaEnd})
	}
	return d.out
}

// start says what the answer is, from the first chunk that has a piece of it, or usage: Azure's
// first chunk has neither, and no id.
func (d *chunkDecoder) start() {
	if d.started || !d.has("choices") && !d.has("usage") {
		return
	}
	d.started = true
	delta := chat.Delta{Kind: chat.DeltaStart}
	for i := range d.object.Len() {
		v, k := d.object.Value(i), d.object.Kind(i)
		switch name := string(d.object.Name(i)); {
		case name == "id" && k == rawjson.String:
			delta.ID = rawjson.Unquote(v)
		case name == "model" && k == rawjson.String:
			delta.Model = rawjson.Unquote(v)
		case name == "created":
			delta.Created, _ = rawjson.Int(v)
		}
	}
	d.out = append(d.out, delta)
}

// has reports whether the event has a member with something in it.
func (d *chunkDecoder) has(name string) bool {
	i := d.object.Find(name)
	return i >= 0 && !fields.IsEmpty(d.object.Value(i))
}

func (d *chunkDecoder) addUsage(v []byte) {
	u, ok := ParseUsage(v)
	if !ok {
		return
	}
	if u.ServiceTier == "" {
		u.ServiceTier = d.tier
	}
	d.out = append(d.out, chat.Delta{Kind: chat.DeltaUsage, Usage: u})
}

func (d *chunkDecoder) fail(k rawjson.Kind, v []byte) {
	if k == rawjson.Null {
		return
	}
	e, _ := wire.ParseError(d.object.Raw())
	if e.Message == "" && k == rawjson.String {
		e.Message = rawjson.Unquote(v)
	}
	d.out = append(d.out, chat.Delta{Kind: chat.DeltaError, Text: e.Message, Code: e.Code})
}

func (d *chunkDecoder) state(index int) *choiceState {
	for i := range d.choices {
		if d.choices[i].index == index {
			return &d.choices[i]
		}
	}
	d.choices = append(d.choices, choiceState{index: index})
	return &d.choices[len(d.choices)-1]
}

func (d *chunkDecoder) choice(v []byte) {
	index, _ := indexOf(rawjson.Walk(v))
	s := d.state(int(index))
	var stop chat.Stop
	rawjson.Members(v, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "delta", "message":
			d.delta(s, v)
		case "finish_reason":
			if k == rawjson.String && len(v) > 2 {
				stop = stopOf(rawjson.Unquote(v))
			}
		case "stop_reason":
			if k == rawjson.String {
				s.stopText = rawjson.Unquote(v)
			}
		case "logprobs":
			if k == rawjson.ObjectKind {
				d.out = append(d.out, chat.Delta{Kind: chat.DeltaLogProbs, Choice: s.index, Raw: v})
			}
		case "usage": // Moonshot
			d.addUsage(v)
		}
		return true
	})
	if stop != "" && !s.finished {
		s.finished = true
		d.out = append(d.out, chat.Delta{
			Kind: chat.DeltaFinish, Choice: s.index, Stop: settleStop(stop, s.stopText, s.refused), StopText: s.stopText,
		})
	}
}

func (d *chunkDecoder) delta(s *choiceState, v []byte) {
	thought := false // some servers say the same under two names
	rawjson.Members(v, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "content":
			d.content(s, k, v)
		case "reasoning_content", "reasoning":
			if !thought {
				thought = d.text(s, chat.DeltaThinking, k, v)
			}
		case "reasoning_details":
			d.details(s, v)
		case "refusal":
			s.refused = d.text(s, chat.DeltaRefusal, k, v) || s.refused
		case "tool_calls":
			c := rawjson.Walk(v)
			for ok := c.Enter(); ok; ok = c.Next() {
				d.call(s, c.Take())
			}
		case "function_call":
			if k == rawjson.ObjectKind {
				d.function(s, 0, madeID(0), v, "")
			}
		}
		return true
	})
}

// text adds a delta of text, unless there is none.
func (d *chunkDecoder) text(s *choiceState, kind chat.DeltaKind, k rawjson.Kind, v []byte) bool {
	if k != rawjson.String || len(v) <= 2 {
		return false
	}
	d.out = append(d.out, chat.Delta{Kind: kind, Choice: s.index, Text: rawjson.Unquote(v)})
	return true
}

func (d *chunkDecoder) content(s *choiceState, k rawjson.Kind, v []byte) {
	if k != rawjson.Array {
		d.text(s, chat.DeltaText, k, v)
		return
	}
	c := rawjson.Walk(v)
	for ok := c.Enter(); ok; ok = c.Next() {
		thoughts, text, isThought := readContentPart(c.Take())
		if !isThought && text != "" {
			d.out = append(d.out, chat.Delta{Kind: chat.DeltaText, Choice: s.index, Text: text})
		}
		for i := range thoughts {
			d.thought(s, &thoughts[i], true)
		}
	}
}

// thought adds a thought, with its text or only what proves it.
func (d *chunkDecoder) thought(s *choiceState, p *chat.Part, text bool) {
	if text && p.Text != "" {
		d.out = append(d.out, chat.Delta{Kind: chat.DeltaThinking, Choice: s.index, Text: p.Text})
	}
	if p.Signature != "" {
		d.out = append(d.out, chat.Delta{
			Kind: chat.DeltaSignature, Choice: s.index, Signature: p.Signature, SignedBy: p.SignedBy, Redacted: p.Redacted,
		})
	}
}

// details adds the proofs in reasoning_details; its texts come as reasoning as well.
func (d *chunkDecoder) details(s *choiceState, v []byte) {
	for _, p := range readDetails(v, "") {
		d.thought(s, &p, false)
	}
}

func (d *chunkDecoder) call(s *choiceState, v []byte) {
	index, indexed := int64(-1), false
	id, signature := "", ""
	var function []byte
	rawjson.Members(v, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "index":
			index, indexed = rawjson.Int(v)
		case "id":
			if k == rawjson.String {
				id = rawjson.Unquote(v)
			}
		case "function":
			function = v
		case "extra_content":
			signature = googleSignature(v)
		}
		return true
	})
	if !indexed {
		index = s.guessIndex(id)
	}
	d.function(s, index, id, function, signature)
}

// guessIndex returns the index of a piece that came without: its own when its id is new, else
// that of the last call.
func (s *choiceState) guessIndex(id string) int64 {
	n := len(s.calls)
	if n > 0 && (id == "" || s.calls[n-1].id == id) {
		return s.calls[n-1].index
	}
	return int64(n)
}

// function adds the beginning of a call, where it is one, and the piece of its arguments. A new id
// at an index that is taken is a new call: some servers give all calls the index 0.
func (d *chunkDecoder) function(s *choiceState, index int64, id string, v []byte, signature string) {
	var f chat.ToolCall
	decodeFunction(&f, v)
	tool := -1
	for i := range s.calls {
		if c := &s.calls[i]; c.index == index && (id == "" || c.id == id || f.Name == "") {
			tool = i
		}
	}
	if tool < 0 {
		tool = len(s.calls)
		if id == "" {
			id = madeID(tool)
		}
		s.calls = append(s.calls, callState{index, id})
		delta := chat.Delta{Kind: chat.DeltaCall, Choice: s.index, Tool: tool, CallID: id, Name: f.Name}
		if signature != "" {
			delta.Signature, delta.SignedBy = signature, "gemini"
		}
		d.out = append(d.out, delta)
	}
	if f.Arguments != "" {
		d.out = append(d.out, chat.Delta{Kind: chat.DeltaArguments, Choice: s.index, Tool: tool, Text: f.Arguments})
	}
}
