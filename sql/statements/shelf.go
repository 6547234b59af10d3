package statements

import (
	"context"
	"sync"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
)

// overhead is what a finished statement is counted as beside its rows, in bytes. It bounds the
// number of failures that are kept.
const overhead = 1 << 10

// owner is whose statement it is. The key is part of it: two keys of one person may differ in what
// they may read.
type owner struct {
	key, name string
	kind      inference.PrincipalKind
}

func ownerOf(p inference.Principal) owner { return owner{p.KeyID, p.Name, p.Kind} }

// statement is one statement, from its start until it is dropped.
type statement struct {
	id     string
	owner  owner
	cancel context.CancelFunc
	done   chan struct{} // closed when outcome is set

	// Guarded by the shelf until done is closed; they never change after that.
	outcome *outcome
	ended   time.Time
}

// shelf holds statements: those that run, and those that ended and are not too old. Old ones go
// when a request comes by and by a timer, so that an idle server does not keep them either.
type shelf struct {
	cfg Config
	now func() time.Time

	mu      sync.Mutex
	byID    map[string]*statement
	running map[owner]int // queries the Runner has not let go of
	ended   []*statement  // by the time they ended
	bytes   int64         // of ended
	closed  bool
	timer   *time.Timer // drops the first of ended; nil while there is none
}

func newShelf(cfg Config, now func() time.Time) *shelf {
	return &shelf{cfg: cfg, now: now, byID: map[string]*statement{}, running: map[owner]int{}}
}

// add takes in a statement that is about to run and calls begin before anybody can see it. The
// caller must call leave once.
func (s *shelf) add(st *statement, begin func()) *apierr.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		e := apierr.New(apierr.Unavailable, "the server is shutting down")
		e.RetryAfter = time.Second
		return e
	}
	if n := s.running[st.owner]; n >= s.cfg.MaxPerPrincipal {
		e := apierr.New(apierr.RequestLimit, "%d SQL statements of this API key are running, which is the most at a time; wait for one to end or cancel it", n)
		e.RetryAfter = time.Second
		return e
	}
	s.running[st.owner]++
	s.byID[st.id] = st
	begin()
	return nil
}

// leave ends the run of a statement. An outcome that came before, of a cancel or of close, stands.
func (s *shelf) leave(st *statement, o *outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running[st.owner]--; s.running[st.owner] == 0 {
		delete(s.running, st.owner)
	}
	s.settle(st, o)
}

// end sets the outcome of a statement that runs, and cancels its run. A statement that has ended
// stays as it is.
func (s *shelf) end(st *statement, o *outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(st, o)
	st.cancel()
}

// close ends all that run and lets no more in.
func (s *shelf) close(o *outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, st := range s.byID {
		s.settle(st, o)
		st.cancel()
	}
	if s.timer != nil {
		s.timer.Stop()
	}
}

// get returns the owner's statement, or nil.
func (s *shelf) get(id string, by owner) *statement {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop()
	st := s.byID[id]
	if st == nil || st.owner != by {
		return nil
	}
	return st
}

// outcomeOf returns how a statement ended, nil while it runs.
func (s *shelf) outcomeOf(st *statement) *outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	return st.outcome
}

// settle makes the first outcome the statement's own. The caller holds mu.
func (s *shelf) settle(st *statement, o *outcome) {
	if st.outcome != nil {
		return
	}
	st.outcome, st.ended = o, s.now()
	s.ended = append(s.ended, st)
	s.bytes += o.size()
	close(st.done)
	s.drop()
}

// drop forgets ended statements that are too old or too many. The caller holds mu.
func (s *shelf) drop() {
	now := s.now()
	n := 0
	for n < len(s.ended) {
		st := s.ended[n]
		if now.Sub(st.ended) < s.cfg.ResultTTL && s.bytes <= s.cfg.MaxResultBytes {
			break
		}
		delete(s.byID, st.id)
		s.bytes -= st.outcome.size()
		s.ended[n] = nil
		n++
	}
	s.ended = s.ended[n:]
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	if len(s.ended) > 0 && !s.closed {
		s.timer = time.AfterFunc(s.cfg.ResultTTL-now.Sub(s.ended[0].ended), s.tick)
	}
}

func (s *shelf) tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop()
}
