package systemtables

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// row writes one row into a builder whose columns were checked. Each method appends one value to
// one column.
type row struct {
	b    *array.RecordBuilder
	keys []string // scratch of tags, kept between rows
}

// schemaCheck remembers the last schema found equal to the table's: builders are reused for
// thousands of rows.
type schemaCheck struct{ want, last *arrow.Schema }

func (c *schemaCheck) check(b *array.RecordBuilder) error {
	if got := b.Schema(); got != c.last {
		if !got.Equal(c.want) {
			return fmt.Errorf("the builder has other columns than the table: %s", got)
		}
		c.last = got
	}
	return nil
}

// text appends a string, NULL for "".
func (r *row) text(col int, s string) { text1(r.b.Field(col).(*array.StringBuilder), s) }

// json appends bytes as text without making a string of them, NULL for none.
func (r *row) json(col int, b []byte) {
	if !utf8.Valid(b) {
		b = bytes.ToValidUTF8(b, []byte("\uFFFD"))
	}
	to := r.b.Field(col).(*array.StringBuilder)
	if len(b) == 0 {
		to.AppendNull()
		return
	}
	to.BinaryBuilder.Append(b)
}

func text1(b *array.StringBuilder, s string) {
	if s == "" {
		b.AppendNull()
		return
	}
	b.Append(valid(s))
}

// valid replaces what isn't UTF-8: readers of Parquet refuse files with other strings.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

func (r *row) flag(col int, v bool) { r.b.Field(col).(*array.BooleanBuilder).Append(v) }

// status appends an HTTP status, NULL for 0.
func (r *row) status(col, code int) { status1(r.b.Field(col).(*array.Int32Builder), code) }

func status1(b *array.Int32Builder, code int) {
	if code == 0 {
		b.AppendNull()
		return
	}
	b.Append(int32(code))
}

// count appends a number that may be unknown.
func (r *row) count(col int, n *int64) { count1(r.b.Field(col).(*array.Int64Builder), n) }

func count1(b *array.Int64Builder, n *int64) {
	if n == nil {
		b.AppendNull()
		return
	}
	b.Append(*n)
}

// millis appends a duration, rounded to whole milliseconds; NULL for one that was not measured.
func (r *row) millis(col int, d time.Duration) { millis1(r.b.Field(col).(*array.Int64Builder), d) }

func millis1(b *array.Int64Builder, d time.Duration) {
	if d <= 0 {
		b.AppendNull()
		return
	}
	b.Append(d.Round(time.Millisecond).Milliseconds())
}

func (r *row) optionalMillis(col int, d *time.Duration) {
	if d == nil {
		r.b.Field(col).(*array.Int64Builder).AppendNull()
		return
	}
	r.b.Field(col).(*array.Int64Builder).Append(d.Round(time.Millisecond).Milliseconds())
}

func (r *row) moment(col int, t time.Time) {
	b := r.b.Field(col).(*array.TimestampBuilder)
	if t.IsZero() {
		b.AppendNull()
		return
	}
	b.Append(arrow.Timestamp(t.UnixMicro()))
}

func (r *row) date(col int, t time.Time) {
	r.b.Field(col).(*array.Date32Builder).Append(arrow.Date32FromTime(t.UTC()))
}

// tags appends a map with sorted keys, NULL for an empty one.
func (r *row) tags(col int, m map[string]string) {
	b := r.b.Field(col).(*array.MapBuilder)
	if len(m) == 0 {
		b.AppendNull()
		return
	}
	r.keys = r.keys[:0]
	for k := range m {
		if !utf8.ValidString(k) {
			r.tags(col, validKeys(m))
			return
		}
		r.keys = append(r.keys, k)
	}
	slices.Sort(r.keys)
	b.Append(true)
	keys, items := b.KeyBuilder().(*array.StringBuilder), b.ItemBuilder().(*array.StringBuilder)
	for _, k := range r.keys {
		keys.Append(k)
		items.Append(valid(m[k]))
	}
}

// validKeys returns the map with valid keys. Where two become one, the first in the order of the
// original keys stays: a map that has a key twice breaks its readers.
func validKeys(m map[string]string) map[string]string {
	out := make(map[string]string, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if _, ok := out[valid(k)]; !ok {
			out[valid(k)] = m[k]
		}
	}
	return out
}
