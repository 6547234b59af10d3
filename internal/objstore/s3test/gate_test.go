package s3test_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/objstore/s3test"
)

func TestGate(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	g, err := s3test.NewGate(strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	get := func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+g.Addr(), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(r)
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	for range 2 {
		if err := get(t.Context()); err != nil {
			t.Fatal(err)
		}
		g.Refuse()
		var refused *net.OpError
		if err := get(t.Context()); !errors.As(err, &refused) {
			t.Errorf("refusing: %v", err)
		}
		if err := g.Pass(); err != nil {
			t.Fatal(err)
		}
		if err := get(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := g.Hang(); err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if err := get(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("hanging: %v", err)
		}
		cancel()
		answer := make(chan error, 1)
		go func() { answer <- get(t.Context()) }() // ends when the gate passes
		if err := g.Pass(); err != nil {
			t.Fatal(err)
		}
		if err := <-answer; err != nil {
			t.Errorf("what hung: %v", err)
		}
	}
}
