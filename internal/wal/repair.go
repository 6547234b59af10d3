package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/lakegate/lakegate/internal/disk"
)

// Damage is bytes of a log that are not what was written there.
type Damage struct {
	Path    string
	Segment uint64
	Offset  int64
	Bytes   int64 // up to the next whole record, or to the end of the file
	Reason  string
	// First and Last are the sequence numbers of the records that were there; 0 when they are not known.
	First, Last uint64
	Records     int64 // how many that were; -1 when it cannot be told

	whole bool // all of the file: its header is gone
	tail  bool // up to the end of the segment
}

// between says that the records between two sequence numbers were there.
func (d *Damage) between(before, after uint64) {
	d.Records = -1
	if after > before+1 {
		d.First, d.Last, d.Records = before+1, after-1, int64(after-before-1)
	}
}

// Inspection is what a log's folder holds.
type Inspection struct {
	ID       string
	Segments []SegmentReport // oldest first; those whose header is gone are in Damage only
	Damage   []Damage        // oldest first: Open refuses as long as there is any
	Torn     *Torn           // a tail that the next Open will cut off
	Missing  []uint64        // segments that are not there
	Holes    []Hole          // records that are gone, or may be
}

// SegmentReport describes one segment file.
type SegmentReport struct {
	Segment
	Path   string
	Format int
	First  uint64 // sequence number of its first record, 0 for none
	Closed bool   // the log was closed here
}

// Inspect reads the log in a folder that no process writes, and changes nothing. ErrLocked when a
// process writes it.
func Inspect(fs disk.FS, dir string) (_ *Inspection, err error) {
	lock, err := lockDir(fs, dir, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	f, err := inspect(fs, dir, 0)
	if err != nil {
		return nil, err
	}
	return f.report(), nil
}

func (f *found) report() *Inspection {
	i := &Inspection{ID: f.id.String(), Damage: f.damage, Torn: f.torn, Missing: f.missing, Holes: f.holes}
	for _, s := range f.segments {
		i.Segments = append(i.Segments, SegmentReport{
			Segment: s.Segment, Path: segmentPath(f.dir, s.Number), Format: int(s.header.version), First: s.first, Closed: s.closed,
		})
	}
	return i
}

// Repaired is what Repair gave up.
type Repaired struct {
	Damage []Damage
	Saved  []string // files with the bytes that were there, one for each damage that had any
	// Records is how many records went; AtLeast says that some damage does not tell how many it took.
	Records int64
	AtLeast bool
}

// Repair gives up the damaged records of a log that no process writes, so that Open takes it again.
// Their bytes go to files in the folder damaged/ beside the segments first, and a mark stays where
// they were: the next Open reports it as a Hole. Segments whose header is gone are moved there whole
// and are missing from then on. Without damage nothing is changed. Being stopped anywhere is
// harmless: Repair again. ErrLocked when a process writes the log.
func Repair(fs disk.FS, dir string) (_ *Repaired, err error) {
	lock, err := lockDir(fs, dir, true)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	f, err := inspect(fs, dir, 0)
	if err != nil {
		return nil, err
	}
	done := &Repaired{}
	for _, d := range f.damage {
		saved, err := f.giveUp(d)
		if err != nil {
			return done, fmt.Errorf("repair log segment %d at %d: %w", d.Segment, d.Offset, err)
		}
		done.Damage = append(done.Damage, d)
		if saved != "" {
			done.Saved = append(done.Saved, saved)
		}
		done.Records += max(d.Records, 1) // no damage took less than a record
		done.AtLeast = done.AtLeast || d.Records < 0
	}
	return done, nil
}

// giveUp saves the bytes of one damage and puts a mark in their place. It returns the file they are in.
func (f *found) giveUp(d Damage) (saved string, err error) {
	if d.Bytes > 0 {
		if saved, err = f.save(d); err != nil {
			return "", err
		}
	}
	if d.whole {
		if err := f.fs.Remove(d.Path); err != nil {
			return saved, err
		}
		return saved, f.fs.SyncDir(f.dir)
	}
	file, err := f.fs.Edit(d.Path)
	if err != nil {
		return saved, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	var h header
	for _, s := range f.segments {
		if s.Number == d.Segment {
			h = s.header
		}
	}
	payload := 1
	if !d.tail {
		payload = int(d.Bytes) - h.frame() - 1
	}
	if payload < 0 || payload > MaxRecord {
		return saved, fmt.Errorf("%d bytes have no place for a mark", d.Bytes)
	}
	mark := gapMark(h, d.Offset, d.Last, payload)
	if _, err := file.WriteAt(mark, d.Offset); err != nil {
		return saved, err
	}
	if d.tail {
		if err := file.Truncate(d.Offset + int64(len(mark))); err != nil {
			return saved, err
		}
	}
	return saved, file.Sync()
}

// save copies the damaged bytes to a new file, on disk.
func (f *found) save(d Damage) (string, error) {
	file, err := f.fs.Open(d.Path)
	if err != nil {
		return "", err
	}
	b := make([]byte, d.Bytes)
	_, err = file.ReadAt(b, d.Offset)
	if err = errors.Join(err, file.Close()); err != nil {
		return "", err
	}
	dir := filepath.Join(f.dir, "damaged")
	if err := disk.MakeDir(f.fs, dir); err != nil {
		return "", err
	}
	for n := 1; ; n++ {
		path := filepath.Join(dir, fmt.Sprintf("%020d-%d.%d", d.Segment, d.Offset, n))
		if _, _, err := f.fs.Stat(path); !errors.Is(err, os.ErrNotExist) {
			if err != nil {
				return "", err
			}
			continue // of an earlier repair that was stopped
		}
		return path, disk.WriteFile(f.fs, path, b)
	}
}

// gapMark returns a frame that stands for records that are gone, the last of them with a sequence
// number. payload is how many bytes come behind its kind.
func gapMark(h header, offset int64, last uint64, payload int) []byte {
	body := make([]byte, payload)
	if payload > 0 {
		body[0] = markGap
	}
	pos, in := Pos{h.number, offset}, new(sumInput)
	sum := recordSum(markKind, body)
	if h.version > 1 {
		b := appendFrame(nil, markKind, 1+payload, sum, [][]byte{body})
		sealFrames(b, pos, last-1, 0, in)
		return b
	}
	b := binary.LittleEndian.AppendUint32(nil, uint32(1+payload))
	b = binary.LittleEndian.AppendUint32(b, sum)
	b = binary.LittleEndian.AppendUint32(b, in.frameSum(b, 8, pos))
	return append(append(b, markKind), body...)
}
