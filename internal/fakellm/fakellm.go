// Package fakellm is a scripted model provider that speaks OpenAI's API (chat completions,
// completions, embeddings and models) and Anthropic's messages, as JSON or as a stream of events.
//
// It promises that an answer follows from its request alone: text, tool calls, vectors and usage
// are the same every time, and [Config.Plan] tells a test what they will be. A request chooses how
// its answer goes wrong by directives (see [Script]), so one server plays every provider a gateway
// may meet. Requests that carry an id are remembered, so a test can compare what reached the
// provider with the rows it became; the others are only counted.
//
// It does not check keys unless told to, does not count tokens as any real model does, and its
// embeddings mean nothing. A Server is safe for concurrent use.
package fakellm

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Config says how a Server answers when a request does not say so itself.
type Config struct {
	Latency    time.Duration // before the first byte of an answer
	ChunkDelay time.Duration // between two chunks of a stream
	Tokens     int           // words of an answer; 0 derives a count from the request
	Chunks     int           // pieces a stream's text is cut into; 0 is one a word, at most 64
	ErrorRate  float64       // share of requests, 0 to 1, answered 429, 500 or 503
	Seed       uint64        // decides which ones
	Key        string        // bearer token asked for; "" accepts any
	Models     []string      // ids listed by GET /v1/models
	MaxBody    int64         // bytes of a request; larger ones get 413
	MaxHang    time.Duration // longest time a scripted silence lasts
}

// DefaultConfig answers at once and never fails.
func DefaultConfig() Config {
	return Config{
		Models:  []string{"gpt-5", "gpt-5-mini", "gpt-4o", "gpt-4o-mini", "o4-mini", "text-embedding-3-small"},
		MaxBody: 64 << 20,
		MaxHang: 10 * time.Minute,
	}
}

// Validate reports the first setting that makes no sense.
func (c Config) Validate() error {
	switch {
	case c.Latency < 0 || c.ChunkDelay < 0:
		return fmt.Errorf("latency and chunk delay must not be negative")
	case c.Tokens < 0 || c.Chunks < 0:
		return fmt.Errorf("tokens and chunks must not be negative")
	case c.ErrorRate < 0 || c.ErrorRate > 1:
		return fmt.Errorf("error rate %v is not between 0 and 1", c.ErrorRate)
	case c.MaxBody <= 0 || c.MaxHang <= 0:
		return fmt.Errorf("max body and max hang must be positive")
	}
	return nil
}

// Server is the provider. It implements http.Handler; who serves it stops it with Close.
type Server struct {
	cfg    Config
	models []byte
	closed chan struct{}
	close  sync.Once
	serial atomic.Uint64
	counts counters
	seen   seenLog
	last   atomic.Pointer[planned]
}

// planned is a request and its plan, which is not changed any more. Benchmarks send one body over
// and over; remembering the last one halves what an answer costs.
type planned struct {
	kind Kind
	body []byte
	plan *Plan
}

// New returns a server. It starts no goroutine.
func New(cfg Config) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("fakellm: %w", err)
	}
	return &Server{cfg: cfg, models: modelList(cfg.Models), closed: make(chan struct{})}, nil
}

// Close ends every scripted silence, so that the HTTP server around it can stop. It is safe twice.
func (s *Server) Close() error {
	s.close.Do(func() { close(s.closed) })
	return nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/v1")
	switch {
	case strings.HasPrefix(path, "/__"):
		s.admin(w, r, path)
	case s.cfg.Key != "" && r.Header.Get("Authorization") != "Bearer "+s.cfg.Key && r.Header.Get("X-Api-Key") != s.cfg.Key:
		s.counts.Unauthorized.Add(1)
		writeError(w, http.StatusUnauthorized, "Incorrect API key provided.")
	case r.Method == http.MethodPost && kinds[path] != "":
		s.infer(w, r, kinds[path])
	case r.Method == http.MethodGet && (path == "/models" || strings.HasPrefix(path, "/models/")):
		s.listModels(w, path)
	default:
		s.counts.Unknown.Add(1)
		writeError(w, http.StatusNotFound, "Unknown request URL: "+r.Method+" "+r.URL.Path+".")
	}
}

// infer answers one model call.
func (s *Server) infer(w http.ResponseWriter, r *http.Request, kind Kind) {
	n := s.serial.Add(1)
	s.counts.of(kind).Add(1)
	s.counts.Active.Add(1)
	defer s.counts.Active.Add(-1)
	b := getBuffer()
	defer putBuffer(b)
	if err := b.read(http.MaxBytesReader(w, r.Body, s.cfg.MaxBody), r.ContentLength); err != nil {
		s.counts.Refused.Add(1)
		writeError(w, http.StatusRequestEntityTooLarge, "The request body could not be read.")
		return
	}
	p, err := s.plan(kind, b.b, r.Header.Get("X-Fake"))
	if err != nil {
		s.counts.Refused.Add(1)
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	if p.Script.Status == 0 && s.unlucky(n) {
		failing := *p
		failing.Script.Status = []int{http.StatusTooManyRequests, 500, 503}[n%3]
		p = &failing
	}
	mark := s.seen.arrive(p, r)
	a := &answer{s: s, w: w, r: r, p: p}
	done := false
	defer func() { // runs also when the script aborts the connection by a panic
		s.seen.leave(mark, a.status, done)
		if !done {
			s.counts.Aborted.Add(1)
		}
	}()
	done = a.run()
}

// plan is Config.plan with a memory of one.
func (s *Server) plan(kind Kind, body []byte, header string) (*Plan, error) {
	if l := s.last.Load(); l != nil && header == "" && l.kind == kind && bytes.Equal(l.body, body) {
		return l.plan, nil
	}
	p, err := s.cfg.plan(kind, body, header)
	if err == nil && header == "" && len(body) <= maxKept {
		s.last.Store(&planned{kind, bytes.Clone(body), p})
	}
	return p, err
}

// unlucky decides whether the nth request fails by itself.
func (s *Server) unlucky(n uint64) bool {
	return s.cfg.ErrorRate > 0 && rand.New(rand.NewPCG(s.cfg.Seed, n)).Float64() < s.cfg.ErrorRate
}
