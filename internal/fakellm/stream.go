package fakellm

import (
	"bytes"
	"net/http"
	"strconv"
)

// stream sends the answer as events: a first chunk with the role, the content in pieces, a last
// chunk with the finish reason, then usage if it was asked for, then [DONE].
func (a *answer) stream() bool {
	a.head(http.StatusOK, typeEvents, -1)
	if !a.flush() || !a.wait(a.p.Script.First) {
		return false
	}
	b := getBuffer()
	defer putBuffer(b)
	e := &events{p: a.p, id: a.p.id("chatcmpl-")}
	for i := range e.count() {
		if i > 0 && !a.wait(a.p.Script.Gap) {
			return false
		}
		if a.misbehave(i) {
			return false
		}
		b.b = e.appendEvent(b.b[:0], i)
		if !a.event(b.b) {
			return false
		}
	}
	return a.ending(e, b)
}

// ending sends what follows the last chunk.
func (a *answer) ending(e *events, b *buffer) bool {
	s := &a.p.Script
	if a.p.IncludeUsage && !s.NoUsage {
		b.b = e.appendUsage(b.b[:0])
		if !a.event(b.b) {
			return false
		}
	}
	if !s.NoDone && !a.event(append(b.b[:0], "data: [DONE]\n\n"...)) {
		return false
	}
	return a.zip == nil || a.zip.Close() == nil
}

var errorEvent = []byte(`data: {"error":{"message":"The server had an error while processing your request.",` +
	`"type":"server_error","param":null,"code":null}}` + "\n\n")

// misbehave does what the script wants before chunk i. It reports whether the stream is over.
func (a *answer) misbehave(i int) bool {
	switch i {
	case a.p.Script.Break:
		panic(http.ErrAbortHandler)
	case a.p.Script.Hang:
		a.hang()
	case a.p.Script.Fail:
		a.event(errorEvent)
	default:
		return false
	}
	return true
}

// event sends one event, flushed, in the way the script asks for.
func (a *answer) event(b []byte) bool {
	s := &a.p.Script
	if s.CRLF {
		b = bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n"))
	}
	if s.Comments {
		b = append([]byte(": keep-alive\n\n"), b...)
	}
	if s.Split {
		half := len(b) / 2
		if _, err := a.out().Write(b[:half]); err != nil || !a.flush() {
			return false
		}
		b = b[half:]
	}
	_, err := a.out().Write(b)
	return err == nil && a.flush()
}

// events renders the chunks of one stream.
type events struct {
	p  *Plan
	id string
}

// count is how many chunks there are before usage: the role, the pieces, the end; each choice has
// its own. A text completion has no chunk for the role.
func (e *events) count() int { return e.perChoice() * e.p.Choices }

func (e *events) perChoice() int {
	if e.p.Kind == Completions {
		return e.p.pieces + 1
	}
	return e.p.pieces + 2
}

func (e *events) appendEvent(b []byte, i int) []byte {
	p, choice, step := e.p, i/e.perChoice(), i%e.perChoice()
	b = p.appendOpening(append(b, "data: "...), e.id, objects[p.Kind][1])
	b = append(b, `"system_fingerprint":"fp_fakellm","choices":[{"index":`...)
	b = append(strconv.AppendInt(b, int64(choice), 10), ',')
	finish := step == e.perChoice()-1
	if p.Kind == Completions {
		b = append(b, `"text":`...)
		b = appendString(b, e.textOf(step, finish))
	} else {
		b = append(b, `"delta":{`...)
		b = append(e.appendDelta(b, step, finish), '}')
	}
	b = append(b, `,"logprobs":null,"finish_reason":`...)
	if finish {
		b = append(append(append(b, '"'), p.Finish...), '"')
	} else {
		b = append(b, "null"...)
	}
	b = append(b, "}]"...)
	switch {
	case p.Script.UsageEach:
		b = e.soFar(i).appendTo(append(b, `,"usage":`...))
	case p.IncludeUsage:
		b = append(b, `,"usage":null`...)
	}
	return append(b, "}\n\n"...)
}

func (e *events) textOf(step int, finish bool) string {
	if finish {
		return ""
	}
	return piece(e.p.Content, step, e.p.pieces)
}

// appendDelta appends what chunk number step of a chat adds to the message.
func (e *events) appendDelta(b []byte, step int, finish bool) []byte {
	switch {
	case finish:
		return b
	case step == 0 && e.p.Tool != "":
		b = append(b, `"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_fake_1","type":"function","function":{"name":`...)
		return append(appendString(b, e.p.Tool), `,"arguments":""}}]`...)
	case step == 0:
		return append(b, `"role":"assistant","content":"","refusal":null`...)
	case e.p.Tool != "":
		b = append(b, `"tool_calls":[{"index":0,"function":{"arguments":`...)
		return append(appendString(b, piece(e.p.Content, step-1, e.p.pieces)), "}}]"...)
	}
	return appendString(append(b, `"content":`...), piece(e.p.Content, step-1, e.p.pieces))
}

// soFar is the running usage after chunk i.
func (e *events) soFar(i int) Usage {
	u := e.p.Usage
	u.Completion = u.Completion * int64(i+1) / int64(e.count())
	u.Reasoning = min(u.Reasoning, u.Completion)
	u.Total = u.Prompt + u.Completion
	return u
}

func (e *events) appendUsage(b []byte) []byte {
	b = e.p.appendOpening(append(b, "data: "...), e.id, objects[e.p.Kind][1])
	b = append(b, `"system_fingerprint":"fp_fakellm","choices":[],"usage":`...)
	return append(e.p.Usage.appendTo(b), "}\n\n"...)
}
