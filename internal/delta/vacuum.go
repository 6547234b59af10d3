package delta

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// MinRetention is the shortest time for which Vacuum keeps what a table has no more use for:
	// longer than any query runs, and than any upload waits for its commit.
	MinRetention = time.Hour
	// defaultOrphanAge is how old files must be that no version names.
	defaultOrphanAge = 7 * 24 * time.Hour
	// vacuumBatch is how many files are deleted between two looks at the log.
	vacuumBatch = 500
)

// VacuumOptions say what Vacuum may delete.
type VacuumOptions struct {
	// Retention is how long files are kept that versions of that time need. 0 is the table's
	// property delta.deletedFileRetentionDuration (a week unless it was changed). Less than
	// MinRetention is refused with ErrRetention; negative is none at all, allowed with Only.
	Retention time.Duration
	// OrphanAge is how old a file must be, by the store's clock, that the log doesn't know: it may be about to be
	// committed. 0 is a week. Less than MinRetention is refused; negative is none, allowed with Only.
	OrphanAge time.Duration
	// Only, if set, is asked about every file that could be deleted. It gets the path below the table.
	Only func(path string) bool
	// DryRun deletes nothing; the report says what would be.
	DryRun bool
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Files counts files.
type Files struct {
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
}

func (f *Files) add(size int64) {
	f.Files++
	f.Bytes += size
}

// VacuumReport is what Vacuum found and did.
type VacuumReport struct {
	Version int64    `json:"version"` // the table's, when the decision was made
	Scanned Files    `json:"scanned"` // all data files in the store
	Live    Files    `json:"live"`    // of the newest version
	Kept    Files    `json:"kept"`    // not live, but needed by a version within the retention, too young, or not asked for
	Expired Files    `json:"expired"` // removed from the table, and past the retention
	Orphans Files    `json:"orphans"` // never in the table, or so long ago that it forgot
	Deleted Files    `json:"deleted"` // of these two
	Paths   []string `json:"paths"`   // of these two; read only
}

// Vacuum deletes data files that no version within the retention needs.
//
// It never deletes a file that is live, that was removed within the retention, or that a version
// needs which the log can still go back to and which was the table's newest within the retention; nor one
// that is younger than OrphanAge and unknown; nor anything that isn't named *.parquet, or below a name
// that starts with _ or a dot. Files that come back to life while it runs are spared. It may stop
// anywhere, and run again or twice at once. The report counts what was done even with an error.
// ErrRetention; ErrProtocol, because other features of a table keep files in other ways.
func (t *Table) Vacuum(ctx context.Context, o VacuumOptions) (VacuumReport, error) {
	r, err := t.vacuum(ctx, o)
	if err != nil {
		return r, fmt.Errorf("vacuum table %s: %w", t.log.path, err)
	}
	return r, nil
}

func (t *Table) vacuum(ctx context.Context, o VacuumOptions) (VacuumReport, error) {
	if !t.writes {
		return VacuumReport{}, ErrReadOnly
	}
	s, err := t.Refresh(ctx)
	if err != nil {
		return VacuumReport{}, err
	}
	if err := s.writable(); err != nil {
		return VacuumReport{}, err
	}
	if err := o.settle(s.meta); err != nil {
		return VacuumReport{}, err
	}
	v := vacuum{t: t, o: o, now: o.Now(), report: VacuumReport{Version: s.Version}}
	if v.needed, err = t.needed(ctx, s, o.Retention, v.now); err != nil {
		return v.report, err
	}
	if err := v.scan(ctx, s); err != nil {
		return v.report, err
	}
	return v.report, v.delete(ctx)
}

// settle fills in what isn't given, and refuses what isn't safe.
func (o *VacuumOptions) settle(m *metadata) error {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Retention == 0 {
		o.Retention = max(m.tombstones(), MinRetention)
	}
	if o.OrphanAge == 0 {
		o.OrphanAge = defaultOrphanAge
	}
	for name, d := range map[string]time.Duration{"retention": o.Retention, "age of orphans": o.OrphanAge} {
		if d < MinRetention && (d >= 0 || o.Only == nil) {
			return fmt.Errorf("%w: %s of %v; queries and uploads need %v", ErrRetention, name, d, MinRetention)
		}
	}
	return nil
}

// vacuum is one run.
type vacuum struct {
	t      *Table
	o      VacuumOptions
	now    time.Time
	needed map[string]bool // not live, but of versions within the retention
	report VacuumReport
	doomed []doomed
}

type doomed struct {
	path string
	size int64
}

// scan decides about every data file in the store.
func (v *vacuum) scan(ctx context.Context, s *Snapshot) error {
	prefix := v.t.log.path + "/"
	for info, err := range v.t.log.store.List(ctx, prefix, "") {
		if err != nil {
			return fmt.Errorf("list files: %w", err)
		}
		p := strings.TrimPrefix(info.Key, prefix)
		if !isDataFile(p) {
			continue
		}
		v.report.Scanned.add(info.Size)
		_, live := s.File(p)
		_, removed := s.removed.get(p)
		switch {
		case live:
			v.report.Live.add(info.Size)
		case v.needed[p], !removed && v.now.Sub(info.Modified) < v.o.OrphanAge, v.o.Only != nil && !v.o.Only(p):
			v.report.Kept.add(info.Size)
		case removed:
			v.report.Expired.add(info.Size)
			v.doom(p, info.Size)
		default:
			v.report.Orphans.add(info.Size)
			v.doom(p, info.Size)
		}
	}
	return nil
}

func (v *vacuum) doom(p string, size int64) {
	v.doomed = append(v.doomed, doomed{p, size})
	v.report.Paths = append(v.report.Paths, p)
}

// isDataFile reports whether a path below the table can be a data file's.
func isDataFile(p string) bool {
	for part := range strings.SplitSeq(p, "/") {
		if strings.HasPrefix(part, "_") || strings.HasPrefix(part, ".") {
			return false
		}
	}
	return path.Ext(p) == ".parquet"
}

// delete deletes, and looks at the log before each batch: a restore may have brought files back.
func (v *vacuum) delete(ctx context.Context) error {
	if v.o.DryRun {
		return nil
	}
	for batch := range slices.Chunk(v.doomed, vacuumBatch) {
		s, err := v.t.Refresh(ctx)
		if err != nil {
			return err
		}
		if err := s.writable(); err != nil {
			return err
		}
		if err := v.deleteBatch(ctx, s, batch); err != nil {
			return err
		}
	}
	return nil
}

func (v *vacuum) deleteBatch(ctx context.Context, s *Snapshot, batch []doomed) error {
	done := make([]bool, len(batch))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i, d := range batch {
		if _, live := s.File(d.path); live {
			continue
		}
		g.Go(func() error {
			err := v.t.log.store.Delete(gctx, v.t.Key(d.path))
			done[i] = err == nil
			return err
		})
	}
	err := g.Wait()
	for i, ok := range done {
		if ok {
			v.report.Deleted.add(batch[i].size)
		}
	}
	return err
}

// needed returns the files that versions within the retention need besides the live ones: those of
// the version that was the newest when it began, and those removed since.
func (t *Table) needed(ctx context.Context, s *Snapshot, retention time.Duration, now time.Time) (map[string]bool, error) {
	needed := map[string]bool{}
	if retention < 0 {
		return needed, nil
	}
	// An hour more, because the clocks that wrote the times need not agree with ours.
	cutoff := now.Add(-retention).Add(-time.Hour)
	for p, r := range s.removed.byPath() {
		if r.DeletionTimestamp == 0 || r.DeletionTimestamp >= cutoff.UnixMilli() {
			needed[p] = true
		}
	}
	l, err := t.log.list(ctx)
	if err != nil {
		return nil, err
	}
	from, ok := l.versionAt(cutoff)
	if !ok {
		if from, ok = l.oldest(); !ok {
			return needed, nil
		}
	}
	then, err := t.at(ctx, from)
	if err != nil {
		return nil, err
	}
	for f := range then.Files() {
		needed[f.Path] = true
	}
	if retention <= s.meta.tombstones() {
		return needed, nil
	}
	return needed, t.removedSince(ctx, then, s, needed)
}

// removedSince adds the files removed between two versions, of which checkpoints may have dropped
// the notes.
func (t *Table) removedSince(ctx context.Context, then, now *Snapshot, needed map[string]bool) error {
	const step = 256
	for v := then.Version + 1; v <= now.Version; v += step {
		n := min(step, now.Version-v+1)
		commits, err := t.log.read(ctx, v, int(n))
		if err != nil {
			return err
		}
		if len(commits) < int(n) {
			return fmt.Errorf("version %d: %w: somebody cleans the log", v+int64(len(commits)), errGap)
		}
		for _, c := range commits {
			for _, a := range c.actions {
				if a.Remove != nil {
					p, _ := now.place.file(a.Remove.Path)
					needed[p] = true
				}
			}
		}
	}
	return nil
}
