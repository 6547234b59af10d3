package forget

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/uuid"

	"github.com/lakegate/lakegate/internal/datafile"
	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/rowtags"
	ts "github.com/lakegate/lakegate/internal/tableschema"
)

// mark stands in the names of files made here where others have their log's id.
const mark = "forget00"

// replacement is what becomes of one file.
type replacement struct {
	old     *delta.Add
	new     *delta.Add     // nil when no row is left
	rows    int64          // of the subject
	erased  rowtags.Counts // for the table's transactions
	matched []row
}

// rewriter makes files without the subject.
type rewriter struct {
	cfg     Config
	table   *delta.Table
	schema  *ts.Table
	treat   treatment
	matcher *matcher
	logs    []string // that write to the table
}

// file reads a file, and stores it again without the subject. Nothing refers to the new file yet.
func (w *rewriter) file(ctx context.Context, old *delta.Add) (*replacement, error) {
	src, err := objstore.NewReader(ctx, w.cfg.Store, w.table.Key(old.Path), old.Size)
	if err != nil {
		return nil, fmt.Errorf("open file %s: %w", old.Path, err)
	}
	r, err := datafile.OpenReader(ctx, src, w.schema)
	if err != nil {
		return nil, fmt.Errorf("open file %s: %w", old.Path, err)
	}
	defer r.Close()
	rep := &replacement{old: old}
	out := datafile.NewWriter(w.schema, datafile.Options{}, int(old.Size))
	var all, gone rowtags.Count
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read file %s: %w", old.Path, err)
		}
		err = w.batch(out, b, rep, &all, &gone)
		b.Release()
		if err != nil {
			return nil, fmt.Errorf("rewrite file %s: %w", old.Path, err)
		}
	}
	rep.rows = int64(len(rep.matched))
	counts := w.counts(old, all)
	left, erased := counts.Erase(gone)
	rep.erased = erased
	if err := w.store(ctx, out, rep, left); err != nil {
		return nil, fmt.Errorf("rewrite file %s: %w", old.Path, err)
	}
	return rep, nil
}

// counts is whose rows a file has.
func (w *rewriter) counts(a *delta.Add, all rowtags.Count) rowtags.Counts {
	if c, ok := rowtags.Parse(a.Tags); ok {
		return c
	}
	log := rowtags.LogOf(a.Path, w.logs)
	if log == "" {
		log = rowtags.Unknown
	}
	return rowtags.Counts{log: all}
}

// batch writes what stays of a batch, and counts: all its rows, and what is gone of them.
func (w *rewriter) batch(out *datafile.Writer, b arrow.RecordBatch, rep *replacement, all, gone *rowtags.Count) error {
	if ids := columnOf[*array.String](b, idColumn); ids != nil {
		for i := range ids.Len() {
			all.Row(rowtags.ParseID(ids.Value(i), ids.IsNull(i)))
		}
	} else {
		all.N += b.NumRows()
	}
	rows := w.matcher.match(b)
	if len(rows) == 0 {
		return out.Write(b)
	}
	rep.matched = append(rep.matched, rows...)
	var next arrow.RecordBatch
	var err error
	switch w.treat {
	case remove:
		for _, r := range rows {
			gone.Row(r.id)
		}
		next, err = without(b, rows)
	case anonymize:
		next, err = w.anonymous(b, rows, gone)
	case blank:
		next, err = blanked(b, rows, func(name string) bool { return isPerson(ts.Column{Name: name}) })
	default:
		return errors.New("a table without persons has rows of one")
	}
	if err != nil {
		return err
	}
	defer next.Release()
	return out.Write(next)
}

// store puts the new file, if it has rows, and describes it.
func (w *rewriter) store(ctx context.Context, out *datafile.Writer, rep *replacement, left rowtags.Counts) error {
	f, err := out.Close()
	if errors.Is(err, datafile.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	name := delta.DataFileName(rep.old.PartitionValues, 0, mark)
	if _, err := w.cfg.Store.Put(ctx, w.table.Key(name), f.Data); err != nil {
		return fmt.Errorf("store file: %w", err)
	}
	rep.new = &delta.Add{
		Path: name, PartitionValues: rep.old.PartitionValues, Size: int64(len(f.Data)), Rows: f.Rows, Stats: f.Stats, Tags: left.Tags(),
	}
	return nil
}

// without returns the batch without rows.
func without(b arrow.RecordBatch, rows []row) (arrow.RecordBatch, error) {
	return assemble(b, func(int, arrow.Field) bool { return true }, rows, nil)
}

// blanked returns the batch with NULL in some columns of rows.
func blanked(b arrow.RecordBatch, rows []row, which func(column string) bool) (arrow.RecordBatch, error) {
	return assemble(b, func(_ int, f arrow.Field) bool { return which(f.Name) }, rows, func(t arrow.DataType) arrow.Array {
		return array.MakeArrayOfNull(memory.DefaultAllocator, t, 1)
	})
}

// assemble builds a batch of the stretches between rows and, in the chosen columns, of what takes the
// rows' place: nothing, or one value.
func assemble(b arrow.RecordBatch, chosen func(int, arrow.Field) bool, rows []row, instead func(arrow.DataType) arrow.Array) (arrow.RecordBatch, error) {
	columns := make([]arrow.Array, b.NumCols())
	defer func() {
		for _, c := range columns {
			if c != nil {
				c.Release()
			}
		}
	}()
	n := b.NumRows()
	if instead == nil {
		n -= int64(len(rows))
	}
	for i, c := range b.Columns() {
		if !chosen(i, b.Schema().Field(i)) {
			c.Retain()
			columns[i] = c
			continue
		}
		var err error
		if columns[i], err = spliced(c, rows, instead); err != nil {
			return nil, fmt.Errorf("column %s: %w", b.ColumnName(i), err)
		}
	}
	return array.NewRecordBatch(b.Schema(), columns, n), nil
}

func spliced(c arrow.Array, rows []row, instead func(arrow.DataType) arrow.Array) (arrow.Array, error) {
	var parts []arrow.Array
	defer func() {
		for _, p := range parts {
			p.Release()
		}
	}()
	at := 0
	for _, r := range rows {
		if r.index > at {
			parts = append(parts, array.NewSlice(c, int64(at), int64(r.index)))
		}
		if instead != nil {
			parts = append(parts, instead(c.DataType()))
		}
		at = r.index + 1
	}
	if at < c.Len() {
		parts = append(parts, array.NewSlice(c, int64(at), int64(c.Len())))
	}
	if len(parts) == 0 {
		return array.NewSlice(c, 0, 0), nil
	}
	return array.Concatenate(parts, memory.DefaultAllocator)
}

// anonymous returns the batch with rows that lead to nobody. Their request ids are new ones of the
// same millisecond, and gone is counted as the difference.
func (w *rewriter) anonymous(b arrow.RecordBatch, rows []row, gone *rowtags.Count) (arrow.RecordBatch, error) {
	endpoint := columnOf[*array.String](b, "endpoint_id")
	var unknown []row // rows whose endpoint was only asked for
	for _, r := range rows {
		if endpoint == nil || endpoint.IsNull(r.index) {
			unknown = append(unknown, r)
		}
	}
	names := func(column string) bool {
		return strings.EqualFold(column, "endpoint_name") || strings.EqualFold(column, "requested_model")
	}
	first, err := blanked(b, rows, func(c string) bool {
		return !names(c) && slices.ContainsFunc(anonymous, func(a string) bool { return strings.EqualFold(a, c) })
	})
	if err != nil {
		return nil, err
	}
	defer first.Release()
	second, err := blanked(first, unknown, names)
	if err != nil {
		return nil, err
	}
	defer second.Release()
	next := 0
	return assemble(second, func(_ int, f arrow.Field) bool { return strings.EqualFold(f.Name, idColumn) }, rows, func(arrow.DataType) arrow.Array {
		old := rows[next].id
		next++
		id := renewed(old)
		gone.Sum += rowtags.IDSum(old) - rowtags.IDSum(id)
		s := array.NewStringBuilder(memory.DefaultAllocator)
		defer s.Release()
		s.Append(uuid.UUID(id).String())
		return s.NewArray()
	})
}

// renewed is another id that sorts where the old one did.
func renewed(old [16]byte) [16]byte {
	id := [16]byte(uuid.New())
	if uuid.UUID(old).Version() != 7 {
		return id
	}
	copy(id[:6], old[:6])
	id[6] = 0x70 | id[6]&0x0f
	return id
}
