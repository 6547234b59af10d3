package maintain

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// RetainReport is what a retention did.
type RetainReport struct {
	Table   string `json:"table"`
	Before  string `json:"before"` // rows of days before this one are deleted; "" for none
	Days    int    `json:"days"`   // that were deleted
	Files   int    `json:"files"`
	Rows    int64  `json:"rows"` // of files that say how many they have
	Bytes   int64  `json:"bytes"`
	Version int64  `json:"version"` // the table's, at the end
}

// Retain deletes the rows of all days but the last ones (days, the present one among them; 0: keep
// everything), by UTC. It removes whole files; tables that are not partitioned are left as they are,
// and so are rows without a date. The rows are counted as erased in the same commit.
func (k *Keeper) Retain(ctx context.Context, table *tableschema.Table, days int, dryRun bool) (RetainReport, error) {
	r, err := k.retain(ctx, table, days, dryRun)
	if !dryRun {
		k.stats.retained(r, err)
	}
	if err != nil {
		return r, fmt.Errorf("retention of %s: %w", table.Name, err)
	}
	return r, nil
}

func (k *Keeper) retain(ctx context.Context, table *tableschema.Table, days int, dryRun bool) (RetainReport, error) {
	r := RetainReport{Table: table.Name.String()}
	if days <= 0 {
		return r, nil
	}
	r.Before = k.cfg.Now().UTC().AddDate(0, 0, 1-days).Format(time.DateOnly)
	for tries := 0; ; tries++ {
		t, s, err := k.table(ctx, table.Name)
		if err != nil {
			return r, err
		}
		declared, err := schema(s, table)
		if err != nil {
			return r, err
		}
		r.Version = s.Version
		old := expired(s, declared.PartitionBy, r.Before)
		r.count(old, declared.PartitionBy)
		if len(old) == 0 || dryRun {
			return r, nil
		}
		next, err := k.erase(ctx, t, s, old, fmt.Sprintf(`["(%s < '%s')"]`, declared.PartitionBy, r.Before))
		if err == nil {
			r.Version = next.Version
			return r, nil
		}
		if !again(err) || tries == maxReplans {
			return RetainReport{Table: r.Table, Before: r.Before, Version: s.Version}, err
		}
	}
}

// again reports whether somebody else's commit is the reason, so that it is to be decided anew.
func again(err error) bool {
	return errors.Is(err, delta.ErrRewriteConflict) || errors.Is(err, delta.ErrTxnOrder)
}

// expired returns the files of days before the given one.
func expired(s *delta.Snapshot, column, before string) []*delta.Add {
	var old []*delta.Add
	if column == "" {
		return nil
	}
	for f := range s.Files() {
		// Dates of this form are in order as text. What is none, NULL too, is kept.
		day := f.PartitionValues[column]
		if _, err := time.Parse(time.DateOnly, day); err == nil && day < before {
			old = append(old, f)
		}
	}
	return old
}

func (r *RetainReport) count(files []*delta.Add, column string) {
	days := map[string]bool{}
	r.Files, r.Rows, r.Bytes = len(files), 0, 0
	for _, f := range files {
		days[f.PartitionValues[column]] = true
		r.Rows += max(f.Rows, 0)
		r.Bytes += f.Size
	}
	r.Days = len(days)
}

// erase removes files with their rows, and enters what is gone in the table's accounts.
func (k *Keeper) erase(ctx context.Context, t *delta.Table, s *delta.Snapshot, files []*delta.Add, predicate string) (*delta.Snapshot, error) {
	counts, err := k.countsOf(ctx, t, files, s.Txns)
	if err != nil {
		return nil, err
	}
	rewrite := delta.Rewrite{Operation: "DELETE", Parameters: map[string]string{"predicate": predicate}, DataChange: true, Txns: txnsOf(s.Txns, counts)}
	for _, f := range files {
		rewrite.Remove = append(rewrite.Remove, f.Path)
	}
	k.failPoint("retain: before the commit")
	next, err := t.Rewrite(ctx, rewrite)
	if err == nil {
		k.failPoint("retain: committed")
	}
	return next, err
}
