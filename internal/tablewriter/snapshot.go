package tablewriter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/filecache"
	"github.com/lakegate/lakegate/internal/prune"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// SnapshotRequest says what is wanted of one table. Version or Timestamp, at most one, ask for the
// table as it was: without hot rows.
type SnapshotRequest struct {
	Table     string
	Filter    prune.Filter // files without a row that can match are left out
	Version   *int64
	Timestamp *time.Time // the last version committed at or before it
}

func (r SnapshotRequest) past() bool { return r.Version != nil || r.Timestamp != nil }

// Snapshot is tables at one instant. It does not change; Release it.
type Snapshot struct {
	List   []*TableSnapshot          // of the requests, in their order
	Tables map[string]*TableSnapshot // by full name; of the first request for it

	lake    *lake
	once    sync.Once
	held    []*hotFile
	release func() // of the cache; nil when nothing is held there
}

// TableSnapshot is one table of a Snapshot. Its rows are those of Files and Hot together.
type TableSnapshot struct {
	Schema  *tableschema.Table // nil when the store could not be asked and nobody declared the table
	Version int64              // of the Delta table; -1 when it is not in the store yet
	Files   []DataFile         // committed; do not change
	Hot     []DataFile         // not committed yet
	Pruned  int                // files that the filter left out

	table *table
	delta *delta.Snapshot // nil when the table is not in the store yet
	past  bool
}

// Release lets go of the hot files, and of the local copies. It is safe twice.
func (s *Snapshot) Release() {
	s.once.Do(func() {
		for _, f := range s.held {
			f.release()
		}
		if s.release != nil {
			s.release()
		}
	})
}

// snapshot implements Writer.Snapshot and Reader.Snapshot.
func (l *lake) snapshot(ctx context.Context, names []string) (*Snapshot, error) {
	requests := make([]SnapshotRequest, len(names))
	for i, name := range names {
		requests[i].Table = name
	}
	return l.snapshotOf(ctx, requests)
}

// maxTakes is how often a snapshot is taken whose files are gone before they are here.
const maxTakes = 3

// snapshotOf implements Writer.SnapshotOf and Reader.SnapshotOf. When a file is gone that the known
// version names, somebody compacted and vacuumed meanwhile: then it looks at the store again.
func (l *lake) snapshotOf(ctx context.Context, requests []SnapshotRequest) (*Snapshot, error) {
	want := time.Now().Add(-l.refresh)
	for try := 1; ; try++ {
		s, err := l.take(ctx, requests, want)
		if err != nil {
			return nil, fmt.Errorf("snapshot: %w", err)
		}
		err = l.localize(ctx, s)
		if err == nil {
			return s, nil
		}
		s.Release()
		if !errors.Is(err, filecache.ErrGone) || try >= maxTakes {
			return nil, fmt.Errorf("snapshot: %w", err)
		}
		want = time.Now()
	}
}

// take returns the snapshot with the files' names; those of a store that is not of this machine have
// no paths yet. The view is held only while nothing but this machine is asked.
func (l *lake) take(ctx context.Context, requests []SnapshotRequest, want time.Time) (_ *Snapshot, err error) {
	s := &Snapshot{lake: l, Tables: make(map[string]*TableSnapshot, len(requests))}
	defer func() {
		if err != nil {
			s.Release()
		}
	}()
	var present []*table // those that are wanted as they are now
	for _, r := range requests {
		t, err := l.named(ctx, r.Table)
		if err != nil {
			return nil, err
		}
		t.asked.Store(time.Now().UnixMilli())
		ts := &TableSnapshot{Version: -1, table: t, past: r.past()}
		s.List = append(s.List, ts)
		if s.Tables[r.Table] == nil {
			s.Tables[r.Table] = ts
		}
		if !ts.past {
			present = append(present, t)
		}
	}
	l.catchUp(ctx, present, want)
	for _, t := range present {
		if !t.fresh.everSeen() { // a look a moment ago found no store: another may
			l.catchUp(ctx, []*table{t}, time.Now())
		}
		if !t.fresh.everSeen() {
			return nil, fmt.Errorf("table %s: %w", t.name, ErrUnseen)
		}
	}
	for i, r := range requests {
		if r.past() {
			if err := l.goBack(ctx, s.List[i], r); err != nil {
				return nil, err
			}
		}
	}
	if err := l.hold(ctx, s, present); err != nil {
		return nil, err
	}
	for i, r := range requests {
		if err := l.list(s.List[i], r.Filter); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// named returns the table of a name. One that is not registered may have its first rows in the log,
// which is read as far as it was not yet, or was made by somebody else in the store.
func (l *lake) named(ctx context.Context, name string) (*table, error) {
	if t := l.lookup(name); t != nil {
		return t, nil
	}
	if err := l.view.enter(ctx); err != nil {
		return nil, err
	}
	err := l.meet(ctx)
	l.view.leave()
	if err != nil {
		return nil, err
	}
	if t := l.lookup(name); t != nil {
		return t, nil
	}
	if n, err := tableschema.ParseName(name); err == nil && l.findSoon(ctx, n.Path()) {
		if t := l.lookup(name); t != nil {
			return t, nil
		}
	}
	return nil, fmt.Errorf("table %s: %w", name, ErrNoTable)
}

// findSoon looks for a table in the store, without waiting for long.
func (l *lake) findSoon(ctx context.Context, path string) bool {
	ctx, cancel := context.WithTimeout(ctx, l.patience)
	defer cancel()
	return l.find(ctx, path) == nil
}

// goBack finds the version that a request for the past means.
func (l *lake) goBack(ctx context.Context, ts *TableSnapshot, r SnapshotRequest) error {
	d, err := l.opened(ctx, ts.table)
	if err != nil {
		return err
	}
	switch {
	case r.Version != nil && r.Timestamp != nil:
		return fmt.Errorf("table %s: as of a version or as of a time, not both", r.Table)
	case r.Version != nil:
		ts.delta, err = d.At(ctx, *r.Version)
	default:
		ts.delta, err = d.AtTime(ctx, *r.Timestamp)
	}
	if err != nil {
		return err
	}
	ts.Version = ts.delta.Version
	if ts.Schema, err = ts.delta.Schema(); err != nil {
		return fmt.Errorf("table %s: version %d: %w", r.Table, ts.Version, err)
	}
	return nil
}

// opened returns a table that is in the store.
func (l *lake) opened(ctx context.Context, t *table) (*delta.Table, error) {
	if d := t.reader.Load(); d != nil {
		return d, nil
	}
	d, err := delta.Open(ctx, l.store, t.name.Path())
	if errors.Is(err, delta.ErrNotTable) {
		return nil, fmt.Errorf("table %s has nothing committed yet: %w", t.name, err)
	}
	return d, err
}

// hold takes the tables' installed versions and hot rows, all at one instant.
func (l *lake) hold(ctx context.Context, s *Snapshot, present []*table) error {
	if err := l.view.enter(ctx); err != nil {
		return err
	}
	defer l.view.leave()
	// The end is taken while the view is held, so no installed version has rows behind it, and none
	// gets any until the snapshot is complete.
	if err := l.warm(ctx, present, l.log.End()); err != nil {
		return err
	}
	for _, ts := range s.List {
		if ts.past {
			continue
		}
		ts.Schema = ts.table.columns()
		if ts.delta = ts.table.installed; ts.delta != nil {
			ts.Version = ts.delta.Version
		}
		for _, e := range ts.table.hot {
			for _, f := range e.files {
				f.holders.Add(1)
				s.held = append(s.held, f)
				ts.Hot = append(ts.Hot, f.DataFile)
			}
		}
	}
	return nil
}

// list finds the table's files that the filter keeps.
func (l *lake) list(ts *TableSnapshot, filter prune.Filter) (err error) {
	p := &prune.Pruner{}
	if ts.Schema != nil {
		p = filter.For(ts.Schema)
	}
	if ts.delta != nil {
		if ts.Files, ts.Pruned, err = l.dataFiles(ts.table, ts.delta, p); err != nil {
			return err
		}
	}
	if p.All() {
		return nil
	}
	kept := ts.Hot[:0]
	for _, f := range ts.Hot {
		if p.Keep(f.Partition, prune.NewStats(f.Stats)) {
			kept = append(kept, f)
		} else {
			ts.Pruned++
		}
	}
	ts.Hot = kept
	return nil
}

// history implements Writer.History and Reader.History.
func (l *lake) history(ctx context.Context, name string, limit int) ([]delta.Version, error) {
	t, err := l.named(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	d, err := l.opened(ctx, t)
	if errors.Is(err, delta.ErrNotTable) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return d.History(ctx, limit)
}
