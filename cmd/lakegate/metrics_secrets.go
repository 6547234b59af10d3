package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lakegate/lakegate/internal/vault"
)

var (
	secretFailures = prometheus.NewDesc("lakegate_secrets_refresh_failures_total",
		"Times that secrets in use could not be looked at again; the values there were are used on.", []string{"source"}, nil)
	secretAge = prometheus.NewDesc("lakegate_secrets_refresh_age_seconds",
		"How long ago secrets in use were last looked at with success, or first tried to.", []string{"source"}, nil)
)

// secretsCollector shows how looking for changed secrets has been going, by where they are.
type secretsCollector struct{ stats func() []vault.Count }

// Describe implements prometheus.Collector.
func (c secretsCollector) Describe(out chan<- *prometheus.Desc) {
	out <- secretFailures
	out <- secretAge
}

// Collect implements prometheus.Collector.
func (c secretsCollector) Collect(out chan<- prometheus.Metric) {
	for _, n := range c.stats() {
		out <- prometheus.MustNewConstMetric(secretFailures, prometheus.CounterValue, float64(n.Failures), string(n.Source))
		last := n.Worked
		if last.IsZero() {
			last = n.Since
		}
		out <- prometheus.MustNewConstMetric(secretAge, prometheus.GaugeValue, age(last), string(n.Source))
	}
}
