package tablewriter

import (
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

const (
	minBlock = 4 << 10 // smaller ones are left to Go
	maxKept  = 8 << 20 // bytes of blocks that wait for the next batch
)

// blocks is memory for Arrow's builders that is used again within a landing: a column that grows by
// doubling would have Go clear and collect several times what it holds. Sizes are powers of two. What
// was freed is cleared at once, so that who reads it still finds it out. It belongs to the landing
// goroutine.
type blocks struct {
	memory.GoAllocator
	free [64][][]byte // by the logarithm of their size
	kept int          // bytes in free
}

// Allocate returns cleared memory of a size.
func (m *blocks) Allocate(size int) []byte {
	if size < minBlock {
		return m.GoAllocator.Allocate(size)
	}
	class := bits.Len(uint(size - 1))
	n := len(m.free[class])
	if n == 0 {
		return make([]byte, size, 1<<class) // aligned, being so large
	}
	b := m.free[class][n-1]
	m.free[class][n-1] = nil
	m.free[class] = m.free[class][:n-1]
	m.kept -= cap(b)
	return b[:size]
}

// Reallocate returns memory of a size that begins with what is in b, which it frees.
func (m *blocks) Reallocate(size int, b []byte) []byte {
	if size <= cap(b) {
		return b[:size]
	}
	next := m.Allocate(size)
	copy(next, b)
	m.Free(b)
	return next
}

// Free takes back what Allocate or Reallocate returned.
func (m *blocks) Free(b []byte) {
	size := cap(b)
	if size < minBlock || size&(size-1) != 0 {
		return // not one of its own
	}
	b = b[:size]
	clear(b)
	if m.kept+size > maxKept {
		return
	}
	class := bits.Len(uint(size - 1))
	m.free[class] = append(m.free[class], b)
	m.kept += size
}

var _ memory.Allocator = (*blocks)(nil)

// batchSize is how large a batch was.
type batchSize struct {
	rows  int
	bytes int64 // of its facts
	texts []int // bytes in its columns of strings, 0 for the others
}

func measured(p *part) batchSize {
	s := batchSize{p.rows, p.bytes, make([]int, len(p.builder.Fields()))}
	for i, f := range p.builder.Fields() {
		if f, ok := f.(*array.StringBuilder); ok {
			s.texts[i] = f.DataLen()
		}
	}
	return s
}

// reserve makes room in b for a batch like this one, a little larger, of at most so many bytes of facts.
func (s batchSize) reserve(b *array.RecordBuilder, left int64) {
	if s.bytes == 0 || left <= 0 || len(s.texts) != len(b.Fields()) {
		return
	}
	of := min(1.125, float64(left)/float64(s.bytes))
	rows := int(float64(s.rows)*of) + 1
	for i, f := range b.Fields() {
		f.Reserve(rows)
		if f, ok := f.(*array.StringBuilder); ok && s.texts[i] > 0 {
			f.ReserveData(int(float64(s.texts[i])*of) + 1)
		}
	}
}
