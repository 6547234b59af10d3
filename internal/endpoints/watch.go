package endpoints

import (
	"context"
	"time"

	"github.com/lakegate/lakegate/internal/state"
)

// When a Watch has the versions listed, though nothing new was announced.
const (
	// settles is how long after an announcement its version may take to be there.
	settles = 10 * time.Second
	// listAnyway bounds how late a version is seen that took longer.
	listAnyway = 30 * time.Second
)

// Watch says when to ask for the Newest. Writers announce what they are about to store, and to look for
// announcements costs a twelfth of a listing, however many versions there are. It is for one goroutine at
// a time.
type Watch struct {
	docs      *state.Docs
	announced state.Version
	seen      time.Time // when announced was another one than before
	listed    time.Time
}

// Watch returns a watch, which has seen nothing yet.
func (s *Store) Watch() *Watch { return &Watch{docs: s.docs} }

// Due reports whether there may be news at a time. Who then gets them says so with Listed.
func (w *Watch) Due(ctx context.Context, now time.Time) (bool, error) {
	v, err := w.docs.Announced(ctx, kind)
	if err != nil {
		return false, err
	}
	if v != w.announced {
		w.announced, w.seen = v, now
	}
	return w.listed.Before(w.seen.Add(settles)) || now.Sub(w.listed) >= listAnyway, nil
}

// Listed says that the versions were listed, after Due was asked at a time.
func (w *Watch) Listed(now time.Time) { w.listed = now }
