package wal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lakegate/lakegate/internal/disk"
	"github.com/lakegate/lakegate/internal/faultdisk"
)

// written is what a log has acknowledged on a disk that may lose power.
type written struct {
	all    []string // payloads, in order
	synced int      // how many of them are on disk
}

// use appends, syncs, rotates and drops at random.
func (w *written) use(t *testing.T, rnd *rand.Rand, l *Log) {
	t.Helper()
	for range rnd.IntN(40) {
		payload := fmt.Sprintf("%d.%s", len(w.all), strings.Repeat("p", rnd.IntN(1500)))
		pos, err := l.Append(1, []byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		w.all = append(w.all, payload)
		switch rnd.IntN(8) {
		case 0:
			err = l.Sync(pos)
			w.synced = len(w.all)
		case 1:
			_, err = l.Rotate()
			w.synced = len(w.all)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// check reads the log back: all that was synced, and of the rest the first few.
func (w *written) check(t *testing.T, l *Log) (lost int) {
	t.Helper()
	c := l.Cursor()
	defer c.Close()
	n := 0
	for e, err := range c.Scan(Pos{}, l.End()) {
		if err != nil {
			t.Fatal(err)
		}
		if n >= len(w.all) || string(e.Payload) != w.all[n] {
			t.Fatalf("record %d is %.20q", n, e.Payload)
		}
		n++
	}
	if n < w.synced {
		t.Fatalf("%d records are there and %d were synced", n, w.synced)
	}
	lost = len(w.all) - n
	w.all, w.synced = w.all[:n], n
	return lost
}

// A power cut takes only what was not synced, and never unseen: what is gone is in a hole that says
// how much, as far as that is known.
func TestPowerLoss(t *testing.T) {
	counted, torn := 0, 0
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		d := faultdisk.New(rnd)
		w := &written{}
		cfg := Config{FS: d}
		for round := range 4 {
			l, r, err := Open("/data/log", cfg)
			if err != nil {
				t.Fatalf("seed %d round %d: %v\n%s", seed, round, err, d.Dump())
			}
			lost := w.check(t, l)
			var known int64
			open := false
			for _, h := range r.Holes {
				if h.Epoch == uint64(round) {
					known, open = known+h.Records(), open || h.Open
				}
			}
			if known > int64(lost) || lost > 0 && !open {
				t.Fatalf("seed %d round %d: %d records are lost, the holes are %v", seed, round, lost, r.Holes)
			}
			if known > 0 {
				counted++
			}
			if r.Torn != nil {
				torn++
			}
			w.use(t, rnd, l)
			d.PowerLoss()
			_ = l.Close() // the process is dead; this ends its goroutines
		}
	}
	if counted == 0 || torn == 0 {
		t.Errorf("%d holes with a count, %d torn tails: want some of each", counted, torn)
	}
}

// The end of the process alone takes nothing, and a closed log has no hole after a power cut.
func TestNoHoleWithoutAPowerLoss(t *testing.T) {
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		d := faultdisk.New(rnd)
		w := &written{}
		for round := range 4 {
			l, r, err := Open("/data/log", Config{FS: d})
			if err != nil {
				t.Fatal(err)
			}
			if lost := w.check(t, l); lost > 0 || len(r.Holes) > 0 || r.Torn != nil {
				t.Fatalf("seed %d round %d: %d records lost, %+v", seed, round, lost, r)
			}
			w.use(t, rnd, l)
			if round%2 == 0 {
				d.Kill()
				_ = l.Close()
				continue
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			w.synced = len(w.all)
			d.PowerLoss()
		}
	}
}

// A hole is reported the same way as long as its place is in the log.
func TestHoleStays(t *testing.T) {
	d := faultdisk.New(rand.New(rand.NewPCG(3, 1)))
	l, _, err := Open("/log", Config{FS: d})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		mustAppend(t, l, 1, fmt.Sprint(i))
	}
	d.PowerLoss()
	_ = l.Close()
	var first []Hole
	for range 3 {
		l, r, err := Open("/log", Config{FS: d})
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = r.Holes
		}
		if len(r.Holes) != 1 || r.Holes[0].Epoch != first[0].Epoch || r.Holes[0].First != first[0].First || r.Holes[0].Last != first[0].Last || !r.Holes[0].Open {
			t.Fatalf("holes %+v, at first %+v", r.Holes, first)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A disk that fails or fills up at any operation never makes the log lie.
func TestFaultAtEveryOperation(t *testing.T) {
	for _, cause := range []error{unix.EIO, unix.ENOSPC} {
		for n := 1; ; n++ {
			d := faultdisk.New(rand.New(rand.NewPCG(uint64(n), 2)))
			ops := 0
			d.Fail(func(faultdisk.Op, string) error {
				ops++
				if ops == n {
					return cause
				}
				return nil
			})
			var all []string
			synced := 0
			for round := range 2 {
				l, _, err := Open("/log", Config{FS: d})
				if err != nil {
					continue
				}
				for i := range 6 {
					payload := fmt.Sprintf("%d.%d", round, i)
					pos, err := l.Append(1, []byte(payload))
					if err == nil {
						all = append(all, payload)
						if i%2 == 0 && l.Sync(pos) == nil {
							synced = len(all)
						}
					}
					if i == 3 {
						if _, err := l.Rotate(); err == nil {
							synced = len(all)
						}
					}
				}
				if l.Close() == nil {
					synced = len(all)
				}
			}
			struck := ops >= n
			d.PowerLoss()
			l, _, err := Open("/log", Config{FS: d})
			if err != nil {
				t.Fatalf("%v at operation %d: %v\n%s", cause, n, err, d.Dump())
			}
			got := 0
			c := l.Cursor()
			for e, err := range c.Scan(Pos{}, l.End()) {
				if err != nil || got >= len(all) || string(e.Payload) != all[got] {
					t.Fatalf("%v at operation %d: record %d is %q, %v; want one of %q", cause, n, got, e.Payload, err, all)
				}
				got++
			}
			c.Close()
			if got < synced {
				t.Fatalf("%v at operation %d: %d records, %d were synced", cause, n, got, synced)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if !struck {
				break
			}
		}
	}
}

func TestSyncBytesStartASync(t *testing.T) {
	l, _ := mustOpen(t, t.TempDir(), Config{SyncInterval: 60e9, SyncBytes: 1000})
	pos := mustAppend(t, l, 1, strings.Repeat("x", 2000))
	l.mu.Lock()
	for l.synced.Before(pos) || l.synced == pos {
		l.turn.Wait()
	}
	l.mu.Unlock()
}

// A log of the first format goes on.
func TestFirstFormatIsRead(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/v1")); err != nil {
		t.Fatal(err)
	}
	want := "1:first|2:|3:third|4:fourth, in a second segment|5:fifth"
	v, _, err := Open(dir, manual())
	if err != nil {
		t.Fatal(err)
	}
	v.Close()
	l, r := mustOpen(t, dir, manual())
	if len(r.Segments) != 3 || r.Torn != nil || len(r.Holes) > 0 || r.Segments[0].Epoch != 0 {
		t.Fatalf("recovery %+v", r)
	}
	mustAppend(t, l, 6, "of the second format")
	if got := strings.Join(read(t, l.Cursor(), l.End()), "|"); got != want+"|6:of the second format" {
		t.Fatalf("read %s", got)
	}
	c := l.Cursor()
	defer c.Close()
	if e, err := c.Read(Pos{r.Segments[1].Number, headerSizeV1}); err != nil || e.Kind != 4 {
		t.Fatalf("first record of the second segment: %+v, %v", e, err)
	}
}

// damagedLog is a log of three segments with three records each, one of which was changed.
func damagedLog(t *testing.T, format int) (dir string, paths []string) {
	t.Helper()
	dir = t.TempDir()
	if format == 1 {
		if err := os.CopyFS(dir, os.DirFS("testdata/v1")); err != nil {
			t.Fatal(err)
		}
	} else {
		l, _ := mustOpen(t, dir, manual())
		for i := range 9 {
			mustAppend(t, l, 1, fmt.Sprintf("record %d", i))
			if i%3 == 2 {
				if _, err := l.Rotate(); err != nil {
					t.Fatal(err)
				}
			}
		}
		stop(t, l)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.wal"))
	if err != nil {
		t.Fatal(err)
	}
	return dir, paths
}

// Whatever byte of a segment is changed: the damage is found, Open refuses, Repair gives up the record
// it is in and nothing else, says how many went, keeps the bytes, and the next Open tells of the hole.
func TestRepairOfEveryByte(t *testing.T) {
	_, sample := damagedLog(t, 2)
	data, err := os.ReadFile(sample[1])
	if err != nil {
		t.Fatal(err)
	}
	const record = int64(frameSize + 1 + len("record 0"))
	for at := range int64(len(data)) {
		dir, paths := damagedLog(t, 2)
		b, err := os.ReadFile(paths[1])
		if err != nil {
			t.Fatal(err)
		}
		b[at] ^= 0x41
		if err := os.WriteFile(paths[1], b, 0o600); err != nil {
			t.Fatal(err)
		}
		i, err := Inspect(disk.OS, dir)
		if err != nil || len(i.Damage) != 1 {
			t.Fatalf("byte %d: %+v, %v", at, i, err)
		}
		damage := new(DamageError)
		if _, _, err := Open(dir, manual()); !errors.As(err, &damage) || !strings.Contains(err.Error(), "repair") {
			t.Fatalf("byte %d: open: %v", at, err)
		}
		r, err := Repair(disk.OS, dir)
		if err != nil || len(r.Saved) != 1 {
			t.Fatalf("byte %d: %+v, %v", at, r, err)
		}
		saved, err := os.ReadFile(r.Saved[0])
		if err != nil || !bytes.Contains(b, saved) {
			t.Fatalf("byte %d: the damaged bytes were not kept: %v", at, err)
		}
		l, rec := mustOpen(t, dir, manual())
		got := read(t, l.Cursor(), l.End())
		hole := Hole{}
		if len(rec.Holes) == 1 {
			hole = rec.Holes[0]
		}
		if at < headerSize {
			if len(got) != 6 || len(rec.Missing) != 1 || hole.First != 4 || hole.Last != 6 {
				t.Fatalf("byte %d: %v, %+v", at, got, rec)
			}
			continue
		}
		n := uint64((at - headerSize) / record)
		if len(got) != 8 || hole.First != 4+n || hole.Last != hole.First || hole.Open || r.Records != 1 || r.AtLeast {
			t.Fatalf("byte %d: %v, holes %+v, repaired %+v", at, got, rec.Holes, r)
		}
		c := l.Cursor()
		for _, inside := range []int64{0, 5} {
			if _, err := c.Read(Pos{rec.Segments[1].Number, headerSize + int64(n)*record + inside}); !errors.Is(err, os.ErrNotExist) {
				t.Fatalf("byte %d: reading what was given up: %v", at, err)
			}
		}
		c.Close()
		l.Close()
		if again, err := Repair(disk.OS, dir); err != nil || len(again.Damage) != 0 {
			t.Fatalf("byte %d: repaired again: %+v, %v", at, again, err)
		}
	}
}

// The end of a sealed segment is gone, at a record's end or within one: that is no torn tail.
func TestRepairOfALostEnd(t *testing.T) {
	for cut := int64(1); cut < 2*int64(frameSize+9); cut++ {
		dir, paths := damagedLog(t, 2)
		info, err := os.Stat(paths[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(paths[0], info.Size()-cut); err != nil {
			t.Fatal(err)
		}
		lost := (cut + frameSize + 8) / (frameSize + 9)
		r, err := Repair(disk.OS, dir)
		if err != nil || r.Records != lost || r.AtLeast {
			t.Fatalf("cut %d: %+v, %v", cut, r, err)
		}
		l, rec := mustOpen(t, dir, manual())
		if got := read(t, l.Cursor(), l.End()); int64(len(got)) != 9-lost || len(rec.Holes) != 1 || rec.Holes[0].Records() != lost {
			t.Fatalf("cut %d: %v, %+v", cut, got, rec.Holes)
		}
		l.Close()
	}
}

func TestRepairOfTheFirstFormat(t *testing.T) {
	dir, paths := damagedLog(t, 1)
	b, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	b[headerSizeV1+frameSizeV1+2] ^= 1
	if err := os.WriteFile(paths[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Repair(disk.OS, dir)
	if err != nil || r.Records != 1 || !r.AtLeast {
		t.Fatalf("%+v, %v", r, err)
	}
	l, rec := mustOpen(t, dir, manual())
	if got := read(t, l.Cursor(), l.End()); len(got) != 4 || len(rec.Holes) != 1 || !rec.Holes[0].Open {
		t.Fatalf("%v, %+v", got, rec.Holes)
	}
}

// Repair that is stopped at any operation, with or without a power cut, can be done again.
func TestRepairIsStopped(t *testing.T) {
	for n := 1; ; n++ {
		d := faultdisk.New(rand.New(rand.NewPCG(uint64(n), 2)))
		l, _, err := Open("/log", Config{FS: d})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 6 {
			mustAppend(t, l, 1, fmt.Sprintf("record %d", i))
			if i == 2 {
				if _, err := l.Rotate(); err != nil {
					t.Fatal(err)
				}
			}
		}
		first := l.Segments()[0]
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		f, err := d.Edit(segmentPath("/log", first.Number))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte("X"), headerSize+frameSize+3); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			t.Fatal(err)
		}
		ops := 0
		d.Fail(func(faultdisk.Op, string) error {
			ops++
			if ops >= n {
				return unix.EIO
			}
			return nil
		})
		_, failed := Repair(d, "/log")
		d.Fail(nil)
		d.PowerLoss()
		if _, err := Repair(d, "/log"); err != nil {
			t.Fatalf("stopped at operation %d (%v): %v", n, failed, err)
		}
		l, r, err := Open("/log", Config{FS: d})
		if err != nil {
			t.Fatalf("stopped at operation %d: %v", n, err)
		}
		if got := read(t, l.Cursor(), l.End()); len(got) != 5 || len(r.Holes) != 1 {
			t.Fatalf("stopped at operation %d: %v, %+v", n, got, r.Holes)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if failed == nil {
			return
		}
	}
}
