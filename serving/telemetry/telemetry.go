// Package telemetry tells an OpenTelemetry collector of each call: a span and two metrics, named by the
// semantic conventions for generative AI (v1.41.0), sent by OTLP over HTTP.
//
// Telemetry is a gateway.Tracer. A call is one span, chat MODEL, of the kind client. A caller's traceparent is its
// parent, and providers get the span's own. No prompt, no answer, no tag and nobody's name is in any of it:
// the attributes are words of the configuration, of this package, and numbers.
//
// It never waits for the collector. Spans go into a queue of Config.Queue places, which one goroutine empties;
// what finds it full, and what the collector refuses or does not answer, is lost and counted by Stats. Metrics are
// sums that the next export has as well. Close sends what is there, within its context. All methods are
// safe for concurrent use; a Span is its call's alone.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/semconv/v1.41.0/genaiconv"
	"go.opentelemetry.io/otel/trace"
)

// Config says where to, and how much.
type Config struct {
	Endpoint string            // base URL of the collector; /v1/traces and /v1/metrics follow
	Headers  map[string]string // of each request to it, such as its key
	Sample   float64           // share of the calls that get a span, 0 to 1, where the caller has not decided
	Version  string            // of this program

	Queue    int           // spans that may wait
	Batch    int           // spans of a request
	Interval time.Duration // between two requests with spans, when a batch is not full before
	Metrics  time.Duration // between two requests with metrics
	Timeout  time.Duration // of a request
}

// DefaultConfig has everything but Endpoint.
func DefaultConfig() Config {
	return Config{Sample: 1, Queue: 4096, Batch: 512, Interval: 2 * time.Second, Metrics: 30 * time.Second, Timeout: 10 * time.Second}
}

// Validate returns every fault of the configuration.
func (c Config) Validate() error {
	var faults []error
	if u, err := url.Parse(c.Endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		faults = append(faults, fmt.Errorf("telemetry: endpoint %q: want http://HOST:4318 or https://HOST", c.Endpoint))
	}
	if !(c.Sample >= 0 && c.Sample <= 1) {
		faults = append(faults, fmt.Errorf("telemetry: sample %v is not between 0 and 1", c.Sample))
	}
	if c.Queue < 1 || c.Batch < 1 || c.Interval <= 0 || c.Metrics <= 0 || c.Timeout <= 0 {
		faults = append(faults, errors.New("telemetry: queue, batch and times must be above zero"))
	}
	return errors.Join(faults...)
}

// Telemetry sends spans and metrics. Close ends it.
type Telemetry struct {
	tracer trace.Tracer
	spans  *sdktrace.TracerProvider
	meters *sdkmetric.MeterProvider
	queue  *queue

	tokens   genaiconv.ClientTokenUsage
	duration genaiconv.ClientOperationDuration
	failed   atomic.Int64 // exports of metrics
	closing  sync.Once
}

// Stats is what became of it.
type Stats struct {
	Sent, Dropped int64 // spans
	FailedMetrics int64 // requests with metrics that failed; the next one has the sums
}

// New starts sending. It does not wait for the collector to be there.
func New(ctx context.Context, c Config, logger *slog.Logger) (*Telemetry, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	base := strings.TrimRight(c.Endpoint, "/")
	headers := c.Headers
	if headers == nil {
		headers = map[string]string{}
	}
	toTraces, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(base+"/v1/traces"), otlptracehttp.WithHeaders(headers),
		otlptracehttp.WithTimeout(c.Timeout), otlptracehttp.WithRetry(otlptracehttp.RetryConfig{}))
	if err != nil {
		return nil, fmt.Errorf("telemetry: traces: %w", err)
	}
	toMetrics, err := otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpointURL(base+"/v1/metrics"), otlpmetrichttp.WithHeaders(headers),
		otlpmetrichttp.WithTimeout(c.Timeout), otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{}))
	if err != nil {
		return nil, fmt.Errorf("telemetry: metrics: %w", err)
	}
	return newTelemetry(c, toTraces, toMetrics, logger)
}

func newTelemetry(c Config, toTraces sdktrace.SpanExporter, toMetrics sdkmetric.Exporter, logger *slog.Logger) (*Telemetry, error) {
	t := &Telemetry{queue: newQueue(c, toTraces, logger)}
	who := resource.NewSchemaless(attribute.String("service.name", "lakegate"), attribute.String("service.version", c.Version))
	t.spans = sdktrace.NewTracerProvider(sdktrace.WithResource(who), sdktrace.WithSpanProcessor(t.queue),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(c.Sample))))
	reader := sdkmetric.NewPeriodicReader(&counted{toMetrics, &t.failed, logger}, sdkmetric.WithInterval(c.Metrics), sdkmetric.WithTimeout(c.Timeout))
	t.meters = sdkmetric.NewMeterProvider(sdkmetric.WithResource(who), sdkmetric.WithReader(reader), sdkmetric.WithView(buckets...))
	const scope = "github.com/lakegate/lakegate/serving"
	t.tracer = t.spans.Tracer(scope)
	meter := t.meters.Meter(scope)
	var errs [2]error
	t.tokens, errs[0] = genaiconv.NewClientTokenUsage(meter)
	t.duration, errs[1] = genaiconv.NewClientOperationDuration(meter)
	return t, errors.Join(errs[:]...)
}

// buckets are those that the conventions ask for.
var buckets = []sdkmetric.View{
	histogram("gen_ai.client.token.usage", 1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864),
	histogram("gen_ai.client.operation.duration", .01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92),
}

func histogram(name string, bounds ...float64) sdkmetric.View {
	return sdkmetric.NewView(sdkmetric.Instrument{Name: name}, sdkmetric.Stream{Aggregation: sdkmetric.AggregationExplicitBucketHistogram{Boundaries: bounds}})
}

// Stats returns the counts so far.
func (t *Telemetry) Stats() Stats {
	return Stats{Sent: t.queue.sent.Load(), Dropped: t.queue.dropped.Load(), FailedMetrics: t.failed.Load()}
}

// Close sends what is there and ends. It is safe twice; the second does nothing.
func (t *Telemetry) Close(ctx context.Context) (err error) {
	t.closing.Do(func() { err = errors.Join(t.spans.Shutdown(ctx), t.meters.Shutdown(ctx)) })
	return err
}

// propagator reads and writes traceparent and tracestate. Baggage is not passed on: it may say anything.
var propagator = propagation.TraceContext{}
