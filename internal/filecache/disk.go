package filecache

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The folder has
//
//	LOCK                                   held with flock while a process has the cache
//	tmp/<random>                           downloads on their way
//	v1/<folders of the key>/<crc32c>-<random>-<name of the key>
//
// where crc32c and random are 8 hex digits each.
const (
	lockName = "LOCK"
	tempName = "tmp"
	filesDir = "v1"
)

// openFolder makes and locks the folder, and removes downloads that a process left.
func openFolder(dir string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Join(dir, filesDir), 0o700); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = lock.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: %w", dir, ErrLocked)
		}
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	temp := filepath.Join(dir, tempName)
	if err := errors.Join(os.RemoveAll(temp), os.Mkdir(temp, 0o700)); err != nil {
		return nil, errors.Join(err, unlock(lock))
	}
	return lock, nil
}

// unlock lets go of the lock explicitly: a child that is being started may still hold the descriptor.
func unlock(lock *os.File) error {
	return errors.Join(unix.Flock(int(lock.Fd()), unix.LOCK_UN), lock.Close())
}

func createTemp(dir string) (*os.File, error) {
	return os.OpenFile(filepath.Join(dir, tempName, random()+random()), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

func random() string { return fmt.Sprintf("%08x", rand.Uint32()) }

// publish moves a whole file to the place of a key.
func publish(dir, temp, key string, crc uint32) (string, error) {
	folder, name := filepath.Split(filepath.FromSlash(key))
	folder = filepath.Join(dir, filesDir, folder)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	path := filepath.Join(folder, fmt.Sprintf("%08x-%s-%s", crc, random(), name))
	return path, os.Rename(temp, path)
}

// scan returns the files of the folder, those written first first, and removes folders that are
// empty. Files with other names are none of ours and stay.
func scan(dir string) ([]*entry, error) {
	root := filepath.Join(dir, filesDir)
	var folders []string
	written := map[*entry]time.Time{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			folders = append(folders, path)
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if key, crc, ok := parseName(filepath.ToSlash(rel)); ok && info.Mode().IsRegular() {
			written[&entry{key: key, size: info.Size(), path: path, crc: crc}] = info.ModTime()
		}
		return nil
	})
	for _, f := range slices.Backward(folders[min(1, len(folders)):]) {
		_ = os.Remove(f) // only if it is empty
	}
	files := make([]*entry, 0, len(written))
	for e := range written {
		files = append(files, e)
	}
	slices.SortFunc(files, func(a, b *entry) int {
		return cmp.Or(written[a].Compare(written[b]), strings.Compare(a.path, b.path))
	})
	return files, err
}

// parseName takes the path below filesDir apart.
func parseName(rel string) (key string, crc uint32, ok bool) {
	folder, name := "", rel
	if i := strings.LastIndexByte(rel, '/'); i >= 0 {
		folder, name = rel[:i+1], rel[i+1:]
	}
	part := strings.SplitN(name, "-", 3)
	if len(part) != 3 || len(part[0]) != 8 || len(part[1]) != 8 || part[2] == "" {
		return "", 0, false
	}
	n, err := strconv.ParseUint(part[0], 16, 32)
	if _, err2 := strconv.ParseUint(part[1], 16, 32); err != nil || err2 != nil {
		return "", 0, false
	}
	return folder + part[2], uint32(n), true
}

// checksum returns the CRC32C and the size of a file.
func checksum(ctx context.Context, path string) (crc uint32, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	buf := make([]byte, 256<<10)
	for {
		n, err := f.Read(buf)
		crc = crc32.Update(crc, castagnoli, buf[:n])
		size += int64(n)
		if errors.Is(err, io.EOF) {
			return crc, size, nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return 0, 0, err
		}
	}
}

// freeBytes is how many bytes of the folder's disk this user may still write.
func freeBytes(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}
