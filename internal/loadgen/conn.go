package loadgen

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"time"
)

// States of a connection of an open loop.
const (
	idleConn int32 = iota
	busyConn
	deadConn
)

// conn is one connection. One goroutine reads it; another may write to it.
type conn struct {
	nc     net.Conn
	in     *bufio.Reader
	stream bool
	body   []byte // of the stream being read
	due    atomic.Int64
	state  atomic.Int32
}

func newConn(nc net.Conn, stream bool) *conn {
	return &conn{nc: nc, in: bufio.NewReaderSize(nc, 16<<10), stream: stream}
}

// reply is what is known of an answer.
type reply struct {
	status int
	close  bool      // the connection ends with it
	first  time.Time // when the first event was there
	events int
	whole  bool // a stream ended with [DONE]
	done   time.Time
}

func (c *conn) exchange(request []byte) (reply, error) {
	if _, err := c.nc.Write(request); err != nil {
		return reply{}, err
	}
	return c.receive()
}

// send writes a request. When that fails the reader will see the connection closed.
func (c *conn) send(request []byte) {
	if _, err := c.nc.Write(request); err != nil {
		_ = c.nc.Close()
	}
}

// receive reads one answer to its end.
func (c *conn) receive() (reply, error) {
	r, length, err := c.head()
	if err == nil {
		err = c.readBody(&r, length)
	}
	r.done = time.Now()
	if c.stream && err == nil {
		r.events = bytes.Count(c.body, []byte("\ndata: {"))
		if bytes.HasPrefix(c.body, []byte("data: {")) {
			r.events++
		}
		r.whole = bytes.HasSuffix(c.body, []byte("data: [DONE]\n\n"))
	}
	return r, err
}

// Lengths of bodies that are not counted in bytes.
const (
	chunkedBody  = -1
	untilClosing = -2
)

var errNotHTTP = errors.New("the answer is not HTTP/1.1")

// head reads the status line and the headers.
func (c *conn) head() (r reply, length int64, err error) {
	line, err := c.line()
	if err != nil {
		return r, 0, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return r, 0, errNotHTTP
	}
	if r.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return r, 0, errNotHTTP
	}
	length = untilClosing
	for {
		if line, err = c.line(); err != nil {
			return r, 0, err
		}
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("content-length")):
			if length, err = strconv.ParseInt(string(value), 10, 64); err != nil || length < 0 {
				return r, 0, errNotHTTP
			}
		case bytes.EqualFold(name, []byte("transfer-encoding")):
			length = chunkedBody
		case bytes.EqualFold(name, []byte("connection")):
			r.close = bytes.EqualFold(value, []byte("close"))
		}
	}
	r.close = r.close || length == untilClosing
	return r, length, nil
}

// line reads a line without its end. It is valid until the next read.
func (c *conn) line() ([]byte, error) {
	b, err := c.in.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	return bytes.TrimRight(b, "\r\n"), nil
}

func (c *conn) readBody(r *reply, length int64) error {
	c.body = c.body[:0]
	switch length {
	case untilClosing:
		_, err := io.Copy(io.Discard, c.in)
		return err
	case chunkedBody:
		return c.chunks(r)
	}
	return c.part(r, length)
}

// part reads n bytes of body: it keeps those of a stream and drops others.
func (c *conn) part(r *reply, n int64) error {
	if !c.stream {
		_, err := c.in.Discard(int(n))
		return err
	}
	for n > 0 {
		if _, err := c.in.Peek(1); err != nil {
			return err
		}
		b, err := c.in.Peek(int(min(n, int64(c.in.Buffered()))))
		if err != nil {
			return err
		}
		c.body = append(c.body, b...)
		n -= int64(len(b))
		if _, err := c.in.Discard(len(b)); err != nil {
			return err
		}
		if r.first.IsZero() && bytes.Contains(c.body, []byte("data: ")) {
			r.first = time.Now()
		}
	}
	return nil
}

func (c *conn) chunks(r *reply) error {
	for {
		line, err := c.line()
		if err != nil {
			return err
		}
		size, _, _ := bytes.Cut(line, []byte(";"))
		n, err := strconv.ParseInt(string(bytes.TrimSpace(size)), 16, 32)
		if err != nil {
			return fmt.Errorf("chunk size %q: %w", size, errNotHTTP)
		}
		if n > 0 {
			if err := c.part(r, n); err != nil {
				return err
			}
		}
		for { // the end of the line after a chunk; after the last one, trailers up to an empty line
			if line, err = c.line(); err != nil {
				return err
			}
			if len(line) == 0 {
				break
			}
			if n > 0 {
				return errNotHTTP
			}
		}
		if n == 0 {
			return nil
		}
	}
}
