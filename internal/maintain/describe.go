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
	Name        tableschema.Name `json:"-"`
	Comment     string           `json:"comment"`
	Columns     int              `json:"columns"`
	PartitionBy string           `json:"partition_by"`
	SortBy      []string         `json:"sort_by"`

	Version       int64     `json:"version"`
	OldestVersion int64     `json:"oldest_version"`        // that can be looked at
	OldestSince   time.Time `json:"oldest_since,omitzero"` // when that was committed; zero if that isn't known
	ReaderVersion int       `json:"reader_version"`        // of the protocol
	WriterVersion int       `json:"writer_version"`

	Files         int    `json:"files"`
	Bytes         int64  `json:"bytes"`
	Rows          int64  `json:"rows"`
	RowsKnown     bool   `json:"rows_known"`  // every file says how many rows it has
	SmallFiles    int    `json:"small_files"` // of less than three quarters of the target size
	SmallBytes    int64  `json:"small_bytes"`
	Due           int    `json:"due"`       // files that the next compaction merges
	Days          int    `json:"days"`      // partitions
	FirstDay      string `json:"first_day"` // "" when there are none
	LastDay       string `json:"last_day"`
	RetentionDays int    `json:"retention_days"` // 0 for ever

	// When it was done last; zero for never.
	LastCompaction time.Time `json:"last_compaction,omitzero"`
	LastRetention  time.Time `json:"last_retention,omitzero"`
	LastVacuum     time.Time `json:"last_vacuum,omitzero"`
	LastCleanLog   time.Time `json:"last_clean_log,omitzero"`
	Skipped        []Skipped `json:"skipped"` // files that can't be compacted, as far as this process knows
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
		Version: s.Version, Files: s.NumFiles(), RetentionDays: k.retention(declared),
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
