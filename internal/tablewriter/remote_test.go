package tablewriter

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/filecache"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
	"github.com/lakegate/lakegate/internal/prune"
)

// remote is a store whose objects are no files, as S3 is, that notes which data files are read and
// fails or hangs on demand.
type remote struct {
	*memstore.Store
	mu    sync.Mutex
	read  []string
	fault func(memstore.Call) memstore.Fault
}

func newRemote(cfg *Config) *remote {
	r := &remote{Store: memstore.New()}
	cfg.Store = r
	r.Inject(func(c memstore.Call) memstore.Fault {
		r.mu.Lock()
		if (c.Op == memstore.Get || c.Op == memstore.GetRange) && strings.HasSuffix(c.Key, ".zstd.parquet") {
			r.read = append(r.read, c.Key)
		}
		f := r.fault
		r.mu.Unlock()
		if f == nil {
			return memstore.Fault{}
		}
		return f(c)
	})
	return r
}

func (r *remote) fail(f func(memstore.Call) memstore.Fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = f
}

// downloads returns the data files that were read since it was called last.
func (r *remote) downloads() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	slices.Sort(r.read)
	read := r.read
	r.read = nil
	return read
}

// on admits and finishes a request of another day.
func on(t testing.TB, w *Writer, at time.Time, tokens int64) *inference.Record {
	t.Helper()
	r := request("")
	r.Time = at
	r = answered(r, tokens)
	must(t, w.Record(r, false))
	return r
}

func mustSnapshot(t testing.TB, src interface {
	SnapshotOf(context.Context, []SnapshotRequest) (*Snapshot, error)
}, requests ...SnapshotRequest,
) *Snapshot {
	t.Helper()
	s, err := src.SnapshotOf(context.Background(), requests)
	must(t, err)
	t.Cleanup(s.Release)
	return s
}

func TestSnapshotsOfARemoteStore(t *testing.T) {
	cfg := manual(t.TempDir())
	store := newRemote(&cfg)
	w := mustOpen(t, cfg)
	all := []*inference.Record{call(t, w, "q")}
	must(t, w.Flush(t.Context()))
	all = append(all, call(t, w, "q"))
	sameIDs(t, ids(t, w, usageTable), all...)
	sameIDs(t, ids(t, w, payloadTable), all...)
	if got := store.downloads(); len(got) != 2 {
		t.Errorf("downloaded %v", got)
	}
	must(t, w.Flush(t.Context())) // its files are put into the cache: the tables are being queried
	sameIDs(t, ids(t, w, usageTable), all...)
	sameIDs(t, ids(t, w, payloadTable), all...)
	if got := store.downloads(); len(got) != 0 {
		t.Errorf("downloaded %v", got)
	}
	mustClose(t, w)

	w = mustOpen(t, cfg)
	sameIDs(t, ids(t, w, usageTable), all...)
	if got := store.downloads(); len(got) != 0 {
		t.Errorf("downloaded after a restart: %v", got)
	}
	if s, ok := w.CacheStats(); !ok || s.Files != 4 || s.Hits != 2 {
		t.Errorf("cache %+v", s)
	}
	for _, f := range mustSnapshot(t, w, SnapshotRequest{Table: usageTable}).List[0].Files {
		if !slices.ContainsFunc(w.Dirs(), func(d string) bool { return strings.HasPrefix(f.Path, d+"/") }) {
			t.Errorf("%s is in none of %v", f.Path, w.Dirs())
		}
	}
	mustClose(t, w)

	r, err := OpenReader(t.Context(), cfg, testFeeds(), quiet)
	must(t, err)
	sameIDs(t, ids(t, r, usageTable), all...)
	must(t, r.Close())
	if rep := verified(t, cfg); !rep.OK() || rep.Landed != 4 {
		t.Errorf("verify: %+v", rep)
	}
}

// A query downloads the files that can have rows for it, and no others.
func TestOnlyWhatAFilterKeepsIsDownloaded(t *testing.T) {
	cfg := manual(t.TempDir())
	store := newRemote(&cfg)
	w := mustOpen(t, cfg)
	var days []*inference.Record
	for i := range 5 {
		days = append(days, on(t, w, day.AddDate(0, 0, i), int64(100*i)))
		must(t, w.Flush(t.Context()))
	}
	hot := on(t, w, day.AddDate(0, 0, 1), 7)
	for _, tc := range []struct {
		filter prune.Filter
		want   []*inference.Record
		files  int
		pruned int
	}{
		{prune.Filter{{Column: "request_date", Op: prune.Ge, Values: []string{"2026-11-24"}}}, days[4:], 1, 5},
		{prune.Filter{{Column: "tokens", Op: prune.Eq, Values: []string{"200"}}}, days[2:3], 1, 5},
		{prune.Filter{{Column: "request_date", Op: prune.Eq, Values: []string{"2026-11-21"}}, {Column: "tokens", Op: prune.Gt, Values: []string{"50"}}}, days[1:2], 1, 5},
		{prune.Filter{{Column: "request_date", Op: prune.Eq, Values: []string{"2026-11-21"}}}, []*inference.Record{days[1], hot}, 0, 4},
		{prune.Filter{{Column: "tokens", Op: prune.Lt, Values: []string{"0"}}}, nil, 0, 6},
		{nil, append(slices.Clone(days), hot), 2, 0},
	} {
		s := mustSnapshot(t, w, SnapshotRequest{Table: usageTable, Filter: tc.filter})
		ts := s.List[0]
		sameIDs(t, column(t, ts, IDColumn), tc.want...)
		got := store.downloads()
		if len(got) != tc.files || ts.Pruned != tc.pruned {
			t.Errorf("%v: downloaded %v, %d pruned", tc.filter, got, ts.Pruned)
		}
		for _, key := range got {
			if !slices.ContainsFunc(ts.Files, func(f DataFile) bool { return f.key == key }) {
				t.Errorf("%v: downloaded %s", tc.filter, key)
			}
		}
		s.Release()
	}
}

func TestSnapshotsOfThePast(t *testing.T) {
	cfg := manual(t.TempDir())
	w := mustOpen(t, cfg)
	must(t, w.Declare(t.Context(), newUsageFeed().table))
	a := call(t, w, "")
	must(t, w.Flush(t.Context()))
	history, err := w.History(t.Context(), usageTable, 1)
	must(t, err)
	if len(history) != 1 || history[0].Version != 1 || history[0].Operation != "WRITE" {
		t.Fatalf("history %+v", history)
	}
	then := history[0].Timestamp
	for deadline := time.Now().Add(10 * time.Second); ; { // the store's clock counts milliseconds
		b := call(t, w, "")
		must(t, w.Flush(t.Context()))
		history, err = w.History(t.Context(), usageTable, 0)
		must(t, err)
		if history[0].Timestamp.After(then) || time.Now().After(deadline) {
			call(t, w, "") // hot
			_ = b
			break
		}
	}
	old := int64(1)
	long := day.AddDate(-1, 0, 0)
	s := mustSnapshot(t, w,
		SnapshotRequest{Table: usageTable, Version: &old}, SnapshotRequest{Table: usageTable, Timestamp: &then},
		SnapshotRequest{Table: usageTable})
	for i := range 2 {
		ts := s.List[i]
		if ts.Version != 1 && i == 0 || len(ts.Hot) != 0 || ts.Schema == nil {
			t.Errorf("request %d: %+v", i, ts)
		}
	}
	sameIDs(t, column(t, s.List[0], IDColumn), a)
	if n := len(column(t, s.List[2], IDColumn)); n < 3 || len(s.List[2].Hot) == 0 {
		t.Errorf("now: %d rows", n)
	}
	if s.Tables[usageTable] != s.List[0] {
		t.Error("Tables has not the first request")
	}
	for _, r := range []SnapshotRequest{
		{Table: usageTable, Version: new(int64), Timestamp: &then},
		{Table: usageTable, Timestamp: &long},
		{Table: usageTable, Version: func() *int64 { v := int64(1000); return &v }()},
		{Table: entityTable, Version: new(int64)},
	} {
		if _, err := w.SnapshotOf(t.Context(), []SnapshotRequest{r}); err == nil {
			t.Errorf("%+v: no error", r)
		}
	}
	if _, err := w.SnapshotOf(t.Context(), []SnapshotRequest{{Table: usageTable, Timestamp: &long}}); !errors.Is(err, delta.ErrVersionGone) {
		t.Errorf("before the table was made: %v", err)
	}
}

// A store that does not answer holds up a download, and nothing else.
func TestSlowDownloadHoldsNobodyUp(t *testing.T) {
	cfg := manual(t.TempDir())
	store := newRemote(&cfg)
	w := mustOpen(t, cfg)
	a := call(t, w, "q")
	must(t, w.Flush(t.Context()))
	sameIDs(t, ids(t, w, payloadTable), a)
	asked, hold := make(chan struct{}, 1), make(chan struct{})
	store.fail(func(c memstore.Call) memstore.Fault {
		if c.Op == memstore.GetRange && strings.HasPrefix(c.Key, "system/serving/usage/request_date") {
			asked <- struct{}{}
			<-hold
		}
		return memstore.Fault{}
	})
	slow := make(chan []string)
	go func() {
		s, err := w.Snapshot(context.Background(), []string{usageTable})
		if err != nil {
			t.Error(err)
		}
		defer s.Release()
		slow <- column(t, s.Tables[usageTable], IDColumn)
	}()
	<-asked
	b := call(t, w, "q")
	sameIDs(t, ids(t, w, payloadTable), a, b)
	must(t, w.Flush(t.Context())) // lands, and drops a segment
	sameIDs(t, ids(t, w, payloadTable), a, b)
	close(hold)
	sameIDs(t, <-slow, a)
	store.fail(nil)
	sameIDs(t, ids(t, w, usageTable), a, b)
}

// A store that hangs when it is asked what is new costs one wait, and the age shows.
func TestHangingRefresh(t *testing.T) {
	cfg := manual(t.TempDir())
	store := newRemote(&cfg)
	w := mustOpen(t, cfg)
	w.lake.refresh, w.lake.patience = 0, 50*time.Millisecond
	a := call(t, w, "")
	must(t, w.Flush(t.Context()))
	sameIDs(t, ids(t, w, usageTable), a)
	if s := w.Stats(); s.StaleTables != 0 || !s.StaleSince.IsZero() {
		t.Errorf("stats %+v", s)
	}
	hold := make(chan struct{})
	store.fail(func(c memstore.Call) memstore.Fault {
		if strings.Contains(c.Key, "_delta_log") && c.Op != memstore.Create {
			<-hold
		}
		return memstore.Fault{}
	})
	b := call(t, w, "")
	for range 3 {
		sameIDs(t, ids(t, w, usageTable), a, b)
	}
	table := w.lake.lookup(usageTable)
	table.fresh.mu.Lock()
	table.fresh.running.began = time.Now().Add(-2 * patience) // as if it hung for long
	table.fresh.mu.Unlock()
	if s := w.Stats(); s.StaleTables != 1 || s.StaleSince.IsZero() {
		t.Errorf("stats %+v", s)
	}
	store.fail(nil)
	close(hold)
	deadline := time.Now().Add(10 * time.Second)
	for w.Stats().StaleTables > 0 && time.Now().Before(deadline) {
		sameIDs(t, ids(t, w, usageTable), a, b)
	}
	store.fail(func(memstore.Call) memstore.Fault { return memstore.Fault{Before: errDown} })
	sameIDs(t, ids(t, w, usageTable), a, b)
	if s := w.Stats(); s.StaleTables != 1 {
		t.Errorf("stats of a store that is down: %+v", s)
	}
	store.fail(nil)
	sameIDs(t, ids(t, w, usageTable), a, b)
	if s := w.Stats(); s.StaleTables != 0 {
		t.Errorf("stats after it: %+v", s)
	}
}

// replace puts the rows of a table's only file into another, as a compaction does, and removes the
// first, as a vacuum does.
func replace(t testing.TB, store objstore.Store, path string) {
	t.Helper()
	d, err := delta.OpenExisting(context.Background(), store, path, delta.Options{})
	must(t, err)
	defer d.Close()
	for a := range d.Snapshot().Files() {
		data, _, err := store.Get(context.Background(), d.Key(a.Path))
		must(t, err)
		b := *a
		b.Path = delta.DataFileName(a.PartitionValues, 0, "compaction")
		_, err = store.Put(context.Background(), d.Key(b.Path), data)
		must(t, err)
		_, err = d.Rewrite(context.Background(), delta.Rewrite{Operation: "OPTIMIZE", Remove: []string{a.Path}, Add: []delta.Add{b}})
		must(t, err)
		must(t, store.Delete(context.Background(), d.Key(a.Path)))
	}
}

func TestFilesAreReplacedMeanwhile(t *testing.T) {
	cfg := manual(t.TempDir())
	store := newRemote(&cfg)
	w := mustOpen(t, cfg)
	w.lake.refresh = time.Hour
	a := call(t, w, "")
	must(t, w.Flush(t.Context()))
	replace(t, store, "system/serving/usage")
	sameIDs(t, ids(t, w, usageTable), a) // the known version has a file that is gone: it looks again
	old := int64(1)
	if _, err := w.SnapshotOf(t.Context(), []SnapshotRequest{{Table: usageTable, Version: &old}}); err == nil || !strings.Contains(err.Error(), "vacuum") {
		t.Errorf("a version whose file is gone: %v", err)
	}

	// On a folder the engine finds out.
	cfg = manual(t.TempDir())
	w = mustOpen(t, cfg)
	w.lake.refresh = time.Hour
	a = call(t, w, "")
	must(t, w.Flush(t.Context()))
	s := mustSnapshot(t, w, SnapshotRequest{Table: usageTable})
	if again, err := s.Recheck(t.Context()); again || err != nil {
		t.Fatalf("nothing is wrong: %v %v", again, err)
	}
	replace(t, w.lake.store, "system/serving/usage")
	if again, err := s.Recheck(t.Context()); !again || err != nil {
		t.Fatalf("recheck: %v %v", again, err)
	}
	sameIDs(t, ids(t, w, usageTable), a)
	s = mustSnapshot(t, w, SnapshotRequest{Table: usageTable, Version: &old})
	if again, err := s.Recheck(t.Context()); again || !errors.Is(err, ErrFileGone) {
		t.Fatalf("recheck of an old version: %v %v", again, err)
	}
	s = mustSnapshot(t, w, SnapshotRequest{Table: usageTable})
	must(t, os.Truncate(s.List[0].Files[0].Path, 10))
	if again, err := s.Recheck(t.Context()); again || !errors.Is(err, ErrFileGone) || !strings.Contains(err.Error(), "10 bytes") {
		t.Fatalf("recheck of a file cut short: %v %v", again, err)
	}
}

func TestDamagedCopiesAreFetchedAgain(t *testing.T) {
	cfg := manual(t.TempDir())
	store := newRemote(&cfg)
	w := mustOpen(t, cfg)
	a := call(t, w, "")
	must(t, w.Flush(t.Context()))
	s := mustSnapshot(t, w, SnapshotRequest{Table: usageTable})
	path := s.List[0].Files[0].Path
	data, err := os.ReadFile(path)
	must(t, err)
	data[len(data)/2] ^= 1
	must(t, os.WriteFile(path, data, 0o600))
	if again, err := s.Recheck(t.Context()); !again || err != nil {
		t.Fatalf("recheck: %v %v", again, err)
	}
	store.downloads()
	sameIDs(t, ids(t, w, usageTable), a)
	if got := store.downloads(); len(got) != 1 {
		t.Errorf("downloaded %v", got)
	}
	s.Release()
	must(t, w.PurgeCache(t.Context(), func(key string) bool { return strings.HasPrefix(key, "system/") }))
	if _, err := os.Stat(filepath.Join(cfg.Dir, "cache", "v1", "system")); err == nil {
		left, _ := filepath.Glob(filepath.Join(cfg.Dir, "cache", "v1", "system", "serving", "usage", "*", "*"))
		if len(left) > 0 {
			t.Errorf("left after a purge: %v", left)
		}
	}
	sameIDs(t, ids(t, w, usageTable), a)
}

func TestWhereFilesAre(t *testing.T) {
	cfg := manual(t.TempDir())
	local := mustOpen(t, cfg).lake
	root := filepath.Join(cfg.Dir, "lake")
	cfg = manual(t.TempDir())
	newRemote(&cfg)
	far := mustOpen(t, cfg).lake
	for _, tc := range []struct {
		lake             *lake
		path, key, local string // no key: refused
	}{
		{local, "d=1/part-0", "a/b/c/d=1/part-0", root + "/a/b/c/d=1/part-0"},
		{local, "x=a b%21/part,0", "a/b/c/x=a b%21/part,0", root + "/a/b/c/x=a b%21/part,0"},
		{local, "file:///elsewhere/a/b/c/part-0", "", ""},
		{local, "file:///etc/passwd", "", ""},
		{local, "/etc/passwd", "", ""},
		{local, "../../../../etc/passwd", "", ""},
		{local, "d/../../other/part-0", "", ""},
		{local, "s3://bucket/a/b/c/part-0", "", ""},
		{far, "d=1/part-0", "a/b/c/d=1/part-0", ""},
		{far, "s3://bucket/lake/a/b/c/d=1/part-0", "", ""},
		{far, "s3://bucket/lake/a/b/other/part-0", "", ""},
		{far, "../c2/part-0", "", ""},
		{far, "x=a b/part-0", "", ""},
	} {
		key, path, err := tc.lake.locator(&table{name: named("a.b.c")}).locate(tc.path)
		if key != tc.key || path != tc.local || (err != nil) != (tc.key == "") {
			t.Errorf("%s: key %q, path %q, %v", tc.path, key, path, err)
		}
	}
}

// The new files of a table that is being queried are here before the next query.
func TestNewFilesOfOthersArePrefetched(t *testing.T) {
	cfg := manual(t.TempDir())
	store := newRemote(&cfg)
	a := mustOpen(t, cfg)
	other := manual(t.TempDir())
	other.Store = store
	b := mustOpen(t, other)
	all := []*inference.Record{call(t, b, "")}
	must(t, b.Flush(t.Context()))
	if n := len(store.downloads()); n != 0 {
		t.Errorf("%d downloads before the first query", n)
	}
	sees(t, a, usageTable, all...)
	store.downloads()
	a.lake.goOn(func(ctx context.Context) { a.lake.keepWarm(ctx, time.Millisecond) })
	all = append(all, call(t, b, ""))
	must(t, b.Flush(t.Context()))
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if s, _ := a.CacheStats(); s.Prefetched == 1 && s.PinnedBytes == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing was prefetched")
		}
	}
	if n := len(store.downloads()); n != 1 {
		t.Errorf("%d downloads", n)
	}
	sameIDs(t, ids(t, a, usageTable), all...)
	if n := len(store.downloads()); n != 0 {
		t.Errorf("%d downloads by the query", n)
	}
}

// Rows are recorded and landed, files are replaced and the old ones removed at once, copies are evicted
// for want of room, and every snapshot has every row once.
func TestSnapshotsBesideEverything(t *testing.T) {
	cfg := manual(t.TempDir())
	newRemote(&cfg)
	cfg.CacheBytes = 64 << 10
	w := mustOpen(t, cfg)
	w.lake.refresh = 0
	must(t, w.Declare(t.Context(), newUsageFeed().table))
	var (
		mu   sync.Mutex
		done []*inference.Record // recorded for certain
		stop = make(chan struct{})
		work sync.WaitGroup
	)
	work.Go(func() {
		for i := range 60 {
			r := answered(request(""), 1)
			if err := w.Record(r, false); err != nil {
				t.Error(err)
			}
			mu.Lock()
			done = append(done, r)
			mu.Unlock()
			if i%3 == 0 {
				if err := w.Flush(t.Context()); err != nil {
					t.Error(err)
				}
			}
		}
		close(stop)
	})
	work.Go(func() {
		for running := true; running; {
			select {
			case <-stop:
				running = false
			default:
			}
			replace(t, cfg.Store, "system/serving/usage")
		}
	})
	snapshots, raced := 0, 0
	for running := true; running; {
		select {
		case <-stop:
			running = false
		default:
		}
		mu.Lock()
		before := len(done)
		mu.Unlock()
		if before == 0 {
			continue
		}
		s, err := w.SnapshotOf(t.Context(), []SnapshotRequest{{Table: usageTable}})
		if errors.Is(err, filecache.ErrGone) {
			raced++ // again and again: a vacuum without retention is unfair
			continue
		}
		must(t, err)
		got, odd := counts(column(t, s.List[0], IDColumn))
		mu.Lock()
		after := len(done)
		mu.Unlock()
		if got < before || got > after+1 || odd != "" {
			t.Fatalf("%d rows, want %d to %d; %s", got, before, after+1, odd)
		}
		s.Release()
		snapshots++
	}
	work.Wait()
	sameIDs(t, ids(t, w, usageTable), done...)
	if snapshots == 0 {
		t.Error("no snapshot could be taken")
	}
	t.Logf("%d snapshots, %d raced", snapshots, raced)
}
