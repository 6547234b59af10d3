package maintain

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lakegate/lakegate/internal/datafile"
	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
	"github.com/lakegate/lakegate/internal/rowtags"
)

// world is what the table should be, beside a table that several gateways change at once.
type world struct {
	t     *testing.T
	store objstore.Store

	mu        sync.Mutex
	rows      map[string]call // landed, and neither forgotten nor past the retention
	forgotten map[string]bool
	landed    map[string]rowtags.Count // by log
}

const forgetMe = "u07"

// append lands files of several days until it has landed n.
func (w *world) append(g *gateway, rnd *rand.Rand, n int) {
	for range n {
		day := today.AddDate(0, 0, -rnd.IntN(4)) // the oldest is past the retention
		var rows []call
		for range 1 + rnd.IntN(20) {
			rows = append(rows, newCall(day.Add(time.Duration(rnd.IntN(86400))*time.Second)))
		}
		for w.t.Context().Err() == nil {
			if err := g.land(w.t.Context(), rows...); err == nil {
				break
			}
		}
		w.mu.Lock()
		c := w.landed[g.id]
		for _, r := range rows {
			c.Row(r.id)
			w.rows[r.id.String()] = r
		}
		w.landed[g.id] = c
		w.mu.Unlock()
	}
}

// forget deletes the rows of one person, file by file, as internal/forget does. It reports whether
// it looked at every file of one version without being disturbed.
func (w *world) forget(ctx context.Context, table *delta.Table) bool {
	s, err := table.Refresh(ctx)
	if err != nil {
		return false
	}
	quiet := true
	for _, f := range slices.Collect(s.Files()) {
		gone, err := w.forgetIn(ctx, table, f)
		if err != nil {
			quiet = false
			continue
		}
		w.mu.Lock()
		for _, id := range gone {
			w.forgotten[id] = true
		}
		w.mu.Unlock()
	}
	return quiet
}

func (w *world) forgetIn(ctx context.Context, table *delta.Table, f *delta.Add) (gone []string, err error) {
	data, _, err := w.store.Get(ctx, table.Key(f.Path))
	if err != nil {
		return nil, err
	}
	r, err := datafile.OpenReader(ctx, bytes.NewReader(data), calls())
	if err != nil {
		return nil, err
	}
	defer r.Close()
	out := datafile.NewWriter(calls(), datafile.Options{}, 0)
	var count rowtags.Count
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		for i := range int(b.NumRows()) {
			id := b.Column(0).(*array.String).Value(i)
			if b.Column(2).(*array.String).Value(i) == forgetMe {
				gone = append(gone, id)
				count.Row(rowtags.ParseID(id, false))
				continue
			}
			one := b.NewSlice(int64(i), int64(i+1))
			if err := out.Write(one); err != nil {
				return nil, err
			}
			one.Release()
		}
	}
	if len(gone) == 0 {
		return nil, nil
	}
	counts, _ := rowtags.Parse(f.Tags)
	left, erased := counts.Erase(count)
	rewrite := delta.Rewrite{Operation: "DELETE", Remove: []string{f.Path}, DataChange: true, Txns: txnsOf(table.Snapshot().Txns, erased)}
	file, err := out.Close()
	if err == nil {
		add := delta.Add{Path: delta.DataFileName(f.PartitionValues, 0, "forget"), PartitionValues: f.PartitionValues, Size: int64(len(file.Data)), Rows: file.Rows, Stats: file.Stats, Tags: left.Tags()}
		if _, err := w.store.Put(ctx, table.Key(add.Path), file.Data); err != nil {
			return nil, err
		}
		rewrite.Add = []delta.Add{add}
	} else if !errors.Is(err, datafile.ErrNoRows) {
		return nil, err
	}
	_, err = table.Rewrite(ctx, rewrite)
	return gone, err
}

// check compares the table with what it should be.
func (w *world) check() {
	w.t.Helper()
	table, err := delta.Open(w.t.Context(), w.store, calls().Name.Path())
	if err != nil {
		w.t.Fatal(err)
	}
	tagged := rowtags.Counts{}
	for f := range table.Snapshot().Files() {
		counts, ok := rowtags.Parse(f.Tags)
		if !ok {
			w.t.Errorf("file %s has no tag", f.Path)
		}
		tagged = tagged.Add(counts)
	}
	erased := rowtags.Erased(table.Snapshot().Txns)
	for log, want := range w.landed {
		got := tagged[log].Plus(erased[log])
		if got.N != want.N || !rowtags.SumsEqual(got.Sum, want.Sum) {
			w.t.Errorf("log %s landed %v; in files %v, erased %v", log, want, tagged[log], erased[log])
		}
	}
	same(w.t, w.store, slices.Collect(maps.Values(w.rows)))
}

// Gateways append, two Keepers compact and delete old days, somebody forgets a person, and the store
// fails: no row is lost, doubled or comes back, and the accounts agree.
func TestEverythingAtOnce(t *testing.T) {
	onStores(t, func(t *testing.T, store objstore.Store) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		const gateways, each = 3, 25
		w := &world{t: t, store: store, rows: map[string]call{}, forgotten: map[string]bool{}, landed: map[string]rowtags.Count{}}
		if m, ok := store.(*memstore.Store); ok {
			defer m.Inject(nil)
			injectFaults(m, seed)
		}
		var gws []*gateway
		for range gateways {
			for w.t.Context().Err() == nil {
				table, err := delta.OpenOrCreate(t.Context(), store, calls(), delta.Options{CheckpointInterval: 7})
				if err == nil {
					g := &gateway{store: store, table: table, schema: calls(), id: newCall(today).id.String()}
					gws = append(gws, g)
					break
				}
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		var appending, others sync.WaitGroup
		for i, g := range gws {
			appending.Go(func() { w.append(g, rand.New(rand.NewPCG(seed, uint64(i))), each) })
		}
		var merged [2]int64
		for i := range merged {
			others.Go(func() {
				k := keeper(t, store, testConfig())
				for ctx.Err() == nil {
					_, _ = k.Compact(ctx, calls(), CompactOptions{Full: i == 0})
					_, _ = k.Retain(ctx, calls(), 3, false)
				}
				merged[i] = k.Stats().Compactions
			})
		}
		others.Go(func() {
			for ctx.Err() == nil {
				w.forget(ctx, gws[0].table)
			}
		})
		appending.Wait()
		stop()
		others.Wait()
		if m, ok := store.(*memstore.Store); ok {
			m.Inject(nil)
		}
		for !w.forget(t.Context(), gws[0].table) {
		}
		k := keeper(t, store, testConfig())
		if _, err := k.Retain(t.Context(), calls(), 3, false); err != nil {
			t.Fatal(err)
		}
		compact(t, k, CompactOptions{Full: true})
		for id, r := range w.rows {
			if r.who == forgetMe || r.at.Before(today.AddDate(0, 0, -2)) {
				delete(w.rows, id)
			}
		}
		w.check()
		if merged[0]+merged[1] == 0 {
			t.Error("nothing was compacted meanwhile")
		}
		t.Logf("%d and %d compactions, %d rows left, %d forgotten", merged[0], merged[1], len(w.rows), len(w.forgotten))
	})
}

// injectFaults has the store fail now and then: before, after, and without saying which.
func injectFaults(m *memstore.Store, seed uint64) {
	var mu sync.Mutex
	rnd := rand.New(rand.NewPCG(seed, 99))
	m.Inject(func(c memstore.Call) memstore.Fault {
		mu.Lock()
		n := rnd.IntN(100)
		mu.Unlock()
		write := c.Op == memstore.Put || c.Op == memstore.Create || c.Op == memstore.Replace
		switch {
		case n < 2:
			return memstore.Fault{Before: errors.New("refused")}
		case write && n < 4:
			return memstore.Fault{Before: objstore.ErrUnknown}
		case write && n < 7:
			return memstore.Fault{After: objstore.ErrUnknown}
		}
		return memstore.Fault{}
	})
}

// killed is what a failpoint panics with.
type killed struct{ point string }

// until runs f, which dies at the nth time that the point is reached.
func until(k *Keeper, point string, n int, f func()) (died bool) {
	k.cfg.FailPoint = func(p string) {
		if p == point {
			if n--; n == 0 {
				panic(killed{p})
			}
		}
	}
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(killed); !ok {
				panic(p)
			}
			died = true
		}
	}()
	f()
	return false
}

// A Keeper dies at each point of a compaction and of a retention. The rows are all there, once, at each
// time; the next Keeper goes on; what is left behind is swept when it is old enough.
func TestKillPoints(t *testing.T) {
	for _, c := range []struct {
		point   string
		nth     int
		orphans int // files that no version names
		merges  int // that were committed
	}{
		{"compact: file read", 1, 0, 0},
		{"compact: file stored", 1, 1, 0},
		{"compact: committed", 1, 0, 1},
		{"compact: file stored", 2, 1, 1},
		{"compact: committed", 2, 0, 2},
		{"retain: before the commit", 1, 0, 2},
		{"retain: committed", 1, 0, 2},
	} {
		t.Run(c.point, func(t *testing.T) {
			onStores(t, func(t *testing.T, store objstore.Store) {
				g := newGateway(t, store)
				old := fill(t, g, yesterday.AddDate(0, 0, -5), 6, 3)
				rows := fill(t, g, yesterday, 6, 3)
				work := func(k *Keeper) {
					if r, err := k.Compact(t.Context(), calls(), CompactOptions{}); err != nil {
						t.Errorf("%+v, %v", r, err)
					}
					if r, err := k.Retain(t.Context(), calls(), 3, false); err != nil {
						t.Errorf("%+v, %v", r, err)
					}
				}
				k := keeper(t, store, testConfig())
				if !until(k, c.point, c.nth, func() { work(k) }) {
					t.Fatal("did not die")
				}
				all := append(slices.Clone(old), rows...)
				if c.point == "retain: committed" {
					all = rows
				}
				same(t, store, all)
				live := len(files(t, store))
				gone := 12 + c.merges - live // merged files are still in the store, for readers of older versions
				if c.point == "retain: committed" && live != 1 {
					t.Errorf("%d files are live", live)
				}
				if got := len(objects(t, store)); got != live+gone+c.orphans {
					t.Errorf("%d objects: %d live, %d removed, want %d orphans", got, live, gone, c.orphans)
				}
				next := keeper(t, store, testConfig())
				work(next)
				work(next)
				same(t, store, rows)
				r, err := next.Vacuum(t.Context(), calls(), false)
				if err != nil || r.Deleted.Files != 0 {
					t.Errorf("swept what is young: %+v, %v", r, err)
				}
				cfg := testConfig()
				cfg.Now = func() time.Time { return time.Now().AddDate(0, 0, 8) }
				r, err = keeper(t, store, cfg).Vacuum(t.Context(), calls(), false)
				if err != nil || r.Orphans.Files != c.orphans || len(objects(t, store)) != 1 {
					t.Errorf("%+v, %v", r, err)
				}
				same(t, store, rows)
			})
		})
	}
}

// The store takes the merged file, or the commit, and the answer is lost on the way.
func TestLostAnswersOfCompaction(t *testing.T) {
	for name, fails := range map[string]func(c memstore.Call) bool{
		"file": func(c memstore.Call) bool { return c.Op == memstore.Put && bytes.HasPrefix(c.Data, []byte("PAR1")) },
		"commit": func(c memstore.Call) bool {
			return c.Op == memstore.Create && bytes.Contains(c.Data, []byte("OPTIMIZE"))
		},
	} {
		for what, fault := range map[string]memstore.Fault{
			"carried out": {After: objstore.ErrUnknown}, "not carried out": {Before: objstore.ErrUnknown},
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				store := memstore.New()
				rows := fill(t, newGateway(t, store), yesterday, 6, 3)
				k := keeper(t, store, testConfig())
				times := 0
				store.Inject(func(c memstore.Call) memstore.Fault {
					if fails(c) && times < 3 {
						times++
						return fault
					}
					return memstore.Fault{}
				})
				for range 5 {
					_, _ = k.Compact(t.Context(), calls(), CompactOptions{})
				}
				store.Inject(nil)
				same(t, store, rows)
				if n := len(files(t, store)); n != 1 || times == 0 {
					t.Errorf("%d files after %d faults", n, times)
				}
			})
		}
	}
}
