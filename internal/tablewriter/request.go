package tablewriter

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/lakegate/lakegate/internal/factlog"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/wal"
)

// Ticket stands for an admitted request between Admit and Finish. The zero Ticket stands for none:
// Finish is then the same as Record.
type Ticket struct{ p *pin }

// encoders keeps encoders with their buffers.
var encoders = sync.Pool{New: func() any { return new(factlog.Encoder) }}

// Admit logs that a request was let through. When it returns nil, a crash leaves a row: the record
// as it is now, with the request's body if rec.Payload.Table is set, and the outcome Crashed.
// ErrBacklog, ErrParked, wal.ErrFull, wal.ErrFailed and ErrClosed say that requests are to be refused.
// With the policy Drop it returns the zero Ticket instead of the first three: the request goes on, and
// is a row if there is room for it when it is finished.
func (w *Writer) Admit(rec *inference.Record) (Ticket, error) {
	if err := w.refusal(); err != nil {
		return w.unadmitted(rec, err)
	}
	keepBody := rec.Payload.Table != "" && rec.Payload.Request != nil && !w.shedding(rec.Payload.Table)
	p := w.pins.open()
	e := encoders.Get().(*factlog.Encoder)
	pos, err := w.log.Append(factlog.Admit, e.Record(rec, keepBody, wal.Pos{})...)
	if keepBody && errors.Is(err, wal.ErrFull) && w.policy(rec.Payload.Table) != Block {
		keepBody = false
		pos, err = w.log.Append(factlog.Admit, e.Record(rec, false, wal.Pos{})...)
	}
	e.Reset()
	encoders.Put(e)
	if err != nil {
		w.pins.close(p, wal.Pos{}, wal.Pos{})
		return w.unadmitted(rec, w.logError("admit", err))
	}
	var body []byte
	if keepBody {
		body = rec.Payload.Request
	}
	p.admitted(pos, body)
	w.stats.admitted.Add(1)
	w.appended(pos)
	w.cfg.failPoint("admitted")
	return Ticket{p}, nil
}

// unadmitted is what Admit returns for a request that there is no room for.
func (w *Writer) unadmitted(rec *inference.Record, err error) (Ticket, error) {
	full := errors.Is(err, ErrBacklog) || errors.Is(err, ErrParked) || errors.Is(err, wal.ErrFull)
	if full && w.mayDrop(rec) {
		return Ticket{}, nil
	}
	return Ticket{}, err
}

// refusal says why a request cannot be admitted, nil when it can.
func (w *Writer) refusal() error {
	switch {
	case w.closed.Load():
		return ErrClosed
	case w.parked.any():
		return fmt.Errorf("admit: %w: %w", ErrParked, wal.ErrFull)
	case w.stats.backlogged(w.cfg.MaxBacklogBytes):
		return ErrBacklog
	}
	return nil
}

// Finish logs how an admitted request ended. It returns when that has been written, with strict
// when it is on disk, and is never refused for a backlog. It is called at most once per ticket
// (ErrTicketUsed). ErrParked says that the disk is full and rec is kept in memory. rec and its
// bodies are the caller's again when Finish returns.
func (w *Writer) Finish(t Ticket, rec *inference.Record, strict bool) error {
	if t.p == nil {
		return w.Record(rec, strict)
	}
	admit, body, err := t.p.finish()
	if err != nil {
		return fmt.Errorf("finish request %s: %w", rec.ID, err)
	}
	// The body is logged again only when it is not the one that was admitted.
	again := body == nil || !sameBytes(body, rec.Payload.Request)
	if again {
		admit = wal.Pos{}
	}
	return w.append(factlog.Outcome, rec, again, admit, t.p, strict)
}

// sameBytes reports whether a and b are equal; it is fast when they are one slice.
func sameBytes(a, b []byte) bool {
	if len(a) == len(b) && len(a) > 0 && &a[0] == &b[0] {
		return true
	}
	return bytes.Equal(a, b)
}

// Record logs a request that was never admitted, and how it ended, like Finish.
func (w *Writer) Record(rec *inference.Record, strict bool) error {
	return w.append(factlog.Complete, rec, true, wal.Pos{}, nil, strict)
}

// Entity logs a change of a served entity. When it returns nil the change is on disk.
func (w *Writer) Entity(ch *inference.EntityChange) error {
	e := encoders.Get().(*factlog.Encoder)
	defer encoders.Put(e)
	defer e.Reset()
	parts := e.Entity(ch)
	err := w.logRow(factlog.Entity, parts, nil, wal.Pos{}, true)
	if errors.Is(err, wal.ErrFull) {
		return w.park(factlog.Entity, parts, nil, wal.Pos{}, err)
	}
	return err
}

// Audit logs a change of the control plane. When it returns nil the change is on disk.
func (w *Writer) Audit(a *inference.Audit) error {
	e := encoders.Get().(*factlog.Encoder)
	defer encoders.Put(e)
	defer e.Reset()
	parts := e.Audit(a)
	err := w.logRow(factlog.Audit, parts, nil, wal.Pos{}, true)
	if errors.Is(err, wal.ErrFull) {
		return w.park(factlog.Audit, parts, nil, wal.Pos{}, err)
	}
	return err
}

// Comparison logs a comparison of two answers. When it returns nil a crash doesn't lose it.
func (w *Writer) Comparison(c *inference.Comparison) error {
	e := encoders.Get().(*factlog.Encoder)
	defer encoders.Put(e)
	defer e.Reset()
	parts := e.Comparison(c)
	err := w.logRow(factlog.Comparison, parts, nil, wal.Pos{}, false)
	if errors.Is(err, wal.ErrFull) {
		return w.park(factlog.Comparison, parts, nil, wal.Pos{}, err)
	}
	return err
}

func (w *Writer) append(kind factlog.Kind, rec *inference.Record, body bool, admit wal.Pos, p *pin, strict bool) error {
	// A row of a table without payloads has no use for the bodies.
	if rec.Payload.Table == "" {
		body = false
		if rec.Payload.Response != nil {
			plain := *rec
			plain.Payload.Response = nil
			rec = &plain
		}
	}
	if p == nil && w.stats.backlogged(w.cfg.MaxBacklogBytes) && w.mayDrop(rec) {
		w.dropRequest(rec, inference.Backlog)
		return nil
	}
	if (rec.Payload.Response != nil || body && rec.Payload.Request != nil) && w.shedding(rec.Payload.Table) {
		rec, body = w.shed(rec), false
	}
	e := encoders.Get().(*factlog.Encoder)
	err := w.logRow(kind, e.Record(rec, body, admit), p, admit, strict)
	if errors.Is(err, wal.ErrFull) && w.policy(rec.Payload.Table) != Block {
		rec = w.shed(rec)
		err = w.logRow(kind, e.Record(rec, false, admit), p, admit, strict)
	}
	switch {
	case !errors.Is(err, wal.ErrFull):
	case p == nil && w.mayDrop(rec):
		w.dropRequest(rec, inference.DiskFull)
		err = nil
	default:
		err = w.park(kind, e.Record(rec, body && rec.Payload.Request != nil, admit), p, admit, err)
	}
	e.Reset()
	encoders.Put(e)
	return err
}

// park keeps a fact in memory that a full log did not take.
func (w *Writer) park(kind factlog.Kind, parts [][]byte, p *pin, admit wal.Pos, full error) error {
	if !w.parked.add(kind, parts, p, admit) {
		w.stats.losses.Add(1)
		return w.logError("record", full)
	}
	w.schedule.large()
	return fmt.Errorf("%w: %w", ErrParked, full)
}

// logRow appends one fact that is a row. When the disk is full it uses the reserve; wal.ErrFull says
// that there is no room even so.
func (w *Writer) logRow(kind factlog.Kind, parts [][]byte, p *pin, admit wal.Pos, strict bool) error {
	pos, err := w.log.Append(kind, parts...)
	if errors.Is(err, wal.ErrFull) && w.reserve.release() {
		w.logger.Warn("disk is full: the log's reserve is given up so that running requests can be recorded", "error", err)
		pos, err = w.log.Append(kind, parts...)
	}
	if errors.Is(err, wal.ErrFull) {
		return err
	}
	if err != nil {
		w.stats.losses.Add(1)
		return w.logError("record", err)
	}
	w.pins.close(p, admit, pos)
	w.stats.accepted.Add(1)
	w.appended(pos)
	w.cfg.failPoint("finished")
	if !strict {
		return nil
	}
	if err := w.log.Sync(pos); err != nil {
		return w.logError("sync", err)
	}
	return nil
}

// appended tells the landing goroutine what it needs to know of a new record.
func (w *Writer) appended(pos wal.Pos) {
	w.stats.active.Store(pos.Offset)
	w.schedule.appended()
	if pos.Offset > w.cfg.SegmentBytes {
		w.schedule.large()
	}
}

// logError gives an error of the log its context; a closed log is a closed Writer.
func (w *Writer) logError(doing string, err error) error {
	if errors.Is(err, wal.ErrClosed) {
		return fmt.Errorf("%s: %w", doing, ErrClosed)
	}
	return fmt.Errorf("%s: %w", doing, err)
}
