package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/route"
	"github.com/lakegate/lakegate/serving/wire"
)

// attempt calls an entity once. nil means that the client has its answer.
func (w *work) attempt(t *target) *failure {
	start, e := time.Now(), t.entity
	l := w.open()
	defer w.close(l)
	r, up, f := w.request(l.ctx, t)
	if f != nil {
		w.note(e, 0, start, f.reason)
		w.logFailure(e, f)
		return f
	}
	resp, err := w.Transport.RoundTrip(r)
	if err != nil {
		f := cutOff(context.Cause(l.ctx), err, false)
		w.note(e, 0, start, f.reason)
		w.logFailure(e, f)
		return f
	}
	defer resp.Body.Close()
	f = w.answer(&answer{target: t, line: l, resp: resp, start: start, up: up})
	if f != nil {
		f.status = resp.StatusCode
		f.raw = scrub(f.raw, e)
		w.note(e, resp.StatusCode, start, f.reason)
		w.logFailure(e, f)
	}
	return f
}

func (w *work) logFailure(e *endpoint.Entity, f *failure) {
	w.Logger.Warn("an attempt failed", "request_id", w.rec.ID, "endpoint", w.endpoint.Name, "entity", e.Name,
		"status", f.status, "reason", f.reason, "error", f.err.Err)
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
		Header: w.call.Header, Method: w.call.Method, Suffix: w.call.Suffix,
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
	return r, &up, nil
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
		return w.providerError(a, media)
	}
	if media == streamMedia[a.up.Framing] {
		if !w.streaming {
			return badGateway(nil, inference.UpstreamError, "the provider streamed an answer that was to come whole")
		}
		return w.stream(a)
	}
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
		l.expect(w.config.IdleTimeout)
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

// whole takes an answer in one piece and passes it on, byte for byte unless it is translated.
func (w *work) whole(a *answer) *failure {
	body, err := w.readAll(a.line, a.resp, w.config.MaxAnswer)
	if err != nil {
		f := cutOff(context.Cause(a.line.ctx), err, true)
		if errors.Is(err, errTooLarge) {
			f = badGateway(err, inference.UpstreamError, fmt.Sprintf("the provider's answer is larger than %d bytes", w.config.MaxAnswer))
			f.another = false
		}
		f.raw = body
		w.incomplete()
		return f
	}
	if reshape := a.up.Reshape; reshape != nil {
		if body, err = reshape(body); err != nil {
			return badGateway(err, inference.UpstreamError, "the provider's answer is not of the shape it should have")
		}
	}
	parsed, err := a.codec.ParseAnswer(body)
	if err != nil {
		f := badGateway(err, inference.UpstreamError, "the provider's answer is not a JSON object")
		f.raw = body
		return f
	}
	if read := a.codec.HeaderUsage; read != nil && !parsed.HasUsage {
		parsed.Usage, parsed.HasUsage = read(a.resp.Header)
	}
	outcome := inference.OK
	if parsed.Failed && w.call.Stored == nil {
		f := w.failedAnswer(a, body)
		if a.translate || a.codec.Format != wire.OpenAIResponses {
			return f
		}
		outcome = f.outcome // clients of that API read of a failure in the answer
		w.rec.ErrorCode, w.rec.ErrorMessage = f.code(), f.message()
	}
	media := a.resp.Header.Get("Content-Type")
	if a.translate {
		given, err := w.answerFor(a.target, body, &parsed)
		if err != nil {
			f := badGateway(err, inference.UpstreamError, "the provider's answer is not of the shape it should have")
			f.raw = body
			return f
		}
		body, media = given, "application/json"
	}
	w.calledBy(a.target, parsed.Model)
	w.remember(a.target, body, parsed.HasUsage)
	w.takeUsage(parsed.Usage, w.counts(parsed.HasUsage), true, parsed.OutputChars)
	w.keepResponse(body)
	w.note(a.entity, a.resp.StatusCode, a.start, "")
	if w.isGone() {
		w.answered = true
		w.clientGone(0)
		return nil
	}
	if err := w.finish(outcome, a.resp.StatusCode); w.mustNotAnswer(err) {
		w.answerError(unrecordedError())
		return nil
	}
	w.answered = true
	h := w.head(a.target)
	h.Status, h.ContentType = a.resp.StatusCode, media
	_ = w.resp.Answer(&h, body) // the record is out: nobody listening changes nothing
	return nil
}

// failedAnswer explains an answer that is an error, though its status is one of success.
func (w *work) failedAnswer(a *answer, body []byte) *failure {
	told, _ := wire.ParseError(body)
	f := &failure{
		err:     &apierr.Error{Status: http.StatusBadGateway, Code: apierr.ProviderError, Message: told.Message},
		outcome: inference.UpstreamError, reason: "provider answered with an error", word: told.Code, raw: body,
		passOn: !a.translate && told.Message != "" && told.In(w.call.Surface.Dialect), another: true,
	}
	if told.Message == "" {
		f.err.Message = "the provider answered with an error and no message"
	}
	return f
}

// head returns the beginning of a target's answer.
func (w *work) head(t *target) Head {
	return Head{ID: w.rec.ID, Status: http.StatusOK, ServedModel: t.entity.Name, Dropped: w.dropped}
}

// clientGone finishes a call whose client left. status is what it saw, 0 for nothing.
func (w *work) clientGone(status int) {
	w.rec.ErrorCode, w.rec.ErrorMessage = string(apierr.ClientClosed), "the client left before the end of the answer"
	_ = w.finish(inference.ClientGone, status) // counted by finish; there is nobody to tell
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

// providerError takes an answer that is an error.
func (w *work) providerError(a *answer, media string) *failure {
	status := a.resp.StatusCode
	raw, err := w.readAll(a.line, a.resp, maxErrorPage)
	if err != nil && a.line.ctx.Err() != nil {
		return cutOff(context.Cause(a.line.ctx), err, true)
	}
	raw = scrub(raw, a.entity)
	if auth := a.entity.Auth; auth != nil && (status == http.StatusUnauthorized || status == http.StatusForbidden) {
		auth.Refused()
	}
	f := &failure{outcome: inference.UpstreamError, raw: raw}
	told, ok := wire.ParseError(raw)
	switch {
	case status < 400:
		f.err = apierr.New(apierr.BadGateway, "the provider answered with status %d, which is no answer", status)
	case status == http.StatusUnauthorized:
		f.err = apierr.New(apierr.BadGateway, "the provider refused the gateway's key for served entity %q; tell whoever runs this gateway", a.entity.Name)
	case ok && told.Message != "":
		f.err = &apierr.Error{Status: status, Code: apierr.ProviderError, Message: told.Message}
		f.word, f.passOn = told.Code, !a.translate && told.In(w.call.Surface.Dialect)
	case ok:
		f.err = &apierr.Error{Status: status, Code: apierr.ProviderError, Message: fmt.Sprintf("the provider answered with status %d and no message", status)}
	default:
		f.err = apierr.New(apierr.BadGateway, "the provider answered with status %d and %s instead of a JSON error", status, nameOf(media, len(raw)))
		if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
			f.err.Status = status // SDKs wait and try again on these
		}
	}
	f.another = route.WorthAnother(f.err.Status) || w.call.Stored != nil && status == http.StatusNotFound
	f.err.RetryAfter = retryAfter(a.resp.Header.Get("Retry-After"), f.err.Status)
	f.reason = fmt.Sprintf("provider answered %d", status)
	if f.word != "" {
		f.reason += " (" + clip(f.word, 60) + ")"
	}
	return f
}

func nameOf(media string, size int) string {
	switch {
	case size == 0:
		return "nothing"
	case media == "" || isJSON(media):
		return "something unreadable"
	default:
		return clip(media, 60)
	}
}

// retryAfter reads a provider's Retry-After, in seconds or as a date. Where SDKs look for one and
// there is none, they get a second.
func retryAfter(header string, status int) time.Duration {
	const most = 24 * time.Hour
	if seconds, err := strconv.ParseFloat(header, 64); err == nil && seconds > 0 {
		return time.Duration(min(seconds, most.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(header); err == nil {
		return min(max(time.Until(at), time.Second), most)
	}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		return time.Second
	}
	return 0
}

// refusesUsageOption reports whether the provider refused the field that asks for usage, as some
// strict servers do.
func (f *failure) refusesUsageOption() bool {
	return (f.status == http.StatusBadRequest || f.status == http.StatusUnprocessableEntity) &&
		(bytes.Contains(f.raw, []byte("stream_options")) || bytes.Contains(f.raw, []byte("include_usage")))
}
