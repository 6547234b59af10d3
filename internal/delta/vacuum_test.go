package delta

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
)

// land puts a file's bytes into the store and appends it.
func land(t *testing.T, store objstore.Store, tbl *Table, segment int) string {
	t.Helper()
	f := file(segment)
	upload(t, store, f)
	if _, err := tbl.Append(t.Context(), []Add{f}, Txn{AppID: "log", Version: int64(segment)}, nil); err != nil {
		t.Fatal(err)
	}
	return f.Path
}

func upload(t *testing.T, store objstore.Store, f Add) {
	t.Helper()
	if _, err := store.Put(t.Context(), usage().Name.Path()+"/"+f.Path, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
}

// compact replaces files by one that is in the store.
func compact(t *testing.T, store objstore.Store, tbl *Table, old ...string) string {
	t.Helper()
	r := compaction(tbl.Snapshot(), old...)
	upload(t, store, r.Add[0])
	if _, err := tbl.Rewrite(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return r.Add[0].Path
}

func stored(t *testing.T, store objstore.Store) (names []string) {
	t.Helper()
	prefix := usage().Name.Path() + "/"
	for info, err := range store.List(t.Context(), prefix, "") {
		if err != nil {
			t.Fatal(err)
		}
		if p := strings.TrimPrefix(info.Key, prefix); !strings.HasPrefix(p, "_delta_log/") {
			names = append(names, p)
		}
	}
	return names
}

func days(n int) func() time.Time {
	return func() time.Time { return time.Now().Add(time.Duration(n) * 24 * time.Hour) }
}

func TestVacuum(t *testing.T) {
	onStores(t, func(t *testing.T, store objstore.Store) {
		tbl := openOrCreate(t, store)
		a, b, c := land(t, store, tbl, 1), land(t, store, tbl, 2), land(t, store, tbl, 3)
		ab := compact(t, store, tbl, a, b)
		orphan := file(9)
		upload(t, store, orphan)
		others := []string{"_hidden/x.parquet", ".x.parquet", "_x.parquet", "README.md", "request_date=2026-11-01/_temporary.parquet"}
		for _, o := range others {
			upload(t, store, Add{Path: o})
		}
		all := stored(t, store)
		check := func(name string, o VacuumOptions, want VacuumReport, gone ...string) {
			t.Helper()
			got, err := tbl.Vacuum(t.Context(), o)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			slices.Sort(got.Paths)
			if want.Version = tbl.Snapshot().Version; fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
				t.Errorf("%s: got %+v, want %+v", name, got, want)
			}
			all = slices.DeleteFunc(all, func(p string) bool { return slices.Contains(gone, p) })
			if now := stored(t, store); !slices.Equal(now, all) {
				t.Errorf("%s: left %q, want %q", name, now, all)
			}
		}
		files := func(n int) Files { return Files{n, int64(n) * 100} }
		old := []string{a, b}
		slices.Sort(old)
		three := append([]string{orphan.Path}, old...)
		slices.Sort(three)

		check("young", VacuumOptions{}, VacuumReport{Scanned: files(5), Live: files(2), Kept: files(3)})
		check("dry run", VacuumOptions{Now: days(8), DryRun: true}, VacuumReport{Scanned: files(5), Live: files(2), Expired: files(2), Orphans: files(1), Paths: three})
		check("young orphans", VacuumOptions{Now: days(8), OrphanAge: 9 * 24 * time.Hour}, VacuumReport{Scanned: files(5), Live: files(2), Kept: files(1), Expired: files(2), Deleted: files(2), Paths: old}, a, b)
		check("only what is asked for", VacuumOptions{Now: days(8), Only: func(string) bool { return false }}, VacuumReport{Scanned: files(3), Live: files(2), Kept: files(1)})
		check("orphans", VacuumOptions{Now: days(8)}, VacuumReport{Scanned: files(3), Live: files(2), Orphans: files(1), Deleted: files(1), Paths: []string{orphan.Path}}, orphan.Path)
		check("again", VacuumOptions{Now: days(8)}, VacuumReport{Scanned: files(2), Live: files(2)})
		if !slices.Contains(all, c) || !slices.Contains(all, ab) {
			t.Errorf("live files are gone: %q", all)
		}
	})
}

func TestVacuumRefuses(t *testing.T) {
	store := memstore.New()
	tbl := openOrCreate(t, store)
	a := land(t, store, tbl, 1)
	compact(t, store, tbl, a)
	for name, o := range map[string]VacuumOptions{
		"short":            {Retention: MinRetention - 1},
		"none":             {Retention: -1},
		"young orphans":    {OrphanAge: time.Minute},
		"any orphans":      {OrphanAge: -1},
		"short, with Only": {Retention: time.Minute, Only: func(string) bool { return true }},
	} {
		if _, err := tbl.Vacuum(t.Context(), o); !errors.Is(err, ErrRetention) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r, err := tbl.Vacuum(t.Context(), VacuumOptions{Retention: -1, OrphanAge: -1, Only: func(p string) bool { return p == a }})
	if err != nil || r.Deleted.Files != 1 || slices.Contains(stored(t, store), a) {
		t.Errorf("exactly one file, now: %+v, %v", r, err)
	}
	m := tbl.Snapshot().meta.metadataAction
	m.Configuration = map[string]string{"delta.enableDeletionVectors": "true"}
	putCommit(t, store, tbl, tbl.Snapshot().Version+1, action{Protocol: &protocol{MinReaderVersion: 3, MinWriterVersion: 7, ReaderFeatures: []string{"deletionVectors"}, WriterFeatures: []string{"deletionVectors"}}}, action{Metadata: &m})
	if _, err := tbl.Vacuum(t.Context(), VacuumOptions{Now: days(8)}); !errors.Is(err, ErrProtocol) {
		t.Errorf("a table with deletion vectors: %v", err)
	}
}

// A retention that is longer than the table's own keeps what its versions need, although the
// checkpoint forgot it.
func TestVacuumForTimeTravel(t *testing.T) {
	store := memstore.New()
	tbl := openOrCreate(t, store)
	a := land(t, store, tbl, 1)
	b := compact(t, store, tbl, a)
	m := tbl.Snapshot().meta.metadataAction
	m.Configuration = map[string]string{"delta.deletedFileRetentionDuration": "interval 0 seconds"}
	putCommit(t, store, tbl, 3, action{Metadata: &m})
	now := existing(t, store)
	c := compact(t, store, now, b)
	data, _, err := encodeCheckpoint(now.Snapshot(), later, &zstd.Codec{})
	if err != nil {
		t.Fatal(err)
	}
	put(t, store, fmt.Sprintf("%020d.checkpoint.parquet", now.Snapshot().Version), string(data))
	put(t, store, "_last_checkpoint", fmt.Sprintf(`{"version":%d}`, now.Snapshot().Version))
	forgetful := existing(t, store)
	if forgetful.Snapshot().removed.n != 0 {
		t.Fatalf("the checkpoint has %d tombstones", forgetful.Snapshot().removed.n)
	}
	for _, days := range []int{10, 25} {
		at := time.Now().Add(time.Duration(days) * 24 * time.Hour)
		r, err := forgetful.Vacuum(t.Context(), VacuumOptions{Retention: 20 * 24 * time.Hour, Now: func() time.Time { return at }})
		if err != nil {
			t.Fatal(err)
		}
		want := 3
		if days == 25 {
			want = 1
		}
		if got := stored(t, store); len(got) != want || !slices.Contains(got, c) {
			t.Errorf("after %d days: %+v, left %q", days, r, got)
		}
	}
}

// A vacuum that dies anywhere leaves the table as it was, and the next one goes on.
func TestVacuumCrashes(t *testing.T) {
	for n := range 6 {
		store := memstore.New()
		tbl := openOrCreate(t, store)
		var old []string
		for i := range 5 {
			old = append(old, land(t, store, tbl, i+1))
		}
		compact(t, store, tbl, old...)
		crash, deletes := errors.New("power cut"), 0
		store.Inject(func(c memstore.Call) memstore.Fault {
			if c.Op != memstore.Delete {
				return memstore.Fault{}
			}
			if deletes++; deletes > n {
				return memstore.Fault{Before: crash}
			}
			return memstore.Fault{}
		})
		r, err := tbl.Vacuum(t.Context(), VacuumOptions{Now: days(8)})
		if (err == nil) != (n == 5) || r.Deleted.Files != n {
			t.Errorf("crash after %d deletes: %+v, %v", n, r, err)
		}
		store.Inject(nil)
		same(t, fresh(t, store), tbl.Snapshot())
		if r, err := tbl.Vacuum(t.Context(), VacuumOptions{Now: days(8)}); err != nil || r.Deleted.Files != 5-n || len(stored(t, store)) != 1 {
			t.Errorf("the next vacuum: %+v, %v", r, err)
		}
	}
}
