package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lakegate/lakegate/internal/tablewriter"
)

// lakeCollector shows the state of the lake's writer as metrics.
type lakeCollector struct{ lake *tablewriter.Writer }

type lakeMetric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(tablewriter.Stats) float64
}

func lakeMetricOf(name, help string, kind prometheus.ValueType, value func(tablewriter.Stats) float64) lakeMetric {
	return lakeMetric{prometheus.NewDesc("lakegate_lake_"+name, help, nil, nil), kind, value}
}

var lakeMetrics = []lakeMetric{
	lakeMetricOf("accepted_total", "Facts in the log.", prometheus.CounterValue, func(s tablewriter.Stats) float64 { return float64(s.Accepted) }),
	lakeMetricOf("landed_total", "Rows committed to tables.", prometheus.CounterValue, func(s tablewriter.Stats) float64 { return float64(s.Landed) }),
	lakeMetricOf("losses_total", "Facts and rows that could not be kept.", prometheus.CounterValue, func(s tablewriter.Stats) float64 { return float64(s.Losses) }),
	lakeMetricOf("shed_payloads_total", "Payloads whose bodies were left out for want of room.", prometheus.CounterValue, func(s tablewriter.Stats) float64 { return float64(s.Shed) }),
	lakeMetricOf("log_holes", "Times that the log lost records to a power cut or to damage that was repaired.", prometheus.GaugeValue, func(s tablewriter.Stats) float64 { return float64(s.Holes) }),
	lakeMetricOf("log_lost_records", "Records that are known to be gone so; a power cut may have taken more.", prometheus.GaugeValue, func(s tablewriter.Stats) float64 { return float64(s.LostRecords) }),
	lakeMetricOf("flush_errors_total", "Landings that left rows in the log.", prometheus.CounterValue, func(s tablewriter.Stats) float64 { return float64(s.FlushErrors) }),
	lakeMetricOf("open_requests", "Requests admitted and not finished.", prometheus.GaugeValue, func(s tablewriter.Stats) float64 { return float64(s.Open) }),
	lakeMetricOf("unlanded_bytes", "Bytes of the log that are not in tables yet.", prometheus.GaugeValue, func(s tablewriter.Stats) float64 { return float64(s.UnlandedBytes) }),
	lakeMetricOf("log_bytes", "Bytes of the log on disk.", prometheus.GaugeValue, func(s tablewriter.Stats) float64 { return float64(s.LogBytes) }),
	lakeMetricOf("parked_records", "Records in memory because the disk is full.", prometheus.GaugeValue, func(s tablewriter.Stats) float64 { return float64(s.Parked) }),
	lakeMetricOf("stale_tables", "Tables whose newest version is not known, because the store does not answer.", prometheus.GaugeValue, func(s tablewriter.Stats) float64 { return float64(s.StaleTables) }),
	lakeMetricOf("stale_seconds", "How old what is known of the first of them is.", prometheus.GaugeValue, func(s tablewriter.Stats) float64 {
		if s.StaleSince.IsZero() {
			return 0
		}
		return time.Since(s.StaleSince).Seconds()
	}),
	lakeMetricOf("last_flush_timestamp_seconds", "When everything had landed last.", prometheus.GaugeValue, func(s tablewriter.Stats) float64 {
		if s.LastFlush.IsZero() {
			return 0
		}
		return float64(s.LastFlush.UnixMilli()) / 1000
	}),
}

// Describe implements prometheus.Collector.
func (c lakeCollector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range lakeMetrics {
		out <- m.desc
	}
}

// Collect implements prometheus.Collector.
func (c lakeCollector) Collect(out chan<- prometheus.Metric) {
	s := c.lake.Stats()
	for _, m := range lakeMetrics {
		out <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(s))
	}
}
