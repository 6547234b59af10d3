package delta

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
)

// compaction replaces files by one that says which.
func compaction(s *Snapshot, paths ...string) Rewrite {
	f := file(1000 + int(s.Version))
	f.Tags = map[string]string{"of": strings.Join(paths, " ")}
	return Rewrite{Operation: "OPTIMIZE", Remove: paths, Add: []Add{f}}
}

func paths(s *Snapshot) []string {
	var all []string
	for f := range s.Files() {
		all = append(all, f.Path)
	}
	return all
}

func existing(t *testing.T, store objstore.Store) *Table {
	t.Helper()
	tbl, err := OpenExisting(t.Context(), store, usage().Name.Path(), Options{CheckpointInterval: -1})
	if err != nil {
		t.Fatal(err)
	}
	return tbl
}

func TestRewrite(t *testing.T) {
	onStores(t, func(t *testing.T, store objstore.Store) {
		writer := openOrCreate(t, store)
		for i := range 6 {
			appendFile(t, writer, "log", i+1)
		}
		tbl := existing(t, store)
		old := paths(tbl.Snapshot())
		r := compaction(tbl.Snapshot(), old[:4]...)
		r.Parameters, r.Info = map[string]string{"predicate": "[]"}, map[string]string{"why": "small"}
		zero := int64(0)
		r.Txns = []Txn{{AppID: "counter", Version: 5, After: &zero}}
		s, err := tbl.Rewrite(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		f, ok := s.File(r.Add[0].Path)
		if s.Version != 7 || s.NumFiles() != 3 || !ok || f.Tags["of"] == "" || s.Txns["counter"] != 5 || s.Txns["log"] != 6 {
			t.Errorf("after the rewrite: %s", describe(s))
		}
		removed := 0
		for x := range s.Removed() {
			if x.Size != 100 || x.PartitionValues["request_date"] == "" || x.At.IsZero() {
				t.Errorf("removed %+v", x)
			}
			removed++
		}
		if removed != 4 {
			t.Errorf("%d removed files, want 4", removed)
		}
		same(t, fresh(t, store), s)
		data, _, err := store.Get(t.Context(), tbl.log.commitKey(7))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{
			`"operation":"OPTIMIZE","operationParameters":{"predicate":"[]"},"readVersion":6,"isolationLevel":"SnapshotIsolation","isBlindAppend":false`,
			`"operationMetrics":{"numAddedBytes":"100","numAddedFiles":"1","numOutputRows":"1","numRemovedBytes":"400","numRemovedFiles":"4"}`,
			`"userMetadata":"{\"why\":\"small\"}"`, `"dataChange":false,"extendedFileMetadata":true,"partitionValues":{"request_date":"2026-11-`, `"dataChange":false,"stats"`,
		} {
			if !strings.Contains(string(data), part) {
				t.Errorf("commit lacks %s:\n%s", part, data)
			}
		}
		// Tags live on in checkpoints.
		if err := tbl.Checkpoint(t.Context()); err != nil {
			t.Fatal(err)
		}
		remove(t, store, tbl, 0, 6)
		same(t, fresh(t, store), s)
		// Appends go on.
		if got := appendFile(t, writer, "log", 7); got.NumFiles() != 4 {
			t.Errorf("after an append: %s", describe(got))
		}
	})
}

func TestRewriteRefuses(t *testing.T) {
	store := memstore.New()
	writer := openOrCreate(t, store)
	appendFile(t, writer, "log", 1)
	tbl := existing(t, store)
	live := paths(tbl.Snapshot())[0]
	readOnly, err := Open(t.Context(), store, tbl.Path())
	if err != nil {
		t.Fatal(err)
	}
	one := int64(1)
	for name, c := range map[string]struct {
		r    Rewrite
		on   *Table
		want error
	}{
		"nothing":             {Rewrite{Operation: "OPTIMIZE"}, tbl, nil},
		"no operation":        {Rewrite{Remove: []string{live}}, tbl, nil},
		"not live":            {Rewrite{Operation: "DELETE", Remove: []string{live, "request_date=2026-11-01/other.parquet"}}, tbl, ErrRewriteConflict},
		"removed twice":       {Rewrite{Operation: "DELETE", Remove: []string{live, live}}, tbl, nil},
		"removed and added":   {Rewrite{Operation: "DELETE", Remove: []string{live}, Add: []Add{{Path: live, Size: 1, PartitionValues: file(1).PartitionValues}}}, tbl, nil},
		"another partition":   {Rewrite{Operation: "DELETE", Remove: []string{live}, Add: []Add{{Path: "x.parquet", Size: 1}}}, tbl, nil},
		"done":                {Rewrite{Operation: "DELETE", Remove: []string{live}, Txns: []Txn{{AppID: "log", Version: 1}}}, tbl, ErrTxnDone},
		"counted by somebody": {Rewrite{Operation: "DELETE", Remove: []string{live}, Txns: []Txn{{AppID: "counter", Version: 7, After: &one}}}, tbl, ErrTxnOrder},
		"two of one counter":  {Rewrite{Operation: "DELETE", Remove: []string{live}, Txns: []Txn{{AppID: "c", Version: 7}, {AppID: "c", Version: 8}}}, tbl, nil},
		"reading only":        {Rewrite{Operation: "DELETE", Remove: []string{live}}, readOnly, ErrReadOnly},
	} {
		if _, err := c.on.Rewrite(t.Context(), c.r); err == nil || (c.want != nil && !errors.Is(err, c.want)) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := tbl.Append(t.Context(), []Add{file(2)}, Txn{}, nil); !errors.Is(err, ErrReadOnly) {
		t.Errorf("append to a table opened for maintenance: %v", err)
	}
	if err := readOnly.Checkpoint(t.Context()); !errors.Is(err, ErrReadOnly) {
		t.Errorf("checkpoint of a table opened for reading: %v", err)
	}
	if s := fresh(t, store); s.Version != 1 {
		t.Errorf("version %d, want 1", s.Version)
	}
}

func TestRewriteOfAppendOnlyTable(t *testing.T) {
	store := memstore.New()
	writer := openOrCreate(t, store)
	appendFile(t, writer, "log", 1)
	m := writer.Snapshot().meta.metadataAction
	m.Configuration = map[string]string{"delta.appendOnly": "true"}
	putCommit(t, store, writer, 2, action{Metadata: &m})
	tbl := existing(t, store)
	r := compaction(tbl.Snapshot(), paths(tbl.Snapshot())...)
	r.DataChange = true
	if _, err := tbl.Rewrite(t.Context(), r); !errors.Is(err, ErrAppendOnly) {
		t.Errorf("delete of an append-only table: %v", err)
	}
	r.DataChange = false
	if _, err := tbl.Rewrite(t.Context(), r); err != nil {
		t.Errorf("compaction of an append-only table: %v", err)
	}
}

// A rewrite that loses races against appends is rebased; one that loses against another rewrite of
// the same files is refused.
func TestRewriteRaces(t *testing.T) {
	store, writer, rival := rivals(t)
	for i := range 4 {
		appendFile(t, writer, "log", i+1)
	}
	tbl := existing(t, store)
	store.Inject(only(tbl, 5, func() memstore.Fault {
		store.Inject(nil)
		appendFile(t, rival, "rival", 1)
		return memstore.Fault{}
	}))
	old := paths(tbl.Snapshot())
	s, err := tbl.Rewrite(t.Context(), compaction(tbl.Snapshot(), old...))
	if err != nil || s.Version != 6 || s.NumFiles() != 2 {
		t.Fatalf("rebased: %v, %v", s, err)
	}
	same(t, fresh(t, store), s)

	other := existing(t, store)
	old = paths(s)
	store.Inject(only(tbl, 7, func() memstore.Fault {
		store.Inject(nil)
		if _, err := other.Rewrite(t.Context(), compaction(other.Snapshot(), old[1])); err != nil {
			t.Error(err)
		}
		return memstore.Fault{}
	}))
	s, err = tbl.Rewrite(t.Context(), compaction(s, old...))
	if !errors.Is(err, ErrRewriteConflict) || s == nil || s.Version != 7 || s.NumFiles() != 2 {
		t.Errorf("rewritten by two: %v, %v", s, err)
	}
}

// A rewrite whose answers get lost is in the table once, or its second try is told that it is.
func TestRewriteLostAnswers(t *testing.T) {
	for name, faults := range map[string][]func() memstore.Fault{
		"written": {lost}, "not written": {unsent}, "not written, then written": {unsent, lost},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, writer, _ := rivals(t)
				before := appendFile(t, writer, "log", 1)
				tbl := existing(t, store)
				store.Inject(only(tbl, 2, faults...))
				r := compaction(before, paths(before)...)
				s, err := tbl.Rewrite(t.Context(), r)
				if err != nil || s.Version != 2 || s.NumFiles() != 1 {
					t.Errorf("%v, %v", s, err)
				}
				same(t, fresh(t, store), s)
			})
		})
	}
	for _, when := range []string{"never", "before the next try", "after it"} {
		t.Run("unknown, arrives "+when, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, writer, _ := rivals(t)
				before := appendFile(t, writer, "log", 1)
				tbl := existing(t, store)
				var sent []byte
				store.Inject(func(c memstore.Call) memstore.Fault {
					if c.Op != memstore.Create {
						return memstore.Fault{}
					}
					sent = c.Data
					return unsent()
				})
				if _, err := tbl.Rewrite(t.Context(), compaction(before, paths(before)...)); !errors.Is(err, objstore.ErrUnknown) {
					t.Fatalf("error %v, want ErrUnknown", err)
				}
				store.Inject(nil)
				if when == "before the next try" {
					if _, err := store.Create(t.Context(), tbl.log.commitKey(2), sent); err != nil {
						t.Fatal(err)
					}
				}
				again := compaction(before, paths(before)...)
				_, err := tbl.Rewrite(t.Context(), again)
				if conflict := errors.Is(err, ErrRewriteConflict); conflict != (when == "before the next try") || (err != nil && !conflict) {
					t.Errorf("second try: %v", err)
				}
				if when == "after it" {
					if _, err := store.Create(t.Context(), tbl.log.commitKey(2), sent); !errors.Is(err, objstore.ErrExists) {
						t.Errorf("the late write: %v", err)
					}
				}
				if s := fresh(t, store); s.Version != 2 || s.NumFiles() != 1 {
					t.Errorf("table: %s", describe(s))
				}
			})
		})
	}
}

// An append that must come after another one is refused when it doesn't, even if that one is its own
// earlier try together with others.
func TestTxnOrder(t *testing.T) {
	store := memstore.New()
	tbl := openOrCreate(t, store)
	after := func(app string, v, last int64) error {
		_, err := tbl.Append(t.Context(), []Add{file(int(v))}, Txn{AppID: app, Version: v, After: &last}, nil)
		return err
	}
	for _, c := range []struct {
		app     string
		v, last int64
		want    error
	}{
		{"a", 5, 0, nil},
		{"a", 6, 4, ErrTxnOrder},
		{"a", 6, 5, nil},
		{"a", 6, 5, ErrTxnDone},
		{"a", 5, 0, ErrTxnDone},
		{"b", 3, 1, ErrTxnOrder},
		{"a", 9, 6, nil},
		{"a", 10, 6, ErrTxnOrder},
	} {
		if err := after(c.app, c.v, c.last); !errors.Is(err, c.want) {
			t.Errorf("%s %d after %d: %v, want %v", c.app, c.v, c.last, err, c.want)
		}
	}
	if s := fresh(t, store); s.NumFiles() != 3 || s.Txns["a"] != 9 {
		t.Errorf("table: %s", describe(s))
	}
}

// Two that count with After can't both move the counter from one value.
func TestCounters(t *testing.T) {
	store := memstore.New()
	openOrCreate(t, store)
	a, b := existing(t, store), existing(t, store)
	ctx := t.Context()
	count := func(t *Table, to, from int64) error {
		_, err := t.Rewrite(ctx, Rewrite{Operation: "DELETE", Txns: []Txn{{AppID: "n", Version: to, After: &from}}})
		return err
	}
	for i, c := range []struct {
		t        *Table
		to, from int64
		want     error
	}{{a, 10, 0, nil}, {b, 7, 0, ErrTxnOrder}, {b, 17, 10, nil}, {a, 3, 17, nil}} {
		if err := count(c.t, c.to, c.from); !errors.Is(err, c.want) {
			t.Errorf("count %d: %v, want %v", i, err, c.want)
		}
	}
	if s := fresh(t, store); s.Txns["n"] != 3 {
		t.Errorf("counter is %d, want 3: %s", s.Txns["n"], fmt.Sprint(s.Txns))
	}
}
