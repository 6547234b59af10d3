// Package delta reads and writes the log of a Delta table.
//
// It promises that an append, or a rewrite of files, is one new version, whole or not at all,
// whoever else writes: lost races are rebased on what the winners wrote, lost answers are read back,
// and a transaction (Txn) is committed at most once, across retries, processes and crashes. A rewrite
// whose files somebody else replaced is refused, so that no row is doubled or comes back. It writes
// protocol version 1 for readers and 2 for writers, which every engine reads, and refuses with
// ErrProtocol what it doesn't know. Tables it creates are partitioned by a date or not at all.
//
// It doesn't read or write data files: internal/datafile makes them, and the caller puts them in the
// store before Append or Rewrite.
//
// A Table may be used by many goroutines, and many processes may append to one table. A Snapshot
// never changes. Tests use the real thing over memstore, which can fail on purpose.
package delta

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// Errors to test for with errors.Is.
var (
	// ErrNotTable says there is no Delta table under the path.
	ErrNotTable = errors.New("no delta table")
	// ErrTxnDone says the table has the transaction already, or a later one of the same application.
	// Nothing was written.
	ErrTxnDone = errors.New("transaction is committed already")
	// ErrProtocol says the table asks more of readers or writers than this package can do. The
	// error is a *ProtocolError.
	ErrProtocol = errors.New("unsupported delta protocol")
	// ErrSchema says the table's columns don't fit the wanted ones. The error names the column.
	ErrSchema = errors.New("incompatible schema")
	// ErrContention says that every try lost the race for the next version. Nothing was written.
	ErrContention = errors.New("too many lost races")
	// ErrRewriteConflict says that a file to be removed isn't in the table any more: somebody else
	// rewrote it. Nothing was written; plan again from a new snapshot.
	ErrRewriteConflict = errors.New("file was rewritten by somebody else")
	// ErrTxnOrder says that the last transaction of the application isn't the one that Txn.After
	// names. Nothing was written.
	ErrTxnOrder = errors.New("transaction out of order")
	// ErrVersionGone says that the log doesn't go back to the version, or forward. The error is a
	// *VersionGoneError.
	ErrVersionGone = errors.New("no such version")
	// ErrFilesGone says that files of a version aren't in the store any more. The error is a
	// *FilesGoneError.
	ErrFilesGone = errors.New("files were deleted by a vacuum")
	// ErrRetention says that a retention is too short to be safe.
	ErrRetention = errors.New("retention is too short")
	// ErrAppendOnly says that the table's property delta.appendOnly forbids to delete rows.
	ErrAppendOnly = errors.New("table is append only")
	// ErrReadOnly says the table was opened for reading.
	ErrReadOnly = errors.New("table is open for reading only")
	// ErrCorrupt says the log can't be what a Delta writer left. The error names the place.
	ErrCorrupt = errors.New("damaged delta log")
)

// Options are for tables open for writing.
type Options struct {
	Version string       // lakegate's version, for engineInfo
	Logger  *slog.Logger // nil for none
	// CheckpointInterval is the number of versions from checkpoint to checkpoint: 0 for 50,
	// negative for no checkpoints.
	CheckpointInterval int64
}

const defaultCheckpointInterval = 50

// Table is an open table. Close one that was open for writing.
type Table struct {
	log     reader
	opts    Options
	writes  bool
	want    *tableschema.Table // the columns that appends have; nil for tables opened by path
	newest  atomic.Pointer[Snapshot]
	listed  atomic.Int64 // when the log was last listed, UnixNano
	refresh flight
	writer  chan struct{}            // held by the append that is under way
	fits    atomic.Pointer[metadata] // metaData that has all columns of want

	codec         compress.Codec // of checkpoints
	quick         int            // files in a checkpoint that is written at once
	checkpointing atomic.Bool    // one is being written in the background
	background    sync.WaitGroup
	closing       chan struct{}
	closeOnce     sync.Once
}

// Open opens the table under path (below the store's root) for reading. ErrNotTable, ErrProtocol.
func Open(ctx context.Context, store objstore.Store, path string) (*Table, error) {
	t := newTable(store, path, Options{})
	if err := t.reload(ctx); err != nil {
		return nil, fmt.Errorf("open table %s: %w", path, err)
	}
	return t, nil
}

// OpenExisting opens the table under path for maintenance: everything but Append, and it never
// changes the schema. ErrNotTable, ErrProtocol if it can't be read; writes refuse what they can't keep.
func OpenExisting(ctx context.Context, store objstore.Store, path string, opts Options) (*Table, error) {
	t := newTable(store, path, opts)
	t.writes = true
	if err := t.reload(ctx); err != nil {
		return nil, fmt.Errorf("open table %s: %w", path, err)
	}
	return t, nil
}

// OpenOrCreate opens the table under want.Name.Path() for writing. It creates the table if there is
// none, and commits a change of its schema if it lacks columns of want. ErrSchema when a column is
// there with another type, ErrProtocol.
func OpenOrCreate(ctx context.Context, store objstore.Store, want *tableschema.Table, opts Options) (*Table, error) {
	path := want.Name.Path()
	if err := checkWanted(want); err != nil {
		return nil, fmt.Errorf("open table %s: %w", path, err)
	}
	t := newTable(store, path, opts)
	t.want, t.writes = want, true
	err := t.reload(ctx)
	if errors.Is(err, ErrNotTable) {
		err = t.create(ctx)
	}
	if err == nil {
		err = t.addColumns(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("open table %s: %w", path, err)
	}
	return t, nil
}

func newTable(store objstore.Store, path string, opts Options) *Table {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.CheckpointInterval == 0 {
		opts.CheckpointInterval = defaultCheckpointInterval
	}
	return &Table{
		log: newReader(store, path), opts: opts,
		refresh: newFlight(), writer: make(chan struct{}, 1), quick: quickCheckpoint, codec: &zstd.Codec{}, closing: make(chan struct{}),
	}
}

// Path is the table's folder in the store.
func (t *Table) Path() string { return t.log.path }

// Key is the key of one of the table's files in the store; path is an Add's.
func (t *Table) Key(path string) string { return t.log.path + "/" + path }

// Snapshot returns the newest snapshot seen so far, without asking the store.
func (t *Table) Snapshot() *Snapshot { return t.newest.Load() }

// relist is how long appends and refreshes trust what they know of the log and just look for the
// next version. Past that they list it: a version that somebody's log cleanup removed looks like
// one that isn't written yet.
const relist = 5 * time.Minute

// Refresh returns a snapshot that is at least as new as the table was when Refresh was called.
// Calls at the same time share their reads.
func (t *Table) Refresh(ctx context.Context) (*Snapshot, error) {
	err := t.refresh.do(ctx, func() error {
		if t.stale() {
			return t.reload(ctx)
		}
		return t.advance(ctx, t.Snapshot())
	})
	if err != nil {
		return nil, fmt.Errorf("refresh table %s: %w", t.log.path, err)
	}
	return t.Snapshot(), nil
}

func (t *Table) stale() bool {
	return time.Since(time.Unix(0, t.listed.Load())) > relist
}

// reload brings the snapshot up to date from a listing of the log.
func (t *Table) reload(ctx context.Context) error {
	at := time.Now()
	s, err := t.log.load(ctx, t.Snapshot())
	if err != nil {
		return err
	}
	t.listed.Store(at.UnixNano())
	t.publish(s)
	return nil
}

// advance brings the snapshot up to date by reading the versions after s.
func (t *Table) advance(ctx context.Context, s *Snapshot) error {
	commits, err := t.log.next(ctx, s.Version+1)
	if err != nil {
		return err
	}
	s, err = s.apply(commits)
	if err != nil {
		return err
	}
	t.publish(s)
	return nil
}

// publish makes s the newest snapshot unless there is a newer one.
func (t *Table) publish(s *Snapshot) {
	for {
		old := t.newest.Load()
		if old != nil && old.Version >= s.Version {
			return
		}
		if t.newest.CompareAndSwap(old, s) {
			return
		}
	}
}
