package warm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// provider is a transport that notes what it is asked.
type provider struct {
	mu    sync.Mutex
	asked []string
	start time.Time
	down  atomic.Bool
	close bool
}

func (p *provider) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, fmt.Sprintf("%s %s %v @%s", r.Method, r.URL, r.Header, time.Since(p.start)))
	if p.down.Load() {
		return nil, errors.New("connection refused")
	}
	return &http.Response{StatusCode: 401, Body: http.NoBody, Close: p.close}, nil
}

func (p *provider) take() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	got := p.asked
	p.asked = nil
	slices.Sort(got)
	return got
}

func catalog(t *testing.T, endpoints ...*endpoint.Endpoint) *endpoint.Catalog {
	t.Helper()
	c, err := endpoint.NewCatalog(endpoints)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func warmed(name string, warm bool, urls ...string) *endpoint.Endpoint {
	e := &endpoint.Endpoint{Name: name, WarmUp: warm}
	for i, s := range urls {
		u, err := url.Parse(s)
		if err != nil {
			panic(err)
		}
		e.Entities = append(e.Entities, &endpoint.Entity{Name: fmt.Sprint("x", i), Provider: "openai", BaseURL: u, AuthHeader: "Authorization", AuthValue: secret.New("Bearer sk-secret")})
		e.Weights = append(e.Weights, 0)
	}
	e.Weights[0] = 100
	return e
}

// TestKeeper: each host is asked once at the start, then every 45 seconds, and at once when there
// are others; never with a key.
func TestKeeper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{start: time.Now()}
		var log bytes.Buffer
		var now atomic.Pointer[endpoint.Catalog]
		now.Store(catalog(t, warmed("chat", true, "https://api.openai.com/v1", "https://api.openai.com/v2", "http://other:8080/v1"), warmed("cold", false, "https://cold/v1")))
		k := New(p, now.Load, slog.New(slog.NewTextHandler(&log, nil)))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); k.Run(ctx) }()
		expect := func(want ...string) {
			t.Helper()
			synctest.Wait()
			if got := p.take(); !slices.Equal(got, want) {
				t.Errorf("asked %q, want %q", got, want)
			}
		}
		expect("HEAD http://other:8080/ map[User-Agent:[lakegate]] @0s", "HEAD https://api.openai.com/ map[User-Agent:[lakegate]] @0s")
		time.Sleep(44 * time.Second)
		expect()
		time.Sleep(time.Second)
		expect("HEAD http://other:8080/ map[User-Agent:[lakegate]] @45s", "HEAD https://api.openai.com/ map[User-Agent:[lakegate]] @45s")
		now.Store(catalog(t, warmed("chat", true, "https://new/v1")))
		p.down.Store(true)
		k.Wake()
		k.Wake()
		expect("HEAD https://new/ map[User-Agent:[lakegate]] @45s", "HEAD https://new/ map[User-Agent:[lakegate]] @45s")
		if s := k.Stats(); fmt.Sprint(s.Entities) != "[{chat openai x0 false}]" || fmt.Sprint(s.Rounds) != "map[closed:0 failed:2 kept:0 opened:4]" {
			t.Errorf("%+v", s)
		}
		if n := strings.Count(log.String(), "level=WARN"); n != 1 || !strings.Contains(log.String(), "host=new error=\"connection refused\"") {
			t.Errorf("log: %s", &log)
		}
		p.down.Store(false)
		time.Sleep(45 * time.Second)
		synctest.Wait()
		if s := k.Stats(); !s.Entities[0].Open {
			t.Errorf("%+v", s)
		}
		stop()
		<-done
	})
}

// remote is a server that speaks TLS, and counts connections.
func remote(tb testing.TB) (*httptest.Server, *atomic.Int64) {
	opened := new(atomic.Int64)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/" {
			http.NotFound(w, r)
		}
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	srv.EnableHTTP2 = true
	srv.StartTLS()
	tb.Cleanup(srv.Close)
	return srv, opened
}

// TestCallsFindTheConnection: the call after a round opens no connection.
func TestCallsFindTheConnection(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		srv, opened := remote(t)
		tr := srv.Client().Transport.(*http.Transport).Clone()
		tr.ForceAttemptHTTP2 = http2
		if !http2 {
			tr.TLSClientConfig.NextProtos = []string{"http/1.1"}
		}
		c := catalog(t, warmed("chat", true, srv.URL+"/v1"))
		k := New(tr, func() *endpoint.Catalog { return c }, slog.New(slog.DiscardHandler))
		k.round(t.Context())
		k.round(t.Context())
		if err := post(tr, srv.URL); err != nil {
			t.Fatal(err)
		}
		if s := k.Stats(); opened.Load() != 1 || s.Rounds[Opened] != 1 || s.Rounds[Kept] != 1 || !s.Entities[0].Open {
			t.Errorf("HTTP/2 %v: %d connections, %+v", http2, opened.Load(), s)
		}
		srv.Config.SetKeepAlivesEnabled(false)
		tr.CloseIdleConnections()
		if k.round(t.Context()); !http2 && k.Stats().Rounds[Closed] != 1 {
			t.Errorf("a host that closes connections: %+v", k.Stats())
		}
	}
}

func post(rt http.RoundTripper, base string) error {
	r, err := http.NewRequest(http.MethodPost, base+"/v1/chat/completions", strings.NewReader("{}"))
	if err != nil {
		return err
	}
	resp, err := rt.RoundTrip(r)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.Body.Close()
}

// BenchmarkFirstCall is a call over TLS to a provider that is 20 ms away, there and back: without a
// connection, and with one that a Keeper has opened.
func BenchmarkFirstCall(b *testing.B) {
	for _, warm := range []bool{false, true} {
		b.Run(map[bool]string{false: "cold", true: "warm"}[warm], func(b *testing.B) {
			srv, _ := remote(b)
			tr := srv.Client().Transport.(*http.Transport).Clone()
			tr.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
				time.Sleep(away)
				c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
				return &farConn{Conn: c}, err
			}
			c, err := endpoint.NewCatalog([]*endpoint.Endpoint{warmed("chat", true, srv.URL+"/v1")})
			if err != nil {
				b.Fatal(err)
			}
			k := New(tr, func() *endpoint.Catalog { return c }, slog.New(slog.DiscardHandler))
			for b.Loop() {
				b.StopTimer()
				tr.CloseIdleConnections()
				if warm {
					k.round(b.Context())
				}
				b.StartTimer()
				if err := post(tr, srv.URL); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

const away = 20 * time.Millisecond

// farConn is a connection to somebody far away: what answers something sent comes that much later.
type farConn struct {
	net.Conn
	sent atomic.Bool
}

func (c *farConn) Write(b []byte) (int, error) {
	c.sent.Store(true)
	return c.Conn.Write(b)
}

func (c *farConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.sent.Swap(false) {
		time.Sleep(away)
	}
	return n, err
}
