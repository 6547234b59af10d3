package datafile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// ErrNoColumn says the file has no such column, or one of another type.
var ErrNoColumn = errors.New("no such column in the file")

// Source is the bytes of a Parquet file; *os.File and *bytes.Reader are Sources. Nothing here
// closes it.
type Source interface {
	io.ReaderAt
	io.Seeker
}

// open reads the footer.
func open(src Source) (*file.Reader, error) {
	// Only the two methods: a file.Reader closes a Source that is an io.Closer.
	r, err := file.NewParquetReader(struct{ Source }{src})
	if err != nil {
		return nil, fmt.Errorf("open parquet: %w", err)
	}
	return r, nil
}

// Rows returns the number of rows, as the footer has it.
func Rows(src Source) (n int64, err error) {
	defer recovered(&err)
	r, err := open(src)
	if err != nil {
		return 0, err
	}
	return r.NumRows(), nil
}

// ReadColumns reads the named top-level columns, or all when none is named, in the file's order.
// ErrNoColumn when one is not there. The caller releases the table.
func ReadColumns(ctx context.Context, src Source, columns ...string) (t arrow.Table, err error) {
	defer recovered(&err)
	r, err := open(src)
	if err != nil {
		return nil, err
	}
	fr, err := pqarrow.NewFileReader(r, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		return nil, fmt.Errorf("open parquet: %w", err)
	}
	leaves, err := leavesOf(r, columns)
	if err != nil {
		return nil, err
	}
	groups := make([]int, r.NumRowGroups())
	for i := range groups {
		groups[i] = i
	}
	t, err = fr.ReadRowGroups(ctx, leaves, groups)
	if err != nil {
		return nil, fmt.Errorf("read parquet: %w", err)
	}
	return t, nil
}

// leavesOf returns the leaves of the named columns, all for none.
func leavesOf(r *file.Reader, columns []string) ([]int, error) {
	schema := r.MetaData().Schema
	var leaves []int
	found := map[string]bool{}
	for i := range schema.NumColumns() {
		top := schema.ColumnRoot(i).Name()
		if len(columns) == 0 || slices.Contains(columns, top) {
			leaves = append(leaves, i)
			found[top] = true
		}
	}
	for _, c := range columns {
		if !found[c] {
			return nil, fmt.Errorf("column %s: %w", c, ErrNoColumn)
		}
	}
	return leaves, nil
}

// ReadStrings calls f with each value of a string column, in row order. The string is f's to keep;
// null says that the value is NULL. It holds one batch of values at a time. An error of f ends the
// reading and is returned. ErrNoColumn when there is no such column.
func ReadStrings(ctx context.Context, src Source, column string, f func(s string, null bool) error) (err error) {
	defer recovered(&err)
	r, err := open(src)
	if err != nil {
		return err
	}
	leaf := r.MetaData().Schema.ColumnIndexByName(column)
	if leaf < 0 || r.MetaData().Schema.Column(leaf).PhysicalType() != parquet.Types.ByteArray {
		return fmt.Errorf("column %s: %w", column, ErrNoColumn)
	}
	for g := range r.NumRowGroups() {
		if err := ctx.Err(); err != nil {
			return err
		}
		c, err := r.RowGroup(g).Column(leaf)
		if err != nil {
			return fmt.Errorf("read column %s: %w", column, err)
		}
		if err := readChunk(c.(*file.ByteArrayColumnChunkReader), r.RowGroup(g).NumRows(), f); err != nil {
			return fmt.Errorf("read column %s: %w", column, err)
		}
	}
	return nil
}

// readChunk reads one column of one row group, which must have the given number of rows.
func readChunk(c *file.ByteArrayColumnChunkReader, rows int64, f func(s string, null bool) error) error {
	const batch = 1024
	values, levels := make([]parquet.ByteArray, batch), make([]int16, batch)
	present := c.Descriptor().MaxDefinitionLevel()
	for rows > 0 {
		n, _, err := c.ReadBatch(min(batch, rows), values, levels, nil)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("%d values are missing: %w", rows, io.ErrUnexpectedEOF)
		}
		rows -= n
		next := 0
		for _, level := range levels[:n] {
			if present > 0 && level < present {
				err = f("", true)
			} else {
				err = f(string(values[next]), false)
				next++
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// recovered turns a panic of the Parquet reader, which a damaged file can cause, into an error.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("damaged parquet file: %v", p)
	}
}
