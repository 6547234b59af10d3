package datafile

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// rowKeys are the values of the columns to sort by, of one batch. NULL comes first.
type rowKeys []keyColumn

// keyColumn is one of them: strs for text, ints for everything else.
type keyColumn struct {
	ints []int64
	strs *array.String
}

// keysOf returns the keys of the columns at these positions.
func keysOf(b arrow.RecordBatch, positions []int) rowKeys {
	keys := make(rowKeys, len(positions))
	for k, p := range positions {
		switch a := b.Column(p).(type) {
		case *array.String:
			keys[k].strs = a
		case *array.Timestamp:
			keys[k].ints = intKeys(a, func(i int) int64 { return int64(a.Value(i)) })
		case *array.Date32:
			keys[k].ints = intKeys(a, func(i int) int64 { return int64(a.Value(i)) })
		case *array.Int32:
			keys[k].ints = intKeys(a, func(i int) int64 { return int64(a.Value(i)) })
		case *array.Int64:
			keys[k].ints = intKeys(a, a.Value)
		}
	}
	return keys
}

func intKeys(a arrow.Array, at func(int) int64) []int64 {
	ints := make([]int64, a.Len())
	for i := range ints {
		if ints[i] = math.MinInt64; a.IsValid(i) {
			ints[i] = at(i)
		}
	}
	return ints
}

// compareKeys compares a row of one batch with one of another.
func compareKeys(a rowKeys, i int, b rowKeys, j int) int {
	for k := range a {
		c := 0
		if a[k].strs == nil {
			c = cmp.Compare(a[k].ints[i], b[k].ints[j])
		} else {
			c = compareText(a[k].strs, i, b[k].strs, j)
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

func compareText(a *array.String, i int, b *array.String, j int) int {
	switch an, bn := a.IsNull(i), b.IsNull(j); {
	case an && bn:
		return 0
	case an:
		return -1
	case bn:
		return 1
	}
	return strings.Compare(a.Value(i), b.Value(j))
}

// chunk is rows in memory, in order.
type chunk struct {
	batches []chunkBatch
	order   []place
	bytes   int64
}

type chunkBatch struct {
	batch arrow.RecordBatch
	keys  rowKeys
	copy  []func(row int) // by column
}

// place is where a row is.
type place struct{ batch, row int32 }

// sort puts the rows in order, keeping that of equal ones.
func (c *chunk) sort() {
	if slices.IsSortedFunc(c.order, c.compare) {
		return
	}
	slices.SortStableFunc(c.order, c.compare)
}

func (c *chunk) compare(a, b place) int {
	return compareKeys(c.batches[a.batch].keys, int(a.row), c.batches[b.batch].keys, int(b.row))
}

// add takes a batch over.
func (c *chunk) add(b arrow.RecordBatch, by []int) {
	number := int32(len(c.batches))
	c.batches = append(c.batches, chunkBatch{b, keysOf(b, by), make([]func(int), b.NumCols())})
	for _, a := range b.Columns() {
		c.bytes += held(a.Data())
	}
	for row := range int32(b.NumRows()) {
		c.order = append(c.order, place{number, row})
	}
}

// held is the memory that an array keeps, which is more than its values take.
func held(d arrow.ArrayData) int64 {
	n := int64(0)
	for _, buf := range d.Buffers() {
		if buf != nil {
			n += int64(buf.Cap())
		}
	}
	for _, child := range d.Children() {
		n += held(child)
	}
	return n
}

// keyValue is the value of one column to sort by.
type keyValue struct {
	int  int64
	text string
	null bool
}

// at returns the keys of a row, which outlive the chunk.
func (c *chunk) at(pos int) []keyValue {
	p := c.order[pos]
	values := []keyValue{}
	for _, k := range c.batches[p.batch].keys {
		switch {
		case k.strs == nil:
			values = append(values, keyValue{int: k.ints[p.row]})
		case k.strs.IsNull(int(p.row)):
			values = append(values, keyValue{null: true})
		default:
			values = append(values, keyValue{text: strings.Clone(k.strs.Value(int(p.row)))})
		}
	}
	return values
}

// compareTo compares a row with one of another chunk.
func (c *chunk) compareTo(pos int, other []keyValue) int {
	for k, a := range c.at(pos) {
		b := other[k]
		nulls := 0
		if a.null != b.null {
			if nulls = 1; a.null {
				nulls = -1
			}
		}
		if d := cmp.Or(cmp.Compare(a.int, b.int), nulls, strings.Compare(a.text, b.text)); d != 0 {
			return d
		}
	}
	return 0
}

func (c *chunk) release() {
	for _, b := range c.batches {
		b.batch.Release()
	}
	*c = chunk{}
}
