package filecache

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/lakegate/lakegate/internal/objstore"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// begin starts what an entry that is pinned needs before its file can be used: the download, or the
// comparison of its checksum. It is called with the lock.
func (c *Cache) begin(e *entry) {
	if e.loading || e.verified {
		return
	}
	var ctx context.Context
	ctx, e.cancel = context.WithCancel(c.life)
	e.ready = make(chan struct{})
	e.loading = true
	c.pin(e)
	compare := e.path != ""
	c.work.Go(func() {
		defer e.cancel()
		c.load(ctx, e, compare)
	})
}

// load brings an entry's file and lets who waits for it know.
func (c *Cache) load(ctx context.Context, e *entry, compare bool) {
	if compare {
		err := c.compare(ctx, e)
		if err == nil || ctx.Err() != nil {
			c.compared(e, err)
			return
		}
		c.logger.Warn("a cached file is damaged and downloaded again", "key", e.key, "error", err)
		c.dropFile(e)
	}
	path, crc, err := c.fetch(ctx, e.key, e.size)
	c.loaded(e, path, crc, err)
}

// compared ends the loading of an entry whose file is as it was downloaded, or could not be read to
// the end before the cache was closed.
func (c *Cache) compared(e *entry, err error) {
	now := time.Now()
	_ = os.Chtimes(e.path, now, now) // the order of use outlives the process roughly
	c.mu.Lock()
	defer c.mu.Unlock()
	e.err = err
	c.ended(e)
}

// loaded ends the loading of an entry whose file was downloaded, or could not be.
func (c *Cache) loaded(e *entry, path string, crc uint32, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.path, e.crc, e.err = path, crc, err
	if err != nil {
		c.stats.failures.Add(1)
		c.doom(e)
	}
	c.ended(e)
}

func (c *Cache) ended(e *entry) {
	e.loading, e.verified = false, e.err == nil
	close(e.ready)
	c.unpin(e)
}

// dropFile removes the damaged file of an entry that is being compared: nobody got it in this process.
func (c *Cache) dropFile(e *entry) {
	c.stats.damaged.Add(1)
	_ = os.Remove(e.path)
	c.mu.Lock()
	defer c.mu.Unlock()
	e.path = ""
	c.giveUp(e)
}

// fetch downloads an object and returns the path of its file. When the disk is full it lets go of
// what nobody uses and tries once more.
func (c *Cache) fetch(ctx context.Context, key string, size int64) (path string, crc uint32, err error) {
	if err := c.makeRoom(size); err != nil {
		return "", 0, fmt.Errorf("download %s: %w", key, err)
	}
	path, crc, err = c.download(ctx, key, size)
	if isFull(err) {
		c.evictAll()
		path, crc, err = c.download(ctx, key, size)
	}
	switch {
	case isFull(err):
		err = fmt.Errorf("download %s: %w: %w", key, ErrDiskFull, err)
	case errors.Is(err, objstore.ErrNotFound):
		err = fmt.Errorf("download %s: %w (a vacuum took it, or another program): %w", key, ErrGone, err)
	case err != nil:
		err = fmt.Errorf("download %s: %w", key, err)
	}
	return path, crc, err
}

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// makeRoom lets files go until a download leaves enough of the disk free.
func (c *Cache) makeRoom(size int64) error {
	for {
		free, err := c.free(c.cfg.Dir)
		if err != nil || free-size >= c.cfg.KeepFree {
			return nil // an error: the download finds out
		}
		c.mu.Lock()
		more := c.evict()
		c.mu.Unlock()
		if !more {
			return fmt.Errorf("%w: %d bytes are free, %d are needed and %d must stay free", ErrDiskFull, free, size, c.cfg.KeepFree)
		}
	}
}

func (c *Cache) evictAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.evict() {
	}
}

// download writes an object to a temporary file, a few chunks at a time, and moves it to its place.
func (c *Cache) download(ctx context.Context, key string, size int64) (path string, crc uint32, err error) {
	f, err := createTemp(c.cfg.Dir)
	if err != nil {
		return "", 0, err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	crc, err = c.copy(ctx, f, key, size)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", 0, err
	}
	if err := ctx.Err(); err != nil {
		return "", 0, err
	}
	path, err = publish(c.cfg.Dir, f.Name(), key, crc)
	return path, crc, err
}

// copy writes the object to f and returns its checksum. Chunks are fetched side by side, as far as
// there are slots, and checksummed in order.
func (c *Cache) copy(ctx context.Context, f *os.File, key string, size int64) (uint32, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	defer all.Wait()
	crc, etag := uint32(0), ""
	before := make(chan struct{}) // closed when the chunk before is done
	close(before)
	for offset := int64(0); offset < size; offset += c.cfg.Chunk {
		length := min(c.cfg.Chunk, size-offset)
		if !c.enter(ctx, length) {
			return 0, context.Cause(ctx)
		}
		mine, done := before, make(chan struct{})
		before = done
		all.Go(func() {
			defer close(done)
			defer c.exit(length)
			data, info, err := c.chunk(ctx, f, key, offset, length)
			<-mine
			switch {
			case err != nil:
			case info.Size != size:
				err = fmt.Errorf("the object has %d bytes and the table's log says %d", info.Size, size)
			case etag != "" && info.ETag != etag:
				err = errors.New("the object was overwritten while it was read")
			}
			if err != nil {
				cancel(err)
				return
			}
			etag = info.ETag
			crc = crc32.Update(crc, castagnoli, data)
		})
	}
	<-before
	if err := context.Cause(ctx); err != nil {
		return 0, err
	}
	return crc, nil
}

// enter takes a slot for a request of so many bytes; false when ctx ended first. Whoever has one needs no
// other to go on, but those of the same file before it, which have theirs.
func (c *Cache) enter(ctx context.Context, length int64) bool {
	select {
	case c.requests <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	if c.inFlight.Acquire(ctx, length) != nil {
		<-c.requests
		return false
	}
	return true
}

func (c *Cache) exit(length int64) {
	c.inFlight.Release(length)
	<-c.requests
}

func (c *Cache) chunk(ctx context.Context, f *os.File, key string, offset, length int64) ([]byte, objstore.Info, error) {
	data, info, err := c.store.GetRange(ctx, key, offset, length)
	if err != nil {
		return nil, info, err
	}
	c.stats.downloaded.Add(int64(len(data)))
	if int64(len(data)) != length && info.Size >= offset+length {
		return nil, info, fmt.Errorf("got %d bytes of %d from %d on", len(data), length, offset)
	}
	_, err = f.WriteAt(data, offset)
	return data, info, err
}

// compare reads an entry's file and compares it with its checksum and size.
func (c *Cache) compare(ctx context.Context, e *entry) error {
	select {
	case c.reads <- struct{}{}:
		defer func() { <-c.reads }()
	case <-ctx.Done():
		return ctx.Err()
	}
	crc, size, err := checksum(ctx, e.path)
	switch {
	case err != nil:
		return err
	case size != e.size:
		return fmt.Errorf("it has %d bytes and should have %d", size, e.size)
	case crc != e.crc:
		return fmt.Errorf("its checksum is %08x and should be %08x", crc, e.crc)
	}
	return nil
}
