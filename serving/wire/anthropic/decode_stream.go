package anthropic

import (
	"bytes"
	"errors"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// decoder reads a provider's stream.
type decoder struct {
	object rawjson.Object
	out    []chat.Delta
	usage  []byte // merged so far
	blocks []openBlock
	calls  int // tools called so far
	begun  bool
	ended  bool
}

// openBlock is a block that has begun and not stopped.
type openBlock struct {
	index int64
	kind  string
	tool  int  // which call it is
	ours  bool // it is JSON output in the clothes of a call
	fed   bool // some of its input came
}

// Decode implements chat.Decoder.
func (d *decoder) Decode(name, data []byte) ([]chat.Delta, error) {
	d.out = d.out[:0]
	if p, ok := parsePiece(data); ok {
		d.piece(p.index, p.kind, unquoteInner(p.inner))
		return d.out, nil
	}
	if err := d.object.Parse(data, maxDepth); err != nil {
		return nil, err
	}
	kind := string(name)
	if t := textOf(d.member("type")); t != "" {
		kind = t
	}
	switch kind {
	case "message_start":
		d.start(d.member("message"))
	case "content_block_start":
		d.startBlock(d.index(), d.member("content_block"))
	case "content_block_delta":
		d.delta(d.member("delta"))
	case "content_block_stop":
		d.stopBlock(d.index())
	case "message_delta":
		d.addUsage(d.member("usage"))
		d.finish(d.member("delta"))
	case "message_stop":
		d.end()
	case "error":
		e := d.member("error")
		d.emit(chat.Delta{Kind: chat.DeltaError, Code: textOf(memberOf(e, "type")), Text: textOf(memberOf(e, "message"))})
	case "ping":
	default:
		return nil, errors.New("an event that streams of messages don't have")
	}
	return d.out, nil
}

// Close implements chat.Decoder.
func (d *decoder) Close() []chat.Delta {
	d.out = d.out[:0]
	d.end()
	return d.out
}

func (d *decoder) emit(delta chat.Delta) { d.out = append(d.out, delta) }

func (d *decoder) end() {
	if !d.ended {
		d.ended = true
		d.emit(chat.Delta{Kind: chat.DeltaEnd})
	}
}

func (d *decoder) member(name string) []byte {
	if i := d.object.Find(name); i >= 0 {
		return d.object.Value(i)
	}
	return nil
}

// start reads a message_start, which some servers send twice.
func (d *decoder) start(message []byte) {
	if d.begun {
		return
	}
	d.begun = true
	d.emit(chat.Delta{Kind: chat.DeltaStart, ID: textOf(memberOf(message, "id")), Model: textOf(memberOf(message, "model"))})
	d.addUsage(memberOf(message, "usage"))
	// The answer to a call of a tool by code may come whole, with its reason to stop.
	index := int64(0)
	w := rawjson.Walk(memberOf(message, "content"))
	for ok := w.Enter(); ok; ok = w.Next() {
		d.startBlock(index, w.Take())
		d.stopBlock(index)
		index++
	}
	d.finish(message)
}

func (d *decoder) index() int64 {
	n, _ := rawjson.Int(d.member("index"))
	return n
}

func (d *decoder) addUsage(object []byte) {
	if object == nil {
		return
	}
	merged := mergeUsage(d.usage, object)
	if u, ok := ParseUsage(merged); ok {
		d.usage = merged
		d.emit(chat.Delta{Kind: chat.DeltaUsage, Usage: u})
	}
}

func (d *decoder) startBlock(index int64, object []byte) {
	var b answerBlock
	b.read(object)
	open := openBlock{index: index, kind: b.kind}
	switch b.kind {
	case "text", "thinking":
		d.open(open)
		d.text(b.kind, b.text)
	case "redacted_thinking":
		d.emit(chat.Delta{Kind: chat.DeltaSignature, Signature: b.signature, SignedBy: signer, Redacted: true})
	case "tool_use":
		if open.ours = b.name == jsonTool; !open.ours {
			open.tool = d.calls
			d.calls++
			d.emit(chat.Delta{Kind: chat.DeltaCall, Tool: open.tool, CallID: b.id, Name: b.name})
		}
		d.open(open)
		if b.input != "" && b.input != "{}" { // it came whole
			d.input(d.block(index), b.input)
		}
	}
}

func (d *decoder) open(b openBlock) { d.blocks = append(d.blocks, b) }

func (d *decoder) block(index int64) *openBlock {
	for i := len(d.blocks) - 1; i >= 0; i-- {
		if d.blocks[i].index == index {
			return &d.blocks[i]
		}
	}
	return nil
}

func (d *decoder) text(kind, text string) {
	if text == "" {
		return
	}
	if kind == "thinking" {
		d.emit(chat.Delta{Kind: chat.DeltaThinking, Text: text})
		return
	}
	d.emit(chat.Delta{Kind: chat.DeltaText, Text: text})
}

func (d *decoder) input(b *openBlock, piece string) {
	if piece == "" {
		return
	}
	b.fed = true
	if b.ours {
		d.emit(chat.Delta{Kind: chat.DeltaText, Text: piece})
		return
	}
	d.emit(chat.Delta{Kind: chat.DeltaArguments, Tool: b.tool, Text: piece})
}

// piece hands on a piece of a block that has begun, and of a kind that the common form knows.
func (d *decoder) piece(index int64, kind pieceKind, text string) {
	b := d.block(index)
	switch {
	case b == nil:
	case kind == pieceInput && b.kind == "tool_use":
		d.input(b, text)
	case kind == pieceText && b.kind == "text", kind == pieceThinking && b.kind == "thinking":
		d.text(b.kind, text)
	}
}

func (d *decoder) delta(delta []byte) {
	index := d.index()
	switch textOf(memberOf(delta, "type")) {
	case "text_delta":
		d.piece(index, pieceText, textOf(memberOf(delta, "text")))
	case "thinking_delta":
		d.piece(index, pieceThinking, textOf(memberOf(delta, "thinking")))
	case "input_json_delta":
		d.piece(index, pieceInput, textOf(memberOf(delta, "partial_json")))
	case "signature_delta":
		if s := textOf(memberOf(delta, "signature")); s != "" {
			d.emit(chat.Delta{Kind: chat.DeltaSignature, Signature: s, SignedBy: signer})
		}
	}
}

// stopBlock ends a block. A tool without arguments gets none from Anthropic, and {} from us.
func (d *decoder) stopBlock(index int64) {
	b := d.block(index)
	if b == nil {
		return
	}
	if b.kind == "tool_use" && !b.fed {
		d.input(b, "{}")
	}
	at := 0
	for at < len(d.blocks) && &d.blocks[at] != b {
		at++
	}
	d.blocks = append(d.blocks[:at], d.blocks[at+1:]...)
}

func (d *decoder) finish(delta []byte) {
	reason := memberOf(delta, "stop_reason")
	if len(reason) == 0 || bytes.Equal(reason, []byte("null")) {
		return
	}
	if text := textOf(memberOf(memberOf(delta, "stop_details"), "explanation")); text != "" {
		d.emit(chat.Delta{Kind: chat.DeltaRefusal, Text: text})
	}
	stop := stopOf(textOf(reason))
	if stop == chat.StopTool && d.calls == 0 {
		stop = chat.StopEnd // the tool was our own
	}
	d.emit(chat.Delta{Kind: chat.DeltaFinish, Stop: stop, StopText: textOf(memberOf(delta, "stop_sequence"))})
}
