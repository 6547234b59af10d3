// Package wal is a write-ahead log: byte records on disk that survive a crash, in order,
// group-committed.
//
// # What it promises
//
// When Append returns nil, the record has been handed to the operating system whole: it survives
// the end of the process, kill -9 included. When Sync(pos) returns nil, the record at pos and
// every record before it are on disk: they survive a power cut. Records appended but not yet
// synced are synced in the background within Config.SyncInterval. Records are read back in the
// order of their positions, each exactly as it was appended.
//
// A crash can leave half a record at the end of the log, and a power cut any part of what was not
// synced. Open cuts that tail off and says so in Recovery; nothing in it was ever acknowledged by
// Sync. What a power cut may have taken is a Hole, also when nothing of it is left: records have
// sequence numbers, a log that was closed says so at its end, and a segment knows which run of the
// operating system wrote it. Anything else that does not add up is a *DamageError with file, offset
// and a hint, never a record that differs from what was appended. Inspect lists all of it; Repair,
// and nothing else, gives damaged records up.
//
// A full disk fails the appends it concerns with ErrFull and leaves the log usable: the file is
// cut back to the last acknowledged record. Any other failed write, and every failed sync, closes
// the log to writers for good: what the kernel still holds of the file is not knowable after it.
// Err says why; reading goes on working.
//
// # What it does not
//
// The log does not know what records mean, does not compress, and never deletes a segment by
// itself: Drop does, oldest first.
//
// # Segments
//
// The log is a folder of segment files. One is active; Rotate seals it and starts the next. A
// record never spans two. Segment numbers rise and are never used again, also when the folder was
// emptied or the clock was set back (see Config.After), so that (ID, segment number) can name a
// transaction elsewhere for ever. Each segment's header names the one before it, so a segment that
// somebody removed is noticed. The format is written down in docs/format/wal.md.
//
// # Concurrency
//
// All methods of Log may be called from many goroutines. A Cursor belongs to one goroutine. A file
// lock keeps a second process out (ErrLocked); OpenView reads a log that nobody writes.
//
// There is no fake: tests use a log in a temporary folder, or on a disk of package faultdisk, which
// loses what was not synced, fills up and fails.
package wal

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/lakegate/lakegate/internal/disk"
)

// Errors to test for with errors.Is.
var (
	// ErrLocked says another process has the log open.
	ErrLocked = errors.New("log is in use by another process")
	// ErrFull says the disk has no room. Nothing was written; appending again later may work.
	ErrFull = errors.New("no space left for the log")
	// ErrClosed says the log was closed.
	ErrClosed = errors.New("log is closed")
	// ErrFailed says an earlier write or sync failed and the log takes no more records.
	ErrFailed = errors.New("log failed and takes no more records")
	// ErrTooLarge says a record is over MaxRecord bytes.
	ErrTooLarge = errors.New("record is too large")
	// ErrKind says a record has the kind that is the log's own.
	ErrKind = errors.New("record kind 255 is the log's own")
)

// MaxRecord is the largest record in bytes.
const MaxRecord = 1 << 30

// Config says how a log behaves. The zero Config is not valid; start from DefaultConfig.
type Config struct {
	// SyncInterval is the longest time an appended record stays unsynced when nobody calls Sync.
	// Zero turns the background sync off.
	SyncInterval time.Duration
	// SyncBytes is how many bytes may be appended before the background sync does not wait for the
	// interval. With a disk that keeps up, a power cut takes no more. Zero for no bound.
	SyncBytes int64
	// After is a segment number the caller knows to have been used. New numbers are above it.
	After uint64
	// Dropped is a segment number: those up to it were dropped, or were about to be. A power cut may
	// bring some back, in any order; Open deletes them unread.
	Dropped uint64
	// FS is where the folder is. Nil: the machine's file system.
	FS disk.FS
	// Hook, when set, is called at points where a test may want the process to die. Nil in production.
	Hook func(point string)
}

func (c Config) fs() disk.FS {
	if c.FS == nil {
		return disk.OS
	}
	return c.FS
}

// DefaultConfig returns the configuration production uses.
func DefaultConfig() Config {
	return Config{SyncInterval: 10 * time.Millisecond, SyncBytes: 4 << 20}
}

// Validate reports whether the configuration makes sense.
func (c Config) Validate() error {
	if c.SyncInterval < 0 || c.SyncInterval > time.Minute {
		return fmt.Errorf("log: sync interval %v: want 0 to 1m", c.SyncInterval)
	}
	if c.SyncBytes < 0 {
		return fmt.Errorf("log: sync bytes %d: want 0 or more", c.SyncBytes)
	}
	return nil
}

// Segment describes one segment file.
type Segment struct {
	Number  uint64
	Prev    uint64 // number of the segment before it when it was made, 0 for none
	Size    int64  // bytes of whole records, the header included
	Records int64
	Epoch   uint64 // how many times the log had been opened for writing; 0 for the first format
	Last    uint64 // sequence number of the newest record in it or before it in its epoch
}

// End is the position just behind the segment's last record.
func (s Segment) End() Pos { return Pos{s.Number, s.Size} }

// Pos is the place of a record: the segment it is in and its byte offset there. Positions are
// ordered as the records are. The zero Pos is before every record.
type Pos struct {
	Segment uint64
	Offset  int64
}

// Before reports whether p is in front of q.
func (p Pos) Before(q Pos) bool {
	return p.Segment < q.Segment || p.Segment == q.Segment && p.Offset < q.Offset
}

func (p Pos) String() string { return fmt.Sprintf("%d/%d", p.Segment, p.Offset) }

// Recovery says what Open found.
type Recovery struct {
	Segments []Segment // sealed segments, oldest first; some may be empty
	Torn     *Torn     // the tail that was cut off, nil for none
	Missing  []uint64  // segments that a later one names as its predecessor and that are not there
	Holes    []Hole    // records that are gone, or may be, in the segments that are there; oldest first
}

// Torn is a tail that was not whole.
type Torn struct {
	Segment uint64
	Offset  int64 // where the last whole record ends
	Bytes   int64 // how much was cut
	// Last is the newest sequence number in the tail, when whole records stand behind the first
	// broken one, as a power cut may leave them. 0 for none.
	Last uint64
}

// Hole is records that the log does not have. A power cut makes one at the end of an epoch: what was
// acknowledged and not synced is gone, and how much that was is known only as far as something of it
// is left. Repair makes one where it gave records up.
type Hole struct {
	Epoch   uint64
	First   uint64 // sequence number of the first record that is gone
	Last    uint64 // of the last that is known to be; First-1 when none is
	Open    bool   // there may be more behind Last: the power was cut, or it cannot be told
	Segment uint64 // where the log goes on without them
	Offset  int64
}

// Records is how many records are gone at least.
func (h Hole) Records() int64 { return int64(h.Last - h.First + 1) }

func (h Hole) String() string {
	switch {
	case !h.Open:
		return fmt.Sprintf("%d records, %d to %d of run %d", h.Records(), h.First, h.Last, h.Epoch)
	case h.Records() == 0:
		return fmt.Sprintf("maybe records from %d of run %d", h.First, h.Epoch)
	default:
		return fmt.Sprintf("%d records or more, from %d of run %d", h.Records(), h.First, h.Epoch)
	}
}

// Log is an open log.
type Log struct {
	cfg  Config
	dir  string
	fs   disk.FS
	id   uuid.UUID
	boot uuid.UUID
	gaps []gap // do not change after Open
	lock io.Closer
	open func(path string) (disk.File, error) // replaced by tests that break disks

	mu      sync.Mutex
	turn    sync.Cond // signalled whenever writing, syncing or rotating ends
	next    *group    // records of callers that wait for their turn to write
	spare   *group    // an empty group to use again
	writing bool      // somebody writes a group
	syncing bool      // somebody syncs
	swap    bool      // Rotate waits for the file; nobody starts to write or sync
	dirty   bool      // the background sync knows there is something
	file    disk.File
	active  Segment
	sealed  []Segment
	synced  Pos // everything before is on disk
	err     error

	sumInput sumInput // of whoever writes

	rotate sync.Mutex // one Rotate, Drop or Close at a time
	kick   chan struct{}
	urgent chan struct{} // SyncBytes are waiting
	quit   chan struct{}
	idle   sync.WaitGroup // the background sync; ends when quit is closed
}

// Open opens the log in dir, making the folder when it is not there, and starts a new segment. It
// waits for nobody: ErrLocked when another process has the log open. A *DamageError says that a
// segment is damaged and nothing was changed.
func Open(dir string, cfg Config) (*Log, *Recovery, error) {
	return open(dir, cfg, cfg.fs().Create)
}

func open(dir string, cfg Config, create func(string) (disk.File, error)) (_ *Log, _ *Recovery, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, nil, err
	}
	fs := cfg.fs()
	if err := disk.MakeDir(fs, dir); err != nil {
		return nil, nil, fmt.Errorf("make log folder: %w", err)
	}
	lock, err := lockDir(fs, dir, true)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, lock.Close())
		}
	}()
	found, err := inspect(fs, dir, cfg.Dropped)
	if err != nil {
		return nil, nil, err
	}
	if err := found.sound(); err != nil {
		return nil, nil, err
	}
	if err := found.cut(); err != nil {
		return nil, nil, err
	}
	l := &Log{
		cfg: cfg, dir: dir, fs: fs, id: found.id, boot: found.boot, gaps: found.gaps, lock: lock, open: create,
		sealed: found.list(), next: &group{}, spare: &group{},
		kick: make(chan struct{}, 1), urgent: make(chan struct{}, 1), quit: make(chan struct{}),
	}
	l.turn.L = &l.mu
	l.active = Segment{Number: found.newest(), Epoch: found.epoch() + 1}
	file, active, err := l.create()
	if err != nil {
		return nil, nil, err
	}
	l.file, l.active, l.synced = file, active, active.End()
	if cfg.SyncInterval > 0 {
		l.idle.Go(l.syncInBackground)
	}
	return l, found.recovery(), nil
}

// ID is the log's identity, a UUID made when the folder was first used.
func (l *Log) ID() string { return l.id.String() }

// End is the position behind the newest acknowledged record: a record whose Append returned
// before End was called is in front of it.
func (l *Log) End() Pos {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.active.End()
}

// Segments returns the sealed segments, oldest first, and the active one last.
func (l *Log) Segments() []Segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append(append([]Segment(nil), l.sealed...), l.active)
}

// Err is nil while the log takes records; otherwise it says why not.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Close syncs and closes the log, and leaves a mark that nothing is missing at its end. Appends that
// wait for their turn fail with ErrClosed. It is safe twice.
func (l *Log) Close() error {
	l.rotate.Lock()
	defer l.rotate.Unlock()
	l.mu.Lock()
	closed := errors.Is(l.err, ErrClosed)
	l.mu.Unlock()
	if closed {
		return nil
	}
	close(l.quit)
	l.idle.Wait()
	l.takeFile()
	defer l.giveFile()
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.err
	if err == nil {
		l.markEnd()
		err = l.file.Sync()
	}
	if err == nil {
		l.synced = l.active.End()
	}
	l.err = ErrClosed
	return errors.Join(err, l.file.Close(), l.lock.Close())
}

// markEnd writes the mark of a closed log. On a full disk there is none, and after a power cut the
// next Open warns of records that may be gone. The caller has the file and l.mu.
func (l *Log) markEnd() {
	payload := []byte{markClosed}
	b := appendFrame(nil, markKind, 1+len(payload), recordSum(markKind, payload), [][]byte{payload})
	sealFrames(b, l.active.End(), l.active.Last, 0, &l.sumInput)
	if _, err := l.file.WriteAt(b, l.active.Size); err != nil {
		_ = l.file.Truncate(l.active.Size) // half a mark is a torn tail otherwise
	}
}

// hook lets a test stop the process.
func (l *Log) hook(point string) {
	if l.cfg.Hook != nil {
		l.cfg.Hook(point)
	}
}

func segmentPath(dir string, n uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%020d.wal", n))
}
