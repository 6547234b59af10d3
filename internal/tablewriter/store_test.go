package tablewriter

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/fsstore"
)

var errDown = errors.New("store is down")

// flakyStore is a folder whose writes fail on demand.
type flakyStore struct {
	*fsstore.Store
	mu    sync.Mutex
	fault func(op, key string) fault // nil: none
	puts  int
}

// fault is what happens to a write.
type fault int

const (
	none    fault = iota
	refused       // it did not happen
	unknown       // it did not happen, and the caller is not told
	lost          // it happened, and the caller is not told
)

func newFlakyStore(t testing.TB, cfg *Config) *flakyStore {
	t.Helper()
	fs, err := fsstore.Open(filepath.Join(cfg.Dir, "lake"))
	must(t, err)
	s := &flakyStore{Store: fs}
	cfg.Store = s
	return s
}

func (s *flakyStore) fail(f func(op, key string) fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

func (s *flakyStore) do(op, key string, write func() (objstore.Info, error)) (objstore.Info, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if op == "put" {
		s.puts++
	}
	f := none
	if s.fault != nil {
		f = s.fault(op, key)
	}
	switch f {
	case refused:
		return objstore.Info{}, errDown
	case unknown:
		return objstore.Info{}, objstore.ErrUnknown
	case lost:
		if _, err := write(); err != nil {
			return objstore.Info{}, err
		}
		return objstore.Info{}, objstore.ErrUnknown
	}
	return write()
}

func (s *flakyStore) Put(ctx context.Context, key string, data []byte) (objstore.Info, error) {
	return s.do("put", key, func() (objstore.Info, error) { return s.Store.Put(ctx, key, data) })
}

func (s *flakyStore) Create(ctx context.Context, key string, data []byte) (objstore.Info, error) {
	return s.do("create", key, func() (objstore.Info, error) { return s.Store.Create(ctx, key, data) })
}

func down(string, string) fault { return refused }

func TestStoreIsDown(t *testing.T) {
	cfg := manual(t.TempDir())
	store := newFlakyStore(t, &cfg)
	w := mustOpen(t, cfg)
	all := []*inference.Record{call(t, w, "q")}
	must(t, w.Flush(t.Context()))
	store.fail(down)
	for range 5 {
		all = append(all, call(t, w, "q"))
		if err := w.Flush(t.Context()); !errors.Is(err, errDown) {
			t.Fatalf("flush: %v", err)
		}
		sameIDs(t, ids(t, w, usageTable), all...)
		sameIDs(t, ids(t, w, payloadTable), all...)
	}
	if s := w.Stats(); s.FlushErrors != 5 || s.LastError == "" || s.Segments != 6 || s.HotRows == 0 {
		t.Fatalf("stats %+v", s)
	}
	must(t, w.Ready()) // the log has room: requests go on
	store.fail(nil)
	must(t, w.Flush(t.Context()))
	sameIDs(t, ids(t, w, usageTable), all...)
	if s := w.Stats(); s.LastError != "" || s.Segments != 1 || s.HotRows != 0 || s.Landed != 12 {
		t.Fatalf("stats %+v", s)
	}
	mustClose(t, w)
	cfg.Store = nil
	if rep := verified(t, cfg); !rep.OK() || rep.Landed != 12 {
		t.Fatalf("verify: %+v", rep)
	}
}

func TestStoreIsDownFromStartToEnd(t *testing.T) {
	cfg := manual(t.TempDir())
	store := newFlakyStore(t, &cfg)
	store.fail(down)
	cfg.Tables = append(cfg.Tables, newUsageFeed().table)
	w := mustOpen(t, cfg)
	a := call(t, w, "q")
	sameIDs(t, ids(t, w, usageTable), a)
	if err := w.Close(t.Context()); !errors.Is(err, errDown) {
		t.Fatalf("close: %v", err)
	}
	w = mustOpen(t, cfg) // recovery cannot land either
	b := call(t, w, "q")
	sameIDs(t, ids(t, w, usageTable), a, b)
	store.fail(nil)
	must(t, w.Flush(t.Context()))
	sameIDs(t, ids(t, w, usageTable), a, b)
	mustClose(t, w)
	cfg.Store = nil
	if rep := verified(t, cfg); !rep.OK() || rep.Landed != 4 {
		t.Fatalf("verify: %+v", rep)
	}
}

// A table that takes no rows holds up neither the others nor their hot rows.
func TestOneTableIsBroken(t *testing.T) {
	cfg := manual(t.TempDir())
	store := newFlakyStore(t, &cfg)
	w := mustOpen(t, cfg)
	for _, where := range []string{"_delta_log/", "part-"} { // commits; opening and files
		store.fail(func(_, key string) fault {
			if strings.HasPrefix(key, "main/chat/log_payload/") && strings.Contains(key, where) {
				return refused
			}
			return none
		})
		for range 3 {
			call(t, w, "q")
			if err := w.Flush(t.Context()); !errors.Is(err, errDown) {
				t.Fatalf("flush: %v", err)
			}
		}
		s, err := w.Snapshot(t.Context(), []string{usageTable, payloadTable})
		must(t, err)
		if where == "_delta_log/" && len(s.Tables[usageTable].Hot) != 0 {
			t.Errorf("%d hot files of the healthy table", len(s.Tables[usageTable].Hot))
		}
		if got, odd := counts(column(t, s.Tables[payloadTable], IDColumn)); got != int(w.Stats().Accepted) || odd != "" {
			t.Errorf("%d rows of the broken table, want %d; %s", got, w.Stats().Accepted, odd)
		}
		s.Release()
	}
	store.fail(nil)
	must(t, w.Flush(t.Context()))
	mustClose(t, w)
	cfg.Store = nil
	if rep := verified(t, cfg); !rep.OK() || rep.Landed != 12 {
		t.Fatalf("verify: %+v", rep)
	}
}

// Answers get lost, writes fail, tables wait and come back at any moment, the process is abandoned
// in between: every row is there once.
func TestUnreliableStore(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	cfg := manual(t.TempDir())
	store := newFlakyStore(t, &cfg)
	var w *Writer
	cfg.FailPoint = func(point string) {
		landing := point == "file stored" || point == "files stored" || point == "committed"
		if w == nil || !landing || rnd.IntN(3) > 0 {
			return
		}
		for _, table := range w.lake.all() {
			if rnd.IntN(2) == 0 {
				table.landing.retryAt = time.Time{}
			}
		}
	}
	var all []*inference.Record
	landings, failures := 0, 0
	for range 4 {
		store.fail(func(string, string) fault {
			if n := rnd.IntN(10); n < 4 {
				return fault(n)
			}
			return none
		})
		w = nil
		w = mustOpen(t, cfg)
		for range 10 {
			all = append(all, call(t, w, "q"))
			landings++
			if w.cycle(t.Context(), rnd.IntN(2) == 0) != nil {
				failures++
			}
			if rnd.IntN(4) == 0 {
				sameIDs(t, ids(t, w, usageTable), all...)
				sameIDs(t, ids(t, w, payloadTable), all...)
			}
		}
		abandon(t, w)
	}
	store.fail(nil)
	w = nil
	w = mustOpen(t, cfg)
	must(t, w.Flush(t.Context()))
	sameIDs(t, ids(t, w, usageTable), all...)
	sameIDs(t, ids(t, w, payloadTable), all...)
	mustClose(t, w)
	cfg.Store = nil
	if rep := verified(t, cfg); !rep.OK() {
		t.Fatalf("verify: %+v", rep)
	}
	t.Logf("%d of %d landings left something behind", failures, landings)
}

func TestBacklogIsBounded(t *testing.T) {
	cfg := manual(t.TempDir())
	cfg.SegmentBytes, cfg.MaxBacklogBytes = 8<<10, 64<<10
	store := newFlakyStore(t, &cfg)
	w := mustOpen(t, cfg)
	store.fail(down)
	running := request("running")
	ticket, err := w.Admit(running)
	must(t, err)
	all := []*inference.Record{running}
	for {
		r := request(strings.Repeat("q", 5000))
		ticket, err := w.Admit(r)
		if errors.Is(err, ErrBacklog) {
			break
		}
		must(t, err)
		all = append(all, r)
		must(t, w.Finish(ticket, answered(r, 1), false))
	}
	if n := len(all); n < 5 || n > 15 {
		t.Fatalf("%d requests of 10 KB fit in 64 KB", n)
	}
	if err := w.Ready(); !errors.Is(err, ErrBacklog) {
		t.Fatalf("ready: %v", err)
	}
	// What runs already, and what is refused, is recorded all the same.
	must(t, w.Finish(ticket, answered(running, 1), false))
	refusal := answered(request(""), 0)
	must(t, w.Record(refusal, false))
	all = append(all, refusal)
	store.fail(nil)
	must(t, w.Flush(t.Context()))
	must(t, w.Ready())
	all = append(all, call(t, w, ""))
	sameIDs(t, ids(t, w, usageTable), all...)
}

// Rows are landed without anybody asking.
func TestLandingByItself(t *testing.T) {
	for _, tc := range []struct {
		name    string
		change  func(*Config)
		payload string
	}{
		{"by age", func(c *Config) { c.FlushInterval = 10 * time.Millisecond }, ""},
		{"by size", func(c *Config) { c.SegmentBytes = 8 << 10 }, strings.Repeat("q", 10000)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := manual(t.TempDir())
			tc.change(&cfg)
			landed := make(chan struct{}, 100)
			cfg.FailPoint = func(point string) {
				if point == "committed" {
					landed <- struct{}{}
				}
			}
			w := mustOpen(t, cfg)
			r := call(t, w, tc.payload)
			<-landed
			sameIDs(t, ids(t, w, usageTable), r)
		})
	}
}

func TestTwoWritersShareALake(t *testing.T) {
	root := t.TempDir()
	fs, err := fsstore.Open(filepath.Join(root, "lake"))
	must(t, err)
	var writers []*Writer
	var cfgs []Config
	for i := range 2 {
		cfg := manual(filepath.Join(root, fmt.Sprint(i)))
		cfg.Store = fs
		w := mustOpen(t, cfg)
		w.lake.refresh = 0
		writers, cfgs = append(writers, w), append(cfgs, cfg)
	}
	var all []*inference.Record
	for range 5 {
		for _, w := range writers {
			all = append(all, call(t, w, "q"))
			must(t, w.Flush(t.Context()))
		}
	}
	for i, w := range writers {
		sameIDs(t, ids(t, w, usageTable), all...)
		mustClose(t, w)
		rep := verified(t, cfgs[i])
		if !rep.OK() || rep.Landed != 10 || rep.Foreign != 10 || rep.Accepted != 10 {
			t.Fatalf("verify: %+v", rep)
		}
	}
}

// A table that failed for one segment and could take the next must not: it would never get the rows
// of the first.
func TestTableThatComesBackInBetween(t *testing.T) {
	for _, where := range []string{"_delta_log/", "part-"} {
		cfg := manual(t.TempDir())
		store := newFlakyStore(t, &cfg)
		var w *Writer
		cfg.FailPoint = func(point string) {
			if w == nil || point != "files stored" && point != "committed" {
				return
			}
			if table := w.lake.lookup(payloadTable); table != nil {
				table.landing.retryAt = time.Time{} // its time to wait is over
			}
		}
		first := mustOpen(t, cfg)
		store.fail(down)
		var all []*inference.Record
		for range 4 {
			all = append(all, call(t, first, "q"))
			if first.Flush(t.Context()) == nil {
				t.Fatal("flushed into a store that is down")
			}
		}
		abandon(t, first)
		w = mustOpen(t, cfg)
		failures := 0
		store.fail(func(_, key string) fault {
			if strings.HasPrefix(key, "main/chat/log_payload/") && strings.Contains(key, where) && failures < 2 {
				failures++
				return refused
			}
			return none
		})
		for range 10 {
			for _, table := range w.lake.all() {
				table.landing.retryAt = time.Time{}
			}
			if w.cycle(t.Context(), false) == nil {
				break
			}
		}
		sameIDs(t, ids(t, w, usageTable), all...)
		sameIDs(t, ids(t, w, payloadTable), all...)
		mustClose(t, w)
		cfg.Store = nil
		if rep := verified(t, cfg); !rep.OK() || rep.Landed != 8 || failures != 2 {
			t.Fatalf("verify after %d failures: %+v", failures, rep)
		}
	}
}
