package datafile

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// copier returns what appends a row of a, by number, to b, which is a builder of a's type.
func copier(b array.Builder, a arrow.Array) func(row int) {
	appendValue := valueCopier(b, a)
	if a.NullN() == 0 {
		return appendValue
	}
	return func(row int) {
		if a.IsNull(row) {
			b.AppendNull()
			return
		}
		appendValue(row)
	}
}

func valueCopier(b array.Builder, a arrow.Array) func(row int) {
	switch a := a.(type) {
	case *array.String:
		to := b.(*array.StringBuilder)
		return func(row int) { to.Append(a.Value(row)) }
	case *array.Int32:
		to := b.(*array.Int32Builder)
		return func(row int) { to.Append(a.Value(row)) }
	case *array.Int64:
		to := b.(*array.Int64Builder)
		return func(row int) { to.Append(a.Value(row)) }
	case *array.Float64:
		to := b.(*array.Float64Builder)
		return func(row int) { to.Append(a.Value(row)) }
	case *array.Boolean:
		to := b.(*array.BooleanBuilder)
		return func(row int) { to.Append(a.Value(row)) }
	case *array.Date32:
		to := b.(*array.Date32Builder)
		return func(row int) { to.Append(a.Value(row)) }
	case *array.Timestamp:
		to := b.(*array.TimestampBuilder)
		return func(row int) { to.Append(a.Value(row)) }
	case *array.Decimal128:
		to := b.(*array.Decimal128Builder)
		return func(row int) { to.Append(a.Value(row)) }
	}
	return nestedCopier(b, a)
}

func nestedCopier(b array.Builder, a arrow.Array) func(row int) {
	switch a := a.(type) {
	case *array.Map:
		to := b.(*array.MapBuilder)
		key, item := copier(to.KeyBuilder(), a.Keys()), copier(to.ItemBuilder(), a.Items())
		return func(row int) {
			to.Append(true)
			for from, end := a.ValueOffsets(row); from < end; from++ {
				key(int(from))
				item(int(from))
			}
		}
	case *array.List:
		to := b.(*array.ListBuilder)
		elem := copier(to.ValueBuilder(), a.ListValues())
		return func(row int) {
			to.Append(true)
			for from, end := a.ValueOffsets(row); from < end; from++ {
				elem(int(from))
			}
		}
	case *array.Struct:
		to := b.(*array.StructBuilder)
		fields := make([]func(int), a.NumField())
		for i := range fields {
			fields[i] = copier(to.FieldBuilder(i), a.Field(i))
		}
		return func(row int) {
			to.Append(true)
			for _, f := range fields {
				f(row)
			}
		}
	}
	// tableschema has no other types.
	panic("datafile: no copy of " + a.DataType().String())
}
