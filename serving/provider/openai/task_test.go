package openai

import (
	"slices"
	"testing"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/wire"
)

// TestResponsesOnly: a model of the task agent/v1/responses is not asked in another API, and one of
// a provider that does not have that API is asked as usual.
func TestResponsesOnly(t *testing.T) {
	agent := &endpoint.Entity{Task: endpoint.AgentResponses}
	for name, want := range map[string][]wire.Format{
		"xai":        {wire.OpenAIResponses},
		"openrouter": {wire.OpenAIResponses},
		"mistral":    {wire.OpenAIChat},
	} {
		if got := Presets()[name].Formats(agent, wire.OpChat); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	p := Presets()["xai"]
	if got := p.Formats(&endpoint.Entity{Task: endpoint.Chat}, wire.OpChat); !slices.Contains(got, wire.OpenAIChat) {
		t.Errorf("a chat model: %v", got)
	}
}
