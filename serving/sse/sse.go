// Package sse reads and writes server-sent events, the framing of streamed answers.
//
// A Reader gives the events of a stream one by one, however reads cut them: in the middle of a
// line, of a CRLF or of a character. It takes what the standard allows (LF, CR, CRLF, a byte
// order mark, comments, several data lines, unknown fields) and keeps only the data and the name;
// an event without data is none. It is used by one goroutine. AppendEvent writes the data field
// alone, since some clients refuse any other.
package sse

import (
	"bytes"
	"errors"
	"io"
)

// ErrTooLong is returned for an event above the reader's bound. The reader can't go on.
var ErrTooLong = errors.New("event is too long")

// Event is one event.
type Event struct {
	Data []byte // data lines joined by \n; good until the next call of Next
	Name []byte // event field, nil for none; good until the next call of Next
	// Cut is set on data that the stream ended in, without the blank line that closes an event.
	// Some servers leave that line out after their last event; others were broken off.
	Cut bool
}

// Reader reads events.
type Reader struct {
	// BeforeRead, when set, is called before each read of the source: all events received so
	// far were handed out, and the next may be long in coming.
	BeforeRead func()

	src      io.Reader
	maxEvent int
	mem      []byte // what buf is a part of, from its start
	buf      []byte // received and not split into lines yet
	searched int    // bytes of buf known to hold no end of line
	skipLF   bool   // the last line ended in CR at the end of buf
	started  bool
	err      error

	data, name []byte
}

const (
	firstRead = 8 << 10
	bom       = "\ufeff"
)

// NewReader returns a reader of src that refuses events of more than maxEvent bytes. buf is
// memory to start with and may be nil; Buffer gives it back, grown.
func NewReader(src io.Reader, maxEvent int, buf []byte) *Reader {
	return &Reader{src: src, maxEvent: maxEvent, mem: buf[:0], buf: buf[:0]}
}

// Next returns the next event. It returns io.EOF at the end of the source, ErrTooLong, or the
// source's error; events received before come first.
func (r *Reader) Next() (Event, error) {
	r.data, r.name = r.data[:0], nil
	has := false
	for {
		line, ok := r.line()
		if !ok {
			if err := r.fill(); err != nil {
				if has && len(r.data) > 0 {
					return Event{Data: r.data, Name: r.name, Cut: true}, nil
				}
				return Event{}, err
			}
			continue
		}
		if len(line) > r.maxEvent {
			r.err = ErrTooLong
			return Event{}, r.err
		}
		if len(line) == 0 {
			if has && len(r.data) > 0 {
				return Event{Data: r.data, Name: r.name}, nil
			}
			r.name, has = nil, false
			continue
		}
		field, value, _ := bytes.Cut(line, []byte{':'})
		value = bytes.TrimPrefix(value, []byte{' '})
		switch string(field) {
		case "data":
			if len(r.data)+len(value) >= r.maxEvent {
				r.err = ErrTooLong
				return Event{}, r.err
			}
			if has {
				r.data = append(r.data, '\n')
			}
			r.data, has = append(r.data, value...), true
		case "event":
			r.name = append([]byte(nil), value...)
		}
	}
}

// Buffer returns the reader's memory for another one. The reader must not be used any more.
func (r *Reader) Buffer() []byte { return r.mem }

// line takes the next whole line off buf, without its end.
func (r *Reader) line() ([]byte, bool) {
	if r.skipLF && len(r.buf) > 0 {
		if r.buf[0] == '\n' {
			r.buf = r.buf[1:]
		}
		r.skipLF = false
	}
	rest := r.buf[r.searched:]
	end := bytes.IndexByte(rest, '\n')
	if end >= 0 {
		rest = rest[:end]
	}
	if cr := bytes.IndexByte(rest, '\r'); cr >= 0 {
		end = cr
	}
	if end < 0 {
		r.searched = len(r.buf)
		return nil, false
	}
	end += r.searched
	line, next := r.buf[:end], end+1
	if r.buf[end] == '\r' {
		if next == len(r.buf) {
			r.skipLF = true
		} else if r.buf[next] == '\n' {
			next++
		}
	}
	r.buf, r.searched = r.buf[next:], 0
	if !r.started {
		r.started = true
		line = bytes.TrimPrefix(line, []byte(bom))
	}
	return line, true
}

// fill reads more. At the end of the source what is left of a line becomes a line, once.
func (r *Reader) fill() error {
	if r.err != nil {
		return r.err
	}
	if len(r.buf) > r.maxEvent+len(bom) {
		r.err = ErrTooLong
		return r.err
	}
	if r.BeforeRead != nil {
		r.BeforeRead()
	}
	r.makeRoom()
	n, err := r.src.Read(r.buf[len(r.buf):cap(r.buf)])
	r.buf = r.buf[:len(r.buf)+n]
	if err != nil {
		r.err = err
		if n := len(r.buf); errors.Is(err, io.EOF) && n > 0 && r.buf[n-1] != '\n' && r.buf[n-1] != '\r' {
			r.buf = append(r.buf, '\n')
		}
		return r.afterEnd()
	}
	return nil
}

// makeRoom moves what is left to the start of the memory, or to a larger one.
func (r *Reader) makeRoom() {
	if len(r.buf) == 0 {
		r.buf = r.mem
	}
	if cap(r.buf)-len(r.buf) >= firstRead/4 {
		return
	}
	if cap(r.mem) < max(2*len(r.buf), firstRead) {
		r.mem = make([]byte, 0, max(4*len(r.buf), firstRead))
	}
	r.buf = append(r.mem, r.buf...)
}

// afterEnd hands out the bytes that came with the error before the error itself.
func (r *Reader) afterEnd() error {
	if len(r.buf) > 0 {
		return nil
	}
	return r.err
}

// AppendEvent appends an event with the given data and nothing else.
func AppendEvent(dst, data []byte) []byte {
	for {
		i := bytes.IndexByte(data, '\n')
		if i < 0 {
			break
		}
		dst = append(append(dst, "data: "...), data[:i+1]...)
		data = data[i+1:]
	}
	dst = append(append(dst, "data: "...), data...)
	return append(dst, "\n\n"...)
}
