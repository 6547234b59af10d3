package telemetry

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// queue holds ended spans until a goroutine of its own has sent them. It is what the SDK's batch
// processor is, but counts what is lost.
type queue struct {
	config Config
	to     sdktrace.SpanExporter
	logger *slog.Logger

	spans   chan sdktrace.ReadOnlySpan
	stop    chan struct{}
	once    sync.Once
	ended   chan struct{}
	sent    atomic.Int64
	dropped atomic.Int64
	away    bool // the last request failed; known to the goroutine alone
}

func newQueue(c Config, to sdktrace.SpanExporter, logger *slog.Logger) *queue {
	q := &queue{config: c, to: to, logger: logger, spans: make(chan sdktrace.ReadOnlySpan, c.Queue), stop: make(chan struct{}), ended: make(chan struct{})}
	go q.run() // ends after Shutdown
	return q
}

// OnStart implements sdktrace.SpanProcessor.
func (q *queue) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd implements sdktrace.SpanProcessor. It never waits.
func (q *queue) OnEnd(s sdktrace.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	select {
	case <-q.stop:
		q.dropped.Add(1)
	default:
		select {
		case q.spans <- s:
		default:
			q.dropped.Add(1)
		}
	}
}

func (q *queue) run() {
	defer close(q.ended)
	tick := time.NewTicker(q.config.Interval)
	defer tick.Stop()
	batch := make([]sdktrace.ReadOnlySpan, 0, q.config.Batch)
	for {
		select {
		case s := <-q.spans:
			if batch = append(batch, s); len(batch) < q.config.Batch {
				continue
			}
		case <-tick.C:
		case <-q.stop:
			q.rest(batch)
			return
		}
		q.send(batch)
		clear(batch)
		batch = batch[:0]
	}
}

// rest sends what is left, as long as the collector takes it.
func (q *queue) rest(batch []sdktrace.ReadOnlySpan) {
	for {
		for len(batch) < q.config.Batch {
			select {
			case s := <-q.spans:
				batch = append(batch, s)
				continue
			default:
			}
			break
		}
		if len(batch) == 0 {
			return
		}
		if q.send(batch); q.away {
			q.dropped.Add(int64(len(q.spans)))
			return
		}
		batch = batch[:0]
	}
}

func (q *queue) send(batch []sdktrace.ReadOnlySpan) {
	if len(batch) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), q.config.Timeout)
	defer cancel()
	err := q.to.ExportSpans(ctx, batch)
	if err != nil {
		q.dropped.Add(int64(len(batch)))
		if !q.away {
			q.logger.Warn("spans can't be sent to the collector; they are dropped and counted", "error", err)
		}
		q.away = true
		return
	}
	q.sent.Add(int64(len(batch)))
	if q.away {
		q.logger.Info("the collector takes spans again")
	}
	q.away = false
}

// Shutdown implements sdktrace.SpanProcessor.
func (q *queue) Shutdown(ctx context.Context) error {
	q.once.Do(func() { close(q.stop) })
	select {
	case <-q.ended:
		return q.to.Shutdown(ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// ForceFlush implements sdktrace.SpanProcessor: spans are sent by and by, or by Shutdown.
func (q *queue) ForceFlush(context.Context) error { return nil }

// counted counts what could not be exported, and keeps the SDK from saying so to standard error.
type counted struct {
	sdkmetric.Exporter
	failed *atomic.Int64
	logger *slog.Logger
}

func (c *counted) Export(ctx context.Context, m *metricdata.ResourceMetrics) error {
	err := c.Exporter.Export(ctx, m)
	if err != nil {
		c.failed.Add(1)
		c.logger.Debug("metrics can't be sent to the collector; the next request has them", "error", err)
	}
	return nil
}
