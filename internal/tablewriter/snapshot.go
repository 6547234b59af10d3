package tablewriter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// DataFile is one Parquet file with rows of a table. The partition column is not in the file.
type DataFile struct {
	Path      string            // absolute, on this machine
	Partition map[string]string // column -> value, "" for NULL; nil without partitions
	Rows      int64             // -1 when a foreign writer did not say
	Stats     string            // JSON as in the Delta log, "" for none
}

// Snapshot is tables at one instant. It does not change; Release it.
type Snapshot struct {
	Tables map[string]*TableSnapshot // by full name
	once   sync.Once
	held   []*hotFile
}

// TableSnapshot is one table of a Snapshot. Its rows are those of Files and Hot together.
type TableSnapshot struct {
	Schema  *tableschema.Table // nil when the store could not be asked and nobody declared the table
	Version int64              // of the Delta table; -1 when it is not in the store yet
	Files   []DataFile         // committed; do not change
	Hot     []DataFile         // not committed yet
}

// Release lets go of the hot files. It is safe twice.
func (s *Snapshot) Release() {
	s.once.Do(func() {
		for _, f := range s.held {
			f.release()
		}
	})
}

// snapshot implements Writer.Snapshot and Reader.Snapshot.
func (l *lake) snapshot(ctx context.Context, names []string) (*Snapshot, error) {
	if l.local == nil {
		return nil, errors.New("snapshot: the store's objects are not files of this machine")
	}
	if err := l.view.enter(ctx); err != nil {
		return nil, err
	}
	defer l.view.leave()
	tables, err := l.named(ctx, names)
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		l.look(ctx, t)
	}
	// The end is taken after the tables were refreshed, so no table can have rows behind it, and
	// while the view is held, so none gets any until the snapshot is complete.
	if err := l.warm(ctx, tables, l.log.End()); err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	s := &Snapshot{Tables: make(map[string]*TableSnapshot, len(tables))}
	for i, t := range tables {
		s.Tables[names[i]] = s.hold(t)
	}
	return s, nil
}

// named returns the tables of the names. One that is not registered may have its first rows in the
// log: that is read as far as it was not yet. The caller holds the view.
func (l *lake) named(ctx context.Context, names []string) ([]*table, error) {
	tables := make([]*table, len(names))
	for i, name := range names {
		t := l.lookup(name)
		if t == nil {
			if err := l.meet(ctx); err != nil {
				return nil, err
			}
			t = l.lookup(name)
		}
		if t == nil {
			return nil, fmt.Errorf("snapshot of %s: %w", name, ErrNoTable)
		}
		tables[i] = t
	}
	return tables, nil
}

// look fetches the newest commits of a table, if that was not done lately. When the store cannot be
// reached the version that is known stays.
func (l *lake) look(ctx context.Context, t *table) {
	if t.reader == nil || time.Since(t.refreshed) < l.refresh {
		return
	}
	s, err := t.reader.Refresh(ctx)
	if err != nil {
		t.refreshed = time.Now()
		l.logger.Warn("table cannot be refreshed; its last known version is used", "table", t.name.String(), "error", err)
		return
	}
	l.install(t, t.reader, s)
}

// hold adds the table's files to the snapshot. The caller holds the view.
func (s *Snapshot) hold(t *table) *TableSnapshot {
	ts := &TableSnapshot{Schema: t.columns(), Version: -1, Files: t.committed}
	if t.installed != nil {
		ts.Version = t.installed.Version
	}
	for _, e := range t.hot {
		for _, f := range e.files {
			f.holders.Add(1)
			s.held = append(s.held, f)
			ts.Hot = append(ts.Hot, f.DataFile)
		}
	}
	return ts
}

// dataFiles returns the files of a version; nil when they are not files of this machine.
func (l *lake) dataFiles(t *table, s *delta.Snapshot) []DataFile {
	if l.local == nil {
		return nil
	}
	files := make([]DataFile, 0, s.NumFiles())
	for a := range s.Files() {
		files = append(files, DataFile{
			Path:      l.local.LocalPath(t.name.Path() + "/" + a.Path),
			Partition: a.PartitionValues, Rows: a.Rows, Stats: a.Stats,
		})
	}
	return files
}
