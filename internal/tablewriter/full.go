package tablewriter

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/lakegate/lakegate/internal/factlog"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/wal"
)

// Policy is what happens to requests when the log has no room for them: the disk is full, or too much
// waits for the store.
type Policy int

// The policies. Each goes as far as it must and no further.
const (
	// Block refuses new requests. Nothing is lost.
	Block Policy = iota
	// ShedPayloads leaves the bodies out of payload rows, which say so (PayloadShed), and refuses new
	// requests when that is not enough. No row is lost.
	ShedPayloads
	// Drop sheds payloads, and lets requests through unrecorded when that is not enough. What is
	// dropped is counted, and the count becomes rows (inference.Loss) when there is room.
	Drop
)

// PayloadShed is the payload error code of a row whose bodies were left out for want of room.
const PayloadShed = "PAYLOAD_SHED"

// shedPart is the part of the backlog's bound from which on payloads are shed: before requests have
// to be refused.
const shedPart = 0.75

// policy is what to do with a request whose payload goes to a table, "" for none.
func (w *Writer) policy(table string) Policy {
	if w.cfg.WhenFull == nil {
		return Block
	}
	return w.cfg.WhenFull(table)
}

// shedding reports whether the bodies of a payload table are to be left out now.
func (w *Writer) shedding(table string) bool {
	if table == "" || !w.stats.backlogged(int64(shedPart*float64(w.cfg.MaxBacklogBytes))) {
		return false
	}
	return w.policy(table) != Block
}

// shed returns the record without its bodies. The response that is left out is counted.
func (w *Writer) shed(rec *inference.Record) *inference.Record {
	w.stats.shed.Add(1)
	plain := *rec
	plain.Payload.Request, plain.Payload.Response = nil, nil
	if !slices.Contains(plain.Payload.ErrorCodes, PayloadShed) {
		plain.Payload.ErrorCodes = append(slices.Clip(plain.Payload.ErrorCodes), PayloadShed)
	}
	return &plain
}

// mayDrop reports whether a fact that the log cannot take is dropped by policy rather than kept or
// refused.
func (w *Writer) mayDrop(rec *inference.Record) bool {
	return rec != nil && w.policy(rec.Payload.Table) == Drop
}

// dropped counts facts that were dropped until they can be logged. A crash before that loses the
// count.
type dropped struct {
	mu   sync.Mutex
	list map[droppedKey]*droppedRows
}

type droppedKey struct {
	table  string
	reason inference.LossReason
}

type droppedRows struct {
	rows  int64
	since time.Time
}

// dropRequest counts the rows that a request would have been.
func (w *Writer) dropRequest(rec *inference.Record, reason inference.LossReason) {
	fact := inference.Fact{Record: rec}
	for _, feed := range w.lake.feeds.list {
		if t := w.lake.feeds.table(feed, fact); t != nil {
			w.dropped.add(t.Name.String(), reason, 1)
			w.stats.losses.Add(1)
		}
	}
}

func (d *dropped) add(table string, reason inference.LossReason, rows int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.list == nil {
		d.list = map[droppedKey]*droppedRows{}
	}
	key := droppedKey{table, reason}
	r := d.list[key]
	if r == nil {
		r = &droppedRows{since: time.Now()}
		d.list[key] = r
	}
	r.rows += rows
}

// logDropped logs what was dropped, as far as there is room.
func (w *Writer) logDropped() {
	d := &w.dropped
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, r := range d.list {
		l := &inference.Loss{
			Time: time.Now().UTC(), Since: r.since.UTC(), Table: key.table, Rows: r.rows, Reason: key.reason,
			Detail: "dropped by policy: log.when_full",
		}
		if err := w.logLoss(l); err != nil {
			w.logger.Warn("rows were dropped for want of room, and there is none to record that either", "table", key.table, "rows", r.rows, "error", err)
			return
		}
		w.logger.Error("rows were dropped for want of room", "table", key.table, "rows", r.rows, "since", r.since, "reason", string(key.reason))
		delete(d.list, key)
	}
}

// logLoss logs one loss as a fact. It takes of the log's reserve: a few bytes that say what is gone.
func (w *Writer) logLoss(l *inference.Loss) error {
	e := encoders.Get().(*factlog.Encoder)
	defer encoders.Put(e)
	defer e.Reset()
	parts := e.Loss(l)
	pos, err := w.log.Append(factlog.Loss, parts...)
	if errors.Is(err, wal.ErrFull) && w.reserve.release() {
		pos, err = w.log.Append(factlog.Loss, parts...)
	}
	if err != nil {
		return fmt.Errorf("log a loss: %w", err)
	}
	w.stats.accepted.Add(1)
	w.appended(pos)
	return nil
}

// tellHoles makes rows of records that the log has lost.
func (w *Writer) tellHoles(holes []wal.Hole) {
	for _, h := range holes {
		l := &inference.Loss{
			Time: time.Now().UTC(), Rows: h.Records(), AtLeast: h.Open, Reason: inference.GivenUp,
			Detail: fmt.Sprintf("log %s: %v", w.log.ID(), h),
		}
		if h.Open {
			l.Reason = inference.PowerCut
		}
		if err := w.logLoss(l); err != nil {
			w.logger.Warn("a hole in the log has no row in the losses table", "hole", h.String(), "error", err)
		}
	}
}
