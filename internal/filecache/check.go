package filecache

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"slices"
)

// Check reads the files of the keys that are in the cache and returns the keys of those that do not
// have their checksum any more, or are gone: they are downloaded again when they are next acquired.
func (c *Cache) Check(ctx context.Context, keys []string) (damaged []string, err error) {
	for _, key := range slices.Compact(slices.Sorted(slices.Values(keys))) {
		e := c.heldIfLoaded(key)
		if e == nil {
			continue
		}
		err := c.compare(ctx, e)
		c.mu.Lock()
		if err != nil && ctx.Err() == nil {
			c.logger.Warn("a cached file is damaged and will be downloaded again", "key", key, "error", err)
			c.stats.damaged.Add(1)
			c.doom(e)
			damaged = append(damaged, key)
		}
		c.unpin(e)
		c.mu.Unlock()
		if ctx.Err() != nil {
			return damaged, fmt.Errorf("check cached files: %w", ctx.Err())
		}
	}
	return damaged, nil
}

// heldIfLoaded pins the entry of a key whose file is there.
func (c *Cache) heldIfLoaded(key string) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[key]
	if e == nil || e.loading || e.path == "" {
		return nil
	}
	c.pin(e)
	return e
}

// Purge removes every file whose key matches, and returns when they are gone from the disk: those in
// use are waited for, downloads of them ended. From its begin on nobody gets them any more but by a
// new download. An error says which are still there.
func (c *Cache) Purge(ctx context.Context, match func(key string) bool) error {
	c.mu.Lock()
	var going []*entry
	for key, e := range c.entries {
		if match(key) {
			going = append(going, e)
		}
	}
	for _, e := range going {
		if e.loading {
			e.cancel()
		}
		c.doom(e)
	}
	for e := range c.doomed {
		if match(e.key) && !slices.Contains(going, e) {
			going = append(going, e) // in use since before it was damaged or purged
		}
	}
	c.mu.Unlock()
	var errs []error
	for _, e := range going {
		select {
		case <-e.gone:
			if _, err := os.Lstat(e.path); e.path != "" && !errors.Is(err, os.ErrNotExist) {
				errs = append(errs, fmt.Errorf("purge %s: its file %s cannot be removed", e.key, e.path))
			}
		case <-ctx.Done():
			errs = append(errs, fmt.Errorf("purge %s: it is in use: %w", e.key, ctx.Err()))
		}
	}
	return errors.Join(errs...)
}

// Prefetch downloads objects in the background that are likely to be asked for. It is best effort: it
// takes at most a quarter of the cache, leaves room for what is in use, and its failures are counted
// only.
func (c *Cache) Prefetch(objects []Object) {
	c.mu.Lock()
	defer c.mu.Unlock()
	left := c.cfg.MaxBytes / 4
	for _, o := range objects {
		if o.Size < 0 || o.Size > left || !c.hasRoom(o) {
			continue
		}
		left -= o.Size
		e := &entry{key: o.Key, size: o.Size, keep: true}
		c.entries[o.Key] = e
		c.used += o.Size
		c.shrink(0)
		c.stats.prefetched.Add(1)
		c.begin(e)
	}
}

// hasRoom reports whether an object that is not there could be taken in now without making anybody
// wait.
func (c *Cache) hasRoom(o Object) bool {
	return !c.closed && c.entries[o.Key] == nil && len(c.queue) == 0 && c.pinned+o.Size <= c.cfg.MaxBytes/2
}

// Add puts an object whose bytes are at hand into the cache, if there is room. It does not keep data.
// What goes wrong is no error: the object can always be downloaded.
func (c *Cache) Add(key string, data []byte) {
	o := Object{key, int64(len(data))}
	c.mu.Lock()
	if !c.hasRoom(o) || o.Size > c.cfg.MaxBytes/16 {
		c.mu.Unlock()
		return
	}
	e := &entry{key: key, size: o.Size, keep: true, loading: true, cancel: func() {}, ready: make(chan struct{})}
	c.entries[key] = e
	c.used += o.Size
	c.pin(e)
	c.shrink(0)
	c.work.Add(1)
	c.mu.Unlock()
	defer c.work.Done()
	path, crc, err := c.write(key, data)
	if err != nil && !errors.Is(err, ErrDiskFull) {
		c.logger.Warn("a new file cannot be cached", "key", key, "error", err)
	}
	c.loaded(e, path, crc, err)
}

func (c *Cache) write(key string, data []byte) (path string, crc uint32, err error) {
	if err := c.makeRoom(int64(len(data))); err != nil {
		return "", 0, err
	}
	f, err := createTemp(c.cfg.Dir)
	if err != nil {
		return "", 0, err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		crc = crc32.Checksum(data, castagnoli)
		path, err = publish(c.cfg.Dir, f.Name(), key, crc)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return path, crc, err
}
