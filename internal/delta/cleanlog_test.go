package delta

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
)

var later = time.Now().Add(40 * 24 * time.Hour) // everything is older than the retention

func logFiles(t *testing.T, store objstore.Store, tbl *Table) (names []string) {
	t.Helper()
	for info, err := range store.List(t.Context(), tbl.Path()+logFolder, "") {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, info.Key[len(tbl.Path()+logFolder):])
	}
	return names
}

func TestCleanLog(t *testing.T) {
	onStores(t, func(t *testing.T, store objstore.Store) {
		tbl := checkpointed(t, store)
		put(t, store, "00000000000000000007.crc", "x")
		put(t, store, "00000000000000000021.crc", "x")
		put(t, store, "00000000000000000003.00000000000000000009.compacted.json", "x")
		want := tbl.Snapshot()
		at := map[int64]*Snapshot{}
		for v := int64(20); v <= 25; v++ {
			s, err := tbl.At(t.Context(), v)
			if err != nil {
				t.Fatal(err)
			}
			at[v] = s
		}
		if r, err := tbl.CleanLog(t.Context(), 0, time.Time{}); err != nil || r.Oldest != -1 || r.Commits != 0 {
			t.Errorf("a young log: %+v, %v", r, err)
		}
		r, err := tbl.CleanLog(t.Context(), 0, later)
		if err != nil || r.Oldest != 20 || r.Commits != 20 || r.Checkpoints != 1 || r.Bytes == 0 {
			t.Errorf("cleaned %+v, %v", r, err)
		}
		var left []string
		for v := 20; v <= 25; v++ {
			if v == 20 {
				left = append(left, "00000000000000000020.checkpoint.parquet")
			}
			if v == 21 {
				left = append(left, "00000000000000000021.crc")
			}
			left = append(left, fmt.Sprintf("%020d.json", v))
		}
		left = append(left, "_last_checkpoint")
		if got := logFiles(t, store, tbl); fmt.Sprint(got) != fmt.Sprint(left) {
			t.Errorf("left %q, want %q", got, left)
		}
		same(t, fresh(t, store), want)
		for v, was := range at {
			s, err := tbl.At(t.Context(), v)
			if err != nil {
				t.Fatal(err)
			}
			same(t, s, was)
		}
		if _, err := tbl.At(t.Context(), 19); !errors.Is(err, ErrVersionGone) {
			t.Errorf("version 19: %v", err)
		}
		if r, err := tbl.CleanLog(t.Context(), 0, later); err != nil || r.Commits+r.Checkpoints != 0 {
			t.Errorf("cleaned again: %+v, %v", r, err)
		}
		if s := appendFile(t, tbl, "log", 30); s.Version != 26 {
			t.Errorf("appended as version %d", s.Version)
		}
	})
}

func TestCleanLogRefuses(t *testing.T) {
	store := memstore.New()
	tbl := checkpointed(t, store)
	if _, err := tbl.CleanLog(t.Context(), MinLogRetention-1, later); !errors.Is(err, ErrRetention) {
		t.Errorf("a short retention: %v", err)
	}
	readOnly, err := Open(t.Context(), store, tbl.Path())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := readOnly.CleanLog(t.Context(), 0, later); !errors.Is(err, ErrReadOnly) {
		t.Errorf("open for reading: %v", err)
	}
	// A checkpoint that can't be read, or that doesn't lead to the newest version, isn't kept
	// instead of what it replaces.
	put(t, store, "00000000000000000020.checkpoint.parquet", "PAR1")
	if r, err := tbl.CleanLog(t.Context(), 0, later); err != nil || r.Oldest != 10 {
		t.Errorf("damaged checkpoint: %+v, %v", r, err)
	}
	same(t, fresh(t, store), tbl.Snapshot())
	remove(t, store, tbl, 15, 15)
	if r, err := tbl.CleanLog(t.Context(), 0, later); err != nil || r.Oldest != -1 || r.Commits != 0 {
		t.Errorf("a gap: %+v, %v", r, err)
	}
	m := tbl.Snapshot().meta.metadataAction
	m.Configuration = map[string]string{"delta.logRetentionDuration": "as long as you like"}
	if got, err := parseMetadata(m); err != nil || got.logRetention() < 100*365*24*time.Hour {
		t.Errorf("a retention that isn't understood: %v, %v", got.logRetention(), err)
	}
}

// Wherever a log cleanup dies, the table is as it was, for those who open it, for those who have it
// open, and for the next cleanup.
func TestCleanLogCrashes(t *testing.T) {
	for n := range 24 {
		store := memstore.New()
		tbl := checkpointed(t, store)
		put(t, store, "_last_checkpoint", `{"version":10}`) // a hint that is behind
		want := tbl.Snapshot()
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
		old := existing(t, store)
		if _, err := tbl.CleanLog(t.Context(), 0, later); (err == nil) != (n >= 21) {
			t.Fatalf("crash after %d deletes: %v", n, err)
		}
		store.Inject(nil)
		same(t, fresh(t, store), want)
		if _, err := old.Refresh(t.Context()); err != nil {
			t.Errorf("after %d deletes: %v", n, err)
		}
		if s, err := old.At(t.Context(), 22); err != nil || s.Version != 22 {
			t.Errorf("version 22 after %d deletes: %v", n, err)
		}
		if _, err := tbl.CleanLog(t.Context(), 0, later); err != nil {
			t.Fatal(err)
		}
		same(t, fresh(t, store), want)
	}
}

// A reader that stopped at an old version, while the log was cleaned behind it, lands on the newest.
func TestStaleReaderAfterCleanLog(t *testing.T) {
	store := memstore.New()
	stale := openOrCreate(t, store)
	reader, err := Open(t.Context(), store, stale.Path())
	if err != nil {
		t.Fatal(err)
	}
	tbl := checkpointed(t, store)
	if _, err := tbl.CleanLog(t.Context(), 0, later); err != nil {
		t.Fatal(err)
	}
	reader.listed.Store(time.Now().Add(-relist - time.Second).UnixNano()) // MinLogRetention makes sure of it
	s, err := reader.Refresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, s, tbl.Snapshot())
	if s, err := reader.At(t.Context(), 21); err != nil || s.Version != 21 {
		t.Errorf("version 21: %v, %v", s, err)
	}
}

// A writer that sleeps between its last look at the log and its write, while others clean the log,
// writes a version that is not part of the table. It notices, and writes it again.
func TestWriterSleepsThroughCleanLog(t *testing.T) {
	store := memstore.New()
	sleeper := openOrCreate(t, store)
	store.Inject(only(sleeper, 1, func() memstore.Fault {
		store.Inject(nil)
		tbl := checkpointed(t, store)
		if _, err := tbl.CleanLog(t.Context(), 0, later); err != nil {
			t.Error(err)
		}
		sleeper.listed.Store(time.Now().Add(-time.Hour).UnixNano())
		return memstore.Fault{}
	}))
	s := appendFile(t, sleeper, "sleeper", 1)
	if s.Version != 26 || s.Txns["sleeper"] != 1 || s.NumFiles() != 24 {
		t.Errorf("appended as %s", describe(s))
	}
	same(t, fresh(t, store), s)
	// What it left behind confuses nobody, and goes with the next cleanup.
	l, err := sleeper.log.list(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := l.oldest(); !ok || v != 20 || l.commits[0].version != 1 {
		t.Errorf("oldest version %d, first file %d", v, l.commits[0].version)
	}
	if r, err := sleeper.CleanLog(t.Context(), 0, later); err != nil || r.Commits != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}
