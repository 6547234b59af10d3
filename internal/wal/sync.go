package wal

import (
	"fmt"
	"time"
)

// Sync returns nil when the record at pos and every record before it are on disk. Callers at the
// same time share one sync of the file. After an error the log takes no more records.
func (l *Log) Sync(pos Pos) error { return l.syncTo(Pos{pos.Segment, pos.Offset + 1}) }

// syncTo returns nil when everything before end is on disk.
func (l *Log) syncTo(end Pos) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		if !l.synced.Before(end) {
			return nil
		}
		if l.err != nil {
			return l.err
		}
		if !l.syncing && !l.swap {
			return l.syncActive()
		}
		l.turn.Wait()
	}
}

// syncActive syncs what is written of the active segment. l.mu is held, and given back meanwhile.
func (l *Log) syncActive() error {
	l.syncing = true
	end, file := l.active.End(), l.file
	l.mu.Unlock()
	l.hook("sync")
	err := file.Sync()
	l.mu.Lock()
	l.syncing = false
	l.turn.Broadcast()
	if err != nil {
		// The kernel may have dropped the pages: another sync of this file could succeed without
		// them, so there must not be one.
		l.fail(fmt.Errorf("sync log segment %d: %w", end.Segment, err))
		return l.err
	}
	l.synced = end
	return nil
}

// wakeSync tells the background that there is something to sync. l.mu is held.
func (l *Log) wakeSync() {
	if l.cfg.SyncInterval == 0 {
		return
	}
	if !l.dirty {
		l.dirty = true
		wake(l.kick)
	}
	if l.cfg.SyncBytes > 0 && l.unsynced() > l.cfg.SyncBytes {
		wake(l.urgent)
	}
}

// unsynced is how many bytes of the active segment are not known to be on disk. l.mu is held.
func (l *Log) unsynced() int64 {
	if l.synced.Segment != l.active.Number {
		return l.active.Size
	}
	return l.active.Size - l.synced.Offset
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// syncInBackground syncs what was appended, SyncInterval after the first record of each round or
// when it is many bytes, and sleeps while there is nothing. It ends when quit is closed.
func (l *Log) syncInBackground() {
	timer := time.NewTimer(l.cfg.SyncInterval)
	defer timer.Stop()
	for {
		select {
		case <-l.quit:
			return
		case <-l.kick:
		}
		timer.Reset(l.cfg.SyncInterval)
		select {
		case <-l.quit:
			return
		case <-l.urgent:
		case <-timer.C:
		}
		l.mu.Lock()
		l.dirty = false
		end := l.active.End()
		l.mu.Unlock()
		_ = l.syncTo(end) // a failure is kept in l.err, where writers and Err find it
	}
}
