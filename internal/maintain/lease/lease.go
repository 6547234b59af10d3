// Package lease lets one process at a time do a piece of work, by a document in the object store.
//
// It promises that of all who ask for a lease by one name, at most one is told that it holds it
// (Held), as long as their clocks run at speeds that differ by less than a tenth, and that a holder
// that dies is followed by another. What the clocks show doesn't matter: a lease is taken from its
// holder only by somebody who saw the same version of the document, by their own clock, for as long
// as the holder said (the ttl), and a holder stops believing in it after nine tenths of that since
// it began to renew it. Lost answers and late writes don't weaken this: every write names the
// version it replaces.
//
// It can't promise more: a process that is halted right after it asked Held will act when it goes
// on, however late. So a lease saves work that would be done twice, and nothing may break without
// it. Maintenance is decided by conflicts of commits (delta.ErrRewriteConflict).
//
// An Observer and a Lease may be used by many goroutines, each Acquire being a holder of its own.
// The documents are those of internal/state; the fake is memstore.
package lease

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/lakegate/lakegate/internal/state"
)

// Kind is the kind of the documents: _lakegate/leases/<name>.json.
const Kind = "leases"

// MinTTL and MaxTTL bound the time a lease can be asked for.
const (
	MinTTL = time.Second
	MaxTTL = time.Hour
)

// Errors to test for with errors.Is.
var (
	// ErrHeld says that somebody else holds the lease. The error is a *HeldError.
	ErrHeld = errors.New("lease is held by somebody else")
	// ErrLost says that the lease was taken by somebody else, or not renewed in time.
	ErrLost = errors.New("lease is lost")
)

// HeldError is an ErrHeld that says who.
type HeldError struct {
	Name   string
	Holder string
	// Until is when it can be taken unless its holder renews it, by the clock of the caller. An
	// Observer that sees it for the first time knows no better than to wait for all of its ttl.
	Until time.Time
}

// Error implements error.
func (e *HeldError) Error() string {
	return fmt.Sprintf("lease %s is held by %s until %s at least", e.Name, e.Holder, e.Until.UTC().Format(time.RFC3339))
}

// Unwrap makes it an ErrHeld.
func (e *HeldError) Unwrap() error { return ErrHeld }

// record is a lease's document. Beat and Token see to it that no two versions have the same bytes,
// for stores whose version is a hash of them.
type record struct {
	Holder  string    `json:"holder"` // "": free
	Token   string    `json:"token"`  // of one Acquire
	Beat    int64     `json:"beat"`   // counts the writes under this token
	TTL     int64     `json:"ttl_ms"`
	Renewed time.Time `json:"renewed"` // by the holder's clock, for people to read
}

// Observer takes leases for one holder, and remembers since when it has seen those of others.
type Observer struct {
	docs   *state.Docs
	holder string
	now    func() time.Time

	mu   sync.Mutex
	seen map[string]sighting // by name
}

// sighting is a version that was there at a time.
type sighting struct {
	version state.Version
	since   time.Time
}

// NewObserver returns an Observer for a holder, whose name is for people to read.
func NewObserver(docs *state.Docs, holder string) *Observer {
	return &Observer{docs: docs, holder: holder, now: time.Now, seen: map[string]sighting{}}
}

// Acquire asks once for the lease, without a memory of earlier tries: it gets one that is free, not
// one of a holder that died. Use an Observer for that.
func Acquire(ctx context.Context, docs *state.Docs, name, holder string, ttl time.Duration) (*Lease, error) {
	return NewObserver(docs, holder).Acquire(ctx, name, ttl)
}

// Acquire asks once for the lease. ErrHeld when somebody else has it, which may be another Acquire
// of this Observer. Ask again later: the Observer gets it when it has seen the holder do nothing
// for the holder's ttl.
func (o *Observer) Acquire(ctx context.Context, name string, ttl time.Duration) (*Lease, error) {
	if ttl < MinTTL || ttl > MaxTTL {
		return nil, fmt.Errorf("acquire lease %s: for %v: want %v to %v", name, ttl, MinTTL, MaxTTL)
	}
	for {
		was, version, err := o.look(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("acquire lease %s: %w", name, err)
		}
		if until := o.expires(name, was, version); o.now().Before(until) {
			return nil, &HeldError{name, was.Holder, until}
		}
		l := &Lease{observer: o, name: name, ttl: ttl, rec: record{Holder: o.holder, Token: uuid.NewString()}, version: version}
		err = l.write(ctx)
		switch {
		case errors.Is(err, state.ErrChanged), errors.Is(err, state.ErrExists):
			continue // somebody was faster: see who
		case err != nil:
			return nil, fmt.Errorf("acquire lease %s: %w", name, err)
		}
		return l, nil
	}
}

// look reads the document; the version is "" when there is none. One that isn't ours to understand
// counts as held for an hour.
func (o *Observer) look(ctx context.Context, name string) (record, state.Version, error) {
	doc, version, err := o.docs.Get(ctx, Kind, name)
	if errors.Is(err, state.ErrNotFound) {
		return record{}, "", nil
	}
	if err != nil {
		return record{}, "", err
	}
	var r record
	if err := json.Unmarshal(doc, &r); err != nil || (r.Holder != "" && (r.TTL <= 0 || r.TTL > MaxTTL.Milliseconds())) {
		r = record{Holder: "a document that can't be read", TTL: MaxTTL.Milliseconds()}
	}
	return r, version, nil
}

// expires returns when the lease can be taken, and notes that this version was seen.
func (o *Observer) expires(name string, r record, version state.Version) time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	if version == "" || r.Holder == "" {
		delete(o.seen, name)
		return time.Time{}
	}
	s := o.seen[name]
	if s.version != version {
		s = sighting{version, o.now()}
		o.seen[name] = s
	}
	return s.since.Add(time.Duration(r.TTL) * time.Millisecond)
}

// Wait asks for the lease until it gets it or ctx ends, a few times per ttl.
func (o *Observer) Wait(ctx context.Context, name string, ttl time.Duration) (*Lease, error) {
	for {
		l, err := o.Acquire(ctx, name, ttl)
		var held *HeldError
		if !errors.As(err, &held) {
			return l, err
		}
		if !sleep(ctx, max(min(held.Until.Sub(o.now()), ttl/5, 2*time.Second), 10*time.Millisecond)) {
			return nil, fmt.Errorf("%w: %w", err, ctx.Err())
		}
	}
}
