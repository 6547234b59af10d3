package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// step is what a scripted provider does with one request.
type step struct {
	after  time.Duration // before it answers
	err    error         // instead of an answer
	status int           // default 200
	header string        // "Name: value"
	media  string        // default application/json
	pieces []any         // of the body: text, time.Duration to wait, or an error to break off with
}

func says(body string) step            { return step{pieces: []any{body}} }
func status(n int) step                { return step{status: n, pieces: []any{`{"error":{"message":"no"}}`}} }
func events(p ...any) step             { return step{media: "text/event-stream", pieces: p} }
func (s step) in(d time.Duration) step { s.after = d; return s }
func (s step) with(header string) step { s.header = header; return s }

var errReset = errors.New("read: connection reset by peer")

// playbook is an http.RoundTripper whose hosts do their steps one by one, the last over and over. It
// notes when each was asked, since the start.
type playbook struct {
	steps map[string][]step
	start time.Time
	// onAsk, when set, is called with each request.
	onAsk func(*http.Request)

	mu    sync.Mutex
	asked []string
	n     map[string]int
}

func (s *playbook) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.onAsk != nil {
		s.onAsk(r)
	}
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	host := r.URL.Host
	s.mu.Lock()
	steps := s.steps[host]
	st := steps[min(s.n[host], len(steps)-1)]
	s.n[host]++
	s.asked = append(s.asked, fmt.Sprintf("%s@%s", host, time.Since(s.start)))
	s.mu.Unlock()
	if err := sleepIn(r.Context(), st.after); err != nil {
		return nil, err
	}
	if st.err != nil {
		return nil, st.err
	}
	resp := &http.Response{StatusCode: st.status, Header: http.Header{"Content-Type": {st.media}}, ContentLength: -1, Body: &body{ctx: r.Context(), pieces: st.pieces}}
	if resp.StatusCode == 0 {
		resp.StatusCode = 200
	}
	if st.media == "" {
		resp.Header.Set("Content-Type", "application/json")
	}
	if name, v, ok := strings.Cut(st.header, ": "); ok {
		resp.Header.Set(name, v)
	}
	return resp, nil
}

// change gives a host another step to do, over and over.
func (s *playbook) change(host string, to step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steps[host] = []step{to}
}

func sleepIn(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return ctx.Err()
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// body reads the pieces of a scripted answer.
type body struct {
	ctx    context.Context
	pieces []any
	left   string
}

func (b *body) Read(p []byte) (int, error) {
	for b.left == "" {
		if len(b.pieces) == 0 {
			return 0, io.EOF
		}
		next := b.pieces[0]
		b.pieces = b.pieces[1:]
		switch x := next.(type) {
		case string:
			b.left = x
		case time.Duration:
			if err := sleepIn(b.ctx, x); err != nil {
				return 0, err
			}
		case error:
			return 0, x
		}
	}
	n := copy(p, b.left)
	b.left = b.left[n:]
	return n, nil
}

func (b *body) Close() error { return nil }

// scripted runs test in a bubble of fake time, with a lab of entities a, b, ... that follow steps.
func scripted(t *testing.T, steps map[string][]step, set setup, test func(*testing.T, *lab, *playbook)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &playbook{steps: steps, start: time.Now(), n: map[string]int{}}
		e := chatEndpoint(t, len(steps))
		for _, x := range e.Entities {
			x.BaseURL = parseURL(t, "http://"+x.Name+"/v1")
		}
		half := func(l *lab, _ *endpoint.Endpoint) {
			l.parts.Transport, l.parts.Draw = s, func() uint32 { return 1 << 31 } // waits of half their bound
		}
		l := newLabOf(t, e, half, set)
		test(t, l, s)
	})
}

// attempts tells of a row's attempts: entity, status, what was wrong, and why it was tried.
func attempts(r *inference.Record) string {
	lines := make([]string, len(r.Attempts))
	for i, a := range r.Attempts {
		lines[i] = fmt.Sprintf("%s %d", a.ServedEntity, a.Status)
		if a.Error != "" {
			lines[i] += " " + a.Error
		}
		if a.Why != "" {
			lines[i] += " <- " + a.Why
		}
	}
	return strings.Join(lines, "\n")
}
