package filecache

import (
	"container/list"
	"context"
	"fmt"
	"os"
	"slices"
)

// index is what the cache has, in memory. Every byte of used is of an entry that is pinned or idle.
type index struct {
	entries map[string]*entry // by key
	idle    *list.List        // entries without pins, the longest unused first
	used    int64             // bytes of all entries
	pinned  int64             // bytes of entries with pins
	doomed  map[*entry]bool   // entries with pins that are not in entries any more
	queue   []chan struct{}   // Acquires that wait for room, in turn; the first is woken
}

func newIndex() index {
	return index{entries: map[string]*entry{}, doomed: map[*entry]bool{}, idle: list.New()}
}

// entry is one file, there or on its way. Fields are guarded by Cache.mu; path, crc and err may be
// read without it when ready is closed.
type entry struct {
	key  string
	size int64
	path string // of the file; "" while there is none
	crc  uint32 // of the file

	pins     int  // holders: callers, and the download or comparison that runs
	loading  bool // such a one runs
	keep     bool // download it even if nobody waits
	verified bool // the file had its checksum in this process
	doomed   bool // not in entries any more; the file goes with the last pin
	resting  *list.Element

	cancel context.CancelFunc // of the download
	ready  chan struct{}      // closed when loading has ended
	err    error              // of the download
	gone   chan struct{}      // closed when a doomed entry's file is removed
}

// wait returns when the file is there.
func (e *entry) wait(ctx context.Context) error {
	select {
	case <-e.ready:
		return e.err
	case <-ctx.Done():
		return fmt.Errorf("wait for file %s: %w", e.key, ctx.Err())
	}
}

// admit pins entries for all objects at once, waiting for room if need be: an Acquire holds nothing
// while it waits, so they cannot wait for each other.
func (c *Cache) admit(ctx context.Context, objects []Object) (map[string]*entry, error) {
	sizes := make(map[string]int64, len(objects))
	total := int64(0)
	for _, o := range objects {
		if o.Size < 0 {
			return nil, fmt.Errorf("file %s: a size of %d bytes", o.Key, o.Size)
		}
		if _, twice := sizes[o.Key]; !twice {
			total += o.Size
		}
		sizes[o.Key] = o.Size
	}
	if total > c.cfg.MaxBytes {
		return nil, fmt.Errorf("%d files with %d bytes, and the cache may keep %d: %w", len(sizes), total, c.cfg.MaxBytes, ErrTooLarge)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.takeTurn(ctx, sizes); err != nil {
		return nil, err
	}
	held := make(map[string]*entry, len(sizes))
	for key, size := range sizes {
		held[key] = c.hold(key, size)
	}
	c.shrink(0)
	for _, e := range held {
		c.begin(e)
	}
	return held, nil
}

// takeTurn returns when the files can be pinned. It is called with the lock, and lets go of it while
// it waits.
func (c *Cache) takeTurn(ctx context.Context, sizes map[string]int64) error {
	var turn chan struct{}
	for {
		need := int64(0)
		for key, size := range sizes {
			if e := c.entries[key]; e == nil || e.pins == 0 || e.size != size {
				need += size
			}
		}
		first := turn != nil || len(c.queue) == 0
		switch {
		case c.closed:
			c.leave(turn)
			return ErrClosed
		case need == 0 || first && c.pinned+need <= c.cfg.MaxBytes:
			c.leave(turn)
			return nil
		}
		if turn == nil {
			c.stats.waits.Add(1)
			turn = make(chan struct{}, 1)
			c.queue = append(c.queue, turn)
		}
		if err := c.sleep(ctx, turn); err != nil {
			c.leave(turn)
			return fmt.Errorf("wait for room in the file cache (%d bytes needed, %d of %d in use by others): %w", need, c.pinned, c.cfg.MaxBytes, err)
		}
	}
}

// sleep waits without the lock.
func (c *Cache) sleep(ctx context.Context, turn chan struct{}) error {
	c.mu.Unlock()
	defer c.mu.Lock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// leave ends a turn, nil for none, and wakes who is next.
func (c *Cache) leave(turn chan struct{}) {
	if i := slices.Index(c.queue, turn); i >= 0 {
		c.queue = slices.Delete(c.queue, i, i+1)
		c.wake()
	}
}

// wake has the first of the queue look again whether there is room.
func (c *Cache) wake() {
	if len(c.queue) == 0 {
		return
	}
	select {
	case c.queue[0] <- struct{}{}:
	default:
	}
}

// hold pins the entry of a key, making it if need be.
func (c *Cache) hold(key string, size int64) *entry {
	e := c.entries[key]
	if e != nil && e.size != size {
		c.logger.Warn("a cached file has another size than the table's log says and is downloaded again", "key", key, "size", e.size, "want", size)
		c.stats.damaged.Add(1)
		c.doom(e)
		e = nil
	}
	if e == nil {
		e = &entry{key: key, size: size}
		c.entries[key] = e
		c.used += size
	}
	if e.path == "" {
		c.stats.misses.Add(1)
	} else {
		c.stats.hits.Add(1)
	}
	c.pin(e)
	return e
}

func (c *Cache) pin(e *entry) {
	if e.pins++; e.pins > 1 {
		return
	}
	c.pinned += e.size
	if e.resting != nil {
		c.idle.Remove(e.resting)
		e.resting = nil
	}
}

func (c *Cache) unpin(e *entry) {
	if e.pins--; e.pins > 0 {
		return
	}
	c.pinned -= e.size
	if e.doomed {
		c.discard(e)
	} else {
		c.rest(e)
	}
	c.wake()
}

// rest puts an entry without pins behind those that were used before it.
func (c *Cache) rest(e *entry) { e.resting = c.idle.PushBack(e) }

// doom takes an entry out of the index: the next to ask for its key gets another. Its file is removed
// when nobody holds it.
func (c *Cache) doom(e *entry) {
	if e.doomed {
		return
	}
	e.doomed = true
	e.gone = make(chan struct{})
	c.doomed[e] = true
	if c.entries[e.key] == e {
		delete(c.entries, e.key)
	}
	if e.resting != nil {
		c.idle.Remove(e.resting)
		e.resting = nil
	}
	if e.pins == 0 {
		c.discard(e)
	}
}

// discard removes the file of a doomed entry.
func (c *Cache) discard(e *entry) {
	c.used -= e.size
	delete(c.doomed, e)
	if e.path != "" {
		if err := os.Remove(e.path); err != nil && !os.IsNotExist(err) {
			c.logger.Warn("a cached file cannot be removed", "path", e.path, "error", err)
		}
	}
	close(e.gone)
}

// shrink lets idle files go until there is room for some more bytes.
func (c *Cache) shrink(more int64) {
	for c.used+more > c.cfg.MaxBytes && c.evict() {
	}
}

// evict lets the longest unused file go; false when all are in use.
func (c *Cache) evict() bool {
	front := c.idle.Front()
	if front == nil {
		return false
	}
	c.doom(front.Value.(*entry))
	c.stats.evictions.Add(1)
	return true
}
