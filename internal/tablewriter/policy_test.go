package tablewriter

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/faultdisk"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/wal"
)

func always(p Policy) func(string) Policy { return func(string) Policy { return p } }

// lossRows returns the rows of losses as "table rows reason".
func lossRows(t *testing.T, w *Writer) []string {
	t.Helper()
	s, err := w.Snapshot(t.Context(), []string{lossTable})
	if errors.Is(err, ErrNoTable) {
		return nil
	}
	must(t, err)
	defer s.Release()
	rows := column(t, s.Tables[lossTable], "what")
	slices.Sort(rows)
	return rows
}

// fill sends requests with large payloads until one is refused or n are through. It returns those
// that were admitted, and the error of the refusal.
func fill(t *testing.T, w *Writer, n int) (all []*inference.Record, refused error) {
	t.Helper()
	for range n {
		r := request(strings.Repeat("q", 5000))
		ticket, err := w.Admit(r)
		if err != nil {
			return all, err
		}
		r = answered(r, 1)
		if err := w.Finish(ticket, r, false); err != nil && !errors.Is(err, ErrParked) {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all, nil
}

// A backlog that nears its bound sheds payloads first; every request is a row all the same.
func TestShedPayloadsOnBacklog(t *testing.T) {
	cfg := manual(t.TempDir())
	cfg.SegmentBytes, cfg.MaxBacklogBytes, cfg.WhenFull = 8<<10, 128<<10, always(ShedPayloads)
	store := newFlakyStore(t, &cfg)
	w := mustOpen(t, cfg)
	store.fail(down)
	all, refused := fill(t, w, 1000)
	if !errors.Is(refused, ErrBacklog) || w.Stats().Shed == 0 {
		t.Fatalf("%d requests, then %v; %d payloads shed", len(all), refused, w.Stats().Shed)
	}
	if len(all) < 30 {
		t.Errorf("%d requests of 10 KB were let through in 128 KB: shedding made no room", len(all))
	}
	store.fail(nil)
	must(t, w.Flush(t.Context()))
	sameIDs(t, ids(t, w, usageTable), all...)
	sameIDs(t, ids(t, w, payloadTable), all...)
	s, err := w.Snapshot(t.Context(), []string{payloadTable})
	must(t, err)
	defer s.Release()
	shed := 0
	for _, response := range column(t, s.Tables[payloadTable], "response") {
		if response == "NULL" {
			shed++
		}
	}
	if int64(shed) != w.Stats().Shed {
		t.Errorf("%d rows have no payload, %d were shed", shed, w.Stats().Shed)
	}
	if got := lossRows(t, w); len(got) != 0 {
		t.Errorf("losses %v", got)
	}
}

// With Drop requests are never refused, and what is not recorded is counted in rows.
func TestDropOnBacklog(t *testing.T) {
	cfg := manual(t.TempDir())
	cfg.SegmentBytes, cfg.MaxBacklogBytes, cfg.WhenFull = 8<<10, 64<<10, always(Drop)
	store := newFlakyStore(t, &cfg)
	w := mustOpen(t, cfg)
	store.fail(down)
	all, refused := fill(t, w, 300)
	must(t, refused)
	must(t, w.Ready())
	store.fail(nil)
	must(t, w.Flush(t.Context()))
	must(t, w.Flush(t.Context()))
	checkDropped(t, w, all, inference.Backlog)
	mustClose(t, w)
	cfg.Store = nil
	if rep := verified(t, cfg); !rep.OK() {
		t.Fatalf("verify: %+v", rep)
	}
}

// checkDropped compares the rows there are and those counted as dropped with what was sent.
func checkDropped(t *testing.T, w *Writer, all []*inference.Record, why inference.LossReason) {
	t.Helper()
	rows := len(ids(t, w, usageTable))
	missing := len(all) - rows
	if missing <= 0 || rows == 0 {
		t.Fatalf("%d of %d requests are rows: want some of them", rows, len(all))
	}
	got := map[string]int{}
	for _, row := range lossRows(t, w) {
		var table, reason string
		var n int
		if _, err := fmt.Sscan(row, &table, &n, &reason); err != nil {
			t.Fatal(err)
		}
		got[table+" "+reason] += n
	}
	want := map[string]int{payloadTable + " " + string(why): missing, usageTable + " " + string(why): missing}
	if !maps.Equal(got, want) {
		t.Fatalf("losses %v, want %v", got, want)
	}
}

func onFaultyDisk(cfg *Config) *faultdisk.Disk {
	d := faultdisk.New(rand.New(rand.NewPCG(1, 1)))
	cfg.FS = d
	return d
}

func TestFullDiskPolicies(t *testing.T) {
	t.Run("block", func(t *testing.T) {
		cfg := manual(t.TempDir())
		d := onFaultyDisk(&cfg)
		w := mustOpen(t, cfg)
		d.SetRoom(40 << 10)
		all, refused := fill(t, w, 100)
		if !errors.Is(refused, wal.ErrFull) {
			t.Fatalf("refused with %v", refused)
		}
		d.SetRoom(0)
		must(t, w.Flush(t.Context()))
		sameIDs(t, ids(t, w, payloadTable), all...)
	})
	t.Run("shed", func(t *testing.T) {
		cfg := manual(t.TempDir())
		cfg.WhenFull = always(ShedPayloads)
		d := onFaultyDisk(&cfg)
		w := mustOpen(t, cfg)
		d.SetRoom(40 << 10)
		all, refused := fill(t, w, 100)
		if !errors.Is(refused, wal.ErrFull) && !errors.Is(refused, ErrParked) {
			t.Fatalf("refused with %v", refused)
		}
		if w.Stats().Shed < 3 {
			t.Fatalf("%d payloads were shed", w.Stats().Shed)
		}
		d.SetRoom(0)
		must(t, w.Flush(t.Context()))
		sameIDs(t, ids(t, w, usageTable), all...)
		sameIDs(t, ids(t, w, payloadTable), all...)
	})
	t.Run("drop", func(t *testing.T) {
		cfg := manual(t.TempDir())
		cfg.WhenFull, cfg.ReserveBytes = always(Drop), 4<<10
		d := onFaultyDisk(&cfg)
		w := mustOpen(t, cfg)
		d.SetRoom(40 << 10)
		all, refused := fill(t, w, 200)
		must(t, refused)
		must(t, w.Ready())
		d.SetRoom(0)
		must(t, w.Flush(t.Context()))
		must(t, w.Flush(t.Context()))
		checkDropped(t, w, all, inference.DiskFull)
	})
}

// What a power cut took is a row.
func TestHoleIsALoss(t *testing.T) {
	cfg := manual(t.TempDir())
	cfg.SyncInterval, cfg.SyncBytes = 0, 0
	d := onFaultyDisk(&cfg)
	w := mustOpen(t, cfg)
	call(t, w, "q")
	d.PowerLoss()
	w.closed.Store(true)
	w.stop()
	w.loop.Wait()
	_ = w.log.Close()
	for range 2 { // the second start must not tell it again
		w = mustOpen(t, cfg)
		if got := lossRows(t, w); len(got) != 1 || !strings.Contains(got[0], string(inference.PowerCut)) || w.Stats().Holes != 1 {
			t.Fatalf("losses %q, stats %+v", got, w.Stats())
		}
		mustClose(t, w)
	}
}
