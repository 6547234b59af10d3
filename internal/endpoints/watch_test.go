package endpoints_test

import (
	"errors"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/endpoints"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
	"github.com/lakegate/lakegate/internal/state"
)

// A watch says that a listing is due at first, while an announced version may come, and now and then.
func TestWatch(t *testing.T) {
	mem := memstore.New()
	store := endpoints.New(state.New(mem))
	w := store.Watch()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	after := func(d time.Duration, want, lists bool) {
		t.Helper()
		now = now.Add(d)
		due, err := w.Due(t.Context(), now)
		must(t, err)
		if due != want {
			t.Errorf("after %v: due %v, want %v", d, due, want)
		}
		if due && lists {
			w.Listed(now)
		}
	}
	after(0, true, true)
	after(2*time.Second, false, true)
	after(28*time.Second, true, true)
	after(2*time.Second, false, true)
	must(t, store.Put(t.Context(), document("chat", 1, "one")))
	after(2*time.Second, true, true)
	after(9*time.Second, true, true)
	after(2*time.Second, true, true) // the first that came after all that may have taken so long
	after(2*time.Second, false, true)
	must(t, store.Put(t.Context(), document("chat", 2, "two")))
	after(2*time.Second, true, false) // the listing fails
	after(20*time.Second, true, false)
	after(2*time.Second, true, true)
	after(2*time.Second, false, true)

	mem.Inject(func(c memstore.Call) memstore.Fault {
		if c.Op == memstore.Put {
			return memstore.Fault{Before: errors.New("away")}
		}
		return memstore.Fault{}
	})
	if err := store.Put(t.Context(), document("chat", 3, "three")); err == nil {
		t.Error("a version was stored that was not announced")
	}
	if _, err := store.Get(t.Context(), "chat", 3); !errors.Is(err, endpoints.ErrNotFound) {
		t.Errorf("the version that was not announced: %v", err)
	}
}
