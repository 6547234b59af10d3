package demo

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// fire sends one request and reads its answer. It reports whether the request reached the gateway.
func (t *traffic) fire(ctx context.Context, p plan) (s Shot, reached bool) {
	s = Shot{ClientRequestID: p.id, Team: p.team.Name, Endpoint: p.endpoint, Kind: p.kind.name, Stream: p.kind.stream}
	ctx, cancel := context.WithTimeout(ctx, t.cfg.Timeout)
	defer cancel()
	var wrote atomic.Bool
	trace := &httptrace.ClientTrace{WroteRequest: func(i httptrace.WroteRequestInfo) {
		wrote.Store(i.Err == nil)
		if p.leaves && p.leaveAt == 0 {
			time.AfterFunc(patience, cancel)
		}
	}}
	r, err := t.request(httptrace.WithClientTrace(ctx, trace), &p)
	if err != nil {
		s.Err = err
		return s, false
	}
	resp, err := t.client.Do(r)
	if err != nil {
		s.Left = p.leaves && p.leaveAt == 0
		if !s.Left {
			s.Err = err
		}
		return s, wrote.Load()
	}
	s.Status, s.RequestID = resp.StatusCode, resp.Header.Get("X-Request-Id")
	if p.leaves && p.leaveAt > 0 && resp.StatusCode == http.StatusOK {
		s.Left = true
		s.Err = readEvents(resp.Body, p.leaveAt)
		cancel()
		_ = resp.Body.Close() // cancelled: there is nothing good to say
		return s, true
	}
	s.Err = drain(resp.Body)
	return s, true
}

func (t *traffic) request(ctx context.Context, p *plan) (*http.Request, error) {
	body, tagHeader, err := p.encode()
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.cfg.BaseURL+p.path(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	token := p.token
	if token == "" {
		token = t.cfg.Tokens[p.team.Key]
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "lakegate-demo/1 ("+p.team.Name+")")
	if tagHeader != "" {
		r.Header.Set("Databricks-Ai-Gateway-Request-Tags", tagHeader)
	}
	return r, nil
}

// readEvents reads so many events of a stream.
func readEvents(r io.Reader, n int) error {
	in := bufio.NewReader(r)
	for n > 0 {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if bytes.HasPrefix(line, []byte("data:")) {
			n--
		}
	}
	return nil
}
