package tablewriter

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/objstore"
)

// lateStore keeps the commits of one table back, as a network that has swallowed the answers does, and
// applies them when the next process comes to write the same version.
type lateStore struct {
	objstore.Store
	table string
	hold  bool
	held  map[string][]byte
}

func (s *lateStore) Create(ctx context.Context, key string, data []byte) (objstore.Info, error) {
	if strings.HasPrefix(key, s.table) && s.hold {
		if s.held[key] == nil {
			s.held[key] = data
		}
		return objstore.Info{}, objstore.ErrUnknown
	}
	if late, ok := s.held[key]; ok {
		delete(s.held, key)
		if _, err := s.Store.Create(ctx, key, late); err != nil {
			return objstore.Info{}, err
		}
	}
	return s.Store.Create(ctx, key, data)
}

// A commit that an earlier process sent is applied only now, while a commit with its segments and
// later ones in one is under way: each row is there once.
func TestLateCommitOfAnEarlierProcess(t *testing.T) {
	cfg := manual(t.TempDir())
	flaky := newFlakyStore(t, &cfg)
	store := &lateStore{Store: flaky.Store, table: "system/serving/usage/_delta_log/", held: map[string][]byte{}}
	cfg.Store = struct {
		objstore.Store
		objstore.Local
	}{store, flaky.Store}
	w := mustOpen(t, cfg)
	all := []*inference.Record{call(t, w, "q")}
	must(t, w.Flush(t.Context()))
	store.hold = true
	all = append(all, call(t, w, "q"))
	if err := w.Flush(t.Context()); err == nil {
		t.Fatal("a commit was acknowledged that the store has not")
	}
	all = append(all, call(t, w, "q"))
	abandon(t, w)
	if len(store.held) != 1 {
		t.Fatalf("%d commits are held back", len(store.held))
	}

	store.hold = false
	w = mustOpen(t, cfg)
	all = append(all, call(t, w, "q"))
	must(t, w.Flush(t.Context()))
	if len(store.held) != 0 {
		t.Fatal("the late commit was not applied: the test has missed its moment")
	}
	sameIDs(t, ids(t, w, usageTable), all...)
	sameIDs(t, ids(t, w, payloadTable), all...)
	mustClose(t, w)
	cfg.Store = nil
	if rep := verified(t, cfg); !rep.OK() || rep.Landed != 8 {
		t.Fatalf("verify: %+v", rep)
	}
}

// Many segments that wait become few commits, and the log shrinks while they are landed.
func TestBacklogIsLandedInMergedCommits(t *testing.T) {
	cfg := manual(t.TempDir())
	cfg.SegmentBytes = 64 << 10
	store := newFlakyStore(t, &cfg)
	store.fail(down)
	w := mustOpen(t, cfg)
	var all []*inference.Record
	for range 40 {
		all = append(all, call(t, w, strings.Repeat("q", 10<<10)))
		if err := w.Flush(t.Context()); err == nil {
			t.Fatal("flushed into a store that is down")
		}
	}
	commits, most := 0, int64(0)
	store.fail(func(op, key string) fault {
		if op == "create" && strings.Contains(key, "/usage/_delta_log/") {
			commits++
			most = max(most, w.Stats().Segments)
		}
		return none
	})
	must(t, w.Flush(t.Context()))
	if commits > 12 || w.Stats().Segments != 1 {
		t.Fatalf("%d commits for 40 segments of 20 KB; %d segments are left", commits, w.Stats().Segments)
	}
	sameIDs(t, ids(t, w, usageTable), all...)
	sameIDs(t, ids(t, w, payloadTable), all...)
	mustClose(t, w)
	cfg.Store = nil
	if rep := verified(t, cfg); !rep.OK() {
		t.Fatalf("verify: %+v", rep)
	}
}

// hangingStore answers nothing for some keys until its caller gives up.
type hangingStore struct {
	*flakyStore
	objstore.Local
	hangs func(key string) bool
}

func (s *hangingStore) Put(ctx context.Context, key string, data []byte) (objstore.Info, error) {
	if s.hangs != nil && s.hangs(key) {
		<-ctx.Done()
		return objstore.Info{}, ctx.Err()
	}
	return s.flakyStore.Put(ctx, key, data)
}

// A store that hangs holds up neither requests nor the other tables nor queries.
func TestStoreHangs(t *testing.T) {
	cfg := manual(t.TempDir())
	cfg.StoreTimeout = time.Second
	flaky := newFlakyStore(t, &cfg)
	store := &hangingStore{flakyStore: flaky, Local: flaky.Store}
	cfg.Store = store
	w := mustOpen(t, cfg)
	all := []*inference.Record{call(t, w, "q")}
	must(t, w.Flush(t.Context()))
	store.hangs = func(key string) bool { return strings.HasPrefix(key, "main/") }
	all = append(all, call(t, w, "q"))
	if err := w.Flush(t.Context()); err == nil {
		t.Fatal("flushed into a store that hangs")
	}
	s, err := w.Snapshot(t.Context(), []string{usageTable})
	must(t, err)
	if len(s.Tables[usageTable].Hot) != 0 {
		t.Error("the healthy table was not landed")
	}
	s.Release()
	sameIDs(t, ids(t, w, payloadTable), all...)
	store.hangs = nil
	must(t, w.Flush(t.Context()))
	sameIDs(t, ids(t, w, payloadTable), all...)
}
