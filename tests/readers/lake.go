package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/uuid"

	"github.com/lakegate/lakegate/internal/datafile"
	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/rowtags"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// writer writes rows into a table as a gateway does, without the gateway.
type writer struct {
	store   objstore.Store
	schema  *tableschema.Table
	table   *delta.Table
	log     string
	segment int64
}

func openWriter(ctx context.Context, store objstore.Store, schema *tableschema.Table) (*writer, error) {
	t, err := delta.OpenOrCreate(ctx, store, schema, delta.Options{Version: "readers", CheckpointInterval: 5})
	if err != nil {
		return nil, err
	}
	return &writer{store: store, schema: schema, table: t, log: uuid.NewString()}, nil
}

// append commits rows, one file a day.
func (w *writer) append(ctx context.Context, rows []row) error {
	w.segment++
	var adds []delta.Add
	for day, list := range byDay(rows) {
		add, err := w.upload(ctx, day, list)
		if err != nil {
			return err
		}
		adds = append(adds, *add)
	}
	_, err := w.table.Append(ctx, adds, delta.Txn{AppID: w.log, Version: w.segment}, nil)
	return err
}

func byDay(rows []row) map[string][]row {
	days := map[string][]row{}
	for _, r := range rows {
		day := r[dateColumn].(string)
		days[day] = append(days[day], r)
	}
	return days
}

// upload makes a data file of rows of one day.
func (w *writer) upload(ctx context.Context, day string, rows []row) (*delta.Add, error) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, w.schema.Arrow())
	defer b.Release()
	count := rowtags.Counts{}
	for _, r := range rows {
		for i, c := range w.schema.Columns {
			build(b.Field(i), c.Type, r[c.Name])
		}
		id, err := uuid.Parse(r[idColumn].(string))
		if err != nil {
			return nil, err
		}
		n := count[w.log]
		n.Row(id)
		count[w.log] = n
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	f, err := datafile.Encode(batch, w.schema, datafile.Options{})
	if err != nil {
		return nil, err
	}
	partition := map[string]string{dateColumn: day}
	add := &delta.Add{
		Path: delta.DataFileName(partition, uint64(w.segment), w.log), PartitionValues: partition,
		Size: int64(len(f.Data)), Rows: f.Rows, Stats: f.Stats, Tags: count.Tags(),
	}
	_, err = w.store.Put(ctx, w.table.Key(add.Path), f.Data)
	return add, err
}

// build appends a value of the model to a column.
func build(b array.Builder, t tableschema.Type, v any) {
	if v == nil {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *array.StringBuilder:
		b.Append(v.(string))
	case *array.Date32Builder:
		day, _ := time.Parse(time.DateOnly, v.(string)) // ours
		b.Append(arrow.Date32FromTime(day))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(v.(int64)))
	case *array.BooleanBuilder:
		b.Append(v.(bool))
	case *array.Int32Builder:
		b.Append(int32(v.(int64)))
	case *array.Int64Builder:
		b.Append(v.(int64))
	case *array.Float64Builder:
		b.Append(v.(float64))
	case *array.Decimal128Builder:
		b.Append(decimal128.FromI64(v.(int64)))
	case *array.MapBuilder:
		b.Append(true)
		m := v.(map[string]any)
		for _, k := range slices.Sorted(maps.Keys(m)) {
			build(b.KeyBuilder(), *t.Key, k)
			build(b.ItemBuilder(), *t.Elem, m[k])
		}
	case *array.ListBuilder:
		b.Append(true)
		for _, e := range v.([]any) {
			build(b.ValueBuilder(), *t.Elem, e)
		}
	case *array.StructBuilder:
		b.Append(true)
		for i, f := range t.Fields {
			build(b.FieldBuilder(i), f.Type, v.(map[string]any)[f.Name])
		}
	default:
		panic(fmt.Sprintf("no builder for %s", t.SQL()))
	}
}

// deleteRows rewrites every day that has rows to go, as forgetting does.
func (w *writer) deleteRows(ctx context.Context, all []row, gone func(row) bool) ([]row, error) {
	s, err := w.table.Refresh(ctx)
	if err != nil {
		return nil, err
	}
	w.segment++
	r := delta.Rewrite{Operation: "DELETE", DataChange: true}
	var left []row
	for day, rows := range byDay(all) {
		kept := slices.DeleteFunc(slices.Clone(rows), gone)
		left = append(left, kept...)
		if len(kept) == len(rows) {
			continue
		}
		for f := range s.Files() {
			if f.PartitionValues[dateColumn] == day {
				r.Remove = append(r.Remove, f.Path)
			}
		}
		if len(kept) > 0 {
			add, err := w.upload(ctx, day, kept)
			if err != nil {
				return nil, err
			}
			r.Add = append(r.Add, *add)
		}
	}
	_, err = w.table.Rewrite(ctx, r)
	return left, err
}

// rows reads the table back with our own code, whoever wrote the files.
func (w *writer) rows(ctx context.Context) ([]row, error) {
	s, err := w.table.Refresh(ctx)
	if err != nil {
		return nil, err
	}
	var all []row
	for f := range s.Files() {
		data, info, err := w.store.Get(ctx, w.table.Key(f.Path))
		if err != nil {
			return nil, err
		}
		if info.Size != f.Size {
			return nil, fmt.Errorf("file %s has %d bytes, its add says %d", f.Path, info.Size, f.Size)
		}
		t, err := datafile.ReadColumns(ctx, bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("file %s: %w", f.Path, err)
		}
		rows, err := modelRows(t, w.schema)
		t.Release()
		if err != nil {
			return nil, fmt.Errorf("file %s: %w", f.Path, err)
		}
		for _, r := range rows {
			r[dateColumn] = f.PartitionValues[dateColumn]
		}
		all = append(all, rows...)
	}
	return all, nil
}

// modelRows turns a table into rows of the model. Columns that the file lacks are NULL.
func modelRows(t arrow.Table, schema *tableschema.Table) ([]row, error) {
	rows := make([]row, t.NumRows())
	for i := range rows {
		rows[i] = row{}
	}
	for _, c := range schema.Columns {
		at := t.Schema().FieldIndices(c.Name)
		if len(at) == 0 {
			continue
		}
		n := 0
		for _, chunk := range t.Column(at[0]).Data().Chunks() {
			for i := range chunk.Len() {
				v, err := modelValue(chunk, i, c.Type)
				if err != nil {
					return nil, fmt.Errorf("column %s: %w", c.Name, err)
				}
				rows[n][c.Name] = v
				n++
			}
		}
	}
	return rows, nil
}

func modelValue(a arrow.Array, i int, t tableschema.Type) (any, error) {
	if a.IsNull(i) {
		return nil, nil
	}
	switch a := a.(type) {
	case *array.String:
		return strings.Clone(a.Value(i)), nil
	case *array.Date32:
		return a.Value(i).FormattedString(), nil
	case *array.Timestamp:
		unit := a.DataType().(*arrow.TimestampType).Unit
		return a.Value(i).ToTime(unit).UnixMicro(), nil
	case *array.Boolean:
		return a.Value(i), nil
	case *array.Int32:
		return int64(a.Value(i)), nil
	case *array.Int64:
		return a.Value(i), nil
	case *array.Float64:
		return a.Value(i), nil
	case *array.Decimal128:
		return unscaled(a.Value(i).BigInt())
	case *array.Map:
		return modelMap(a, i, t)
	case *array.List:
		list := []any{}
		from, to := a.ValueOffsets(i)
		for j := from; j < to; j++ {
			v, err := modelValue(a.ListValues(), int(j), *t.Elem)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case *array.Struct:
		return modelStruct(a, i, t)
	}
	return nil, fmt.Errorf("%s is not what was written", a.DataType())
}

func unscaled(n *big.Int) (any, error) {
	if !n.IsInt64() {
		return nil, errors.New("a decimal that was never written")
	}
	return n.Int64(), nil
}

func modelMap(a *array.Map, i int, t tableschema.Type) (any, error) {
	m := map[string]any{}
	from, to := a.ValueOffsets(i)
	for j := from; j < to; j++ {
		k, err := modelValue(a.Keys(), int(j), *t.Key)
		if err != nil {
			return nil, err
		}
		if m[k.(string)], err = modelValue(a.Items(), int(j), *t.Elem); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func modelStruct(a *array.Struct, i int, t tableschema.Type) (any, error) {
	m := map[string]any{}
	names := a.DataType().(*arrow.StructType)
	for _, f := range t.Fields {
		at, ok := names.FieldIdx(f.Name)
		if !ok {
			continue
		}
		v, err := modelValue(a.Field(at), i, f.Type)
		if err != nil {
			return nil, err
		}
		m[f.Name] = v
	}
	return m, nil
}

// ours compares what our own code reads with what must be there.
func (w *writer) ours(ctx context.Context, rows []row) error {
	got, err := w.rows(ctx)
	if err != nil {
		return err
	}
	if found, want := digestOf(w.schema, got), digestOf(w.schema, rows); found != want {
		return fmt.Errorf("we find %v, want %v", found, want)
	}
	return nil
}
