package delta

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
	"github.com/lakegate/lakegate/internal/tableschema"
)

func TestCreate(t *testing.T) {
	onStores(t, func(t *testing.T, store objstore.Store) {
		if _, err := Open(t.Context(), store, usage().Name.Path()); !errors.Is(err, ErrNotTable) {
			t.Fatalf("open of nothing: %v", err)
		}
		tbl := openOrCreate(t, store)
		data, _, err := store.Get(t.Context(), tbl.Path()+"/_delta_log/00000000000000000000.json")
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(data)), "\n")
		wants := [][]string{
			{`{"commitInfo":{`, `"operation":"CREATE TABLE"`, `"engineInfo":"lakegate/1.2.3"`, `"txnId":"`},
			{`{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}`},
			{
				`{"metaData":{`, `"name":"system.serving.usage"`, `"format":{"provider":"parquet","options":{}}`,
				`"partitionColumns":["request_date"]`, `"delta.checkpointInterval":"50"`,
				`"delta.logRetentionDuration":"interval 30 days"`, `"delta.deletedFileRetentionDuration":"interval 7 days"`,
				`"delta.dataSkippingStatsColumns":"request_id,tokens,config.provider"`,
				`{\"name\":\"tokens\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}}`,
			},
		}
		if len(lines) != len(wants) {
			t.Fatalf("version 0 has %d actions, want %d:\n%s", len(lines), len(wants), data)
		}
		for i, want := range wants {
			for _, part := range want {
				if !strings.Contains(lines[i], part) {
					t.Errorf("action %d lacks %s:\n%s", i+1, part, lines[i])
				}
			}
		}
		again := openOrCreate(t, store)
		same(t, again.Snapshot(), tbl.Snapshot())
		if again.Snapshot().Version != 0 {
			t.Errorf("opening a table made version %d", again.Snapshot().Version)
		}
	})
}

func TestSchemaRoundTrip(t *testing.T) {
	tbl := openOrCreate(t, memstore.New())
	got, err := tbl.Snapshot().Schema()
	if err != nil {
		t.Fatal(err)
	}
	want := usage()
	if got.DeltaSchema() != want.DeltaSchema() || got.Name != want.Name || got.PartitionBy != want.PartitionBy || got.Comment != want.Comment {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for i, c := range got.Columns {
		// What can have no statistics in the property is as good as left out on purpose.
		noStats := want.Columns[i].NoStats || c.Type.Kind == tableschema.Map || c.Type.Kind == tableschema.Boolean
		if c.NoStats != noStats {
			t.Errorf("column %s: NoStats is %v", c.Name, c.NoStats)
		}
	}
}

func TestAppend(t *testing.T) {
	onStores(t, func(t *testing.T, store objstore.Store) {
		tbl := openOrCreate(t, store)
		before := tbl.Snapshot()
		a, b := file(1), file(2)
		b.PartitionValues, b.Path = map[string]string{"request_date": ""}, DataFileName(map[string]string{"request_date": ""}, 2, "x")
		s, err := tbl.Append(t.Context(), []Add{a, b}, Txn{AppID: "log", Version: 7}, map[string]string{"segments": "7"})
		if err != nil {
			t.Fatal(err)
		}
		if n, known := s.NumRecords(); s.Version != 1 || s.NumFiles() != 2 || n != 2 || !known || s.Txns["log"] != 7 {
			t.Errorf("after the append: %s", describe(s))
		}
		if before.NumFiles() != 0 || before.Version != 0 || len(before.Txns) != 0 {
			t.Errorf("the append changed an older snapshot: %s", describe(before))
		}
		if got, ok := s.File(b.Path); !ok || got.PartitionValues["request_date"] != "" || got.Rows != 1 || got.ModificationTime.IsZero() {
			t.Errorf("file %s: %+v", b.Path, got)
		}
		if tbl.Snapshot() != s {
			t.Error("the table doesn't have the snapshot of its own append")
		}
		same(t, fresh(t, store), s)

		data, _, err := store.Get(t.Context(), tbl.log.commitKey(1))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{
			`{"commitInfo":{"timestamp":`, `"operation":"WRITE"`, `"operationParameters":{"mode":"Append","partitionBy":"[\"request_date\"]"}`,
			`"readVersion":0`, `"isBlindAppend":true`, `"operationMetrics":{"numFiles":"2","numOutputBytes":"200","numOutputRows":"2"}`,
			`"userMetadata":"{\"segments\":\"7\"}"`, `{"txn":{"appId":"log","version":7,"lastUpdated":`,
			`{"add":{"path":"` + a.Path + `","partitionValues":{"request_date":"2026-11-02"},"size":100,"modificationTime":`,
			`"partitionValues":{"request_date":null}`, `"dataChange":true,"stats":"{\"numRecords\":1,`,
		} {
			if !strings.Contains(string(data), part) {
				t.Errorf("commit lacks %s:\n%s", part, data)
			}
		}
	})
}

// A writer knows its own commits: after the first, an append is one write and no read.
func TestAppendReadsNothing(t *testing.T) {
	store := memstore.New()
	tbl := openOrCreate(t, store)
	var calls []string
	store.Inject(func(c memstore.Call) memstore.Fault {
		calls = append(calls, fmt.Sprint(c.Op, c.Key))
		return memstore.Fault{}
	})
	for i := range 10 {
		appendFile(t, tbl, "log", i+1)
	}
	if len(calls) != 10 {
		t.Errorf("10 appends made %d calls of the store: %q", len(calls), calls)
	}
}

func TestTxnIsCommittedOnce(t *testing.T) {
	onStores(t, func(t *testing.T, store objstore.Store) {
		tbl := openOrCreate(t, store)
		appendFile(t, tbl, "log", 5)
		for _, txn := range []Txn{{AppID: "log", Version: 5}, {AppID: "log", Version: 4}} {
			s, err := tbl.Append(t.Context(), []Add{file(9)}, txn, nil)
			if !errors.Is(err, ErrTxnDone) || s == nil || s.NumFiles() != 1 {
				t.Errorf("append of %v again: %v, %v", txn, s, err)
			}
		}
		appendFile(t, tbl, "other", 3)
		appendFile(t, tbl, "log", 6)
		if _, err := tbl.Append(t.Context(), []Add{file(9)}, Txn{}, nil); err != nil {
			t.Errorf("append without txn: %v", err)
		}
		s := fresh(t, store)
		if s.Version != 4 || s.NumFiles() != 4 || s.Txns["log"] != 6 || s.Txns["other"] != 3 {
			t.Errorf("table: %s", describe(s))
		}
	})
}

func TestAppendRefuses(t *testing.T) {
	store := memstore.New()
	tbl := openOrCreate(t, store)
	live := file(1)
	if _, err := tbl.Append(t.Context(), []Add{live}, Txn{}, nil); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Add){
		"path out of the table": func(f *Add) { f.Path = "../x.parquet" },
		"hidden path":           func(f *Add) { f.Path = "_x.parquet" },
		"odd path":              func(f *Add) { f.Path = "a b.parquet" },
		"no partition":          func(f *Add) { f.PartitionValues = nil },
		"wrong partition":       func(f *Add) { f.PartitionValues = map[string]string{"day": "2026-11-20"} },
		"empty file":            func(f *Add) { f.Size = 0 },
		"broken statistics":     func(f *Add) { f.Stats = "{" },
		"live already":          func(f *Add) { f.Path = live.Path },
	} {
		f := file(2)
		change(&f)
		if _, err := tbl.Append(t.Context(), []Add{f}, Txn{}, nil); err == nil {
			t.Errorf("%s: appended", name)
		}
	}
	f := file(2)
	if _, err := tbl.Append(t.Context(), []Add{f, f}, Txn{}, nil); err == nil {
		t.Error("the same file twice: appended")
	}
	readOnly, err := Open(t.Context(), store, tbl.Path())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := readOnly.Append(t.Context(), []Add{f}, Txn{}, nil); !errors.Is(err, ErrReadOnly) {
		t.Errorf("append to a table open for reading: %v", err)
	}
	if s := fresh(t, store); s.Version != 1 {
		t.Errorf("version %d, want 1", s.Version)
	}
}

func TestRefresh(t *testing.T) {
	onStores(t, func(t *testing.T, store objstore.Store) {
		writer := openOrCreate(t, store)
		r, err := Open(t.Context(), store, writer.Path())
		if err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			for range i {
				appendFile(t, writer, "log", int(writer.Snapshot().Txns["log"])+1)
			}
			s, err := r.Refresh(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			same(t, s, writer.Snapshot())
		}
	})
}

// A refresh looks for the next version, and lists the log only now and then.
func TestRefreshLists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		tbl := openOrCreate(t, store)
		var gets, lists atomic.Int64
		store.Inject(func(c memstore.Call) memstore.Fault {
			switch c.Op {
			case memstore.Get:
				gets.Add(1)
			case memstore.List:
				lists.Add(1)
			}
			return memstore.Fault{}
		})
		refresh := func() {
			if _, err := tbl.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for range 5 {
			refresh()
		}
		if gets.Load() != 5 || lists.Load() != 0 {
			t.Errorf("5 refreshes: %d gets and %d listings, want 5 and 0", gets.Load(), lists.Load())
		}
		time.Sleep(relist + time.Second) // synctest's clock
		refresh()
		refresh()
		if gets.Load() != 6 || lists.Load() != 1 {
			t.Errorf("after a while: %d gets and %d listings, want 6 and 1", gets.Load(), lists.Load())
		}
	})
}

func TestFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFlight()
		reading, finish := make(chan struct{}), make(chan struct{})
		var reads atomic.Int64
		read := func() error {
			if reads.Add(1) == 1 {
				close(reading)
				<-finish
			}
			return nil
		}
		results := make(chan error, 10)
		go func() { results <- f.do(t.Context(), read) }()
		<-reading
		// These came after the first read began: one more read serves them all.
		for range 9 {
			go func() { results <- f.do(t.Context(), read) }()
		}
		synctest.Wait()
		close(finish)
		for range 10 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		if reads.Load() != 2 {
			t.Errorf("%d reads, want 2", reads.Load())
		}
		down := errors.New("store is down")
		if err := f.do(t.Context(), func() error { return down }); !errors.Is(err, down) {
			t.Errorf("error %v, want the read's", err)
		}
		if err := f.do(t.Context(), read); err != nil || reads.Load() != 3 {
			t.Errorf("after a failed read: %v, %d reads, want 3", err, reads.Load())
		}
	})
}

func TestDataFileName(t *testing.T) {
	day := map[string]string{"request_date": "2026-11-20"}
	a, b := DataFileName(day, 42, "0a1b2c3d-4e5f-6789"), DataFileName(day, 42, "0a1b2c3d-4e5f-6789")
	const start = "request_date=2026-11-20/part-00000000000000000042-0a1b2c3d-"
	if !strings.HasPrefix(a, start) || len(a) != len(start)+len("12345678.c000.zstd.parquet") || a == b {
		t.Errorf("names %s and %s", a, b)
	}
	for _, name := range []string{a, DataFileName(nil, 1, "ab"), DataFileName(map[string]string{"d": ""}, 1<<63, "log")} {
		if err := objstore.ValidKey(name); err != nil || encodePath(name) != name || decodePath(name) != name {
			t.Errorf("name %s: %v, encoded %s", name, err, encodePath(name))
		}
	}
}
