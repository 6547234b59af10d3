package gateway

import (
	"io"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/sse"
)

// events gives the events of a stream one by one, and io.EOF or another error at its end.
type events interface{ Next() (sse.Event, error) }

// AWSReader reads AWS's binary event streams. What it returns is good until the next call.
type AWSReader interface {
	// Next returns an event: its type, its payload and its bytes as they came.
	Next() (name, data, raw []byte, err error)
}

// awsEvents makes an AWSReader give events.
type awsEvents struct{ AWSReader }

func (a awsEvents) Next() (sse.Event, error) {
	name, data, raw, err := a.AWSReader.Next()
	return sse.Event{Name: name, Data: data, Raw: raw}, err
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
