package serving_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/lakegate/lakegate/serving"
	"github.com/lakegate/lakegate/serving/gateway"
)

func TestLoadInMetrics(t *testing.T) {
	c := serving.NewLoadCollector(func() []gateway.Load {
		return []gateway.Load{
			{Endpoint: "chat", Provider: "openai", Entity: "gpt", InFlight: 3, FirstToken: 210 * time.Millisecond, Whole: 2 * time.Second, Output: 0},
			{Endpoint: "chat", Provider: "openai", Entity: "new", Output: -1},
		}
	})
	want := `
# HELP lakegate_entity_in_flight Attempts at a served entity that are under way.
# TYPE lakegate_entity_in_flight gauge
lakegate_entity_in_flight{endpoint="chat",provider="openai",served_entity="gpt"} 3
lakegate_entity_in_flight{endpoint="chat",provider="openai",served_entity="new"} 0
# HELP lakegate_entity_latency_seconds The moving average that strategy lowest_latency goes by: first_token of streams until their first token, whole of whole answers. Failures count as slow. Absent until it was measured.
# TYPE lakegate_entity_latency_seconds gauge
lakegate_entity_latency_seconds{endpoint="chat",kind="first_token",provider="openai",served_entity="gpt"} 0.21
lakegate_entity_latency_seconds{endpoint="chat",kind="whole",provider="openai",served_entity="gpt"} 2
# HELP lakegate_entity_output_tokens The moving average of the tokens of a served entity's answers, which strategy lowest_cost goes by. Absent until there was an answer.
# TYPE lakegate_entity_output_tokens gauge
lakegate_entity_output_tokens{endpoint="chat",provider="openai",served_entity="gpt"} 0
`
	if err := testutil.CollectAndCompare(c, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}
