package s3store

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// slow is a server that takes and gives a byte at a time.
type slow struct {
	each  time.Duration // for a byte of either body
	first time.Duration // from the request's end to the answer's head
}

func (s slow) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	if r.Body != nil {
		for b := make([]byte, 1); ; {
			if _, err := r.Body.Read(b); err == io.EOF {
				break
			}
			if err := wait(ctx, s.each); err != nil {
				return nil, err
			}
		}
	}
	if err := wait(ctx, s.first); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: 200, Body: &trickle{ctx, strings.NewReader("0123456789"), s.each}}, nil
}

type trickle struct {
	ctx  context.Context
	r    io.Reader
	each time.Duration
}

func (t *trickle) Read(p []byte) (int, error) {
	if err := wait(t.ctx, t.each); err != nil {
		return 0, err
	}
	return t.r.Read(p[:1])
}

func (t *trickle) Close() error { return nil }

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func TestWatch(t *testing.T) {
	for _, c := range []struct {
		name   string
		server slow
		stalls bool
	}{
		{"quick", slow{0, 0}, false},
		{"slow but moving, for longer than a stall", slow{900 * time.Millisecond, 900 * time.Millisecond}, false},
		{"no answer", slow{0, time.Hour}, true},
		{"a body that stops", slow{time.Hour, 0}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := &http.Client{Transport: &watched{base: c.server, stall: time.Second}}
				began := time.Now()
				err := exchange(t, client)
				if errors.Is(err, errStalled) != c.stalls || (err != nil) != c.stalls {
					t.Errorf("%v, want stalled %v", err, c.stalls)
				}
				if took := time.Since(began); c.stalls && took != time.Second {
					t.Errorf("gave up after %v", took)
				}
			})
		})
	}
}

func exchange(t *testing.T, client *http.Client) error {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://store/k", io.NopCloser(strings.NewReader("0123456789")))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.ReadAll(resp.Body)
	return err
}
