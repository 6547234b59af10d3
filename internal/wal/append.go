package wal

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/lakegate/lakegate/internal/disk"
)

const (
	maxSpare = 1 << 20 // the largest buffer kept for the next group, in bytes
	maxGroup = 8 << 20 // a group of this size takes no more records
)

// group is the records that are written together. The caller who appended the first of them
// writes them all; the others wait for done.
type group struct {
	buf  []byte
	done chan struct{} // made by the second caller
	// Set by the writer before done is closed.
	base Pos
	err  error
}

// Append adds one record of the given kind, its payload in parts, and returns its position when it
// has been written. The parts are not kept. On error nothing was appended: ErrFull may pass,
// ErrFailed and ErrClosed do not.
func (l *Log) Append(kind byte, parts ...[]byte) (Pos, error) {
	if kind == markKind {
		return Pos{}, ErrKind
	}
	size := 1
	for _, p := range parts {
		size += len(p)
	}
	if size > MaxRecord+1 {
		return Pos{}, fmt.Errorf("append %d bytes: %w", size-1, ErrTooLarge)
	}
	sum := recordSum(kind, parts...)

	l.mu.Lock()
	for len(l.next.buf) >= maxGroup && l.err == nil {
		l.turn.Wait()
	}
	if l.err != nil {
		defer l.mu.Unlock()
		return Pos{}, l.err
	}
	g := l.next
	at := int64(len(g.buf))
	g.buf = appendFrame(g.buf, kind, size, sum, parts)
	if at > 0 {
		return l.follow(g, at)
	}
	return l.lead(g)
}

// follow waits until the group's first caller has written it. l.mu is held and given back.
func (l *Log) follow(g *group, at int64) (Pos, error) {
	if g.done == nil {
		g.done = make(chan struct{})
	}
	done := g.done
	l.mu.Unlock()
	<-done
	return Pos{g.base.Segment, g.base.Offset + at}, g.err
}

// lead waits for the file, writes the group and wakes the others. l.mu is held and given back.
func (l *Log) lead(g *group) (Pos, error) {
	for l.writing || l.swap {
		l.turn.Wait()
	}
	// From here on new callers gather in the next group, with a leader of its own.
	l.next, l.spare = l.spare, nil
	if l.next == nil {
		l.next = &group{}
	}
	l.writing = true
	g.base, g.err = l.active.End(), l.err
	file, seq, synced := l.file, l.active.Last, int64(0)
	if l.synced.Segment == g.base.Segment {
		synced = l.synced.Offset
	}
	l.mu.Unlock()

	var last uint64
	fatal := false
	if g.err == nil {
		last = sealFrames(g.buf, g.base, seq, synced, &l.sumInput)
		fatal, g.err = writeGroup(file, g)
	}

	l.mu.Lock()
	if fatal {
		l.fail(g.err)
	} else if g.err == nil && l.err != nil {
		// The log failed meanwhile. Whoever reads what it has taken must not miss records that
		// turn up later, so there are none.
		g.err = errors.Join(l.err, file.Truncate(g.base.Offset))
	}
	pos, err := g.base, g.err
	l.writing = false
	if err == nil {
		l.active.Size += int64(len(g.buf))
		l.active.Records += int64(last - seq)
		l.active.Last = last
		l.wakeSync()
	}
	l.turn.Broadcast()
	l.recycle(g)
	l.mu.Unlock()
	return pos, err
}

// recycle ends the group and keeps its memory for a later one. Followers still read the group
// itself, so then only its buffer is kept.
func (l *Log) recycle(g *group) {
	buf := g.buf[:0]
	if cap(buf) > maxSpare {
		buf = nil
	}
	if g.done != nil {
		close(g.done)
		g.buf = nil
		l.spare = &group{buf: buf}
		return
	}
	*g = group{buf: buf}
	l.spare = g
}

// writeGroup writes the group at its base. When that fails it cuts the file back to there, so that
// no later record stands behind half a group. fatal says that the file is in an unknown state.
func writeGroup(file disk.File, g *group) (fatal bool, err error) {
	_, err = file.WriteAt(g.buf, g.base.Offset)
	if err == nil {
		return false, nil
	}
	err = fmt.Errorf("write log segment %d at %d: %w", g.base.Segment, g.base.Offset, err)
	if cut := file.Truncate(g.base.Offset); cut != nil {
		return true, errors.Join(err, fmt.Errorf("cut half a write off: %w", cut))
	}
	full := full(err)
	return !errors.Is(full, ErrFull), full
}

// full makes the error of a disk without room an ErrFull.
func full(err error) error {
	for _, cause := range []error{unix.ENOSPC, unix.EDQUOT, unix.EFBIG} {
		if errors.Is(err, cause) {
			return fmt.Errorf("%w: %w", ErrFull, err)
		}
	}
	return err
}

// fail closes the log to writers. l.mu is held. The first cause stays.
func (l *Log) fail(cause error) {
	if l.err == nil {
		l.err = fmt.Errorf("%w: %w", ErrFailed, cause)
	}
}
