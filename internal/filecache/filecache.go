// Package filecache keeps local copies of an object store's immutable files, so that programs which
// read files can read what is on S3.
//
// # What it promises
//
// Acquire gives paths of whole files whose bytes are what the store had, and they stay until
// release, whatever is evicted, purged or found damaged meanwhile. A file is downloaded once however
// many ask for it at the same time. It never shows a file that is not complete: downloads go to a
// folder of their own and appear by rename. The name carries the CRC32C of the bytes as they came,
// which is compared with the file on its first use after a start, and by Check; what is damaged is
// downloaded again. The cache survives restarts and crashes without an index: Open reads the folder.
//
// All files together never have more than Config.MaxBytes, those that are being downloaded or in use
// included. When the files in use leave no room, Acquire waits in turn; when the files of one Acquire
// alone have more, it fails with ErrTooLarge. Files nobody uses go, the longest unused first. Nothing
// is downloaded that would leave less than Config.KeepFree of the disk: ErrDiskFull then, after
// everything unused has been let go. A failed download is an error of those that wanted the file.
//
// # What it does not
//
// It does not know when an object is deleted or overwritten: keys must never be used again for other
// bytes, and Purge takes out what must not stay. It does not sync: a file that a power cut tears does
// not have the checksum in its name.
//
// # Concurrency
//
// All methods may be called from many goroutines. One process has a folder at a time (ErrLocked). The
// folder itself is never replaced, since readers may be confined to it by its inode; they need only
// read below it. Tests use the real thing over memstore. docs/format/cache.md has the files on disk
// and every crash point.
package filecache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/lakegate/lakegate/internal/objstore"
)

// Errors to test for with errors.Is.
var (
	// ErrTooLarge says that files which are needed at once have more bytes than the cache may keep.
	ErrTooLarge = errors.New("more bytes are needed at once than the cache may keep")
	// ErrDiskFull says that a download would leave too little of the disk free.
	ErrDiskFull = errors.New("the cache's disk is full")
	// ErrLocked says that another process has the folder.
	ErrLocked = errors.New("cache folder is in use by another process")
	// ErrClosed says the cache was closed.
	ErrClosed = errors.New("file cache is closed")
	// ErrGone says that the store does not have an object any more.
	ErrGone = errors.New("file is not in the store any more")
)

// Config says where copies are kept and how many. Start from DefaultConfig.
type Config struct {
	Dir      string // made if it is not there
	MaxBytes int64  // of all files together
	KeepFree int64  // bytes of the disk that downloads leave free
	Parallel int    // requests to the store at once
	Chunk    int64  // bytes of one request
	InFlight int64  // bytes of requests at once: what downloads take of the memory
}

// DefaultConfig returns the configuration production uses, for a folder.
func DefaultConfig(dir string) Config {
	return Config{Dir: dir, MaxBytes: 10 << 30, KeepFree: 256 << 20, Parallel: 32, Chunk: 8 << 20, InFlight: 64 << 20}
}

// Validate reports every fault of the configuration at once.
func (c Config) Validate() error {
	var errs []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("file cache: "+format, args...))
		}
	}
	need(c.Dir != "", "no folder")
	need(c.MaxBytes >= 1, "max bytes %d: want 1 or more", c.MaxBytes)
	need(c.KeepFree >= 0, "keep free %d: want 0 or more", c.KeepFree)
	need(c.Parallel >= 1 && c.Parallel <= 256, "%d requests at once: want 1 to 256", c.Parallel)
	need(c.Chunk >= 1 && c.Chunk <= c.InFlight, "chunk of %d bytes: want 1 to the %d in flight", c.Chunk, c.InFlight)
	return errors.Join(errs...)
}

// Object is an object of the store and the size it is known to have.
type Object struct {
	Key  string
	Size int64
}

// Cache is the local copies. Make one with Open.
type Cache struct {
	cfg    Config
	store  objstore.Store
	logger *slog.Logger
	lock   *os.File
	free   func(dir string) (int64, error) // bytes left on the disk

	requests chan struct{}       // slots of requests to the store
	inFlight *semaphore.Weighted // bytes of them
	reads    chan struct{}       // slots of checksums being compared

	life context.Context // of downloads; ends with Close
	stop context.CancelFunc
	work sync.WaitGroup // downloads and comparisons

	mu     sync.Mutex
	index  // guarded by mu
	closed bool
	stats  counters
}

// Open opens the folder, making it if need be, and takes in the files that are there. What a crash
// left half is removed. ErrLocked when another process has the folder.
func Open(cfg Config, store objstore.Store, logger *slog.Logger) (_ *Cache, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	lock, err := openFolder(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("open file cache: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, unlock(lock))
		}
	}()
	c := &Cache{
		cfg: cfg, store: store, logger: logger, lock: lock, free: freeBytes,
		requests: make(chan struct{}, cfg.Parallel), inFlight: semaphore.NewWeighted(cfg.InFlight), reads: make(chan struct{}, 2),
		index: newIndex(),
	}
	c.life, c.stop = context.WithCancel(context.Background())
	found, err := scan(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("open file cache: %w", err)
	}
	for _, e := range found {
		c.adopt(e)
	}
	c.shrink(0)
	return c, nil
}

// adopt takes in a file that an earlier process left. They come by age, so that of two files of one
// key the newer stays.
func (c *Cache) adopt(e *entry) {
	if old := c.entries[e.key]; old != nil {
		c.doom(old)
	}
	c.used += e.size
	c.entries[e.key] = e
	c.rest(e)
}

// Close ends downloads and lets another process open the folder. Paths that are not released stay
// readable. It is safe twice.
func (c *Cache) Close() error {
	c.mu.Lock()
	closed := c.closed
	c.closed = true
	c.wake()
	c.mu.Unlock()
	if closed {
		return nil
	}
	c.stop()
	c.work.Wait()
	return unlock(c.lock)
}

// Acquire returns local paths of the objects, in their order, and release, which lets them go. What
// is not there is downloaded; Size must be the object's. When files that are in use leave no room it
// waits for them. ErrTooLarge, ErrDiskFull, ErrGone; the store's errors.
func (c *Cache) Acquire(ctx context.Context, objects []Object) (paths []string, release func(), err error) {
	held, err := c.admit(ctx, objects)
	if err != nil {
		return nil, nil, err
	}
	release = sync.OnceFunc(func() { c.letGo(held) })
	for _, e := range held {
		if err := e.wait(ctx); err != nil {
			release()
			return nil, nil, err
		}
	}
	paths = make([]string, len(objects))
	for i, o := range objects {
		paths[i] = held[o.Key].path
	}
	return paths, release, nil
}

// letGo releases entries and removes the files of those nobody needs.
func (c *Cache) letGo(held map[string]*entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range held {
		c.unpin(e)
		c.giveUp(e)
	}
}

// giveUp ends the download of a file that nobody waits for any more.
func (c *Cache) giveUp(e *entry) {
	if e.loading && e.path == "" && e.pins == 1 && !e.keep {
		e.cancel()
		c.doom(e)
	}
}
