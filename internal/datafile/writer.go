package datafile

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/lakegate/lakegate/internal/tableschema"
)

const (
	// streamGroupRows is what DuckDB gives one thread, and a size Spark is at ease with.
	streamGroupRows = 122_880
	// streamGroupBytes bounds a row group of long rows: what the writer holds beside the file.
	streamGroupBytes = 16 << 20
)

// Writer encodes a file from batches that follow each other. It holds the encoded file and the row
// group under way, not the batches. The first batch decides which columns get a dictionary, so it
// should have some thousand rows. A Writer is used by one goroutine.
type Writer struct {
	columns []tableschema.Column
	opt     Options
	out     *bytes.Buffer
	file    *pqarrow.FileWriter // nil before the first batch
	stats   *tracker
}

// NewWriter starts a file of the table. size is about how large it will be, 0 if that isn't known.
func NewWriter(t *tableschema.Table, opt Options, size int) *Writer {
	w := &Writer{columns: Body(t), opt: opt, out: &bytes.Buffer{}}
	w.out.Grow(size)
	w.stats = newTracker(w.columns)
	w.opt.sample = largeSample
	if w.opt.RowGroup == 0 {
		w.opt.RowGroup = streamGroupRows
	}
	return w
}

// Body is the columns that a data file of the table has: all but the one it is partitioned by.
func Body(t *tableschema.Table) []tableschema.Column {
	columns := make([]tableschema.Column, 0, len(t.Columns))
	_, drop, _ := t.Column(t.PartitionBy)
	for i, c := range t.Columns {
		if i != drop {
			columns = append(columns, c)
		}
	}
	return columns
}

// bodySchema is the Arrow schema of the columns.
func bodySchema(columns []tableschema.Column) *arrow.Schema {
	t := tableschema.Table{Columns: columns}
	return t.Arrow()
}

// Write adds the rows of a batch, whose columns are Body's. The batch stays the caller's.
func (w *Writer) Write(b arrow.RecordBatch) error {
	if b.NumRows() == 0 {
		return nil
	}
	if w.file == nil {
		f, err := pqarrow.NewFileWriter(bodySchema(w.columns), w.out, properties(b, w.opt), pqarrow.DefaultWriterProps())
		if err != nil {
			return fmt.Errorf("encode file: %w", err)
		}
		w.file = f
	}
	if err := w.file.WriteBuffered(b); err != nil {
		return fmt.Errorf("encode file: %w", err)
	}
	w.stats.add(b.Columns(), b.NumRows())
	if w.group() >= streamGroupBytes {
		if err := w.file.NewBufferedRowGroupChecked(); err != nil {
			return fmt.Errorf("encode file: %w", err)
		}
	}
	return nil
}

// group is about how many bytes the row group under way has.
func (w *Writer) group() int64 {
	return max(w.file.RowGroupTotalCompressedBytes(), w.file.RowGroupTotalBytesWritten())
}

// Rows is the number of rows so far.
func (w *Writer) Rows() int64 { return w.stats.rows }

// Size is about how many bytes the file has so far.
func (w *Writer) Size() int64 {
	if w.file == nil {
		return 0
	}
	return int64(w.out.Len()) + w.file.RowGroupTotalCompressedBytes()
}

// ErrNoRows says that a file has no rows: there is no use for it.
var ErrNoRows = errors.New("file without rows")

// Close ends the file and returns it. ErrNoRows when nothing was written.
func (w *Writer) Close() (*File, error) {
	if w.file == nil {
		return nil, ErrNoRows
	}
	if err := w.file.Close(); err != nil {
		return nil, fmt.Errorf("encode file: %w", err)
	}
	rows, err := Rows(bytes.NewReader(w.out.Bytes()))
	if err == nil && rows != w.stats.rows {
		err = fmt.Errorf("%d rows were written and the file has %d", w.stats.rows, rows)
	}
	if err != nil {
		return nil, fmt.Errorf("encode file: %w", err)
	}
	return &File{Data: w.out.Bytes(), Rows: rows, Stats: w.stats.json()}, nil
}

// nulls returns a column of n NULLs.
func nulls(t tableschema.Type, n int) arrow.Array {
	return array.MakeArrayOfNull(mem, t.Arrow(), n)
}
