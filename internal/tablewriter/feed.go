package tablewriter

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// Feed turns facts into rows of its tables. Its methods are called from one goroutine at a time,
// maybe several times for one fact: the same fact must always give the same row. What a fact's
// pointers and slices point to is valid during the call only; strings and maps may be kept, and maps
// must not be changed.
type Feed interface {
	// Table says which table the fact's row belongs to; nil for none. It returns the same pointer
	// as long as the table has the same columns.
	Table(f inference.Fact) *tableschema.Table
	// Append adds exactly one row for the fact to b, whose columns are the table's. An error, or a
	// panic, says that there can be no row: the fact is counted as a loss.
	Append(b *array.RecordBuilder, f inference.Fact) error
}

// IDColumn is the column Verify takes for the id of a row's request, in tables that have one.
const IDColumn = "databricks_request_id"

// rowError says that a feed could not build a row.
type rowError struct {
	table string
	err   error
}

func (e *rowError) Error() string { return fmt.Sprintf("build row of %s: %v", e.table, e.err) }
func (e *rowError) Unwrap() error { return e.err }

// appendRow lets the feed add a row to b, which has rows already, and checks that it added one.
// After an error b is of no use.
func appendRow(feed Feed, b *array.RecordBuilder, f inference.Fact, rows int) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	if err := feed.Append(b, f); err != nil {
		return err
	}
	for i, c := range b.Fields() {
		if c.Len() != rows+1 {
			return fmt.Errorf("column %s got %d values for one row", b.Schema().Field(i).Name, c.Len()-rows)
		}
	}
	return nil
}
