package wal

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/lakegate/lakegate/internal/disk"
)

// Rotate seals the active segment, with everything in it on disk, and starts the next. Appends go
// on meanwhile and wait only for the last sync. It returns the sealed segment; the zero Segment
// says that the active one is empty and stays.
func (l *Log) Rotate() (Segment, error) {
	l.rotate.Lock()
	defer l.rotate.Unlock()
	l.mu.Lock()
	old, err := l.active, l.err
	l.mu.Unlock()
	if err != nil {
		return Segment{}, err
	}
	if old.Records == 0 {
		return Segment{}, nil
	}
	file, next, err := l.create()
	if err != nil {
		return Segment{}, err
	}
	// Most of the data goes to disk here, while appends go on.
	if err := l.syncTo(old.End()); err != nil {
		return Segment{}, errors.Join(err, l.discard(file, next))
	}
	l.takeFile()
	err = l.file.Sync()
	l.mu.Lock()
	if err != nil {
		l.fail(fmt.Errorf("sync log segment %d: %w", old.Number, err))
		err = l.err
		l.mu.Unlock()
		l.giveFile()
		return Segment{}, errors.Join(err, l.discard(file, next))
	}
	sealed, oldFile := l.active, l.file
	next.Last = sealed.Last
	l.sealed = append(l.sealed, sealed)
	l.file, l.active, l.synced = file, next, next.End()
	l.mu.Unlock()
	l.giveFile()
	l.hook("sealed")
	if err := oldFile.Close(); err != nil {
		return sealed, fmt.Errorf("close log segment %d: %w", sealed.Number, err)
	}
	return sealed, nil
}

// takeFile waits until nobody writes or syncs the active file and keeps it so until giveFile.
func (l *Log) takeFile() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.swap = true
	for l.writing || l.syncing {
		l.turn.Wait()
	}
}

func (l *Log) giveFile() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.swap = false
	l.turn.Broadcast()
}

// create makes the next segment's file, on disk with its header before anything is appended to it.
// Only callers that hold l.rotate, or Open, call it.
func (l *Log) create() (disk.File, Segment, error) {
	l.mu.Lock()
	active := l.active
	l.mu.Unlock()
	prev := max(active.Number, l.cfg.After)
	h := header{
		version: version, number: max(prev+1, uint64(time.Now().UnixMicro())), prev: prev,
		log: l.id, epoch: active.Epoch, boot: l.boot,
	}
	s := Segment{Number: h.number, Prev: h.prev, Size: headerSize, Epoch: h.epoch}
	file, err := l.open(segmentPath(l.dir, s.Number))
	if err != nil {
		return nil, Segment{}, fmt.Errorf("make log segment %d: %w", s.Number, full(err))
	}
	l.hook("segment created")
	_, err = file.WriteAt(h.append(nil), 0)
	if err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = l.fs.SyncDir(l.dir)
	}
	if err != nil {
		return nil, Segment{}, errors.Join(fmt.Errorf("make log segment %d: %w", s.Number, full(err)), l.discard(file, s))
	}
	return file, s, nil
}

// discard removes a segment that was never used.
func (l *Log) discard(file disk.File, s Segment) error {
	return errors.Join(file.Close(), l.fs.Remove(segmentPath(l.dir, s.Number)))
}

// Drop deletes the oldest sealed segment, which must be number n. Deleting is not synced: after a
// power cut any of the segments that were dropped may be back. Whoever drops them says so to the next
// Open (Config.Dropped), from a place that is on disk before Drop is called.
func (l *Log) Drop(n uint64) error {
	l.rotate.Lock()
	defer l.rotate.Unlock()
	l.mu.Lock()
	if len(l.sealed) == 0 || l.sealed[0].Number != n {
		l.mu.Unlock()
		return fmt.Errorf("drop log segment %d: it is not the oldest sealed one", n)
	}
	l.mu.Unlock()
	if err := l.fs.Remove(segmentPath(l.dir, n)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("drop log segment: %w", err)
	}
	l.mu.Lock()
	l.sealed = l.sealed[1:]
	l.mu.Unlock()
	l.hook("dropped")
	return nil
}
