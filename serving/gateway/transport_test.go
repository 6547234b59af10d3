package gateway_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lakegate/lakegate/serving/gateway"
)

// pipes is a listener whose connections are made in memory. Once frozen, those there are take
// what is sent and bring nothing back, as when a firewall has forgotten them.
type pipes struct {
	conns chan net.Conn
	count atomic.Int64
	frost []chan struct{}
	shut  atomic.Bool
}

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	p.count.Add(1)
	near, far := net.Pipe()
	c := &freezing{Conn: near, frozen: make(chan struct{}), closed: make(chan struct{})}
	p.frost = append(p.frost, c.frozen)
	p.conns <- far
	return c, nil
}

func (p *pipes) Accept() (net.Conn, error) {
	c, ok := <-p.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p *pipes) Close() error {
	if !p.shut.Swap(true) {
		close(p.conns)
	}
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

type freezing struct {
	net.Conn
	frozen, closed chan struct{}
	once           atomic.Bool
}

func (c *freezing) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	select {
	case <-c.frozen:
		<-c.closed
		return 0, net.ErrClosed
	default:
		return n, err
	}
}

func (c *freezing) Write(b []byte) (int, error) {
	select {
	case <-c.frozen:
		return len(b), nil
	default:
		return c.Conn.Write(b)
	}
}

func (c *freezing) Close() error {
	if !c.once.Swap(true) {
		close(c.closed)
	}
	return c.Conn.Close()
}

// TestForgottenConnections: a connection of HTTP/2 that nobody answers on is found out and let go,
// before a call waits for it in vain.
func TestForgottenConnections(t *testing.T) {
	cert := httptest.NewUnstartedServer(nil)
	cert.StartTLS()
	defer cert.Close()
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{conns: make(chan net.Conn, 10)}
		srv := &http.Server{
			Handler:   http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }),
			TLSConfig: &tls.Config{Certificates: cert.TLS.Certificates, NextProtos: []string{"h2"}},
			ErrorLog:  log.New(io.Discard, "", 0),
		}
		served := make(chan error)
		go func() { served <- srv.ServeTLS(p, "", "") }()
		tr := gateway.NewTransport()
		tr.DialContext, tr.TLSClientConfig, tr.IdleConnTimeout = p.dial, &tls.Config{InsecureSkipVerify: true}, 0
		get := func() string {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://provider.example/", strings.NewReader(""))
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			resp, err := tr.RoundTrip(r)
			if err != nil {
				t.Fatalf("after %s: %v", time.Since(start), err)
			}
			defer resp.Body.Close()
			b, _ := io.ReadAll(resp.Body)
			if d := time.Since(start); d > 0 {
				t.Errorf("it took %s", d)
			}
			return string(b)
		}
		if proto := get(); proto != "HTTP/2.0" {
			t.Fatal(proto)
		}
		time.Sleep(time.Hour)
		if get(); p.count.Load() != 1 {
			t.Errorf("%d connections, though the first is well", p.count.Load())
		}
		close(p.frost[0])
		time.Sleep(time.Minute)
		if get(); p.count.Load() != 2 {
			t.Errorf("%d connections", p.count.Load())
		}
		tr.CloseIdleConnections()
		_ = srv.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}
