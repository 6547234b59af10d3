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
// A crash can leave half a record at the end of the log. Open cuts that tail off and says so in
// Recovery; nothing in it was ever acknowledged by Sync. Anything else that does not add up is a
// *DamageError with file, offset and a hint, never a record that differs from what was appended.
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
// There is no fake: tests use a log in a temporary folder, which is as fast.
package wal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/uuid"
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
)

// MaxRecord is the largest record in bytes.
const MaxRecord = 1 << 30

// Config says how a log behaves. The zero Config is not valid; start from DefaultConfig.
type Config struct {
	// SyncInterval is the longest time an appended record stays unsynced when nobody calls Sync.
	// Zero turns the background sync off.
	SyncInterval time.Duration
	// After is a segment number the caller knows to have been used. New numbers are above it.
	After uint64
	// Hook, when set, is called at points where a test may want the process to die. Nil in production.
	Hook func(point string)
}

// DefaultConfig returns the configuration production uses.
func DefaultConfig() Config { return Config{SyncInterval: 10 * time.Millisecond} }

// Validate reports whether the configuration makes sense.
func (c Config) Validate() error {
	if c.SyncInterval < 0 || c.SyncInterval > time.Minute {
		return fmt.Errorf("log: sync interval %v: want 0 to 1m", c.SyncInterval)
	}
	return nil
}

// Segment describes one segment file.
type Segment struct {
	Number  uint64
	Prev    uint64 // number of the segment before it when it was made, 0 for none
	Size    int64  // bytes of whole records, the header included
	Records int64
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
}

// Torn is a tail that was not whole.
type Torn struct {
	Segment uint64
	Offset  int64 // where the last whole record ends
	Bytes   int64 // how much was cut
}

// Log is an open log.
type Log struct {
	cfg  Config
	dir  string
	id   uuid.UUID
	lock *os.File
	open func(path string) (segmentFile, error) // replaced by tests that break disks

	mu      sync.Mutex
	turn    sync.Cond // signalled whenever writing, syncing or rotating ends
	next    *group    // records of callers that wait for their turn to write
	spare   *group    // an empty group to use again
	writing bool      // somebody writes a group
	syncing bool      // somebody syncs
	swap    bool      // Rotate waits for the file; nobody starts to write or sync
	dirty   bool      // the background sync knows there is something
	file    segmentFile
	active  Segment
	sealed  []Segment
	synced  Pos // everything before is on disk
	err     error

	sumInput sumInput // of whoever writes

	rotate sync.Mutex // one Rotate, Drop or Close at a time
	kick   chan struct{}
	quit   chan struct{}
	idle   sync.WaitGroup // the background sync; ends when quit is closed
}

// Open opens the log in dir, making the folder when it is not there, and starts a new segment. It
// waits for nobody: ErrLocked when another process has the log open. A *DamageError says that a
// segment is damaged and nothing was changed.
func Open(dir string, cfg Config) (*Log, *Recovery, error) {
	return open(dir, cfg, createFile)
}

func open(dir string, cfg Config, create func(string) (segmentFile, error)) (_ *Log, _ *Recovery, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, nil, err
	}
	if err := makeDir(dir); err != nil {
		return nil, nil, fmt.Errorf("make log folder: %w", err)
	}
	lock, err := lockDir(dir, true)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, unlockDir(lock))
		}
	}()
	found, err := inspect(dir)
	if err != nil {
		return nil, nil, err
	}
	if err := found.repair(dir); err != nil {
		return nil, nil, err
	}
	l := &Log{
		cfg: cfg, dir: dir, id: found.id, lock: lock, open: create,
		sealed: found.segments, next: &group{}, spare: &group{},
		kick: make(chan struct{}, 1), quit: make(chan struct{}),
	}
	l.turn.L = &l.mu
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

// Close syncs and closes the log. Appends that wait for their turn fail with ErrClosed. It is safe
// twice.
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
		err = l.file.Datasync()
	}
	if err == nil {
		l.synced = l.active.End()
	}
	l.err = ErrClosed
	return errors.Join(err, l.file.Close(), unlockDir(l.lock))
}

// hook lets a test stop the process.
func (l *Log) hook(point string) {
	if l.cfg.Hook != nil {
		l.cfg.Hook(point)
	}
}

// segmentFile is what the log needs of a file.
type segmentFile interface {
	io.WriterAt
	Truncate(size int64) error
	Datasync() error
	Close() error
}

func segmentPath(dir string, n uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%020d.wal", n))
}
