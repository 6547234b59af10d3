package wal

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/lakegate/lakegate/internal/disk"
)

func appendSum(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// badDisk makes segment files that fail on demand.
type badDisk struct {
	room    atomic.Int64 // bytes of a file that fit; 0 for no bound
	write   atomic.Pointer[error]
	sync    atomic.Pointer[error]
	cut     atomic.Pointer[error]
	syncs   atomic.Int64
	blocked chan struct{} // when set, each Sync waits for a value
	during  func()        // when set, called before each write
}

func (d *badDisk) create(path string) (disk.File, error) {
	f, err := disk.OS.Create(path)
	return &diskFile{f, d}, err
}

type diskFile struct {
	disk.File
	d *badDisk
}

func (f *diskFile) WriteAt(p []byte, off int64) (int, error) {
	if f.d.during != nil {
		f.d.during()
	}
	if e := f.d.write.Load(); e != nil {
		n, _ := f.File.WriteAt(p[:len(p)/2], off)
		return n, *e
	}
	if room := f.d.room.Load(); room > 0 && off+int64(len(p)) > room {
		n, _ := f.File.WriteAt(p[:max(0, room-off)], off)
		return n, syscall.ENOSPC
	}
	return f.File.WriteAt(p, off)
}

func (f *diskFile) Truncate(n int64) error {
	if e := f.d.cut.Load(); e != nil {
		return *e
	}
	return f.File.Truncate(n)
}

func (f *diskFile) Sync() error {
	f.d.syncs.Add(1)
	if f.d.blocked != nil {
		<-f.d.blocked
	}
	if e := f.d.sync.Load(); e != nil {
		return *e
	}
	return f.File.Sync()
}

func openOn(t *testing.T, dir string, d *badDisk) *Log {
	t.Helper()
	l, _, err := open(dir, manual(), d.create)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestFullDisk(t *testing.T) {
	dir, d := t.TempDir(), &badDisk{}
	l := openOn(t, dir, d)
	d.room.Store(400)
	acked := 0
	payload := strings.Repeat("x", 50)
	for range 20 {
		_, err := l.Append(1, []byte(payload))
		switch {
		case err == nil:
			acked++
		case !errors.Is(err, ErrFull):
			t.Fatal(err)
		}
	}
	if acked != 4 {
		t.Fatalf("%d records fit in 300 bytes, want 4", acked)
	}
	if l.Err() != nil {
		t.Fatalf("a full disk closed the log: %v", l.Err())
	}
	d.room.Store(0)
	mustAppend(t, l, 1, payload)
	l.Close()
	l, r := mustOpen(t, dir, manual())
	if got := read(t, l.Cursor(), l.End()); len(got) != acked+1 || r.Torn != nil {
		t.Fatalf("%d records, want %d; torn %+v", len(got), acked+1, r.Torn)
	}
}

func TestFailedWriteClosesTheLog(t *testing.T) {
	dir, d := t.TempDir(), &badDisk{}
	l := openOn(t, dir, d)
	mustAppend(t, l, 1, "kept")
	broken := errors.New("broken disk")
	d.write.Store(&broken)
	if _, err := l.Append(1, []byte("lost")); !errors.Is(err, broken) {
		t.Fatalf("append: %v", err)
	}
	d.write.Store(nil)
	if _, err := l.Append(1, []byte("late")); !errors.Is(err, ErrFailed) || !errors.Is(err, broken) {
		t.Fatalf("append after a failed write: %v", err)
	}
	if !errors.Is(l.Err(), broken) {
		t.Fatalf("Err: %v", l.Err())
	}
	if got := read(t, l.Cursor(), l.End()); len(got) != 1 {
		t.Fatalf("readable: %v", got)
	}
	if err := l.Close(); !errors.Is(err, broken) {
		t.Fatalf("close: %v", err)
	}
	l, r := mustOpen(t, dir, manual())
	if got := read(t, l.Cursor(), l.End()); len(got) != 1 || r.Torn != nil {
		t.Fatalf("after reopening: %v, torn %+v", got, r.Torn)
	}
}

func TestHalfAWriteThatCannotBeCut(t *testing.T) {
	dir, d := t.TempDir(), &badDisk{}
	l := openOn(t, dir, d)
	mustAppend(t, l, 1, "kept")
	d.room.Store(l.End().Offset + 5)
	cut := io.ErrUnexpectedEOF
	d.cut.Store(&cut)
	if _, err := l.Append(1, []byte("half")); !errors.Is(err, syscall.ENOSPC) || !errors.Is(err, cut) {
		t.Fatalf("append: %v", err)
	}
	if !errors.Is(l.Err(), ErrFailed) {
		t.Fatalf("the log goes on behind half a record: %v", l.Err())
	}
	l.Close()
	l, r := mustOpen(t, dir, manual())
	if got := read(t, l.Cursor(), l.End()); len(got) != 1 || r.Torn == nil || r.Torn.Bytes != 5 {
		t.Fatalf("after reopening: %v, torn %+v", got, r.Torn)
	}
}

func TestFailedSyncClosesTheLog(t *testing.T) {
	d := &badDisk{}
	l := openOn(t, t.TempDir(), d)
	pos := mustAppend(t, l, 1, "synced")
	if err := l.Sync(pos); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken disk")
	d.sync.Store(&broken)
	late := mustAppend(t, l, 1, "not synced")
	if err := l.Sync(late); !errors.Is(err, ErrFailed) || !errors.Is(err, broken) {
		t.Fatalf("sync: %v", err)
	}
	n := d.syncs.Load()
	d.sync.Store(nil)
	if err := l.Sync(late); !errors.Is(err, broken) || d.syncs.Load() != n {
		t.Fatalf("the file was synced again after a failed sync: %v", err)
	}
	if err := l.Sync(pos); err != nil {
		t.Fatalf("what was synced before is not any more: %v", err)
	}
	if _, err := l.Append(1, nil); !errors.Is(err, ErrFailed) {
		t.Fatalf("append: %v", err)
	}
	if _, err := l.Rotate(); !errors.Is(err, ErrFailed) {
		t.Fatalf("rotate: %v", err)
	}
}

// A write that ends after the log has failed is taken back: who reads what the failed log has taken
// sees all that was acknowledged, and later nothing more.
func TestWriteThatEndsAfterAFailure(t *testing.T) {
	dir, d := t.TempDir(), &badDisk{}
	l := openOn(t, dir, d)
	kept := mustAppend(t, l, 1, "kept")
	broken := errors.New("broken disk")
	d.during = func() {
		d.during = nil
		d.sync.Store(&broken)
		if err := l.Sync(kept); !errors.Is(err, broken) {
			t.Errorf("sync: %v", err)
		}
	}
	if _, err := l.Append(1, []byte("late")); !errors.Is(err, ErrFailed) {
		t.Fatalf("append: %v", err)
	}
	l.Close()
	l, r := mustOpen(t, dir, manual())
	if got := read(t, l.Cursor(), l.End()); len(got) != 1 || r.Torn != nil {
		t.Fatalf("after reopening: %v, torn %+v", got, r.Torn)
	}
}

func TestFailedSyncAtRotation(t *testing.T) {
	d := &badDisk{}
	dir := t.TempDir()
	l := openOn(t, dir, d)
	mustAppend(t, l, 1, "x")
	broken := errors.New("broken disk")
	d.sync.Store(&broken)
	if _, err := l.Rotate(); !errors.Is(err, broken) {
		t.Fatalf("rotate: %v", err)
	}
	if n, err := segmentNumbers(disk.OS, dir); err != nil || len(n) != 1 {
		t.Fatalf("segments %v, %v: the new one was left behind", n, err)
	}
}

// Syncs at the same time share one sync of the disk: while one runs, the next gathers everybody.
func TestSyncsAreShared(t *testing.T) {
	d := &badDisk{}
	l := openOn(t, t.TempDir(), d)
	const callers = 50
	before := d.syncs.Load()
	d.blocked = make(chan struct{})
	var wg sync.WaitGroup
	var started sync.WaitGroup
	started.Add(callers)
	for range callers {
		wg.Go(func() {
			pos, err := l.Append(1, []byte("x"))
			started.Done()
			if err == nil {
				err = l.Sync(pos)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	started.Wait() // all are written; those that come to Sync from here on share
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for finished := false; !finished; {
		select {
		case d.blocked <- struct{}{}:
		case <-done:
			finished = true
		}
	}
	close(d.blocked)
	// One may have started before all were written, and one more took in the rest.
	if n := d.syncs.Load() - before; n > 2 {
		t.Fatalf("%d syncs of the disk for %d callers", n, callers)
	}
}
