package objstore

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// ranger is implemented by stores that read a part of an object.
type ranger interface {
	GetRange(ctx context.Context, key string, offset, length int64) ([]byte, Info, error)
}

// tail is how much of an object's end is read when it is opened: a Parquet file's footer is there.
const tail = 64 << 10

// Reader reads an object at any place, an io.ReaderAt and io.Seeker. Each reading is one request to
// the store, but for the object's last 64 KiB, which are there from the start. It belongs to one
// goroutine. The object must not change.
type Reader struct {
	ctx   context.Context // lives as long as the Reader
	store ranger
	key   string
	size  int64
	at    int64  // of end
	end   []byte // the object from at on
	pos   int64
}

// ErrSize says that an object has another size than it should.
var ErrSize = errors.New("object has another size")

// NewReader opens an object that must have the given size: ErrNotFound, ErrSize.
func NewReader(ctx context.Context, s Store, key string, size int64) (*Reader, error) {
	r := &Reader{ctx: ctx, key: key, size: size}
	var info Info
	var err error
	if ranged, ok := s.(ranger); ok && size > tail {
		r.store, r.at = ranged, size-tail
		r.end, info, err = ranged.GetRange(ctx, key, r.at, tail)
	} else {
		r.end, info, err = s.Get(ctx, key)
	}
	if err != nil {
		return nil, err
	}
	if info.Size != size {
		return nil, fmt.Errorf("it has %d bytes and should have %d: %w", info.Size, size, ErrSize)
	}
	return r, nil
}

// ReadAt implements io.ReaderAt.
func (r *Reader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= r.size {
		return 0, io.EOF
	}
	b := r.end
	if off >= r.at {
		b = b[off-r.at:]
	} else {
		var err error
		b, _, err = r.store.GetRange(r.ctx, r.key, off, int64(len(p)))
		if err != nil {
			return 0, err
		}
	}
	n := copy(p, b)
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Seek implements io.Seeker.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return 0, errors.New("seek before the start")
	}
	r.pos = offset
	return offset, nil
}
