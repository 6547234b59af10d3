package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/provider"
)

// attempt calls an entity once. nil means that the client has its answer.
func (w *work) attempt(t *target) *failure {
	start, e := time.Now(), t.entity
	w.sent = start
	l := w.open()
	defer w.close(l)
	w.trying(start)
	r, up, f := w.request(l.ctx, t)
	if f != nil {
		return w.failed(e, start, f)
	}
	resp, err := w.Transport.RoundTrip(r)
	if err != nil {
		return w.failed(e, start, cutOff(context.Cause(l.ctx), err, false))
	}
	defer resp.Body.Close()
	w.answers(resp.StatusCode)
	f = w.answer(&answer{target: t, line: l, resp: resp, start: start, up: up})
	if f != nil {
		f.status = resp.StatusCode
		f.raw = scrub(f.raw, e)
		return w.failed(e, start, f)
	}
	return nil
}

// failed notes an attempt that came to nothing. Of one that lost a race the winner has taken note.
func (w *work) failed(e *endpoint.Entity, start time.Time, f *failure) *failure {
	if f.lost {
		return f
	}
	w.noteUsed(e, f.status, start, f.reason, f.used)
	w.Logger.Warn("an attempt failed", "request_id", w.rec.ID, "endpoint", w.endpoint.Name, "entity", e.Name,
		"status", f.status, "reason", f.reason, "error", f.err.Err)
	return f
}

// request makes the HTTP request. It can be sent again on a fresh connection when the kept one
// turns out to be closed.
func (w *work) request(ctx context.Context, t *target) (*http.Request, *provider.Upstream, *failure) {
	w.rec.Target.UpstreamAPI = string(t.codec.Format)
	body, f := w.body(t)
	if f != nil {
		return nil, nil, f
	}
	ask := provider.Ask{
		Entity: t.entity, Format: t.codec.Format, Stream: w.streaming, Body: body,
		Header: w.passedOn(t.entity), Method: w.call.Method, Suffix: w.call.Suffix,
	}
	if w.req.IsForm() {
		ask.ContentType = mime.FormatMediaType("multipart/form-data", map[string]string{"boundary": w.call.Boundary})
	}
	if w.call.Stored != nil {
		ask.Query = w.call.Stored.Query
	}
	up, err := t.provider.Build(&ask)
	if err != nil {
		f := badGateway(err, inference.InternalFailure, "the provider can't be asked this")
		f.err.Status = http.StatusInternalServerError
		return nil, nil, f
	}
	if up.Method == "" {
		up.Method = http.MethodPost
	}
	r := &http.Request{
		Method: up.Method, URL: up.URL, Host: up.URL.Host, Header: up.Header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if len(up.Body) > 0 {
		r.ContentLength = int64(len(up.Body))
		r.Body = io.NopCloser(bytes.NewReader(up.Body))
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(up.Body)), nil }
	}
	r = r.WithContext(ctx)
	if a := t.entity.Auth; a != nil {
		if err := a.Apply(ctx, r, up.Body); err != nil {
			return nil, nil, noCredential(context.Cause(ctx), err)
		}
	}
	if w.span != nil {
		w.span.Inject(r.Header)
	}
	return r, &up, nil
}

const idempotencyKey = "Idempotency-Key"

// passedOn returns what of the client's header goes on to an entity. A key that says which requests are
// the same is for the first that is asked: what another one is asked is not the same.
func (w *work) passedOn(e *endpoint.Entity) http.Header {
	h := w.call.Header
	if h[idempotencyKey] == nil {
		return h
	}
	first := w.call.purpose == "" && (len(w.rec.Attempts) == 0 || w.rec.Attempts[0].ServedEntity == e.Name)
	if first && (w.racer == nil || w.racer.action == "") {
		return h
	}
	h = maps.Clone(h)
	delete(h, idempotencyKey)
	return h
}

// noCredential explains a credential that could not be had.
func noCredential(cause, err error) *failure {
	if cause != nil {
		return cutOff(cause, err, false)
	}
	return badGateway(err, inference.UpstreamError, "the gateway could not get its credential for the provider")
}

// answer is an upstream's answer as it begins.
type answer struct {
	*target
	line  *line
	resp  *http.Response
	start time.Time
	up    *provider.Upstream
}

// answer takes the provider's answer, whatever it is.
func (w *work) answer(a *answer) *failure {
	media := mediaType(a.resp.Header.Get("Content-Type"))
	if enc := a.resp.Header.Get("Content-Encoding"); enc != "" && enc != "identity" {
		return badGateway(nil, inference.UpstreamError, fmt.Sprintf("the provider sent an answer encoded as %s, which nobody asked for", clip(enc, 20)))
	}
	if a.resp.StatusCode < 200 || a.resp.StatusCode > 299 {
		a.line.began()
		return w.providerError(a, media)
	}
	if media == streamMedia[a.up.Framing] {
		if !w.streaming {
			return badGateway(nil, inference.UpstreamError, "the provider streamed an answer that was to come whole")
		}
		return w.stream(a)
	}
	a.line.began()
	if isRaw(a.codec.Format, media) {
		return w.raw(a)
	}
	if media != "" && !isJSON(media) {
		f := badGateway(nil, inference.UpstreamError, fmt.Sprintf("the provider answered with %s instead of JSON", clip(media, 60)))
		f.raw, _ = w.readAll(a.line, a.resp, maxErrorPage) // as far as it gets, for the payload
		return f
	}
	return w.whole(a)
}

// streamMedia is the content type of streams by their framing.
var streamMedia = map[provider.Framing]string{
	provider.SSE:       "text/event-stream",
	provider.AWSEvents: "application/vnd.amazon.eventstream",
}

// maxErrorPage bounds how much of a useless answer is read, in bytes.
const maxErrorPage = 1 << 20

// mediaType returns a content type without its parameters.
func mediaType(header string) string {
	media, _, _ := strings.Cut(header, ";")
	return strings.ToLower(strings.TrimSpace(media))
}

func isJSON(media string) bool {
	return media == "application/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json")
}

var errTooLarge = errors.New("answer is too large")

// readAll reads a whole body of at most limit bytes. What was read comes back with the error too.
func (w *work) readAll(l *line, resp *http.Response, limit int64) ([]byte, error) {
	size := resp.ContentLength
	if size > limit {
		return nil, errTooLarge
	}
	if size < 0 {
		size = 4 << 10
	}
	b := make([]byte, 0, size+1) // one more, so that the read that meets the end has room
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		l.expect(w.silence())
		n, err := resp.Body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case int64(len(b)) > limit:
			return b[:limit], errTooLarge
		case errors.Is(err, io.EOF):
			return b, nil
		case err != nil:
			return b, err
		}
	}
}

// clientGone finishes a call whose client left. status is what it saw, 0 for nothing.
func (w *work) clientGone(status int) {
	w.rec.ErrorCode, w.rec.ErrorMessage = string(apierr.ClientClosed), "the client left before the end of the answer"
	_ = w.finish(inference.ClientGone, status) // counted by finish; there is nobody to tell
}

// usedBy is what an attempt took whose answer is no use, nil when its provider did not say. final says
// that it is the last count.
func usedBy(u inference.Usage, has, final bool) *inference.Usage {
	if !has {
		return nil
	}
	if !final {
		u.Source = inference.UsagePartial
	}
	u.Raw = nil // of the answer that the client gets, the row has it
	return &u
}

// takeUsage puts what the provider counted into the record. final says that it is the last count.
func (w *work) takeUsage(u inference.Usage, has, final bool, outputChars *int64) {
	in := w.rec.Usage.InputChars
	if !has {
		u = inference.Usage{Source: inference.UsageNone}
	} else if !final {
		u.Source = inference.UsagePartial
	}
	u.InputChars, u.OutputChars = in, outputChars
	w.rec.Usage = u
}
