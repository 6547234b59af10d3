package delta

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
	"github.com/lakegate/lakegate/internal/tableschema"
)

func TestRestore(t *testing.T) {
	onStores(t, func(t *testing.T, store objstore.Store) {
		tbl := openOrCreate(t, store)
		a, b := land(t, store, tbl, 1), land(t, store, tbl, 2)
		was := tbl.Snapshot()
		ab := compact(t, store, tbl, a, b)
		c := land(t, store, tbl, 3)
		var plan RestorePlan
		s, err := tbl.Restore(t.Context(), was.Version, func(p RestorePlan) ([]Txn, error) {
			plan = p
			after := p.Txns["counter"]
			return []Txn{{AppID: "counter", Version: after + 1, After: &after}}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(paths(s), paths(was)) || s.Txns["log"] != 3 || s.Txns["counter"] != 1 {
			t.Errorf("restored: %s", describe(s))
		}
		if len(plan.Remove) != 2 || len(plan.Add) != 2 {
			t.Errorf("plan %+v", plan)
		}
		same(t, fresh(t, store), s)
		h, err := tbl.History(t.Context(), 1)
		if err != nil || h[0].Operation != "RESTORE" || h[0].Parameters["version"] != "2" || h[0].Metrics["numRestoredFiles"] != "2" || h[0].Metrics["numRemovedFiles"] != "2" {
			t.Errorf("history %+v, %v", h, err)
		}
		// Nothing to do, and back again.
		if again, err := tbl.Restore(t.Context(), was.Version); err != nil || again.Version != s.Version {
			t.Errorf("restored again: %v, %v", again, err)
		}
		back, err := tbl.Restore(t.Context(), 4)
		want := []string{ab, c}
		slices.Sort(want)
		if err != nil || !slices.Equal(paths(back), want) {
			t.Errorf("back: %v, %v", back, err)
		}
		if _, err := tbl.Restore(t.Context(), 99); !errors.Is(err, ErrVersionGone) {
			t.Errorf("version 99: %v", err)
		}
		// A segment that is in the table's past stays landed.
		if _, err := tbl.Append(t.Context(), []Add{file(3)}, Txn{AppID: "log", Version: 3}, nil); !errors.Is(err, ErrTxnDone) {
			t.Errorf("append of segment 3 again: %v", err)
		}
	})
}

func TestRestoreAfterVacuum(t *testing.T) {
	store := memstore.New()
	tbl := openOrCreate(t, store)
	a := land(t, store, tbl, 1)
	b := land(t, store, tbl, 2)
	compact(t, store, tbl, a, b)
	if err := store.Delete(t.Context(), tbl.Key(a)); err != nil {
		t.Fatal(err)
	}
	before := tbl.Snapshot()
	var gone *FilesGoneError
	if _, err := tbl.Restore(t.Context(), 2); !errors.As(err, &gone) || !errors.Is(err, ErrFilesGone) || !slices.Equal(gone.Paths, []string{a}) {
		t.Errorf("restored to files that are gone: %v", err)
	}
	same(t, fresh(t, store), before)
}

// A vacuum takes a file between the look and the commit: the restore takes itself back, and keeps
// what others appended.
func TestRestoreRacesVacuum(t *testing.T) {
	store := memstore.New()
	tbl := openOrCreate(t, store)
	a, b := land(t, store, tbl, 1), land(t, store, tbl, 2)
	compact(t, store, tbl, a, b)
	want := paths(tbl.Snapshot())
	rival := openOrCreate(t, store)
	store.Inject(only(tbl, 4, func() memstore.Fault {
		store.Inject(nil)
		if err := store.Delete(t.Context(), tbl.Key(a)); err != nil {
			t.Error(err)
		}
		store.Inject(only(tbl, 5, func() memstore.Fault {
			store.Inject(nil)
			want = append(want, land(t, store, rival, 5))
			return memstore.Fault{}
		}))
		return memstore.Fault{}
	}))
	if _, err := tbl.Restore(t.Context(), 2); !errors.Is(err, ErrFilesGone) {
		t.Errorf("restored: %v", err)
	}
	slices.Sort(want)
	s := fresh(t, store)
	if !slices.Equal(paths(s), want) || s.Version != 6 {
		t.Errorf("files %q, want %q: %s", paths(s), want, describe(s))
	}
}

// Appends that come first are later than the version, and go.
func TestRestoreLosesRace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, tbl, rival := rivals(t)
		was := appendFile(t, tbl, "log", 1)
		appendFile(t, tbl, "log", 2)
		store.Inject(only(tbl, 3, func() memstore.Fault {
			store.Inject(nil)
			appendFile(t, rival, "log", 3)
			return unsent()
		}))
		s, err := tbl.Restore(t.Context(), 1)
		if err != nil || s.Version != 4 || !slices.Equal(paths(s), paths(was)) || s.Txns["log"] != 3 {
			t.Errorf("restored: %v, %v", s, err)
		}
	})
}

// Columns added since stay. A schema that the old files don't fit goes.
func TestRestoreSchema(t *testing.T) {
	store := memstore.New()
	tbl := openOrCreate(t, store)
	land(t, store, tbl, 1)
	more := tableschema.Column{Name: "more", Type: tableschema.Type{Kind: tableschema.Long}}
	tbl, err := OpenOrCreate(t.Context(), store, usage(more), Options{})
	if err != nil {
		t.Fatal(err)
	}
	land(t, store, tbl, 2)
	old := tbl.Snapshot()
	s, err := tbl.Restore(t.Context(), 1)
	if err != nil || s.NumFiles() != 1 || s.meta.SchemaString != old.meta.SchemaString {
		t.Errorf("restored: %v, %v", s, err)
	}
	// Somebody overwrites the table with another one.
	m := s.meta.metadataAction
	m.SchemaString, m.PartitionColumns = `{"type":"struct","fields":[{"name":"x","type":"long","nullable":true,"metadata":{}}]}`, []string{}
	putCommit(t, store, tbl, s.Version+1, action{Metadata: &m}, action{Remove: &removeAction{Path: paths(s)[0], DataChange: true}})
	s, err = tbl.Restore(t.Context(), 3)
	if err != nil || s.NumFiles() != 2 || s.meta.SchemaString != old.meta.SchemaString || s.meta.PartitionColumns[0] != "request_date" {
		t.Errorf("restored: %v, %v", s, err)
	}
	if got := land(t, store, tbl, 3); got == "" || tbl.Snapshot().NumFiles() != 3 {
		t.Errorf("append after: %s", describe(tbl.Snapshot()))
	}
}
