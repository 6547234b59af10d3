package inferencetables

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/google/uuid"

	"github.com/lakegate/lakegate/internal/inference"
	ts "github.com/lakegate/lakegate/internal/tableschema"
)

// InvalidUTF8 is the code of a body whose bytes that are not UTF-8 were replaced by U+FFFD.
const InvalidUTF8 = "INVALID_UTF8"

// ErrFull says that a body does not fit the batch any more: Arrow's offsets end at 2 GiB. The row
// fits an empty batch unless the body alone is that large.
var ErrFull = errors.New("the batch cannot take another body of this size")

// Feed turns records into rows of the payload tables that they name.
type Feed struct {
	tables    map[string]*ts.Table // nil for names that cannot be
	want      *arrow.Schema
	last      *arrow.Schema // of a builder that was checked
	maxColumn int           // bytes one column of a batch holds
	rejected  atomic.Int64
	row       row
}

// NewFeed returns a feed that knows no table yet.
func NewFeed() *Feed {
	want := (&ts.Table{Columns: columns}).Arrow()
	return &Feed{tables: map[string]*ts.Table{}, want: want, maxColumn: math.MaxInt32}
}

// Rejected counts records that named a table that cannot be; it stays 0 when configuration
// checks names with ValidateName. Safe at any time.
func (f *Feed) Rejected() int64 { return f.rejected.Load() }

// Table returns the payload table the record names, always the same one for a name. It returns
// nil when the record names none, is not in the kept share, or is no record.
func (f *Feed) Table(fact inference.Fact) *ts.Table {
	rec := fact.Record
	if rec == nil || rec.Payload.Table == "" || !Sampled(sampledBy(rec), rec.Payload.SamplingFraction) {
		return nil
	}
	t, ok := f.tables[rec.Payload.Table]
	if !ok {
		t, _ = NewTable(rec.Payload.Table)
		f.tables[rec.Payload.Table] = t
	}
	if t == nil {
		f.rejected.Add(1)
	}
	return t
}

// sampledBy returns the id that decides whether a record is kept: of what was asked beside a client's
// request that request's, so that where one is kept, so is the other.
func sampledBy(rec *inference.Record) inference.ID {
	if rec.Parent != (inference.ID{}) {
		return rec.Parent
	}
	return rec.ID
}

// Append adds the record's row to b, or nothing and says why: the fact is no record, has no id or
// time, b has other columns, or b is too full for the bodies (ErrFull).
func (f *Feed) Append(b *array.RecordBuilder, fact inference.Fact) error {
	rec := fact.Record
	if err := f.check(b, rec); err != nil {
		return fmt.Errorf("payload row: %w", err)
	}
	request, bad := validBody(rec.Payload.Request)
	response, bad2 := validBody(rec.Payload.Response)
	if !f.fits(b, cRequest, request) || !f.fits(b, cResponse, response) {
		return fmt.Errorf("payload row of %s: %d and %d bytes: %w", rec.ID, len(request), len(response), ErrFull)
	}
	f.row.b = b
	f.row.names(rec)
	f.row.result(rec)
	f.row.body(cRequest, request)
	f.row.body(cResponse, response)
	f.row.codes(cErrorCodes, rec.Payload.ErrorCodes, bad || bad2)
	f.row.b = nil
	return nil
}

func (f *Feed) check(b *array.RecordBuilder, rec *inference.Record) error {
	switch {
	case rec == nil:
		return errors.New("the fact is not a record")
	case rec.ID == uuid.Nil:
		return errors.New("the record has no id")
	case rec.Time.IsZero():
		return fmt.Errorf("record %s has no time", rec.ID)
	}
	if got := b.Schema(); got != f.last {
		if !got.Equal(f.want) {
			return fmt.Errorf("the builder has other columns than a payload table: %s", got)
		}
		f.last = got
	}
	return nil
}

func (f *Feed) fits(b *array.RecordBuilder, col int, body []byte) bool {
	return b.Field(col).(*array.StringBuilder).DataLen()+len(body) <= f.maxColumn
}

// validBody returns the body itself when it is UTF-8, else a copy that is and true.
func validBody(b []byte) ([]byte, bool) {
	if utf8.Valid(b) {
		return b, false
	}
	return bytes.ToValidUTF8(b, []byte(replacement)), true
}
