package delta

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go/compress/zstd"

	"golang.org/x/tools/txtar"

	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
)

var update = flag.Bool("update", false, "rewrite what testdata wants")

// TestReplay reads the logs in testdata, one archive each: the files of _delta_log, and in "want"
// the table that results, or the error.
func TestReplay(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			store := memstore.New()
			want := -1
			for i, f := range a.Files {
				if f.Name == "want" {
					want = i
					continue
				}
				if _, err := store.Put(t.Context(), "c/s/t"+logFolder+f.Name, f.Data); err != nil {
					t.Fatal(err)
				}
			}
			if want < 0 {
				a.Files = append(a.Files, txtar.File{Name: "want"})
				want = len(a.Files) - 1
			}
			got := outcome(t, store)
			if *update {
				a.Files[want].Data = []byte(got)
				if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if w := string(a.Files[want].Data); got != w {
				t.Errorf("--- got\n%s--- want\n%s", got, w)
			}
		})
	}
}

// outcome is what opening the table gives.
func outcome(t *testing.T, store objstore.Store) string {
	tbl, err := Open(t.Context(), store, "c/s/t")
	if err != nil {
		return err.Error() + "\n"
	}
	s := tbl.Snapshot()
	out := describe(s)
	schema, err := s.Schema()
	if err != nil {
		return out + err.Error() + "\n"
	}
	for _, c := range schema.Columns {
		out += fmt.Sprintf("column %s %s %q\n", c.Name, c.Type.SQL(), c.Comment)
	}
	rows, known := s.NumRecords()
	return out + fmt.Sprintf("%d files, %d rows, known %v\n", s.NumFiles(), rows, known)
}

// A directory listing is not a snapshot: it can show a version and miss the one before.
func TestListingMissesVersions(t *testing.T) {
	store := memstore.New()
	tbl := openOrCreate(t, store)
	for i := range 5 {
		appendFile(t, tbl, "log", i+1)
	}
	for v := range int64(5) {
		same(t, fresh(t, hiding{store, tbl.log.commitKey(v)}), tbl.Snapshot())
	}
	// The newest one it misses is simply not there yet.
	if s := fresh(t, hiding{store, tbl.log.commitKey(5)}); s.Version != 4 {
		t.Errorf("version %d, want 4", s.Version)
	}
}

func TestMissingVersionIsAnError(t *testing.T) {
	for _, v := range []int64{0, 3, 24} {
		store := memstore.New()
		tbl := checkpointed(t, store)
		for _, k := range []string{tbl.log.hintKey(), tbl.log.checkpointKeys(checkpointName{version: 10})[0], tbl.log.checkpointKeys(checkpointName{version: 20})[0]} {
			if err := store.Delete(t.Context(), k); err != nil {
				t.Fatal(err)
			}
		}
		remove(t, store, tbl, v, v)
		_, err := Open(t.Context(), store, tbl.Path())
		if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), fmt.Sprintf("version %d (of 25)", v)) {
			t.Errorf("without version %d: %v", v, err)
		}
	}
}

// A reader and a writer that slept while the log was cleaned behind them start over from the
// checkpoint: the version after theirs is not free, it is gone.
func TestCleanedUpBehind(t *testing.T) {
	store := memstore.New()
	slept := openOrCreate(t, store)
	reader, err := Open(t.Context(), store, slept.Path())
	if err != nil {
		t.Fatal(err)
	}
	awake := checkpointed(t, store)
	remove(t, store, awake, 0, 19)
	long := time.Now().Add(-relist - time.Second).UnixNano()
	slept.listed.Store(long)
	reader.listed.Store(long)
	s := appendFile(t, slept, "slept", 1)
	if s.Version != 26 {
		t.Errorf("appended as version %d, want 26", s.Version)
	}
	got, err := reader.Refresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, s)
}

func TestFileSet(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	var set, older fileSet[int]
	model := map[string]int{}
	var olderModel map[string]int
	for step := range 300 {
		changes := map[string]*int{}
		for range 1 << rnd.IntN(10) {
			p := fmt.Sprintf("d=%d/%d", rnd.IntN(4), rnd.IntN(1<<(1+rnd.IntN(12))))
			if rnd.IntN(3) == 0 {
				changes[p] = nil
				delete(model, p)
				continue
			}
			n := rnd.Int()
			changes[p], model[p] = &n, n
		}
		set = set.with(changes)
		if step == 150 {
			older, olderModel = set, maps.Clone(model)
		}
	}
	check := func(set fileSet[int], model map[string]int) {
		t.Helper()
		var want []int
		for _, p := range slices.Sorted(maps.Keys(model)) {
			want = append(want, model[p])
			if got, ok := set.get(p); !ok || *got != model[p] {
				t.Errorf("%s is missing", p)
			}
		}
		var got []int
		for v := range set.all() {
			got = append(got, *v)
		}
		if !slices.Equal(got, want) || set.n != len(model) {
			t.Errorf("set has %d of %d", set.n, len(model))
		}
	}
	check(set, model)
	check(older, olderModel)
	if _, ok := set.get("d=9/1"); ok {
		t.Error("found what was never added")
	}
}

// FuzzReplay: any bytes as a commit give a table or an error, and what was read can be written
// and read again.
func FuzzReplay(f *testing.F) {
	const first = `{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}` + "\n" +
		`{"metaData":{"id":"a","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[]}","partitionColumns":[],"configuration":{}}}` + "\n"
	for _, seed := range []string{
		"", first, "{}", "null", `{"add":{"path":"a%20b","partitionValues":{"d":null},"size":1,"modificationTime":2,"dataChange":true,"stats":"{\"numRecords\":3}"}}`,
		`{"remove":{"path":"a%2","dataChange":true,"deletionTimestamp":9}}`, `{"txn":{"appId":"x","version":9,"lastUpdated":1}}`,
		`{"commitInfo":{"txnId":7}}`, `{"metaData":{"schemaString":"{"}}`, `{"protocol":{"minReaderVersion":3,"minWriterVersion":7}}`,
		`{"cdc":{"path":"x"}}{"unknown":[1,{}]}`, `{"add":{"path":"x","deletionVector":{"a":1}}}`,
	} {
		f.Add([]byte(seed))
	}
	base, err := decode([]byte(first))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		actions, err := decode(data)
		if err != nil {
			return
		}
		s, err := emptySnapshot(&place{path: "c/s/t"}).apply([]commit{{0, base}, {1, actions}})
		if err != nil {
			return
		}
		_, _ = s.Schema()
		body, err := encode(actions)
		if err != nil {
			t.Fatal(err)
		}
		again, err := decode(body)
		if err != nil {
			t.Fatalf("%v in what was encoded from %q: %s", err, data, body)
		}
		r, err := emptySnapshot(&place{path: "c/s/t"}).apply([]commit{{0, base}, {1, again}})
		if err != nil {
			t.Fatal(err)
		}
		same(t, r, s)
		checkpoint, _, err := encodeCheckpoint(s, time.Time{}, &zstd.Codec{})
		if err != nil {
			t.Fatal(err)
		}
		actions, err = decodeCheckpoint(checkpoint)
		if err != nil {
			t.Fatal(err)
		}
		r, err = emptySnapshot(&place{path: "c/s/t"}).apply([]commit{{1, actions}})
		if err != nil {
			t.Fatal(err)
		}
		same(t, r, s)
	})
}

// Added is what a comparison of the two file lists finds.
func TestAdded(t *testing.T) {
	set := fileSet[Add]{}
	random := rand.New(rand.NewPCG(1, 2))
	for range 30 {
		old := set
		changes := map[string]*Add{}
		for range random.IntN(400) {
			p := fmt.Sprintf("d=%d/part-%04d", random.IntN(3), random.IntN(2000))
			if changes[p] = &(Add{Path: p}); random.IntN(3) == 0 {
				changes[p] = nil
			}
		}
		set = set.with(changes)
		want := map[*Add]bool{}
		for a := range set.all() {
			if was, ok := old.get(a.Path); !ok || was != a {
				want[a] = true
			}
		}
		got := set.added(old)
		for _, a := range got {
			if !want[a] {
				t.Fatalf("%s was there before", a.Path)
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%d files are new, want %d", len(got), len(want))
		}
	}
}
