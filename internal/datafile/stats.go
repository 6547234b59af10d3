package datafile

import (
	"cmp"
	"encoding/json"
	"fmt"
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

// stats returns add.stats: the number of rows, and per column the smallest and largest value and
// the number of NULLs, structs as nested objects. Columns without a bound that JSON can say have
// none: all NULL, NaN or infinite values, maps, lists, booleans.
func stats(b arrow.RecordBatch, cols []tableschema.Column) string {
	arrays := b.Columns()
	s := object(cols, arrays, nil, false)
	var out strings.Builder
	fmt.Fprintf(&out, `{"numRecords":%d`, b.NumRows())
	for _, part := range []struct{ name, json string }{{"minValues", s.min}, {"maxValues", s.max}, {"nullCount", s.nulls}} {
		if part.json == "" {
			part.json = "{}"
		}
		fmt.Fprintf(&out, `,"%s":%s`, part.name, part.json)
	}
	return out.String() + "}"
}

// bound is what is known of a column, as JSON; "" for nothing to say.
type bound struct{ min, max, nulls string }

// object is the bounds of several columns. present says whether the struct they are part of is
// there in a row; nil for always. noStats leaves all minima and maxima out.
func object(cols []tableschema.Column, arrays []arrow.Array, present func(int) bool, noStats bool) bound {
	var mins, maxs, nulls members
	for i, c := range cols {
		b := column(c.Type, arrays[i], present, noStats || c.NoStats)
		mins.add(c.Name, b.min)
		maxs.add(c.Name, b.max)
		nulls.add(c.Name, b.nulls)
	}
	return bound{mins.json(), maxs.json(), nulls.json()}
}

// members are those of a JSON object.
type members []string

func (m *members) add(name, value string) {
	if value != "" {
		*m = append(*m, quote(name)+":"+value)
	}
}

func (m *members) json() string {
	if len(*m) == 0 {
		return ""
	}
	return "{" + strings.Join(*m, ",") + "}"
}

func column(typ tableschema.Type, a arrow.Array, present func(int) bool, noStats bool) bound {
	valid := a.IsValid
	if present != nil {
		valid = func(i int) bool { return a.IsValid(i) && present(i) }
	}
	if s, ok := a.(*array.Struct); ok {
		fields := make([]arrow.Array, s.NumField())
		for i := range fields {
			fields[i] = s.Field(i)
		}
		return object(typ.Fields, fields, valid, noStats)
	}
	nulls := a.NullN()
	if present != nil {
		nulls = 0
		for i := range a.Len() {
			if !valid(i) {
				nulls++
			}
		}
	}
	b := bound{nulls: strconv.Itoa(nulls)}
	if !noStats && nulls < a.Len() {
		b.min, b.max = limits(typ, a, valid)
	}
	return b
}

// limits returns the smallest and the largest value of a leaf with at least one, as JSON.
func limits(typ tableschema.Type, a arrow.Array, valid func(int) bool) (lo, hi string) {
	switch a := a.(type) {
	case *array.Int32:
		l, h := extremes(a.Len(), valid, a.Value, cmp.Compare)
		return strconv.Itoa(int(l)), strconv.Itoa(int(h))
	case *array.Int64:
		l, h := extremes(a.Len(), valid, a.Value, cmp.Compare)
		return strconv.FormatInt(l, 10), strconv.FormatInt(h, 10)
	case *array.Float64:
		return doubleLimits(a, valid)
	case *array.String:
		l, h := extremes(a.Len(), valid, a.Value, strings.Compare)
		return stringLimits(l, h)
	case *array.Date32:
		l, h := extremes(a.Len(), valid, a.Value, cmp.Compare)
		return between(l.ToTime(), h.ToTime(), time.DateOnly)
	case *array.Timestamp:
		l, h := extremes(a.Len(), valid, a.Value, cmp.Compare)
		return between(millis(l), millis(h), "2006-01-02T15:04:05.000Z")
	case *array.Decimal128:
		l, h := extremes(a.Len(), valid, a.Value, decimal128.Num.Cmp)
		return l.ToString(typ.Scale), h.ToString(typ.Scale)
	}
	return "", ""
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

// doubleLimits says nothing when a value is NaN or infinite: JSON has no word for them, and bounds
// that ignore them would be wrong. -0 sorts before 0.
func doubleLimits(a *array.Float64, valid func(int) bool) (lo, hi string) {
	for i := range a.Len() {
		if v := a.Value(i); valid(i) && (math.IsNaN(v) || math.IsInf(v, 0)) {
			return "", ""
		}
	}
	l, h := extremes(a.Len(), valid, a.Value, func(x, y float64) int {
		if x == 0 && y == 0 {
			return cmp.Compare(1/x, 1/y)
		}
		return cmp.Compare(x, y)
	})
	return strconv.FormatFloat(l, 'g', -1, 64), strconv.FormatFloat(h, 'g', -1, 64)
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

// quote returns the string as JSON, with <, > and & as they are.
func quote(s string) string {
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // strings always encode
	}
	return strings.TrimSuffix(out.String(), "\n")
}
