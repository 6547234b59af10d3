package gateway

import (
	"io"
	"sync"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/sse"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/bedrock"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// events gives the events of a stream one by one, and io.EOF or another error at its end.
type events interface{ Next() (sse.Event, error) }

// awsEvents makes AWS's binary messages events.
type awsEvents struct{ *bedrock.Reader }

func (a awsEvents) Next() (sse.Event, error) {
	name, data, raw, err := a.Reader.Next()
	return sse.Event{Name: name, Data: data, Raw: raw}, err
}

// newEvents returns a reader of events that begins with the memory of in, and a function that gives
// that back.
func (w *work) newEvents(a *answer, src io.Reader, in *buffer) (events, func()) {
	if a.up.Framing == provider.AWSEvents {
		r := bedrock.NewReader(src, w.config.MaxEvent, in.b)
		r.Unwrap = a.codec.Format != wire.BedrockConverse // another API's events, one per message
		return awsEvents{r}, func() { in.b = r.Buffer() }
	}
	r := sse.NewReader(src, w.config.MaxEvent, in.b)
	return r, func() { in.b = r.Buffer() }
}

// source is an upstream's body. before is called before each read: all that was received so far
// was handed out, and more may be long in coming.
type source struct {
	io.Reader
	before func()
}

func (s *source) Read(p []byte) (int, error) {
	if s.before != nil {
		s.before()
	}
	return s.Reader.Read(p)
}

// streamError appends what tells a client in the middle of its stream what went wrong.
func (w *work) streamError(dst []byte, e *apierr.Error) []byte {
	if w.codec == nil || w.codec.AppendStreamError == nil {
		return sse.AppendEvent(dst, e.Body(w.call.Surface.Dialect))
	}
	return w.codec.AppendStreamError(dst, e)
}

// streamError is work's, but for formats whose error goes on where their stream was.
func (s *stream) streamError(dst []byte, e *apierr.Error) []byte {
	if f, ok := s.encoder.(chat.Failing); ok {
		return f.AppendFailure(dst, e)
	}
	return s.work.streamError(dst, e)
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
