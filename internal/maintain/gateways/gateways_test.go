package gateways

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
	"github.com/lakegate/lakegate/internal/state"
)

func register(docs *state.Docs, id string, unlanded int64) *Registration {
	return Register(docs, Gateway{LogID: id, Host: "h", Version: "1"}, func() Status { return Status{7, unlanded} }, slog.New(slog.DiscardHandler))
}

func list(t *testing.T, docs *state.Docs) []Gateway {
	t.Helper()
	all, err := List(t.Context(), docs)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		docs := state.New(memstore.New())
		a, b := register(docs, "a", 0), register(docs, "b", 5)
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { a.Run(ctx) })
		wg.Go(func() { b.Run(ctx) })
		time.Sleep(time.Hour + time.Second)
		all := list(t, docs)
		if len(all) != 2 || all[0].LogID != "a" || all[1].UnlandedBytes != 5 || all[1].LandedThrough != 7 || all[0].Version != "1" {
			t.Fatalf("got %+v", all)
		}
		for _, g := range all {
			if time.Since(g.Seen) > Interval || g.Seen.Sub(g.Started) < time.Hour || g.Silent(time.Now(), Interval) {
				t.Errorf("started %v, seen %v", g.Started, g.Seen)
			}
		}
		stop()
		wg.Wait()
		if err := errors.Join(a.Stop(t.Context()), b.Stop(t.Context())); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		all = list(t, docs)
		if !all[0].Done() || all[0].Silent(time.Now(), time.Minute) {
			t.Errorf("stopped with nothing left: %+v", all[0])
		}
		if all[1].Done() || !all[1].Silent(time.Now(), time.Minute) {
			t.Errorf("stopped with rows in its log: %+v", all[1])
		}
		if err := Remove(t.Context(), docs, "b"); err != nil || len(list(t, docs)) != 1 {
			t.Errorf("remove: %v", err)
		}
	})
}

func TestAcksOutliveTheProcess(t *testing.T) {
	store := memstore.New()
	docs := state.New(store)
	if err := register(docs, "a", 0).Ack(t.Context(), "forget-1"); err != nil {
		t.Fatal(err)
	}
	next := register(docs, "a", 0)
	if err := next.Ack(t.Context(), "forget-2"); err != nil {
		t.Fatal(err)
	}
	if g := list(t, docs)[0]; g.Acks["forget-1"].IsZero() || g.Acks["forget-2"].IsZero() || !g.Stopped.IsZero() {
		t.Errorf("got %+v", g)
	}
	next.Unack("forget-1")
	if err := next.Ack(t.Context(), "forget-2"); err != nil || len(list(t, docs)[0].Acks) != 1 {
		t.Errorf("%v, %+v", err, list(t, docs)[0])
	}
}

// The store refuses and loses answers; what was to be said is said when it is back.
func TestStoreAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		docs := state.New(store)
		r := register(docs, "a", 0)
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { r.Run(ctx) })
		time.Sleep(time.Minute)
		for _, fault := range []memstore.Fault{{Before: errors.New("away")}, {After: objstore.ErrUnknown}, {Before: objstore.ErrUnknown}} {
			store.Inject(func(c memstore.Call) memstore.Fault { return fault })
			time.Sleep(time.Minute)
			if err := r.Ack(t.Context(), "forget-1"); err == nil {
				t.Error("acknowledged without an answer")
			}
			store.Inject(nil)
			if g := list(t, docs)[0]; fault.Before != nil && !g.Silent(time.Now(), 30*time.Second) {
				t.Errorf("not silent: %+v", g)
			}
			time.Sleep(time.Minute)
			if g := list(t, docs)[0]; g.Silent(time.Now(), 30*time.Second) || g.Acks["forget-1"].IsZero() {
				t.Errorf("got %+v", g)
			}
		}
		stop()
		wg.Wait()
	})
}

func TestUnreadableDocumentIsReplaced(t *testing.T) {
	docs := state.New(memstore.New())
	if _, err := docs.Create(t.Context(), Kind, "a", []byte(`[]`)); err != nil {
		t.Fatal(err)
	}
	if _, err := List(t.Context(), docs); err == nil {
		t.Error("listed")
	}
	if err := register(docs, "a", 0).Ack(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	if len(list(t, docs)) != 1 {
		t.Error("not replaced")
	}
}
