package serving

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/health"
)

// circuits collects the states of circuits when they are asked for: those of the endpoints there
// are, so a reload takes series away.
type circuits struct {
	list                   func() []gateway.Circuit
	state, changes, opened *prometheus.Desc
}

// NewCircuitCollector returns a collector of the circuits that list returns.
func NewCircuitCollector(list func() []gateway.Circuit) prometheus.Collector {
	labels := []string{"endpoint", "provider", "served_entity", "state"}
	return &circuits{
		list:    list,
		state:   prometheus.NewDesc("lakegate_circuit_state", "The state of a served entity's circuit breaker: 1 for the state it is in, closed, half_open or open, and 0 for the others.", labels, nil),
		changes: prometheus.NewDesc("lakegate_circuit_changes_total", "How often a served entity's circuit breaker entered a state.", labels, nil),
		opened:  prometheus.NewDesc("lakegate_circuit_opened_total", "How often a served entity's circuit breaker opened, by what opened it: failure_share, consecutive_failures, or probe (the call that was to show whether it may close).", []string{"endpoint", "provider", "served_entity", "by"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *circuits) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.state
	ch <- c.changes
	ch <- c.opened
}

// Collect implements prometheus.Collector.
func (c *circuits) Collect(ch chan<- prometheus.Metric) {
	for _, x := range c.list() {
		for _, by := range []health.Trigger{health.ByShare, health.ByRow, health.ByProbe} {
			ch <- prometheus.MustNewConstMetric(c.opened, prometheus.CounterValue, float64(x.Opened[by]), x.Endpoint, x.Provider, x.Entity, by.String())
		}
		for _, s := range []health.State{health.Closed, health.HalfOpen, health.Open} {
			is := 0.0
			if x.State == s {
				is = 1
			}
			ch <- prometheus.MustNewConstMetric(c.state, prometheus.GaugeValue, is, x.Endpoint, x.Provider, x.Entity, s.String())
			ch <- prometheus.MustNewConstMetric(c.changes, prometheus.CounterValue, float64(x.Changes[s]), x.Endpoint, x.Provider, x.Entity, s.String())
		}
	}
}
