package wal

import (
	"errors"
	"io"
	"os"
	"slices"

	"github.com/lakegate/lakegate/internal/disk"
)

// View reads a log that no process writes, and changes nothing. Several processes may view one log.
// While a View is open, Open fails with ErrLocked.
type View struct {
	fs       disk.FS
	dir      string
	id       string
	lock     io.Closer
	segments []Segment
	gaps     []gap
}

// OpenView opens the log in dir for reading. ErrLocked when a process writes it, os.ErrNotExist when
// there is no log. A torn tail is left alone and not read.
func OpenView(dir string) (*View, *Recovery, error) { return OpenViewOn(disk.OS, dir, 0) }

// OpenViewOn opens the log in a folder of a file system for reading, as OpenView does. Segments up to
// dropped are not read.
func OpenViewOn(fs disk.FS, dir string, dropped uint64) (_ *View, _ *Recovery, err error) {
	lock, err := lockDir(fs, dir, false)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, lock.Close())
		}
	}()
	found, err := inspect(fs, dir, dropped)
	if err == nil {
		err = found.sound()
	}
	if err != nil {
		return nil, nil, err
	}
	return &View{fs: fs, dir: dir, id: found.id.String(), lock: lock, segments: found.list(), gaps: found.gaps}, found.recovery(), nil
}

// ID is the log's identity. It has no meaning when the log has no segments.
func (v *View) ID() string { return v.id }

// Segments returns the segments, oldest first.
func (v *View) Segments() []Segment { return slices.Clone(v.segments) }

// End is the position behind the newest record.
func (v *View) End() Pos {
	if len(v.segments) == 0 {
		return Pos{}
	}
	return v.segments[len(v.segments)-1].End()
}

// Cursor returns a new Cursor over the log.
func (v *View) Cursor() *Cursor { return &Cursor{fs: v.fs, dir: v.dir, list: v.Segments, gaps: v.gaps} }

// Close lets writers in again. It is safe twice.
func (v *View) Close() error {
	if err := v.lock.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}
