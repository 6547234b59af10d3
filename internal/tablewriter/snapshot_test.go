package tablewriter

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/tableschema"
)

func hotPaths(t testing.TB, cfg Config) (paths []string) {
	t.Helper()
	must(t, filepath.WalkDir(filepath.Join(cfg.Dir, "hot"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			paths = append(paths, path)
		}
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return err
	}))
	return paths
}

// A snapshot keeps what it saw, and its hot files live as long as it does.
func TestSnapshotDoesNotChange(t *testing.T) {
	cfg := manual(t.TempDir())
	w := mustOpen(t, cfg)
	a := call(t, w, "q")
	first, err := w.Snapshot(t.Context(), []string{usageTable})
	must(t, err)
	b := call(t, w, "q")
	second, err := w.Snapshot(t.Context(), []string{usageTable})
	must(t, err)
	must(t, w.Flush(t.Context()))
	third, err := w.Snapshot(t.Context(), []string{usageTable})
	must(t, err)
	if third.Tables[usageTable].Version <= second.Tables[usageTable].Version {
		t.Errorf("versions %d and %d", second.Tables[usageTable].Version, third.Tables[usageTable].Version)
	}
	sameIDs(t, column(t, first.Tables[usageTable], IDColumn), a)
	sameIDs(t, column(t, second.Tables[usageTable], IDColumn), a, b)
	sameIDs(t, column(t, third.Tables[usageTable], IDColumn), a, b)
	for _, s := range []*Snapshot{first, second, third, first} {
		s.Release()
	}
	if left := hotPaths(t, cfg); len(left) != 0 {
		t.Errorf("hot files are left: %v", left)
	}
}

func TestHotFilesAreFewAndWrittenOnce(t *testing.T) {
	cfg := manual(t.TempDir())
	w := mustOpen(t, cfg)
	var all []*inference.Record
	for range 100 {
		all = append(all, call(t, w, ""))
		s, err := w.Snapshot(t.Context(), []string{usageTable})
		must(t, err)
		ts := s.Tables[usageTable]
		if len(ts.Hot) > maxExtents {
			t.Fatalf("%d hot files after %d rows", len(ts.Hot), len(all))
		}
		sameIDs(t, column(t, ts, IDColumn), all...)
		before := hotPaths(t, cfg)
		again, err := w.Snapshot(t.Context(), []string{usageTable})
		must(t, err)
		if !slices.Equal(hotPaths(t, cfg), before) || len(again.Tables[usageTable].Hot) != len(ts.Hot) {
			t.Fatal("a snapshot without new rows wrote files")
		}
		s.Release()
		again.Release()
	}
	// Each row was written about log2(100) times at most: files are numbered.
	if n := w.lake.hot.last.Load(); n > 250 {
		t.Errorf("%d hot files were written for 100 rows", n)
	}
}

// Rows of one hot file whose older part is committed meanwhile are not seen twice.
func TestHotRowsAcrossASeal(t *testing.T) {
	cfg := manual(t.TempDir())
	store := newFlakyStore(t, &cfg)
	w := mustOpen(t, cfg)
	store.fail(down)
	all := []*inference.Record{call(t, w, "q")}
	if w.Flush(t.Context()) == nil { // seals the segment, lands nothing
		t.Fatal("flushed into a store that is down")
	}
	all = append(all, call(t, w, "q"))
	sameIDs(t, ids(t, w, usageTable), all...) // one hot file with rows of both segments
	all = append(all, call(t, w, "q"))
	sameIDs(t, ids(t, w, usageTable), all...)
	store.fail(nil)
	// Land only the first segment.
	segments := w.unsettled()
	must(t, w.land(t.Context(), segments[:1]))
	must(t, w.commit(t.Context()))
	sameIDs(t, ids(t, w, usageTable), all...)
	sameIDs(t, ids(t, w, payloadTable), all...)
	must(t, w.Flush(t.Context()))
	sameIDs(t, ids(t, w, usageTable), all...)
}

func TestSnapshotOfManyTablesIsOneInstant(t *testing.T) {
	w := mustOpen(t, manual(t.TempDir()))
	for range 20 {
		call(t, w, "q")
		s, err := w.Snapshot(t.Context(), []string{usageTable, payloadTable})
		must(t, err)
		u, p := column(t, s.Tables[usageTable], IDColumn), column(t, s.Tables[payloadTable], IDColumn)
		slices.Sort(u)
		slices.Sort(p)
		if !slices.Equal(u, p) {
			t.Fatalf("%d and %d rows", len(u), len(p))
		}
		s.Release()
	}
}

func TestSnapshotErrors(t *testing.T) {
	cfg := manual(t.TempDir())
	w := mustOpen(t, cfg)
	if _, err := w.Snapshot(t.Context(), []string{"a.b.c"}); !errors.Is(err, ErrNoTable) {
		t.Errorf("unknown table: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	must(t, w.lake.view.enter(t.Context()))
	if _, err := w.Snapshot(gone, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	w.lake.view.leave()
	if err := w.Flush(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("flush: %v", err)
	}
}

func TestTablesAreFound(t *testing.T) {
	cfg := manual(t.TempDir())
	cfg.Tables = []*tableschema.Table{newUsageFeed().table}
	w := mustOpen(t, cfg)
	names := func(list []*tableschema.Table) (names []string) {
		for _, t := range list {
			names = append(names, t.Name.String())
		}
		return names
	}
	if got := names(w.Tables()); !slices.Equal(got, []string{usageTable}) {
		t.Fatalf("declared: %v", got)
	}
	s, err := w.Snapshot(t.Context(), []string{usageTable})
	must(t, err)
	if ts := s.Tables[usageTable]; ts.Version != 0 || len(ts.Files)+len(ts.Hot) != 0 || len(ts.Schema.Columns) != 6 {
		t.Fatalf("a declared table: %+v", ts)
	}
	s.Release()
	call(t, w, "q")
	must(t, w.Flush(t.Context()))
	mustClose(t, w)

	// Other things in the folder are no tables.
	for _, path := range []string{"_lakegate/endpoints/a.json", "stray", "system/stray", "system/serving/stray", "system/serving/folder/file", "zz/a/b/c/d"} {
		path = filepath.Join(cfg.Dir, "lake", filepath.FromSlash(path))
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, []byte("x"), 0o600))
	}
	cfg.Tables = nil
	w = mustOpen(t, cfg)
	if got := names(w.Tables()); !slices.Equal(got, []string{payloadTable, usageTable}) {
		t.Fatalf("found: %v", got)
	}
	mustClose(t, w)
	r, err := OpenReader(t.Context(), cfg, testFeeds(), quiet)
	must(t, err)
	defer r.Close()
	if got := names(r.Tables()); !slices.Equal(got, []string{payloadTable, usageTable}) {
		t.Fatalf("found by the reader: %v", got)
	}
}

// A reader sees committed rows, rows in the log, and leaves no trace.
func TestReaderChangesNothing(t *testing.T) {
	cfg := manual(t.TempDir())
	w := mustOpen(t, cfg)
	all := []*inference.Record{call(t, w, "q")}
	must(t, w.Flush(t.Context()))
	all = append(all, call(t, w, "q"))
	abandon(t, w)
	must(t, os.RemoveAll(filepath.Join(cfg.Dir, "hot")))
	list := func() (files []string) {
		must(t, filepath.WalkDir(cfg.Dir, func(path string, d os.DirEntry, err error) error {
			info, err2 := d.Info()
			files = append(files, path+info.ModTime().Format(time.RFC3339Nano))
			return errors.Join(err, err2)
		}))
		return files
	}
	before := list()
	r, err := OpenReader(t.Context(), cfg, testFeeds(), quiet)
	must(t, err)
	for range 2 {
		sameIDs(t, ids(t, r, usageTable), all...)
		sameIDs(t, ids(t, r, payloadTable), all...)
	}
	other, err := OpenReader(t.Context(), cfg, testFeeds(), quiet)
	must(t, err)
	sameIDs(t, ids(t, other, usageTable), all...)
	temp := r.temp
	must(t, errors.Join(r.Close(), r.Close(), other.Close()))
	if _, err := os.Stat(temp); !os.IsNotExist(err) {
		t.Error("hot files are left")
	}
	if after := list(); !slices.Equal(before, after) {
		t.Errorf("the folder changed:\n%v\n%v", before, after)
	}
}

func TestGathererLeaksNothing(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	fail := errors.New("emit")
	for _, tc := range []struct {
		name    string
		code    string
		careful bool
		emit    error
		want    bool // an error
	}{
		{"good", "", false, nil, false},
		{"good and careful", "", true, nil, false},
		{"bad row", "HALF_ROW", false, nil, true},
		{"panic", "PANIC", false, nil, true},
		{"broken map", "BROKEN_MAP", false, nil, true},
		{"bad row and careful", "HALF_ROW", true, nil, true},
		{"emit fails", "", false, fail, true},
	} {
		feed := newUsageFeed()
		g := &gatherer{feeds: &feeds{list: []Feed{feed}}, memory: mem, maxBytes: 1000, careful: tc.careful}
		rows := int64(0)
		g.emit = func(_ *tableschema.Table, _ map[string]string, b arrow.RecordBatch) error {
			rows += b.NumRows()
			return tc.emit
		}
		var err error
		for i := range 20 {
			r := answered(request(""), 1)
			r.Time = day.AddDate(0, 0, i%3)
			if i == 10 {
				r.ErrorCode = tc.code
			}
			err = errors.Join(err, g.add(feed.table, feed, loggedFact{Fact: inference.Fact{Record: r}, size: 100}))
			if err != nil && !tc.careful {
				break
			}
		}
		if err == nil {
			err = g.finish()
		}
		if (err != nil) != tc.want {
			t.Errorf("%s: %v", tc.name, err)
		}
		if err == nil && rows != 20 {
			t.Errorf("%s: %d rows", tc.name, rows)
		}
		g.close()
		g.close()
	}
}

func TestSplitByDate(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	schema := arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "d", Type: arrow.PrimitiveTypes.Date32, Nullable: true}}, nil)
	for _, tc := range []struct {
		name  string
		dates []int // days since 1970, -1 for NULL
		want  map[string][]int64
	}{
		{"one date", []int{1, 1, 1}, map[string][]int64{"1970-01-02": {0, 1, 2}}},
		{"mixed", []int{2, 1, 2, 2, 1}, map[string][]int64{"1970-01-02": {1, 4}, "1970-01-03": {0, 2, 3}}},
		{"null", []int{-1, 0, -1}, map[string][]int64{"": {0, 2}, "1970-01-01": {1}}},
		{"only null", []int{-1, -1}, map[string][]int64{"": {0, 1}}},
	} {
		b := array.NewRecordBuilder(mem, schema)
		for i, d := range tc.dates {
			b.Field(0).(*array.Int64Builder).Append(int64(i))
			if d < 0 {
				b.Field(1).AppendNull()
			} else {
				b.Field(1).(*array.Date32Builder).Append(arrow.Date32(d))
			}
		}
		batch := b.NewRecordBatch()
		got := map[string][]int64{}
		must(t, splitByDate(batch, 1, mem, func(date string, b arrow.RecordBatch) error {
			got[date] = append(got[date], b.Column(0).(*array.Int64).Int64Values()...)
			return nil
		}))
		if len(got) != len(tc.want) {
			t.Errorf("%s: %v", tc.name, got)
		}
		for d, rows := range tc.want {
			if !slices.Equal(got[d], rows) {
				t.Errorf("%s: %s has rows %v, want %v", tc.name, d, got[d], rows)
			}
		}
		batch.Release()
		b.Release()
	}
}

func TestDayOf(t *testing.T) {
	for _, tc := range []struct {
		at   time.Time
		want int64
	}{
		{time.Unix(0, 0), 0},
		{time.Unix(86399, 0), 0},
		{time.Unix(86400, 0), 1},
		{time.Unix(-1, 0), -1},
		{time.Unix(-86400, 0), -1},
		{time.Unix(-86401, 0), -2},
		{time.Time{}, -719162},
	} {
		if got := dayOf(inference.Fact{Record: &inference.Record{Time: tc.at}}); got != tc.want {
			t.Errorf("%v: %d, want %d", tc.at, got, tc.want)
		}
		if got := dayOf(inference.Fact{Entity: &inference.EntityChange{Time: tc.at}}); got != tc.want {
			t.Errorf("%v: %d, want %d", tc.at, got, tc.want)
		}
	}
}
