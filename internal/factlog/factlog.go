// Package factlog is how the facts of package inference are written as records of the write-ahead
// log, and read back.
//
// A record is a version byte and tagged fields; docs/format/wal.md lists the tags. A field that a
// program does not know is skipped, so a newer lakegate may add some and an older one still reads
// the log. Tags are never used again for something else. What is read back equals what was written,
// except that times are in UTC and empty lists come back nil; an empty map or body stays empty and
// a nil one nil.
//
// The two bodies of a call are handed to the log as parts of their own, so that they are copied
// once, and a decoded Record points into the record's bytes. An Encoder and a Decoder belong to one
// goroutine; both are cheap and meant to be kept. Damaged input gives an error that wraps
// ErrMalformed, never a panic.
package factlog

import (
	"errors"
	"fmt"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/wal"
)

// Kind says what a log record is.
type Kind = byte

// The kinds. Numbers are never used again.
const (
	// Admit is a request that was let through: what is known of it, and its body if it is wanted for
	// a payload table.
	Admit Kind = 1
	// Outcome is how an admitted request ended: every fact again, and the response. The request's
	// body is in the admit record it refers to, if it refers to one.
	Outcome Kind = 2
	// Complete is a request that was never admitted: everything in one record.
	Complete Kind = 3
	// Entity is a change of a served entity.
	Entity Kind = 4
	// Loss is facts that were dropped or are gone.
	Loss Kind = 5
	// Audit is a change of the control plane, or the attempt.
	Audit Kind = 6
	// Comparison is two answers and what a judge said of them.
	Comparison Kind = 7
)

// ErrMalformed says that bytes are not a record. Test for it with errors.Is.
var ErrMalformed = errors.New("malformed log record")

const version = 1

// Encoder turns facts into the parts of a log record.
type Encoder struct {
	buf   writer
	parts [4][]byte
}

// Record returns the parts of a record. When request is false the request's body is left out; admit
// is then where it is, or the zero Pos. The parts are valid until the Encoder is used again, and
// point to r's bodies.
func (e *Encoder) Record(r *inference.Record, request bool, admit wal.Pos) [][]byte {
	w := &e.buf
	*w = append((*w)[:0], version)
	w.record(r)
	if admit.Segment != 0 {
		w.uint(tagAdmitSegment, admit.Segment)
		w.uint(tagAdmitOffset, uint64(admit.Offset))
	}
	parts := e.parts[:0]
	withRequest := request && r.Payload.Request != nil
	if withRequest {
		w.head(tagRequest, len(r.Payload.Request))
	}
	first := len(*w)
	if r.Payload.Response != nil {
		w.head(tagResponse, len(r.Payload.Response))
	}
	parts = append(parts, e.buf[:first])
	if withRequest {
		parts = append(parts, r.Payload.Request)
	}
	if r.Payload.Response != nil {
		parts = append(parts, e.buf[first:], r.Payload.Response)
	}
	return parts
}

// Entity returns the parts of a record. They are valid until the Encoder is used again.
func (e *Encoder) Entity(c *inference.EntityChange) [][]byte {
	e.buf = append(e.buf[:0], version)
	e.buf.entity(c)
	return append(e.parts[:0], e.buf)
}

// Loss returns the parts of a record. They are valid until the Encoder is used again.
func (e *Encoder) Loss(l *inference.Loss) [][]byte {
	e.buf = append(e.buf[:0], version)
	e.buf.loss(l)
	return append(e.parts[:0], e.buf)
}

// Audit returns the parts of a record. They are valid until the Encoder is used again.
func (e *Encoder) Audit(a *inference.Audit) [][]byte {
	e.buf = append(e.buf[:0], version)
	e.buf.audit(a)
	return append(e.parts[:0], e.buf)
}

// Comparison returns the parts of a record. They are valid until the Encoder is used again.
func (e *Encoder) Comparison(c *inference.Comparison) [][]byte {
	e.buf = append(e.buf[:0], version)
	e.buf.comparison(c)
	return append(e.parts[:0], e.buf)
}

// Reset lets go of the facts that were encoded last, and of a buffer that grew large.
func (e *Encoder) Reset() {
	e.parts = [4][]byte{}
	if cap(e.buf) > 64<<10 {
		e.buf = nil
	}
}

// Decoder reads facts back.
type Decoder struct {
	names    names
	maps     map[string]map[string]string // by how they are written
	attempts []inference.Attempt
	ints     []int64
	record   inference.Record
	entity   inference.EntityChange
	loss     inference.Loss
	audit    inference.Audit
	compared inference.Comparison
}

// Fact reads the payload of a log record. What the fact's pointers and slices point to is valid
// until the Decoder is used again, its bodies as long as b is. Strings and maps may be kept; maps are
// shared and must not be changed.
// admit is where an outcome's request body is, or the zero Pos.
func (d *Decoder) Fact(kind Kind, b []byte) (f inference.Fact, admit wal.Pos, err error) {
	switch kind {
	case Admit, Outcome, Complete:
		admit, err = d.decodeRecord(b)
		f.Record = &d.record
	case Entity:
		err = d.decodeEntity(b)
		f.Entity = &d.entity
	case Loss:
		err = d.decodeLoss(b)
		f.Loss = &d.loss
	case Audit:
		err = d.decodeAudit(b)
		f.Audit = &d.audit
	case Comparison:
		err = d.decodeComparison(b)
		f.Comparison = &d.compared
	default:
		err = fmt.Errorf("%w: unknown kind %d", ErrMalformed, kind)
	}
	if err != nil {
		return inference.Fact{}, wal.Pos{}, err
	}
	return f, admit, nil
}

// RequestBody returns the request's body in the payload of an Admit or Complete record, nil when
// there is none. It points into b.
func RequestBody(b []byte) (request []byte, err error) {
	if b, err = body(b); err != nil {
		return nil, err
	}
	err = each(b, func(f field) error {
		if f.tag == tagRequest {
			request = present(f.bytes)
		}
		return nil
	})
	return request, err
}
