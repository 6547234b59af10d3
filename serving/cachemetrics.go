package serving

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/cache"
)

// cacheUse counts what the response cache did, under the lock that Configure takes to remove series.
func (m *Metrics) cacheUse(r *inference.Record) {
	result := "miss"
	if r.Cache.Hit {
		result = "hit"
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	name := m.bounded(entityOf(r, "", "")).endpoint
	m.cached.WithLabelValues(name, result).Inc()
	if n := r.Cache.SavedNanoUSD; n != nil && *n > 0 {
		m.saved.WithLabelValues(name).Add(float64(*n) / 1e9)
	}
}

// forgetCache takes an endpoint's series away.
func (m *Metrics) forgetCache(name string) {
	m.cached.DeletePartialMatch(prometheus.Labels{"endpoint": name})
	m.saved.DeleteLabelValues(name)
}

// cacheCollector shows how full the response cache is.
type cacheCollector struct{ cache *cache.Cache }

// NewCacheCollector returns a collector of a response cache's state.
func NewCacheCollector(c *cache.Cache) prometheus.Collector { return cacheCollector{c} }

var (
	cacheEntries = prometheus.NewDesc("lakegate_response_cache_entries", "Answers in the response cache.", nil, nil)
	cacheBytes   = prometheus.NewDesc("lakegate_response_cache_bytes", "Memory they take.", nil, nil)
	cacheRemoved = prometheus.NewDesc("lakegate_response_cache_removed_total", "Answers taken out, by reason: evicted to make room, or expired.", []string{"reason"}, nil)
)

// Describe implements prometheus.Collector.
func (c cacheCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- cacheEntries
	ch <- cacheBytes
	ch <- cacheRemoved
}

// Collect implements prometheus.Collector.
func (c cacheCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.cache.Stats()
	ch <- prometheus.MustNewConstMetric(cacheEntries, prometheus.GaugeValue, float64(s.Entries))
	ch <- prometheus.MustNewConstMetric(cacheBytes, prometheus.GaugeValue, float64(s.Bytes))
	ch <- prometheus.MustNewConstMetric(cacheRemoved, prometheus.CounterValue, float64(s.Evicted), "evicted")
	ch <- prometheus.MustNewConstMetric(cacheRemoved, prometheus.CounterValue, float64(s.Expired), "expired")
}
