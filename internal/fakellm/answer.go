package fakellm

import (
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// answer is one request being answered.
type answer struct {
	s      *Server
	w      http.ResponseWriter
	r      *http.Request
	p      *Plan
	status int
	zip    *gzip.Writer
}

// Header values that never change; net/http only reads them.
var (
	typeJSON   = []string{"application/json"}
	typeEvents = []string{"text/event-stream; charset=utf-8"}
	noCache    = []string{"no-cache"}
	version    = []string{"2020-10-01"}
)

// run gives the answer, and reports whether all of it was sent.
func (a *answer) run() bool {
	s := &a.p.Script
	if s.Reset {
		a.reset()
		return false
	}
	if !a.wait(s.Latency) {
		return false
	}
	switch {
	case s.Hang == 0:
		a.hang()
		return false
	case s.Status != 0:
		return a.fail()
	case s.Body != "":
		return a.oddBody()
	case a.p.Kind == Embeddings:
		return a.embeddings()
	case a.p.Stream && a.p.Kind == Messages:
		return a.messageStream()
	case a.p.Stream:
		return a.stream()
	}
	b := getBuffer()
	defer putBuffer(b)
	if a.p.Kind == Messages {
		b.b = a.p.appendMessage(b.b)
	} else {
		b.b = a.p.appendJSON(b.b)
	}
	return a.send(http.StatusOK, typeJSON, b.b)
}

// head sends the status line and the headers. length is -1 for a stream.
func (a *answer) head(status int, contentType []string, length int) {
	a.status = status
	h := a.w.Header()
	h["Content-Type"] = contentType
	h["Openai-Version"] = version
	h["X-Request-Id"] = []string{a.p.id("req_")}
	if a.p.Script.Gzip {
		h["Content-Encoding"] = []string{"gzip"}
		a.zip = gzip.NewWriter(a.w)
	} else if length >= 0 {
		h["Content-Length"] = []string{strconv.Itoa(length)}
	}
	if length < 0 {
		h["Cache-Control"] = noCache
	}
	a.w.WriteHeader(status)
}

// send sends a whole answer.
func (a *answer) send(status int, contentType []string, body []byte) bool {
	a.head(status, contentType, len(body))
	if a.zip == nil {
		_, err := a.w.Write(body)
		return err == nil
	}
	if _, err := a.zip.Write(body); err != nil {
		return false
	}
	return a.zip.Close() == nil
}

// out is where a stream's events are written.
func (a *answer) out() io.Writer {
	if a.zip != nil {
		return a.zip
	}
	return a.w
}

// flush passes on what was written. It reports whether the client is still there.
func (a *answer) flush() bool {
	if a.zip != nil && a.zip.Flush() != nil {
		return false
	}
	return http.NewResponseController(a.w).Flush() == nil
}

// wait pauses. It reports false when the client left or the server is closing.
func (a *answer) wait(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-a.r.Context().Done():
		return false
	case <-a.s.closed:
		return false
	}
}

// hang is silent until the client leaves, the server closes or the longest silence is over.
func (a *answer) hang() { a.wait(a.s.cfg.MaxHang) }

// reset closes the connection without an answer.
func (a *answer) reset() {
	c, _, err := http.NewResponseController(a.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2: the stream is reset
	}
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}
