package tablewriter

import (
	"sync"
	"sync/atomic"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/internal/wal"
)

// table is one table of the lake.
type table struct {
	name tableschema.Name

	mu     sync.Mutex
	schema *tableschema.Table // its columns: as the store has them, else as declared; nil when not known

	opening      sync.Mutex // one opening for writing at a time
	writer       *delta.Table
	writerSchema *tableschema.Table // what writer was opened with

	reader atomic.Pointer[delta.Table] // nil until the table could be opened
	files  atomic.Pointer[fileList]    // of the version that was last listed whole
	asked  atomic.Int64                // when a Snapshot had the table last, ms since 1970
	fresh  freshness

	// Under lake.view.
	installed *delta.Snapshot // the version Snapshots get
	floor     uint64          // installed has the rows of the log's segments up to this one
	hot       []*extent       // rows behind floor, in order, without gaps
	hotTo     wal.Pos         // rows in front of it are in installed or in hot

	landing landing // of the landing goroutine
}

// closeWriter ends what the table's writer does beside its commits.
func (t *table) closeWriter() {
	t.opening.Lock()
	defer t.opening.Unlock()
	if t.writer != nil {
		t.writer.Close()
	}
}

// columns returns what is known of the table's columns, nil for nothing.
func (t *table) columns() *tableschema.Table {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.schema
}

// declare sets the columns of a table that the store does not have yet.
func (t *table) declare(schema *tableschema.Table) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.schema == nil {
		t.schema = schema
	}
}

// install makes a version the one that Snapshots get, together with the hot rows behind it: in one
// step rows stop being hot and start being committed. An older version changes nothing. The caller
// holds the view.
func (l *lake) install(t *table, d *delta.Table, s *delta.Snapshot) {
	if t.installed != nil && s.Version < t.installed.Version {
		return
	}
	t.reader.Store(d)
	if t.installed != nil && s.Version == t.installed.Version {
		return
	}
	t.installed = s
	if schema, err := s.Schema(); err == nil {
		t.mu.Lock()
		t.schema = schema
		t.mu.Unlock()
	}
	floor := uint64(max(s.Txns[l.log.ID()], 0))
	if floor <= t.floor {
		return
	}
	t.floor = floor
	t.hotTo = maxPos(t.hotTo, wal.Pos{Segment: floor + 1})
	t.dropHot(floor)
}

func maxPos(a, b wal.Pos) wal.Pos {
	if a.Before(b) {
		return b
	}
	return a
}

// dropHot lets go of hot rows of segments up to floor, of all with 0. Rows behind floor that share
// an extent with such rows, or come behind them, are read from the log again when they are asked for.
func (t *table) dropHot(floor uint64) {
	kept := t.hot[:0]
	for _, e := range t.hot {
		if floor > 0 && e.from.Segment > floor && e.to.Before(t.hotTo) {
			kept = append(kept, e)
			continue
		}
		if e.from.Segment <= floor && e.to.Segment > floor {
			t.hotTo = wal.Pos{Segment: floor + 1}
		}
		e.release()
	}
	clear(t.hot[len(kept):])
	t.hot = kept
}
