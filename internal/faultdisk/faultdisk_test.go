package faultdisk

import (
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lakegate/lakegate/internal/disk"
)

func newDisk(seed uint64) *Disk { return New(rand.New(rand.NewPCG(seed, 0))) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func create(t *testing.T, d *Disk, path, data string) disk.File {
	t.Helper()
	f, err := d.Create(path)
	must(t, err)
	_, err = f.WriteAt([]byte(data), 0)
	must(t, err)
	return f
}

func content(t *testing.T, d *Disk, path string) string {
	t.Helper()
	b, err := disk.ReadFile(d, path)
	if errors.Is(err, os.ErrNotExist) {
		return "none"
	}
	must(t, err)
	return string(b)
}

func TestPowerLossTakesWhatWasNotSynced(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(200) {
		d := newDisk(seed)
		must(t, disk.MakeDir(d, "/a"))
		f := create(t, d, "/a/synced", "safe")
		must(t, f.Sync())
		create(t, d, "/a/unsynced", strings.Repeat("x", 2*sector))
		must(t, d.SyncDir("/a"))
		_, err := f.WriteAt([]byte("more"), 4)
		must(t, err)
		create(t, d, "/a/nameless", "")
		d.PowerLoss()
		if _, err := f.WriteAt([]byte("x"), 0); !errors.Is(err, ErrDead) {
			t.Fatalf("a file from before the power loss: %v", err)
		}
		if got := content(t, d, "/a/synced"); !strings.HasPrefix(got, "safe") {
			t.Fatalf("seed %d: %q", seed, got)
		}
		seen[content(t, d, "/a/synced")] = true
		got := content(t, d, "/a/unsynced")
		seen["unsynced "+strings.ReplaceAll(got, strings.Repeat("x", sector), "X")] = true
		seen["nameless "+content(t, d, "/a/nameless")] = true
	}
	zeros := strings.Repeat("\x00", sector)
	for _, want := range []string{"safe", "safemore", "unsynced ", "unsynced XX", "unsynced X", "unsynced " + zeros + "X", "nameless none", "nameless "} {
		if !seen[want] {
			t.Errorf("no power loss left %q", want)
		}
	}
}

func TestWriteFileIsAtomic(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(200) {
		d := newDisk(seed)
		must(t, disk.WriteFile(d, "/f", []byte("old")))
		n := 0
		d.Fail(func(Op, string) error {
			n++
			if n > int(seed%7) {
				return unix.EIO
			}
			return nil
		})
		err := disk.WriteFile(d, "/f", []byte("new, and longer"))
		d.PowerLoss()
		got := content(t, d, "/f")
		seen[got] = true
		if got != "old" && got != "new, and longer" || err == nil && got == "old" {
			t.Fatalf("seed %d: %q after %v", seed, got, err)
		}
	}
	if len(seen) != 2 {
		t.Errorf("contents seen: %v", seen)
	}
}

func TestKillTakesNothing(t *testing.T) {
	d := newDisk(1)
	l, err := d.Lock("/lock", true)
	must(t, err)
	if _, err := d.Lock("/lock", false); !errors.Is(err, disk.ErrLocked) {
		t.Fatalf("second lock: %v", err)
	}
	create(t, d, "/f", "written")
	boot := d.Boot()
	d.Kill()
	if got := content(t, d, "/f"); got != "written" || d.Boot() != boot {
		t.Fatalf("%q, boot %s", got, d.Boot())
	}
	again, err := d.Lock("/lock", true)
	must(t, err)
	must(t, l.Close()) // of the dead process: it gives nobody else's lock away
	if _, err := d.Lock("/lock", true); !errors.Is(err, disk.ErrLocked) {
		t.Fatalf("lock beside the new one: %v", err)
	}
	must(t, again.Close())
}

func TestFullDisk(t *testing.T) {
	d := newDisk(1)
	d.SetRoom(10)
	f := create(t, d, "/f", "12345678")
	if n, err := f.WriteAt([]byte("9abc"), 8); n != 2 || !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("wrote %d, %v", n, err)
	}
	must(t, f.Truncate(8))
	must(t, f.Allocate(9))
	if err := f.Allocate(11); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("allocate: %v", err)
	}
	must(t, d.Remove("/f"))
	if d.Used() != 0 {
		t.Fatalf("%d bytes used", d.Used())
	}
}

func TestFailedSyncLosesTheWrites(t *testing.T) {
	d := newDisk(1)
	f := create(t, d, "/f", "lost")
	must(t, d.SyncDir("/"))
	d.Fail(func(op Op, _ string) error {
		if op == Sync {
			return unix.EIO
		}
		return nil
	})
	if err := f.Sync(); !errors.Is(err, unix.EIO) {
		t.Fatal(err)
	}
	d.Fail(nil)
	must(t, f.Sync())
	if got := content(t, d, "/f"); got != "lost" {
		t.Fatalf("before the power loss: %q", got)
	}
	d.PowerLoss()
	if got := content(t, d, "/f"); got != "" {
		t.Fatalf("after it: %q", got)
	}
}
