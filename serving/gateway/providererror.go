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
