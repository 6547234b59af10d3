package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/sse"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

const eventStream = "text/event-stream; charset=utf-8"

// stream is a streamed answer on its way to the client.
type stream struct {
	*work
	to      *target
	line    *line
	src     *source
	events  events
	tracker wire.Tracker
	out     *buffer // events not sent yet
	head    Head

	// Of a translated stream; nil where it passes through.
	decoder chat.Decoder
	encoder chat.Encoder

	// held: the client has seen nothing, and the provider has said nothing that it could see. Until
	// it does, another attempt may take over.
	held   bool
	lost   bool   // another target was faster
	begun  bool   // the first token came, or what comes is none of our business
	early  []byte // the error that came while it was held
	count  int    // events before it had begun
	size   int64  // bytes of events
	leftAt int64  // size when the client left, -1 before
	final  bool   // nothing came after the event that has usage only
	failed bool   // the provider reported an error in the stream
	ended  bool   // the format's last event came
	end    []byte // that event, as it is to be passed on
	open   bool   // the last event in out lacks its blank line
	stored string // id of the answer, where its provider stores it
}

// stream passes a streamed answer on. Until its first event is here it can still fail without
// the client knowing; where another attempt may follow, until its first token is.
func (w *work) stream(a *answer) *failure {
	in := buffers.Get().(*buffer)
	s := &stream{work: w, to: a.target, line: a.line, src: &source{Reader: a.resp.Body}, out: buffers.Get().(*buffer), leftAt: -1}
	defer s.out.free()
	defer in.free()
	var done func()
	s.events, done = w.newEvents(a, s.src, in)
	defer done()
	s.tracker = a.codec.NewTracker(w.rec.Payload.Table != "" || w.after != nil)
	if a.translate {
		s.decoder, s.encoder = a.codec.Chat.NewDecoder(), w.codec.Chat.NewEncoder(w.chat)
	}
	s.head = w.head(a.target)
	s.head.Status, s.head.ContentType = a.resp.StatusCode, eventStream
	first, err := s.first()
	if err != nil {
		return s.noFirst(err)
	}
	if f := s.firstIsError(first); f != nil {
		return f
	}
	s.rememberIn(first.Data)
	s.src.before = s.beforeRead
	s.hold()
	if !s.lost {
		err = s.pass(first)
	}
	if s.held && !s.lost {
		if f := s.takeBack(err); f != nil {
			return f
		}
	}
	if s.lost || !s.claim() {
		return outrun()
	}
	w.note(a.entity, a.resp.StatusCode, a.start, "")
	s.finish(err)
	s.readToEnd()
	return nil
}

// rememberIn notes where the answer is stored that a stream begins. Until its usage has come, it
// is to be counted by whoever fetches the answer.
func (s *stream) rememberIn(data []byte) {
	if s.codec.Format != wire.OpenAIResponses || s.to.translate {
		return
	}
	rawjson.Members(data, func(name []byte, _ rawjson.Kind, v []byte) bool {
		if string(name) == "response" {
			s.stored = s.remember(s.to, v, false)
		}
		return true
	})
}

// first returns the first event. Comments before it go out with it.
func (s *stream) first() (sse.Event, error) {
	for {
		ev, err := s.events.Next()
		if err != nil || len(ev.Data) > 0 {
			return ev, err
		}
		if s.size += int64(len(ev.Raw)); s.size > s.config.MaxAnswer {
			return ev, errTooLarge
		}
		s.comment(ev)
	}
}

func (s *stream) noFirst(err error) *failure {
	f := cutOff(context.Cause(s.line.ctx), err, true)
	if errors.Is(err, io.EOF) {
		f.err = apierr.New(apierr.BadGateway, "the provider's stream ended before it began")
		f.reason = f.err.Message
	}
	if errors.Is(err, errTooLarge) {
		f = badGateway(err, inference.UpstreamBroken, "the provider's stream is larger than this gateway allows")
	}
	return f
}

// firstIsError looks at a stream that begins with an error, though its status was 200.
func (s *stream) firstIsError(ev sse.Event) *failure {
	if !bytes.Contains(ev.Data, []byte(`"error"`)) && !bytes.HasSuffix(ev.Name, []byte("xception")) {
		return nil
	}
	told, ok := wire.ParseError(ev.Data)
	ok = ok && told.Message != "" && !bytes.Contains(ev.Data, []byte(`"choices"`))
	if !ok && !s.to.codec.NewTracker(false).Add(ev.Name, ev.Data).Error {
		return nil
	}
	if told.Message == "" {
		told.Message = "the provider's stream began with an error"
	}
	return s.errorOf(ev.Data, told)
}

// errorOf makes a failure of an error that came before anything the client could see.
func (s *stream) errorOf(data []byte, told wire.ProviderError) *failure {
	return &failure{
		err:     &apierr.Error{Status: http.StatusBadGateway, Code: apierr.ProviderError, Message: told.Message},
		outcome: inference.UpstreamError, reason: "provider's stream began with an error", word: told.Code,
		raw: bytes.Clone(data), passOn: !s.to.translate && told.In(s.call.Surface.Dialect), another: true, again: true,
	}
}

// pass takes events until the stream ends: by its last event gives nil, else its error.
func (s *stream) pass(ev sse.Event) error {
	for {
		s.size += int64(len(ev.Raw))
		if s.size > s.config.MaxAnswer {
			return errTooLarge
		}
		if len(ev.Data) == 0 {
			s.comment(ev)
		} else if s.take(ev); s.ended || s.lost || s.held && s.failed {
			return nil
		}
		var err error
		if ev, err = s.events.Next(); err != nil {
			return err
		}
	}
}

// take reads an event and puts it among those to send.
func (s *stream) take(ev sse.Event) {
	c := s.tracker.Add(ev.Name, ev.Data)
	s.saw(ev.Data)
	if c.Started && !s.timed {
		s.time(s.health.Of(s.to.entity.ID), time.Now())
	}
	if c.Started && s.rec.TimeToFirstToken == nil {
		d := time.Since(s.call.Received)
		s.rec.TimeToFirstToken = &d
	}
	s.final = c.OnlyUsage || s.final && !c.JSON
	s.failed = s.failed || c.Error
	s.ended = c.End
	s.watch(&c, ev.Data)
	switch {
	case s.to.translate:
		s.translateEvent(ev)
	case s.isGone() || c.OnlyUsage && s.to.askUsage || ev.Cut && !c.JSON && !c.End:
	case c.End:
		s.end = s.frame(nil, ev)
	default:
		s.out.b = s.frame(s.out.b, ev)
		s.open = ev.Cut && !s.call.Surface.DataOnly
	}
}

// frame appends an event as the client is to get it.
func (s *stream) frame(dst []byte, ev sse.Event) []byte {
	if s.call.Surface.DataOnly {
		return sse.AppendEvent(dst, ev.Data)
	}
	return append(dst, ev.Raw...)
}

// comment passes on what came in the stream and is no event, which may be there to keep the
// connection alive.
func (s *stream) comment(ev sse.Event) {
	if !s.to.translate && !s.call.Surface.DataOnly {
		s.out.b = append(s.out.b, ev.Raw...)
	}
}

// translateEvent puts an event among those to send, in the client's format.
func (s *stream) translateEvent(ev sse.Event) {
	deltas, err := s.decoder.Decode(ev.Name, ev.Data)
	if err != nil {
		return // what it is no part of an answer can't be translated; the tracker keeps it
	}
	s.encode(deltas)
}

func (s *stream) encode(deltas []chat.Delta) {
	for i := range deltas {
		switch d := &deltas[i]; {
		case d.Kind == chat.DeltaError:
			s.failed = true
			if !s.isGone() {
				s.out.b = s.streamError(s.out.b, &apierr.Error{Status: http.StatusBadGateway, Code: apierr.ProviderError, Message: d.Text})
			}
		case d.Kind != chat.DeltaEnd && !s.isGone() && !s.failed:
			if d.Kind == chat.DeltaStart {
				s.complete(s.to, &d.ID, &d.Model, &d.Created)
			}
			s.out.b = s.encoder.Append(s.out.b, d)
		}
	}
}

// beforeRead sends what is there before the next read, which may take long, and bounds how much is
// read for a client that has left.
func (s *stream) beforeRead() {
	if !s.held {
		s.send()
	}
	s.line.expect(s.silence())
	if !s.isGone() {
		return
	}
	if s.leftAt < 0 {
		s.leftAt = s.size
	}
	if s.size-s.leftAt > s.config.DrainBytes {
		s.line.cancel(errDrained)
	}
}

// send passes on the events at hand, beginning the answer with the first.
func (s *stream) send() {
	defer func() { s.out.b = s.out.b[:0] }()
	if s.isGone() {
		return
	}
	if !s.started {
		s.started = true
		s.rec.Status = s.head.Status
		if s.resp.Start(&s.head) != nil {
			s.clientLeft()
			return
		}
	}
	if s.call.Surface.DataOnly && s.codec.Format == wire.OpenAIResponses {
		s.out.b = sse.DataOnly(s.out.b)
	}
	if len(s.out.b) > 0 && s.resp.Send(s.out.b) != nil {
		s.clientLeft()
	}
}
