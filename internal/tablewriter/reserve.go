package tablewriter

import (
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

// reserve is a file that only holds room on the log's disk. When the disk is full it is deleted, so
// that the outcomes of running requests still fit; when there is room again it is made anew.
type reserve struct {
	path string
	size int64
	mu   sync.Mutex
	held bool
}

func newReserve(dir string, size int64) *reserve {
	return &reserve{path: filepath.Join(dir, "reserve"), size: size}
}

// fill makes the file if it is not there. That it cannot is no error: there is no room to keep.
func (r *reserve) fill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held || r.size == 0 {
		return
	}
	f, err := os.OpenFile(r.path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	err = allocate(f, r.size)
	_ = f.Close() // nothing in it matters
	if err != nil {
		_ = os.Remove(r.path)
		return
	}
	r.held = true
}

// release gives the room back to the disk and reports whether there was any.
func (r *reserve) release() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.held {
		return false
	}
	r.held = false
	return os.Remove(r.path) == nil
}

// allocate gives the file size bytes of disk, also where the system cannot do so without writing.
func allocate(f *os.File, size int64) error {
	if info, err := f.Stat(); err == nil && info.Size() >= size {
		return nil // left by an earlier process
	}
	if err := fallocate(f, size); err != unix.EOPNOTSUPP {
		return err
	}
	zeros := make([]byte, 1<<20)
	for at := int64(0); at < size; at += int64(len(zeros)) {
		if _, err := f.WriteAt(zeros[:min(int64(len(zeros)), size-at)], at); err != nil {
			return err
		}
	}
	return nil
}
