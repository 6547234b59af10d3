package fsstore

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/lakegate/lakegate/internal/objstore"
)

// Get implements objstore.Store.
func (s *Store) Get(ctx context.Context, key string) ([]byte, objstore.Info, error) {
	return s.read(ctx, "get", key, func(size int64) (offset, length int64) { return 0, size })
}

// GetRange implements objstore.Store.
func (s *Store) GetRange(ctx context.Context, key string, offset, length int64) ([]byte, objstore.Info, error) {
	if err := objstore.ValidRange(offset, length); err != nil {
		return nil, objstore.Info{}, fmt.Errorf("get range of %s: %w", key, err)
	}
	return s.read(ctx, "get range of", key, func(size int64) (int64, int64) {
		from := min(offset, size)
		return from, min(length, size-from)
	})
}

// read reads the part of the object that which names, in one allocation.
func (s *Store) read(ctx context.Context, op, key string, which func(size int64) (offset, length int64)) ([]byte, objstore.Info, error) {
	if err := check(ctx, key); err != nil {
		return nil, objstore.Info{}, err
	}
	f, err := os.Open(s.LocalPath(key))
	if err != nil {
		return nil, objstore.Info{}, failed(op, key, err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, objstore.Info{}, failed(op, key, err)
	}
	if !st.Mode().IsRegular() {
		return nil, objstore.Info{}, failed(op, key, fs.ErrNotExist)
	}
	offset, length := which(st.Size())
	data := make([]byte, length)
	if _, err := io.ReadFull(io.NewSectionReader(f, offset, length), data); err != nil {
		return nil, objstore.Info{}, failed(op, key, fmt.Errorf("file is shorter than its %d bytes: %w", st.Size(), err))
	}
	return data, infoOf(key, st), nil
}
