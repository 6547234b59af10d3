package tablewriter

import (
	"context"
	"fmt"
	"time"
)

// Purge lands the log and deletes every segment that had a record when it was called, so that what
// was recorded before is in the tables and nowhere else on this disk but in hot files that a Snapshot
// holds. Requests that are running go on: their admit records are written anew. The ledger forgets the
// ids of lost rows. It returns the newest segment that is gone and how many went. An error says that
// something is still there, because a table takes no rows or the disk is full; call it again.
func (w *Writer) Purge(ctx context.Context) (through uint64, dropped int, err error) {
	through = w.log.End().Segment
	for _, s := range w.log.Segments() {
		if s.Records > 0 {
			dropped++
		} else if s.Number == through {
			through--
		}
	}
	w.purging.Add(1)
	defer w.purging.Add(-1)
	// A request that is just being recorded may hold its segment a moment longer.
	for deadline := time.Now().Add(purgePatience); ; {
		if err := w.Flush(ctx); err != nil {
			return 0, 0, fmt.Errorf("purge the log: %w", err)
		}
		first := w.log.Segments()[0]
		if first.Number > through {
			// A power cut must not bring them back.
			return through, dropped, w.cfg.fs().SyncDir(w.cfg.logDir())
		}
		if time.Now().After(deadline) {
			return 0, 0, fmt.Errorf("purge the log: segment %d is still needed", first.Number)
		}
	}
}

const purgePatience = 5 * time.Second

// DropCopies deletes the cached copies of objects, which are not in the store any more, and returns how
// many there were. It waits for those that a Snapshot holds.
func (w *Writer) DropCopies(ctx context.Context, keys []string) (int, error) {
	gone := make(map[string]bool, len(keys))
	for _, k := range keys {
		gone[k] = true
	}
	dropped := map[string]bool{}
	err := w.PurgeCache(ctx, func(key string) bool {
		if gone[key] {
			dropped[key] = true
		}
		return gone[key]
	})
	return len(dropped), err
}

// forgetLost returns the ledger without the ids of lost rows.
func (l *ledger) forgetLost() *ledger {
	n := l.counted(l.Through)
	changed := false
	for name, t := range n.Tables {
		changed = changed || len(t.LostIDs) > 0
		t.LostIDs = nil
		n.Tables[name] = t
	}
	if !changed {
		return l
	}
	return n
}
