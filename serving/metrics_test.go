package serving_test

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/wire"
)

// catalogOf has endpoints of the given names, each with the entities a and b.
func catalogOf(t *testing.T, names ...string) *endpoint.Catalog {
	t.Helper()
	var all []*endpoint.Endpoint
	for _, name := range names {
		e := &endpoint.Endpoint{Name: name, Task: endpoint.Chat, Weights: []int{100, 0}}
		for _, s := range []string{"a", "b"} {
			e.Entities = append(e.Entities, &endpoint.Entity{
				Name: s, Model: "model-" + s, Task: endpoint.Chat, Provider: "openai", BaseURL: &url.URL{Scheme: "http", Host: "provider"},
			})
		}
		all = append(all, e)
	}
	c, err := endpoint.NewCatalog(all)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// callOf is a finished call of an entity that failed over from another.
func callOf(endpointName, id, entity string) *inference.Record {
	n, cached, first := int64(7), int64(3), time.Second
	return &inference.Record{
		Target:  inference.Target{Endpoint: endpointName, EndpointID: id, Provider: "openai", ServedEntity: entity, Model: "as the provider says " + entity},
		Outcome: inference.OK, Status: 200, Streaming: true, Latency: time.Second, TimeToFirstToken: &first,
		Usage: inference.Usage{Source: inference.UsageProvider, Input: &n, Output: &n, CachedInput: &cached, CacheWrite: &cached, Reasoning: &cached},
		Attempts: []inference.Attempt{
			{ServedEntity: "b", Provider: "openai", Status: 503, Error: "unavailable"}, {ServedEntity: entity, Provider: "openai", Status: 200},
		},
	}
}

func finish(m *serving.Metrics, r *inference.Record) {
	m.Started()
	m.Finished(r)
}

// seriesOf is every series but the process's own, a line each.
func seriesOf(t *testing.T, m *serving.Metrics) []string {
	t.Helper()
	families, err := m.Registry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range families {
		for _, s := range f.GetMetric() {
			if strings.HasPrefix(f.GetName(), "lakegate_") {
				all = append(all, f.GetName()+" "+fmt.Sprint(s.GetLabel()))
			}
		}
	}
	return all
}

// TestLabelsAreBounded floods the metrics with all that callers and providers can choose, from many
// goroutines and while the configuration changes.
func TestLabelsAreBounded(t *testing.T) {
	m := serving.NewMetrics()
	m.Configure(catalogOf(t, "chat", "code"))
	outcomes := []inference.Outcome{inference.OK, inference.Refused, inference.UpstreamError, inference.ClientGone}
	calls := func(round int) {
		for i := range 500 {
			strange := fmt.Sprintf("made-up-%d-%d", round, i)
			unknown := callOf(strange, "", "")
			unknown.Attempts, unknown.Status = nil, i
			finish(m, unknown)
			known := callOf("chat", "id", "a")
			known.Outcome, known.Streaming, known.Status = outcomes[i%len(outcomes)], i%2 == 0, i*7
			known.Attempts[0].Status = i * 11
			known.Target.Model, known.RequestedModel, known.Principal.Name, known.ErrorCode = strange, strange, strange, strange
			finish(m, known)
			finish(m, callOf("code", "id", "b"))
			finish(m, callOf("removed-"+strange, "id", strange))       // of a catalog that is no more
			finish(m, callOf("chat", "id", "removed-"+strange))        // of an entity that is no more
			m.Translated(wire.AnthropicMessages, wire.OpenAIChat, i%3) // formats are constants
			m.Unrecorded([]string{"admit", "finish", "record"}[i%3])   // as are steps
			unpriced := callOf("chat", "id", "a")
			unpriced.Cost = &inference.Cost{NanoUSD: 2_500_000_000}
			finish(m, unpriced)
			for _, name := range []string{"chat", "code", "removed-" + strange} {
				own := callOf(name, "id", "a")
				own.Purpose, own.ExtraNanoUSD = inference.PurposeCompare, own.Usage.Input
				own.Attempts[1].Action = inference.ActionRace
				finish(m, own)
				m.NotMade(name, inference.PurposeJudge, "busy")
				m.Compared(name, inference.Tie)
			}
		}
	}
	var flood sync.WaitGroup
	for round := range 4 {
		flood.Go(func() { calls(round) })
	}
	flood.Go(func() {
		for range 50 {
			m.Configure(catalogOf(t, "chat"))
			m.Configure(catalogOf(t, "chat", "code"))
		}
	})
	flood.Wait()
	calls(9) // with nothing changing
	before := seriesOf(t, m)
	calls(10)
	after := seriesOf(t, m)
	if len(after) != len(before) || len(after) > 400 {
		t.Errorf("%d series, then %d", len(before), len(after))
	}
	for _, s := range after {
		if strings.Contains(s, "made-up") || strings.Contains(s, "removed") {
			t.Errorf("somebody's text became a label: %s", s)
		}
	}
	if t.Failed() {
		return
	}
	m.Configure(catalogOf(t, "chat"))
	finish(m, callOf("code", "id", "b")) // still under way when its endpoint went
	for _, s := range seriesOf(t, m) {
		if strings.Contains(s, "code") {
			t.Errorf("of a removed endpoint: %s", s)
		}
	}
}

// TestMetricsOfACall has the numbers of one call that failed over, by kind.
func TestMetricsOfACall(t *testing.T) {
	m := serving.NewMetrics()
	m.Configure(catalogOf(t, "chat"))
	finish(m, callOf("chat", "id", "a"))
	m.Translated(wire.AnthropicMessages, wire.OpenAIChat, 2)
	err := testutil.GatherAndCompare(m.Registry(), strings.NewReader(`
# HELP lakegate_attempts_failed_total Attempts at a served entity that came to nothing; those that lost a race are not among them.
# TYPE lakegate_attempts_failed_total counter
lakegate_attempts_failed_total{endpoint="chat",provider="openai",served_entity="a"} 0
lakegate_attempts_failed_total{endpoint="chat",provider="openai",served_entity="b"} 1
# HELP lakegate_attempts_total Attempts at a served entity, by the class of the provider's status; none when no answer came.
# TYPE lakegate_attempts_total counter
lakegate_attempts_total{endpoint="chat",provider="openai",served_entity="a",status="2xx"} 1
lakegate_attempts_total{endpoint="chat",provider="openai",served_entity="b",status="5xx"} 1
# HELP lakegate_dropped_fields_total Fields of requests that the provider's format could not be told, and that were left out.
# TYPE lakegate_dropped_fields_total counter
lakegate_dropped_fields_total{from="anthropic-messages",to="openai-chat"} 2
# HELP lakegate_served_entity_info The served entities there are, with the model each is for: always 1.
# TYPE lakegate_served_entity_info gauge
lakegate_served_entity_info{endpoint="chat",model="model-a",provider="openai",served_entity="a"} 1
lakegate_served_entity_info{endpoint="chat",model="model-b",provider="openai",served_entity="b"} 1
# HELP lakegate_tokens_total Tokens as providers counted them. input includes cached_input, cache_write, input_audio, input_image and input_video; output includes reasoning, output_audio, output_image and output_video.
# TYPE lakegate_tokens_total counter
lakegate_tokens_total{endpoint="chat",kind="cache_write",provider="openai",served_entity="a"} 3
lakegate_tokens_total{endpoint="chat",kind="cached_input",provider="openai",served_entity="a"} 3
lakegate_tokens_total{endpoint="chat",kind="input",provider="openai",served_entity="a"} 7
lakegate_tokens_total{endpoint="chat",kind="output",provider="openai",served_entity="a"} 7
lakegate_tokens_total{endpoint="chat",kind="reasoning",provider="openai",served_entity="a"} 3
# HELP lakegate_translations_total Requests put from the client's format into the provider's.
# TYPE lakegate_translations_total counter
lakegate_translations_total{from="anthropic-messages",to="openai-chat"} 1
# HELP lakegate_unpriced_requests_total Calls with usage for which no price is known, and so no cost.
# TYPE lakegate_unpriced_requests_total counter
lakegate_unpriced_requests_total{endpoint="chat",provider="openai",served_entity="a"} 1
`), "lakegate_attempts_total", "lakegate_attempts_failed_total", "lakegate_dropped_fields_total", "lakegate_served_entity_info",
		"lakegate_tokens_total", "lakegate_translations_total", "lakegate_unpriced_requests_total")
	if err != nil {
		t.Error(err)
	}
}
