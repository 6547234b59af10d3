package serving

import (
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/lakegate/lakegate/internal/inference"
)

// Metrics counts calls for Prometheus. It is the gateway's Meter. Labels take values of the
// configuration only, so nobody can make series by asking for names.
type Metrics struct {
	registry *prometheus.Registry

	requests   *prometheus.CounterVec
	duration   *prometheus.HistogramVec
	firstToken *prometheus.HistogramVec
	tokens     *prometheus.CounterVec
	cost       *prometheus.CounterVec
	attempts   *prometheus.CounterVec
	unrecorded *prometheus.CounterVec
	inFlight   prometheus.Gauge

	served sync.Map // target to *series
}

// target is what series are about.
type target struct {
	endpoint, provider, entity string
	outcome                    inference.Outcome
	class                      int // of the status: 2 for 2xx
	streaming                  bool
}

// series are the ones a call of a target counts in, found once.
type series struct {
	requests                            prometheus.Counter
	duration, firstToken                prometheus.Observer
	input, output, cachedInput, reasons prometheus.Counter
	cost                                prometheus.Counter
}

// NewMetrics returns fresh metrics, with those of the process.
func NewMetrics() *Metrics {
	answered := []string{"endpoint", "provider", "served_entity"}
	seconds := []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lakegate_requests_total", Help: "Calls, by how they ended.",
		}, append(answered, "outcome", "status")),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "lakegate_request_duration_seconds", Help: "From receipt to the record's going out, just before the answer's last byte.", Buckets: seconds,
		}, []string{"endpoint", "streaming"}),
		firstToken: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "lakegate_time_to_first_token_seconds", Help: "From receipt to the first text of a streamed answer.", Buckets: seconds,
		}, []string{"endpoint"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lakegate_tokens_total", Help: "Tokens as providers counted them. cached_input is part of input, reasoning of output.",
		}, append(answered, "kind")),
		cost: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lakegate_cost_usd_total", Help: "Cost of the calls that have one, by the price list in force. The exact figure is in system.serving.endpoint_usage.",
		}, answered),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lakegate_attempts_failed_total", Help: "Attempts at a served entity that came to nothing.",
		}, answered),
		unrecorded: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lakegate_unrecorded_total", Help: "Records that could not be written, by step: admit (the call was refused), finish (the row comes late, or says crashed), record (a refused call whose row comes late or never).",
		}, []string{"step"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "lakegate_requests_in_flight", Help: "Calls under way."}),
	}
	m.registry.MustRegister(m.requests, m.duration, m.firstToken, m.tokens, m.cost, m.attempts, m.unrecorded, m.inFlight,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, step := range []string{"admit", "finish", "record"} {
		m.unrecorded.WithLabelValues(step) // zero is worth showing
	}
	return m
}

// Registry returns where others register collectors of their own.
func (m *Metrics) Registry() *prometheus.Registry { return m.registry }

// Handler returns the handler of /metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Started implements gateway.Meter.
func (m *Metrics) Started() { m.inFlight.Inc() }

// Unrecorded implements gateway.Meter.
func (m *Metrics) Unrecorded(step string) { m.unrecorded.WithLabelValues(step).Inc() }

// Finished implements gateway.Meter.
func (m *Metrics) Finished(r *inference.Record) {
	m.inFlight.Dec()
	s := m.series(r)
	s.requests.Inc()
	s.duration.Observe(r.Latency.Seconds())
	if r.TimeToFirstToken != nil {
		s.firstToken.Observe(r.TimeToFirstToken.Seconds())
	}
	add(s.input, r.Usage.Input)
	add(s.output, r.Usage.Output)
	add(s.cachedInput, r.Usage.CachedInput)
	add(s.reasons, r.Usage.Reasoning)
	if r.Cost != nil {
		s.cost.Add(float64(r.Cost.NanoUSD) / 1e9)
	}
	for i := range r.Attempts {
		if a := &r.Attempts[i]; a.Error != "" {
			m.attempts.WithLabelValues(r.Target.Endpoint, a.Provider, a.ServedEntity).Inc()
		}
	}
}

func add(c prometheus.Counter, n *int64) {
	if n != nil {
		c.Add(float64(*n))
	}
}

func (m *Metrics) series(r *inference.Record) *series {
	t := target{
		endpoint: r.Target.Endpoint, provider: r.Target.Provider, entity: r.Target.ServedEntity,
		outcome: r.Outcome, class: r.Status / 100, streaming: r.Streaming,
	}
	if r.Target.EndpointID == "" {
		t.endpoint = "" // unknown, or not asked for: the name is the caller's own
	}
	if s, ok := m.served.Load(t); ok {
		return s.(*series)
	}
	status := "none"
	if t.class > 0 {
		status = string(rune('0'+t.class)) + "xx"
	}
	tokens := func(kind string) prometheus.Counter {
		return m.tokens.WithLabelValues(t.endpoint, t.provider, t.entity, kind)
	}
	streaming := "false"
	if t.streaming {
		streaming = "true"
	}
	s := &series{
		requests:   m.requests.WithLabelValues(t.endpoint, t.provider, t.entity, string(t.outcome), status),
		duration:   m.duration.WithLabelValues(t.endpoint, streaming),
		firstToken: m.firstToken.WithLabelValues(t.endpoint),
		input:      tokens("input"), output: tokens("output"), cachedInput: tokens("cached_input"), reasons: tokens("reasoning"),
		cost: m.cost.WithLabelValues(t.endpoint, t.provider, t.entity),
	}
	m.served.Store(t, s)
	return s
}
