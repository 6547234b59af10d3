package tablewriter

import (
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// splitByDate calls f with the rows of each value of a date column, as YYYY-MM-DD and "" for NULL,
// in the order of the values. Without a column (-1) all rows are one part. f does not keep the batch.
func splitByDate(b arrow.RecordBatch, column int, mem memory.Allocator, f func(date string, b arrow.RecordBatch) error) error {
	if column < 0 {
		return f("", b)
	}
	dates, ok := b.Column(column).(*array.Date32)
	if !ok {
		return fmt.Errorf("partition column %s is no date", b.ColumnName(column))
	}
	runs := map[string][]run{}
	start := 0
	for i := 1; i <= dates.Len(); i++ {
		if i < dates.Len() && sameDate(dates, start, i) {
			continue
		}
		d := dateText(dates, start)
		runs[d] = append(runs[d], run{start, i})
		start = i
	}
	if len(runs) == 1 {
		return f(dateText(dates, 0), b)
	}
	values := make([]string, 0, len(runs))
	for d := range runs {
		values = append(values, d)
	}
	slices.Sort(values)
	for _, d := range values {
		part, err := concat(b, runs[d], mem)
		if err != nil {
			return err
		}
		err = f(d, part)
		part.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// run is the rows from start up to end.
type run struct{ start, end int }

func sameDate(a *array.Date32, i, j int) bool {
	return a.IsNull(i) == a.IsNull(j) && (a.IsNull(i) || a.Value(i) == a.Value(j))
}

func dateText(a *array.Date32, i int) string {
	if a.IsNull(i) {
		return ""
	}
	return a.Value(i).ToTime().UTC().Format("2006-01-02")
}

// concat returns the rows of the runs as one batch.
func concat(b arrow.RecordBatch, runs []run, mem memory.Allocator) (arrow.RecordBatch, error) {
	var rows int64
	for _, r := range runs {
		rows += int64(r.end - r.start)
	}
	columns := make([]arrow.Array, 0, b.NumCols())
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	for _, c := range b.Columns() {
		joined, err := concatColumn(c, runs, mem)
		if err != nil {
			return nil, fmt.Errorf("split batch by date: %w", err)
		}
		columns = append(columns, joined)
	}
	return array.NewRecordBatch(b.Schema(), columns, rows), nil
}

func concatColumn(c arrow.Array, runs []run, mem memory.Allocator) (arrow.Array, error) {
	slices := make([]arrow.Array, len(runs))
	for i, r := range runs {
		slices[i] = array.NewSlice(c, int64(r.start), int64(r.end))
		defer slices[i].Release()
	}
	return array.Concatenate(slices, mem)
}
