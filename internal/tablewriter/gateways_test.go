package tablewriter

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/fsstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
	"github.com/lakegate/lakegate/internal/objstore/s3store"
	"github.com/lakegate/lakegate/internal/objstore/s3test"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// onStores runs a test of several gateways on every kind of store.
func onStores(t *testing.T, test func(t *testing.T, store objstore.Store)) {
	t.Run("memory", func(t *testing.T) { test(t, memstore.New()) })
	t.Run("folder", func(t *testing.T) {
		fs, err := fsstore.Open(t.TempDir())
		must(t, err)
		test(t, fs)
	})
	t.Run("s3", func(t *testing.T) {
		server := s3test.New(t)
		s3, err := s3store.Open(t.Context(), s3store.Config{
			Bucket: s3test.Bucket, Region: s3test.Region, Endpoint: server.Endpoint, PathStyle: true,
			AccessKeyID: s3test.AccessKey, SecretAccessKey: s3test.SecretKey,
		}, quiet)
		must(t, err)
		test(t, s3)
	})
}

// gateway opens a writer with a data folder of its own.
func gateway(t *testing.T, store objstore.Store, dir string, feeds ...Feed) *Writer {
	t.Helper()
	cfg := manual(dir)
	cfg.Store = store
	w := mustOpen(t, cfg, feeds...)
	w.lake.refresh = 50 * time.Millisecond
	return w
}

// sees waits until a gateway has all rows of a table, and returns how long that took.
func sees(t testing.TB, w *Writer, table string, want ...*inference.Record) time.Duration {
	t.Helper()
	began := time.Now()
	for {
		got := ids(t, w, table)
		if len(got) >= len(want) || time.Since(began) > 20*time.Second {
			sameIDs(t, got, want...)
			return time.Since(began)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Several gateways make the same tables at once and append to them at once; each sees all rows soon,
// and each finds its own in order.
func TestGatewaysShareALake(t *testing.T) {
	onStores(t, func(t *testing.T, store objstore.Store) {
		const n = 3
		root := t.TempDir()
		writers := make([]*Writer, n)
		var mu sync.Mutex
		var all []*inference.Record
		var work sync.WaitGroup
		for i := range n {
			writers[i] = gateway(t, store, filepath.Join(root, fmt.Sprint(i)))
			work.Go(func() {
				w := writers[i]
				if err := w.Declare(t.Context(), newUsageFeed().table); err != nil {
					t.Errorf("gateway %d: declare: %v", i, err)
				}
				for range 5 {
					r := request("q")
					if err := w.Record(answered(r, 1), false); err != nil {
						t.Errorf("gateway %d: %v", i, err)
					}
					if err := w.Flush(t.Context()); err != nil {
						t.Errorf("gateway %d: %v", i, err)
					}
					mu.Lock()
					all = append(all, r)
					mu.Unlock()
				}
			})
		}
		work.Wait()
		longest := time.Duration(0)
		for _, w := range writers {
			w.lake.refresh = refreshInterval
			longest = max(longest, sees(t, w, usageTable, all...), sees(t, w, payloadTable, all...))
		}
		t.Logf("all rows were seen after %v", longest)
		for i, w := range writers {
			mustClose(t, w)
			if rep := verified(t, w.cfg); !rep.OK() || rep.Landed != 10 || rep.Foreign != 20 {
				t.Errorf("gateway %d: %+v", i, rep)
			}
		}
	})
}

// A gateway that is killed loses nothing: its next start lands what it had. One whose disk is lost
// loses what was not landed, and nothing of the others.
func TestGatewayIsLost(t *testing.T) {
	onStores(t, func(t *testing.T, store objstore.Store) {
		root := t.TempDir()
		a := gateway(t, store, filepath.Join(root, "a"))
		b := gateway(t, store, filepath.Join(root, "b"))
		all := []*inference.Record{call(t, a, "q"), call(t, b, "q")}
		must(t, a.Flush(t.Context()))
		must(t, b.Flush(t.Context()))
		late := call(t, b, "q")
		abandon(t, b)
		sees(t, a, usageTable, all...)

		b = gateway(t, store, filepath.Join(root, "b"))
		all = append(all, late)
		sees(t, a, usageTable, all...)
		lost := call(t, b, "q") // at most what came in one flush interval, and what an outage kept back
		abandon(t, b)
		must(t, os.RemoveAll(filepath.Join(root, "b")))

		b = gateway(t, store, filepath.Join(root, "b")) // another log: nothing of it is taken for the old one's
		all = append(all, call(t, b, "q"), call(t, a, "q"))
		must(t, a.Flush(t.Context()))
		must(t, b.Flush(t.Context()))
		for _, w := range []*Writer{a, b} {
			sees(t, w, usageTable, all...)
			if slices.Contains(ids(t, w, usageTable), lost.ID.String()) {
				t.Error("the row is not lost")
			}
			mustClose(t, w)
			if rep := verified(t, w.cfg); !rep.OK() {
				t.Errorf("verify: %+v", rep)
			}
		}
	})
}

// wideFeed is the usage feed of a newer version, with one more column.
type wideFeed struct {
	*usageFeed
	table *tableschema.Table
}

func newWideFeed() *wideFeed {
	u := newUsageFeed()
	t := *u.table
	t.Columns = append(slices.Clone(t.Columns), tableschema.Column{Name: "region", Type: typ(tableschema.String)})
	return &wideFeed{u, &t}
}

func (f *wideFeed) Table(fact inference.Fact) *tableschema.Table {
	if f.usageFeed.Table(fact) == nil {
		return nil
	}
	return f.table
}

func (f *wideFeed) Append(b *array.RecordBuilder, fact inference.Fact) error {
	b.Field(6).(*array.StringBuilder).Append("eu")
	return f.usageFeed.Append(b, fact)
}

// One gateway is of a newer version, which adds a column, while another appends.
func TestGatewaysOfTwoVersions(t *testing.T) {
	onStores(t, func(t *testing.T, store objstore.Store) {
		root := t.TempDir()
		old := gateway(t, store, filepath.Join(root, "old"), newUsageFeed())
		all := []*inference.Record{call(t, old, "")}
		must(t, old.Flush(t.Context()))
		young := gateway(t, store, filepath.Join(root, "young"), newWideFeed())
		for range 3 {
			all = append(all, call(t, old, ""), call(t, young, ""))
			var both sync.WaitGroup
			for _, w := range []*Writer{old, young} {
				both.Go(func() {
					if err := w.Flush(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			both.Wait()
		}
		all = append(all, call(t, old, ""), call(t, young, "")) // hot
		sees(t, old, usageTable, all[:len(all)-1]...)
		sees(t, young, usageTable, slices.Delete(slices.Clone(all), len(all)-2, len(all)-1)...)
		for _, w := range []*Writer{old, young} {
			s, err := w.Snapshot(t.Context(), []string{usageTable})
			must(t, err)
			if _, _, ok := s.List[0].Schema.Column("region"); !ok {
				t.Error("the new column is not seen")
			}
			s.Release()
		}
	})
}

// A table that another gateway made is found by its name at once, and listed soon.
func TestTablesOfOtherGateways(t *testing.T) {
	onStores(t, func(t *testing.T, store objstore.Store) {
		root := t.TempDir()
		a := gateway(t, store, filepath.Join(root, "a"))
		b := gateway(t, store, filepath.Join(root, "b"))
		r := call(t, a, "q")
		must(t, a.Flush(t.Context()))
		sameIDs(t, ids(t, b, payloadTable), r)
		b.lake.searched.began = time.Time{}
		for deadline := time.Now().Add(20 * time.Second); len(b.Tables()) < 2; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d tables are listed", len(b.Tables()))
			}
		}
	})
}
