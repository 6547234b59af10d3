// Package disk is the file system as a log needs it: files that are written in place, folders, and
// the two kinds of sync that decide what a power cut leaves.
//
// # What it promises
//
// Of what is written, only what was synced survives a power cut: a file's bytes and size after
// File.Sync, the names in a folder after FS.SyncDir. What was not synced may be there, may not, or
// in part, in any order. The end of the process alone takes nothing that was written. After a
// Sync that failed, no later one of that file means anything.
//
// OS is the machine's file system and adds nothing to it. The fake is package faultdisk: a disk in
// memory that loses what was not synced, fills up and fails on demand. A FS may be used from many
// goroutines; so may a File, as long as writes do not overlap.
package disk

import (
	"errors"
	"io"
	"path/filepath"
)

// ErrLocked says that another process has the lock.
var ErrLocked = errors.New("locked by another process")

// FS is a file system. Errors are those of package os: test for os.ErrNotExist and os.ErrExist with
// errors.Is, and for unix.ENOSPC.
type FS interface {
	// Create makes a file for writing. os.ErrExist when there is one.
	Create(path string) (File, error)
	// Open opens a file for reading.
	Open(path string) (File, error)
	// Edit opens a file for reading and writing.
	Edit(path string) (File, error)
	// Names returns the names in a folder, sorted.
	Names(dir string) ([]string, error)
	// Stat says how large a file is, and whether it is a folder.
	Stat(path string) (size int64, folder bool, err error)
	Mkdir(dir string) error
	Rename(from, to string) error
	Remove(path string) error
	// SyncDir puts the names in a folder on disk.
	SyncDir(dir string) error
	// Lock locks the file at path, making it when it is to be locked alone, against other processes
	// and other calls: ErrLocked when it is taken. Closing gives it back, and so does the end of the
	// process.
	Lock(path string, alone bool) (io.Closer, error)
	// Boot names the run of the operating system: as long as it is the same, no power was cut.
	Boot() string
}

// File is an open file.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Size() (int64, error)
	Truncate(size int64) error
	// Sync puts the file's bytes, and what is needed to read them, on disk.
	Sync() error
	// Allocate gives the file room on the disk up to a size.
	Allocate(size int64) error
}

// ReadFile returns a file's bytes.
func ReadFile(fs FS, path string) (_ []byte, err error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	n, err := f.Size()
	if err != nil {
		return nil, err
	}
	b := make([]byte, n)
	got, err := f.ReadAt(b, 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b[:got], err
}

// WriteFile replaces the file at path by data: after a crash there is the old content or the new,
// and after nil the new is on disk. It is for small files.
func WriteFile(fs FS, path string, data []byte) error {
	tmp := path + ".tmp"
	if err := fs.Remove(tmp); err != nil && !missing(err) {
		return err
	}
	f, err := fs.Create(tmp)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, 0)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := fs.Rename(tmp, path); err != nil {
		return err
	}
	return fs.SyncDir(filepath.Dir(path))
}

// MakeDir makes a folder and those above it, on disk: after a power cut its files are no use if the
// way to it is gone.
func MakeDir(fs FS, dir string) error {
	if _, folder, err := fs.Stat(dir); err == nil && folder {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := MakeDir(fs, parent); err != nil {
			return err
		}
	}
	if err := fs.Mkdir(dir); err != nil && !exists(err) {
		return err
	}
	return fs.SyncDir(parent)
}
