// Package databricks asks serving endpoints of a Databricks workspace for the gateway. The
// entity's model is the name of the endpoint there.
//
// Everything goes to the endpoint's invocations, whose shape is told by the body: chat,
// completions, embeddings, agents, and models of a shape of their own. The model is not in the
// body: some endpoints refuse fields that they don't know. Only the models of Anthropic and OpenAI
// that Databricks itself serves have a place for their vendor's own format. Pure functions, safe
// for concurrent use.
package databricks

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/wire"
)

// Name is the provider's name in the configuration.
const Name = "databricks-model-serving"

// New returns the provider.
func New() provider.Provider {
	return provider.Provider{Formats: formats, Build: build, Capabilities: provider.Capabilities{UsageOption: true}}
}

var (
	chat        = []wire.Format{wire.OpenAIChat}
	claude      = []wire.Format{wire.OpenAIChat, wire.AnthropicMessages}
	gpt         = []wire.Format{wire.OpenAIChat, wire.OpenAIResponses}
	responses   = []wire.Format{wire.OpenAIResponses}
	completions = []wire.Format{wire.OpenAICompletions}
	embeddings  = []wire.Format{wire.OpenAIEmbeddings}
	opaque      = []wire.Format{wire.Opaque}
)

func formats(e *endpoint.Entity, op wire.Operation) []wire.Format {
	switch {
	case op == wire.OpOpaque:
		return opaque
	case op == wire.OpChat && e.Task == endpoint.AgentResponses:
		return responses
	case op == wire.OpChat && strings.HasPrefix(e.Model, "databricks-claude-"):
		return claude
	case op == wire.OpChat && strings.HasPrefix(e.Model, "databricks-gpt-") && !strings.HasPrefix(e.Model, "databricks-gpt-oss"):
		return gpt
	case op == wire.OpChat:
		return chat
	case op == wire.OpCompletions && e.Task == endpoint.Completions:
		return completions
	case op == wire.OpEmbeddings:
		return embeddings
	default:
		return nil
	}
}

func build(a *provider.Ask) (provider.Upstream, error) {
	switch {
	case a.Format == wire.AnthropicMessages:
		h := a.NewHeader()
		a.PassOn(h, "Anthropic-Version", "Anthropic-Beta")
		return provider.Upstream{Method: a.Method, URL: a.URL("/serving-endpoints/anthropic/v1/messages"), Header: h, Body: a.Body}, nil
	case a.Format == wire.OpenAIResponses && a.Entity.Task != endpoint.AgentResponses:
		return provider.Upstream{Method: a.Method, URL: a.URL("/serving-endpoints/responses"), Header: a.NewHeader(), Body: a.Body}, nil
	default:
		return invocations(a)
	}
}

func invocations(a *provider.Ask) (provider.Upstream, error) {
	if a.Suffix != "" {
		return provider.Upstream{}, fmt.Errorf("a serving endpoint of Databricks has nothing at %q", a.Suffix)
	}
	body := a.Body
	if a.Format != wire.Opaque {
		var err error
		if body, err = a.WithoutModel(); err != nil {
			return provider.Upstream{}, err
		}
	}
	u := a.URL("/serving-endpoints/" + a.Entity.Model + "/invocations")
	u.RawPath = a.Entity.BaseURL.EscapedPath() + "/serving-endpoints/" + url.PathEscape(a.Entity.Model) + "/invocations"
	return provider.Upstream{URL: u, Header: a.NewHeader(), Body: body}, nil
}
