// Package ai21 asks AI21's API for the gateway: chat, in OpenAI's shape.
//
// Pure functions, safe for concurrent use.
package ai21

import (
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/wire"
)

// Name is the provider's name in the configuration.
const Name = "ai21labs"

var chat = []wire.Format{wire.OpenAIChat}

// New returns the provider.
func New() provider.Provider {
	return provider.Provider{
		Formats: func(_ *endpoint.Entity, op wire.Operation) []wire.Format {
			if op == wire.OpChat {
				return chat
			}
			return nil
		},
		Build: func(a *provider.Ask) (provider.Upstream, error) {
			return provider.Upstream{URL: a.URL("/chat/completions"), Header: a.NewHeader(), Body: a.Body}, nil
		},
		Capabilities: provider.Capabilities{UsageOption: true},
	}
}
