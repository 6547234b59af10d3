package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lakegate/lakegate/internal/filecache"
	"github.com/lakegate/lakegate/internal/maintain"
	"github.com/lakegate/lakegate/internal/tablewriter"
)

// collector shows numbers that are counted elsewhere: values is asked at each scrape, and false
// leaves all of them out.
type collector[S any] struct {
	values  func() (S, bool)
	metrics []metric[S]
}

type metric[S any] struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(S) float64
}

func counter[S any](name, help string, value func(S) int64) metric[S] {
	return metric[S]{prometheus.NewDesc(name, help, nil, nil), prometheus.CounterValue, func(s S) float64 { return float64(value(s)) }}
}

func gauge[S any](name, help string, value func(S) float64) metric[S] {
	return metric[S]{prometheus.NewDesc(name, help, nil, nil), prometheus.GaugeValue, value}
}

// Describe implements prometheus.Collector.
func (c collector[S]) Describe(out chan<- *prometheus.Desc) {
	for _, m := range c.metrics {
		out <- m.desc
	}
}

// Collect implements prometheus.Collector.
func (c collector[S]) Collect(out chan<- prometheus.Metric) {
	s, ok := c.values()
	if !ok {
		return
	}
	for _, m := range c.metrics {
		out <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(s))
	}
}

// stamp is a time as Prometheus has times; 0 for none.
func stamp(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

// age is how many seconds ago a time is; 0 for none.
func age(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(0, time.Since(t).Seconds())
}

type lakeStats = tablewriter.Stats

var lakeMetrics = []metric[lakeStats]{
	counter("lakegate_lake_accepted_total", "Facts in the log.", func(s lakeStats) int64 { return s.Accepted }),
	counter("lakegate_lake_landed_total", "Rows committed to tables.", func(s lakeStats) int64 { return s.Landed }),
	counter("lakegate_lake_losses_total", "Facts and rows that could not be kept.", func(s lakeStats) int64 { return s.Losses }),
	counter("lakegate_lake_shed_payloads_total", "Payloads whose bodies were left out for want of room.", func(s lakeStats) int64 { return s.Shed }),
	gauge("lakegate_lake_log_holes", "Times that the log lost records to a power cut or to damage that was repaired.", func(s lakeStats) float64 { return float64(s.Holes) }),
	gauge("lakegate_lake_log_lost_records", "Records that are known to be gone so; a power cut may have taken more.", func(s lakeStats) float64 { return float64(s.LostRecords) }),
	counter("lakegate_lake_flushes_total", "Landings that left nothing in the log.", func(s lakeStats) int64 { return s.Flushes }),
	counter("lakegate_lake_flush_errors_total", "Landings that left rows in the log.", func(s lakeStats) int64 { return s.FlushErrors }),
	gauge("lakegate_lake_open_requests", "Requests admitted and not finished.", func(s lakeStats) float64 { return float64(s.Open) }),
	gauge("lakegate_lake_unlanded_bytes", "Bytes of the log that are not in tables yet.", func(s lakeStats) float64 { return float64(s.UnlandedBytes) }),
	gauge("lakegate_lake_oldest_unlanded_seconds", "Age of the oldest record that is in no table yet: what losing this machine would lose. 0 when there is none.", func(s lakeStats) float64 { return age(s.Unlanded) }),
	gauge("lakegate_lake_log_bytes", "Bytes of the log on disk.", func(s lakeStats) float64 { return float64(s.LogBytes) }),
	gauge("lakegate_lake_parked_records", "Records in memory because the disk is full.", func(s lakeStats) float64 { return float64(s.Parked) }),
	gauge("lakegate_lake_last_flush_timestamp_seconds", "When everything had landed last.", func(s lakeStats) float64 { return stamp(s.LastFlush) }),
	gauge("lakegate_lake_stale_tables", "Tables whose newest version is not known, because the store does not answer.", func(s lakeStats) float64 { return float64(s.StaleTables) }),
	gauge("lakegate_lake_stale_seconds", "For how long the first of them is not: how old the answers of queries may be.", func(s lakeStats) float64 { return age(s.StaleSince) }),
}

func newLakeCollector(lake *tablewriter.Writer) prometheus.Collector {
	return collector[lakeStats]{func() (lakeStats, bool) { return lake.Stats(), true }, lakeMetrics}
}

// processStats are what is known of the process as a whole.
type processStats struct {
	ready      bool
	maxBacklog int64
}

var processMetrics = []metric[processStats]{
	gauge("lakegate_ready", "1 when /readyz says so: calls can be recorded.", func(s processStats) float64 { return yes(s.ready) }),
	gauge("lakegate_lake_max_backlog_bytes", "What lakegate_lake_unlanded_bytes may be at most (log.max_backlog).", func(s processStats) float64 { return float64(s.maxBacklog) }),
	{prometheus.NewDesc("lakegate_build_info", "The version that runs: always 1.", nil, prometheus.Labels{"version": version}), prometheus.GaugeValue, func(processStats) float64 { return 1 }},
}

func newProcessCollector(ready func() error, maxBacklog int64) prometheus.Collector {
	return collector[processStats]{func() (processStats, bool) { return processStats{ready() == nil, maxBacklog}, true }, processMetrics}
}

type cacheStats = filecache.Stats

var cacheMetrics = []metric[cacheStats]{
	gauge("lakegate_cache_files", "Local copies of the bucket's files.", func(s cacheStats) float64 { return float64(s.Files) }),
	gauge("lakegate_cache_bytes", "Bytes of them, downloads under way included.", func(s cacheStats) float64 { return float64(s.Bytes) }),
	gauge("lakegate_cache_max_bytes", "Bytes that they may have (lake.cache.max_size).", func(s cacheStats) float64 { return float64(s.MaxBytes) }),
	gauge("lakegate_cache_pinned_bytes", "Bytes of copies that queries are reading.", func(s cacheStats) float64 { return float64(s.PinnedBytes) }),
	gauge("lakegate_cache_waiting", "Queries that wait for room.", func(s cacheStats) float64 { return float64(s.Waiting) }),
	counter("lakegate_cache_hits_total", "Files that were there when a query wanted them.", func(s cacheStats) int64 { return s.Hits }),
	counter("lakegate_cache_misses_total", "Files that had to be downloaded.", func(s cacheStats) int64 { return s.Misses }),
	counter("lakegate_cache_downloaded_bytes_total", "Bytes downloaded.", func(s cacheStats) int64 { return s.Downloaded }),
	counter("lakegate_cache_prefetched_total", "Files downloaded before a query wanted them.", func(s cacheStats) int64 { return s.Prefetched }),
	counter("lakegate_cache_download_failures_total", "Downloads that failed.", func(s cacheStats) int64 { return s.Failures }),
	counter("lakegate_cache_evictions_total", "Files let go to make room.", func(s cacheStats) int64 { return s.Evictions }),
	counter("lakegate_cache_damaged_files_total", "Files that were not as they were downloaded.", func(s cacheStats) int64 { return s.Damaged }),
}

func newCacheCollector(lake *tablewriter.Writer) prometheus.Collector {
	return collector[cacheStats]{func() (cacheStats, bool) { return lake.CacheStats() }, cacheMetrics}
}

type keeperStats = maintain.Stats

var keeperMetrics = []metric[keeperStats]{
	counter("lakegate_maintenance_rounds_total", "Rounds of maintenance.", func(s keeperStats) int64 { return s.Rounds }),
	gauge("lakegate_maintenance_last_round_timestamp_seconds", "When the last one ended.", func(s keeperStats) float64 { return stamp(s.LastRound) }),
	counter("lakegate_maintenance_errors_total", "Pieces of work that failed.", func(s keeperStats) int64 { return s.Errors }),
	counter("lakegate_maintenance_compactions_total", "Merges of files, each a commit.", func(s keeperStats) int64 { return s.Compactions }),
	counter("lakegate_maintenance_conflicts_total", "Merges in vain, because others changed the files first.", func(s keeperStats) int64 { return s.Conflicts }),
	counter("lakegate_maintenance_merged_files_total", "Files merged.", func(s keeperStats) int64 { return s.FilesMerged }),
	counter("lakegate_maintenance_merged_bytes_total", "Bytes of the files before.", func(s keeperStats) int64 { return s.BytesMerged }),
	counter("lakegate_maintenance_written_bytes_total", "Bytes of the files after.", func(s keeperStats) int64 { return s.BytesWritten }),
	counter("lakegate_maintenance_expired_rows_total", "Rows deleted because of their retention.", func(s keeperStats) int64 { return s.RowsExpired }),
	counter("lakegate_maintenance_vacuumed_files_total", "Files deleted that nothing needs any more.", func(s keeperStats) int64 { return s.FilesVacuumed }),
	counter("lakegate_maintenance_vacuumed_bytes_total", "Bytes of them.", func(s keeperStats) int64 { return s.BytesVacuumed }),
	counter("lakegate_maintenance_cleaned_versions_total", "Versions taken out of the tables' logs.", func(s keeperStats) int64 { return s.VersionsCleaned }),
}

func newKeeperCollector(stats func() maintain.Stats) prometheus.Collector {
	return collector[keeperStats]{func() (keeperStats, bool) { return stats(), true }, keeperMetrics}
}
