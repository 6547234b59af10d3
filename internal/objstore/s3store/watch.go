package s3store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// errStalled says that a try was given up because nothing moved.
var errStalled = errors.New("no progress")

const (
	dialTimeout = 5 * time.Second
	idleConns   = 64
)

// buildable returns the client that the SDK may change as the environment says (AWS_CA_BUNDLE), and
// fetches credentials with. Objects travel by watchedClient's.
func buildable(stall time.Duration) *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTimeout(stall).WithDialerOptions(func(d *net.Dialer) {
		d.Timeout, d.KeepAlive = min(dialTimeout, stall), 15*time.Second
	}).WithTransportOptions(func(t *http.Transport) {
		t.TLSHandshakeTimeout = min(dialTimeout, stall)
		t.MaxIdleConns, t.MaxIdleConnsPerHost, t.IdleConnTimeout = idleConns, idleConns, time.Minute
		t.DisableCompression = true
		t.ForceAttemptHTTP2 = false // a request that is given up must take its connection along
	})
}

// watchedClient returns an HTTP client whose requests end when neither a byte of the request nor one
// of the answer moved for the time of stall.
func watchedClient(from aws.HTTPClient, stall time.Duration) aws.HTTPClient {
	b, ok := from.(*awshttp.BuildableClient)
	if !ok {
		b = buildable(stall)
	}
	return &http.Client{
		Transport: &watched{base: b.GetTransport(), stall: stall},
		// S3 redirects to say that the region is wrong; that is for people to correct.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type sentKey struct{}

// noting returns a context that notes in sent when a request under it has got a connection: from
// then on it may have been carried out.
func noting(ctx context.Context, sent *atomic.Bool) context.Context {
	return context.WithValue(ctx, sentKey{}, sent)
}

// watched is a transport with a watch on each request.
type watched struct {
	base  http.RoundTripper
	stall time.Duration
}

func (w *watched) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	if sent, ok := ctx.Value(sentKey{}).(*atomic.Bool); ok {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }})
	}
	t := &watch{stall: w.stall, ctx: ctx, cancel: cancel}
	t.timer = time.AfterFunc(w.stall, func() { cancel(errStalled) })
	r = r.Clone(ctx)
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &moving{r.Body, t, false}
	}
	r.GetBody = nil // the copy would not be watched; a request is sent again by us or not at all
	resp, err := w.base.RoundTrip(r)
	if err != nil {
		err = t.explain(err)
		t.end()
		return nil, err
	}
	t.moved()
	resp.Body = &moving{resp.Body, t, true}
	return resp, nil
}

// watch ends a request that doesn't move.
type watch struct {
	stall  time.Duration
	ctx    context.Context // the request's
	cancel context.CancelCauseFunc
	timer  *time.Timer
}

func (t *watch) moved() { t.timer.Reset(t.stall) }

func (t *watch) end() {
	t.timer.Stop()
	t.cancel(nil)
}

// explain says why a request under watch failed.
func (t *watch) explain(err error) error {
	if errors.Is(context.Cause(t.ctx), errStalled) {
		return fmt.Errorf("%w for %v", errStalled, t.stall)
	}
	return err
}

// moving is a body that reports each byte to the watch. The answer's ends the watch.
type moving struct {
	io.ReadCloser
	watch  *watch
	answer bool
}

func (m *moving) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	if n > 0 || err == io.EOF {
		m.watch.moved()
	}
	if err != nil && err != io.EOF && m.answer {
		err = m.watch.explain(err)
	}
	return n, err
}

func (m *moving) Close() error {
	err := m.ReadCloser.Close()
	if m.answer {
		m.watch.end()
	}
	return err
}
