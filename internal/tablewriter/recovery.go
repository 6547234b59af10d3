package tablewriter

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/lakegate/lakegate/internal/factlog"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/wal"
)

// ResponseLost is the payload error code of a request that the process did not live to finish.
const ResponseLost = "RESPONSE_LOST_IN_CRASH"

// recover makes a Writer of what an earlier process left in the log: it learns which segments are
// needed, and logs an outcome for each request that has none. Those outcomes stand in the new active
// segment before any old one can go, so a crash in between repeats nothing.
func (w *Writer) recover(found *wal.Recovery) error {
	if err := w.identify(found); err != nil {
		return err
	}
	if t := found.Torn; t != nil {
		w.logger.Warn("the end of the log was not whole and was cut off: the process died while it wrote there", "segment", t.Segment, "offset", t.Offset, "bytes", t.Bytes)
	}
	open, err := openRequests(w.log, w.pins.refer)
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	if len(open) > 0 {
		w.logger.Warn("requests were running when the process died; they become rows with the outcome crashed", "requests", len(open))
	}
	if err := w.finishCrashed(open); err != nil {
		return fmt.Errorf("record crashed requests: %w", err)
	}
	return nil
}

// identify checks that log and ledger belong together and that no segment is missing between them.
func (w *Writer) identify(found *wal.Recovery) error {
	l := w.ledger
	if l.Log == "" {
		l.Log = w.log.ID()
	}
	if l.Log != w.log.ID() {
		return &wal.DamageError{
			Path: ledgerPath(w.cfg.logDir()), Reason: "the ledger is of log " + l.Log + " and this is " + w.log.ID(),
			Hint: "put the folder's files back together, or move the ledger away to count from now on",
		}
	}
	missing, holes := missingSegments(l, found), missingRecords(l, found)
	holes = slices.DeleteFunc(holes, func(h wal.Hole) bool { return !l.lacksRecords(h) })
	lacks, hollow := l.lacks(missing...), len(holes) > 0
	w.stats.holes.Store(int64(len(l.Holes)))
	w.stats.lostRecords.Store(l.lostRecords())
	if lacks {
		w.logger.Error("segments of the log are gone; their rows are lost and verify reports it", "segments", missing)
	}
	if hollow {
		w.logger.Error("records of the log are gone: power was cut before they were on disk, or they were damaged and given up", "holes", fmt.Sprint(holes))
	}
	if !lacks && !hollow {
		return nil
	}
	if err := l.write(w.cfg.fs(), w.cfg.logDir()); err != nil {
		return err
	}
	w.tellHoles(holes)
	return nil
}

// missingSegments returns the segments that are neither counted in the ledger nor in the folder.
func missingSegments(l *ledger, found *wal.Recovery) []uint64 {
	missing := slices.DeleteFunc(slices.Clone(found.Missing), func(n uint64) bool { return n <= l.Through })
	if len(found.Segments) > 0 && found.Segments[0].Prev > l.Through {
		missing = append(missing, found.Segments[0].Prev)
	}
	return missing
}

// missingRecords returns the holes in segments that the ledger has not counted: where it has, nothing
// is missing from the tables.
func missingRecords(l *ledger, found *wal.Recovery) []wal.Hole {
	return slices.DeleteFunc(slices.Clone(found.Holes), func(h wal.Hole) bool { return h.Segment <= l.Through })
}

// openRequests returns where the admit records of requests without an outcome are, oldest first. It
// calls refer for each outcome that refers to an admit record.
func openRequests(log logSource, refer func(admit, outcome wal.Pos)) ([]wal.Pos, error) {
	open := map[inference.ID]wal.Pos{}
	var d factlog.Decoder
	c := log.Cursor()
	defer c.Close()
	for e, err := range c.Scan(wal.Pos{}, log.End()) {
		if err != nil {
			return nil, err
		}
		if e.Kind != factlog.Admit && e.Kind != factlog.Outcome {
			continue
		}
		f, admit, err := d.Fact(e.Kind, e.Payload)
		if err != nil {
			return nil, fmt.Errorf("log record at %v: %w", e.Pos, err)
		}
		if e.Kind == factlog.Admit {
			open[f.Record.ID] = e.Pos
			continue
		}
		delete(open, f.Record.ID)
		refer(admit, e.Pos)
	}
	return slices.SortedFunc(maps.Values(open), func(a, b wal.Pos) int {
		return cmp.Or(cmp.Compare(a.Segment, b.Segment), cmp.Compare(a.Offset, b.Offset))
	}), nil
}

// finishCrashed logs the outcome of each open request and puts them on disk.
func (w *Writer) finishCrashed(open []wal.Pos) error {
	c := w.log.Cursor()
	defer c.Close()
	var d factlog.Decoder
	var enc factlog.Encoder
	var last wal.Pos
	for _, admit := range open {
		rec, err := crashedRecord(c, &d, admit)
		if err != nil {
			return err
		}
		refer := admit
		if rec.Payload.Request == nil {
			refer = wal.Pos{}
		}
		last, err = w.log.Append(factlog.Outcome, enc.Record(rec, false, refer)...)
		if err != nil {
			return err
		}
		w.pins.refer(refer, last)
		w.stats.accepted.Add(1)
		w.cfg.failPoint("crash row appended")
	}
	if last.Segment == 0 {
		return nil
	}
	return w.log.Sync(last)
}

// crashedRecord returns the record of a request that was admitted and never finished. It is valid
// until the cursor and the decoder are used again.
func crashedRecord(c *wal.Cursor, d *factlog.Decoder, admit wal.Pos) (*inference.Record, error) {
	e, err := c.Read(admit)
	if err != nil {
		return nil, err
	}
	f, _, err := d.Fact(e.Kind, e.Payload)
	if err != nil {
		return nil, fmt.Errorf("log record at %v: %w", admit, err)
	}
	r := f.Record
	r.Status, r.Outcome = 0, inference.Crashed
	r.ErrorCode, r.ErrorMessage = "GATEWAY_CRASHED", "the gateway stopped before the answer was recorded"
	r.Usage = inference.Usage{Source: inference.UsageNone}
	r.Cost, r.Payload.Response = nil, nil
	if r.Payload.Table != "" {
		r.Payload.ErrorCodes = append(r.Payload.ErrorCodes, ResponseLost)
	}
	return r, nil
}
