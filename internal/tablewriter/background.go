package tablewriter

import (
	"cmp"
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/lakegate/lakegate/internal/filecache"
	"github.com/lakegate/lakegate/internal/objstore"
)

// background is goroutines that look at the store for a lake. They end with end.
type background struct {
	life context.Context
	stop context.CancelFunc
	mu   *sync.Mutex
	work *sync.WaitGroup
}

func newBackground() background {
	b := background{mu: new(sync.Mutex), work: new(sync.WaitGroup)}
	b.life, b.stop = context.WithCancel(context.Background())
	return b
}

// goOn runs f, unless end was called.
func (b *background) goOn(f func(context.Context)) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.life.Err() != nil {
		return false
	}
	b.work.Go(func() { f(b.life) })
	return true
}

// end stops what runs and waits for it. It is safe twice.
func (b *background) end() {
	b.mu.Lock()
	b.stop()
	b.mu.Unlock()
	b.work.Wait()
}

// searchInterval is how long a table that another gateway made may stay unseen in a listing. One that
// is asked for by name is looked for at once.
const searchInterval = 30 * time.Second

// search is when the store was last searched for tables.
type search struct {
	mu    sync.Mutex
	began time.Time
}

// searchSoon looks for tables that others made, in the background and not too often.
func (l *lake) searchSoon() {
	l.searched.mu.Lock()
	defer l.searched.mu.Unlock()
	if time.Since(l.searched.began) < searchInterval {
		return
	}
	l.searched.began = time.Now()
	l.goOn(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, lookTimeout)
		defer cancel()
		paths, err := l.discover(ctx)
		if err != nil && ctx.Err() == nil {
			l.logger.Warn("tables of other gateways cannot be listed now", "error", err)
		}
		l.findNew(ctx, paths)
	})
}

// findNew registers the tables of the store that are not registered or not opened yet.
func (l *lake) findNew(ctx context.Context, paths []string) {
	for _, path := range paths {
		if t := l.lookup(nameOf(path)); t != nil && t.reader.Load() != nil {
			continue
		}
		if err := l.find(ctx, path); err != nil && ctx.Err() == nil {
			l.logger.Warn("table cannot be opened", "table", path, "error", err)
		}
	}
}

// dirs are the folders that have the files of snapshots.
func (l *lake) dirs() []string {
	if l.local != nil {
		return []string{filepath.Dir(l.local.LocalPath("x")), l.hot.dir}
	}
	return []string{l.cacheDir, l.hot.dir}
}

func openCache(cfg Config, store objstore.Store, logger *slog.Logger) (*filecache.Cache, error) {
	c := filecache.DefaultConfig(cfg.cacheDir())
	c.MaxBytes = cmp.Or(cfg.CacheBytes, c.MaxBytes)
	return filecache.Open(c, store, logger)
}

func (c Config) cacheDir() string { return cmp.Or(c.CacheDir, filepath.Join(c.Dir, "cache")) }
