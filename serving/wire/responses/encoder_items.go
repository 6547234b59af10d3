package responses

import (
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// say adds to the message that is open, or opens one.
func (e *encoder) say(dst []byte, d *chat.Delta) []byte {
	refusal := d.Kind == chat.DeltaRefusal
	e.refused = e.refused || refusal
	if d.Text == "" {
		return dst
	}
	if e.open >= 0 && e.items[e.open].kind != "message" {
		dst = e.close(dst, "completed")
	}
	if e.open < 0 {
		dst = e.add(dst, outItem{kind: "message"}, "msg_")
		e.open = len(e.items) - 1
	}
	it := &e.items[e.open]
	if n := len(it.parts); n == 0 || it.parts[n-1].refusal != refusal {
		dst = e.closePart(dst, e.open)
		it.parts = append(it.parts, outPart{refusal: refusal})
		dst = e.at(dst, "response.content_part.added", e.open, "content_index", n)
		dst = end(it.parts[n].append(append(dst, `,"part":`...)))
	}
	part := len(it.parts) - 1
	it.parts[part].text = append(it.parts[part].text, d.Text...)
	kind, rest := "response.output_text.delta", `,"logprobs":[]`
	if refusal {
		kind, rest = "response.refusal.delta", ""
	}
	dst = appendText(e.at(dst, kind, e.open, "content_index", part), "delta", d.Text)
	return end(append(dst, rest...))
}

// closePart closes the last part of a message, if it has one.
func (e *encoder) closePart(dst []byte, item int) []byte {
	n := len(e.items[item].parts) - 1
	if n < 0 {
		return dst
	}
	p := &e.items[item].parts[n]
	if p.refusal {
		dst = appendText(e.at(dst, "response.refusal.done", item, "content_index", n), "refusal", string(p.text))
	} else {
		dst = appendText(e.at(dst, "response.output_text.done", item, "content_index", n), "text", string(p.text))
		dst = append(append(append(dst, `,"logprobs":[`...), p.logProbs...), ']')
	}
	dst = e.at(end(dst), "response.content_part.done", item, "content_index", n)
	return end(p.append(append(dst, `,"part":`...)))
}

// logProbs keeps log probabilities for the events that close the text they are of.
func (e *encoder) logProbs(object []byte) {
	elements := logProbsOf(compacted(object))
	if len(elements) == 0 || e.open < 0 || len(e.items[e.open].parts) == 0 {
		return
	}
	parts := e.items[e.open].parts
	p := &parts[len(parts)-1]
	if len(p.logProbs) > 0 {
		p.logProbs = append(p.logProbs, ',')
	}
	p.logProbs = append(p.logProbs, elements...)
}

// think adds to the thought that is open, or opens one.
func (e *encoder) think(dst []byte, text string) []byte {
	if text == "" {
		return dst
	}
	if e.open >= 0 && e.items[e.open].kind != "reasoning" {
		dst = e.close(dst, "completed")
	}
	if e.open < 0 {
		dst = e.add(dst, outItem{kind: "reasoning"}, "rs_")
		e.open = len(e.items) - 1
	}
	it := &e.items[e.open]
	if len(it.text) == 0 {
		dst = e.at(dst, "response.reasoning_summary_part.added", e.open, "summary_index", 0)
		dst = end(append(dst, `,"part":{"type":"summary_text","text":""}`...))
	}
	it.text = append(it.text, text...)
	dst = e.at(dst, "response.reasoning_summary_text.delta", e.open, "summary_index", 0)
	return end(appendText(dst, "delta", text))
}

func (e *encoder) closeSummary(dst []byte, item int) []byte {
	text := e.items[item].text
	if len(text) == 0 {
		return dst
	}
	dst = e.at(dst, "response.reasoning_summary_text.done", item, "summary_index", 0)
	dst = e.at(end(appendText(dst, "text", string(text))), "response.reasoning_summary_part.done", item, "summary_index", 0)
	return end(appendSummary(appendName(dst, "part"), text))
}

// sign closes the thought that is open with its signature; a signature that is all there is of a
// thought is an item of its own.
func (e *encoder) sign(dst []byte, d *chat.Delta) []byte {
	what := thought
	if d.Redacted {
		what = redacted
	}
	if e.open >= 0 && (d.Redacted || e.items[e.open].kind != "reasoning") {
		dst = e.close(dst, "completed")
	}
	if e.open < 0 {
		dst = e.add(dst, outItem{kind: "reasoning"}, "rs_")
		e.open = len(e.items) - 1
	}
	e.items[e.open].encrypted = pack(d.SignedBy, what, d.Signature)
	return e.close(dst, "completed")
}

// call opens a call. Its signature, which it has no place for, is in an item before it.
func (e *encoder) call(dst []byte, d *chat.Delta) []byte {
	dst = e.close(dst, "completed")
	if d.Signature != "" {
		dst = e.add(dst, outItem{kind: "reasoning"}, "rs_")
		e.items[len(e.items)-1].encrypted = pack(d.SignedBy, carriesCall, d.Signature)
		dst = e.done(dst, len(e.items)-1, "completed")
	}
	dst = e.add(dst, outItem{kind: "function_call", callID: d.CallID, toolName: e.head.nameOf(d.Name)}, "fc_")
	e.calls = append(e.calls, callOf{d.Tool, len(e.items) - 1})
	return dst
}

func (e *encoder) arguments(dst []byte, d *chat.Delta) []byte {
	if d.Text == "" {
		return dst
	}
	for i := len(e.calls) - 1; i >= 0; i-- {
		if c := e.calls[i]; c.tool == d.Tool {
			e.items[c.item].text = append(e.items[c.item].text, d.Text...)
			dst = e.at(dst, "response.function_call_arguments.delta", c.item, "", 0)
			return end(appendText(dst, "delta", d.Text))
		}
	}
	return dst // of a call that never began
}

func (e *encoder) closeCall(dst []byte, item int, status string) []byte {
	it := &e.items[item]
	it.text = []byte(arguments(string(it.text)))
	dst = e.at(dst, "response.function_call_arguments.done", item, "", 0)
	dst = append(dst, `,"arguments":`...)
	dst = appendText(rawjson.AppendQuoted(dst, string(it.text)), "name", it.name)
	return e.done(end(dst), item, status)
}
