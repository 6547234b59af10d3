package serving

import (
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/wire"
)

// call hands a request to the gateway.
func (s *Server) call(c echo.Context, surface gateway.Surface, options ...option) {
	r := c.Request()
	w := c.Response().Writer
	c.Response().Committed = true // the responder writes past echo
	rc := http.NewResponseController(w)
	if r.ContentLength != 0 {
		// A client that sends a byte a minute would hold its place for ever, also one that is
		// refused before its body is read. readBody takes the deadline away again: left in place
		// it would end the request's context in the middle of a long answer.
		_ = rc.SetReadDeadline(time.Now().Add(s.config.BodyTimeout)) // not every writer has deadlines
	}
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		ip = r.RemoteAddr
	}
	call := gateway.Call{
		ID:       inference.NewID(),
		Received: time.Now(),
		Surface:  surface,
		Token:    tokenOf(r),
		Body:     func(limit int64) ([]byte, *apierr.Error) { return s.readBody(r, rc, limit) },
		Boundary: boundaryOf(r.Header),
		Tags:     r.Header["Databricks-Ai-Gateway-Request-Tags"],
		Header:   passedOn(r.Header), ClientHeader: r.Header,
		URL:         r.URL.Path,
		TraceParent: r.Header.Get("Traceparent"), TraceState: r.Header.Get("Tracestate"),
		UserAgent: r.UserAgent(),
		RemoteIP:  ip,
	}
	call.NoCache, call.NoStore = cacheControl(r.Header["Cache-Control"])
	for _, o := range options {
		o(c, &call)
	}
	out := &responder{w: w, rc: rc, timeout: s.config.WriteTimeout, dialect: surface.Dialect}
	if call.Stream && surface.Format == wire.GeminiGenerate && r.URL.Query().Get("alt") != "sse" {
		a := &arrays{responder: out}
		s.gateway.Do(r.Context(), &call, a)
		a.close()
	} else {
		s.gateway.Do(r.Context(), &call, out)
	}
	if out.aborted {
		panic(http.ErrAbortHandler) // net/http's way to cut a client off
	}
}

// cacheControl reads what a client says of the response cache. Other directives mean nothing here.
func cacheControl(values []string) (noCache, noStore bool) {
	for _, v := range values {
		for d := range strings.SplitSeq(v, ",") {
			switch d = strings.TrimSpace(d); {
			case strings.EqualFold(d, "no-cache"):
				noCache = true
			case strings.EqualFold(d, "no-store"):
				noStore = true
			}
		}
	}
	return noCache, noStore
}

// passing are the headers of clients that providers may have to see.
var passing = []string{"Anthropic-Beta", "Anthropic-Version", "Openai-Beta", "Idempotency-Key"}

// passedOn returns what of a client's header goes on to the provider, nil for nothing.
func passedOn(h http.Header) http.Header {
	var some http.Header
	for _, name := range passing {
		if v := h[name]; len(v) > 0 {
			if some == nil {
				some = http.Header{}
			}
			some[name] = v
		}
	}
	return some
}

// boundaryOf returns the boundary of a form, "" when the body is none.
func boundaryOf(h http.Header) string {
	kind := h.Get("Content-Type")
	if len(kind) < 10 || !strings.EqualFold(kind[:10], "multipart/") {
		return ""
	}
	media, params, err := mime.ParseMediaType(kind)
	if err != nil || media != "multipart/form-data" {
		return ""
	}
	return params["boundary"]
}

// tokenOf returns the API key of a request, as the clients of OpenAI, Databricks, Azure, Anthropic
// and Google send it. Google's may have it in the query, which is not in any row.
func tokenOf(r *http.Request) string {
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	for _, name := range []string{"X-Api-Key", "Api-Key", "X-Goog-Api-Key"} {
		if k := r.Header.Get(name); k != "" {
			return k
		}
	}
	if r.URL.RawQuery != "" && dialectOf(r.URL.Path) == apierr.Google {
		return r.URL.Query().Get("key")
	}
	return ""
}

// readBody reads a request's body of at most limit bytes, as one slice of its own.
func (s *Server) readBody(r *http.Request, rc *http.ResponseController, limit int64) ([]byte, *apierr.Error) {
	if enc := r.Header.Get("Content-Encoding"); enc != "" && enc != "identity" {
		return nil, &apierr.Error{Status: http.StatusUnsupportedMediaType, Code: apierr.BadRequest, Message: "send the body without Content-Encoding"}
	}
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	b, err := readAll(r.Body, r.ContentLength, limit)
	if err == nil {
		_ = rc.SetReadDeadline(time.Time{})
	}
	switch {
	case errors.Is(err, errTooLarge):
		return nil, tooLarge(limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, (&apierr.Error{Status: http.StatusRequestTimeout, Code: apierr.BadRequest, Message: "the request body took too long to arrive"}).Because(err)
	case err != nil:
		return nil, apierr.New(apierr.BadRequest, "the request body broke off").Because(err)
	}
	return b, nil
}

func tooLarge(limit int64) *apierr.Error {
	return apierr.New(apierr.TooLarge, "the request body is larger than %d bytes", limit)
}

var errTooLarge = errors.New("body is too large")

// readAll reads a body. size is its length if that is known, or below 0.
func readAll(body io.Reader, size, limit int64) ([]byte, error) {
	if size < 0 {
		size = 4 << 10
	}
	b := make([]byte, 0, size+1) // one more, so that the read that meets the end has room
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case int64(len(b)) > limit:
			return nil, errTooLarge
		case errors.Is(err, io.EOF):
			return b, nil
		case err != nil:
			return nil, err
		}
	}
}
