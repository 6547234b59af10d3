package fakellm

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
)

// counters count requests by what became of them.
type counters struct {
	Chat, Completions, Embeddings atomic.Int64 // received
	Models                        atomic.Int64
	Unauthorized, Unknown         atomic.Int64 // refused before they were read
	Refused                       atomic.Int64 // body not understood
	Failed                        atomic.Int64 // answered a scripted or random error
	Aborted                       atomic.Int64 // the answer did not reach its end
	Active                        atomic.Int64 // being answered now
}

func (c *counters) of(kind Kind) *atomic.Int64 {
	switch kind {
	case Completions:
		return &c.Completions
	case Embeddings:
		return &c.Embeddings
	}
	return &c.Chat
}

// Stats are counts since the start or the last Reset.
type Stats struct {
	Requests     int64 `json:"requests"` // model calls received
	Chat         int64 `json:"chat"`
	Completions  int64 `json:"completions"`
	Embeddings   int64 `json:"embeddings"`
	Models       int64 `json:"models"`
	Unauthorized int64 `json:"unauthorized"`
	Unknown      int64 `json:"unknown"`
	Refused      int64 `json:"refused"`
	Failed       int64 `json:"failed"`
	Aborted      int64 `json:"aborted"`
	Active       int64 `json:"active"`
	WithID       int64 `json:"with_id"`
}

// Seen is one request that carried an id.
type Seen struct {
	ID     string `json:"id"`
	Kind   Kind   `json:"kind"`
	Model  string `json:"model"`
	Stream bool   `json:"stream"`
	Usage  Usage  `json:"usage"`
	Status int    `json:"status"` // 0 when no status line was sent
	Whole  bool   `json:"whole"`  // the answer was sent to its end
}

// Stats returns the counts.
func (s *Server) Stats() Stats {
	c := &s.counts
	st := Stats{
		Chat: c.Chat.Load(), Completions: c.Completions.Load(), Embeddings: c.Embeddings.Load(),
		Models: c.Models.Load(), Unauthorized: c.Unauthorized.Load(), Unknown: c.Unknown.Load(),
		Refused: c.Refused.Load(), Failed: c.Failed.Load(), Aborted: c.Aborted.Load(), Active: c.Active.Load(),
	}
	st.Requests = st.Chat + st.Completions + st.Embeddings
	s.seen.mu.Lock()
	st.WithID = int64(len(s.seen.all))
	s.seen.mu.Unlock()
	return st
}

// Seen returns the requests with an id in the order they came, tries of one id each on its own.
// A request is there from when its body was read, whatever becomes of its answer.
func (s *Server) Seen() []Seen {
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	return append([]Seen(nil), s.seen.all...)
}

// Reset forgets what was seen and counted; Active goes on.
func (s *Server) Reset() {
	c := &s.counts
	for _, n := range []*atomic.Int64{
		&c.Chat, &c.Completions, &c.Embeddings, &c.Models, &c.Unauthorized, &c.Unknown, &c.Refused, &c.Failed, &c.Aborted,
	} {
		n.Store(0)
	}
	s.seen.mu.Lock()
	s.seen.all, s.seen.epoch = nil, s.seen.epoch+1
	s.seen.mu.Unlock()
}

// admin serves GET /__stats and /__seen, and POST /__reset.
func (s *Server) admin(w http.ResponseWriter, r *http.Request, path string) {
	var v any
	switch r.Method + " " + strings.TrimSuffix(path, "/") {
	case "GET /__stats":
		v = s.Stats()
	case "GET /__seen":
		v = s.Seen()
	case "POST /__reset":
		s.Reset()
		v = s.Stats()
	default:
		writeError(w, http.StatusNotFound, "GET /__stats, GET /__seen and POST /__reset are what there is.")
		return
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain structs always marshal
	}
	writeJSON(w, http.StatusOK, b)
}

// seenLog remembers the requests that carry an id.
type seenLog struct {
	mu    sync.Mutex
	all   []Seen
	epoch int
}

// seenMark is the place of a request in the log, or none.
type seenMark struct{ epoch, at int }

func (l *seenLog) arrive(p *Plan, r *http.Request) seenMark {
	id := p.Script.ID
	if id == "" {
		if id = r.Header.Get("X-Fake-Id"); id == "" {
			return seenMark{at: -1}
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, Seen{ID: id, Kind: p.Kind, Model: p.Model, Stream: p.Stream, Usage: p.Usage})
	return seenMark{l.epoch, len(l.all) - 1}
}

func (l *seenLog) leave(m seenMark, status int, whole bool) {
	if m.at < 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if m.epoch == l.epoch {
		l.all[m.at].Status, l.all[m.at].Whole = status, whole
	}
}
