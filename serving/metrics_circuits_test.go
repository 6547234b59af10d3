package serving_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/lakegate/lakegate/serving"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/health"
)

func TestCircuitsInMetrics(t *testing.T) {
	c := serving.NewCircuitCollector(func() []gateway.Circuit {
		return []gateway.Circuit{{Endpoint: "chat", Provider: "openai", Entity: "gpt", State: health.Open, Changes: [3]int64{1, 2, 3}, Opened: [3]int64{0, 2, 1}}}
	})
	want := `
# HELP lakegate_circuit_changes_total How often a served entity's circuit breaker entered a state.
# TYPE lakegate_circuit_changes_total counter
lakegate_circuit_changes_total{endpoint="chat",provider="openai",served_entity="gpt",state="closed"} 1
lakegate_circuit_changes_total{endpoint="chat",provider="openai",served_entity="gpt",state="half_open"} 2
lakegate_circuit_changes_total{endpoint="chat",provider="openai",served_entity="gpt",state="open"} 3
# HELP lakegate_circuit_opened_total How often a served entity's circuit breaker opened, by what opened it: failure_share, consecutive_failures, or probe (the call that was to show whether it may close).
# TYPE lakegate_circuit_opened_total counter
lakegate_circuit_opened_total{by="consecutive_failures",endpoint="chat",provider="openai",served_entity="gpt"} 2
lakegate_circuit_opened_total{by="failure_share",endpoint="chat",provider="openai",served_entity="gpt"} 0
lakegate_circuit_opened_total{by="probe",endpoint="chat",provider="openai",served_entity="gpt"} 1
# HELP lakegate_circuit_state The state of a served entity's circuit breaker: 1 for the state it is in, closed, half_open or open, and 0 for the others.
# TYPE lakegate_circuit_state gauge
lakegate_circuit_state{endpoint="chat",provider="openai",served_entity="gpt",state="closed"} 0
lakegate_circuit_state{endpoint="chat",provider="openai",served_entity="gpt",state="half_open"} 0
lakegate_circuit_state{endpoint="chat",provider="openai",served_entity="gpt",state="open"} 1
`
	if err := testutil.CollectAndCompare(c, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}
