package datafile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/lakegate/lakegate/internal/tableschema"
)

var mem = memory.DefaultAllocator

const (
	// readRows is small because the Parquet reader keeps some 40 bytes a row and column beside the batch.
	readRows  = 2048
	readBytes = 2 << 20 // of a batch, as the file has it
)

// Reader reads a data file of a table, lakegate's or another engine's, batch by batch, with the
// table's columns: those that the file lacks are NULL, those that the table lacks are left out.
// It holds one row group as it is in the file, and one batch. A Reader is used by one goroutine.
type Reader struct {
	columns []tableschema.Column
	schema  *arrow.Schema
	found   []int // where the columns are in the file's batches, -1 for not there
	batches pqarrow.RecordReader
	rows    int64
	bytes   int64 // before compression
	read    int64
}

// OpenReader opens a file of the table. ErrNoColumn when a column is there with a type that the
// table's can't be read from; the error names both. Close the Reader; src stays the caller's.
func OpenReader(ctx context.Context, src Source, t *tableschema.Table) (_ *Reader, err error) {
	defer recovered(&err)
	f, err := open(src)
	if err != nil {
		return nil, err
	}
	r := &Reader{columns: Body(t), rows: f.NumRows()}
	r.schema = bodySchema(r.columns)
	for i := range f.NumRowGroups() {
		r.bytes += f.RowGroup(i).MetaData().TotalByteSize()
	}
	props := pqarrow.ArrowReadProperties{BatchSize: min(readRows, max(1, readBytes/(r.bytes/max(r.rows, 1)+1)))}
	fr, err := pqarrow.NewFileReader(f, props, mem)
	if err != nil {
		return nil, fmt.Errorf("open parquet: %w", err)
	}
	// The types are those of Parquet: what the writer's own Arrow types were is nobody's business.
	if fr.Manifest, err = pqarrow.NewSchemaManifest(f.MetaData().Schema, nil, &props); err != nil {
		return nil, fmt.Errorf("open parquet: %w", err)
	}
	leaves := r.find(f)
	if len(leaves) == 0 || r.rows == 0 {
		return r, nil
	}
	if r.batches, err = fr.GetRecordReader(ctx, leaves, nil); err != nil {
		return nil, fmt.Errorf("open parquet: %w", err)
	}
	if err := r.check(); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// find fills found and returns the leaves to read.
func (r *Reader) find(f *file.Reader) []int {
	schema := f.MetaData().Schema
	root := schema.Root()
	position := map[string]int{}
	var leaves []int
	for i := range root.NumFields() {
		for _, c := range r.columns {
			if strings.EqualFold(c.Name, root.Field(i).Name()) {
				position[c.Name] = len(position)
			}
		}
	}
	for i := range schema.NumColumns() {
		for _, c := range r.columns {
			if strings.EqualFold(c.Name, schema.ColumnRoot(i).Name()) {
				leaves = append(leaves, i)
			}
		}
	}
	r.found = make([]int, len(r.columns))
	for i, c := range r.columns {
		p, ok := position[c.Name]
		if r.found[i] = p; !ok {
			r.found[i] = -1
		}
	}
	return leaves
}

// check reports whether the table's columns can be read from the file's.
func (r *Reader) check() error {
	for i, c := range r.columns {
		if p := r.found[i]; p >= 0 {
			have := r.batches.Schema().Field(p)
			if err := readable(have.Type, c.Type.Arrow()); err != nil {
				return fmt.Errorf("column %s: %w: %w", c.Name, ErrNoColumn, err)
			}
		}
	}
	return nil
}

// Rows is how many rows the file has.
func (r *Reader) Rows() int64 { return r.rows }

// Next returns the next batch, with the columns of Body, which the caller releases. io.EOF after the
// last; io.ErrUnexpectedEOF when the file has fewer rows than it says.
func (r *Reader) Next() (b arrow.RecordBatch, err error) {
	defer recovered(&err)
	if r.batches == nil {
		return r.allNull()
	}
	raw, err := r.batches.Read()
	if errors.Is(err, io.EOF) || (err == nil && raw == nil) {
		if r.read != r.rows {
			return nil, fmt.Errorf("%d of %d rows are there: %w", r.read, r.rows, io.ErrUnexpectedEOF)
		}
		return nil, io.EOF
	}
	if err != nil {
		return nil, fmt.Errorf("read parquet: %w", err)
	}
	r.read += raw.NumRows()
	columns := make([]arrow.Array, len(r.columns))
	for i, c := range r.columns {
		if p := r.found[i]; p >= 0 {
			columns[i] = conformed(raw.Column(p), c.Type.Arrow())
		} else {
			columns[i] = nulls(c.Type, int(raw.NumRows()))
		}
	}
	return release(r.schema, columns, raw.NumRows()), nil
}

// allNull is Next for a file that has none of the columns.
func (r *Reader) allNull() (arrow.RecordBatch, error) {
	n := min(readRows, r.rows-r.read)
	if n == 0 {
		return nil, io.EOF
	}
	r.read += n
	columns := make([]arrow.Array, len(r.columns))
	for i, c := range r.columns {
		columns[i] = nulls(c.Type, int(n))
	}
	return release(r.schema, columns, n), nil
}

// release makes a batch that alone holds the columns.
func release(schema *arrow.Schema, columns []arrow.Array, rows int64) arrow.RecordBatch {
	b := array.NewRecordBatch(schema, columns, rows)
	for _, c := range columns {
		c.Release()
	}
	return b
}

// Close releases what the Reader holds.
func (r *Reader) Close() {
	if r.batches != nil {
		r.batches.Release()
		r.batches = nil
	}
}
