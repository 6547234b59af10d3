package delta

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
)

// Every version can be had again as it was, with and without checkpoints and log cleanups.
func TestTimeTravel(t *testing.T) {
	onStores(t, func(t *testing.T, store objstore.Store) {
		tbl, err := OpenOrCreate(t.Context(), store, usage(), Options{CheckpointInterval: 5})
		if err != nil {
			t.Fatal(err)
		}
		was := []*Snapshot{tbl.Snapshot()}
		for i := range 12 {
			s := appendFile(t, tbl, "log", i+1)
			if i%4 == 3 {
				was = append(was, s)
				if s, err = tbl.Rewrite(t.Context(), compaction(s, paths(s)[:2]...)); err != nil {
					t.Fatal(err)
				}
			}
			was = append(was, s)
		}
		reader, err := Open(t.Context(), store, tbl.Path())
		if err != nil {
			t.Fatal(err)
		}
		appendFile(t, tbl, "log", 13) // the reader doesn't know yet
		was = append(was, tbl.Snapshot())
		check := func(from int) {
			t.Helper()
			for v := range was {
				s, err := reader.At(t.Context(), int64(v))
				if v < from {
					var gone *VersionGoneError
					if !errors.As(err, &gone) || !errors.Is(err, ErrVersionGone) || gone.Oldest != int64(from) || gone.Newest != int64(len(was)-1) {
						t.Errorf("version %d: %v", v, err)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				same(t, s, was[v])
			}
		}
		check(0)
		remove(t, store, tbl, 3, 3) // a checkpoint gets over it, for what comes after
		if _, err := reader.At(t.Context(), 4); !errors.Is(err, ErrVersionGone) {
			t.Errorf("version 4 without version 3: %v", err)
		}
		remove(t, store, tbl, 0, 4)
		check(5)
		remove(t, store, tbl, 5, 11)
		for _, v := range []int64{-1, 99} {
			if _, err := reader.At(t.Context(), v); !errors.Is(err, ErrVersionGone) {
				t.Errorf("version %d: %v", v, err)
			}
		}
	})
}

func TestTimeTravelByTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		tbl, err := OpenOrCreate(t.Context(), store, usage(), Options{CheckpointInterval: -1})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		for i := range 5 { // version n is n minutes old
			time.Sleep(time.Minute)
			appendFile(t, tbl, "log", i+1)
		}
		for _, c := range []struct {
			at   time.Duration
			want int64
		}{
			{0, 0}, {time.Minute - time.Millisecond, 0}, {time.Minute, 1}, {4*time.Minute + time.Second, 4}, {time.Hour, 5},
		} {
			s, err := tbl.AtTime(t.Context(), start.Add(c.at))
			if err != nil || s.Version != c.want {
				t.Errorf("at %v: %v, %v, want version %d", c.at, s, err, c.want)
			}
		}
		var gone *VersionGoneError
		if _, err := tbl.AtTime(t.Context(), start.Add(-time.Second)); !errors.As(err, &gone) || gone.Oldest != 0 || !gone.Since.Equal(start) {
			t.Errorf("before the table: %v", err)
		}
		history, err := tbl.History(t.Context(), 0)
		if err != nil || len(history) != 6 {
			t.Fatalf("history %v, %v", history, err)
		}
		for i, v := range history {
			if want := start.Add(time.Duration(5-i) * time.Minute); v.Version != int64(5-i) || !v.Timestamp.Equal(want) {
				t.Errorf("version %d of %v, want %d of %v", v.Version, v.Timestamp, 5-i, want)
			}
		}
	})
}

func TestHistory(t *testing.T) {
	store := memstore.New()
	tbl := openOrCreate(t, store)
	if _, err := tbl.Append(t.Context(), []Add{file(1)}, Txn{AppID: "log", Version: 1}, map[string]string{"segments": "1"}); err != nil {
		t.Fatal(err)
	}
	// What other engines leave there.
	put(t, store, "00000000000000000002.json", `{"commitInfo":{"timestamp":1,"operation":"MERGE","operationParameters":{"matched":[{"a":1}],"n":3},"operationMetrics":{"execution_time_ms":7},"engineInfo":"Spark","userMetadata":{"x":1}}}`+"\n")
	put(t, store, "00000000000000000003.json", `{"txn":{"appId":"x","version":1}}`+"\n")
	put(t, store, "00000000000000000004.json", `{"commitInfo":{"operation":["odd"]}}`+"\n")
	h, err := tbl.History(t.Context(), 4)
	if err != nil || len(h) != 4 {
		t.Fatalf("%v, %v", h, err)
	}
	for i, want := range []string{
		"4  map[] map[]  \"\" false", "3  map[] map[]  \"\" false",
		`2 MERGE map[matched:[{"a":1}] n:3] map[execution_time_ms:7] Spark "{\"x\":1}" false`,
		`1 WRITE map[mode:Append partitionBy:["request_date"]] map[numFiles:1 numOutputBytes:100 numOutputRows:1] lakegate/1.2.3 "{\"segments\":\"1\"}" true`,
	} {
		v := h[i]
		if got := fmt.Sprintf("%d %s %v %v %s %q %v", v.Version, v.Operation, v.Parameters, v.Metrics, v.Engine, v.UserMetadata, v.IsBlindAppend); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if *h[3].ReadVersion != 0 || h[2].ReadVersion != nil {
		t.Errorf("read versions %v, %v", h[3].ReadVersion, h[2].ReadVersion)
	}
	if h, err := tbl.History(t.Context(), 0); err != nil || len(h) != 5 || h[4].Operation != "CREATE TABLE" {
		t.Errorf("the whole history: %v, %v", h, err)
	}
}

// A version of a long log is found from the checkpoint before it: by reading a few objects, wherever it is.
func TestTimeTravelReadsLittle(t *testing.T) {
	store := memstore.New()
	tbl, err := OpenOrCreate(t.Context(), store, usage(), Options{CheckpointInterval: 50})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 700 {
		appendFile(t, tbl, "log", i+1)
	}
	var gets atomic.Int64
	for _, v := range []int64{20, 333, 699} {
		gets.Store(0)
		store.Inject(func(c memstore.Call) memstore.Fault {
			if c.Op == memstore.Get {
				gets.Add(1)
			}
			return memstore.Fault{}
		})
		s, err := tbl.At(t.Context(), v)
		if err != nil || s.NumFiles() != int(v) || gets.Load() > 51 {
			t.Errorf("version %d: %v with %d objects read, %v", v, s, gets.Load(), err)
		}
	}
	remove(t, store, tbl, 0, 20)
	gets.Store(0)
	if _, err := tbl.At(t.Context(), 10); !errors.Is(err, ErrVersionGone) || gets.Load() > 2 {
		t.Errorf("version 10 is gone: %v with %d objects read", err, gets.Load())
	}
}
