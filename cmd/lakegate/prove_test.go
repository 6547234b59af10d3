package main

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
)

// moody is a store that is down, or takes every Create for the first.
type moody struct {
	objstore.Store
	down, careless bool
	asked          atomic.Int32
}

var errDown = errors.New("down")

func (m *moody) Create(ctx context.Context, key string, data []byte) (objstore.Info, error) {
	m.asked.Add(1)
	switch {
	case m.down:
		return objstore.Info{}, errDown
	case m.careless:
		return m.Put(ctx, key, data)
	}
	return m.Store.Create(ctx, key, data)
}

func TestNothingIsWrittenToAStoreThatIsNotProven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		m := &moody{Store: memstore.New(), down: true}
		p := newProven(m)
		if _, err := p.Put(ctx, "a", nil); !errors.Is(err, errDown) {
			t.Fatalf("put while it is down: %v", err)
		}
		asked := m.asked.Load()
		if err := p.Delete(ctx, "a"); !errors.Is(err, errDown) || m.asked.Load() != asked {
			t.Fatalf("asked again at once: %v", err)
		}
		if _, _, err := p.Get(ctx, "a"); !errors.Is(err, objstore.ErrNotFound) {
			t.Fatalf("a read waits for the proof: %v", err)
		}
		m.down = false
		time.Sleep(proofPause)
		if _, err := p.Create(ctx, "a", []byte("x")); err != nil {
			t.Fatal(err)
		}
		asked = m.asked.Load()
		if _, err := p.Replace(ctx, "a", "no such version", nil); !errors.Is(err, objstore.ErrChanged) || m.asked.Load() != asked {
			t.Fatalf("tested again after it passed, or conditions are lost: %v", err)
		}
	})
}

func TestACarelessStoreIsRefusedForGood(t *testing.T) {
	m := &moody{Store: memstore.New(), careless: true}
	p := newProven(m)
	for range 2 {
		if err := p.prove(t.Context()); !errors.Is(err, objstore.ErrUnsafe) {
			t.Fatalf("prove: %v", err)
		}
		if _, err := p.Put(t.Context(), "a", nil); !errors.Is(err, objstore.ErrUnsafe) {
			t.Fatalf("put: %v", err)
		}
		m.careless = false // too late
	}
}
