package datafile

import (
	"context"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
)

// ScanTexts calls f with every value of every column of strings or bytes in the file, those in
// structs, lists and maps too, whatever the table makes of them: the column's path, the number of the
// row, and the value, which is f's for the call only. An error of f ends the reading and is returned.
func ScanTexts(ctx context.Context, src Source, f func(column string, row int64, value []byte) error) (err error) {
	defer recovered(&err)
	r, err := open(src)
	if err != nil {
		return err
	}
	schema := r.MetaData().Schema
	var first int64
	for g := range r.NumRowGroups() {
		for leaf := range schema.NumColumns() {
			if schema.Column(leaf).PhysicalType() != parquet.Types.ByteArray {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			c, err := r.RowGroup(g).Column(leaf)
			if err != nil {
				return fmt.Errorf("read column %s: %w", schema.Column(leaf).Path(), err)
			}
			s := textScan{chunk: c.(*file.ByteArrayColumnChunkReader), column: schema.Column(leaf).Path(), row: first - 1, f: f}
			if err := s.run(r.RowGroup(g).NumRows()); err != nil {
				return fmt.Errorf("read column %s: %w", s.column, err)
			}
		}
		first += r.RowGroup(g).NumRows()
	}
	return nil
}

// textScan reads one column of one row group.
type textScan struct {
	chunk  *file.ByteArrayColumnChunkReader
	column string
	row    int64 // of the value read last
	f      func(column string, row int64, value []byte) error
}

// run reads the column, which must have the given number of rows.
func (s *textScan) run(rows int64) error {
	const batch = 1024
	values := make([]parquet.ByteArray, batch)
	levels, repeats := make([]int16, batch), make([]int16, batch)
	present := s.chunk.Descriptor().MaxDefinitionLevel()
	repeated := s.chunk.Descriptor().MaxRepetitionLevel() > 0
	last := s.row + rows
	for s.chunk.HasNext() {
		n, _, err := s.chunk.ReadBatch(batch, values, levels, repeats)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		next := 0
		for i := range int(n) {
			if !repeated || repeats[i] == 0 {
				s.row++
			}
			if present > 0 && levels[i] < present {
				continue
			}
			if err := s.f(s.column, s.row, values[next]); err != nil {
				return err
			}
			next++
		}
	}
	if s.row != last {
		return fmt.Errorf("%d rows are missing: %w", last-s.row, io.ErrUnexpectedEOF)
	}
	return nil
}
