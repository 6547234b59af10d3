package serving

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/gateway"
)

// responder writes a call's answer as an HTTP response.
type responder struct {
	w        http.ResponseWriter
	rc       *http.ResponseController
	timeout  time.Duration
	deadline time.Time // for writes, moved on only now and then
	dialect  apierr.Dialect
	started  bool // a stream has begun
	aborted  bool // and is to be cut off
}

// Header values that never change are shared by all responses: net/http only reads them.
var (
	noCache  = []string{"no-cache"}
	noBuffer = []string{"no"}
	bearer   = []string{"Bearer"}
	onlyPost = []string{http.MethodPost}
)

func (r *responder) head(h *gateway.Head) http.Header {
	header := r.w.Header()
	id := []string{h.ID.String()}
	header["X-Request-Id"] = id
	header["X-Databricks-Request-Id"] = id
	if r.dialect == apierr.Anthropic {
		header["Request-Id"] = id // where Anthropic's SDKs look
	}
	if h.ContentType != "" {
		header["Content-Type"] = []string{h.ContentType}
	}
	if h.ServedModel != "" {
		header["Served-Model-Name"] = []string{h.ServedModel}
	}
	if len(h.Dropped) > 0 {
		header["X-Lakegate-Dropped"] = []string{fieldList(h.Dropped)}
	}
	if h.Cache != "" {
		header["X-Lakegate-Cache"] = []string{string(h.Cache)}
	}
	if h.Cache == gateway.CacheHit {
		header["Age"] = []string{strconv.FormatInt(int64(h.Age/time.Second), 10)}
	}
	if h.Prompt != 0 {
		header["X-Lakegate-Prompt-Version"] = []string{strconv.FormatInt(h.Prompt, 10)}
	}
	if h.RetryAfter != "" {
		header["Retry-After"] = []string{h.RetryAfter}
	}
	if h.Err != nil {
		switch h.Err.Code {
		case apierr.Unauthenticated:
			header["Www-Authenticate"] = bearer
		case apierr.MethodNotAllowed:
			header["Allow"] = onlyPost
		}
	}
	return header
}

// fieldList returns names of fields as a header may have them: they are the client's own words.
func fieldList(names []string) string {
	const most = 2 << 10
	var b strings.Builder
	for i, n := range names {
		if b.Len() > most {
			b.WriteString(", ...")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		for _, c := range n {
			if c < ' ' || c > '~' {
				c = '?'
			}
			b.WriteRune(c)
		}
	}
	return b.String()
}

// Answer implements gateway.Responder.
func (r *responder) Answer(h *gateway.Head, body []byte) error {
	r.head(h)["Content-Length"] = []string{strconv.Itoa(len(body))}
	r.extend()
	r.w.WriteHeader(h.Status)
	_, err := r.w.Write(body)
	return err
}

// Start implements gateway.Responder. The header leaves with the first events.
func (r *responder) Start(h *gateway.Head) error {
	header := r.head(h)
	header["Cache-Control"] = noCache
	header["X-Accel-Buffering"] = noBuffer // nginx would collect events otherwise
	r.started = true
	r.w.WriteHeader(h.Status)
	return nil
}

// Send implements gateway.Responder.
func (r *responder) Send(events []byte) error {
	r.extend()
	if _, err := r.w.Write(events); err != nil {
		return err
	}
	return r.rc.Flush()
}

// Abort implements gateway.Responder. The connection is cut when the call is done.
func (r *responder) Abort() { r.aborted = true }

// extend moves the deadline for writes on: a client that takes nothing for so long counts as gone.
// It is moved when a quarter has passed, not at each of a stream's events. Serve sees to it that
// it does not outlive the request.
func (r *responder) extend() {
	now := time.Now()
	if r.deadline.Sub(now) > r.timeout*3/4 {
		return
	}
	r.deadline = now.Add(r.timeout)
	_ = r.rc.SetWriteDeadline(r.deadline) // not every writer has deadlines
}
