package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lakegate/lakegate/sql/warehouse"
)

type sqlStats = warehouse.Stats

// sqlMetrics are what the warehouse does, and how tightly its workers are shut in.
var sqlMetrics = []metric[sqlStats]{
	gauge("lakegate_sql_landlock", "1 when the kernel lets SQL workers open only the lake's files, 0 when it does not or none has started.", func(s sqlStats) float64 { return yes(s.Landlock) }),
	gauge("lakegate_sql_seccomp", "1 when the kernel keeps SQL workers from writing files and opening sockets, 0 when it does not or none has started.", func(s sqlStats) float64 { return yes(s.Seccomp) }),
	counter("lakegate_sql_queries_total", "Statements that were run.", func(s sqlStats) int64 { return s.Queries }),
	counter("lakegate_sql_failed_total", "Those that failed, refused ones included.", func(s sqlStats) int64 { return s.Failed }),
	counter("lakegate_sql_timeouts_total", "Those that took too long.", func(s sqlStats) int64 { return s.Timeouts }),
	counter("lakegate_sql_worker_crashes_total", "Workers that died by themselves, mostly for want of memory.", func(s sqlStats) int64 { return s.Crashes }),
	counter("lakegate_sql_files_total", "Data files that statements read.", func(s sqlStats) int64 { return s.Files }),
	counter("lakegate_sql_files_pruned_total", "Data files that statements did not read because of their filters.", func(s sqlStats) int64 { return s.Pruned }),
	counter("lakegate_sql_unreadable_total", "Statements that came upon a file that could not be read.", func(s sqlStats) int64 { return s.Unreadable }),
	counter("lakegate_sql_reruns_total", "Those that ran again after the local copy of the file was repaired.", func(s sqlStats) int64 { return s.Reruns }),
	gauge("lakegate_sql_running", "Statements that run now.", func(s sqlStats) float64 { return float64(s.Running) }),
	gauge("lakegate_sql_waiting", "Statements that wait for a worker.", func(s sqlStats) float64 { return float64(s.Waiting) }),
}

func newSQLCollector(db *warehouse.Warehouse) prometheus.Collector {
	return collector[sqlStats]{func() (sqlStats, bool) { return db.Stats(), true }, sqlMetrics}
}

func yes(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
