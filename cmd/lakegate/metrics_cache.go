package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lakegate/lakegate/internal/filecache"
	"github.com/lakegate/lakegate/internal/tablewriter"
)

// cacheCollector shows the local copies of data files as metrics. A lake in a folder has none.
type cacheCollector struct{ lake *tablewriter.Writer }

type cacheMetric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(filecache.Stats) int64
}

func cacheMetricOf(name, help string, kind prometheus.ValueType, value func(filecache.Stats) int64) cacheMetric {
	return cacheMetric{prometheus.NewDesc("lakegate_cache_"+name, help, nil, nil), kind, value}
}

var cacheMetrics = []cacheMetric{
	cacheMetricOf("bytes", "Bytes of local copies of data files, those on their way included.", prometheus.GaugeValue, func(s filecache.Stats) int64 { return s.Bytes }),
	cacheMetricOf("max_bytes", "Bytes that local copies may have.", prometheus.GaugeValue, func(s filecache.Stats) int64 { return s.MaxBytes }),
	cacheMetricOf("pinned_bytes", "Bytes of local copies that queries hold.", prometheus.GaugeValue, func(s filecache.Stats) int64 { return s.PinnedBytes }),
	cacheMetricOf("files", "Local copies of data files.", prometheus.GaugeValue, func(s filecache.Stats) int64 { return s.Files }),
	cacheMetricOf("waiting", "Queries that wait until others let go of their files.", prometheus.GaugeValue, func(s filecache.Stats) int64 { return s.Waiting }),
	cacheMetricOf("hits_total", "Files of queries that were there.", prometheus.CounterValue, func(s filecache.Stats) int64 { return s.Hits }),
	cacheMetricOf("misses_total", "Files of queries that had to be downloaded.", prometheus.CounterValue, func(s filecache.Stats) int64 { return s.Misses }),
	cacheMetricOf("prefetched_total", "Files downloaded before they were asked for.", prometheus.CounterValue, func(s filecache.Stats) int64 { return s.Prefetched }),
	cacheMetricOf("downloaded_bytes_total", "Bytes downloaded.", prometheus.CounterValue, func(s filecache.Stats) int64 { return s.Downloaded }),
	cacheMetricOf("download_failures_total", "Downloads that failed or were given up.", prometheus.CounterValue, func(s filecache.Stats) int64 { return s.Failures }),
	cacheMetricOf("evictions_total", "Files let go to make room.", prometheus.CounterValue, func(s filecache.Stats) int64 { return s.Evictions }),
	cacheMetricOf("damaged_files_total", "Files that were not as they were downloaded, and were downloaded again.", prometheus.CounterValue, func(s filecache.Stats) int64 { return s.Damaged }),
}

// Describe implements prometheus.Collector.
func (c cacheCollector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range cacheMetrics {
		out <- m.desc
	}
}

// Collect implements prometheus.Collector.
func (c cacheCollector) Collect(out chan<- prometheus.Metric) {
	s, ok := c.lake.CacheStats()
	if !ok {
		return
	}
	for _, m := range cacheMetrics {
		out <- prometheus.MustNewConstMetric(m.desc, m.kind, float64(m.value(s)))
	}
}
