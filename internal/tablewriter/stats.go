package tablewriter

import (
	"sync"
	"sync/atomic"
	"time"
)

// Stats is what a Writer has done since it was opened, and how it is now.
type Stats struct {
	Admitted int64 // requests admitted
	Open     int64 // of them not finished yet
	Accepted int64 // facts in the log: finished and recorded requests, changes of entities, crashed requests
	Landed   int64 // rows committed; one fact can be rows of several tables
	Losses   int64 // facts and rows that could not be kept
	Parked   int64 // records in memory because the disk is full
	Shed     int64 // payloads whose bodies were left out for want of room

	Holes       int64 // times that the log lost records: to a power cut, or to damage that was repaired
	LostRecords int64 // records that are known to be gone so; a power cut may have taken more

	Segments      int64 // files of the log, the active one included
	LogBytes      int64 // in them
	UnlandedBytes int64 // in those that are not landed

	LogID         string    // who this writer is, in the tables' transactions
	LandedThrough uint64    // segments up to this one are in the tables
	Unlanded      time.Time // not after the oldest record that is in no table yet was logged; zero when there is none

	StaleTables int64     // tables whose newest version is not known: the store does not answer
	StaleSince  time.Time // since when the first of them is not; zero when there are none

	HotRows  int64 // rows in hot files
	HotFiles int64

	Flushes     int64 // landings that left nothing behind
	FlushErrors int64 // landings that did
	LastFlush   time.Time
	LastError   string // of the last landing, "" when it left nothing behind
}

// counters is what Stats is made of.
type counters struct {
	admitted, accepted, landed, losses  atomic.Int64
	shed                                atomic.Int64
	holes, lostRecords                  atomic.Int64 // as the ledger has them
	active, backlog, logBytes, segments atomic.Int64 // bytes of the active segment; of sealed ones that are not landed; of all sealed
	through                             atomic.Uint64
	flushes, flushErrors                atomic.Int64
	mu                                  sync.Mutex
	lastFlush                           time.Time
	lastError                           string
}

// backlogged reports whether more than a number of bytes wait to be landed.
func (c *counters) backlogged(bound int64) bool { return c.backlog.Load()+c.active.Load() > bound }

// cycle notes how a landing went.
func (c *counters) cycle(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.flushErrors.Add(1)
		c.lastError = err.Error()
		return
	}
	c.flushes.Add(1)
	c.lastFlush, c.lastError = time.Now(), ""
}

// Stats returns the counters. They are not from one instant.
func (w *Writer) Stats() Stats {
	c := &w.stats
	through := c.through.Load()
	unlanded := w.unlandedSince(through)
	stale, since := w.lake.stale()
	c.mu.Lock()
	defer c.mu.Unlock()
	return Stats{
		LogID: w.log.ID(), LandedThrough: through, Unlanded: unlanded,
		Admitted: c.admitted.Load(), Open: int64(w.pins.len()), Accepted: c.accepted.Load(), Landed: c.landed.Load(),
		Losses: c.losses.Load(), Parked: w.parked.count.Load(), Shed: c.shed.Load(),
		Holes: c.holes.Load(), LostRecords: c.lostRecords.Load(),
		Segments: c.segments.Load(), LogBytes: c.logBytes.Load() + c.active.Load(), UnlandedBytes: c.backlog.Load() + c.active.Load(),
		StaleTables: stale, StaleSince: since,
		HotRows: w.lake.hot.rows.Load(), HotFiles: w.lake.hot.files.Load(),
		Flushes: c.flushes.Load(), FlushErrors: c.flushErrors.Load(), LastFlush: c.lastFlush, LastError: c.lastError,
	}
}

// unlandedSince returns when the first segment behind through that has records was made: the numbers
// of segments are never smaller than the microsecond.
func (w *Writer) unlandedSince(through uint64) time.Time {
	for _, s := range w.log.Segments() {
		if s.Number > through && s.Records > 0 {
			return time.UnixMicro(int64(s.Number)).UTC()
		}
	}
	return time.Time{}
}
