// Package fsstore keeps objects as files in a folder.
//
// An object appears whole or not at all, also after a power cut: it is written to a temporary file
// in the folder .tmp-writes, synced, moved to its place in one step, and the folder there synced.
// Create moves with link(2), which refuses to overwrite, so that of many processes exactly one wins;
// Put and Replace rename. Replace, Put and Delete hold flock(2) on the object's folder for the
// microseconds between looking and moving, so conditional replaces are safe between processes too.
// A folder that is a link to another disk has its temporary files beside the objects, with the same
// promises.
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
	"sync"
	"syscall"
	"time"

	"github.com/lakegate/lakegate/internal/objstore"
)

const (
	tmpPrefix = ".tmp-"
	tmpFolder = tmpPrefix + "writes"
	// tmpAge is how old a temporary file must be before Open takes it for a leftover: older than
	// any write that another process could still be busy with.
	tmpAge = time.Hour
)

// Store is a folder of objects. It implements objstore.Store and objstore.Local.
type Store struct {
	root string
	far  sync.Map // folders, by path, that are on another disk than tmpFolder
}

var (
	_ objstore.Store = (*Store)(nil)
	_ objstore.Local = (*Store)(nil)
)

// Open makes the folder if need be, and removes temporary files that processes which died more than
// an hour ago left in it. That looks into one folder, however many objects there are. The store
// holds no resources; there is nothing to close.
func Open(dir string) (*Store, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open object folder: %w", err)
	}
	if err := makeDir(root); err != nil {
		return nil, fmt.Errorf("open object folder: %w", err)
	}
	s := &Store{root: root}
	if err := sweep(s.tmp(), time.Now().Add(-tmpAge)); err != nil {
		return nil, fmt.Errorf("sweep object folder: %w", err)
	}
	return s, nil
}

// tmp is the folder of temporary files.
func (s *Store) tmp() string { return filepath.Join(s.root, tmpFolder) }

// LocalPath returns the absolute path of the object's file, whether or not it exists. It panics on
// an invalid key, which would be a path out of the folder.
func (s *Store) LocalPath(key string) string {
	if err := objstore.ValidKey(key); err != nil {
		panic(err)
	}
	return filepath.Join(s.root, filepath.FromSlash(key))
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

// sweep removes the temporary files of a folder that were last written before the given time.
func sweep(dir string, before time.Time) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return gone(err)
	}
	for _, e := range entries {
		if e.IsDir() || !strings.HasPrefix(e.Name(), tmpPrefix) {
			continue
		}
		st, err := e.Info()
		if err == nil && !st.ModTime().After(before) {
			err = os.Remove(filepath.Join(dir, e.Name()))
		}
		if gone(err) != nil {
			return err
		}
	}
	return nil
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
