package delta

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"time"

	"github.com/lakegate/lakegate/internal/tableschema"
)

// Snapshot is the table as of one version. It never changes.
type Snapshot struct {
	Version int64
	// Txns has the newest transaction of each application. Read only.
	Txns map[string]int64

	protocol   *protocol
	meta       *metadata
	files      fileSet[Add]
	removed    fileSet[removeAction]
	txnUpdated map[string]int64 // ms, by application
	place      *place           // shared with the snapshots before and after
}

// emptySnapshot is a table before its first version.
func emptySnapshot(at *place) *Snapshot { return &Snapshot{Version: -1, place: at} }

// Files yields the live files, folder by folder, in order of their paths. The Adds are read only.
func (s *Snapshot) Files() iter.Seq[*Add] { return s.files.all() }

// Added returns the files that are live in s and were not in old, in no order: cheap between versions
// that are near each other. The Adds are read only.
func (s *Snapshot) Added(old *Snapshot) []*Add { return s.files.added(old.files) }

// File returns the live file of the path, which is read only.
func (s *Snapshot) File(path string) (*Add, bool) { return s.files.get(path) }

// NumFiles is the number of live files.
func (s *Snapshot) NumFiles() int { return s.files.n }

// Removed is a file that is no longer in the table. It may still be in the store, for readers of
// older versions.
type Removed struct {
	Path            string
	PartitionValues map[string]string // nil if the remover didn't say
	Size            int64             // 0 likewise
	At              time.Time         // by the remover's clock; zero likewise
}

// Removed yields the files removed within the table's retention, as far as writers noted them.
func (s *Snapshot) Removed() iter.Seq[Removed] {
	return func(yield func(Removed) bool) {
		for r := range s.removed.all() {
			path, _ := s.place.file(r.Path)
			out := Removed{Path: path, PartitionValues: partitionValues(r.PartitionValues), Size: r.Size}
			if r.DeletionTimestamp > 0 {
				out.At = time.UnixMilli(r.DeletionTimestamp)
			}
			if !yield(out) {
				return
			}
		}
	}
}

// NumRecords is the number of rows. known is false when files of another writer don't say how many
// they have; those count as none.
func (s *Snapshot) NumRecords() (rows int64, known bool) {
	known = true
	for f := range s.Files() {
		if f.Rows < 0 {
			known = false
			continue
		}
		rows += f.Rows
	}
	return rows, known
}

// Schema is the table as the log has it, columns that somebody else added included. Its Name is
// made of the last three parts of the path. ErrSchema when a column is of a type that
// tableschema doesn't have.
func (s *Snapshot) Schema() (*tableschema.Table, error) { return s.meta.table(s.place.path) }

// apply returns the snapshot after commits, whose versions must follow it.
func (s *Snapshot) apply(commits []commit) (*Snapshot, error) {
	if len(commits) == 0 {
		return s, nil
	}
	next := *s
	next.Txns, next.txnUpdated = clone(s.Txns), clone(s.txnUpdated)
	files, removed := map[string]*Add{}, map[string]*removeAction{}
	for _, c := range commits {
		for i, a := range removesFirst(c.actions) {
			if err := next.applyAction(a, files, removed); err != nil {
				return nil, fmt.Errorf("version %d: action %d: %w", c.version, i+1, err)
			}
		}
		next.Version = c.version
	}
	if next.protocol == nil || next.meta == nil {
		return nil, fmt.Errorf("version %d: %w: no protocol or metaData so far", next.Version, ErrCorrupt)
	}
	err := next.readable()
	for _, f := range files {
		if err == nil && f != nil && f.vector {
			err = next.unsupported("deletionVectors")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("version %d: %w", next.Version, err)
	}
	next.files, next.removed = s.files.with(files), s.removed.with(removed)
	if next.Version/forgetEvery > s.Version/forgetEvery {
		next.removed = removedSince(next.removed, time.Now().Add(-next.meta.tombstones()))
	}
	return &next, nil
}

// removesFirst yields the actions of a commit, removes before all others: a commit that removes a
// path and adds it again has it, in whatever order it says so. The numbers are those of the commit.
func removesFirst(actions []action) iter.Seq2[int, action] {
	return func(yield func(int, action) bool) {
		for _, removes := range []bool{true, false} {
			for i, a := range actions {
				if (a.Remove != nil) == removes && !yield(i, a) {
					return
				}
			}
		}
	}
}

// forgetEvery is after how many versions removed files are forgotten whose retention is over, as
// checkpoints do.
const forgetEvery = 1000

// removedSince returns the files removed at or after a time.
func removedSince(all fileSet[removeAction], at time.Time) fileSet[removeAction] {
	old := map[string]*removeAction{}
	for p, r := range all.byPath() {
		if r.DeletionTimestamp < at.UnixMilli() {
			old[p] = nil
		}
	}
	return all.with(old)
}

// applyAction changes s, which is not shared yet, and notes changes of its files.
func (s *Snapshot) applyAction(a action, files map[string]*Add, removed map[string]*removeAction) error {
	switch {
	case a.Protocol != nil:
		s.protocol = a.Protocol
	case a.Metadata != nil:
		m, err := parseMetadata(*a.Metadata)
		s.meta = m
		return err
	case a.Txn != nil:
		s.Txns[a.Txn.AppID] = a.Txn.Version
		s.txnUpdated[a.Txn.AppID] = a.Txn.LastUpdated
	case a.Add != nil:
		if _, inside := s.place.file(a.Add.Path); !inside {
			return s.unsupported("files outside of its folder: " + a.Add.Path)
		}
		f := a.Add.file(s.place)
		files[f.Path], removed[f.Path] = f, nil
	case a.Remove != nil:
		p, _ := s.place.file(a.Remove.Path)
		files[p], removed[p] = nil, a.Remove
	}
	return nil
}

// unsupported is the error of something found in a table, which its protocol may not even announce.
func (s *Snapshot) unsupported(what string) error {
	e := &ProtocolError{Features: []string{what}}
	if s.protocol != nil {
		e.MinReaderVersion, e.MinWriterVersion = s.protocol.MinReaderVersion, s.protocol.MinWriterVersion
	}
	return e
}

// clone is maps.Clone that never returns nil.
func clone(m map[string]int64) map[string]int64 {
	if m == nil {
		return map[string]int64{}
	}
	return maps.Clone(m)
}

var errGap = errors.New("a version is missing")
