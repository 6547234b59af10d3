package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// OS is the machine's file system.
var OS FS = osFS{}

type osFS struct{}

func missing(err error) bool { return errors.Is(err, os.ErrNotExist) }
func exists(err error) bool  { return errors.Is(err, os.ErrExist) }

func (osFS) Create(path string) (File, error) {
	return openFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR)
}
func (osFS) Open(path string) (File, error) { return openFile(path, os.O_RDONLY) }
func (osFS) Edit(path string) (File, error) { return openFile(path, os.O_RDWR) }

func openFile(path string, flags int) (File, error) {
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (osFS) Names(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	slices.Sort(names)
	return names, nil
}

func (osFS) Stat(path string) (size int64, folder bool, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, false, err
	}
	return info.Size(), info.IsDir(), nil
}

func (osFS) Mkdir(dir string) error       { return os.Mkdir(dir, 0o700) }
func (osFS) Rename(from, to string) error { return os.Rename(from, to) }
func (osFS) Remove(path string) error     { return os.Remove(path) }

func (osFS) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// boot is the kernel's name for its run; "" where there is none, so that no power cut is seen there.
var boot = sync.OnceValue(func() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
})

func (osFS) Boot() string { return boot() }

func (osFS) Lock(path string, alone bool) (io.Closer, error) {
	flags, how := os.O_RDONLY, unix.LOCK_SH
	if alone {
		flags, how = os.O_RDWR|os.O_CREATE, unix.LOCK_EX
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB); err != nil {
		defer f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w%s", ErrLocked, holder(path))
		}
		return nil, err
	}
	if !alone {
		return osLock{f}, nil
	}
	// The number helps people; nothing reads it back but holder.
	err = f.Truncate(0)
	if err == nil {
		_, err = fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	if err != nil && !errors.Is(err, unix.ENOSPC) {
		return nil, errors.Join(err, f.Close())
	}
	return osLock{f}, nil
}

// holder says which process wrote its number into the lock file last, if that can be read.
func holder(path string) string {
	b, err := os.ReadFile(path)
	if pid := strings.TrimSpace(string(b)); err == nil && pid != "" {
		return " (process " + pid + ")"
	}
	return ""
}

type osLock struct{ f *os.File }

// Close gives the lock back. It says so explicitly: a program that is just being started has copies
// of all open files for an instant, and closing ours alone would leave the file locked.
func (l osLock) Close() error {
	raw, err := l.f.SyscallConn()
	if err != nil {
		return err
	}
	var unlocked error
	if raw.Control(func(fd uintptr) { unlocked = unix.Flock(int(fd), unix.LOCK_UN) }) != nil {
		return os.ErrClosed // Control fails for nothing else
	}
	return errors.Join(unlocked, l.f.Close())
}

type osFile struct{ *os.File }

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (f osFile) Sync() error { return datasync(f.File) }

// Allocate gives the file size bytes of disk, also where the system cannot do so without writing.
func (f osFile) Allocate(size int64) error {
	if n, err := f.Size(); err == nil && n >= size {
		return nil // left by an earlier process
	}
	if err := fallocate(f.File, size); err != unix.EOPNOTSUPP {
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
