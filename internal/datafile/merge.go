package datafile

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lakegate/lakegate/internal/tableschema"
)

// Input is a file to be merged.
type Input struct {
	Name string // for errors
	// Open gives access to the file; close is called when it has been read.
	Open   func(ctx context.Context) (src Source, close func() error, err error)
	Size   int64 // bytes
	Sorted bool  // by the same columns: it is read bit by bit
	// Read, when set, sees every batch as it comes from the file. Its error ends the merge. It doesn't
	// keep the batch.
	Read func(b arrow.RecordBatch) error
	// From is a lower bound of the first column to sort by, as microseconds, days or the number
	// itself; math.MinInt64 when nothing is known. Files are opened when the merge has come so far.
	From int64
}

// InputError is what is wrong with one of the inputs.
type InputError struct {
	Name string
	Err  error
}

// Error implements error.
func (e *InputError) Error() string { return fmt.Sprintf("file %s: %v", e.Name, e.Err) }

// Unwrap returns what is wrong.
func (e *InputError) Unwrap() error { return e.Err }

// MergeOptions say how to merge. Start from the zero value and set TargetBytes.
type MergeOptions struct {
	TargetBytes int64 // a file that is half as large again is ended, and another begun
	// MemoryBytes bounds the rows of open inputs: 0 for 32 MiB. What doesn't fit is opened later, and
	// the order of the rows suffers.
	MemoryBytes int64
	Options     Options
	// Check, when set, sees every row on its way into a file. Its error ends the merge. It doesn't
	// keep the batch.
	Check func(b arrow.RecordBatch) error
}

// Merged is a file made of several.
type Merged struct {
	File
	// Sorted says that the rows are in the order of the table's SortBy, and follow those of the files
	// emitted before.
	Sorted bool
}

const (
	mergeMemory = 32 << 20
	outRows     = 8192
	outBytes    = 4 << 20
)

// Merge reads the inputs, files of one partition of the table, and gives emit files with the same
// rows, sorted by the table's SortBy as far as memory goes. It returns the number of rows read, which
// is that of the rows in the files. Memory: MemoryBytes, the file that is being made, and some 50 MiB
// for the row group under way. An *InputError says which input can't be read, ErrNoColumn among them (see OpenReader). An
// error of emit ends it.
func Merge(ctx context.Context, inputs []Input, t *tableschema.Table, opt MergeOptions, emit func(Merged) error) (rows int64, err error) {
	if opt.MemoryBytes <= 0 {
		opt.MemoryBytes = mergeMemory
	}
	m := &merger{ctx: ctx, table: t, opt: opt, emit: emit, pending: slices.Clone(inputs)}
	slices.SortStableFunc(m.pending, func(a, b Input) int { return cmp.Compare(a.From, b.From) })
	for _, in := range inputs {
		m.expected += in.Size
	}
	for _, name := range t.SortBy {
		m.by = append(m.by, slices.IndexFunc(Body(t), func(c tableschema.Column) bool { return c.Name == name }))
	}
	m.builder = array.NewRecordBuilder(mem, bodySchema(Body(t)))
	defer m.close()
	for m.fill(); m.err == nil && len(m.open) > 0; m.fill() {
		if m.err = ctx.Err(); m.err == nil {
			m.take()
		}
	}
	if m.err == nil {
		m.flush()
		m.finish()
	}
	if m.err == nil && m.read != m.written {
		m.err = fmt.Errorf("%d rows were read and %d written", m.read, m.written)
	}
	return m.read, m.err
}

// merger is the state of one Merge.
type merger struct {
	ctx      context.Context // lives as long as Merge
	table    *tableschema.Table
	by       []int // positions of the columns to sort by
	opt      MergeOptions
	emit     func(Merged) error
	pending  []Input // by From
	full     bool    // there is no memory for another input
	open     cursors
	expected int64 // bytes, at most

	builder *array.RecordBuilder
	plan    []step // rows that wait to be copied
	bytes   int64  // of the rows in plan and builder, about
	out     *Writer
	last    []keyValue // of the newest row; nil before the first
	falls   bool       // a row came after a greater one

	read, written int64
	err           error
}

// step is a row that comes next in the output.
type step struct {
	from *chunkBatch
	row  int32
}

// fill opens the inputs whose rows may come next, as far as memory allows.
func (m *merger) fill() {
	for m.err == nil && len(m.pending) > 0 && m.isNext(m.pending[0]) {
		in := m.pending[0]
		m.pending = m.pending[1:]
		c := &cursor{m: m, in: in, number: -len(m.pending)}
		more, err := c.start()
		if err != nil {
			m.err = errors.Join(err, c.close())
			return
		}
		if more {
			heap.Push(&m.open, c)
		}
	}
}

// isNext reports whether an input must be open before the next row is taken.
func (m *merger) isNext(in Input) bool {
	if len(m.open) == 0 {
		return true
	}
	if !m.reached() {
		return false
	}
	used := m.estimate(in)
	for _, c := range m.open {
		used += max(c.chunk.bytes, m.estimate(c.in))
	}
	m.full = used > m.opt.MemoryBytes
	return !m.full
}

// reached reports whether the next row may come after the first one of an input that is not open.
func (m *merger) reached() bool {
	return len(m.pending) > 0 && len(m.by) > 0 && !m.full && m.pending[0].From <= m.open[0].firstKey()
}

// estimate is how much an input takes when it is open.
func (m *merger) estimate(in Input) int64 {
	if in.Sorted {
		return min(in.Size, streamGroupBytes) + outBytes
	}
	return min(6*in.Size, m.chunkBytes())
}

// chunkBytes is how much of one unsorted input is sorted at once.
func (m *merger) chunkBytes() int64 { return m.opt.MemoryBytes / 2 }

// take takes rows from the input that is first, as long as it is.
func (m *merger) take() {
	c := m.open[0]
	if !c.checked {
		m.falls = m.falls || (m.last != nil && c.chunk.compareTo(c.pos, m.last) < 0)
		c.checked = true
	}
	for m.err == nil {
		p := c.chunk.order[c.pos]
		m.plan = append(m.plan, step{&c.chunk.batches[p.batch], p.row})
		m.bytes += c.chunk.bytes / int64(len(c.chunk.order))
		m.read++
		if c.pos++; c.pos == len(c.chunk.order) {
			m.advance(c)
			return
		}
		if due := m.due(); due || m.open.behind() || m.reached() {
			heap.Fix(&m.open, 0)
			if due {
				m.flush()
			}
			return
		}
	}
}

// advance brings the first cursor, whose rows are all taken, to its next ones.
func (m *merger) advance(c *cursor) {
	m.last, m.full = c.chunk.at(c.pos-1), false
	m.flushPlan()
	more, err := c.next()
	switch {
	case err != nil:
		m.err = err
	case more:
		heap.Fix(&m.open, 0)
	default:
		heap.Pop(&m.open)
		m.err = c.close()
	}
}

// due reports whether there are enough rows for a batch.
func (m *merger) due() bool {
	return m.builder.Field(0).Len()+len(m.plan) >= outRows || m.bytes >= outBytes
}

// flushPlan copies the rows that wait, column by column, so that what they are in can be released.
func (m *merger) flushPlan() {
	for column, field := range m.builder.Fields() {
		for _, s := range m.plan {
			f := s.from.copy[column]
			if f == nil {
				f = copier(field, s.from.batch.Column(column))
				s.from.copy[column] = f
			}
			f(int(s.row))
		}
	}
	m.plan = m.plan[:0]
}

// flush writes the rows that were taken.
func (m *merger) flush() {
	m.flushPlan()
	if m.builder.Field(0).Len() == 0 {
		return
	}
	b := m.builder.NewRecordBatch()
	defer b.Release()
	m.bytes = 0
	if m.opt.Check != nil {
		m.err = m.opt.Check(b)
	}
	if m.err == nil {
		m.err = m.write(b)
	}
}

func (m *merger) write(b arrow.RecordBatch) error {
	if m.out == nil {
		// Merged files are never much larger than their parts together. A little room, because a buffer
		// that is too small by a byte becomes two of twice the size.
		expected := max(0, min(m.expected, m.opt.TargetBytes))
		m.out = NewWriter(m.table, m.opt.Options, int(expected+expected/16+1<<16))
	}
	if err := m.out.Write(b); err != nil {
		return err
	}
	if m.out.Size() >= m.opt.TargetBytes+m.opt.TargetBytes/2 {
		m.finish()
	}
	return m.err
}

// finish ends the file under way, if any, and hands it on.
func (m *merger) finish() {
	if m.out == nil || m.err != nil {
		return
	}
	f, err := m.out.Close()
	m.out = nil
	if err != nil {
		m.err = err
		return
	}
	m.expected -= int64(len(f.Data))
	m.written += f.Rows
	m.err = m.emit(Merged{*f, !m.falls && len(m.by) > 0})
}

func (m *merger) close() {
	for _, c := range m.open {
		m.err = errors.Join(m.err, c.close())
	}
	m.builder.Release()
}

// cursor is an input that is open, at one of its rows.
type cursor struct {
	m       *merger
	in      Input
	number  int // where rows are equal, the older input's come first
	reader  *Reader
	closing func() error
	chunk   chunk
	pos     int
	checked bool // that the chunk doesn't begin before the newest row taken
}

// start opens the input and reads its first rows; false when it has none.
func (c *cursor) start() (more bool, err error) {
	defer c.named(&err)
	src, closing, err := c.in.Open(c.m.ctx)
	if err != nil {
		return false, err
	}
	c.closing = closing
	if c.reader, err = OpenReader(c.m.ctx, src, c.m.table); err != nil {
		return false, err
	}
	more, err = c.next()
	if err == nil && !more {
		err = c.close()
	}
	return more, err
}

// named makes an error an *InputError, and a panic of the Parquet reader as well.
func (c *cursor) named(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("damaged parquet file: %v", p)
	}
	var already *InputError
	if *err != nil && !errors.As(*err, &already) {
		*err = &InputError{c.in.Name, *err}
	}
}

// next replaces the chunk by the next rows: one batch of a sorted input, and of others as many as may
// be in memory.
func (c *cursor) next() (_ bool, err error) {
	defer c.named(&err)
	c.chunk.release()
	c.pos, c.checked = 0, false
	for c.reader != nil {
		b, err := c.reader.Next()
		if errors.Is(err, io.EOF) {
			c.reader.Close() // its buffers are larger than the rows
			c.reader = nil
			break
		}
		if err != nil {
			return false, err
		}
		c.chunk.add(b, c.m.by)
		if c.in.Read != nil {
			if err := c.in.Read(b); err != nil {
				return false, err
			}
		}
		if c.in.Sorted || c.chunk.bytes >= c.m.chunkBytes() {
			break
		}
	}
	c.chunk.sort()
	return len(c.chunk.order) > 0, nil
}

// firstKey is the first column to sort by of the row that is next.
func (c *cursor) firstKey() int64 {
	p := c.chunk.order[c.pos]
	k := c.chunk.batches[p.batch].keys[0]
	if k.ints == nil {
		return math.MinInt64
	}
	return k.ints[p.row]
}

// close releases everything. It is safe twice.
func (c *cursor) close() error {
	c.chunk.release()
	if c.reader != nil {
		c.reader.Close()
		c.reader = nil
	}
	if c.closing == nil {
		return nil
	}
	closing := c.closing
	c.closing = nil
	return closing()
}

// cursors is a heap of them, by their next rows.
type cursors []*cursor

func (h cursors) Len() int      { return len(h) }
func (h cursors) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *cursors) Push(x any)   { *h = append(*h, x.(*cursor)) }

func (h *cursors) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

func (h cursors) Less(i, j int) bool {
	a, b := h[i], h[j]
	p, q := a.chunk.order[a.pos], b.chunk.order[b.pos]
	if c := compareKeys(a.chunk.batches[p.batch].keys, int(p.row), b.chunk.batches[q.batch].keys, int(q.row)); c != 0 {
		return c < 0
	}
	return a.number < b.number
}

// behind reports whether another cursor's row comes before that of the first.
func (h cursors) behind() bool {
	return (len(h) > 1 && h.Less(1, 0)) || (len(h) > 2 && h.Less(2, 0))
}
