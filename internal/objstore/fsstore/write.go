package fsstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/lakegate/lakegate/internal/objstore"
)

// Create implements objstore.Store.
func (s *Store) Create(ctx context.Context, key string, data []byte) (objstore.Info, error) {
	return s.write(ctx, "create", key, data, func(_ *os.File, tmp, path string) error {
		if err := os.Link(tmp, path); err != nil {
			if errors.Is(err, fs.ErrExist) {
				return objstore.ErrExists
			}
			return err
		}
		return nil
	})
}

// Put implements objstore.Store.
func (s *Store) Put(ctx context.Context, key string, data []byte) (objstore.Info, error) {
	return s.write(ctx, "put", key, data, func(dir *os.File, tmp, path string) error {
		return locked(dir, func() error { return os.Rename(tmp, path) })
	})
}

// Replace implements objstore.Store.
func (s *Store) Replace(ctx context.Context, key, etag string, data []byte) (objstore.Info, error) {
	return s.write(ctx, "replace", key, data, func(dir *os.File, tmp, path string) error {
		return locked(dir, func() error {
			st, err := statFile(path)
			if errors.Is(err, fs.ErrNotExist) {
				return objstore.ErrChanged
			}
			if err != nil {
				return err
			}
			if infoOf(key, st).ETag != etag {
				return objstore.ErrChanged
			}
			return os.Rename(tmp, path)
		})
	})
}

// Delete implements objstore.Store. It leaves empty folders behind.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := check(ctx, key); err != nil {
		return err
	}
	path := s.LocalPath(key)
	if _, err := statFile(path); errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	defer dir.Close()
	if err := locked(dir, func() error { return gone(os.Remove(path)) }); err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("delete %s: %w: %w", key, objstore.ErrUnknown, err)
	}
	return nil
}

// mover brings a temporary file to its place in the open folder dir.
type mover func(dir *os.File, tmp, path string) error

// write stores data in a temporary file on disk and has move bring it to its place. An error after
// move is ErrUnknown: the object can be seen, but a power cut might take it back.
func (s *Store) write(ctx context.Context, op, key string, data []byte, move mover) (objstore.Info, error) {
	if err := check(ctx, key); err != nil {
		return objstore.Info{}, err
	}
	path := s.LocalPath(key)
	dir, err := openDir(filepath.Dir(path))
	if err != nil {
		return objstore.Info{}, fmt.Errorf("%s %s: %w", op, key, err)
	}
	defer dir.Close()
	info, err := s.place(dir, key, path, data, move)
	// Who is told that the object exists may build on it, so it must be on disk then, too.
	if err != nil && !errors.Is(err, objstore.ErrExists) {
		return objstore.Info{}, fmt.Errorf("%s %s: %w", op, key, err)
	}
	if serr := dir.Sync(); serr != nil {
		return objstore.Info{}, fmt.Errorf("%s %s: %w: %w", op, key, objstore.ErrUnknown, serr)
	}
	if err != nil {
		return objstore.Info{}, fmt.Errorf("%s %s: %w", op, key, err)
	}
	return info, nil
}

// place writes the temporary file and moves it: from the folder for them, or from beside the object
// where that is on another disk, from which nothing can be moved in one step.
func (s *Store) place(dir *os.File, key, path string, data []byte, move mover) (objstore.Info, error) {
	beside := filepath.Dir(path)
	if _, far := s.far.Load(beside); !far {
		info, err := placeFrom(s.tmp(), dir, key, path, data, move)
		if !errors.Is(err, unix.EXDEV) {
			return info, err
		}
		s.far.Store(beside, true)
		if err := sweep(beside, time.Now().Add(-tmpAge)); err != nil {
			return objstore.Info{}, err
		}
	}
	return placeFrom(beside, dir, key, path, data, move)
}

func placeFrom(tmpDir string, dir *os.File, key, path string, data []byte, move mover) (objstore.Info, error) {
	tmp, info, err := writeTemp(tmpDir, key, data)
	if errors.Is(err, fs.ErrNotExist) {
		// Not synced: what is in it after a power cut is of no use anyway.
		if err := os.Mkdir(tmpDir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return objstore.Info{}, err
		}
		tmp, info, err = writeTemp(tmpDir, key, data)
	}
	if err != nil {
		return objstore.Info{}, err
	}
	err = move(dir, tmp, path)
	_ = os.Remove(tmp) // after a rename there is nothing left to remove; a leftover is swept later
	return info, err
}

// writeTemp writes and syncs a new temporary file in dir; the Info is that of the object it becomes.
func writeTemp(dir, key string, data []byte) (path string, info objstore.Info, err error) {
	path = filepath.Join(dir, tmpPrefix+uuid.NewString())
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return "", info, err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			_ = os.Remove(path)
		}
	}()
	if _, err := f.Write(data); err != nil {
		return "", info, err
	}
	now := time.Now()
	if err := os.Chtimes(path, now, now); err != nil {
		return "", info, err
	}
	if err := f.Sync(); err != nil {
		return "", info, err
	}
	st, err := f.Stat()
	if err != nil {
		return "", info, err
	}
	return path, infoOf(key, st), nil
}

// locked runs f while it holds the folder's lock against other goroutines and processes: each
// caller has opened the folder itself, and flock is per opening.
func locked(dir *os.File, f func() error) error {
	for {
		err := unix.Flock(int(dir.Fd()), unix.LOCK_EX)
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("lock folder: %w", err)
		}
	}
	defer unix.Flock(int(dir.Fd()), unix.LOCK_UN) // closing the folder unlocks as well
	return f()
}

// openDir opens a folder, which it makes if it is not there.
func openDir(path string) (*os.File, error) {
	dir, err := os.Open(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return dir, err
	}
	if err := makeDir(path); err != nil {
		return nil, err
	}
	return os.Open(path)
}

// makeDir makes a folder and those above it, each synced into its parent: a file in a folder that a
// power cut takes back would be lost with it.
func makeDir(path string) error {
	st, err := os.Stat(path)
	if err == nil && st.IsDir() {
		return nil
	}
	if err == nil {
		return fmt.Errorf("%s is not a folder", path)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(path)
	if err := makeDir(parent); err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	// Also when another process made it: it may not have come to the sync yet.
	d, err := os.Open(parent)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
