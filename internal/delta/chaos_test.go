package delta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parquet-go/parquet-go/compress/uncompressed"

	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
)

// unreliable is a store that fails, loses answers, and carries writes out after it said that it
// doesn't know. It remembers every object that ever was.
type unreliable struct {
	*memstore.Store
	mu   sync.Mutex
	rnd  *rand.Rand
	ever map[string][]byte
}

var errDown = errors.New("the store is down")

// fate is what happens to a call: one in thirty each.
func (u *unreliable) fate() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.rnd.IntN(30)
}

func (u *unreliable) random(n int) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.rnd.IntN(n)
}

func (u *unreliable) Get(ctx context.Context, key string) ([]byte, objstore.Info, error) {
	if u.random(500) == 0 { // those who slept read hundreds of versions at once
		return nil, objstore.Info{}, errDown
	}
	return u.Store.Get(ctx, key)
}

func (u *unreliable) Put(ctx context.Context, key string, data []byte) (objstore.Info, error) {
	return u.write(key, data, func() (objstore.Info, error) { return u.Store.Put(ctx, key, data) })
}

func (u *unreliable) Create(ctx context.Context, key string, data []byte) (objstore.Info, error) {
	return u.write(key, data, func() (objstore.Info, error) { return u.Store.Create(ctx, key, data) })
}

func (u *unreliable) write(key string, data []byte, do func() (objstore.Info, error)) (objstore.Info, error) {
	carryOut := func() (objstore.Info, error) {
		info, err := do()
		if err == nil {
			u.mu.Lock()
			defer u.mu.Unlock()
			u.ever[key] = data
		}
		return info, err
	}
	switch u.fate() {
	case 0:
		return objstore.Info{}, errDown
	case 1:
		return objstore.Info{}, objstore.ErrUnknown
	case 2:
		_, _ = carryOut()
		return objstore.Info{}, objstore.ErrUnknown
	case 3:
		time.AfterFunc(time.Duration(1+u.random(60))*time.Second, func() { _, _ = carryOut() })
		return objstore.Info{}, objstore.ErrUnknown
	}
	return carryOut()
}

func (u *unreliable) Delete(ctx context.Context, key string) error {
	switch u.fate() {
	case 0:
		return errDown
	case 1:
		_ = u.Store.Delete(ctx, key)
		return errDown
	}
	return u.Store.Delete(ctx, key)
}

func (u *unreliable) List(ctx context.Context, prefix, after string) iter.Seq2[objstore.Info, error] {
	if u.fate() == 0 {
		return func(yield func(objstore.Info, error) bool) { yield(objstore.Info{}, errDown) }
	}
	return u.Store.List(ctx, prefix, after)
}

// actor is somebody with a Table of his own. Files are JSON lists of row numbers.
type actor struct {
	t     *testing.T
	name  string
	store *unreliable
	table *Table
	until time.Time
}

// again does something until it works; the store's failures pass.
func (a *actor) again(ctx context.Context, do func() error) {
	for {
		err := do()
		switch {
		case err == nil:
			return
		case errors.Is(err, errDown), errors.Is(err, objstore.ErrUnknown), errors.Is(err, ErrContention):
			time.Sleep(time.Duration(a.store.random(5000)) * time.Millisecond)
		default:
			a.t.Errorf("%s: %v", a.name, err)
			return
		}
	}
}

func (a *actor) rest(longest time.Duration) bool {
	time.Sleep(time.Duration(a.store.random(int(longest/time.Second))) * time.Second)
	return time.Now().Before(a.until)
}

func (a *actor) upload(ctx context.Context, rows []int) Add {
	data, err := json.Marshal(rows)
	if err != nil {
		a.t.Error(err)
	}
	f := file(a.store.random(1000))
	f.Size, f.Rows, f.Stats = int64(len(data)), int64(len(rows)), fmt.Sprintf(`{"numRecords":%d}`, len(rows))
	a.again(ctx, func() error {
		_, err := a.store.Put(ctx, a.table.Key(f.Path), data)
		return err
	})
	return f
}

func (a *actor) read(ctx context.Context, path string) (rows []int) {
	a.again(ctx, func() error {
		data, _, err := a.store.Get(ctx, a.table.Key(path))
		if err != nil {
			return err
		}
		return json.Unmarshal(data, &rows)
	})
	return rows
}

// snapshot is the newest one; some of its files, in random order.
func (a *actor) snapshot(ctx context.Context, most int) (s *Snapshot, some []string) {
	a.again(ctx, func() (err error) {
		s, err = a.table.Refresh(ctx)
		return err
	})
	all := paths(s)
	for range min(most, len(all)) {
		i := a.store.random(len(all))
		some = append(some, all[i])
		all = slices.Delete(all, i, i+1)
	}
	return s, some
}

// appender appends rows, each segment until it is in the table, sometimes once more.
func (a *actor) appender(ctx context.Context, number int) (segments int) {
	for a.rest(4 * time.Minute) {
		segments++
		after := int64(segments - 1)
		row := number*1_000_000 + segments*10
		txn := Txn{AppID: a.name, Version: int64(segments), After: &after}
		add := a.upload(ctx, []int{row, row + 1, row + 2})
		for range 1 + a.store.random(2) {
			a.again(ctx, func() error {
				_, err := a.table.Append(ctx, []Add{add}, txn, nil)
				if errors.Is(err, ErrTxnDone) {
					return nil
				}
				if errors.Is(err, objstore.ErrUnknown) { // as after a crash: never trust an earlier upload
					add = a.upload(ctx, []int{row, row + 1, row + 2})
				}
				return err
			})
		}
	}
	return segments
}

// rewriter replaces some files by one with what change leaves of their rows.
func (a *actor) rewriter(ctx context.Context, operation string, most int, change func([]int) []int) {
	for a.rest(6 * time.Minute) {
		a.again(ctx, func() error {
			_, some := a.snapshot(ctx, 1+a.store.random(most))
			if len(some) == 0 {
				return nil
			}
			var rows []int
			for _, p := range some {
				rows = append(rows, a.read(ctx, p)...)
			}
			r := Rewrite{Operation: operation, Remove: some, DataChange: operation == "DELETE"}
			if rows = change(rows); len(rows) > 0 {
				r.Add = []Add{a.upload(ctx, rows)}
			}
			_, err := a.table.Rewrite(ctx, r)
			if errors.Is(err, ErrRewriteConflict) {
				return nil
			}
			return err
		})
	}
}

// reader keeps a snapshot for up to as long as files are kept, and reads it then.
func (a *actor) reader(ctx context.Context) {
	for a.rest(20 * time.Minute) {
		s, some := a.snapshot(ctx, 5)
		time.Sleep(time.Duration(a.store.random(55*60)) * time.Second)
		for _, p := range some {
			if _, err := a.store.Stat(ctx, a.table.Key(p)); err != nil {
				a.t.Errorf("version %d lost %s within the retention: %v", s.Version, p, err)
			}
		}
	}
}

// tolerant does something that may fail for reasons that the test makes.
func (a *actor) tolerant(ctx context.Context, pause time.Duration, do func() error, fine ...error) {
	for a.rest(pause) {
		err := do()
		if err == nil || errors.Is(err, errDown) || errors.Is(err, objstore.ErrUnknown) {
			continue
		}
		if !slices.ContainsFunc(fine, func(f error) bool { return errors.Is(err, f) }) {
			a.t.Errorf("%s: %v", a.name, err)
		}
	}
}

// Appenders, compactors, row deleters, restorers, vacuumers, cleaners of the log and readers at once, on a
// store that fails. Then every commit is held to what it says it did: nothing is lost or doubled,
// and nothing comes back but by a restore.
func TestEverybodyAtOnce(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	synctest.Test(t, func(t *testing.T) {
		store := &unreliable{Store: memstore.New(), rnd: rand.New(rand.NewPCG(seed, 0)), ever: map[string][]byte{}}
		var wg sync.WaitGroup
		until := time.Now().Add(8 * time.Hour)
		segments := map[string]*int{}
		start := func(name string, act func(a *actor)) {
			a := &actor{t: t, name: name, store: store, until: until}
			wg.Go(func() {
				a.again(t.Context(), func() (err error) {
					a.table, err = OpenOrCreate(t.Context(), store, usage(), Options{CheckpointInterval: 7})
					return err
				})
				// The pools of a compressor would outlive the bubble.
				a.table.codec = &uncompressed.Codec{}
				act(a)
			})
		}
		ctx := t.Context()
		for i := range 3 {
			n := new(int)
			name := fmt.Sprint("log-", i)
			segments[name] = n
			start(name, func(a *actor) { *n = a.appender(ctx, i+1) })
		}
		for i := range 2 {
			start(fmt.Sprint("compactor-", i), func(a *actor) {
				a.rewriter(ctx, "OPTIMIZE", 8, func(rows []int) []int { return rows })
			})
		}
		start("deleter", func(a *actor) {
			a.rewriter(ctx, "DELETE", 2, func(rows []int) []int {
				return slices.DeleteFunc(rows, func(n int) bool { return n%10 == 1 })
			})
		})
		start("restorer", func(a *actor) {
			a.tolerant(ctx, time.Hour, func() error {
				s, _ := a.snapshot(ctx, 0)
				_, err := a.table.Restore(ctx, max(0, s.Version-int64(store.random(1<<store.random(10)+1))))
				return err
			}, ErrVersionGone, ErrFilesGone)
		})
		for i := range 2 {
			start(fmt.Sprint("vacuumer-", i), func(a *actor) {
				a.tolerant(ctx, 30*time.Minute, func() error {
					_, err := a.table.Vacuum(ctx, VacuumOptions{Retention: MinRetention, OrphanAge: MinRetention})
					return err
				}, errGap)
			})
		}
		start("cleaner", func(a *actor) {
			a.tolerant(ctx, time.Hour, func() error {
				_, err := a.table.CleanLog(ctx, 2*time.Hour, time.Time{})
				return err
			})
		})
		start("reader", func(a *actor) { a.reader(ctx) })
		wg.Wait()
		time.Sleep(2 * time.Minute) // late writes
		newest := audit(t, store)
		same(t, fresh(t, store.Store), newest)
		for name, n := range segments {
			if newest.Txns[name] != int64(*n) || *n < 20 {
				t.Errorf("%s appended %d segments, the table says %d", name, *n, newest.Txns[name])
			}
		}
		for f := range newest.Files() {
			if _, err := store.Stat(ctx, usage().Name.Path()+"/"+f.Path); err != nil {
				t.Errorf("live file is gone: %v", err)
			}
		}
	})
}

// audit goes through all versions that ever were, and holds each to what it says of itself.
func audit(t *testing.T, store *unreliable) *Snapshot {
	t.Helper()
	prefix := usage().Name.Path() + "/"
	rowsOf := func(s *Snapshot) map[int]int {
		rows := map[int]int{}
		for f := range s.Files() {
			var list []int
			if err := json.Unmarshal(store.ever[prefix+f.Path], &list); err != nil {
				t.Fatalf("version %d: file %s: %v", s.Version, f.Path, err)
			}
			for _, n := range list {
				rows[n]++
			}
		}
		return rows
	}
	r := newReader(store, usage().Name.Path())
	s := emptySnapshot(r.place)
	was := []map[int]int{}
	counts := map[string]int{}
	for v := int64(0); ; v++ {
		data, ok := store.ever[r.commitKey(v)]
		if !ok {
			break
		}
		actions, err := decode(data)
		if err != nil {
			t.Fatal(err)
		}
		before := s
		if s, err = s.apply([]commit{{v, actions}}); err != nil {
			t.Fatal(err)
		}
		now := rowsOf(s)
		was = append(was, now)
		info, err := describeCommit(commitFile{version: v}, data)
		if err != nil {
			t.Fatal(err)
		}
		counts[info.Operation]++
		var had map[int]int
		if v > 0 {
			had = maps.Clone(was[v-1])
		}
		switch info.Operation {
		case "WRITE":
			for _, a := range actions {
				if a.Txn != nil {
					if a.Txn.Version != before.Txns[a.Txn.AppID]+1 {
						t.Errorf("version %d: segment %d of %s after %d", v, a.Txn.Version, a.Txn.AppID, before.Txns[a.Txn.AppID])
					}
					number, _ := strconv.Atoi(strings.TrimPrefix(a.Txn.AppID, "log-"))
					for i := range 3 {
						had[(number+1)*1_000_000+int(a.Txn.Version)*10+i]++
					}
				}
			}
		case "DELETE":
			maps.DeleteFunc(had, func(n, _ int) bool { return n%10 == 1 && now[n] == 0 })
		case "RESTORE":
			to, err := strconv.Atoi(info.Parameters["version"])
			if err != nil {
				t.Fatal(err)
			}
			had = was[to]
		}
		if !maps.Equal(had, now) {
			t.Errorf("version %d, %s: has %d rows, want %d", v, info.Operation, len(now), len(had))
		}
		for n, times := range now {
			if times != 1 {
				t.Errorf("version %d: row %d is there %d times", v, n, times)
			}
		}
	}
	t.Logf("commits %v, %d rows at the end", counts, len(was[len(was)-1]))
	return s
}
