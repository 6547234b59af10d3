package fakellm

import (
	"io"
	"sync"
)

// maxKept is the largest buffer given back to the pool, in bytes.
const maxKept = 1 << 20

type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return &buffer{b: make([]byte, 0, 8<<10)} }}

func getBuffer() *buffer {
	b := buffers.Get().(*buffer)
	b.b = b.b[:0]
	return b
}

func putBuffer(b *buffer) {
	if cap(b.b) <= maxKept {
		buffers.Put(b)
	}
}

// read appends all of r; size is how much is expected, or -1.
func (b *buffer) read(r io.Reader, size int64) error {
	if size > int64(cap(b.b)) && size <= maxKept {
		b.b = make([]byte, 0, size+1)
	}
	for {
		if len(b.b) == cap(b.b) {
			b.b = append(b.b, 0)[:len(b.b)]
		}
		n, err := r.Read(b.b[len(b.b):cap(b.b)])
		b.b = b.b[:len(b.b)+n]
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
