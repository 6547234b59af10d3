package serving

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lakegate/lakegate/serving/warm"
)

// warmth collects which connections are kept open when it is asked.
type warmth struct {
	stats      func() warm.Stats
	open, asks *prometheus.Desc
}

// NewWarmCollector returns a collector of what stats returns.
func NewWarmCollector(stats func() warm.Stats) prometheus.Collector {
	return &warmth{
		stats: stats,
		open:  prometheus.NewDesc("lakegate_warm_connection", "Whether a connection to a served entity's provider was open when that was last looked at, for endpoints with warm_up.", []string{"endpoint", "provider", "served_entity"}, nil),
		asks:  prometheus.NewDesc("lakegate_warm_ups_total", "How often a provider was asked for a connection without a call, by what came of it: opened, kept, closed by the provider, or failed.", []string{"result"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *warmth) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.open
	ch <- c.asks
}

// Collect implements prometheus.Collector.
func (c *warmth) Collect(ch chan<- prometheus.Metric) {
	s := c.stats()
	for _, x := range s.Entities {
		open := 0.0
		if x.Open {
			open = 1
		}
		ch <- prometheus.MustNewConstMetric(c.open, prometheus.GaugeValue, open, x.Endpoint, x.Provider, x.Name)
	}
	for _, r := range warm.Results() {
		ch <- prometheus.MustNewConstMetric(c.asks, prometheus.CounterValue, float64(s.Rounds[r]), string(r))
	}
}
