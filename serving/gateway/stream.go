package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/sse"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

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
// the client knowing.
func (w *work) stream(a *answer) *failure {
	in := buffers.Get().(*buffer)
	s := &stream{work: w, to: a.target, line: a.line, src: &source{Reader: a.resp.Body}, out: buffers.Get().(*buffer), leftAt: -1}
	defer s.out.free()
	defer in.free()
	var done func()
	s.events, done = w.newEvents(a, s.src, in)
	defer done()
	s.tracker = a.codec.NewTracker(w.rec.Payload.Table != "")
	if a.translate {
		s.decoder, s.encoder = a.codec.Chat.NewDecoder(), w.codec.Chat.NewEncoder(w.chat)
	}
	s.head = w.head(a.target)
	s.head.Status, s.head.ContentType = a.resp.StatusCode, "text/event-stream; charset=utf-8"
	first, err := s.first()
	if err != nil {
		return s.noFirst(err)
	}
	if f := s.firstIsError(first); f != nil {
		return f
	}
	s.rememberIn(first.Data)
	s.src.before = s.beforeRead
	err = s.pass(first)
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
		s.comment(ev)
	}
}

func (s *stream) noFirst(err error) *failure {
	f := cutOff(context.Cause(s.line.ctx), err, true)
	if errors.Is(err, io.EOF) {
		f.err = apierr.New(apierr.BadGateway, "the provider's stream ended before it began")
		f.reason = f.err.Message
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
	return &failure{
		err:     &apierr.Error{Status: http.StatusBadGateway, Code: apierr.ProviderError, Message: told.Message},
		outcome: inference.UpstreamError, reason: "provider's stream began with an error", word: told.Code,
		raw: bytes.Clone(ev.Data), passOn: !s.to.translate && told.In(s.call.Surface.Dialect), another: true,
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
		} else if s.take(ev); s.ended {
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
	if c.Started && s.rec.TimeToFirstToken == nil {
		d := time.Since(s.call.Received)
		s.rec.TimeToFirstToken = &d
	}
	s.final = c.OnlyUsage || s.final && !c.JSON
	s.failed = s.failed || c.Error
	s.ended = c.End
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
	s.send()
	s.line.expect(s.config.IdleTimeout)
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

// finish decides how the stream ended, records it, and sends what was held back until then.
func (s *stream) finish(err error) {
	res := s.tracker.Result()
	complete := s.ended || res.Complete || res.Events == 0 && errors.Is(err, io.EOF) && !s.failed
	f := s.fault(err, complete)
	if f == nil && s.to.translate {
		s.encode(s.decoder.Close())
		if f = s.fault(err, complete); f == nil && res.Events == 0 {
			f = badGateway(nil, inference.UpstreamBroken, "the provider's stream had no answer in it")
		}
	}
	s.fillRecord(&res, complete)
	if f != nil {
		s.incomplete()
		s.rec.ErrorCode, s.rec.ErrorMessage = f.code(), f.message()
		s.rec.Attempts[len(s.rec.Attempts)-1].Error = f.reason
	}
	if s.endpoint.Strict {
		s.send() // the disk takes its time: what can go out, goes first
	}
	if s.isGone() {
		s.answered = true
		status := 0
		if s.started {
			status = s.head.Status
		}
		s.clientGone(status)
		return
	}
	outcome := inference.OK
	if f != nil {
		outcome = f.outcome
	}
	unrecorded := s.work.finish(outcome, s.head.Status)
	if s.mustNotAnswer(unrecorded) {
		s.sendEnd(s.errorEvent(unrecordedError()))
		return
	}
	s.sendEnd(s.lastEvents(f, err, res.Events > 0))
}

// fault returns what was wrong with the stream, nil for nothing.
func (s *stream) fault(err error, complete bool) *failure {
	switch {
	case s.failed:
		return badGateway(nil, inference.UpstreamBroken, "the provider reported an error in the middle of its answer")
	case errors.Is(err, errTooLarge) || errors.Is(err, sse.ErrTooLong):
		return badGateway(err, inference.UpstreamBroken, "the provider's stream is larger than this gateway allows")
	case !complete:
		return cutOff(context.Cause(s.line.ctx), err, true)
	default:
		return nil
	}
}

// lastEvents returns what tells the client that its stream is over.
func (s *stream) lastEvents(f *failure, err error, any bool) []byte {
	switch {
	case s.failed: // the client has been told
		return s.end
	case f != nil:
		return s.errorEvent(f.err)
	case s.to.translate:
		return s.encoder.AppendEnd(nil)
	case s.ended:
		return s.end
	case any && (s.call.Surface.DataOnly || !errors.Is(err, io.EOF)) && endsInDone(s.to.codec.Format):
		return sse.AppendEvent(nil, done) // all was said, but for this
	default:
		return nil
	}
}

var done = []byte("[DONE]")

func endsInDone(f wire.Format) bool { return f == wire.OpenAIChat || f == wire.OpenAICompletions }

// errorEvent tells a client in the middle of its stream what went wrong.
func (s *stream) errorEvent(e *apierr.Error) []byte {
	var dst []byte
	if s.open {
		dst = append(dst, "\n\n"...)
	}
	return s.streamError(dst, e)
}

func (s *stream) fillRecord(res *wire.Result, complete bool) {
	s.calledBy(s.to, res.Model)
	if s.stored != "" && res.HasUsage {
		s.places.paid(s.stored)
	}
	s.takeUsage(res.Usage, s.counts(res.HasUsage), s.final || complete, res.OutputChars)
	s.keepResponse(s.joined(res))
}

// joined returns the whole answer as the client would have got it without a stream.
func (s *stream) joined(res *wire.Result) []byte {
	if !s.to.translate || res.Joined == nil {
		return res.Joined
	}
	given, err := s.answerFor(s.to, res.Joined, &res.Answer)
	if err != nil {
		return res.Joined // of a stream that broke off there may be too little
	}
	return given
}

// sendEnd sends what is left, then the last events.
func (s *stream) sendEnd(last []byte) {
	s.out.b = append(s.out.b, last...)
	s.send()
	s.answered = true
}

// afterEnd is how long is waited for what may come after the last event, and how many bytes of it.
const (
	afterEnd      = 100 * time.Millisecond
	afterEndBytes = 64 << 10
)

// readToEnd reads what may come after the last event, nearly always nothing, so that the connection
// can be used again. A client of the provider's own format gets it too, since some say [DONE] where
// nobody waits for it; but after [DONE] nobody listens.
func (s *stream) readToEnd() {
	if !s.ended {
		return
	}
	s.src.before = nil
	s.line.expect(afterEnd)
	for n := 0; n < afterEndBytes; {
		ev, err := s.events.Next()
		if err != nil {
			return // anything but the end costs the connection, no more
		}
		n += len(ev.Raw)
		if s.to.translate || s.call.Surface.DataOnly || bytes.Contains(s.end, done) || s.isGone() || s.resp.Send(ev.Raw) != nil {
			return
		}
	}
}

// buffer is memory for the events of a stream, used by one after another.
type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return &buffer{make([]byte, 0, 8<<10)} }}

const maxPooled = 256 << 10

func (b *buffer) free() {
	if cap(b.b) <= maxPooled {
		b.b = b.b[:0]
		buffers.Put(b)
	}
}
