package filecache

import "sync/atomic"

// Stats is what a cache has, and has done since it was opened.
type Stats struct {
	Files       int64 // that can be acquired without a download
	Bytes       int64 // of all files, those on their way included
	MaxBytes    int64 // that they may have
	PinnedBytes int64 // of files in use and on their way

	Hits       int64 // files that were there when they were acquired
	Misses     int64 // files that were not
	Downloaded int64 // bytes got from the store
	Prefetched int64 // files fetched before they were asked for
	Failures   int64 // downloads that failed or were given up
	Evictions  int64 // files let go to make room
	Damaged    int64 // files that were not as they were downloaded
	Waits      int64 // times that an Acquire waited for room
	Waiting    int64 // Acquires that do now
}

type counters struct {
	hits, misses, downloaded, prefetched, failures, evictions, damaged, waits atomic.Int64
}

// Stats returns the counters.
func (c *Cache) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	files := int64(0)
	for _, e := range c.entries {
		if e.path != "" && !e.loading {
			files++
		}
	}
	n := &c.stats
	return Stats{
		Files: files, Bytes: c.used, MaxBytes: c.cfg.MaxBytes, PinnedBytes: c.pinned, Waiting: int64(len(c.queue)),
		Hits: n.hits.Load(), Misses: n.misses.Load(), Downloaded: n.downloaded.Load(), Prefetched: n.prefetched.Load(),
		Failures: n.failures.Load(), Evictions: n.evictions.Load(), Damaged: n.damaged.Load(), Waits: n.waits.Load(),
	}
}
