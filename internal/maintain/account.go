package maintain

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lakegate/lakegate/internal/datafile"
	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/rowtags"
)

// idColumn holds the ids that rows are counted by, in tables that have it.
const idColumn = "databricks_request_id"

// tally counts rows and their ids. at is the column's position, -1 for none.
type tally struct {
	rowtags.Count
	at int
}

func (t *tally) add(b arrow.RecordBatch) error {
	var ids *array.String
	if t.at >= 0 {
		ids, _ = b.Column(t.at).(*array.String)
	}
	if ids == nil {
		t.N += b.NumRows()
		return nil
	}
	for i := range ids.Len() {
		text := ""
		if ids.IsValid(i) {
			text = ids.Value(i)
		}
		t.Row(rowtags.ParseID(text, ids.IsNull(i)))
	}
	return nil
}

// attribute returns whose rows a file without a tag has, of which got were counted.
func attribute(f *delta.Add, txns map[string]int64, got rowtags.Count) rowtags.Counts {
	log := rowtags.LogOf(f.Path, rowtags.Logs(txns))
	if log == "" {
		log = rowtags.Unknown
	}
	return rowtags.Counts{log: got}
}

// check compares what was read of a file with what the log says, and returns whose rows they are.
func check(f *delta.Add, txns map[string]int64, got rowtags.Count) (rowtags.Counts, error) {
	if f.Rows >= 0 && f.Rows != got.N {
		return nil, fmt.Errorf("it has %d rows and should have %d", got.N, f.Rows)
	}
	counts, ok := rowtags.Parse(f.Tags)
	if !ok {
		return attribute(f, txns, got), nil
	}
	if want := counts.Rows(); want != got {
		return nil, fmt.Errorf("it has %d rows whose ids add up to %d, and its tag says %d and %d", got.N, got.Sum, want.N, want.Sum)
	}
	return counts, nil
}

// countsOf returns whose rows the files have, reading those that have no tag.
func (k *Keeper) countsOf(ctx context.Context, t *delta.Table, files []*delta.Add, txns map[string]int64) (rowtags.Counts, error) {
	sum := rowtags.Counts{}
	for _, f := range files {
		counts, ok := rowtags.Parse(f.Tags)
		if !ok {
			got, err := k.count(ctx, t, f)
			if err != nil {
				return nil, fmt.Errorf("count the rows of %s: %w", f.Path, err)
			}
			counts = attribute(f, txns, got)
		}
		sum = sum.Add(counts)
	}
	return sum, nil
}

// count reads the ids of a file. A file that is gone or damaged counts with what the log says of it.
func (k *Keeper) count(ctx context.Context, t *delta.Table, f *delta.Add) (rowtags.Count, error) {
	src, done, err := source(ctx, k.store, t.Key(f.Path), f.Size)
	if err == nil {
		var c rowtags.Count
		err = datafile.ReadStrings(ctx, src, idColumn, func(s string, null bool) error {
			c.Row(rowtags.ParseID(s, null))
			return nil
		})
		if cerr := done(); err == nil {
			err = cerr
		}
		if err == nil {
			return c, nil
		}
	}
	if ofStore(err) && !isNotFound(err) {
		return rowtags.Count{}, err
	}
	return rowtags.Count{N: max(f.Rows, 0)}, nil
}

// txnsOf turns transactions of rowtags into delta's.
func txnsOf(prev map[string]int64, erased rowtags.Counts) []delta.Txn {
	var txns []delta.Txn
	for _, t := range rowtags.ErasedTxns(prev, erased) {
		txns = append(txns, delta.Txn{AppID: t.AppID, Version: t.Version, After: &t.After})
	}
	return txns
}
