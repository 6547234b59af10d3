package wal

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/lakegate/lakegate/internal/disk"
)

// DamageError says that a file of the log is not as it was written, and where.
type DamageError struct {
	Path    string
	Segment uint64 // 0 when the file is not a segment
	Offset  int64
	Reason  string
	Hint    string // what an operator can do
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("log file %s is damaged at byte %d: %s; %s", e.Path, e.Offset, e.Reason, e.Hint)
}

const damageHint = "restore the file from a copy, or give the damaged records up with `lakegate log repair`, which keeps their bytes aside and says how many there were"

// found is what a folder of segments holds.
type found struct {
	fs       disk.FS
	dir      string
	id       uuid.UUID
	known    bool // id is that of a file or a segment
	newID    bool // the ID file is to be written
	boot     uuid.UUID
	segments []*scanned // those with a whole header, oldest first
	unborn   []uint64   // files whose header was never finished
	back     []uint64   // segments that were dropped and are there again
	writing  uint64     // the newest segment that has more than a header: those before it are on disk
	damage   []Damage
	torn     *Torn
	missing  []uint64
	gaps     []gap
	holes    []Hole
}

// scanned is a segment that was read.
type scanned struct {
	Segment
	header header
	first  uint64 // sequence number of its first record or mark, 0 for none
	closed bool   // it ends with the mark of a closed log
	begun  bool   // something was read
	gone   bool   // damage stands in front of the first whole record
	synced int64  // the file was on disk up to here while it was written
}

func (f *found) list() []Segment {
	list := make([]Segment, len(f.segments))
	for i, s := range f.segments {
		list[i] = s.Segment
	}
	return list
}

func (f *found) recovery() *Recovery {
	return &Recovery{Segments: f.list(), Torn: f.torn, Missing: f.missing, Holes: f.holes}
}

// newest and epoch are those of the newest segment, 0 without any.
func (f *found) newest() uint64 { return f.last().Number }
func (f *found) epoch() uint64  { return f.last().Epoch }

func (f *found) last() Segment {
	if len(f.segments) == 0 {
		return Segment{}
	}
	return f.segments[len(f.segments)-1].Segment
}

// sound returns the oldest damage as an error, nil when there is none.
func (f *found) sound() error {
	if len(f.damage) == 0 {
		return nil
	}
	d := f.damage[0]
	return &DamageError{Path: d.Path, Segment: d.Segment, Offset: d.Offset, Reason: d.Reason, Hint: damageHint}
}

// inspect reads every record of every segment in dir behind dropped and changes nothing. What is
// damaged is noted.
func inspect(fs disk.FS, dir string, dropped uint64) (*found, error) {
	numbers, err := segmentNumbers(fs, dir)
	if err != nil {
		return nil, err
	}
	f := &found{fs: fs, dir: dir, boot: bootID(fs.Boot())}
	id, known, err := readID(fs, dir)
	if err != nil {
		return nil, err
	}
	f.id, f.known = id, known
	for len(numbers) > 0 && numbers[0] <= dropped {
		f.back, numbers = append(f.back, numbers[0]), numbers[1:]
	}
	for _, n := range numbers {
		size, _, err := fs.Stat(segmentPath(dir, n))
		if err != nil {
			return nil, fmt.Errorf("inspect log segment: %w", err)
		}
		if size > headerSize {
			f.writing = n
		}
	}
	for _, n := range numbers {
		if err := f.add(n); err != nil {
			return nil, err
		}
	}
	if !f.known {
		f.id = uuid.New()
	}
	f.newID = !known || id != f.id
	f.checkChain()
	f.checkEnds()
	slices.SortStableFunc(f.damage, func(a, b Damage) int {
		return cmp.Or(cmp.Compare(a.Segment, b.Segment), cmp.Compare(a.Offset, b.Offset))
	})
	return f, nil
}

// checkChain looks for segments that a later one names as its predecessor and that are not there.
func (f *found) checkChain() {
	for i, s := range f.segments {
		if slices.Contains(f.unborn, s.Prev) {
			f.damage = append(f.damage, Damage{Path: segmentPath(f.dir, s.Prev), Segment: s.Prev, Reason: "the header is gone", Records: -1, whole: true})
			f.unborn = slices.DeleteFunc(f.unborn, func(n uint64) bool { return n == s.Prev })
		}
		if i > 0 && s.Prev != f.segments[i-1].Number && !f.damaged(s.Prev) {
			f.missing = append(f.missing, s.Prev)
		}
	}
}

// damaged reports whether the file of a segment is there and has no whole header.
func (f *found) damaged(segment uint64) bool {
	return slices.ContainsFunc(f.damage, func(d Damage) bool { return d.whole && d.Segment == segment })
}

// checkEnds looks for epochs that ended with a power cut: the log was not closed, and whoever opened
// it next did so in another run of the operating system.
func (f *found) checkEnds() {
	for i, s := range f.segments {
		next := f.boot
		if i+1 < len(f.segments) {
			if f.segments[i+1].Epoch == s.Epoch {
				continue
			}
			next = f.segments[i+1].header.boot
		}
		unknown := uuid.UUID{}
		if s.closed || s.Epoch == 0 || next == s.header.boot || next == unknown || s.header.boot == unknown {
			continue
		}
		h := Hole{Epoch: s.Epoch, First: s.Last + 1, Last: s.Last, Segment: s.Number, Offset: s.Size}
		if n := len(f.holes); n > 0 && f.holes[n-1].Epoch == s.Epoch && f.holes[n-1].Last == s.Last {
			h = f.holes[n-1] // the end of this epoch was cut off before, and a mark was left
			f.holes = f.holes[:n-1]
		}
		if f.torn != nil && f.torn.Segment == s.Number {
			h.Last = max(h.Last, f.torn.Last)
		}
		h.Open = true
		f.holes = append(f.holes, h)
	}
}

func segmentNumbers(fs disk.FS, dir string) ([]uint64, error) {
	names, err := fs.Names(dir)
	if err != nil {
		return nil, fmt.Errorf("list log segments: %w", err)
	}
	var numbers []uint64
	for _, file := range names {
		name, ok := strings.CutSuffix(file, ".wal")
		if n, err := strconv.ParseUint(name, 10, 64); ok && err == nil && filepath.Base(segmentPath(dir, n)) == file {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// add reads segment n, which is newer than all that were added.
func (f *found) add(n uint64) error {
	path := segmentPath(f.dir, n)
	file, err := f.fs.Open(path)
	if err != nil {
		return fmt.Errorf("inspect log segment: %w", err)
	}
	r := &segmentReader{path: path, file: file}
	defer r.close()
	if r.end, err = file.Size(); err != nil {
		return fmt.Errorf("inspect log segment: %w", err)
	}
	head, err := r.bytes(0, headerSize)
	if err != nil {
		return err
	}
	h, ok := parseHeader(head)
	if r.header = h; !ok {
		r.header.number = n
	}
	switch {
	case !ok && r.end <= headerSize:
		f.unborn = append(f.unborn, n)
		return nil
	case !ok || h.number != n:
		f.damage = append(f.damage, Damage{Path: path, Segment: n, Bytes: r.end, Reason: "the header is not that of this segment", Records: -1, whole: true})
		return nil
	case h.version > version:
		return fmt.Errorf("log segment %s has format %d and this program knows %d: use the newer lakegate that wrote it", path, h.version, version)
	case f.known && h.log != f.id:
		return &DamageError{Path: path, Segment: n, Reason: "the segment is of log " + h.log.String() + " and this is " + f.id.String(), Hint: "move it back to where it came from"}
	}
	f.id, f.known = h.log, true
	return f.read(r)
}

// read reads the records of a segment.
func (f *found) read(r *segmentReader) error {
	h := r.header
	s := &scanned{header: h, Segment: Segment{Number: h.number, Prev: h.prev, Size: h.size(), Epoch: h.epoch}}
	before := f.before(s)
	if before != nil {
		s.Last = before.Last
	}
	for s.Size < r.end {
		e, err := r.read(s.Size)
		damage := new(DamageError)
		if errors.As(err, &damage) {
			next, whole, err := f.broken(r, s, damage)
			if err != nil {
				return err
			}
			if !whole {
				break
			}
			e = next
		} else if err != nil {
			return err
		}
		f.record(s, before, e)
	}
	f.segments = append(f.segments, s)
	return nil
}

// before returns the segment in front of s, if it is there and of the same epoch.
func (f *found) before(s *scanned) *scanned {
	if n := len(f.segments); n > 0 && f.segments[n-1].Number == s.Prev && f.segments[n-1].Epoch == s.Epoch {
		return f.segments[n-1]
	}
	return nil
}

// record takes in a whole record or a mark.
func (f *found) record(s, before *scanned, e Entry) {
	if !s.begun {
		f.begin(s, before, e)
	}
	s.begun, s.synced = true, max(s.synced, e.synced)
	if s.first == 0 {
		s.first = e.Sequence
	}
	switch {
	case e.Kind != markKind:
		s.Records++
	case len(e.Payload) > 0 && e.Payload[0] == markClosed:
		s.closed = true
	default:
		f.gaps = append(f.gaps, gap{s.Number, e.Pos.Offset, e.Next.Offset})
		f.holes = append(f.holes, Hole{
			Epoch: s.Epoch, First: s.Last + 1, Last: max(s.Last, e.Sequence), Open: e.Sequence == 0,
			Segment: s.Number, Offset: e.Pos.Offset,
		})
	}
	s.Last = max(s.Last, e.Sequence)
	s.Size = e.Next.Offset
}

// begin takes in the first whole record of a segment, or mark: it continues where the one before
// ended, or records are missing there.
func (f *found) begin(s, before *scanned, e Entry) {
	if s.gone || s.Epoch == 0 {
		return
	}
	n := len(f.segments)
	if before == nil {
		if n > 0 && f.segments[n-1].Epoch == s.Epoch {
			// The segments in between are not there. Their records can be counted all the same.
			f.holes = append(f.holes, Hole{Epoch: s.Epoch, First: f.segments[n-1].Last + 1, Last: e.Sequence - 1, Segment: s.Prev})
		}
		return
	}
	if d := len(f.damage) - 1; d >= 0 && f.damage[d].tail && f.damage[d].Segment == before.Number {
		f.damage[d].between(before.Last, e.Sequence)
		return
	}
	isGap := e.Kind == markKind && (len(e.Payload) == 0 || e.Payload[0] == markGap)
	if e.Sequence != before.Last+1 && !isGap {
		d := Damage{Path: segmentPath(f.dir, before.Number), Segment: before.Number, Offset: before.Size, Reason: "records are missing at the end", tail: true}
		d.between(before.Last, e.Sequence)
		f.damage = append(f.damage, d)
	}
}

// broken looks behind bytes that are no record. With whole records there it is damage, and reading
// goes on at the first of them; a torn tail otherwise, which only the newest segment can have: the
// others were synced before a newer one was written. After a power cut any part of what was not
// synced may be there: whole records behind the first broken one are part of the torn tail then, if
// none of them was written when the broken one was known to be on disk.
func (f *found) broken(r *segmentReader, s *scanned, damage *DamageError) (next Entry, whole bool, err error) {
	next, whole, err = r.findRecord(s.Size + 1)
	if err != nil {
		return next, false, err
	}
	at, last := next.Pos.Offset, next.Sequence
	older := s.Number < f.writing
	if whole && !older && f.boot != s.header.boot && s.Epoch > 0 {
		synced := false
		for e, more := next, true; more; {
			synced = synced || e.synced > s.Size
			last = e.Sequence
			if e, more, err = r.findRecord(e.Next.Offset); err != nil {
				return next, false, err
			}
		}
		if !synced {
			whole = false
		}
	}
	if !whole && older {
		f.damage = append(f.damage, Damage{Path: r.path, Segment: s.Number, Offset: s.Size, Bytes: r.end - s.Size, Reason: damage.Reason + ", and a newer segment has records", Records: -1, tail: true})
		return next, false, nil
	}
	if !whole {
		f.torn = &Torn{Segment: s.Number, Offset: s.Size, Bytes: r.end - s.Size, Last: last}
		return next, false, nil
	}
	d := Damage{Path: r.path, Segment: s.Number, Offset: s.Size, Bytes: at - s.Size, Reason: damage.Reason, Records: -1}
	if next, whole, err = r.findRecord(at); err != nil || !whole { // its payload may have been read over
		return next, false, err
	}
	d.between(s.Last, next.Sequence)
	f.damage = append(f.damage, d)
	s.gone = !s.begun
	s.Last = next.Sequence - min(next.Sequence, 1)
	return next, true, nil
}

// cut makes the folder what inspect says it is: a torn tail goes, and so do files that never became
// segments. Records that are known to have been in the tail leave a mark.
func (f *found) cut() error {
	if f.newID {
		if err := writeID(f.fs, f.dir, f.id); err != nil {
			return err
		}
	}
	for _, n := range slices.Concat(f.back, f.unborn) {
		if err := f.fs.Remove(segmentPath(f.dir, n)); err != nil {
			return fmt.Errorf("remove log segment %d, which nobody needs: %w", n, err)
		}
	}
	for i := len(f.segments) - 1; i >= 0; i-- {
		s := f.segments[i]
		if f.torn != nil && s.Number == f.torn.Segment {
			if err := f.cutSegment(s); err != nil {
				return fmt.Errorf("cut torn log segment: %w", err)
			}
		}
		if s.Size > s.header.size() {
			return f.settle(s)
		}
	}
	return nil
}

// settle puts the newest records on disk before newer ones follow in another segment: the process
// that wrote them may not have come to sync them, or its sync may have failed, also the last. After a sync that
// failed the system takes the bytes for written, so they are written again.
func (f *found) settle(s *scanned) error {
	file, err := f.fs.Edit(segmentPath(f.dir, s.Number))
	if err != nil {
		return fmt.Errorf("settle log segment: %w", err)
	}
	if s.Epoch > 0 {
		b := make([]byte, s.Size-max(s.synced, headerSize))
		if _, err = file.ReadAt(b, s.Size-int64(len(b))); err == nil || errors.Is(err, io.EOF) {
			_, err = file.WriteAt(b, s.Size-int64(len(b)))
		}
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("settle log segment %d: %w", s.Number, err)
	}
	return nil
}

func (f *found) cutSegment(s *scanned) error {
	file, err := f.fs.Edit(segmentPath(f.dir, s.Number))
	if err != nil {
		return err
	}
	var mark []byte
	if f.torn.Last > s.Last {
		mark = gapMark(s.header, f.torn.Offset, f.torn.Last, 1)
		_, err = file.WriteAt(mark, f.torn.Offset)
	}
	if err == nil {
		err = file.Truncate(f.torn.Offset + int64(len(mark)))
	}
	if err == nil {
		err = file.Sync()
	}
	if err == nil && mark != nil {
		s.Size += int64(len(mark))
		f.gaps = append(f.gaps, gap{s.Number, f.torn.Offset, f.torn.Offset + f.torn.Bytes})
	}
	return errors.Join(err, file.Close())
}
