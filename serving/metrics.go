package serving

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire"
)

// Metrics counts calls for Prometheus. It is the gateway's Meter. Labels take values of the
// configuration only, so nobody can make series by asking for names, and the series of what a
// reload takes away go with it: see Configure.
type Metrics struct {
	registry *prometheus.Registry

	requests     *prometheus.CounterVec
	duration     *prometheus.HistogramVec
	firstToken   *prometheus.HistogramVec
	tokens       *prometheus.CounterVec
	cost         *prometheus.CounterVec
	unpriced     *prometheus.CounterVec
	attempts     *prometheus.CounterVec
	failed       *prometheus.CounterVec
	translations *prometheus.CounterVec
	dropped      *prometheus.CounterVec
	unrecorded   *prometheus.CounterVec
	inFlight     prometheus.Gauge
	info         *prometheus.GaugeVec
	cached       *prometheus.CounterVec
	saved        *prometheus.CounterVec
	races        *prometheus.CounterVec
	extra        *prometheus.CounterVec
	own          *prometheus.CounterVec
	notMade      *prometheus.CounterVec
	compared     *prometheus.CounterVec

	served sync.Map              // target to *series
	tried  sync.Map              // attempt to *tries
	known  atomic.Pointer[known] // nil before Configure: every endpoint with an ID is
	mu     sync.Mutex            // held to make series, and to take them away
}

// callSeconds are the buckets of everything that waits for a model: embeddings take tens of
// milliseconds, reasoning minutes.
var callSeconds = []float64{.01, .025, .05, .1, .2, .35, .5, .75, 1, 1.5, 2, 3, 5, 8, 12, 20, 30, 60, 120, 300, 600}

// seconds makes a histogram in classic buckets, and in native ones for who scrapes those.
func seconds(name, help string) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: callSeconds,
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160, NativeHistogramMinResetDuration: time.Hour,
	}
}

// NewMetrics returns fresh metrics, with those of the process.
func NewMetrics() *Metrics {
	answered := []string{"endpoint", "provider", "served_entity"}
	with := func(more ...string) []string { return append(answered[:3:3], more...) }
	count := func(name, help string, labels []string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &Metrics{
		registry:     prometheus.NewRegistry(),
		requests:     count("lakegate_requests_total", "Calls, by how they ended. status is the class of what the client got: 2xx, 4xx, 5xx, or none.", with("outcome", "status")),
		duration:     prometheus.NewHistogramVec(seconds("lakegate_request_duration_seconds", "From receipt to the record's going out, just before the answer's last byte."), with("streaming")),
		firstToken:   prometheus.NewHistogramVec(seconds("lakegate_time_to_first_token_seconds", "From receipt to the first text of a streamed answer."), answered),
		tokens:       count("lakegate_tokens_total", "Tokens as providers counted them. input includes cached_input, cache_write, input_audio, input_image and input_video; output includes reasoning, output_audio, output_image and output_video.", with("kind")),
		cost:         count("lakegate_cost_usd_total", "Dollars of the calls that have a cost, by the prices in force, as a float. The exact figure is in system.serving.endpoint_usage.", answered),
		unpriced:     count("lakegate_unpriced_requests_total", "Calls with usage for which no price is known, and so no cost.", answered),
		attempts:     count("lakegate_attempts_total", "Attempts at a served entity, by the class of the provider's status; none when no answer came.", with("status")),
		failed:       count("lakegate_attempts_failed_total", "Attempts at a served entity that came to nothing; those that lost a race are not among them.", answered),
		translations: count("lakegate_translations_total", "Requests put from the client's format into the provider's.", []string{"from", "to"}),
		dropped:      count("lakegate_dropped_fields_total", "Fields of requests that the provider's format could not be told, and that were left out.", []string{"from", "to"}),
		unrecorded:   count("lakegate_unrecorded_total", "Records that could not be written, by step: admit (the call was refused), finish (the row comes late, or says crashed), record (a refused call whose row comes late or never), comparison (what a judge said is lost).", []string{"step"}),
		inFlight:     prometheus.NewGauge(prometheus.GaugeOpts{Name: "lakegate_requests_in_flight", Help: "Calls under way."}),
		info:         prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "lakegate_served_entity_info", Help: "The served entities there are, with the model each is for: always 1."}, with("model")),
		cached:       count("lakegate_response_cache_total", "Calls that asked the response cache, by result: hit or miss.", []string{"endpoint", "result"}),
		saved:        count("lakegate_response_cache_saved_usd_total", "Dollars that the answers given from the response cache cost when they were made, as a float.", []string{"endpoint"}),
		races:        count("lakegate_races_total", "Calls that several targets were asked for at once, by the one that answered; without a name when none did.", answered),
		extra:        count("lakegate_extra_cost_usd_total", "Dollars of attempts whose answer no client got, such as those that lost a race, partly estimated, as a float. They are in lakegate_cost_usd_total too.", []string{"endpoint"}),
		own:          count("lakegate_own_calls_total", "Calls that lakegate made by itself, beside a client's, by purpose: shadow, compare or judge. They are not among lakegate_requests_total; their tokens, cost and attempts count like any.", []string{"endpoint", "purpose", "outcome"}),
		notMade:      count("lakegate_own_calls_not_made_total", "Calls that lakegate would have made by itself and did not, by the reason: busy (too many were under way), circuit (the target's was open) or large (an answer too long to compare).", []string{"endpoint", "purpose", "reason"}),
	}
	m.compared = count("lakegate_comparisons_total", "Requests whose answer was compared with another's, by what the judge said: baseline, challenger, tie or none.", []string{"endpoint", "winner"})
	m.registry.MustRegister(m.requests, m.duration, m.firstToken, m.tokens, m.cost, m.unpriced, m.attempts, m.failed,
		m.translations, m.dropped, m.unrecorded, m.inFlight, m.info, m.cached, m.saved, m.races, m.extra, m.own, m.notMade, m.compared,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, step := range []string{"admit", "finish", "record", "comparison"} {
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

// Translated implements gateway.Meter.
func (m *Metrics) Translated(from, to wire.Format, dropped int) {
	m.translations.WithLabelValues(string(from), string(to)).Inc()
	if dropped > 0 {
		m.dropped.WithLabelValues(string(from), string(to)).Add(float64(dropped))
	}
}

// Finished implements gateway.Meter.
func (m *Metrics) Finished(r *inference.Record) {
	m.inFlight.Dec()
	s := m.series(r)
	if r.Purpose != "" {
		m.ownCall(r)
	} else {
		s.requests.Inc()
		s.duration.Observe(r.Latency.Seconds())
		if r.TimeToFirstToken != nil {
			s.firstToken.Observe(r.TimeToFirstToken.Seconds())
		}
	}
	m.count(s, &r.Usage)
	switch {
	case r.Cost != nil:
		s.cost.Add(float64(r.Cost.NanoUSD) / 1e9)
	case r.Usage.Source == inference.UsageProvider || r.Usage.Source == inference.UsagePartial:
		s.unpriced.Inc()
	}
	if r.Cache != nil {
		m.cacheUse(r)
	}
	if r.ExtraNanoUSD != nil {
		m.extraCost(r)
	}
	raced := false
	for i := range r.Attempts {
		a := &r.Attempts[i]
		t := m.tries(r, a)
		t.all.Inc()
		if a.Error != "" && a.Error != inference.Outrun {
			t.failed.Inc()
		}
		raced = raced || a.Action == inference.ActionRace
	}
	if raced {
		m.race(r)
	}
}
