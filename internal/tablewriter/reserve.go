package tablewriter

import (
	"errors"
	"os"
	"path/filepath"
	"sync"

	"github.com/lakegate/lakegate/internal/disk"
)

// reserve is a file that only holds room on the log's disk. When the disk is full it is deleted, so
// that the outcomes of running requests still fit; when there is room again it is made anew.
type reserve struct {
	fs   disk.FS
	path string
	size int64
	mu   sync.Mutex
	held bool
}

func newReserve(fs disk.FS, dir string, size int64) *reserve {
	return &reserve{fs: fs, path: filepath.Join(dir, "reserve"), size: size}
}

// fill makes the file if it is not there. That it cannot is no error: there is no room to keep.
func (r *reserve) fill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held || r.size == 0 {
		return
	}
	f, err := r.fs.Create(r.path)
	if errors.Is(err, os.ErrExist) {
		f, err = r.fs.Edit(r.path) // left by an earlier process
	}
	if err != nil {
		return
	}
	err = f.Allocate(r.size)
	_ = f.Close() // nothing in it matters
	if err != nil {
		_ = r.fs.Remove(r.path)
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
	return r.fs.Remove(r.path) == nil
}
