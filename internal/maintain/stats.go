package maintain

import (
	"sync"
	"time"

	"github.com/lakegate/lakegate/internal/delta"
)

// Stats counts what a Keeper has done since it was made.
type Stats struct {
	Rounds    int64     // of Run
	LastRound time.Time // when the last one ended; zero before the first
	LastError string    // of that round; "" when it went well

	Compactions     int64 // merges, each a commit
	FilesMerged     int64
	BytesMerged     int64 // of the files before
	BytesWritten    int64 // of the files after
	RowsMerged      int64
	Conflicts       int64 // merges that were in vain, because others changed the files first
	FilesExpired    int64 // deleted by retention
	RowsExpired     int64
	FilesVacuumed   int64
	BytesVacuumed   int64
	VersionsCleaned int64 // versions taken out of the tables' logs
	Errors          int64
}

// Plus returns what two Keepers, the second after the first, have done together.
func (s Stats) Plus(next Stats) Stats {
	if next.Rounds == 0 {
		next.LastRound, next.LastError = s.LastRound, s.LastError
	}
	next.Rounds += s.Rounds
	next.Compactions += s.Compactions
	next.FilesMerged += s.FilesMerged
	next.BytesMerged += s.BytesMerged
	next.BytesWritten += s.BytesWritten
	next.RowsMerged += s.RowsMerged
	next.Conflicts += s.Conflicts
	next.FilesExpired += s.FilesExpired
	next.RowsExpired += s.RowsExpired
	next.FilesVacuumed += s.FilesVacuumed
	next.BytesVacuumed += s.BytesVacuumed
	next.VersionsCleaned += s.VersionsCleaned
	next.Errors += s.Errors
	return next
}

type counters struct {
	mu sync.Mutex
	s  Stats
}

// Stats returns the counts.
func (k *Keeper) Stats() Stats {
	k.stats.mu.Lock()
	defer k.stats.mu.Unlock()
	return k.stats.s
}

func (c *counters) change(err error, f func(s *Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.s)
	if err != nil {
		c.s.Errors++
	}
}

// compacted notes how a compaction ended, of which merged has noted the merges.
func (c *counters) compacted(r *CompactReport, err error) {
	c.change(err, func(s *Stats) { s.Conflicts += int64(r.Conflicts) })
}

func (c *counters) merged(g group, written int64) {
	c.change(nil, func(s *Stats) {
		s.Compactions++
		s.FilesMerged += int64(len(g.files))
		s.BytesMerged += g.bytes
		s.BytesWritten += written
		s.RowsMerged += g.rows
	})
}

func (c *counters) retained(r RetainReport, err error) {
	c.change(err, func(s *Stats) {
		s.FilesExpired += int64(r.Files)
		s.RowsExpired += r.Rows
	})
}

func (c *counters) vacuumed(r delta.VacuumReport, err error) {
	c.change(err, func(s *Stats) {
		s.FilesVacuumed += int64(r.Deleted.Files)
		s.BytesVacuumed += r.Deleted.Bytes
	})
}

func (c *counters) cleaned(r delta.CleanReport, err error) {
	c.change(err, func(s *Stats) { s.VersionsCleaned += int64(r.Commits) })
}

func (c *counters) round(err error, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.Rounds++
	c.s.LastRound, c.s.LastError = now, ""
	if err != nil {
		c.s.LastError = err.Error()
	}
}
