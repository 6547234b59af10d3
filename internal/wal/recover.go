package wal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
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

const damageHint = "restore the file from a copy, or move it out of the folder to start without its records (they are then reported as missing)"

// found is what a folder of segments holds.
type found struct {
	id       uuid.UUID
	newID    bool      // the ID file is to be written
	segments []Segment // whole ones, oldest first
	torn     *Torn
	unborn   []uint64 // files whose header was never finished
	missing  []uint64
}

func (f *found) recovery() *Recovery {
	return &Recovery{Segments: slices.Clone(f.segments), Torn: f.torn, Missing: f.missing}
}

// inspect reads every record of every segment in dir and changes nothing.
func inspect(dir string) (*found, error) {
	numbers, err := segmentNumbers(dir)
	if err != nil {
		return nil, err
	}
	f := &found{}
	id, known, err := readID(dir)
	if err != nil {
		return nil, err
	}
	f.id = id
	for _, n := range numbers {
		if err := f.add(dir, n, &known); err != nil {
			return nil, err
		}
	}
	if !known {
		f.id = uuid.New()
	}
	f.newID = !known || id != f.id
	return f, f.checkChain(dir)
}

// checkChain looks for segments that a later one names as its predecessor and that are not there.
func (f *found) checkChain(dir string) error {
	for i, s := range f.segments {
		if slices.Contains(f.unborn, s.Prev) {
			return &DamageError{Path: segmentPath(dir, s.Prev), Segment: s.Prev, Reason: "the header is gone", Hint: damageHint}
		}
		if i > 0 && s.Prev != f.segments[i-1].Number {
			f.missing = append(f.missing, s.Prev)
		}
	}
	return nil
}

func segmentNumbers(dir string) ([]uint64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list log segments: %w", err)
	}
	var numbers []uint64
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".wal")
		if n, err := strconv.ParseUint(name, 10, 64); ok && err == nil && filepath.Base(segmentPath(dir, n)) == e.Name() {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// add reads segment n, which is newer than all that were added. What is not whole may only be at
// the log's very end: a crash cannot damage what was followed by a newer record.
func (f *found) add(dir string, n uint64, known *bool) error {
	info, err := os.Stat(segmentPath(dir, n))
	if err != nil {
		return fmt.Errorf("inspect log segment: %w", err)
	}
	r, err := openSegment(dir, n, info.Size())
	if err != nil {
		return err
	}
	defer r.close()
	head, err := r.bytes(0, headerSize)
	if err != nil {
		return err
	}
	if len(head) < headerSize {
		f.unborn = append(f.unborn, n)
		return nil
	}
	s, id, ver, ok := parseHeader(head)
	switch {
	case !ok && info.Size() == headerSize:
		f.unborn = append(f.unborn, n)
		return nil
	case !ok || s.Number != n:
		return r.damage(0, "the header is not that of this segment")
	case ver > version:
		return fmt.Errorf("log segment %s has format %d and this program knows %d: use the newer lakegate that wrote it", r.path, ver, version)
	case *known && id != f.id:
		return &DamageError{Path: r.path, Segment: n, Reason: "the segment is of log " + id.String() + " and this is " + f.id.String(), Hint: "move it back to where it came from"}
	}
	f.id, *known = id, true
	return f.readRecords(r, s)
}

// readRecords reads the segment to its end or to the first thing that is no record.
func (f *found) readRecords(r *segmentReader, s Segment) error {
	for s.Size = headerSize; s.Size < r.end; s.Records++ {
		if f.torn != nil {
			return &DamageError{Path: segmentPath(filepath.Dir(r.path), f.torn.Segment), Segment: f.torn.Segment, Offset: f.torn.Offset, Reason: "no record starts here, and a newer segment has records", Hint: damageHint}
		}
		e, err := r.read(s.Size)
		damage := new(DamageError)
		if errors.As(err, &damage) {
			_, more, err := r.findRecord(s.Size + 1)
			if err != nil {
				return err
			}
			if more {
				return damage
			}
			f.torn = &Torn{Segment: s.Number, Offset: s.Size, Bytes: r.end - s.Size}
			break
		}
		if err != nil {
			return err
		}
		s.Size = e.Next.Offset
	}
	f.segments = append(f.segments, s)
	return nil
}

// repair makes the folder what inspect says it is.
func (f *found) repair(dir string) error {
	if f.newID {
		if err := writeID(dir, f.id); err != nil {
			return err
		}
	}
	for _, n := range f.unborn {
		if err := os.Remove(segmentPath(dir, n)); err != nil {
			return fmt.Errorf("remove unfinished log segment: %w", err)
		}
	}
	if f.torn == nil {
		return nil
	}
	file, err := os.OpenFile(segmentPath(dir, f.torn.Segment), os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("cut torn log segment: %w", err)
	}
	err = file.Truncate(f.torn.Offset)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}
