package wal

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"

	"github.com/lakegate/lakegate/internal/disk"
)

// window is how much of a segment is read at a time, in bytes.
const window = 256 << 10

// Entry is one record as it is read back.
type Entry struct {
	Pos     Pos
	Next    Pos // where the record behind it starts, if there is one in this segment
	Kind    byte
	Payload []byte // valid until the next step of whoever handed the Entry out
	// Sequence counts the records of one epoch; 0 in the first format.
	Sequence uint64
	synced   int64 // the segment was on disk up to here when the record was written
}

// Cursor reads records. It keeps files open: Close it. Reading a segment that is dropped meanwhile
// is fine when the Cursor has it open already. The zero Cursor reads an empty log.
type Cursor struct {
	fs     disk.FS
	dir    string
	list   func() []Segment
	gaps   []gap
	scan   *segmentReader            // of the Scan under way, whose windows Read looks in first
	random map[uint64]*segmentReader // for Read
}

// gap is a stretch of a segment that Repair, or Open after a power cut, gave up.
type gap struct {
	segment  uint64
	from, to int64
}

// Cursor returns a new Cursor over the log, the active segment included.
func (l *Log) Cursor() *Cursor {
	return &Cursor{fs: l.fs, dir: l.dir, list: l.Segments, gaps: l.gaps}
}

func (c *Cursor) segments() []Segment {
	if c.list == nil {
		return nil
	}
	return c.list()
}

// Scan yields the records at from and behind it and in front of to, in order. It ends after the
// first error, which it yields; damage is a *DamageError. The zero from is the oldest record.
func (c *Cursor) Scan(from, to Pos) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for _, s := range c.segments() {
			if s.Number < from.Segment || s.Number > to.Segment {
				continue
			}
			first, end := int64(0), s.Size
			if s.Number == from.Segment {
				first = from.Offset
			}
			if s.Number == to.Segment {
				end = min(end, to.Offset)
			}
			if first < end && !c.scanSegment(s.Number, first, end, yield) {
				return
			}
		}
	}
}

// scanSegment yields the records of one segment and reports whether to go on.
func (c *Cursor) scanSegment(number uint64, first, end int64, yield func(Entry, error) bool) bool {
	r, err := openSegment(c.fs, c.dir, number, end)
	if err != nil {
		yield(Entry{}, err)
		return false
	}
	defer r.close()
	defer func(outer *segmentReader) { c.scan = outer }(c.scan)
	c.scan = r
	for at := max(first, r.header.size()); at < end; {
		e, err := r.read(at)
		if err != nil {
			yield(Entry{}, err)
			return false
		}
		if e.Kind != markKind && !yield(e, nil) {
			return false
		}
		at = e.Next.Offset
	}
	return true
}

// Read returns the record at pos. os.ErrNotExist says that the segment is gone, or that the record is
// one of those that were given up.
func (c *Cursor) Read(pos Pos) (Entry, error) {
	for _, g := range c.gaps {
		if g.segment == pos.Segment && pos.Offset >= g.from && pos.Offset < g.to {
			return Entry{}, fmt.Errorf("read log at %v: the record was given up: %w", pos, os.ErrNotExist)
		}
	}
	if c.scan != nil && c.scan.header.number == pos.Segment {
		if e, ok := c.scan.recall(pos.Offset); ok {
			return e, nil
		}
	}
	r, err := c.reader(pos)
	if err != nil {
		return Entry{}, err
	}
	return r.read(pos.Offset)
}

// reader returns what reads the segment of a position.
func (c *Cursor) reader(pos Pos) (*segmentReader, error) {
	r := c.random[pos.Segment]
	if r != nil && pos.Offset < r.end {
		return r, nil
	}
	if r != nil {
		r.close()
	}
	delete(c.random, pos.Segment)
	all := c.segments()
	i := slices.IndexFunc(all, func(s Segment) bool { return s.Number == pos.Segment })
	if i < 0 || pos.Offset >= all[i].Size {
		return nil, fmt.Errorf("read log at %v: %w", pos, os.ErrNotExist)
	}
	r, err := openSegment(c.fs, c.dir, pos.Segment, all[i].Size)
	if err != nil {
		return nil, err
	}
	if c.random == nil {
		c.random = map[uint64]*segmentReader{}
	}
	c.random[pos.Segment] = r
	return r, nil
}

// Close closes the files. It is safe twice.
func (c *Cursor) Close() {
	for _, r := range c.random {
		r.close()
	}
	c.random = nil
}

// segmentReader reads the frames of one segment file through a window.
type segmentReader struct {
	path   string
	header header
	end    int64 // nothing is read from here on
	file   disk.File
	buf    []byte
	at     int64  // file offset of buf[0]
	last   []byte // the window before: what is read again is mostly what was read a moment ago
	lastAt int64
	sum    sumInput
}

// openSegment opens a segment whose header is known to be whole.
func openSegment(fs disk.FS, dir string, number uint64, end int64) (*segmentReader, error) {
	path := segmentPath(dir, number)
	f, err := fs.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open log segment: %w", err)
	}
	r := &segmentReader{path: path, file: f, end: end}
	head, err := r.bytes(0, headerSize)
	if err != nil {
		r.close()
		return nil, err
	}
	h, ok := parseHeader(head)
	if !ok || h.number != number {
		r.close()
		r.header.number = number
		return nil, r.damage(0, "the header is not that of this segment")
	}
	r.header = h
	return r, nil
}

func (r *segmentReader) close() { _ = r.file.Close() } // only read from

// bytes returns n bytes at an offset, or fewer at the segment's end.
func (r *segmentReader) bytes(at int64, n int) ([]byte, error) {
	n = int(min(int64(n), r.end-at))
	if i := at - r.at; i >= 0 && i+int64(n) <= int64(len(r.buf)) {
		return r.buf[i : i+int64(n)], nil
	}
	want := int(min(int64(max(n, window)), r.end-at))
	r.last, r.lastAt, r.buf = r.buf, r.at, r.last
	r.buf = slices.Grow(r.buf[:0], want)[:want]
	r.at = at
	got, err := r.file.ReadAt(r.buf, at)
	r.buf = r.buf[:got]
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read log segment %s: %w", r.path, err)
	}
	return r.buf[:min(n, got)], nil
}

// read returns the record whose frame starts at an offset. What is not a whole record is a
// *DamageError.
func (r *segmentReader) read(at int64) (Entry, error) {
	pos, frameBytes := Pos{r.header.number, at}, r.header.frame()
	head, err := r.bytes(at, frameBytes)
	if err != nil {
		return Entry{}, err
	}
	f, ok := parseFrame(head, frameBytes, pos, &r.sum)
	if !ok {
		return Entry{}, r.damage(at, "no record starts here")
	}
	b, err := r.bytes(at, frameBytes+f.size)
	if err != nil {
		return Entry{}, err
	}
	if len(b) < frameBytes+f.size {
		return Entry{}, r.damage(at, "the record ends behind the end of the file")
	}
	e, ok := f.entry(pos, b, frameBytes)
	if !ok {
		return Entry{}, r.damage(at, "the record's checksum does not match")
	}
	return e, nil
}

// entry returns the record of a frame that stands at the beginning of b, if its checksum matches.
func (f frame) entry(pos Pos, b []byte, frameBytes int) (_ Entry, ok bool) {
	body := b[frameBytes : frameBytes+f.size]
	if recordSum(body[0], body[1:]) != f.sum {
		return Entry{}, false
	}
	next := Pos{pos.Segment, pos.Offset + int64(frameBytes+f.size)}
	return Entry{Pos: pos, Next: next, Kind: body[0], Payload: body[1:], Sequence: f.seq, synced: f.synced}, true
}

// recall returns the record at an offset if it is in memory, whole and sound. It moves no window.
func (r *segmentReader) recall(at int64) (_ Entry, ok bool) {
	pos, frameBytes := Pos{r.header.number, at}, r.header.frame()
	for _, w := range [...]struct {
		at  int64
		buf []byte
	}{{r.at, r.buf}, {r.lastAt, r.last}} {
		if at < w.at || at >= w.at+int64(len(w.buf)) {
			continue
		}
		b := w.buf[at-w.at:]
		f, ok := parseFrame(b[:min(len(b), frameBytes)], frameBytes, pos, &r.sum)
		if !ok || f.size > len(b)-frameBytes {
			continue
		}
		return f.entry(pos, b, frameBytes)
	}
	return Entry{}, false
}

// findRecord returns the first whole record at or behind an offset; ok is false when there is none.
func (r *segmentReader) findRecord(at int64) (_ Entry, ok bool, err error) {
	frameBytes := r.header.frame()
	for ; at+int64(frameBytes) < r.end; at++ {
		head, err := r.bytes(at, frameBytes)
		if err != nil {
			return Entry{}, false, err
		}
		if len(head) < frameBytes {
			return Entry{}, false, nil
		}
		if _, ok := parseFrame(head, frameBytes, Pos{r.header.number, at}, &r.sum); !ok {
			continue
		}
		e, err := r.read(at)
		if err == nil {
			return e, true, nil
		}
		if damaged := new(DamageError); !errors.As(err, &damaged) {
			return Entry{}, false, err
		}
	}
	return Entry{}, false, nil
}

func (r *segmentReader) damage(at int64, reason string) error {
	return &DamageError{Path: r.path, Segment: r.header.number, Offset: at, Reason: reason, Hint: damageHint}
}
