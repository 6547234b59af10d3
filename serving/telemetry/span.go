package telemetry

import (
	"context"
	"net/http"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/semconv/v1.41.0/genaiconv"
	"go.opentelemetry.io/otel/trace"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/gateway"
)

// span is a gateway.Span.
type span struct {
	t    *Telemetry
	ctx  context.Context
	span trace.Span

	mu      sync.Mutex
	reasons []string // of the attempt under way
}

// Start implements gateway.Tracer.
func (t *Telemetry) Start(c *gateway.Call) gateway.Span {
	ctx := context.Background()
	if c.TraceParent != "" {
		ctx = propagator.Extract(ctx, carrier{c.TraceParent, c.TraceState})
	}
	s := &span{t: t}
	s.ctx, s.span = t.tracer.Start(ctx, "chat", trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(c.Received))
	return s
}

// carrier has a caller's headers for the propagator.
type carrier struct{ parent, state string }

func (c carrier) Get(key string) string {
	switch key {
	case "traceparent":
		return c.parent
	case "tracestate":
		return c.state
	}
	return ""
}

func (carrier) Set(string, string) {}

func (carrier) Keys() []string { return []string{"traceparent", "tracestate"} }

// Inject implements gateway.Span. What an attempt before has said is not the answer.
func (s *span) Inject(h http.Header) {
	propagator.Inject(s.ctx, propagation.HeaderCarrier(h))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reasons = nil
}

// Saw implements gateway.Span.
func (s *span) Saw(data []byte) {
	if s.span.IsRecording() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.reasons = finishReasons(s.reasons, data)
	}
}

// End implements gateway.Span.
func (s *span) End(r *inference.Record) {
	op, provider, model := operation(r.Target.Task), providerName(r.Target.Provider), modelOf(r)
	if len(r.Attempts) > 0 {
		s.measure(r, op, provider, model)
	}
	defer s.span.End(trace.WithTimestamp(r.Time.Add(r.Latency)))
	if !s.span.IsRecording() {
		return
	}
	s.span.SetName(strings.TrimSpace(string(op) + " " + model))
	s.span.SetAttributes(s.attributes(r, op, provider, model)...)
	for i := range r.Attempts {
		if a := &r.Attempts[i]; a.Error != "" && a.Error != inference.Outrun {
			s.span.AddEvent("lakegate.attempt_failed", trace.WithAttributes(
				attribute.String("lakegate.served_entity", a.ServedEntity), attribute.String("gen_ai.provider.name", string(providerName(a.Provider))),
				attribute.Int("http.response.status_code", a.Status)))
		}
	}
	if r.Outcome != inference.OK {
		s.span.SetStatus(codes.Error, string(r.Outcome))
	}
}

// modelOf is the model that was asked for: as the configuration has it, since callers may write anything.
func modelOf(r *inference.Record) string {
	if a := r.Answered(); a != nil {
		return a.Model
	}
	return ""
}

func (s *span) attributes(r *inference.Record, op genaiconv.OperationNameAttr, provider genaiconv.ProviderNameAttr, model string) []attribute.KeyValue {
	all := make([]attribute.KeyValue, 0, 24)
	add := func(a attribute.KeyValue) { all = append(all, a) }
	count := func(key string, n *int64) {
		if n != nil {
			add(attribute.Int64(key, *n))
		}
	}
	add(attribute.String("gen_ai.operation.name", string(op)))
	add(attribute.String("lakegate.request_id", r.ID.String()))
	add(attribute.String("lakegate.api_type", r.APIType))
	add(attribute.Bool("gen_ai.request.stream", r.Streaming))
	if r.Target.EndpointID != "" {
		add(attribute.String("lakegate.endpoint", r.Target.Endpoint))
	}
	if len(r.Attempts) > 0 {
		add(attribute.String("gen_ai.provider.name", string(provider)))
		add(attribute.String("gen_ai.request.model", model))
		add(attribute.String("lakegate.served_entity", r.Target.ServedEntity))
		if r.Answered().Error == "" {
			add(attribute.String("gen_ai.response.model", r.Target.Model))
		}
	}
	if r.Purpose != "" {
		add(attribute.String("lakegate.purpose", r.Purpose))
	}
	if r.Cache != nil && r.Cache.Hit {
		add(attribute.Bool("lakegate.cache_hit", true))
	}
	if r.Status > 0 {
		add(attribute.Int("http.response.status_code", r.Status))
	}
	if r.Outcome != inference.OK {
		add(attribute.String("error.type", string(r.Outcome)))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.reasons) > 0 {
		add(attribute.StringSlice("gen_ai.response.finish_reasons", s.reasons))
	}
	if r.TimeToFirstToken != nil {
		add(attribute.Float64("gen_ai.response.time_to_first_chunk", r.TimeToFirstToken.Seconds()))
	}
	if r.Cost != nil {
		add(attribute.Float64("lakegate.cost_usd", float64(r.Cost.NanoUSD)/1e9))
	}
	u := &r.Usage
	count("gen_ai.usage.input_tokens", u.Input)
	count("gen_ai.usage.output_tokens", u.Output)
	count("gen_ai.usage.cache_read.input_tokens", u.CachedInput)
	count("gen_ai.usage.cache_creation.input_tokens", u.CacheWrite)
	count("gen_ai.usage.reasoning.output_tokens", u.Reasoning)
	return all
}

// measure adds a call that was tried to the metrics.
func (s *span) measure(r *inference.Record, op genaiconv.OperationNameAttr, provider genaiconv.ProviderNameAttr, model string) {
	labels := make([]attribute.KeyValue, 0, 3)
	labels = append(labels, attribute.String("gen_ai.request.model", model), attribute.String("lakegate.endpoint", r.Target.Endpoint))
	if u := &r.Usage; u.Input != nil {
		s.t.tokens.Record(s.ctx, *u.Input, op, provider, genaiconv.TokenTypeInput, labels...)
	}
	if u := &r.Usage; u.Output != nil {
		s.t.tokens.Record(s.ctx, *u.Output, op, provider, genaiconv.TokenTypeOutput, labels...)
	}
	if r.Outcome != inference.OK {
		labels = append(labels, attribute.String("error.type", string(r.Outcome)))
	}
	s.t.duration.Record(s.ctx, r.Latency.Seconds(), op, provider, labels...)
}

// operation is the conventions' word for a task.
func operation(task string) genaiconv.OperationNameAttr {
	switch {
	case strings.HasSuffix(task, "completions"):
		return genaiconv.OperationNameTextCompletion
	case strings.HasSuffix(task, "embeddings"):
		return genaiconv.OperationNameEmbeddings
	}
	return genaiconv.OperationNameChat
}

// providerName is the conventions' word for a provider; where they have none, lakegate's own.
func providerName(p string) genaiconv.ProviderNameAttr {
	if name, ok := providerNames[p]; ok {
		return name
	}
	return genaiconv.ProviderNameAttr(p)
}

var providerNames = map[string]genaiconv.ProviderNameAttr{
	"amazon-bedrock":         genaiconv.ProviderNameAWSBedrock,
	"google-cloud-vertex-ai": genaiconv.ProviderNameGCPVertexAI,
	"google-gemini":          genaiconv.ProviderNameGCPGemini,
	"mistral":                genaiconv.ProviderNameMistralAI,
	"xai":                    genaiconv.ProviderNameXAI,
}
