package s3store_test

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/objstoretest"
	"github.com/lakegate/lakegate/internal/objstore/s3store"
	"github.com/lakegate/lakegate/internal/objstore/s3test"
)

// secure is TLS before a server that has none. Towards it the SDK signs differently: bodies aren't
// part of the signature but have a checksum behind them.
type secure struct {
	listener net.Listener
	to       string
	cut      atomic.Int64 // break a connection after so many bytes from the client; 0: never
	running  sync.WaitGroup
}

// newSecure starts it, and has the SDK trust its certificate.
func newSecure(t *testing.T, server *s3test.Server) *secure {
	donor := httptest.NewTLSServer(http.NotFoundHandler()) // has a certificate for 127.0.0.1
	defer donor.Close()
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: donor.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CA_BUNDLE", bundle)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: donor.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	s := &secure{listener: l, to: server.Addr}
	s.running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.running.Go(func() { s.carry(c) })
		}
	})
	t.Cleanup(func() { l.Close(); server.Kill(); s.running.Wait() })
	return s
}

func (s *secure) config(server *s3test.Server, prefix string) s3store.Config {
	c := config(server, prefix)
	c.Endpoint = "https://" + s.listener.Addr().String()
	return c
}

func (s *secure) carry(in net.Conn) {
	defer in.Close()
	out, err := net.Dial("tcp", s.to)
	if err != nil {
		return
	}
	defer out.Close()
	s.running.Go(func() { _, _ = io.Copy(in, out); in.Close() })
	var from io.Reader = in
	if n := s.cut.Load(); n > 0 {
		from = io.LimitReader(in, n)
	}
	_, _ = io.Copy(out, from)
}

func TestStoreOverTLS(t *testing.T) {
	server := s3test.New(t)
	s := newSecure(t, server)
	var n atomic.Int64
	objstoretest.Run(t, func(t *testing.T) objstore.Store {
		return open(t, s.config(server, fmt.Sprintf("tls/%d", n.Add(1))))
	})
}

// A writer that dies halfway must leave nothing to be seen, at whatever byte that is.
func TestCutUploadOverTLS(t *testing.T) {
	server := s3test.New(t)
	s := newSecure(t, server)
	direct := open(t, config(server, "lake"))
	data := make([]byte, 4<<20)
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	for _, cut := range []int64{1 << 10, 1 << 20, 3<<20 + 1, 4 << 20} {
		s.cut.Store(cut)
		key := fmt.Sprintf("cut/%d", cut)
		if _, err := open(t, s.config(server, "lake")).Create(t.Context(), key, data); !errors.Is(err, objstore.ErrUnknown) {
			t.Errorf("cut after %d bytes: %v, want unknown", cut, err)
		}
		if _, err := direct.Stat(t.Context(), key); !errors.Is(err, objstore.ErrNotFound) {
			t.Errorf("cut after %d bytes: %v, want no object", cut, err)
		}
	}
	s.cut.Store(0)
	if _, err := open(t, s.config(server, "lake")).Create(t.Context(), "whole", data); err != nil {
		t.Error(err)
	}
	if got, _, err := direct.Get(t.Context(), "whole"); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestUntrustedCertificateIsExplained(t *testing.T) {
	server := s3test.New(t)
	s := newSecure(t, server)
	t.Setenv("AWS_CA_BUNDLE", "")
	_, err := open(t, s.config(server, "lake")).Put(t.Context(), "k", nil)
	if err == nil || errors.Is(err, objstore.ErrUnknown) || !strings.Contains(err.Error(), "certificate isn't trusted") {
		t.Error(err)
	}
}
