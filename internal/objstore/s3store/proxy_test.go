package s3store_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/lakegate/lakegate/internal/objstore/s3store"
	"github.com/lakegate/lakegate/internal/objstore/s3test"
)

// fault is what the proxy does to one request. The zero fault is nothing.
type fault struct {
	status   int                   // answer this instead of asking the server
	code     string                // ... with this error code
	header   map[string]string     // ... and these headers
	hang     bool                  // don't answer until the client gives up
	drop     bool                  // ask the server, and cut the line instead of answering
	truncate int                   // answer only so many bytes of the body and cut the line; 0: all
	upload   int                   // send the server only so many bytes of the body and cut both lines; 0: all
	change   func(body []byte)     // the answer's body
	strip    string                // a header that doesn't reach the server
	during   func(r *http.Request) // before the server is asked
}

// proxy stands before the server, with a fault for each request in turn.
type proxy struct {
	t      *testing.T
	server *s3test.Server
	front  *httptest.Server
	done   chan struct{} // closed at the test's end

	mu     sync.Mutex
	decide func(r *http.Request) fault
	seen   []*http.Request
}

func newProxy(t *testing.T, server *s3test.Server) *proxy {
	p := &proxy{t: t, server: server, done: make(chan struct{})}
	p.front = httptest.NewServer(p)
	t.Cleanup(func() { close(p.done); p.front.Close() })
	return p
}

// inject has f decide about every later request, and forgets those seen.
func (p *proxy) inject(f func(r *http.Request) fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.decide, p.seen = f, nil
}

// script gives the first requests of a method one fault each; others pass.
func (p *proxy) script(method string, faults ...fault) {
	var mu sync.Mutex
	p.inject(func(r *http.Request) fault {
		mu.Lock()
		defer mu.Unlock()
		if r.Method != method || len(faults) == 0 {
			return fault{}
		}
		f := faults[0]
		faults = faults[1:]
		return f
	})
}

// methods are those of the requests since the faults were set.
func (p *proxy) methods() (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.seen {
		all = append(all, r.Method)
	}
	return all
}

// config leads through the proxy, and gives up soon.
func (p *proxy) config(prefix string) s3store.Config {
	c := config(p.server, prefix)
	c.Endpoint = p.front.URL
	return c
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	decide := p.decide
	p.seen = append(p.seen, r.Clone(r.Context()))
	p.mu.Unlock()
	var f fault
	if decide != nil {
		f = decide(r)
	}
	if f.during != nil {
		f.during(r)
	}
	switch {
	case f.hang:
		select {
		case <-r.Context().Done(): // which is not noticed while there is a body to read
		case <-p.done:
		}
		cut()
	case f.status != 0:
		for k, v := range f.header {
			w.Header().Set(k, v)
		}
		w.WriteHeader(f.status)
		if f.code != "" {
			_, _ = io.WriteString(w, "<Error><Code>"+f.code+"</Code><Message>made up</Message></Error>")
		}
	default:
		p.forward(w, r, f)
	}
}

// cut ends a request without an answer.
func cut() { panic(http.ErrAbortHandler) }

func (p *proxy) forward(w http.ResponseWriter, r *http.Request, f fault) {
	body := io.Reader(r.Body)
	if f.upload > 0 {
		body = io.MultiReader(io.LimitReader(r.Body, int64(f.upload)), cutReader{})
	}
	out, err := http.NewRequestWithContext(r.Context(), r.Method, p.server.Endpoint+r.URL.RequestURI(), body)
	if err != nil {
		p.t.Error(err)
		cut()
	}
	out.Header, out.Host, out.ContentLength = r.Header.Clone(), r.Host, r.ContentLength
	if r.ContentLength == 0 {
		out.Body = http.NoBody
	}
	if f.strip != "" && out.Header.Get(f.strip) != "" {
		out.Header.Del(f.strip)
		p.sign(out)
	}
	resp, err := http.DefaultTransport.RoundTrip(out)
	if err != nil || f.drop {
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		cut()
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		cut()
	}
	if f.change != nil {
		f.change(answer)
	}
	for k, v := range resp.Header {
		w.Header()[k] = v
	}
	w.WriteHeader(resp.StatusCode)
	if f.truncate > 0 && f.truncate < len(answer) {
		_, _ = w.Write(answer[:f.truncate])
		_ = http.NewResponseController(w).Flush()
		cut()
	}
	_, _ = io.Copy(w, bytes.NewReader(answer))
}

// sign signs a request anew: what we strip was signed.
func (p *proxy) sign(r *http.Request) {
	r.Header.Del("Authorization")
	err := v4.NewSigner().SignHTTP(r.Context(), aws.Credentials{AccessKeyID: s3test.AccessKey, SecretAccessKey: s3test.SecretKey},
		r, r.Header.Get("X-Amz-Content-Sha256"), "s3", s3test.Region, time.Now(), func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err != nil {
		p.t.Error(err)
	}
}

// cutReader is the end of a client that was killed.
type cutReader struct{}

func (cutReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
