package datafile

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// readable reports whether values of the type that a file has can be read as the table's: the same
// type, timestamps of another unit (Spark's INT96 too), and structs that lack fields of the table's.
func readable(have, want arrow.DataType) error {
	mismatch := fmt.Errorf("the file has %s where the table has %s", have, want)
	switch want := want.(type) {
	case *arrow.TimestampType:
		if h, ok := have.(*arrow.TimestampType); ok && (h.TimeZone != "" || h.Unit == arrow.Nanosecond) {
			return nil
		}
	case *arrow.MapType:
		if h, ok := have.(*arrow.MapType); ok {
			if err := readable(h.KeyType(), want.KeyType()); err != nil {
				return err
			}
			return readable(h.ItemType(), want.ItemType())
		}
	case *arrow.ListType:
		if h, ok := have.(*arrow.ListType); ok {
			return readable(h.Elem(), want.Elem())
		}
	case *arrow.StructType:
		h, ok := have.(*arrow.StructType)
		if !ok {
			return mismatch
		}
		for _, f := range want.Fields() {
			if i := fieldOf(h, f.Name); i >= 0 {
				if err := readable(h.Field(i).Type, f.Type); err != nil {
					return fmt.Errorf("%s: %w", f.Name, err)
				}
			}
		}
		return nil
	default:
		if arrow.TypeEqual(have, want) {
			return nil
		}
	}
	return mismatch
}

func fieldOf(t *arrow.StructType, name string) int {
	for i, f := range t.Fields() {
		if strings.EqualFold(f.Name, name) {
			return i
		}
	}
	return -1
}

// conformed returns the array with the wanted type, of which readable has said that it can be. The
// caller releases it; a stays the caller's as well.
func conformed(a arrow.Array, want arrow.DataType) arrow.Array {
	d := conform(a.Data(), want)
	defer d.Release()
	return array.MakeFromData(d)
}

func conform(d arrow.ArrayData, want arrow.DataType) arrow.ArrayData {
	switch want := want.(type) {
	case *arrow.TimestampType:
		return microseconds(d, want)
	case *arrow.MapType:
		entries := d.Children()[0]
		key := conform(entries.Children()[0], want.KeyType())
		item := conform(entries.Children()[1], want.ItemType())
		pairs := array.NewData(want.Elem(), entries.Len(), entries.Buffers(), []arrow.ArrayData{key, item}, entries.NullN(), entries.Offset())
		key.Release()
		item.Release()
		return parent(d, want, pairs)
	case *arrow.ListType:
		return parent(d, want, conform(d.Children()[0], want.Elem()))
	case *arrow.StructType:
		have := d.DataType().(*arrow.StructType)
		children := make([]arrow.ArrayData, want.NumFields())
		for i, f := range want.Fields() {
			if at := fieldOf(have, f.Name); at >= 0 {
				children[i] = conform(d.Children()[at], f.Type)
				continue
			}
			missing := array.MakeArrayOfNull(mem, f.Type, d.Offset()+d.Len())
			missing.Data().Retain()
			children[i] = missing.Data()
			missing.Release()
		}
		return parent(d, want, children...)
	}
	d.Retain()
	return d
}

// parent returns d with another type and other children, which it takes over.
func parent(d arrow.ArrayData, want arrow.DataType, children ...arrow.ArrayData) arrow.ArrayData {
	next := array.NewData(want, d.Len(), d.Buffers(), children, d.NullN(), d.Offset())
	for _, c := range children {
		c.Release()
	}
	return next
}

// microseconds converts timestamps of any unit, cutting off what is finer.
func microseconds(d arrow.ArrayData, want *arrow.TimestampType) arrow.ArrayData {
	have := d.DataType().(*arrow.TimestampType)
	if have.Unit == arrow.Microsecond {
		return array.NewData(want, d.Len(), d.Buffers(), nil, d.NullN(), d.Offset())
	}
	from := array.NewTimestampData(d)
	defer from.Release()
	b := array.NewTimestampBuilder(mem, want)
	defer b.Release()
	b.Reserve(from.Len())
	for i := range from.Len() {
		if from.IsNull(i) {
			b.AppendNull()
			continue
		}
		b.Append(arrow.Timestamp(toMicros(int64(from.Value(i)), have.Unit)))
	}
	a := b.NewArray()
	defer a.Release()
	a.Data().Retain()
	return a.Data()
}

func toMicros(v int64, unit arrow.TimeUnit) int64 {
	switch unit {
	case arrow.Second:
		return v * 1e6
	case arrow.Millisecond:
		return v * 1e3
	case arrow.Nanosecond:
		if v < 0 {
			return (v - 999) / 1000
		}
		return v / 1000
	}
	return v
}
