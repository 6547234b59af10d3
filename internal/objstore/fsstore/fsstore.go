// Package fsstore keeps objects as files in a folder.
//
// An object appears whole or not at all, also after a power cut: it is written to a temporary file
// beside its place, synced, moved there in one step, and the folder synced. Create moves with
// link(2), which refuses to overwrite, so that of many processes exactly one wins; Put and Replace
// rename. Replace, Put and Delete hold flock(2) on the object's folder for the microseconds between
// looking and moving, so conditional replaces are safe between processes too.
//
// Everything may be called from many goroutines and processes at once. It needs a local file system
// (ext4, xfs, btrfs, apfs, tmpfs): network file systems don't keep these promises. memstore is the
// fake for tests.
package fsstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/lakegate/lakegate/internal/objstore"
)

const (
	tmpPrefix = ".tmp-"
	// tmpAge is how old a temporary file must be before Open takes it for a leftover: older than
	// any write that another process could still be busy with.
	tmpAge = time.Hour
)

// Store is a folder of objects. It implements objstore.Store and objstore.Local.
type Store struct{ root string }

var (
	_ objstore.Store = (*Store)(nil)
	_ objstore.Local = (*Store)(nil)
)

// Open makes the folder if need be, and removes temporary files that processes which died more than
// an hour ago left in it. The store holds no resources; there is nothing to close.
func Open(dir string) (*Store, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open object folder: %w", err)
	}
	if err := makeDir(root); err != nil {
		return nil, fmt.Errorf("open object folder: %w", err)
	}
	s := &Store{root}
	if err := s.sweep(time.Now().Add(-tmpAge)); err != nil {
		return nil, fmt.Errorf("sweep object folder: %w", err)
	}
	return s, nil
}

// LocalPath returns the absolute path of the object's file, whether or not it exists. It panics on
// an invalid key, which would be a path out of the folder.
func (s *Store) LocalPath(key string) string {
	if err := objstore.ValidKey(key); err != nil {
		panic(err)
	}
	return filepath.Join(s.root, filepath.FromSlash(key))
}

// Get implements objstore.Store.
func (s *Store) Get(ctx context.Context, key string) ([]byte, objstore.Info, error) {
	if err := check(ctx, key); err != nil {
		return nil, objstore.Info{}, err
	}
	f, err := os.Open(s.LocalPath(key))
	if err != nil {
		return nil, objstore.Info{}, failed("get", key, err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, objstore.Info{}, failed("get", key, err)
	}
	if !st.Mode().IsRegular() {
		return nil, objstore.Info{}, failed("get", key, fs.ErrNotExist)
	}
	data, err := readAll(f, st.Size())
	if err != nil {
		return nil, objstore.Info{}, failed("get", key, err)
	}
	return data, infoOf(key, st), nil
}

// Stat implements objstore.Store.
func (s *Store) Stat(ctx context.Context, key string) (objstore.Info, error) {
	if err := check(ctx, key); err != nil {
		return objstore.Info{}, err
	}
	st, err := statFile(s.LocalPath(key))
	if err != nil {
		return objstore.Info{}, failed("stat", key, err)
	}
	return infoOf(key, st), nil
}

// sweep removes temporary files last written before the given time.
func (s *Store) sweep(before time.Time) error {
	return filepath.WalkDir(s.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return gone(err)
		}
		if d.IsDir() || !strings.HasPrefix(d.Name(), tmpPrefix) {
			return nil
		}
		st, err := d.Info()
		if err != nil {
			return gone(err)
		}
		if st.ModTime().After(before) {
			return nil
		}
		return gone(os.Remove(path))
	})
}

// gone drops the error of a file that another process removed first.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func check(ctx context.Context, key string) error {
	if err := objstore.ValidKey(key); err != nil {
		return err
	}
	return ctx.Err()
}

// statFile is os.Stat for regular files; anything else is no object.
func statFile(path string) (fs.FileInfo, error) {
	st, err := os.Stat(path)
	if err == nil && !st.Mode().IsRegular() {
		return nil, fs.ErrNotExist
	}
	return st, err
}

// failed turns an error of the file system into the store's.
func failed(op, key string, err error) error {
	// ENOTDIR: a part of the key is an object.
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		err = objstore.ErrNotFound
	}
	return fmt.Errorf("%s %s: %w", op, key, err)
}

// infoOf describes a file. The ETag is made of the inode, the modification time and the size. Each
// write is a new file whose time write sets from the clock in nanoseconds (the kernel's own stamps
// are too coarse), so two versions share an ETag only if they were written in the same nanosecond
// and the inode was freed and reused in between.
func infoOf(key string, st fs.FileInfo) objstore.Info {
	var ino uint64
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		ino = sys.Ino
	}
	return objstore.Info{
		Key: key, Size: st.Size(), Modified: st.ModTime(),
		ETag: fmt.Sprintf("%x-%x-%x", ino, st.ModTime().UnixNano(), st.Size()),
	}
}
