package delta

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// rivals opens a table and a second writer of it. They write no checkpoints: the compressor's pool
// must not be filled inside a bubble of synctest.
func rivals(t *testing.T) (store *memstore.Store, tbl, rival *Table) {
	t.Helper()
	store = memstore.New()
	open := func() *Table {
		tbl, err := OpenOrCreate(t.Context(), store, usage(), Options{CheckpointInterval: -1})
		if err != nil {
			t.Fatal(err)
		}
		return tbl
	}
	return store, open(), open()
}

func lost() memstore.Fault   { return memstore.Fault{After: objstore.ErrUnknown} }
func unsent() memstore.Fault { return memstore.Fault{Before: objstore.ErrUnknown} }

func TestLostRace(t *testing.T) {
	store, tbl, rival := rivals(t)
	store.Inject(only(tbl, 1, func() memstore.Fault {
		store.Inject(nil)
		for i := range 11 { // more than one batch of reads ahead
			appendFile(t, rival, "rival", i+1)
		}
		return memstore.Fault{}
	}))
	s := appendFile(t, tbl, "log", 1)
	if s.Version != 12 || s.NumFiles() != 12 || s.Txns["rival"] != 11 || s.Txns["log"] != 1 {
		t.Errorf("after a lost race: %s", describe(s))
	}
	same(t, fresh(t, store), s)
}

// The outcomes of one append whose answers get lost in every way. It is in the table once.
func TestLostAnswers(t *testing.T) {
	for _, c := range []struct {
		name    string
		faults  func(t *testing.T, rival *Table) []func() memstore.Fault
		version int64
	}{
		{"written", func(*testing.T, *Table) []func() memstore.Fault { return []func() memstore.Fault{lost} }, 1},
		{"written, and the client's own retry finds it", func(*testing.T, *Table) []func() memstore.Fault {
			return []func() memstore.Fault{func() memstore.Fault { return memstore.Fault{After: objstore.ErrExists} }}
		}, 1},
		{"not written", func(*testing.T, *Table) []func() memstore.Fault { return []func() memstore.Fault{unsent, unsent} }, 1},
		{"not written, then written", func(*testing.T, *Table) []func() memstore.Fault { return []func() memstore.Fault{unsent, lost} }, 1},
		{"written, then the store is down", func(*testing.T, *Table) []func() memstore.Fault {
			down := func() memstore.Fault { return memstore.Fault{Before: errors.New("down")} }
			return []func() memstore.Fault{lost, down, down}
		}, 1},
		{"written, and a rival goes on", func(t *testing.T, rival *Table) []func() memstore.Fault {
			return []func() memstore.Fault{lost, func() memstore.Fault { appendFile(t, rival, "rival", 1); return memstore.Fault{} }}
		}, 1},
		{"not written, and a rival is first", func(t *testing.T, rival *Table) []func() memstore.Fault {
			return []func() memstore.Fault{unsent, func() memstore.Fault { appendFile(t, rival, "rival", 1); return memstore.Fault{} }}
		}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, tbl, rival := rivals(t)
				faults := c.faults(t, rival)
				store.Inject(only(tbl, 1, faults...))
				s := appendFile(t, tbl, "log", 1)
				if s.Version != c.version || s.Txns["log"] != 1 {
					t.Errorf("appended as version %d, want %d: %s", s.Version, c.version, describe(s))
				}
				store.Inject(nil)
				if _, err := tbl.Append(t.Context(), []Add{file(1)}, Txn{AppID: "log", Version: 1}, nil); !errors.Is(err, ErrTxnDone) {
					t.Errorf("append again: %v", err)
				}
				now, err := tbl.Refresh(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				same(t, fresh(t, store), now)
				mine := 0
				for f := range now.Files() {
					if f.Stats == file(1).Stats {
						mine++
					}
				}
				if want := 1 + int(now.Txns["rival"]); mine != want {
					t.Errorf("%d files, want %d", mine, want)
				}
			})
		})
	}
}

// A write that can't be told to have happened may still arrive. Whenever it does, the transaction
// is committed once.
func TestLateWrites(t *testing.T) {
	for _, when := range []string{"never", "before the next try", "after it"} {
		t.Run(when, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, tbl, _ := rivals(t)
				var sent []byte
				store.Inject(func(c memstore.Call) memstore.Fault {
					if c.Op != memstore.Create {
						return memstore.Fault{}
					}
					sent = c.Data
					return unsent()
				})
				if _, err := tbl.Append(t.Context(), []Add{file(1)}, Txn{AppID: "log", Version: 1}, nil); !errors.Is(err, objstore.ErrUnknown) {
					t.Fatalf("error %v, want ErrUnknown", err)
				}
				store.Inject(nil)
				arrive := func() {
					_, err := store.Create(t.Context(), tbl.log.commitKey(1), sent)
					if (err == nil) != (when == "before the next try") {
						t.Errorf("the late write: %v", err)
					}
				}
				if when == "before the next try" {
					arrive()
				}
				_, err := tbl.Append(t.Context(), []Add{file(1)}, Txn{AppID: "log", Version: 1}, nil)
				if when == "before the next try" {
					if !errors.Is(err, ErrTxnDone) {
						t.Errorf("append again: %v, want ErrTxnDone", err)
					}
				} else if err != nil {
					t.Errorf("append again: %v", err)
				}
				if when == "after it" {
					arrive()
				}
				if s := fresh(t, store); s.Version != 1 || s.NumFiles() != 1 {
					t.Errorf("table: %s", describe(s))
				}
			})
		})
	}
}

// An earlier process of ours may have committed the transaction, and we learn it by losing a race.
func TestTxnDoneByWinner(t *testing.T) {
	store, tbl, rival := rivals(t)
	store.Inject(only(tbl, 1, func() memstore.Fault {
		appendFile(t, rival, "log", 1)
		return memstore.Fault{}
	}))
	s, err := tbl.Append(t.Context(), []Add{file(1)}, Txn{AppID: "log", Version: 1}, nil)
	if !errors.Is(err, ErrTxnDone) || s.Version != 1 || s.NumFiles() != 1 {
		t.Errorf("%v, %v, want ErrTxnDone", s, err)
	}
}

func TestContentionIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, tbl, rival := rivals(t)
		n, busy := 0, false
		store.Inject(func(c memstore.Call) memstore.Fault {
			if c.Op == memstore.Create && !busy {
				busy = true
				n++
				appendFile(t, rival, "rival", n)
				busy = false
			}
			return memstore.Fault{}
		})
		if _, err := tbl.Append(t.Context(), []Add{file(1)}, Txn{AppID: "log", Version: 1}, nil); !errors.Is(err, ErrContention) {
			t.Errorf("error %v, want ErrContention", err)
		}
	})
}

// A definite failure of the store is passed on; nothing is tried again.
func TestStoreFails(t *testing.T) {
	store, tbl, _ := rivals(t)
	full := errors.New("no space left")
	calls := 0
	store.Inject(func(c memstore.Call) memstore.Fault { calls++; return memstore.Fault{Before: full} })
	if _, err := tbl.Append(t.Context(), []Add{file(1)}, Txn{AppID: "log", Version: 1}, nil); !errors.Is(err, full) || errors.Is(err, objstore.ErrUnknown) || calls != 1 {
		t.Errorf("error %v after %d calls", err, calls)
	}
}

func TestCreateRace(t *testing.T) {
	onStores(t, func(t *testing.T, store objstore.Store) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, err := OpenOrCreate(t.Context(), store, usage(), Options{}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if s := fresh(t, store); s.Version != 0 {
			t.Errorf("version %d, want 0", s.Version)
		}
	})
}

// Many writers, each with its own Table, one column of its own to add, and answers that get lost.
func TestManyWriters(t *testing.T) {
	const writers, each = 6, 15
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	onStores(t, func(t *testing.T, store objstore.Store) {
		if mem, ok := store.(*memstore.Store); ok {
			var mu sync.Mutex
			rnd := rand.New(rand.NewPCG(seed, 0))
			mem.Inject(func(c memstore.Call) memstore.Fault {
				mu.Lock()
				defer mu.Unlock()
				if c.Op == memstore.Create && rnd.IntN(5) == 0 {
					return []memstore.Fault{lost(), unsent()}[rnd.IntN(2)]
				}
				return memstore.Fault{}
			})
			defer mem.Inject(nil)
		}
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				extra := tableschema.Column{Name: fmt.Sprintf("extra_%d", w), Type: tableschema.Type{Kind: tableschema.Long}}
				tbl, err := OpenOrCreate(t.Context(), store, usage(extra), Options{CheckpointInterval: 10})
				if err != nil {
					t.Error(err)
					return
				}
				for i := range each {
					txn := Txn{AppID: fmt.Sprint("log-", w), Version: int64(i + 1)}
					for {
						_, err := tbl.Append(t.Context(), []Add{file(i)}, txn, nil)
						if err == nil || errors.Is(err, ErrTxnDone) {
							break
						}
						if !errors.Is(err, objstore.ErrUnknown) {
							t.Error(err)
							return
						}
					}
				}
			})
		}
		wg.Wait()
		s := fresh(t, store)
		if s.NumFiles() != writers*each || len(s.Txns) != writers {
			t.Errorf("%d files of %d applications, want %d of %d", s.NumFiles(), len(s.Txns), writers*each, writers)
		}
		schema, err := s.Schema()
		if err != nil || len(schema.Columns) != len(usage().Columns)+writers {
			t.Errorf("schema %+v, %v, want a column of each writer", schema, err)
		}
	})
}
