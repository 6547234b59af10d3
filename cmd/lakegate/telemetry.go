package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/serving/telemetry"
)

// openTelemetry returns nil when the file names no collector.
func openTelemetry(ctx context.Context, cfg *config.Config, logger *slog.Logger) (*telemetry.Telemetry, error) {
	if cfg.Telemetry.OTLPEndpoint == "" {
		return nil, nil
	}
	c := telemetry.DefaultConfig()
	c.Endpoint, c.Sample, c.Version = cfg.Telemetry.OTLPEndpoint, cfg.Telemetry.Sample, version
	c.Headers = map[string]string{}
	for name, value := range cfg.Telemetry.Headers {
		c.Headers[name] = value.Reveal()
	}
	return telemetry.New(ctx, c, logger)
}

// lastSpansTimeout bounds telling the collector of the last calls.
const lastSpansTimeout = 5 * time.Second

func closeTelemetry(ctx context.Context, t *telemetry.Telemetry, logger *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSpansTimeout)
	defer cancel()
	if err := t.Close(ctx); err != nil {
		logger.Warn("the collector was not told of the last calls", "error", err)
	}
}

type telemetryStats = telemetry.Stats

var telemetryMetrics = []metric[telemetryStats]{
	counter("lakegate_otel_spans_sent_total", "Spans that the OpenTelemetry collector took. Only where one is configured, as are the next two.", func(s telemetryStats) int64 { return s.Sent }),
	counter("lakegate_otel_spans_dropped_total", "Spans that were lost, because the collector was away, refused them, or was too slow.", func(s telemetryStats) int64 { return s.Dropped }),
	counter("lakegate_otel_metric_exports_failed_total", "Requests with metrics that the collector did not take; the next one has the same sums.", func(s telemetryStats) int64 { return s.FailedMetrics }),
}

func newTelemetryCollector(t *telemetry.Telemetry) prometheus.Collector {
	return collector[telemetryStats]{func() (telemetryStats, bool) {
		if t == nil {
			return telemetryStats{}, false
		}
		return t.Stats(), true
	}, telemetryMetrics}
}
