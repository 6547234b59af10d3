package state_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/fsstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
	"github.com/lakegate/lakegate/internal/state"
)

func onStores(t *testing.T, test func(t *testing.T, d *state.Docs)) {
	t.Run("memstore", func(t *testing.T) { test(t, state.New(memstore.New())) })
	t.Run("fsstore", func(t *testing.T) {
		s, err := fsstore.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		test(t, state.New(s))
	})
}

func wantError(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", what, err, want)
	}
}

func TestDocuments(t *testing.T) {
	onStores(t, func(t *testing.T, d *state.Docs) {
		ctx := t.Context()
		_, _, err := d.Get(ctx, "dashboard", "a")
		wantError(t, "get of nothing", err, state.ErrNotFound)
		v1, err := d.Create(ctx, "dashboard", "a", []byte(`{"n":1}`))
		wantError(t, "create", err, nil)
		_, err = d.Create(ctx, "dashboard", "a", []byte(`{"n":9}`))
		wantError(t, "create again", err, state.ErrExists)
		doc, v, err := d.Get(ctx, "dashboard", "a")
		if err != nil || string(doc) != `{"n":1}` || v != v1 {
			t.Errorf("get: %s, %s, %v", doc, v, err)
		}
		v2, err := d.Replace(ctx, "dashboard", "a", v1, []byte(`{"n":2}`))
		wantError(t, "replace", err, nil)
		_, err = d.Replace(ctx, "dashboard", "a", v1, []byte(`{"n":9}`))
		wantError(t, "replace of an old version", err, state.ErrChanged)
		_, err = d.Replace(ctx, "dashboard", "none", v2, []byte(`{}`))
		wantError(t, "replace of nothing", err, state.ErrChanged)
		_, err = d.Create(ctx, "dashboard", "B.2_x-y", []byte(`[]`))
		wantError(t, "create another", err, nil)
		_, err = d.Create(ctx, "dashboards", "c", []byte(`[]`))
		wantError(t, "create of another kind", err, nil)
		if ids, err := d.List(ctx, "dashboard"); err != nil || !slices.Equal(ids, []string{"B.2_x-y", "a"}) {
			t.Errorf("list: %q, %v", ids, err)
		}
		wantError(t, "delete", d.Delete(ctx, "dashboard", "a"), nil)
		wantError(t, "delete again", d.Delete(ctx, "dashboard", "a"), nil)
		_, _, err = d.Get(ctx, "dashboard", "a")
		wantError(t, "get of the deleted", err, state.ErrNotFound)
		if ids, err := d.List(ctx, "nothing"); err != nil || len(ids) != 0 {
			t.Errorf("list of nothing: %q, %v", ids, err)
		}
	})
}

func TestNames(t *testing.T) {
	d := state.New(memstore.New())
	for _, name := range []string{"", ".", "..", ".hidden", "a/b", "../a", "a b", "ä", "a\x00", strings.Repeat("x", 201)} {
		_, err := d.Create(t.Context(), "kind", name, []byte(`{}`))
		wantError(t, "create of "+name, err, state.ErrName)
		_, _, err = d.Get(t.Context(), name, "id")
		wantError(t, "get of kind "+name, err, state.ErrName)
		wantError(t, "delete of "+name, d.Delete(t.Context(), "kind", name), state.ErrName)
		_, err = d.List(t.Context(), name)
		wantError(t, "list of "+name, err, state.ErrName)
	}
	if _, err := d.Create(t.Context(), "kind", "id", []byte(`{"half":`)); err == nil {
		t.Error("stored what is not JSON")
	}
}

// Everybody adds one to a document; nobody's change gets lost.
func TestConcurrentChanges(t *testing.T) {
	const people, each = 8, 10
	onStores(t, func(t *testing.T, d *state.Docs) {
		if _, err := d.Create(t.Context(), "k", "count", []byte("0")); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range people {
			wg.Go(func() {
				for done := 0; done < each; {
					doc, v, err := d.Get(t.Context(), "k", "count")
					var n int
					if err == nil {
						err = json.Unmarshal(doc, &n)
					}
					if err == nil {
						doc, err = json.Marshal(n + 1)
					}
					if err == nil {
						_, err = d.Replace(t.Context(), "k", "count", v, doc)
					}
					if err != nil && !errors.Is(err, state.ErrChanged) {
						t.Error(err)
						return
					}
					if err == nil {
						done++
					}
				}
			})
		}
		wg.Wait()
		doc, _, err := d.Get(t.Context(), "k", "count")
		if err != nil || string(doc) != "80" {
			t.Errorf("counted %s, %v, want %d", doc, err, people*each)
		}
	})
}

// Answers get lost after the write and before it; the caller learns the truth.
func TestLostAnswers(t *testing.T) {
	lost, unsent := memstore.Fault{After: objstore.ErrUnknown}, memstore.Fault{Before: objstore.ErrUnknown}
	for _, c := range []struct {
		name   string
		faults []memstore.Fault
		want   error
	}{
		{"written", []memstore.Fault{lost}, nil},
		{"not written", []memstore.Fault{unsent, unsent}, nil},
		{"not written, then written", []memstore.Fault{unsent, lost}, nil},
		{"never", []memstore.Fault{unsent, unsent, unsent, unsent}, objstore.ErrUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := memstore.New()
			d := state.New(store)
			inject := func() {
				faults := c.faults
				store.Inject(func(call memstore.Call) memstore.Fault {
					if (call.Op != memstore.Create && call.Op != memstore.Replace) || len(faults) == 0 {
						return memstore.Fault{}
					}
					f := faults[0]
					faults = faults[1:]
					return f
				})
			}
			inject()
			_, err := d.Create(t.Context(), "k", "id", []byte(`1`))
			wantError(t, "create", err, c.want)
			store.Inject(nil)
			if c.want != nil {
				return
			}
			_, v, err := d.Get(t.Context(), "k", "id")
			wantError(t, "get", err, nil)
			inject()
			v2, err := d.Replace(t.Context(), "k", "id", v, []byte(`2`))
			wantError(t, "replace", err, nil)
			store.Inject(nil)
			if doc, now, err := d.Get(t.Context(), "k", "id"); err != nil || string(doc) != "2" || now != v2 {
				t.Errorf("got %s, %s, %v, want version %s", doc, now, err, v2)
			}
		})
	}
}

func TestRivalAfterLostAnswer(t *testing.T) {
	store := memstore.New()
	d := state.New(store)
	rival := false
	store.Inject(func(c memstore.Call) memstore.Fault {
		if c.Op != memstore.Create || string(c.Data) != "1" {
			return memstore.Fault{}
		}
		if !rival {
			rival = true
			return memstore.Fault{Before: objstore.ErrUnknown}
		}
		if _, err := d.Create(t.Context(), "k", "id", []byte(`"rival"`)); err != nil {
			t.Error(err)
		}
		return memstore.Fault{}
	})
	_, err := d.Create(t.Context(), "k", "id", []byte(`1`))
	wantError(t, "create", err, state.ErrExists)
}
