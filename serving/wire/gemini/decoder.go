package gemini

import (
	"fmt"

	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// decoder reads a stream of GenerateContentResponses. Usage is told with the first chunk that has
// any, since some clients' formats begin with it, and with the last. Pictures in a stream have no
// place in the common form.
type decoder struct {
	account
	head
	object  rawjson.Object
	deltas  []chat.Delta
	choices []liveCandidate
	started bool
	told    bool // usage was told
	news    bool // there is usage that was not told
	ended   bool
}

// liveCandidate is one candidate of a stream.
type liveCandidate struct {
	index     int64
	calls     int
	open      *openCall // a call whose arguments come in pieces
	signature string    // of the open call
	finished  bool
}

func newDecoder() chat.Decoder { return &decoder{} }

// Decode implements chat.Decoder.
func (d *decoder) Decode(_, data []byte) ([]chat.Delta, error) {
	d.deltas = d.deltas[:0]
	if err := d.object.Parse(data, wire.MaxDepth); err != nil {
		return nil, fmt.Errorf("an event that can't be read: %w", err)
	}
	for i := range d.object.Len() {
		name, kind, v := d.object.Name(i), d.object.Kind(i), d.object.Value(i)
		d.note(name, kind, v)
		switch string(name) {
		case "modelVersion":
			d.noteModel(kind, v)
		case "usageMetadata":
			if hasCounts(v) {
				d.noteUsage(v)
				d.news = true
			}
		}
	}
	if i := d.object.Find("error"); i >= 0 && d.object.Kind(i) == rawjson.ObjectKind {
		text, code := errorOf(d.object.Value(i))
		d.deltas = append(d.deltas, chat.Delta{Kind: chat.DeltaError, Text: text, Code: code})
		return d.deltas, nil
	}
	d.start()
	if d.news && !d.told {
		d.tellUsage()
	}
	finished := false
	if i := d.object.Find("candidates"); i >= 0 && d.object.Kind(i) == rawjson.Array {
		c := rawjson.Walk(d.object.Value(i))
		for ok := c.Enter(); ok; ok = c.Next() {
			finished = d.candidate(c.Take()) || finished
		}
	}
	if i := d.object.Find("promptFeedback"); i >= 0 && len(d.choices) == 0 && hasString(d.object.Value(i), "blockReason") {
		d.choices = append(d.choices, liveCandidate{finished: true})
		d.deltas = append(d.deltas, chat.Delta{Kind: chat.DeltaFinish, Stop: chat.StopFilter})
		finished = true
	}
	if finished {
		d.tellUsage()
	}
	return d.deltas, nil
}

func (d *decoder) start() {
	if !d.started {
		d.started = true
		d.deltas = append(d.deltas, chat.Delta{Kind: chat.DeltaStart, ID: d.id, Model: d.model, Created: d.created})
	}
}

func (d *decoder) tellUsage() {
	if u, ok := d.account.result(); ok {
		d.told, d.news = true, false
		d.deltas = append(d.deltas, chat.Delta{Kind: chat.DeltaUsage, Usage: u})
	}
}

// candidate reads what a chunk says of one candidate, and reports whether that ended.
func (d *decoder) candidate(raw []byte) (finished bool) {
	c := d.choice(indexOf(raw))
	reason := ""
	rawjson.Members(raw, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "content":
			eachPart(v, func(part []byte) { d.part(c, readPart(part)) })
		case "finishReason":
			if k == rawjson.String {
				reason = rawjson.Unquote(v)
			}
		case "groundingMetadata":
			d.noteGrounding(v)
		case "logprobsResult":
			if p := logProbsOf(v); p != nil {
				d.deltas = append(d.deltas, chat.Delta{Kind: chat.DeltaLogProbs, Choice: int(c.index), Raw: p})
			}
		}
		return true
	})
	if reason == "" || c.finished {
		return false
	}
	c.finished = true
	d.closeCall(c)
	d.deltas = append(d.deltas, chat.Delta{Kind: chat.DeltaFinish, Choice: int(c.index), Stop: stopOf(reason, c.calls > 0)})
	return true
}

func (d *decoder) choice(index int64) *liveCandidate {
	for i := range d.choices {
		if d.choices[i].index == index {
			return &d.choices[i]
		}
	}
	d.choices = append(d.choices, liveCandidate{index: index})
	return &d.choices[len(d.choices)-1]
}

func (d *decoder) part(c *liveCandidate, p piece) {
	if p.call != nil {
		d.call(c, p)
		return
	}
	if p.text == nil {
		return
	}
	kind := chat.DeltaText
	if p.thought {
		kind = chat.DeltaThinking
	}
	if len(p.text) > 2 {
		d.closeCall(c)
		d.deltas = append(d.deltas, chat.Delta{Kind: kind, Choice: int(c.index), Text: rawjson.Unquote(p.text)})
	}
	// The signature of a text that is no thought is of no use to other formats' clients, and they
	// would take it for the signature of a thought.
	if p.signature != nil && p.thought {
		d.deltas = append(d.deltas, chat.Delta{
			Kind: chat.DeltaSignature, Choice: int(c.index), Signature: rawjson.Unquote(p.signature), SignedBy: signedByGemini,
		})
	}
}

// call reads a call that came whole, or a piece of one.
func (d *decoder) call(c *liveCandidate, p piece) {
	f := readCall(p.call)
	signature := ""
	if p.signature != nil {
		signature = rawjson.Unquote(p.signature)
	}
	switch {
	case c.open != nil && f.name == nil:
		c.open.add(f)
		if c.signature == "" {
			c.signature = signature
		}
	case f.more || f.partial != nil:
		d.closeCall(c)
		c.open, c.signature = newCall(f), signature
	default:
		d.closeCall(c)
		d.tellCall(c, f.id, f.name, f.args, signature)
		return
	}
	if !f.more {
		d.closeCall(c)
	}
}

func (d *decoder) closeCall(c *liveCandidate) {
	if o := c.open; o != nil {
		c.open = nil
		d.tellCall(c, o.id, o.name, o.args.append(nil), c.signature)
	}
}

func (d *decoder) tellCall(c *liveCandidate, id, name, args []byte, signature string) {
	call := chat.Delta{
		Kind: chat.DeltaCall, Choice: int(c.index), Tool: c.calls, CallID: callID(id, d.id, int(c.index), c.calls),
		Name: rawjson.Unquote(name), Signature: signature,
	}
	if signature != "" {
		call.SignedBy = signedByGemini
	}
	c.calls++
	d.deltas = append(d.deltas, call)
	if len(args) > 0 {
		d.deltas = append(d.deltas, chat.Delta{Kind: chat.DeltaArguments, Choice: call.Choice, Tool: call.Tool, Text: string(compact(args))})
	}
}

// Close implements chat.Decoder.
func (d *decoder) Close() []chat.Delta {
	d.deltas = d.deltas[:0]
	if d.ended {
		return nil
	}
	d.ended = true
	for i := range d.choices {
		d.closeCall(&d.choices[i])
	}
	if d.news {
		d.tellUsage()
	}
	d.deltas = append(d.deltas, chat.Delta{Kind: chat.DeltaEnd})
	return d.deltas
}
