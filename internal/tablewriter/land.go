package tablewriter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lakegate/lakegate/internal/wal"
)

// cycle seals the active segment and lands everything that is sealed. asked says that somebody waits
// for it. Nil says that nothing is left.
func (w *Writer) cycle(ctx context.Context, asked bool) error {
	w.asked, w.started = asked, time.Now()
	w.logParked()
	w.logDropped()
	err := errors.Join(w.seal(), w.landSealed(ctx))
	if err == nil {
		err = w.stuck()
	}
	if err == nil {
		w.reserve.fill()
	}
	if err == nil && w.parked.any() {
		err = ErrParked
	}
	w.stats.cycle(err)
	w.blocks = blocks{} // what is kept between landings counts twice where memory is short
	return err
}

// stuck returns why segments are not landed, nil when all are.
func (w *Writer) stuck() error {
	if len(w.unsettled()) == 0 {
		return nil
	}
	var errs []error
	for _, t := range w.lake.all() {
		errs = append(errs, t.landing.failed)
	}
	return errors.Join(errs...)
}

// seal starts a new segment if the active one has records. A log that failed cannot: its active
// segment takes no more records and counts as sealed.
func (w *Writer) seal() error {
	w.schedule.sealing()
	_, err := w.log.Rotate()
	if errors.Is(err, wal.ErrFull) && w.reserve.release() {
		_, err = w.log.Rotate()
	}
	w.pins.rotated(w.log.End().Segment)
	w.measure()
	if errors.Is(err, wal.ErrFailed) {
		return nil
	}
	return err
}

// unsettled returns the sealed segments that the ledger has not counted.
func (w *Writer) unsettled() []wal.Segment {
	all := w.log.Segments()
	if !errors.Is(w.log.Err(), wal.ErrFailed) {
		all = all[:len(all)-1]
	}
	for len(all) > 0 && all[0].Number <= w.ledger.Through {
		all = all[1:]
	}
	return all
}

// mergedSegments is how many segments of full size become one commit, when many wait.
const mergedSegments = 4

// landSealed lands the sealed segments, several in one commit when many wait. After each commit the
// log is given back what it does not need any more. Between commits requests go first.
func (w *Writer) landSealed(ctx context.Context) error {
	var errs []error
	for segments := w.unsettled(); len(segments) > 0; {
		n := w.merged(segments)
		errs = append(errs, w.commit(ctx))
		if err := w.land(ctx, segments[:n]); err != nil {
			errs = append(errs, fmt.Errorf("land log segments from %d: %w", segments[0].Number, err))
			break
		}
		errs = append(errs, w.commit(ctx), w.settle())
		segments = segments[n:]
	}
	return errors.Join(append(errs, w.settle())...)
}

// merged is how many of the segments become one commit.
func (w *Writer) merged(segments []wal.Segment) int {
	var size int64
	for i, s := range segments {
		if size += s.Size; size > mergedSegments*w.cfg.SegmentBytes && i > 0 {
			return i
		}
	}
	return len(segments)
}

// land stores the rows of the segments for every table that is due.
func (w *Writer) land(ctx context.Context, segments []wal.Segment) error {
	to := wal.Pos{Segment: segments[len(segments)-1].Number + 1}
	for _, s := range segments {
		if !w.toRead(s.Number) {
			continue
		}
		from := wal.Pos{Segment: s.Number}
		err := w.build(ctx, from, to, false)
		if isRowError(err) {
			err = w.build(ctx, from, to, true)
		}
		return err
	}
	return nil
}

// toRead reports whether a segment was not read yet, or has rows of a table that could take them now.
func (w *Writer) toRead(segment uint64) bool {
	t, read := w.tallies[segment]
	if !read {
		return true
	}
	for name := range t {
		l := &w.lake.lookup(name).landing
		if l.through < segment && l.ready == nil && w.due(l) {
			return true
		}
	}
	return false
}

// landed reports whether the segment was read and every table has its rows.
func (w *Writer) landed(segment uint64) bool {
	t, read := w.tallies[segment]
	if !read {
		return false
	}
	for name := range t {
		if w.lake.lookup(name).landing.through < segment {
			return false
		}
	}
	return true
}

// settle counts landed segments in the ledger and deletes those that nobody needs. A segment is
// counted before it can be deleted, and never twice: the ledger says through which it has counted.
func (w *Writer) settle() error {
	next := w.ledger
	for _, s := range w.unsettled() {
		if !w.landed(s.Number) {
			break
		}
		next = next.counted(s.Number, w.tallies[s.Number])
	}
	if w.purging.Load() > 0 {
		next = next.forgetLost()
	}
	counted := next.Through > w.ledger.Through
	if err := w.letGo(next); err != nil {
		return err
	}
	if counted {
		for n, t := range w.tallies {
			if n <= next.Through {
				w.stats.losses.Add(t.losses())
				delete(w.tallies, n)
			}
		}
	}
	defer w.measure()
	return w.carry()
}

// letGo writes the ledger if it has changed, or if there are segments that nobody needs, and deletes
// those. The ledger says first that they are gone: a power cut may bring any of them back, one with a
// request and not the one with its outcome.
func (w *Writer) letGo(next *ledger) error {
	free := next.Dropped
	all := w.log.Segments()
	for _, s := range all[:len(all)-1] {
		if s.Number > next.Through || !w.pins.free(s.Number, next.Through) {
			break
		}
		free = s.Number
	}
	if free > next.Dropped {
		if next == w.ledger {
			next = next.counted(next.Through)
		}
		next.Dropped = free
	}
	if next != w.ledger {
		if err := next.write(w.cfg.fs(), w.cfg.logDir()); err != nil {
			return err
		}
		w.ledger = next
		w.cfg.failPoint("ledger written")
	}
	return w.drop()
}

// drop deletes the segments that the ledger says are gone. It holds the view: a Snapshot that reads
// the log must not find a segment gone.
func (w *Writer) drop() error {
	if err := w.lake.view.enter(context.Background()); err != nil {
		return err
	}
	defer w.lake.view.leave()
	all := w.log.Segments()
	for _, s := range all[:len(all)-1] {
		if s.Number > w.ledger.Dropped {
			return nil
		}
		if err := w.log.Drop(s.Number); err != nil {
			return err
		}
		w.pins.dropped(s.Number)
	}
	return nil
}

// maxHeld is how many landed segments requests that run for long may hold before they are carried.
const maxHeld = 8

// carry writes the admit records of requests that run for long to the active segment when they hold
// much of the log that is otherwise done with, and lets that go.
func (w *Writer) carry() error {
	if w.log.Err() != nil {
		return nil
	}
	var held []wal.Segment
	var bytes int64
	for _, s := range w.log.Segments() {
		if s.Number <= w.ledger.Through {
			held = append(held, s)
			bytes += s.Size
		}
	}
	if len(held) <= maxHeld && bytes <= w.cfg.SegmentBytes && w.purging.Load() == 0 {
		return nil
	}
	cursor := w.log.Cursor()
	defer cursor.Close()
	var last wal.Pos
	for _, p := range w.pins.through(w.ledger.Through) {
		pos, err := p.relocate(func(old wal.Pos) (wal.Pos, error) {
			e, err := cursor.Read(old)
			if err != nil {
				return wal.Pos{}, err
			}
			return w.log.Append(e.Kind, e.Payload)
		})
		if err != nil {
			return fmt.Errorf("carry a running request to the next segment: %w", err)
		}
		if pos.Segment != 0 {
			w.pins.move(p, pos.Segment)
			last = maxPos(last, pos)
		}
	}
	if last.Segment == 0 {
		return nil
	}
	w.cfg.failPoint("carried")
	// The copies are on disk before the originals go.
	if err := w.log.Sync(last); err != nil {
		return err
	}
	return w.letGo(w.ledger)
}

// measure updates what Admit and Stats need to know of the log.
func (w *Writer) measure() {
	var backlog, size int64
	all := w.log.Segments()
	for _, s := range all {
		size += s.Size
		if s.Number > w.ledger.Through {
			backlog += s.Size
		}
	}
	active := all[len(all)-1].Size
	w.stats.active.Store(active)
	w.stats.backlog.Store(max(0, backlog-active))
	w.stats.logBytes.Store(size - active)
	w.stats.segments.Store(int64(len(all)))
	w.stats.through.Store(w.ledger.Through)
}
