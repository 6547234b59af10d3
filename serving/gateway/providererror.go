package gateway

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/route"
	"github.com/lakegate/lakegate/serving/wire"
)

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
	f.again = route.WorthAnother(status) && a.resp.Header.Get("X-Should-Retry") != "false"
	f.wait = retryAfter(a.resp.Header)
	if f.err.RetryAfter = f.wait; f.wait == 0 && (f.err.Status == http.StatusTooManyRequests || f.err.Status == http.StatusServiceUnavailable) {
		f.err.RetryAfter = time.Second // SDKs look for one
	}
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

// retryAfter reads how long a provider asks to wait, in seconds, as a date, or in milliseconds as
// OpenAI and Azure do; 0 when it asks for nothing.
func retryAfter(h http.Header) time.Duration {
	const most = 24 * time.Hour
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil && ms > 0 {
		return time.Duration(min(ms, float64(most.Milliseconds())) * float64(time.Millisecond))
	}
	header := h.Get("Retry-After")
	if seconds, err := strconv.ParseFloat(header, 64); err == nil && seconds > 0 {
		return time.Duration(min(seconds, most.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(header); err == nil {
		return min(max(time.Until(at), time.Second), most)
	}
	return 0
}

// refusesUsageOption reports whether the provider refused the field that asks for usage, as some
// strict servers do.
func (f *failure) refusesUsageOption() bool {
	return (f.status == http.StatusBadRequest || f.status == http.StatusUnprocessableEntity) &&
		(bytes.Contains(f.raw, []byte("stream_options")) || bytes.Contains(f.raw, []byte("include_usage")))
}
