package wal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"
)

// osFile is a segment file on a real disk.
type osFile struct{ *os.File }

func createFile(path string) (segmentFile, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

// Datasync puts the file's data, and what of its metadata is needed to read it, on disk.
func (f osFile) Datasync() error { return datasync(f.File) }

// lockDir locks the folder against other processes: alone for a writer, shared for readers. The
// lock ends with unlockDir, or with the process.
func lockDir(dir string, alone bool) (*os.File, error) {
	path := filepath.Join(dir, "LOCK")
	flags, how := os.O_RDONLY, unix.LOCK_SH
	if alone {
		flags, how = os.O_RDWR|os.O_CREATE, unix.LOCK_EX
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log lock: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB); err != nil {
		defer f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: %w%s", dir, ErrLocked, holder(path))
		}
		return nil, fmt.Errorf("lock log %s: %w", dir, err)
	}
	if !alone {
		return f, nil
	}
	// The number helps people; nothing reads it back but holder.
	err = f.Truncate(0)
	if err == nil {
		_, err = fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	if err != nil && !errors.Is(err, unix.ENOSPC) {
		return nil, errors.Join(fmt.Errorf("write log lock: %w", err), f.Close())
	}
	return f, nil
}

// unlockDir gives the lock back. It says so explicitly: a program that is just being started has
// copies of all open files for an instant, and closing ours alone would leave the folder locked.
func unlockDir(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var unlocked error
	if raw.Control(func(fd uintptr) { unlocked = unix.Flock(int(fd), unix.LOCK_UN) }) != nil {
		return os.ErrClosed // Control fails for nothing else
	}
	return errors.Join(unlocked, f.Close())
}

// holder says which process wrote its number into the lock file last, if that can be read.
func holder(path string) string {
	b, err := os.ReadFile(path)
	if pid := strings.TrimSpace(string(b)); err == nil && pid != "" {
		return " (process " + pid + ")"
	}
	return ""
}

// readID returns the identity of the log in dir; ok is false when there is none yet.
func readID(dir string) (id uuid.UUID, ok bool, err error) {
	path := filepath.Join(dir, "ID")
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return id, false, nil
	}
	if err != nil {
		return id, false, fmt.Errorf("read log identity: %w", err)
	}
	id, err = uuid.Parse(strings.TrimSpace(string(b)))
	if err != nil {
		return id, false, &DamageError{Path: path, Reason: "not a UUID", Hint: "restore the file from a copy; its text is also the appId in the tables' transactions"}
	}
	return id, true, nil
}

// writeID stores the identity, whole or not at all.
func writeID(dir string, id uuid.UUID) error {
	if err := WriteFile(filepath.Join(dir, "ID"), []byte(id.String()+"\n")); err != nil {
		return fmt.Errorf("write log identity: %w", err)
	}
	return nil
}

// WriteFile replaces the file at path by data: after a crash there is the old content or the new,
// and after nil the new is on disk. It is for the small files that live beside a log.
func WriteFile(path string, data []byte) error {
	tmp := path + ".tmp"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// makeDir makes the folder and those above it, on disk: after a power cut its files are no use if the
// way to it is gone.
func makeDir(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := makeDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return syncDir(parent)
}

// syncDir puts a folder's entries on disk.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
