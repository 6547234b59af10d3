package maintain

import (
	"context"
	"fmt"
	"time"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// Description is what there is to know of a table.
type Description struct {
	Name        tableschema.Name
	Comment     string
	Columns     int
	PartitionBy string
	SortBy      []string

	Version       int64
	OldestVersion int64     // that can be looked at
	OldestSince   time.Time // when that was committed; zero if that isn't known
	ReaderVersion int       // of the protocol
	WriterVersion int

	Files         int
	Bytes         int64
	Rows          int64
	RowsKnown     bool // every file says how many rows it has
	SmallFiles    int  // of less than three quarters of the target size
	SmallBytes    int64
	Due           int    // files that the next compaction merges
	Days          int    // partitions
	FirstDay      string // "" when there are none
	LastDay       string
	RetentionDays int // 0 for ever

	LastCompaction, LastRetention, LastVacuum, LastCleanLog time.Time // zero for never
	Skipped                                                 []Skipped // files that can't be compacted, as far as this process knows
}

// Describe describes a table. ErrNotTable (of delta) when there is none.
func (k *Keeper) Describe(ctx context.Context, table *tableschema.Table) (Description, error) {
	d, err := k.describe(ctx, table)
	if err != nil {
		return d, fmt.Errorf("describe %s: %w", table.Name, err)
	}
	return d, nil
}

func (k *Keeper) describe(ctx context.Context, table *tableschema.Table) (Description, error) {
	t, s, err := k.table(ctx, table.Name)
	if err != nil {
		return Description{}, err
	}
	declared, err := schema(s, table)
	if err != nil {
		return Description{}, err
	}
	d := Description{
		Name: declared.Name, Comment: declared.Comment, Columns: len(declared.Columns), PartitionBy: declared.PartitionBy, SortBy: declared.SortBy,
		Version: s.Version, Files: s.NumFiles(), RetentionDays: k.retention(table),
	}
	d.ReaderVersion, d.WriterVersion = s.Protocol()
	if d.OldestVersion, d.OldestSince, err = t.Oldest(ctx); err != nil {
		return d, err
	}
	d.Rows, d.RowsKnown = s.NumRecords()
	c := &compaction{k: k, skipped: map[string]bool{}}
	p := k.planner(t, declared, c)
	for _, g := range p.plan(s) {
		d.Due += len(g.files)
	}
	d.Skipped = c.report.Skipped
	d.files(s, p.large())
	done, _, err := k.record(ctx, table.Name)
	if err != nil {
		return d, err
	}
	d.LastCompaction, d.LastRetention, d.LastVacuum, d.LastCleanLog = done.Compacted, done.Retained, done.Vacuumed, done.Cleaned
	return d, nil
}

func (d *Description) files(s *delta.Snapshot, large int64) {
	days := map[string]bool{}
	for f := range s.Files() {
		d.Bytes += f.Size
		if f.Size < large {
			d.SmallFiles++
			d.SmallBytes += f.Size
		}
		if day := f.PartitionValues[d.PartitionBy]; day != "" {
			days[day] = true
		}
	}
	if all := sortedKeys(days); len(all) > 0 {
		d.Days, d.FirstDay, d.LastDay = len(all), all[0], all[len(all)-1]
	}
}

func (k *Keeper) retention(t *tableschema.Table) int {
	if k.cfg.Retention == nil {
		return 0
	}
	return k.cfg.Retention(t)
}
