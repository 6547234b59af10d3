package faultdisk

import (
	"io"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// file is an open file.
type file struct {
	d      *Disk
	i      *inode
	path   string
	life   int
	closed bool
}

// use locks the disk and reports whether the file can be used.
func (f *file) use() (done func(), err error) {
	f.d.mu.Lock()
	switch {
	case f.closed:
		err = os.ErrClosed
	case f.life != f.d.life:
		err = ErrDead
	}
	return f.d.mu.Unlock, err
}

// ReadAt implements io.ReaderAt.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	done, err := f.use()
	defer done()
	if err != nil {
		return 0, err
	}
	if off >= int64(len(f.i.now)) {
		return 0, io.EOF
	}
	n := copy(p, f.i.now[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt implements io.WriterAt. On a full disk as much is written as fits.
func (f *file) WriteAt(p []byte, off int64) (int, error) {
	done, err := f.use()
	defer done()
	if err != nil {
		return 0, err
	}
	err = f.d.strike(Write, f.path)
	if err != nil {
		p = p[:len(p)/2]
	}
	if grows := off + int64(len(p)) - max(int64(len(f.i.now)), f.i.reserved); err == nil && f.d.room > 0 && grows > 0 {
		if short := grows - max(0, f.d.room-f.d.used()); short > 0 {
			p, err = p[:max(0, int64(len(p))-short)], &os.PathError{Op: "write", Path: f.path, Err: unix.ENOSPC}
		}
	}
	if len(p) > 0 {
		w := write{off, slices.Clone(p)}
		f.i.now = w.apply(f.i.now)
		f.i.pending = append(f.i.pending, w)
	}
	return len(p), err
}

// Truncate implements disk.File.
func (f *file) Truncate(size int64) error {
	done, err := f.use()
	defer done()
	if err != nil {
		return err
	}
	w := write{off: size}
	f.i.now = w.apply(f.i.now)
	f.i.pending = append(f.i.pending, w)
	return nil
}

// Sync implements disk.File. When it fails, what was written since the last sync is never synced any
// more: it can be read until the power goes.
func (f *file) Sync() error {
	done, err := f.use()
	defer done()
	if err != nil {
		return err
	}
	if err := f.d.strike(Sync, f.path); err != nil {
		f.i.pending = nil
		return err
	}
	for _, w := range f.i.pending {
		f.i.synced = w.apply(f.i.synced)
	}
	f.i.pending = nil
	return nil
}

// Allocate implements disk.File.
func (f *file) Allocate(size int64) error {
	done, err := f.use()
	defer done()
	if err != nil {
		return err
	}
	grows := size - max(int64(len(f.i.now)), f.i.reserved)
	if grows <= 0 {
		return nil
	}
	if f.d.room > 0 && f.d.used()+grows > f.d.room {
		return &os.PathError{Op: "allocate", Path: f.path, Err: unix.ENOSPC}
	}
	f.i.reserved = size
	f.i.now = resize(f.i.now, size)
	f.i.pending = append(f.i.pending, write{off: size})
	return nil
}

// Size implements disk.File.
func (f *file) Size() (int64, error) {
	done, err := f.use()
	defer done()
	return int64(len(f.i.now)), err
}

// Close implements io.Closer.
func (f *file) Close() error {
	done, err := f.use()
	defer done()
	f.closed = true
	if err == ErrDead {
		return nil
	}
	return err
}
