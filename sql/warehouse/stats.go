package warehouse

import (
	"errors"
	"sync/atomic"

	"github.com/lakegate/lakegate/sql/protocol"
)

type counters struct {
	queries, failed, refused, timeouts, kills, crashes, started, startFailures, aiCalls atomic.Int64
	files, pruned, unreadable, reruns                                                   atomic.Int64
	running, alive                                                                      atomic.Int64
	ready                                                                               atomic.Pointer[protocol.Ready]
	lastError                                                                           atomic.Value // string
}

// Stats is what a warehouse has done since it started, and how it is.
type Stats struct {
	Queries, Failed, Refused, Timeouts int64
	Kills, Crashes                     int64 // workers killed, workers that died by themselves
	Started, StartFailures             int64 // worker processes
	AICalls                            int64
	Files, Pruned                      int64 // files read by queries, and left out because of their filters
	Unreadable, Reruns                 int64 // queries that could not read a file, and that ran again after it was repaired
	Running, Waiting, Workers          int64 // now
	Engine                             string
	Landlock, Seccomp                  bool // the kernel's part in the sandbox, as a worker found it
	Notes                              []string
}

// Stats returns the counters.
func (w *Warehouse) Stats() Stats {
	s := Stats{
		Queries: w.stats.queries.Load(), Failed: w.stats.failed.Load(), Refused: w.stats.refused.Load(), Timeouts: w.stats.timeouts.Load(),
		Kills: w.stats.kills.Load(), Crashes: w.stats.crashes.Load(),
		Started: w.stats.started.Load(), StartFailures: w.stats.startFailures.Load(), AICalls: w.stats.aiCalls.Load(),
		Files: w.stats.files.Load(), Pruned: w.stats.pruned.Load(), Unreadable: w.stats.unreadable.Load(), Reruns: w.stats.reruns.Load(),
		Running: w.stats.running.Load(), Waiting: w.waiting.Load(), Workers: w.stats.alive.Load(),
	}
	if r := w.stats.ready.Load(); r != nil {
		s.Engine, s.Landlock, s.Seccomp, s.Notes = r.Engine, r.Landlock, r.Seccomp, r.Notes
	}
	return s
}

// Ready returns nil when a worker is alive, else why none is.
func (w *Warehouse) Ready() error {
	if w.stats.alive.Load() > 0 {
		return nil
	}
	if msg, _ := w.stats.lastError.Load().(string); msg != "" {
		return errors.New(msg)
	}
	return errors.New("no sql worker is running yet")
}
