// Package tablewriter turns the facts of requests into rows of Delta tables, exactly once.
//
// # What it promises
//
// A request is admitted (Admit) and later finished (Finish), or recorded in one step (Record).
// When one of them returns nil, the fact is in the write-ahead log and survives kill -9; with
// strict it is on disk and survives a power cut. From there on it becomes exactly one row in each
// table that a Feed names for it: across restarts, crashes at any moment, retries, lost answers of
// the store and several flushes at once. An admitted request that was never finished becomes a row
// with the outcome Crashed when the folder is opened again. What cannot be made a row is counted,
// with its id, in the ledger that Verify compares with the tables. docs/format/ledger.md has the
// files and every crash point.
//
// Snapshot hands out the tables as files: what is committed, and local files of the rows that are
// not yet. It has every row whose Finish or Record returned before Snapshot was called, each once, and
// those of other Writers that were committed a second ago or longer. SnapshotOf hands out parts of
// tables, and tables as they were. When the store's objects are no files of this machine, the committed
// files are copies that package filecache keeps. A store that is slow or away holds up neither other
// Snapshots nor landing: the versions that are known are used, and Stats says since when.
//
// # How
//
// The log is the only buffer. A row is built from the log when it is needed, by Snapshot or when
// its segment is landed, so a request costs two appends and nothing waits for it in memory. A
// sealed segment is landed: its rows become Parquet files and one commit per table that carries
// txn{log id, segment}. A table never takes a segment that its own log says it has, and that is the
// whole of exactly-once. A segment is deleted, oldest first, when every table has its rows, the
// ledger has counted them, and no open or unlanded request has its body there.
//
// # What it does not
//
// It does not compact, vacuum or change rows. It does not decide what a row looks like: Feeds do.
// A fact that was never acknowledged may still become a row (the process died between writing it
// and saying so).
//
// # Concurrency
//
// All methods of Writer and Reader may be called from many goroutines. A Writer locks its folder;
// several Writers with folders of their own may share one Store. Feeds are called from one
// goroutine at a time. The fakes are memstore for the store and a Feed of the test's own.
package tablewriter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/disk"
	"github.com/lakegate/lakegate/internal/filecache"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/internal/wal"
)

// Errors to test for with errors.Is.
var (
	// ErrLocked says a gateway has the folder open: ask it instead.
	ErrLocked = wal.ErrLocked
	// ErrClosed says the Writer was closed.
	ErrClosed = errors.New("table writer is closed")
	// ErrBacklog says too much of the log waits for the store. Admit refuses until it has shrunk.
	ErrBacklog = errors.New("too many rows wait for the table store")
	// ErrParked says the log took no more (a full disk): the fact is kept in memory and logged when
	// there is room. A crash before that loses it, or makes an admitted request a crashed one.
	ErrParked = errors.New("record is kept in memory until the log has room")
	// ErrTicketUsed says Finish was called twice for one ticket. Nothing was recorded.
	ErrTicketUsed = errors.New("ticket was used already")
	// ErrUnseen says the store has not answered since this process started: what is committed is not
	// known, and the rows in the log alone would pass for all there are.
	ErrUnseen = errors.New("the store of the tables has not been reached yet")
	// ErrNoTable says there is no table of that name.
	ErrNoTable = errors.New("no such table")
)

// Config says where a Writer keeps its data and when it lands rows. Start from DefaultConfig.
type Config struct {
	Dir     string               // data folder: log and hot files are below it
	Store   objstore.Store       // objects of the lake. Nil: the folder Dir/lake
	Tables  []*tableschema.Table // tables that exist from the start, rows or not
	Version string               // lakegate's version, for the tables' commits

	// CacheDir is where copies of data files are kept when Store's objects are no files of this
	// machine, CacheBytes how many bytes they may have. Defaults: Dir/cache and DefaultConfig's.
	CacheDir   string
	CacheBytes int64

	FlushInterval   time.Duration // longest time a row waits for its commit, when the store works
	SegmentBytes    int64         // a log segment of this size is landed at once
	FileBytes       int64         // about how many bytes of facts go into one data file
	MaxBacklogBytes int64         // Admit refuses while more of the log than this is not landed
	StoreTimeout    time.Duration // a call of the store that takes longer is given up and tried again later
	ReserveBytes    int64         // disk kept back so that admitted requests can be finished on a full disk
	SyncInterval    time.Duration // a relaxed record is on disk after this long
	SyncBytes       int64         // and earlier when so many bytes wait for the disk; 0 for no bound

	// WhenFull says what happens to requests when the log has no room, by the table their payload goes
	// to, "" for none. It is called on the requests' path. Nil: Block for all.
	WhenFull func(table string) Policy

	// FS is where the log's folder is. Nil: the machine's file system.
	FS disk.FS
	// FailPoint, when set, is called at the named points of the way of a row. Nil in production.
	FailPoint func(point string)
}

// DefaultConfig returns the configuration production uses, for a data folder.
func DefaultConfig(dir string) Config {
	return Config{
		Dir: dir, FlushInterval: 10 * time.Second, SegmentBytes: 64 << 20, FileBytes: 32 << 20,
		MaxBacklogBytes: 4 << 30, StoreTimeout: time.Minute, ReserveBytes: 16 << 20, SyncInterval: wal.DefaultConfig().SyncInterval,
		CacheBytes: filecache.DefaultConfig("").MaxBytes,
		SyncBytes:  wal.DefaultConfig().SyncBytes,
	}
}

// Validate reports every fault of the configuration at once.
func (c Config) Validate() error {
	var errs []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("table writer: "+format, args...))
		}
	}
	need(c.Dir != "", "no data folder")
	need(c.FlushInterval >= 10*time.Millisecond, "flush interval %v: want 10ms or more", c.FlushInterval)
	need(c.SegmentBytes >= 4096, "segment bytes %d: want 4096 or more", c.SegmentBytes)
	need(c.FileBytes >= 4096, "file bytes %d: want 4096 or more", c.FileBytes)
	need(c.MaxBacklogBytes >= c.SegmentBytes, "backlog of %d bytes: want at least a segment's %d", c.MaxBacklogBytes, c.SegmentBytes)
	need(c.StoreTimeout > 0, "store timeout %v: want more than 0", c.StoreTimeout)
	need(c.CacheBytes >= 0, "cache of %d bytes: want 0 (the default) or more", c.CacheBytes)
	need(c.ReserveBytes >= 0, "reserve of %d bytes: want 0 or more", c.ReserveBytes)
	for _, t := range c.Tables {
		if err := t.Validate(); err != nil {
			errs = append(errs, err)
		}
	}
	if err := c.walConfig(&ledger{}).Validate(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (c Config) logDir() string { return filepath.Join(c.Dir, "log") }

func (c Config) fs() disk.FS {
	if c.FS == nil {
		return disk.OS
	}
	return c.FS
}

func (c Config) walConfig(l *ledger) wal.Config {
	return wal.Config{
		SyncInterval: c.SyncInterval, SyncBytes: c.SyncBytes, FS: c.FS, Hook: c.FailPoint,
		After: max(l.Through, l.Dropped), Dropped: l.Dropped,
	}
}

func (c Config) failPoint(point string) {
	if c.FailPoint != nil {
		c.FailPoint(point)
	}
}

// Writer is the lake's writer.
type Writer struct {
	cfg     Config
	logger  *slog.Logger
	log     journal
	lake    *lake
	pins    *pins
	reserve *reserve

	closed   atomic.Bool
	schedule *schedule
	stop     context.CancelFunc
	loop     sync.WaitGroup // the landing goroutine; ends when stop is called

	parked  parked
	purging atomic.Int32 // calls of Purge
	dropped dropped
	stats   counters

	// Of the landing goroutine alone; Open uses them before it starts.
	ledger  *ledger
	tallies map[uint64]tally // of segments that were read and are not in the ledger yet
	asked   bool             // somebody waits for the cycle that runs
	started time.Time        // of that cycle
	pace    pacer
	blocks  blocks                         // of its rows while they are built
	sizes   map[tableschema.Name]batchSize // of the batches built last
}

// journal is what a Writer needs of its log, which is a *wal.Log.
type journal interface {
	logSource
	Append(kind byte, parts ...[]byte) (wal.Pos, error)
	Sync(wal.Pos) error
	Rotate() (wal.Segment, error)
	Drop(segment uint64) error
	Err() error
	Close() error
}

// Open opens the data folder, making what is missing, and lands what an earlier process left behind
// there. The rows of a store that cannot be reached now are landed later: that is no error, Stats
// tells. ErrLocked when another process has the folder; a *wal.DamageError when the log is damaged.
// ctx bounds Open only, and its deadline how long a store may take that does not answer.
func Open(ctx context.Context, cfg Config, feeds []Feed, logger *slog.Logger) (_ *Writer, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	ledger, err := readLedger(cfg.fs(), cfg.logDir())
	if err != nil {
		return nil, err
	}
	log, found, err := wal.Open(cfg.logDir(), cfg.walConfig(ledger))
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, log.Close())
		}
	}()
	lake, err := openLake(cfg, log, feeds, logger)
	if err != nil {
		return nil, err
	}
	w := &Writer{
		cfg: cfg, logger: logger, log: log, lake: lake, ledger: ledger, tallies: map[uint64]tally{}, sizes: map[tableschema.Name]batchSize{},
		pins: newPins(log.End().Segment), reserve: newReserve(cfg.fs(), cfg.logDir(), cfg.ReserveBytes),
		schedule: newSchedule(cfg.FlushInterval),
	}
	w.pace.rest = w.rest
	w.schedule.land, w.schedule.failed = w.cycle, w.landingPostponed
	w.reserve.fill()
	defer func() {
		if err != nil {
			err = errors.Join(err, lake.close())
		}
	}()
	if err := w.recover(found); err != nil {
		return nil, err
	}
	if err := lake.start(ctx, cfg.Tables); err != nil {
		return nil, err
	}
	w.catchUp(ctx)
	background, stop := context.WithCancel(context.Background())
	w.stop = stop
	w.loop.Go(func() { w.schedule.run(background) })
	return w, nil
}

// bounded returns a context for one call of the store.
func (w *Writer) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, w.cfg.StoreTimeout)
}

func (w *Writer) landingPostponed(err error, failures int) {
	w.logger.Warn("rows could not be landed; they stay in the log and are tried again", "error", err, "failures", failures)
}

// catchUp lands what recovery found, as far as the store lets it.
func (w *Writer) catchUp(ctx context.Context) {
	if err := w.cycle(ctx, true); err != nil {
		w.logger.Warn("rows of an earlier run are not landed yet", "error", err)
	}
}

// Tables returns the tables there are, by name.
func (w *Writer) Tables() []*tableschema.Table { return w.lake.columns() }

// Dirs are the folders that have the files of Snapshots: programs that read them need no others.
func (w *Writer) Dirs() []string { return w.lake.dirs() }

// Declare makes a table known, and creates it when it is not there, so that it can be queried
// before it has rows. An error says that it could not be created now; its first row tries again.
func (w *Writer) Declare(ctx context.Context, t *tableschema.Table) error {
	if err := t.Validate(); err != nil {
		return err
	}
	return w.lake.declare(ctx, t)
}

// Snapshot returns the named tables as they are at one instant. It has every row whose Finish or
// Record returned before Snapshot was called, each once; files stay until Release. ErrNoTable when
// there is no such table.
func (w *Writer) Snapshot(ctx context.Context, tables []string) (*Snapshot, error) {
	return w.lake.snapshot(ctx, tables)
}

// SnapshotOf is Snapshot of parts of tables: files in which no row can match a request's filter are
// left out, and are not downloaded. A request for a version or a time gets the table as it was.
// delta.ErrVersionGone; ErrTooLarge and ErrDiskFull of package filecache when the files find no room
// on this machine; ErrGone of it when a vacuum took files that an old version needs.
//
// It takes the newest versions that the store tells of within a second. Of a store that does not
// answer it takes the last known ones; Stats says since when. A slow store holds up neither other
// Snapshots nor landing.
func (w *Writer) SnapshotOf(ctx context.Context, requests []SnapshotRequest) (*Snapshot, error) {
	return w.lake.snapshotOf(ctx, requests)
}

// History returns the last versions of a table, newest first; all that its log has for a limit of 0.
func (w *Writer) History(ctx context.Context, table string, limit int) ([]delta.Version, error) {
	return w.lake.history(ctx, table, limit)
}

// Detail returns how a table is stored. delta.ErrNotTable when nothing of it is in the store yet.
func (w *Writer) Detail(ctx context.Context, table string) (*Detail, error) {
	return w.lake.detail(ctx, table)
}

// PurgeCache removes the local copies of data files whose keys match, and returns when they are gone
// from the disk: queries that hold one are waited for.
func (w *Writer) PurgeCache(ctx context.Context, match func(key string) bool) error {
	if w.lake.cache == nil {
		return nil
	}
	return w.lake.cache.Purge(ctx, match)
}

// CacheStats is what the cache of data files has and did; false when there is none.
func (w *Writer) CacheStats() (filecache.Stats, bool) {
	if w.lake.cache == nil {
		return filecache.Stats{}, false
	}
	return w.lake.cache.Stats(), true
}

// Flush lands every fact that was recorded before it was called. An error says that some are still
// only in the log; they are tried again in the background.
func (w *Writer) Flush(ctx context.Context) error {
	return w.schedule.now(ctx)
}

// Close refuses new requests, lands what is in the log as far as ctx allows and the store lets it,
// and closes the folder. What could not be landed stays in the log for the next Open; the error says
// so. Requests that were admitted and not finished become crashed ones at the next Open. It is safe
// twice; Snapshots that are not released stay valid but their hot files may be gone.
func (w *Writer) Close(ctx context.Context) error {
	if w.closed.Swap(true) {
		return nil
	}
	w.stop()
	w.loop.Wait()
	err := w.cycle(ctx, true)
	if err != nil {
		err = fmt.Errorf("rows stay in the log until the next start: %w", err)
	}
	if n := w.parked.discard(); n > 0 {
		w.stats.losses.Add(int64(n))
		err = errors.Join(err, fmt.Errorf("%d records never got room in the log and are lost", n))
	}
	return errors.Join(err, w.lake.close(), w.log.Close())
}

// Ready is nil while requests can be admitted; otherwise it says why not. It does not depend on the
// store being up, only on the log having room for what waits for it.
func (w *Writer) Ready() error {
	switch {
	case w.closed.Load():
		return ErrClosed
	case w.log.Err() != nil:
		return w.log.Err()
	case w.policy("") == Drop:
		return nil // requests go on without room
	case w.parked.any():
		return fmt.Errorf("%w: %w", ErrParked, wal.ErrFull)
	case w.stats.backlogged(w.cfg.MaxBacklogBytes):
		return ErrBacklog
	}
	return nil
}
