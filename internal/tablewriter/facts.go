package tablewriter

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"time"

	"github.com/lakegate/lakegate/internal/factlog"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/wal"
)

// RequestLost is the payload error code of a row whose request body was in a part of the log that
// is gone.
const RequestLost = "REQUEST_LOST"

// logSource is the log as rows are read from it: a *wal.Log or a *wal.View.
type logSource interface {
	ID() string
	End() wal.Pos
	Segments() []wal.Segment
	Cursor() *wal.Cursor
}

// loggedFact is a fact that is a row, as it was found in the log.
type loggedFact struct {
	inference.Fact
	pos   wal.Pos
	admit wal.Pos // of the record with the request's body, the zero Pos for none
	size  int64   // bytes of the fact, bodies included
}

// factReader reads facts from the log. It belongs to one goroutine. Close it.
type factReader struct {
	cursor  *wal.Cursor
	decoder factlog.Decoder
}

func newFactReader(log logSource) *factReader { return &factReader{cursor: log.Cursor()} }

func (r *factReader) close() { r.cursor.Close() }

// rows yields the facts at from and behind it and in front of to that are rows, in order. A fact is
// valid until the next one. It ends after the first error.
func (r *factReader) rows(from, to wal.Pos) iter.Seq2[loggedFact, error] {
	return func(yield func(loggedFact, error) bool) {
		for e, err := range r.cursor.Scan(from, to) {
			if err == nil && e.Kind == factlog.Admit {
				continue
			}
			var f loggedFact
			if err == nil {
				f, err = r.row(e)
			}
			if !yield(f, err) || err != nil {
				return
			}
		}
	}
}

// row decodes a record and joins it with the request's body.
func (r *factReader) row(e wal.Entry) (loggedFact, error) {
	fact, admit, err := r.decoder.Fact(e.Kind, e.Payload)
	if err != nil {
		return loggedFact{}, fmt.Errorf("log record at %v: %w", e.Pos, err)
	}
	f := loggedFact{Fact: fact, pos: e.Pos, admit: admit, size: int64(len(e.Payload))}
	if admit.Segment == 0 || fact.Record.Payload.Table == "" {
		return f, nil
	}
	p := &fact.Record.Payload
	p.Request, err = r.request(admit)
	if errors.Is(err, os.ErrNotExist) {
		p.ErrorCodes = append(slices.Clip(p.ErrorCodes), RequestLost)
		return f, nil
	}
	f.size += int64(len(p.Request))
	return f, err
}

// request returns the request's body that was admitted at a place.
func (r *factReader) request(admit wal.Pos) ([]byte, error) {
	e, err := r.cursor.Read(admit)
	if err != nil {
		return nil, fmt.Errorf("read admitted request: %w", err)
	}
	if e.Kind != factlog.Admit {
		return nil, fmt.Errorf("read admitted request: the log has a record of kind %d at %v", e.Kind, admit)
	}
	return factlog.RequestBody(e.Payload)
}

// idOf is the request's id of a fact; the zero ID of facts that have none.
func idOf(f inference.Fact) inference.ID {
	switch {
	case f.Record != nil:
		return f.Record.ID
	case f.Comparison != nil:
		return f.Comparison.RequestID
	default:
		return inference.ID{}
	}
}

// dayOf is the UTC day of a fact, in days since 1970. Rows of one day are gathered together.
func dayOf(f inference.Fact) int64 {
	var at time.Time
	switch {
	case f.Record != nil:
		at = f.Record.Time
	case f.Entity != nil:
		at = f.Entity.Time
	case f.Loss != nil:
		at = f.Loss.Time
	case f.Comparison != nil:
		at = f.Comparison.RequestTime
	}
	const day = 24 * 60 * 60
	unix := at.Unix()
	return (unix - (unix%day+day)%day) / day
}
