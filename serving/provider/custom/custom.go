// Package custom asks a server of one's own for the gateway: JSON in, JSON out.
//
// A body in OpenAI's shape goes where OpenAI's API would have it, with the entity's model: chats as
// chat completions, unless the entity's task is an agent's with the Responses API. Any other body
// (dataframe_split, dataframe_records, inputs, instances, ...) goes to the configured URL itself.
// Pure functions, safe for concurrent use.
package custom

import (
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/provider/openai"
	"github.com/lakegate/lakegate/serving/wire"
)

// Name is the provider's name in the configuration.
const Name = "custom"

var (
	opaque    = []wire.Format{wire.Opaque}
	chat      = []wire.Format{wire.OpenAIChat}
	responses = []wire.Format{wire.OpenAIResponses}
)

// New returns the provider.
func New() provider.Provider {
	p := openai.New()
	return provider.Provider{
		Formats: func(e *endpoint.Entity, op wire.Operation) []wire.Format {
			switch {
			case op == wire.OpOpaque:
				return opaque
			case op == wire.OpChat && e.Task == endpoint.AgentResponses:
				return responses
			case op == wire.OpChat:
				return chat
			default:
				return p.Formats(e, op)
			}
		},
		Build: func(a *provider.Ask) (provider.Upstream, error) {
			if a.Format != wire.Opaque {
				return p.Build(a)
			}
			return provider.Upstream{URL: a.URL(""), Header: a.NewHeader(), Body: a.Body}, nil
		},
		Capabilities: provider.Capabilities{UsageOption: true},
	}
}
