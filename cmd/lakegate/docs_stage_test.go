package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/fakellm"
)

// internet is what a gateway of the pages takes for the world: a proxy behind whose every host is the
// scripted provider, and a certificate authority that says so. So the configurations of the pages run as
// they stand, with the providers' own addresses.
type internet struct {
	proxy     string // for HTTPS_PROXY
	authority string // a file for SSL_CERT_FILE
}

func startInternet(t *testing.T) internet {
	t.Helper()
	provider, err := fakellm.New(fakellm.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	ca := newAuthority(t)
	inside := &handed{conns: make(chan net.Conn), closed: make(chan struct{})}
	hosts := &http.Server{Handler: anyBase(provider), ReadHeaderTimeout: time.Minute}
	go func() { _ = hosts.Serve(inside) }() // ends with the cleanup
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			http.Error(w, "the pages' internet has only https", http.StatusBadGateway)
			return
		}
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\n\r\n")) // a proxy's client that is gone needs no answer
		inside.hand(tls.Server(c, &tls.Config{GetCertificate: ca.certify, MinVersion: tls.VersionTLS12}))
	}))
	t.Cleanup(func() {
		proxy.Close()
		_ = errors.Join(provider.Close(), hosts.Close())
	})
	file := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return internet{proxy: proxy.URL, authority: file}
}

// anyBase lets a provider answer below whatever path its API is at.
func anyBase(provider http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, path := range []string{"/chat/completions", "/messages", "/embeddings"} {
			if strings.HasSuffix(r.URL.Path, path) {
				r.URL.Path = "/v1" + path
			}
		}
		provider.ServeHTTP(w, r)
	})
}

// handed is a listener of connections that are handed to it.
type handed struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (h *handed) hand(c net.Conn) {
	select {
	case h.conns <- c:
	case <-h.closed:
		_ = c.Close()
	}
}

func (h *handed) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

func (h *handed) Close() error   { close(h.closed); return nil }
func (h *handed) Addr() net.Addr { return &net.TCPAddr{} }

// authority signs a certificate for any host.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{key: key}
	template := certificate("lakegate's pages")
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err == nil {
		a.cert, err = x509.ParseCertificate(der)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *authority) certify(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	template := certificate(hello.ServerName)
	template.DNSNames = []string{hello.ServerName}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &a.key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}, nil
}

func certificate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
}

// The internet of the pages answers as api.openai.com would.
func TestTheInternetOfThePages(t *testing.T) {
	world := startInternet(t)
	pool := x509.NewCertPool()
	pem, err := os.ReadFile(world.authority)
	if err != nil || !pool.AppendCertsFromPEM(pem) {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, world.proxy, nil)
	client := &http.Client{Transport: &http.Transport{
		Proxy:           func(*http.Request) (*url.URL, error) { return r.URL, nil },
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
	}}
	defer client.CloseIdleConnections()
	resp, err := client.Post("https://api.openai.com/v1/chat/completions", "application/json",
		bytes.NewReader([]byte(`{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}]}`)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Error(resp.Status)
	}
}
