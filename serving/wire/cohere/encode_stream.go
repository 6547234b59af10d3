package cohere

import (
	"strconv"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// encoder writes a client's stream. Text that comes before calls of tools is content there, since
// nobody knows yet that they will come.
type encoder struct {
	begun   bool
	content string // kind of the content that is open: text, thinking or ""
	index   int    // of the next content
	call    int    // the call that is open, from 1
	stop    chat.Stop
	failure string
	failed  bool
	usage   *inference.Usage
	ended   bool
}

// Append implements chat.Encoder.
func (e *encoder) Append(dst []byte, d *chat.Delta) []byte {
	if d.Choice != 0 || e.ended {
		return dst
	}
	switch d.Kind {
	case chat.DeltaStart:
		return e.begin(dst, d.ID)
	case chat.DeltaText, chat.DeltaRefusal:
		return e.say(dst, "text", d.Text)
	case chat.DeltaThinking:
		return e.say(dst, "thinking", d.Text)
	case chat.DeltaLogProbs:
		return e.logProbs(dst, d.Raw)
	case chat.DeltaCall:
		return e.callTool(dst, d)
	case chat.DeltaArguments:
		return e.arguments(dst, d)
	case chat.DeltaFinish:
		e.stop = d.Stop
	case chat.DeltaUsage:
		u := d.Usage
		e.usage = &u
	case chat.DeltaError:
		e.failed, e.failure = true, d.Text
	case chat.DeltaEnd:
		return e.AppendEnd(dst)
	}
	return dst
}

// beginEvent begins an event.
func beginEvent(dst []byte, kind string) []byte {
	dst = append(append(dst, "event: "...), kind...)
	dst = append(append(dst, "\ndata: {\"type\":\""...), kind...)
	return append(dst, '"')
}

func indexed(dst []byte, kind string, index int) []byte {
	return strconv.AppendInt(append(beginEvent(dst, kind), `,"index":`...), int64(index), 10)
}

func (e *encoder) begin(dst []byte, id string) []byte {
	if e.begun {
		return dst
	}
	e.begun = true
	dst = quote(append(beginEvent(dst, "message-start"), `,"id":`...), id)
	return append(dst, `,"delta":{"message":{"role":"assistant","content":[],"tool_plan":"","tool_calls":[],"citations":[]}}}`+"\n\n"...)
}

// open opens a content of the kind, closing what else is open.
func (e *encoder) open(dst []byte, kind string) []byte {
	dst = e.begin(dst, "")
	if e.content == kind {
		return dst
	}
	dst = e.close(dst)
	e.content = kind
	dst = indexed(dst, "content-start", e.index)
	dst = append(append(append(dst, `,"delta":{"message":{"content":{"type":"`...), kind...), `","`...)
	return append(append(dst, kind...), `":""}}}}`+"\n\n"...)
}

// close ends the content or the call that is open.
func (e *encoder) close(dst []byte) []byte {
	switch {
	case e.content != "":
		dst = append(indexed(dst, "content-end", e.index), "}\n\n"...)
		e.content = ""
		e.index++
	case e.call > 0:
		dst = append(indexed(dst, "tool-call-end", e.call-1), "}\n\n"...)
		e.call = 0
	}
	return dst
}

func (e *encoder) say(dst []byte, kind, text string) []byte {
	if text == "" {
		return e.begin(dst, "")
	}
	dst = e.open(dst, kind)
	dst = indexed(dst, "content-delta", e.index)
	dst = append(append(append(dst, `,"delta":{"message":{"content":{"`...), kind...), `":`...)
	return append(quote(dst, text), "}}}}\n\n"...)
}

// logProbs writes each token's in an event of its own, as the text has gone out already.
func (e *encoder) logProbs(dst, raw []byte) []byte {
	elements(get(raw, "content"), func(token []byte) {
		one := appendItems(nil, append(append([]byte(`{"content":[`), token...), "]}"...))
		if one == nil {
			return
		}
		dst = e.open(dst, "text")
		dst = indexed(dst, "content-delta", e.index)
		dst = append(append(dst, `,"delta":{"message":{"content":{"text":""}}},"logprobs":`...), one...)
		dst = append(dst, "}\n\n"...)
	})
	return dst
}

func (e *encoder) callTool(dst []byte, d *chat.Delta) []byte {
	dst = e.close(e.begin(dst, ""))
	e.call = d.Tool + 1
	dst = indexed(dst, "tool-call-start", d.Tool)
	dst = quote(append(dst, `,"delta":{"message":{"tool_calls":{"id":`...), d.CallID)
	dst = quote(append(dst, `,"type":"function","function":{"name":`...), d.Name)
	return append(dst, `,"arguments":""}}}}}`+"\n\n"...)
}

func (e *encoder) arguments(dst []byte, d *chat.Delta) []byte {
	if d.Text == "" {
		return dst
	}
	dst = indexed(e.begin(dst, ""), "tool-call-delta", d.Tool)
	dst = append(dst, `,"delta":{"message":{"tool_calls":{"function":{"arguments":`...)
	return append(quote(dst, d.Text), "}}}}}\n\n"...)
}

// AppendEnd implements chat.Encoder.
func (e *encoder) AppendEnd(dst []byte) []byte {
	if e.ended {
		return dst
	}
	e.ended = true
	dst = e.close(e.begin(dst, ""))
	dst = append(beginEvent(dst, "message-end"), `,"delta":{`...)
	switch {
	case e.failed:
		dst = append(quote(append(dst, `"error":`...), e.failure), `,"finish_reason":"ERROR"`...)
	case e.stop != "": // else it broke off
		dst = append(append(append(dst, `"finish_reason":"`...), reasonOf(e.stop)...), '"')
	}
	if e.usage != nil {
		dst = appendUsage(append(comma(dst), `"usage":`...), e.usage)
	}
	return append(dst, "}}\n\ndata: [DONE]\n\n"...)
}
