// Package datafile turns Arrow batches into Parquet files with their statistics, reads such files
// back, and merges several into one, sorted, in bounded memory.
//
// Files are what Spark, Databricks, Trino, delta-rs and DuckDB read as data files of a Delta table:
// timestamps in microseconds of UTC, decimals up to 18 digits as integers, no partition column.
// Statistics are those of the Delta protocol's add.stats; a column marked NoStats has only its
// null count there.
//
// Encoding is deterministic in the values and keeps nothing of the batch. A Merge has as many rows
// as it was given or is an error; what it can't read as the table's columns say it refuses by name.
// There are no page indexes and bloom filters: no engine we know of prunes more by them than by the
// row groups' statistics, which ids made in the order of time and rows sorted by it have already.
//
// The functions hold no state and may run concurrently; there is no fake, tests use the real thing.
package datafile

import (
	"bytes"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/lakegate/lakegate/internal/tableschema"
)

// Compression is how the pages of a file are compressed.
type Compression int

// The compressions.
const (
	Zstd Compression = iota // level 1: half a million usage rows a second and core
	None                    // for files that live seconds
)

// Options say how to encode. The zero Options are for files that stay.
type Options struct {
	Compression Compression
	RowGroup    int // rows per row group; 0 chooses by the size of the rows

	sample int // values of a column that are looked at; 0 for sampleSize
}

// File is an encoded file.
type File struct {
	Data  []byte
	Rows  int64
	Stats string // JSON for add.stats
}

const (
	maxGroupRows  = 100_000
	maxGroupBytes = 64 << 20 // of Arrow data; what a reader must hold at once
	maxBatchRows  = 1024     // rows between two looks at the size of a page
	maxBatchBytes = 1 << 20
	// maxBound is the longest min or max in the footer. Longer texts would be repeated there for
	// no reader's good.
	maxBound = 256
)

// Encode encodes a batch whose columns are the table's, in the table's order, the partition column
// among them. It is left out of the file, so all rows must have the same value there. The batch
// stays the caller's. Strings must be valid UTF-8; Encode does not look.
func Encode(b arrow.RecordBatch, t *tableschema.Table, opt Options) (*File, error) {
	if err := checkColumns(b, t); err != nil {
		return nil, fmt.Errorf("encode file of %s: %w", t.Name, err)
	}
	data, kept := withoutPartition(b, t)
	defer data.Release()
	out := &bytes.Buffer{}
	w, err := pqarrow.NewFileWriter(data.Schema(), out, properties(data, opt), pqarrow.DefaultWriterProps())
	if err != nil {
		return nil, fmt.Errorf("encode file of %s: %w", t.Name, err)
	}
	if err := w.Write(data); err != nil {
		return nil, fmt.Errorf("encode file of %s: %w", t.Name, err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encode file of %s: %w", t.Name, err)
	}
	return &File{Data: out.Bytes(), Rows: b.NumRows(), Stats: stats(data, kept)}, nil
}

// checkColumns reports whether the batch has the table's columns, and one partition.
func checkColumns(b arrow.RecordBatch, t *tableschema.Table) error {
	if int(b.NumCols()) != len(t.Columns) {
		return fmt.Errorf("batch has %d columns, the table %d", b.NumCols(), len(t.Columns))
	}
	for i, c := range t.Columns {
		f := b.Schema().Field(i)
		if f.Name != c.Name || !arrow.TypeEqual(f.Type, c.Type.Arrow()) {
			return fmt.Errorf("batch has column %s %s where the table has %s %s", f.Name, f.Type, c.Name, c.Type.Arrow())
		}
	}
	if t.PartitionBy == "" {
		return nil
	}
	_, i, ok := t.Column(t.PartitionBy)
	if !ok {
		return fmt.Errorf("partition column %s is not in the table", t.PartitionBy)
	}
	day, ok := b.Column(i).(*array.Date32)
	if !ok {
		return fmt.Errorf("partition column %s is not a date", t.PartitionBy)
	}
	for row := 1; row < day.Len(); row++ {
		if day.IsNull(row) != day.IsNull(0) || (day.IsValid(0) && day.Value(row) != day.Value(0)) {
			return fmt.Errorf("rows 0 and %d are of different partitions: %s and %s", row, day.ValueStr(0), day.ValueStr(row))
		}
	}
	return nil
}

// withoutPartition returns the batch as the file has it, with the columns that are left. The caller
// releases it.
func withoutPartition(b arrow.RecordBatch, t *tableschema.Table) (arrow.RecordBatch, []tableschema.Column) {
	_, drop, _ := t.Column(t.PartitionBy)
	var (
		cols   []arrow.Array
		fields []arrow.Field
		kept   []tableschema.Column
	)
	for i, c := range t.Columns {
		if i == drop {
			continue
		}
		cols = append(cols, b.Column(i))
		fields = append(fields, arrow.Field{Name: c.Name, Type: b.Schema().Field(i).Type, Nullable: true})
		kept = append(kept, c)
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), cols, b.NumRows()), kept
}

// properties chooses how the batch is laid out in the file.
func properties(b arrow.RecordBatch, opt Options) *parquet.WriterProperties {
	rowBytes := size(b)/max(b.NumRows(), 1) + 1
	group := int64(opt.RowGroup)
	if group <= 0 {
		group = min(max(maxGroupBytes/rowBytes, 1), maxGroupRows)
	}
	props := []parquet.WriterProperty{
		parquet.WithCreatedBy("lakegate"),
		parquet.WithMaxRowGroupLength(group),
		parquet.WithBatchSize(min(max(maxBatchBytes/rowBytes, 1), maxBatchRows)),
		parquet.WithStoreDecimalAsInteger(true),
		parquet.WithMaxStatsSize(maxBound),
		parquet.WithDictionaryDefault(false),
	}
	if opt.Compression == Zstd {
		props = append(props, parquet.WithCompression(compress.Codecs.Zstd), parquet.WithCompressionLevel(1))
	}
	for i, f := range b.Schema().Fields() {
		for _, path := range repeating(f.Name, b.Column(i), max(opt.sample, sampleSize)) {
			props = append(props, parquet.WithDictionaryFor(path, true))
		}
	}
	return parquet.NewWriterProperties(props...)
}

// size is the bytes of the batch's values, about.
func size(b arrow.RecordBatch) int64 {
	n := 0
	for _, c := range b.Columns() {
		n += dataSize(c.Data())
	}
	return int64(n)
}

func dataSize(d arrow.ArrayData) int {
	n := 0
	for _, buf := range d.Buffers() {
		if buf != nil {
			n += buf.Len()
		}
	}
	for _, child := range d.Children() {
		n += dataSize(child)
	}
	return n
}
