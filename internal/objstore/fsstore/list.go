package fsstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/lakegate/lakegate/internal/objstore"
)

// List implements objstore.Store. It reads one folder at a time, and only folders that can hold
// keys asked for.
func (s *Store) List(ctx context.Context, prefix, startAfter string) iter.Seq2[objstore.Info, error] {
	return func(yield func(objstore.Info, error) bool) {
		if err := objstore.ValidPrefix(prefix); err != nil {
			yield(objstore.Info{}, err)
			return
		}
		l := &lister{ctx: ctx, root: s.root, prefix: prefix, after: startAfter, yield: yield}
		l.folder(prefix[:strings.LastIndexByte(prefix, '/')+1])
	}
}

type lister struct {
	ctx                 context.Context // lives as long as one call of List
	root, prefix, after string
	yield               func(objstore.Info, error) bool
}

// folder lists the folder whose keys start with base, "" or ending in '/'. It reports whether to go on.
func (l *lister) folder(base string) bool {
	if err := l.ctx.Err(); err != nil {
		return l.stop(err)
	}
	entries, err := os.ReadDir(filepath.Join(l.root, filepath.FromSlash(base)))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return true
	}
	if err != nil {
		return l.stop(fmt.Errorf("list %s: %w", base, err))
	}
	for _, name := range l.names(base, entries) {
		if strings.HasSuffix(name, "/") {
			if !l.folder(base + name) {
				return false
			}
			continue
		}
		if !l.file(base + name) {
			return false
		}
	}
	return true
}

// names returns the names worth a look, in key order: folders end in '/', which sorts them where
// the keys below them belong ("a-b" before "a/b").
func (l *lister) names(base string, entries []fs.DirEntry) []string {
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), tmpPrefix) {
			continue
		}
		name := e.Name()
		if l.isDir(base, e) {
			name += "/"
		}
		if l.wanted(base + name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// isDir follows symbolic links, so that a table may live on another disk.
func (l *lister) isDir(base string, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.IsDir()
	}
	st, err := os.Stat(filepath.Join(l.root, filepath.FromSlash(base), e.Name()))
	return err == nil && st.IsDir()
}

// wanted says whether the key, or a key below it when it ends in '/', can be in the listing.
func (l *lister) wanted(key string) bool {
	if strings.HasSuffix(key, "/") {
		return (strings.HasPrefix(key, l.prefix) || strings.HasPrefix(l.prefix, key)) &&
			(key > l.after || strings.HasPrefix(l.after, key))
	}
	return strings.HasPrefix(key, l.prefix) && key > l.after
}

func (l *lister) file(key string) bool {
	st, err := statFile(filepath.Join(l.root, filepath.FromSlash(key)))
	if errors.Is(err, fs.ErrNotExist) {
		return true // deleted since the folder was read
	}
	if err != nil {
		return l.stop(fmt.Errorf("list %s: %w", key, err))
	}
	info := infoOf(key, st)
	info.ETag = ""
	return l.yield(info, nil)
}

func (l *lister) stop(err error) bool {
	l.yield(objstore.Info{}, err)
	return false
}
