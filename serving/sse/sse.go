// Package sse reads and writes server-sent events, the framing of streamed answers.
//
// A Reader gives the events of a stream one by one, however reads cut them: in the middle of a
// line, of a CRLF or of a character. It takes what the standard allows (LF, CR, CRLF, a byte
// order mark, comments, several data lines, unknown fields), and gives of each event its data, its
// name, and its bytes as they came: what the Raw of all events adds up to is the stream itself. It
// is used by one goroutine. AppendEvent writes the data field alone, since some clients refuse
// any other.
package sse

import (
	"bytes"
	"errors"
	"io"
)

// ErrTooLong is returned for an event above the reader's bound. The reader can't go on.
var ErrTooLong = errors.New("event is too long")

// Event is one event. Its slices are good until the next call of Next.
type Event struct {
	// Data is the data lines joined by \n; empty for comments and what else is no event, which are
	// given for the sake of Raw.
	Data []byte
	Name []byte // event field, nil for none
	// Raw is the event as it was framed, with all that came since the one before.
	Raw []byte
	// Cut is set on data that the stream ended in, without the blank line that closes an event.
	// Some servers leave that line out after their last event; others were broken off.
	Cut bool
}

// Reader reads events.
type Reader struct {
	src      io.Reader
	maxEvent int
	buf      []byte // received; what is before start was handed out
	start    int    // of the event being read
	line     int    // of the line being read
	searched int    // up to where the line is known to have no end
	crlf     bool   // the last line ended in CRLF
	skipLF   bool   // the last line ended in CR, at the end of buf
	begun    bool   // the first line was read
	err      error

	data span   // of the event being read: its only data line, or
	join []byte // its data lines, when there are several
	n    int    // how many there are
	name span
}

// span is a piece of buf, relative to start.
type span struct{ from, to int }

const (
	firstRead = 8 << 10
	bom       = "\ufeff"
)

// NewReader returns a reader of src that refuses events of more than maxEvent bytes. buf is
// memory to start with and may be nil; Buffer gives it back, grown.
func NewReader(src io.Reader, maxEvent int, buf []byte) *Reader {
	return &Reader{src: src, maxEvent: maxEvent, buf: buf[:0]}
}

// Next returns the next event. It returns io.EOF at the end of the source, ErrTooLong, or the
// source's error; events received before come first.
func (r *Reader) Next() (Event, error) {
	r.n, r.data, r.name = 0, span{}, span{}
	for {
		from, to, ok := r.nextLine()
		if !ok {
			if err := r.fill(); err != nil {
				return r.last(err)
			}
			continue
		}
		if to-from > r.maxEvent || r.line-r.start > 2*r.maxEvent+firstRead {
			r.err = ErrTooLong
			return Event{}, r.err
		}
		if from == to {
			return r.event(false), nil
		}
		if err := r.take(from, to); err != nil {
			return Event{}, err
		}
	}
}

// take reads a line of the event.
func (r *Reader) take(from, to int) error {
	line := r.buf[from:to]
	field, value, _ := bytes.Cut(line, []byte{':'})
	value = bytes.TrimPrefix(value, []byte{' '})
	at := span{to - len(value) - r.start, to - r.start}
	switch string(field) {
	case "data":
		if r.dataLen()+len(value) >= r.maxEvent {
			r.err = ErrTooLong
			return r.err
		}
		switch r.n++; r.n {
		case 1:
			r.data = at
		case 2:
			r.join = append(append(r.join[:0], r.at(r.data)...), '\n')
			r.join = append(r.join, value...)
		default:
			r.join = append(append(r.join, '\n'), value...)
		}
	case "event":
		r.name = at
	}
	return nil
}

func (r *Reader) at(s span) []byte { return r.buf[r.start+s.from : r.start+s.to] }

func (r *Reader) dataLen() int {
	if r.n > 1 {
		return len(r.join)
	}
	return r.data.to - r.data.from
}

// event returns the event read and starts the next one.
func (r *Reader) event(cut bool) Event {
	e := Event{Raw: r.buf[r.start:r.line:r.line], Cut: cut}
	switch {
	case r.n > 1:
		e.Data = r.join
	case r.n == 1 && r.data.from < r.data.to:
		e.Data = r.at(r.data)
	}
	if r.name.from < r.name.to && len(e.Data) > 0 {
		e.Name = r.at(r.name)
	}
	r.start = r.line
	return e
}

// last returns what the stream ended in, then the error it ended with.
func (r *Reader) last(err error) (Event, error) {
	switch {
	case errors.Is(err, ErrTooLong):
	case r.dataLen() > 0:
		return r.event(true), nil
	case errors.Is(err, io.EOF) && r.line > r.start:
		return r.event(false), nil
	}
	return Event{}, err
}

// Buffer returns the reader's memory for another one. The reader must not be used any more.
func (r *Reader) Buffer() []byte { return r.buf[:0] }

// nextLine finds the next whole line, without its end, and moves past it.
func (r *Reader) nextLine() (from, to int, ok bool) {
	if r.skipLF && r.line < len(r.buf) {
		if r.buf[r.line] == '\n' {
			r.line++
			r.searched, r.crlf = r.line, true
		}
		r.skipLF = false
	}
	end, next := r.lineEnd()
	if end < 0 {
		return 0, 0, false
	}
	from = r.line
	r.line, r.searched = next, next
	if !r.begun {
		r.begun = true
		if bytes.HasPrefix(r.buf[from:end], []byte(bom)) {
			from += len(bom)
		}
	}
	return from, end, true
}

// lineEnd returns where the line ends and the next one starts, or -1.
func (r *Reader) lineEnd() (end, next int) {
	rest := r.buf[r.searched:]
	end = bytes.IndexByte(rest, '\n')
	if end >= 0 {
		rest = rest[:end]
	}
	if cr := bytes.IndexByte(rest, '\r'); cr >= 0 {
		end = cr
	}
	if end < 0 {
		r.searched = len(r.buf)
		if r.line < len(r.buf) && errors.Is(r.err, io.EOF) {
			return len(r.buf), len(r.buf) // what is left of a line
		}
		return -1, -1
	}
	end += r.searched
	next = end + 1
	switch {
	case r.buf[end] == '\n':
	case next < len(r.buf):
		if r.crlf = r.buf[next] == '\n'; r.crlf {
			next++
		}
	case r.crlf && r.err == nil:
		r.searched = end // the other half of the CRLF is about to come, and belongs to this line
		return -1, -1
	default:
		r.skipLF = true
	}
	return end, next
}

// fill reads more, also when that ends the source.
func (r *Reader) fill() error {
	if r.err != nil {
		return r.err
	}
	if len(r.buf)-r.line > r.maxEvent+len(bom) {
		r.err = ErrTooLong
		return r.err
	}
	r.makeRoom()
	n, err := r.src.Read(r.buf[len(r.buf):cap(r.buf)])
	r.buf, r.err = r.buf[:len(r.buf)+n], err
	return nil
}

// makeRoom moves the event being read to the start of the memory, or to a larger one.
func (r *Reader) makeRoom() {
	live := r.buf[r.start:]
	if len(live) > 0 && cap(r.buf)-len(r.buf) >= firstRead/4 {
		return
	}
	if size := max(2*len(live), firstRead); cap(r.buf) < size {
		r.buf = append(make([]byte, 0, max(4*len(live), firstRead)), live...)
	} else {
		r.buf = r.buf[:copy(r.buf[:len(live)], live)]
	}
	r.line, r.searched, r.start = r.line-r.start, r.searched-r.start, 0
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

// DataOnly returns whole events without all that is not data. It writes over the memory of events.
func DataOnly(events []byte) []byte {
	dst := events[:0]
	for rest := events; len(rest) > 0; {
		line, after, _ := bytes.Cut(rest, []byte{'\n'})
		if len(line) > 0 && !bytes.HasPrefix(line, []byte("data:")) {
			rest = after
			continue
		}
		if len(line) > 0 || len(dst) > 1 && dst[len(dst)-2] != '\n' { // one blank line is enough
			dst = append(append(dst, line...), '\n')
		}
		rest = after
	}
	return dst
}
