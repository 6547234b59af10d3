package maintain

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/lakegate/lakegate/internal/datafile"
	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/rowtags"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// sortedTag is the tag of files whose rows are in the order of the columns it names.
const sortedTag = "lakegate.sorted"

// maxReplans is how often a compaction is planned again because somebody changed its files.
const maxReplans = 8

// ErrConflicts says that others changed the files to be compacted, again and again.
var ErrConflicts = errors.New("others keep changing the files")

// CompactOptions say what to compact. The zero value is what the background does.
type CompactOptions struct {
	Partition string // one day, as 2026-11-20; "" for all
	Full      bool   // merge to the end, also days that are not over
	DryRun    bool   // say what would be done
}

// CompactReport is what a compaction did, or would do.
type CompactReport struct {
	Table       string    `json:"table"`
	Version     int64     `json:"version"`      // the table's, at the end
	Groups      int       `json:"groups"`       // merges, each a commit
	FilesBefore int       `json:"files_before"` // that were merged
	FilesAfter  int       `json:"files_after"`
	BytesBefore int64     `json:"bytes_before"`
	BytesAfter  int64     `json:"bytes_after"`
	Rows        int64     `json:"rows"`
	Conflicts   int       `json:"conflicts"` // merges that were in vain
	Skipped     []Skipped `json:"skipped"`   // files that can't be compacted
}

// Skipped is a file that is left as it is.
type Skipped struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// Compact merges small files of a table. It goes on after conflicts with others; ErrConflicts when
// there are too many. What was committed before an error stays, and is in the report.
func (k *Keeper) Compact(ctx context.Context, table *tableschema.Table, o CompactOptions) (CompactReport, error) {
	c := &compaction{k: k, o: o, report: CompactReport{Table: table.Name.String()}, skipped: map[string]bool{}}
	err := c.run(ctx, table)
	k.stats.compacted(&c.report, err)
	if err != nil {
		return c.report, fmt.Errorf("compact %s: %w", table.Name, err)
	}
	return c.report, nil
}

// compaction is one call of Compact.
type compaction struct {
	k       *Keeper
	o       CompactOptions
	t       *delta.Table
	report  CompactReport
	skipped map[string]bool
}

func (c *compaction) run(ctx context.Context, table *tableschema.Table) error {
	for {
		groups, s, err := c.plan(ctx, table)
		if err != nil || len(groups) == 0 {
			return err
		}
		if c.o.DryRun {
			for _, g := range groups {
				c.report.count(g)
			}
			return nil
		}
		again, err := c.groups(ctx, table, s, groups)
		if err != nil || !again {
			return err
		}
		if c.report.Conflicts > maxReplans {
			return fmt.Errorf("%w: %d times", ErrConflicts, c.report.Conflicts)
		}
	}
}

func (c *compaction) plan(ctx context.Context, table *tableschema.Table) ([]group, *delta.Snapshot, error) {
	t, s, err := c.k.table(ctx, table.Name)
	if err != nil {
		return nil, nil, err
	}
	c.t, c.report.Version = t, s.Version
	if err := s.Writable(); err != nil {
		return nil, nil, err
	}
	declared, err := schema(s, table)
	if err != nil {
		return nil, nil, err
	}
	return c.k.planner(t, declared, c).plan(s), s, nil
}

// planner returns the planner for a table. c, which may be nil, is told of files that are skipped.
func (k *Keeper) planner(t *delta.Table, declared *tableschema.Table, c *compaction) *planner {
	p := &planner{
		table: declared, target: k.cfg.TargetFileBytes, minFiles: k.cfg.MinFiles, quiet: k.cfg.QuietAge, now: k.cfg.Now(),
		from: func(f *delta.Add) int64 { return f.ModificationTime.UnixMicro() },
	}
	if len(declared.SortBy) > 0 {
		first, _, _ := declared.Column(declared.SortBy[0])
		p.from = func(f *delta.Add) int64 { return lowerBound(f, first) }
	}
	if c != nil {
		p.full, p.only = c.o.Full, c.o.Partition
	}
	p.skip = func(f *delta.Add) bool {
		reason, bad := k.badFile(t.Key(f.Path))
		if bad && c != nil && !c.skipped[f.Path] {
			c.skipped[f.Path] = true
			c.report.Skipped = append(c.report.Skipped, Skipped{f.Path, reason})
		}
		return bad
	}
	return p
}

// groups merges the groups, until one is in vain or a file turns out bad: then it says to plan again.
// After the last it does so too: merged files may be due for the next merge.
func (c *compaction) groups(ctx context.Context, table *tableschema.Table, s *delta.Snapshot, groups []group) (again bool, err error) {
	declared, err := schema(s, table)
	if err != nil {
		return false, err
	}
	for _, g := range groups {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		err := c.group(ctx, declared, s, g)
		var input *datafile.InputError
		switch {
		case errors.Is(err, delta.ErrRewriteConflict):
			c.report.Conflicts++
			return true, nil
		case errors.As(err, &input) && (!ofStore(err) || isNotFound(err)):
			c.k.leaveAlone(c.t.Key(input.Name), input.Err)
			return true, nil
		case err != nil:
			return false, err
		}
	}
	return true, nil
}

// group makes one file of several, and commits it in their place.
func (c *compaction) group(ctx context.Context, declared *tableschema.Table, s *delta.Snapshot, g group) error {
	m := &merging{c: c, ctx: ctx, table: declared, txns: s.Txns, group: g, counts: rowtags.Counts{}}
	add, err := m.run()
	if err != nil {
		return err
	}
	c.k.failPoint("compact: file stored")
	r := delta.Rewrite{
		Operation:  "OPTIMIZE",
		Parameters: map[string]string{"predicate": predicateOf(declared, g.day), "targetSize": strconv.FormatInt(c.k.cfg.TargetFileBytes, 10)},
		Add:        []delta.Add{*add},
	}
	for _, f := range g.files {
		r.Remove = append(r.Remove, f.Path)
	}
	next, err := c.t.Rewrite(ctx, r)
	if err != nil {
		c.discard(ctx, add, err)
		return err
	}
	c.k.failPoint("compact: committed")
	c.report.count(g)
	c.report.Version = next.Version
	c.report.BytesAfter += add.Size
	c.k.stats.merged(g, add.Size)
	return nil
}

// discard deletes a file whose commit did not happen. If that isn't certain, a vacuum has to decide.
func (c *compaction) discard(ctx context.Context, add *delta.Add, err error) {
	if errors.Is(err, objstore.ErrUnknown) {
		return
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer stop()
	_ = c.k.store.Delete(ctx, c.t.Key(add.Path)) // a vacuum takes what is left
}

func (r *CompactReport) count(g group) {
	r.Groups++
	r.FilesBefore += len(g.files)
	r.FilesAfter++
	r.BytesBefore += g.bytes
	r.Rows += g.rows
}

// predicateOf says in the history which partition was compacted, as Spark does.
func predicateOf(t *tableschema.Table, day string) string {
	if day == "" || t.PartitionBy == "" {
		return "[]"
	}
	return fmt.Sprintf(`["(%s = '%s')"]`, t.PartitionBy, day)
}

// leaveAlone notes that a file can't be compacted, and says so once.
func (k *Keeper) leaveAlone(key string, reason error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.bad[key] == "" {
		k.logger.Error("a data file can't be compacted and is left as it is", "file", key, "error", reason)
	}
	k.bad[key] = reason.Error()
}

func (k *Keeper) badFile(key string) (reason string, bad bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	reason, bad = k.bad[key]
	return reason, bad
}
