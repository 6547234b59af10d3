package tablewriter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lakegate/lakegate/internal/delta"
	"github.com/lakegate/lakegate/internal/filecache"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/objstore"
	"github.com/lakegate/lakegate/internal/objstore/fsstore"
	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/internal/wal"
)

// lake is what Writer and Reader have in common: the tables, the log their newest rows are in, and
// the hot files made of those.
type lake struct {
	store    objstore.Store
	local    objstore.Local // nil when the store's objects are not files
	log      logSource
	feeds    feeds
	logger   *slog.Logger
	memory   memory.Allocator
	cache    *filecache.Cache // nil when the store's objects are files already
	cacheDir string
	options  delta.Options
	batch    int64 // bytes of facts in one file

	refresh  time.Duration // refreshInterval and patience, but in tests
	patience time.Duration
	searched search // for tables that others made
	background

	// crashed are rows that recovery would write: requests that were admitted and never finished.
	// Only a Reader has any.
	crashed []*inference.Record

	mu     sync.Mutex
	tables map[string]*table // by full name

	// view guards what a Snapshot is made of: each table's installed version and hot rows. Whoever
	// holds it sees all tables at one instant.
	view gate
	hot  hotFiles
	met  wal.Pos // the tables of rows in front of it are registered
}

// gate is a lock that can be waited for with a context.
type gate chan struct{}

func (g gate) enter(ctx context.Context) error {
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g gate) leave() { <-g }

// openLake prepares the lake of a configuration over a log. It asks no store, but makes the folder of
// the default one and of the cache. Close it.
func openLake(cfg Config, log logSource, list []Feed, logger *slog.Logger) (*lake, error) {
	dir, err := filepath.Abs(cfg.Dir) // other processes open the files that snapshots name
	if err != nil {
		return nil, fmt.Errorf("open lake: %w", err)
	}
	cfg.Dir = dir
	store := cfg.Store
	if store == nil {
		fs, err := fsstore.Open(filepath.Join(cfg.Dir, "lake"))
		if err != nil {
			return nil, fmt.Errorf("open lake: %w", err)
		}
		store = fs
	}
	local, _ := store.(objstore.Local)
	var cache *filecache.Cache
	if local == nil {
		if cache, err = openCache(cfg, store, logger); err != nil {
			return nil, fmt.Errorf("open lake: %w", err)
		}
	}
	return &lake{
		cache: cache, cacheDir: cfg.cacheDir(), background: newBackground(), patience: patience,
		store: store, local: local, log: log, feeds: feeds{list: list}, logger: logger,
		memory: memory.DefaultAllocator, options: delta.Options{Version: cfg.Version, Logger: logger},
		batch: cfg.FileBytes, refresh: refreshInterval,
		tables: map[string]*table{}, view: make(gate, 1), hot: hotFiles{dir: filepath.Join(cfg.Dir, "hot"), logger: logger},
	}, nil
}

// start finds the tables of the store and declares the given ones. A store that cannot be reached,
// or not before ctx's deadline, is logged: its tables are found when they get rows.
func (l *lake) start(ctx context.Context, declared []*tableschema.Table) error {
	if err := l.hot.wipe(); err != nil {
		return err
	}
	if l.cache != nil {
		l.goOn(func(ctx context.Context) { l.keepWarm(ctx, warmInterval) })
	}
	paths, err := l.discover(ctx)
	if err != nil {
		l.logger.Warn("tables cannot be listed now", "error", err)
	}
	for _, path := range paths {
		if err := l.find(ctx, path); err != nil {
			l.logger.Warn("table cannot be opened", "table", path, "error", err)
		}
	}
	for _, t := range declared {
		if err := l.declare(ctx, t); err != nil {
			l.logger.Warn("table cannot be made now", "table", t.Name.String(), "error", err)
		}
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil
	}
	return ctx.Err()
}

// discover returns the paths of the store's tables: catalog/schema/table with a _delta_log folder.
// It jumps from table to table instead of listing their files.
func (l *lake) discover(ctx context.Context) (paths []string, err error) {
	const behind = "/~" // sorts behind every key of a folder
	after := ""
	for {
		key, err := l.firstKey(ctx, "", after)
		if err != nil || key == "" {
			return paths, err
		}
		parts := strings.Split(key, "/")
		if len(parts) < 4 || strings.HasPrefix(parts[0], "_") {
			after = parts[0] + behind
			if len(parts) > 1 && len(parts) < 4 && !strings.HasPrefix(parts[0], "_") {
				after = key // a stray file beside the tables
			}
			if len(parts) == 1 {
				after = key
			}
			continue
		}
		path := strings.Join(parts[:3], "/")
		first, err := l.firstKey(ctx, path+"/_delta_log/", "")
		if err != nil {
			return paths, err
		}
		if first != "" {
			paths = append(paths, path)
		}
		after = path + behind
	}
}

// firstKey returns the first key with a prefix behind another key, "" when there is none.
func (l *lake) firstKey(ctx context.Context, prefix, after string) (string, error) {
	for info, err := range l.store.List(ctx, prefix, after) {
		return info.Key, err
	}
	return "", nil
}

// nameOf returns the name of the table in a folder of the store.
func nameOf(path string) string { return strings.ReplaceAll(path, "/", ".") }

// find registers a table of the store.
func (l *lake) find(ctx context.Context, path string) error {
	name, err := tableschema.ParseName(nameOf(path))
	if err != nil {
		return nil // not one of ours: its name cannot be said in SQL
	}
	began := time.Now()
	d, err := delta.Open(ctx, l.store, path)
	if err != nil {
		return err
	}
	t := l.table(name)
	t.fresh.committed(began)
	if err := l.view.enter(ctx); err != nil {
		return err
	}
	defer l.view.leave()
	l.install(t, d, d.Snapshot())
	return nil
}

// table returns the registered table of a name, registering it when it is new.
func (l *lake) table(name tableschema.Name) *table {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.tables[name.String()]
	if t == nil {
		t = &table{name: name}
		l.tables[name.String()] = t
	}
	return t
}

// lookup returns the registered table of a name, or nil.
func (l *lake) lookup(name string) *table {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tables[name]
}

// all returns the registered tables by name.
func (l *lake) all() []*table {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.SortedFunc(maps.Values(l.tables), func(a, b *table) int {
		return cmp.Compare(a.name.String(), b.name.String())
	})
}

// meet registers the tables that only the log has rows of. The caller holds the view.
func (l *lake) meet(ctx context.Context) error {
	met := map[*tableschema.Table]bool{}
	take := func(f inference.Fact) {
		for _, feed := range l.feeds.list {
			if t := l.feeds.table(feed, f); t != nil && !met[t] {
				met[t] = true
				l.table(t.Name).declare(t)
			}
		}
	}
	r := newFactReader(l.log)
	defer r.close()
	end := l.log.End()
	for f, err := range r.rows(l.met, end) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("look for tables in the log: %w", err)
		}
		take(f.Fact)
	}
	for _, rec := range l.crashed {
		take(inference.Fact{Record: rec})
	}
	l.met = end
	return nil
}

// columns returns what is known of the tables' columns.
func (l *lake) columns() []*tableschema.Table {
	l.searchSoon()
	var list []*tableschema.Table
	for _, t := range l.all() {
		if s := t.columns(); s != nil {
			list = append(list, s)
		}
	}
	return list
}

// declare registers a table with its columns and makes it in the store if it is not there, or lacks
// a column.
func (l *lake) declare(ctx context.Context, schema *tableschema.Table) error {
	t := l.table(schema.Name)
	t.declare(schema)
	_, err := l.writable(ctx, t, schema)
	return err
}

// writable returns the table opened for writing rows with the given columns.
func (l *lake) writable(ctx context.Context, t *table, schema *tableschema.Table) (*delta.Table, error) {
	t.opening.Lock()
	defer t.opening.Unlock()
	if t.writer != nil && t.writerSchema == schema {
		return t.writer, nil
	}
	t.declare(schema)
	began := time.Now()
	d, err := delta.OpenOrCreate(ctx, l.store, schema, l.options)
	if err != nil {
		return nil, err
	}
	t.fresh.committed(began)
	if err := l.view.enter(ctx); err != nil {
		return nil, err
	}
	defer l.view.leave()
	t.writer, t.writerSchema = d, schema
	l.install(t, d, d.Snapshot())
	return d, nil
}

// close ends what runs in the background, releases the hot files that no Snapshot holds and closes
// the cache.
func (l *lake) close() error {
	l.background.end()
	l.view <- struct{}{}
	for _, t := range l.all() {
		t.dropHot(0)
	}
	l.view.leave()
	for _, t := range l.all() {
		t.closeWriter()
	}
	if l.cache == nil {
		return nil
	}
	return l.cache.Close()
}
