package datafile

import (
	"cmp"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/lakegate/lakegate/internal/tableschema"
)

// limits is the smallest and the largest value of a leaf so far.
type limits interface {
	add(a arrow.Array, valid func(int) bool) // of an array with at least one valid value
	json() (lo, hi string)
}

// newLimits returns nil for types that have none.
func newLimits(typ tableschema.Type) limits {
	switch typ.Kind {
	case tableschema.Int:
		return &span[int32]{compare: cmp.Compare[int32], values: func(a arrow.Array) func(int) int32 { return a.(*array.Int32).Value }, render: func(l, h int32) (string, string) {
			return strconv.Itoa(int(l)), strconv.Itoa(int(h))
		}}
	case tableschema.Long:
		return &span[int64]{compare: cmp.Compare[int64], values: func(a arrow.Array) func(int) int64 { return a.(*array.Int64).Value }, render: func(l, h int64) (string, string) {
			return strconv.FormatInt(l, 10), strconv.FormatInt(h, 10)
		}}
	case tableschema.Double:
		return &doubles{span: span[float64]{compare: compareDoubles, values: func(a arrow.Array) func(int) float64 { return a.(*array.Float64).Value }, render: func(l, h float64) (string, string) {
			return strconv.FormatFloat(l, 'g', -1, 64), strconv.FormatFloat(h, 'g', -1, 64)
		}}}
	case tableschema.String:
		return &span[string]{compare: strings.Compare, values: func(a arrow.Array) func(int) string { return a.(*array.String).Value }, render: stringLimits, keep: strings.Clone}
	case tableschema.Date:
		return &span[arrow.Date32]{compare: cmp.Compare[arrow.Date32], values: func(a arrow.Array) func(int) arrow.Date32 { return a.(*array.Date32).Value }, render: func(l, h arrow.Date32) (string, string) {
			return between(l.ToTime(), h.ToTime(), time.DateOnly)
		}}
	case tableschema.Timestamp:
		return &span[arrow.Timestamp]{compare: cmp.Compare[arrow.Timestamp], values: func(a arrow.Array) func(int) arrow.Timestamp { return a.(*array.Timestamp).Value }, render: func(l, h arrow.Timestamp) (string, string) {
			return between(millis(l), millis(h), "2006-01-02T15:04:05.000Z")
		}}
	case tableschema.Decimal:
		return &span[decimal128.Num]{compare: decimal128.Num.Cmp, values: func(a arrow.Array) func(int) decimal128.Num { return a.(*array.Decimal128).Value }, render: func(l, h decimal128.Num) (string, string) {
			return l.ToString(typ.Scale), h.ToString(typ.Scale)
		}}
	}
	return nil
}

// span is the limits of one type.
type span[T any] struct {
	lo, hi  T
	any     bool
	compare func(a, b T) int
	values  func(arrow.Array) func(int) T
	render  func(lo, hi T) (string, string)
	keep    func(T) T // copies a value that is part of an array; nil when values are copies
}

func (s *span[T]) add(a arrow.Array, valid func(int) bool) {
	lo, hi := extremes(a.Len(), valid, s.values(a), s.compare)
	if !s.any || s.compare(lo, s.lo) < 0 {
		s.lo = s.kept(lo)
	}
	if !s.any || s.compare(hi, s.hi) > 0 {
		s.hi = s.kept(hi)
	}
	s.any = true
}

func (s *span[T]) kept(v T) T {
	if s.keep != nil {
		return s.keep(v)
	}
	return v
}

func (s *span[T]) json() (lo, hi string) {
	if !s.any {
		return "", ""
	}
	return s.render(s.lo, s.hi)
}

// doubles says nothing when a value is NaN or infinite: JSON has no word for them, and bounds that
// ignore them would be wrong.
type doubles struct {
	span[float64]
	unsayable bool
}

func (d *doubles) add(a arrow.Array, valid func(int) bool) {
	values := a.(*array.Float64)
	for i := range a.Len() {
		if v := values.Value(i); valid(i) && (math.IsNaN(v) || math.IsInf(v, 0)) {
			d.unsayable = true
			return
		}
	}
	d.span.add(a, valid)
}

func (d *doubles) json() (lo, hi string) {
	if d.unsayable {
		return "", ""
	}
	return d.span.json()
}

// compareDoubles has -0 before 0.
func compareDoubles(x, y float64) int {
	if x == 0 && y == 0 {
		return cmp.Compare(1/x, 1/y)
	}
	return cmp.Compare(x, y)
}

// extremes returns the smallest and the largest of the valid values; there must be one.
func extremes[T any](n int, valid func(int) bool, at func(int) T, compare func(a, b T) int) (lo, hi T) {
	first := true
	for i := range n {
		if !valid(i) {
			continue
		}
		v := at(i)
		if first {
			lo, hi, first = v, v, false
			continue
		}
		if compare(v, lo) < 0 {
			lo = v
		}
		if compare(v, hi) > 0 {
			hi = v
		}
	}
	return lo, hi
}

func stringLimits(lo, hi string) (string, string) {
	if !utf8.ValidString(lo) || !utf8.ValidString(hi) {
		return "", ""
	}
	lo = quote(truncateMin(lo))
	if hi, ok := truncateMax(hi); ok {
		return lo, quote(hi)
	}
	return lo, ""
}

// millis is the timestamp floored to the millisecond, as the protocol has it for both bounds.
// Readers add a millisecond to the largest.
func millis(ts arrow.Timestamp) time.Time {
	us := int64(ts)
	ms := us / 1000
	if us%1000 < 0 {
		ms--
	}
	return time.UnixMilli(ms)
}

// between renders two times; nothing when a year has no four digits.
func between(lo, hi time.Time, layout string) (string, string) {
	lo, hi = lo.UTC(), hi.UTC()
	if lo.Year() < 0 || hi.Year() > 9999 {
		return "", ""
	}
	return quote(lo.Format(layout)), quote(hi.Format(layout))
}
