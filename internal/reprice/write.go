package reprice

import (
	"context"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lakegate/lakegate/internal/datafile"
	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// batchRows is how many corrections go to the file at once.
const batchRows = 8192

// corrections collects the corrections of one day into one file.
type corrections struct {
	r   *run
	day string
	out *datafile.Writer
	b   *array.RecordBuilder
	n   int
}

func newCorrections(r *run, day string) *corrections {
	body := tableschema.Table{Columns: datafile.Body(r.Corrections)}
	return &corrections{r: r, day: day, b: array.NewRecordBuilder(memory.DefaultAllocator, body.Arrow())}
}

func (w *corrections) release() { w.b.Release() }

// add takes one correction.
func (w *corrections) add(id string, nanos int64, list *int64, version string, had *int64, hadVersion string) error {
	for i, f := range w.b.Schema().Fields() {
		switch b := w.b.Field(i); f.Name {
		case "databricks_request_id":
			appendText(b, id)
		case "corrected_at":
			b.(*array.TimestampBuilder).Append(arrow.Timestamp(w.r.Now().UnixMicro()))
		case "cost":
			b.(*array.Decimal128Builder).Append(decimal128.FromI64(nanos)) // the scale is 9: the digits are the nano-dollars
		case "cost_nanos":
			b.(*array.Int64Builder).Append(nanos)
		case "list_cost_nanos":
			appendNumber(b, list)
		case "price_version":
			appendText(b, version)
		case "previous_cost_nanos":
			appendNumber(b, had)
		case "previous_price_version":
			appendText(b, hadVersion)
		case "corrected_by":
			appendText(b, w.r.o.By)
		case "reason":
			appendText(b, w.r.o.Reason)
		default:
			return fmt.Errorf("table %s has a column %s that nobody fills", w.r.Corrections.Name, f.Name)
		}
	}
	if w.n++; w.n%batchRows == 0 {
		return w.flush()
	}
	return nil
}

func appendText(b array.Builder, s string) {
	if s == "" {
		b.AppendNull()
		return
	}
	b.(*array.StringBuilder).Append(s)
}

func appendNumber(b array.Builder, n *int64) {
	if n == nil {
		b.AppendNull()
		return
	}
	b.(*array.Int64Builder).Append(*n)
}

func (w *corrections) flush() error {
	batch := w.b.NewRecordBatch()
	defer batch.Release()
	if w.out == nil {
		w.out = datafile.NewWriter(w.r.Corrections, datafile.Options{}, 0)
	}
	return w.out.Write(batch)
}

// store puts the day's file into the store; the commit comes when all days are there.
func (w *corrections) store(ctx context.Context) error {
	if w.n == 0 {
		return nil
	}
	if w.n%batchRows != 0 {
		if err := w.flush(); err != nil {
			return err
		}
	}
	f, err := w.out.Close()
	if err != nil {
		return err
	}
	partition := map[string]string{w.r.Corrections.PartitionBy: w.day}
	path := delta.DataFileName(partition, uint64(w.r.before.Txns[appID]+1), "00000000") // no log wrote it
	if _, err := w.r.Store.Put(ctx, w.r.corrections.Key(path), f.Data); err != nil {
		return fmt.Errorf("store corrections: %w", err)
	}
	w.r.adds = append(w.r.adds, delta.Add{
		Path: path, PartitionValues: partition, Size: int64(len(f.Data)), Rows: f.Rows, Stats: f.Stats, ModificationTime: time.Now(),
	})
	return nil
}
