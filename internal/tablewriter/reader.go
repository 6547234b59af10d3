package tablewriter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/disk"
	"github.com/lakegate/lakegate/internal/factlog"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/internal/wal"
)

// Reader reads a data folder that no gateway has open, and changes nothing in it: the tables, and
// the rows that are still in the log. A request that the log has as running is a row with the outcome
// Crashed, as the next Writer will make it.
type Reader struct {
	lake  *lake
	log   *stoppedLog
	found *wal.Recovery
	temp  string // folder of the hot files
	once  sync.Once
	close error
}

// OpenReader opens the folder for reading. ErrLocked when a gateway has it open: ask that one
// instead. Hot files go to the system's folder for temporary files, and so does the cache unless CacheDir
// is set. Close the Reader.
func OpenReader(ctx context.Context, cfg Config, feeds []Feed, logger *slog.Logger) (_ *Reader, err error) {
	if cfg.Dir == "" {
		return nil, errors.New("open lake for reading: no data folder")
	}
	if _, err := os.Stat(cfg.Dir); err != nil {
		return nil, fmt.Errorf("open lake for reading: %w", err)
	}
	log, found, err := openStoppedLog(cfg.fs(), cfg.logDir())
	if errors.Is(err, ErrLocked) {
		return nil, fmt.Errorf("a gateway is running on %s, ask it instead (--server): %w", cfg.Dir, err)
	}
	if err != nil {
		return nil, err
	}
	r := &Reader{log: log, found: found}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
		}
	}()
	if cfg.FileBytes == 0 {
		cfg.FileBytes = DefaultConfig(cfg.Dir).FileBytes
	}
	if r.temp, err = os.MkdirTemp("", "lakegate-hot-"); err != nil {
		return nil, fmt.Errorf("make folder for hot files: %w", err)
	}
	if cfg.CacheDir == "" {
		cfg.CacheDir = filepath.Join(r.temp, "cache")
	}
	if r.lake, err = openLake(cfg, log, feeds, logger); err != nil {
		return nil, err
	}
	r.lake.hot.dir = filepath.Join(r.temp, "hot")
	if r.lake.crashed, err = log.crashed(); err != nil {
		return nil, err
	}
	if err := r.lake.start(ctx, nil); err != nil {
		return nil, err
	}
	for _, t := range cfg.Tables {
		r.lake.table(t.Name).declare(t)
	}
	if err := r.lake.view.enter(ctx); err != nil {
		return nil, err
	}
	defer r.lake.view.leave()
	return r, r.lake.meet(ctx)
}

// HotDir is the folder that has the files of rows which are in the log only.
func (r *Reader) HotDir() string { return r.temp }

// Tables returns the tables there are, by name.
func (r *Reader) Tables() []*tableschema.Table { return r.lake.columns() }

// Dirs are the folders that have the files of Snapshots: programs that read them need no others.
func (r *Reader) Dirs() []string { return r.lake.dirs() }

// Snapshot returns the named tables with every row that is committed or in the log. ErrNoTable when
// there is no such table.
func (r *Reader) Snapshot(ctx context.Context, tables []string) (*Snapshot, error) {
	return r.lake.snapshot(ctx, tables)
}

// SnapshotOf is Snapshot of parts of tables, or of tables as they were: see Writer.SnapshotOf.
func (r *Reader) SnapshotOf(ctx context.Context, requests []SnapshotRequest) (*Snapshot, error) {
	return r.lake.snapshotOf(ctx, requests)
}

// History returns the last versions of a table, newest first; all that its log has for a limit of 0.
func (r *Reader) History(ctx context.Context, table string, limit int) ([]delta.Version, error) {
	return r.lake.history(ctx, table, limit)
}

// Detail returns how a table is stored. delta.ErrNotTable when nothing of it is in the store yet.
func (r *Reader) Detail(ctx context.Context, table string) (*Detail, error) {
	return r.lake.detail(ctx, table)
}

// Close lets gateways open the folder again, and removes the hot files. It is safe twice.
func (r *Reader) Close() error {
	r.once.Do(func() {
		r.close = r.log.Close()
		if r.lake != nil {
			r.close = errors.Join(r.close, r.lake.close())
		}
		if r.temp != "" {
			r.close = errors.Join(r.close, os.RemoveAll(r.temp))
		}
	})
	return r.close
}

// stoppedLog is a log that no process writes; maybe there is none at all.
type stoppedLog struct{ view *wal.View }

func openStoppedLog(fs disk.FS, dir string) (*stoppedLog, *wal.Recovery, error) {
	var dropped uint64
	if l, err := readLedger(fs, dir); err == nil { // a damaged one is Verify's to report
		dropped = l.Dropped
	}
	v, found, err := wal.OpenViewOn(fs, dir, dropped)
	if errors.Is(err, os.ErrNotExist) {
		return &stoppedLog{}, &wal.Recovery{}, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("open log: %w", err)
	}
	return &stoppedLog{v}, found, nil
}

func (l *stoppedLog) ID() string {
	if l.view == nil {
		return ""
	}
	return l.view.ID()
}

// End is behind every record, and behind the crashed requests that have none.
func (l *stoppedLog) End() wal.Pos { return wal.Pos{Segment: math.MaxUint64} }

func (l *stoppedLog) Segments() []wal.Segment {
	if l.view == nil {
		return nil
	}
	return l.view.Segments()
}

func (l *stoppedLog) Cursor() *wal.Cursor {
	if l.view == nil {
		return &wal.Cursor{}
	}
	return l.view.Cursor()
}

func (l *stoppedLog) Close() error {
	if l.view == nil {
		return nil
	}
	return l.view.Close()
}

// crashed returns the records that recovery would log for requests without an outcome.
func (l *stoppedLog) crashed() ([]*inference.Record, error) {
	open, err := openRequests(l, func(wal.Pos, wal.Pos) {})
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	c := l.Cursor()
	defer c.Close()
	records := make([]*inference.Record, len(open))
	for i, admit := range open {
		rec, err := crashedRecord(c, new(factlog.Decoder), admit)
		if err != nil {
			return nil, fmt.Errorf("read log: %w", err)
		}
		rec.Payload.Request = slices.Clone(rec.Payload.Request)
		records[i] = rec
	}
	return records, nil
}
