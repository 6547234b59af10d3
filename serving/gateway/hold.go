package gateway

import (
	"bytes"

	"github.com/lakegate/lakegate/serving/wire"
)

// How much of a stream is held back that has no token in it, as no model's answer begins.
const (
	maxHeld      = 1 << 20 // bytes; some answers begin by repeating the request
	maxHeldCount = 32      // events
)

// hold decides whether the beginning of a stream is held back until its first token: where another
// attempt may follow, and where tokens can be told from what is around them.
func (s *stream) hold() {
	if op := s.to.codec.Operation; op != wire.OpChat && op != wire.OpCompletions {
		s.begin()
		return
	}
	s.held = s.more
}

// begin lets a stream go out, if it may.
func (s *stream) begin() {
	if s.lost = !s.claim(); s.lost {
		return
	}
	s.begun, s.held = true, false
	s.line.shown()
}

// watch looks at an event that was taken: a stream begins with its first token, and also when the
// client left or when what comes looks like nothing we know.
func (s *stream) watch(c *wire.Chunk, data []byte) {
	if s.begun {
		return
	}
	s.count++
	switch {
	case c.Error && s.held:
		s.early = bytes.Clone(data)
	case c.Started || s.size > maxHeld || s.count > maxHeldCount || s.isGone():
		s.begin()
	}
}

// takeBack makes a failure of a stream that went wrong before its first token, so that another
// attempt may follow. nil: it is all of an answer that has nothing to see.
func (s *stream) takeBack(err error) *failure {
	s.held = false
	if s.isGone() {
		return nil
	}
	res := s.tracker.Result()
	f := s.earlyFault(err, &res)
	if f != nil {
		f.used = usedBy(res.Usage, res.HasUsage, s.final)
	}
	return f
}

// earlyFault is what was wrong with a stream that the client has nothing of, nil for nothing.
func (s *stream) earlyFault(err error, res *wire.Result) *failure {
	if s.failed {
		told, _ := wire.ParseError(s.early)
		if told.Message == "" {
			told.Message = "the provider's stream began with an error"
		}
		return s.errorOf(s.early, told)
	}
	return s.fault(err, s.ended || res.Complete)
}
