// Package loadgen drives one HTTP/1.1 server on this machine with requests that are all alike,
// and measures how it answers.
//
// It works in two ways. Closed loop: a number of connections each send the next request when the
// last one was answered, which finds throughput. Open loop: requests are due at a fixed rate,
// and each latency counts from when its request was due, so that a server which stalls is not let
// off for the requests it kept from being sent (no coordinated omission). A run is bounded in time
// and, if wanted, in count; it never leaves the loopback interface.
//
// It spends little CPU itself, so that it can share a small machine with what it measures: it
// writes prepared bytes and reads just as much of HTTP as answers to them use. A Config may be
// used by many runs at once; each Run is on its own.
package loadgen

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"time"
)

// Config is what to send and how fast.
type Config struct {
	URL      string            // http://127.0.0.1:PORT/path; another host than the loopback is refused
	Method   string            // POST when there are bodies, else GET
	Header   map[string]string // sent with each request
	Bodies   [][]byte          // sent in turn
	Stream   bool              // answers are event streams: count events, time the first one
	Conns    int               // connections opened at the start; all there ever are in a closed loop
	Rate     float64           // requests per second; 0 is a closed loop
	MaxConns int               // most connections of an open loop
	Duration time.Duration     // how long requests are sent
	Requests int64             // stop after so many, if that is sooner; 0 is no bound
	Stop     <-chan struct{}   // stop when it is closed, if that is sooner; may be nil
	Grace    time.Duration     // how long the last answers may take after that
}

// DefaultConfig is a closed loop on 64 connections for 5 seconds.
func DefaultConfig() Config {
	return Config{Conns: 64, MaxConns: 512, Duration: 5 * time.Second, Grace: 10 * time.Second}
}

// Validate reports the first setting that makes no sense.
func (c Config) Validate() error {
	if _, err := c.target(); err != nil {
		return err
	}
	switch {
	case c.Conns < 1 || c.Conns > 10_000:
		return fmt.Errorf("conns %d: want 1 to 10000", c.Conns)
	case c.Rate < 0 || c.Rate > 1e6:
		return fmt.Errorf("rate %v: want 0 to a million a second", c.Rate)
	case c.Rate > 0 && c.MaxConns < c.Conns:
		return fmt.Errorf("max conns %d: want at least conns, %d", c.MaxConns, c.Conns)
	case c.Duration <= 0 || c.Duration > time.Hour:
		return fmt.Errorf("duration %v: want up to an hour", c.Duration)
	case c.Grace < 0 || c.Requests < 0:
		return fmt.Errorf("grace and requests must not be negative")
	}
	return nil
}

// target resolves where to connect.
func (c Config) target() (netip.AddrPort, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "http" {
		return netip.AddrPort{}, fmt.Errorf("url %q: want http://127.0.0.1:PORT/path", c.URL)
	}
	host := u.Hostname()
	if host == "localhost" {
		host = "127.0.0.1"
	}
	at, err := netip.ParseAddrPort(net.JoinHostPort(host, u.Port()))
	if err != nil || !at.Addr().IsLoopback() {
		return netip.AddrPort{}, fmt.Errorf("url %q: want a loopback address and a port", c.URL)
	}
	return at, nil
}

// render prepares the bytes of each request.
func (c Config) render() ([][]byte, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, err
	}
	method, bodies := c.Method, c.Bodies
	if method == "" {
		method = "GET"
		if len(bodies) > 0 {
			method = "POST"
		}
	}
	if len(bodies) == 0 {
		bodies = [][]byte{nil}
	}
	names := make([]string, 0, len(c.Header))
	for k := range c.Header {
		names = append(names, k)
	}
	slices.Sort(names)
	var all [][]byte
	for _, body := range bodies {
		var b bytes.Buffer
		fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, u.RequestURI(), u.Host)
		if len(body) > 0 {
			fmt.Fprintf(&b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
		}
		for _, k := range names {
			fmt.Fprintf(&b, "%s: %s\r\n", k, c.Header[k])
		}
		b.WriteString("\r\n")
		b.Write(body)
		all = append(all, b.Bytes())
	}
	return all, nil
}

// Run sends requests until the config's bounds, waits for the last answers, and says what came of
// it. The context's end breaks off also those. Answers that are not 200 are in the result, not errors; the error is
// for a run that could not be made. No goroutine and no connection outlives it.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("loadgen: %w", err)
	}
	at, err := cfg.target()
	if err != nil {
		return nil, fmt.Errorf("loadgen: %w", err)
	}
	requests, err := cfg.render()
	if err != nil {
		return nil, fmt.Errorf("loadgen: %w", err)
	}
	r := &run{cfg: cfg, at: at.String(), requests: requests, tally: newTally()}
	r.start = time.Now()
	r.stop = r.start.Add(cfg.Duration)
	r.end = r.stop.Add(cfg.Grace)
	if cfg.Rate > 0 {
		err = r.open(ctx)
	} else {
		err = r.closed(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("loadgen: %w", err)
	}
	return r.tally.result(time.Since(r.start)), nil
}
