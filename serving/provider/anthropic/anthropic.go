// Package anthropic asks Anthropic's API for the gateway.
//
// The body goes out as it is. Which version of the API, and which betas, the client chooses; who
// names no version gets the one that all of Anthropic's SDKs ask for. Pure functions, safe for
// concurrent use.
package anthropic

import (
	"fmt"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/wire"
)

// Name is the provider's name in the configuration.
const Name = "anthropic"

// New returns the provider.
func New() provider.Provider { return provider.Provider{Formats: formats, Build: build} }

var (
	speaks = map[wire.Operation][]wire.Format{
		wire.OpChat:  {wire.AnthropicMessages},
		wire.OpCount: {wire.AnthropicCount},
	}
	paths = map[wire.Format]string{
		wire.AnthropicMessages: "/v1/messages",
		wire.AnthropicCount:    "/v1/messages/count_tokens",
	}
	usualVersion = []string{"2023-06-01"}
)

func formats(_ *endpoint.Entity, op wire.Operation) []wire.Format { return speaks[op] }

func build(a *provider.Ask) (provider.Upstream, error) {
	path := paths[a.Format]
	if path == "" {
		return provider.Upstream{}, fmt.Errorf("no path for %q in the API of Anthropic", a.Format)
	}
	h := a.NewHeader()
	h["Anthropic-Version"] = usualVersion
	a.PassOn(h, "Anthropic-Version", "Anthropic-Beta")
	return provider.Upstream{Method: a.Method, URL: a.URL(path), Header: h, Body: a.Body}, nil
}
