package fsstore_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lakegate/lakegate/internal/objstore"
)

// A table on another disk: nothing can be moved there in one step from the folder for temporary files.
func TestFolderOnAnotherDisk(t *testing.T) {
	const shm = "/dev/shm"
	dir := t.TempDir()
	if device(t, dir) == device(t, shm) {
		t.Fatalf("%s and %s are one file system", dir, shm)
	}
	other, err := os.MkdirTemp(shm, "fsstore-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(other) })
	if err := os.Symlink(other, filepath.Join(dir, "far")); err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(other, ".tmp-old")
	aged(t, old, 2*time.Hour)
	s := open(t, dir)
	first, err := s.Create(t.Context(), "far/k", []byte("1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(t.Context(), "far/k", []byte("2")); !errors.Is(err, objstore.ErrExists) {
		t.Errorf("second create: %v", err)
	}
	if _, err := s.Replace(t.Context(), "far/k", first.ETag, []byte("3")); err != nil {
		t.Error(err)
	}
	if _, err := s.Put(t.Context(), "far/l", []byte("4")); err != nil {
		t.Error(err)
	}
	for key, want := range map[string]string{"far/k": "3", "far/l": "4"} {
		if got, _, err := s.Get(t.Context(), key); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v, want %q", key, got, err, want)
		}
	}
	entries, err := os.ReadDir(other)
	if err != nil || len(entries) != 2 {
		t.Errorf("the other disk has %v, %v, want only the objects", entries, err)
	}
}

func device(t *testing.T, dir string) uint64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		t.Fatal(err)
	}
	return uint64(st.Dev)
}
