package serving

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lakegate/lakegate/serving/gateway"
)

// loads collects how busy and how fast served entities are when it is asked for: those of the
// endpoints there are, so a reload takes series away.
type loads struct {
	list                      func() []gateway.Load
	inFlight, latency, output *prometheus.Desc
}

// NewLoadCollector returns a collector of what list returns.
func NewLoadCollector(list func() []gateway.Load) prometheus.Collector {
	labels := []string{"endpoint", "provider", "served_entity"}
	return &loads{
		list:     list,
		inFlight: prometheus.NewDesc("lakegate_entity_in_flight", "Attempts at a served entity that are under way.", labels, nil),
		latency: prometheus.NewDesc("lakegate_entity_latency_seconds", "The moving average that strategy lowest_latency goes by: first_token of streams until their first token, "+
			"whole of whole answers. Failures count as slow. Absent until it was measured.", append(labels, "kind"), nil),
		output: prometheus.NewDesc("lakegate_entity_output_tokens", "The moving average of the tokens of a served entity's answers, which strategy lowest_cost goes by. Absent until there was an answer.", labels, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *loads) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.inFlight
	ch <- c.latency
	ch <- c.output
}

// Collect implements prometheus.Collector.
func (c *loads) Collect(ch chan<- prometheus.Metric) {
	for _, x := range c.list() {
		gauge := func(d *prometheus.Desc, v float64, more ...string) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, append([]string{x.Endpoint, x.Provider, x.Entity}, more...)...)
		}
		gauge(c.inFlight, float64(x.InFlight))
		if x.FirstToken > 0 {
			gauge(c.latency, x.FirstToken.Seconds(), "first_token")
		}
		if x.Whole > 0 {
			gauge(c.latency, x.Whole.Seconds(), "whole")
		}
		if x.Output >= 0 {
			gauge(c.output, float64(x.Output))
		}
	}
}
