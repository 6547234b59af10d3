package memstore_test

import (
	"errors"
	"testing"

	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
	"github.com/lakegate/lakegate/internal/objstore/objstoretest"
)

func TestStore(t *testing.T) {
	objstoretest.Run(t, func(*testing.T) objstore.Store { return memstore.New() })
}

func TestFaults(t *testing.T) {
	s := memstore.New()
	down := errors.New("store is down")
	s.Inject(func(c memstore.Call) memstore.Fault {
		switch {
		case c.Key == "down":
			return memstore.Fault{Before: down}
		case c.Key == "lost" && c.Op == memstore.Create:
			return memstore.Fault{After: objstore.ErrUnknown}
		case c.Key == "raced" && c.Op == memstore.Create && string(c.Data) == "mine":
			if _, err := s.Create(t.Context(), c.Key, []byte("rival")); err != nil {
				t.Error(err)
			}
		}
		return memstore.Fault{}
	})
	if _, err := s.Create(t.Context(), "down", nil); !errors.Is(err, down) {
		t.Errorf("fault before: %v", err)
	}
	if _, err := s.Create(t.Context(), "lost", []byte("x")); !errors.Is(err, objstore.ErrUnknown) {
		t.Errorf("lost answer: %v", err)
	}
	if _, err := s.Create(t.Context(), "lost", []byte("x")); !errors.Is(err, objstore.ErrExists) {
		t.Errorf("after a lost answer: %v, want the object there", err)
	}
	if _, err := s.Create(t.Context(), "raced", []byte("mine")); !errors.Is(err, objstore.ErrExists) {
		t.Errorf("lost race: %v", err)
	}
	s.Inject(nil)
	if _, err := s.Stat(t.Context(), "down"); !errors.Is(err, objstore.ErrNotFound) {
		t.Errorf("a call that failed before did something: %v", err)
	}
}
