package responses

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// streamDecoder reads a provider's stream. What an item brings without deltas is given when the
// item is done.
type streamDecoder struct {
	object rawjson.Object
	ev     event
	deltas []chat.Delta

	started, finished, ended bool
	framed                   bool // there was a response.created
	called, refused          bool
	tools                    int
	items                    []streamItem
	pending                  []pendingCall
}

// streamItem is an output item as far as it was passed on.
type streamItem struct {
	id     []byte // as quoted
	index  int64
	tool   int   // of a call, -1 for others
	spoke  bool  // a piece of it was passed on
	part   int64 // the part of its thoughts that came last
	closed bool
}

func newDecoder() chat.Decoder { return &streamDecoder{} }

var errNotObject = errors.New("an event that is not a JSON object")

// Decode implements chat.Decoder.
func (s *streamDecoder) Decode(_, data []byte) ([]chat.Delta, error) {
	s.deltas = s.deltas[:0]
	if string(bytes.TrimSpace(data)) == "[DONE]" {
		return s.deltas, nil // Close says the rest
	}
	if err := s.object.Parse(data, maxDepth); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotObject, err)
	}
	s.ev.read(&s.object)
	switch s.ev.kind {
	case "response.created", "response.in_progress", "response.queued":
		s.framed = true
		s.start()
	case "response.completed", "response.incomplete", "response.cancelled":
		s.start()
		s.finish()
	case "response.failed":
		s.failed(rawMember(s.ev.response, "error"))
	case "error":
		s.failed(s.object.Raw())
	case "response.output_item.added", "response.output_item.done":
		s.item()
	case "response.output_text.delta":
		s.piece(chat.DeltaText)
		s.logProbs()
	case "response.refusal.delta":
		s.refused = true
		s.piece(chat.DeltaRefusal)
	case "response.reasoning_summary_text.delta", "response.reasoning_text.delta":
		s.thought()
	case "response.function_call_arguments.delta":
		s.arguments()
	default:
		if s.ev.failed && s.ev.kind == "" {
			s.failed(s.object.Raw())
		}
	}
	return s.deltas, nil
}

// Close implements chat.Decoder.
func (s *streamDecoder) Close() []chat.Delta {
	s.deltas = s.deltas[:0]
	if s.started && !s.finished {
		s.finished = true
		s.stop("completed", "")
	}
	if !s.ended {
		s.ended = true
		s.give(chat.Delta{Kind: chat.DeltaEnd})
	}
	return s.deltas
}

// stop gives the reason of the end, after calls that nobody has answered.
func (s *streamDecoder) stop(status, reason string) {
	for i := range s.pending {
		s.givePending(&s.pending[i])
	}
	s.pending = nil
	s.give(chat.Delta{Kind: chat.DeltaFinish, Stop: stopOf(status, reason, s.called, s.refused)})
}

func (s *streamDecoder) give(d chat.Delta) { s.deltas = append(s.deltas, d) }

// start gives what the first response object says.
func (s *streamDecoder) start() {
	if s.started {
		return
	}
	s.started = true
	d := chat.Delta{Kind: chat.DeltaStart, ID: member(s.ev.response, "id"), Model: member(s.ev.response, "model")}
	d.Created, _ = rawjson.Int(rawMember(s.ev.response, "created_at"))
	s.give(d)
}

// finish gives what the final response says. Items it has that no event brought are given too.
func (s *streamDecoder) finish() {
	if s.finished {
		return
	}
	s.finished = true
	s.leftOver()
	status := member(s.ev.response, "status")
	if status == "" {
		status = s.ev.kind[len("response."):]
	}
	reason := member(rawMember(s.ev.response, "incomplete_details"), "reason")
	s.stop(status, reason)
	if a := readResponse(s.ev.response); a.HasUsage {
		s.give(chat.Delta{Kind: chat.DeltaUsage, Usage: a.Usage})
	}
	s.ended = true
	s.give(chat.Delta{Kind: chat.DeltaEnd})
}

// leftOver gives the items of the final response where the stream had none before.
func (s *streamDecoder) leftOver() {
	if len(s.items) > 0 {
		return
	}
	c := rawjson.Walk(rawMember(s.ev.response, "output"))
	if c.Kind() != rawjson.Array {
		return
	}
	for ok := c.Enter(); ok; ok = c.Next() {
		if c.Kind() != rawjson.ObjectKind {
			c.Take()
			continue
		}
		s.ev.item, s.ev.outputIndex, s.ev.kind = c.Take(), int64(len(s.items)), "response.output_item.done"
		s.item()
	}
	s.ev.kind = "response.completed"
}

// failed gives the error of an object: in its member error, or at the top.
func (s *streamDecoder) failed(object []byte) {
	if inner := rawMember(object, "error"); len(inner) > 0 && inner[0] == '{' {
		object = inner
	}
	if s.finished {
		return // the error event and response.failed say the same
	}
	s.finished = true
	d := chat.Delta{Kind: chat.DeltaError, Text: member(object, "message"), Code: member(object, "code")}
	if d.Text == "" {
		d.Text = "the provider says that it failed, and not why"
	}
	s.give(d)
}
