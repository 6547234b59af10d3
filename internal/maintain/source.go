package maintain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/lakegate/lakegate/internal/datafile"
	"github.com/lakegate/lakegate/internal/objstore"
)

const (
	// wholeBytes is the size up to which an object is read at once.
	wholeBytes = 8 << 20
	// blockBytes is how much is read of a larger one at a time.
	blockBytes = 4 << 20
)

// source opens an object of the store for reading here and there.
func source(ctx context.Context, store objstore.Store, key string, size int64) (datafile.Source, func() error, error) {
	if local, ok := store.(objstore.Local); ok {
		f, err := os.Open(local.LocalPath(key))
		if err != nil {
			return nil, nil, &storeError{err}
		}
		return f, f.Close, nil
	}
	nothing := func() error { return nil }
	if size <= wholeBytes {
		data, _, err := store.Get(ctx, key)
		if err != nil {
			return nil, nil, &storeError{err}
		}
		return bytes.NewReader(data), nothing, nil
	}
	r := &ranges{ctx: ctx, store: store, key: key, size: size}
	return io.NewSectionReader(r, 0, size), nothing, nil
}

// storeError says that the store couldn't be read, which says nothing of the file.
type storeError struct{ err error }

func (e *storeError) Error() string { return e.err.Error() }
func (e *storeError) Unwrap() error { return e.err }

// ranges reads an object by ranges. It is used by one goroutine.
type ranges struct {
	ctx   context.Context // lives as long as one merge
	store objstore.Store
	key   string
	size  int64

	block []byte // the last that was read
	at    int64
}

// ReadAt implements io.ReaderAt. Small reads that follow each other are one of the store's.
func (r *ranges) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) && off+int64(n) < r.size {
		got := r.cached(p[n:], off+int64(n))
		if got == 0 {
			if err := r.load(off+int64(n), max(blockBytes, int64(len(p)-n))); err != nil {
				return n, err
			}
			if got = r.cached(p[n:], off+int64(n)); got == 0 {
				return n, &storeError{fmt.Errorf("object %s has fewer than %d bytes: %w", r.key, r.size, io.ErrUnexpectedEOF)}
			}
		}
		n += got
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (r *ranges) cached(p []byte, off int64) int {
	if off < r.at || off >= r.at+int64(len(r.block)) {
		return 0
	}
	return copy(p, r.block[off-r.at:])
}

func (r *ranges) load(off, length int64) error {
	r.block = nil
	data, _, err := r.store.GetRange(r.ctx, r.key, off, min(length, r.size-off))
	if err != nil {
		return &storeError{err}
	}
	r.block, r.at = data, off
	return nil
}

// ofStore reports whether the store is to blame, or the caller who gave up, and not the file.
func ofStore(err error) bool {
	var s *storeError
	return errors.As(err, &s) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
