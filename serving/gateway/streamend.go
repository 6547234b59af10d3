package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/sse"
	"github.com/lakegate/lakegate/serving/wire"
)

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
	s.midway = f
	if f != nil {
		s.incomplete()
		s.rec.ErrorCode, s.rec.ErrorMessage = f.code(), f.message()
		s.rec.Attempts[s.winner-1].Error = f.reason
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
