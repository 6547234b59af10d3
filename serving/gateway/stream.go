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
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/sse"
	"github.com/lakegate/lakegate/serving/wire/openai"
)

var done = []byte("[DONE]")

// stream is a streamed answer on its way to the client.
type stream struct {
	*work
	line   *line
	events *sse.Reader
	joiner openai.Joiner
	out    *buffer // events not sent yet
	head   Head

	hideUsage bool  // the client did not ask for the chunk that has usage only
	size      int64 // bytes of events
	leftAt    int64 // size when the client left, -1 before
	final     bool  // nothing came after the chunk that has usage only
	failed    bool  // the provider reported an error in the stream
	ended     bool  // [DONE] came
}

// stream passes a streamed answer on. Until its first event is here it can still fail without
// the client knowing.
func (w *work) stream(e *endpoint.Entity, l *line, resp *http.Response, start time.Time, askUsage bool) *failure {
	in := buffers.Get().(*buffer)
	s := &stream{work: w, line: l, events: sse.NewReader(resp.Body, w.config.MaxEvent, in.b), out: buffers.Get().(*buffer), leftAt: -1}
	s.joiner.Keep = w.rec.Payload.Table != ""
	s.hideUsage = askUsage
	s.head = Head{ID: w.rec.ID, Status: resp.StatusCode, ContentType: "text/event-stream; charset=utf-8", ServedModel: e.Name}
	defer func() {
		in.b = s.events.Buffer()
		in.free()
		s.out.free()
	}()
	first, err := s.events.Next()
	if err != nil {
		return s.noFirst(err)
	}
	if f := s.firstIsError(first.Data); f != nil {
		return f
	}
	s.events.BeforeRead = s.beforeRead
	err = s.pass(first)
	w.note(e, resp.StatusCode, start, "")
	s.finish(err)
	s.readToEnd()
	return nil
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
func (s *stream) firstIsError(data []byte) *failure {
	if !bytes.Contains(data, []byte(`"error"`)) {
		return nil
	}
	told, ok := openai.ParseError(data)
	if !ok || told.Message == "" || bytes.Contains(data, []byte(`"choices"`)) {
		return nil
	}
	return &failure{
		err:     &apierr.Error{Status: http.StatusBadGateway, Code: apierr.ProviderError, Message: told.Message},
		outcome: inference.UpstreamError, reason: "provider's stream began with an error", word: told.Code,
		raw: bytes.Clone(data), passOn: told.OpenAIShaped, another: true,
	}
}

// pass takes events until the stream ends: [DONE] gives nil, anything else its error.
func (s *stream) pass(ev sse.Event) error {
	for {
		s.size += int64(len(ev.Data))
		if bytes.Equal(ev.Data, done) {
			s.ended = true
			return nil
		}
		if s.size > s.config.MaxAnswer {
			return errTooLarge
		}
		s.take(ev)
		var err error
		if ev, err = s.events.Next(); err != nil {
			return err
		}
	}
}

// take reads an event and puts it among those to send.
func (s *stream) take(ev sse.Event) {
	c := s.joiner.Add(ev.Data)
	if s.joiner.Started && s.rec.TimeToFirstToken == nil {
		d := time.Since(s.call.Received)
		s.rec.TimeToFirstToken = &d
	}
	s.final = c.OnlyUsage || s.final && !c.JSON
	if c.Error {
		s.failed = true
	}
	if s.isGone() || c.OnlyUsage && s.hideUsage || ev.Cut && !c.JSON {
		return
	}
	s.out.b = sse.AppendEvent(s.out.b, ev.Data)
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
	if len(s.out.b) > 0 && s.resp.Send(s.out.b) != nil {
		s.clientLeft()
	}
}

// finish decides how the stream ended, records it, and sends what was held back until then.
func (s *stream) finish(err error) {
	complete := s.ended || s.joiner.Finished() || s.joiner.Chunks == 0 && errors.Is(err, io.EOF) && !s.failed
	s.fillRecord(complete)
	var f *failure
	switch {
	case s.failed:
		f = badGateway(nil, inference.UpstreamBroken, "the provider reported an error in the middle of its answer")
	case errors.Is(err, errTooLarge) || errors.Is(err, sse.ErrTooLong):
		f = badGateway(err, inference.UpstreamBroken, "the provider's stream is larger than this gateway allows")
	case !complete:
		f = cutOff(context.Cause(s.line.ctx), err, true)
	}
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
	switch {
	case s.mustNotAnswer(unrecorded):
		s.sendEnd(unrecordedError().Body(apierr.OpenAI))
	case s.failed: // the client has been told
		s.sendEnd(nil)
	case f != nil:
		s.sendEnd(f.err.Body(apierr.OpenAI)) // as the chunks are, whatever the surface
	case s.ended || s.joiner.Chunks > 0:
		s.sendEnd(done)
	default:
		s.sendEnd(nil)
	}
}

func (s *stream) fillRecord(complete bool) {
	j := &s.joiner
	if j.Model != "" {
		s.rec.Target.Model = clip(j.Model, maxName)
	}
	var chars *int64
	if j.Chunks > 0 {
		chars = &j.OutputChars
	}
	s.takeUsage(j.Usage, j.HasUsage, s.final || complete, chars)
	s.keepResponse(j.Bytes())
}

// sendEnd sends what is left, then the given last event.
func (s *stream) sendEnd(data []byte) {
	if data != nil {
		s.out.b = sse.AppendEvent(s.out.b, data)
	}
	s.send()
	s.answered = true
}

// readToEnd reads what may come after [DONE], nearly always nothing, so that the connection can be
// used again.
func (s *stream) readToEnd() {
	if !s.ended {
		return
	}
	s.events.BeforeRead = nil
	s.line.expect(100 * time.Millisecond)
	_, _ = s.events.Next() // anything but the end costs the connection, no more
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
