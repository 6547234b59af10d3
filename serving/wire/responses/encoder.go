package responses

import (
	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// encoder writes a client's stream. A thought and a message are open while their text comes, one
// at a time; calls stay open until the end, since their arguments may come in turns.
type encoder struct {
	req  *chat.Request
	head head
	seq  int64

	started, ended bool
	items          []outItem
	open           int // the thought or message that is open, -1 for none
	calls          []callOf
	refused        bool
	stop           chat.Stop
	failure        *ending
	usage          inference.Usage
	hasUsage       bool
}

// callOf says which item a call is.
type callOf struct{ tool, item int }

func newEncoder(r *chat.Request) chat.Encoder { return &encoder{req: r, open: -1} }

// Append implements chat.Encoder.
func (e *encoder) Append(dst []byte, d *chat.Delta) []byte {
	if d.Choice != 0 || e.ended {
		return dst
	}
	if d.Kind == chat.DeltaStart {
		return e.start(dst, d)
	}
	dst = e.start(dst, &chat.Delta{})
	switch d.Kind {
	case chat.DeltaText, chat.DeltaRefusal:
		return e.say(dst, d)
	case chat.DeltaThinking:
		return e.think(dst, d.Text)
	case chat.DeltaSignature:
		return e.sign(dst, d)
	case chat.DeltaCall:
		return e.call(dst, d)
	case chat.DeltaArguments:
		return e.arguments(dst, d)
	case chat.DeltaLogProbs:
		e.logProbs(d.Raw)
	case chat.DeltaFinish:
		e.stop = d.Stop
	case chat.DeltaUsage:
		e.usage, e.hasUsage = d.Usage, true
	case chat.DeltaError:
		return e.fail(dst, d)
	}
	return dst
}

// event starts an event; end ends it.
func (e *encoder) event(dst []byte, kind string) []byte {
	dst = append(append(dst, "event: "...), kind...)
	dst = append(append(dst, "\ndata: {\"type\":\""...), kind...)
	dst = appendInt(append(dst, `","sequence_number":`...), e.seq)
	e.seq++
	return dst
}

func end(dst []byte) []byte { return append(dst, "}\n\n"...) }

// start opens the stream, once.
func (e *encoder) start(dst []byte, d *chat.Delta) []byte {
	if e.started {
		return dst
	}
	e.started = true
	e.head = newHead(e.req, d.ID, d.Model, d.Created)
	for _, kind := range []string{"response.created", "response.in_progress"} {
		dst = append(e.event(dst, kind), `,"response":`...)
		dst = end(e.head.append(dst, ending{status: "in_progress"}, []byte("[]"), &inference.Usage{}, false))
	}
	return dst
}

// add opens an item.
func (e *encoder) add(dst []byte, it outItem, prefix string) []byte {
	it.id, it.status = e.head.itemID(prefix, len(e.items)), "in_progress"
	e.items = append(e.items, it)
	dst = e.place(e.event(dst, "response.output_item.added"), len(e.items)-1)
	return end(it.append(append(dst, `,"item":`...)))
}

func (e *encoder) place(dst []byte, item int) []byte {
	return appendInt(append(dst, `,"output_index":`...), int64(item))
}

// at starts an event about a piece of an item; index is its place in the item.
func (e *encoder) at(dst []byte, kind string, item int, indexName string, index int) []byte {
	dst = appendText(e.event(dst, kind), "item_id", e.items[item].id)
	dst = e.place(dst, item)
	if indexName != "" {
		dst = appendInt(appendName(dst, indexName), int64(index))
	}
	return dst
}

func (e *encoder) done(dst []byte, item int, status string) []byte {
	it := &e.items[item]
	it.status = status
	dst = e.place(e.event(dst, "response.output_item.done"), item)
	return end(it.append(append(dst, `,"item":`...)))
}

// close closes the thought or message that is open.
func (e *encoder) close(dst []byte, status string) []byte {
	if e.open < 0 {
		return dst
	}
	i := e.open
	e.open = -1
	if e.items[i].kind == "message" {
		dst = e.closePart(dst, i)
	} else {
		dst = e.closeSummary(dst, i)
	}
	return e.done(dst, i, status)
}

// AppendEnd implements chat.Encoder.
func (e *encoder) AppendEnd(dst []byte) []byte {
	if e.ended {
		return dst
	}
	dst = e.start(dst, &chat.Delta{})
	e.ended = true
	how := endingOf(e.stop, e.refused)
	if e.failure != nil {
		how = *e.failure
	}
	last := len(e.items) - 1
	status := func(item int) string {
		if item == last {
			return how.itemStatus()
		}
		return "completed"
	}
	if e.open >= 0 {
		dst = e.close(dst, status(e.open))
	}
	for _, c := range e.calls {
		dst = e.closeCall(dst, c.item, status(c.item))
	}
	dst = append(e.event(dst, "response."+how.status), `,"response":`...)
	return end(e.head.append(dst, how, appendItems(nil, e.items), &e.usage, e.hasUsage))
}

// AppendFailure implements chat.Failing. Items that were open are in the answer as incomplete, and
// are not said to be done: nobody should run half a call.
func (e *encoder) AppendFailure(dst []byte, err *apierr.Error) []byte {
	if e.ended {
		return dst
	}
	dst = e.start(dst, &chat.Delta{})
	e.ended = true
	dst = appendErrorEvent(dst, e.seq, err.Message, codeOf(err), err.Param)
	e.seq++
	for i := range e.items {
		if e.items[i].status == "in_progress" {
			e.items[i].status = "incomplete"
		}
	}
	dst = append(e.event(dst, "response.failed"), `,"response":`...)
	how := ending{status: "failed", code: codeOf(err), text: err.Message}
	return end(e.head.append(dst, how, appendItems(nil, e.items), &e.usage, e.hasUsage))
}

func (e *encoder) fail(dst []byte, d *chat.Delta) []byte {
	code := d.Code
	if code == "" {
		code = "server_error"
	}
	if e.failure == nil {
		e.failure = &ending{status: "failed", code: code, text: d.Text}
	}
	dst = appendErrorEvent(dst, e.seq, d.Text, code, "")
	e.seq++
	return dst
}
