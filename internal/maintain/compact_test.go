package maintain

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lakegate/lakegate/internal/datafile"
	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
	"github.com/lakegate/lakegate/internal/rowtags"
)

func errorsIs(err, target error) bool { return errors.Is(err, target) }

var (
	today     = time.Now().UTC().Truncate(24 * time.Hour)
	yesterday = today.AddDate(0, 0, -1)
)

func compact(t testing.TB, k *Keeper, o CompactOptions) CompactReport {
	t.Helper()
	r, err := k.Compact(t.Context(), calls(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func files(t testing.TB, store objstore.Store) []*delta.Add {
	t.Helper()
	table, err := delta.Open(t.Context(), store, calls().Name.Path())
	if err != nil {
		t.Fatal(err)
	}
	return slices.Collect(table.Snapshot().Files())
}

func TestCompact(t *testing.T) {
	onStores(t, func(t *testing.T, store objstore.Store) {
		a, b := newGateway(t, store), newGateway(t, store)
		rows := fill(t, a, yesterday, 9, 20)
		rows = append(rows, fill(t, b, yesterday.Add(time.Second/2), 8, 20)...)
		rows = append(rows, fill(t, b, today, 3, 20)...) // fewer than MinFiles
		k := keeper(t, store, testConfig())
		dry := compact(t, k, CompactOptions{DryRun: true})
		if dry.Groups != 1 || dry.FilesBefore != 17 || dry.Rows != 340 || len(files(t, store)) != 20 {
			t.Errorf("dry run: %+v", dry)
		}
		r := compact(t, k, CompactOptions{})
		if r.Groups != 1 || r.FilesBefore != 17 || r.FilesAfter != 1 || r.Rows != 340 || r.BytesAfter == 0 || r.Conflicts != 0 || len(r.Skipped) != 0 {
			t.Errorf("report %+v", r)
		}
		same(t, store, rows)
		if n := len(files(t, store)); n != 4 {
			t.Errorf("%d files", n)
		}
		for _, f := range files(t, store) {
			merged := strings.Contains(f.Path, yesterday.Format(time.DateOnly))
			if !merged {
				continue
			}
			counts, _ := rowtags.Parse(f.Tags)
			if counts[a.id].N != 180 || counts[b.id].N != 160 || f.Tags[sortedTag] != "request_time" {
				t.Errorf("tags %v", f.Tags)
			}
			data, _, err := store.Get(t.Context(), k.open[calls().Name.Path()].Key(f.Path))
			if err != nil {
				t.Fatal(err)
			}
			table, err := datafile.ReadColumns(t.Context(), bytes.NewReader(data), "request_time")
			if err != nil {
				t.Fatal(err)
			}
			times := table.Column(0).Data().Chunk(0).(*array.Timestamp).TimestampValues()
			if len(times) != 340 || !slices.IsSorted(times) {
				t.Errorf("%d rows, sorted: %t", len(times), slices.IsSorted(times))
			}
		}
		h, err := k.open[calls().Name.Path()].History(t.Context(), 1)
		if err != nil || h[0].Operation != "OPTIMIZE" || h[0].Metrics["numRemovedFiles"] != "17" || h[0].Metrics["numAddedFiles"] != "1" {
			t.Errorf("history %+v, %v", h, err)
		}
		if r := compact(t, k, CompactOptions{}); r.Groups != 0 {
			t.Errorf("compacted again: %+v", r)
		}
		if r := compact(t, k, CompactOptions{Full: true, Partition: today.Format(time.DateOnly)}); r.Groups != 1 || r.FilesBefore != 3 {
			t.Errorf("full compaction of today: %+v", r)
		}
		same(t, store, rows)
	})
}

// Another gateway's Keeper has compacted the files between plan and commit.
func TestCompactConflict(t *testing.T) {
	onStores(t, func(t *testing.T, store objstore.Store) {
		rows := fill(t, newGateway(t, store), yesterday, 5, 3)
		cfg := testConfig()
		rival := keeper(t, store, cfg)
		raced := false
		cfg.FailPoint = func(point string) {
			if point == "compact: file stored" && !raced {
				raced = true
				compact(t, rival, CompactOptions{})
				rows = append(rows, fill(t, newGateway(t, store), yesterday, 1, 3)...)
			}
		}
		k := keeper(t, store, cfg)
		r := compact(t, k, CompactOptions{})
		if r.Conflicts != 1 {
			t.Errorf("report %+v", r)
		}
		same(t, store, rows)
		// What was made in vain is deleted: 5 and 1 from the gateways, 1 or 2 merged.
		if n := len(objects(t, store)); n != 6+1+r.Groups {
			t.Errorf("%d objects", n)
		}
		if s := k.Stats(); s.Conflicts != 1 {
			t.Errorf("stats %+v", s)
		}
	})
}

// Somebody compacts the same files each time: it ends.
func TestCompactGivesUp(t *testing.T) {
	store := memstore.New()
	g := newGateway(t, store)
	rows := fill(t, g, yesterday, 5, 3)
	cfg := testConfig()
	rival := keeper(t, store, cfg)
	cfg.FailPoint = func(point string) {
		if point == "compact: file stored" {
			compact(t, rival, CompactOptions{Full: true})
			rows = append(rows, fill(t, g, yesterday, 2, 3)...)
		}
	}
	k := keeper(t, store, cfg)
	r, err := k.Compact(t.Context(), calls(), CompactOptions{Full: true})
	if !errors.Is(err, ErrConflicts) || r.Conflicts != maxReplans+1 {
		t.Errorf("%v, %+v", err, r)
	}
	same(t, store, rows)
}

// Files that are damaged, gone or not what their tag says are named and left alone; the others are merged.
func TestCompactLeavesBadFilesAlone(t *testing.T) {
	store := memstore.New()
	g := newGateway(t, store)
	fill(t, g, yesterday, 12, 5)
	all := files(t, store)
	damage := func(f *delta.Add, data []byte) {
		if _, err := store.Put(t.Context(), g.table.Key(f.Path), data); err != nil {
			t.Fatal(err)
		}
	}
	other, _, err := store.Get(t.Context(), g.table.Key(all[5].Path))
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Delete(t.Context(), g.table.Key(all[0].Path)); err != nil {
		t.Fatal(err)
	}
	damage(all[1], []byte("PAR1 this is none PAR1"))
	damage(all[2], other)
	k := keeper(t, store, testConfig())
	r := compact(t, k, CompactOptions{})
	if r.Groups != 1 || r.FilesBefore != 9 || r.Rows != 45 || len(r.Skipped) != 3 {
		t.Errorf("report %+v", r)
	}
	for _, s := range r.Skipped {
		if !slices.ContainsFunc(all[:3], func(f *delta.Add) bool { return f.Path == s.Path }) || s.Reason == "" {
			t.Errorf("skipped %+v", s)
		}
	}
	d, err := k.Describe(t.Context(), calls())
	if err != nil || len(d.Skipped) != 3 || d.Files != 4 || d.Due != 0 {
		t.Errorf("%+v, %v", d, err)
	}
}

// A store that fails says nothing of the files.
func TestCompactWithoutStore(t *testing.T) {
	store := memstore.New()
	rows := fill(t, newGateway(t, store), yesterday, 5, 3)
	k := keeper(t, store, testConfig())
	away := errors.New("away")
	for _, op := range []memstore.Op{memstore.Get, memstore.Put, memstore.Create} {
		store.Inject(func(c memstore.Call) memstore.Fault {
			if c.Op == op {
				return memstore.Fault{Before: away}
			}
			return memstore.Fault{}
		})
		if _, err := k.Compact(t.Context(), calls(), CompactOptions{}); !errors.Is(err, away) {
			t.Errorf("op %d: %v", op, err)
		}
	}
	store.Inject(nil)
	if r := compact(t, k, CompactOptions{}); r.FilesBefore != 5 || len(r.Skipped) != 0 {
		t.Errorf("report %+v", r)
	}
	same(t, store, rows)
	ended, stop := context.WithCancel(t.Context())
	stop()
	if _, err := k.Compact(ended, calls(), CompactOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
