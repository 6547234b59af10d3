// Package openai asks OpenAI's API, or any that is compatible with it, for the gateway.
//
// The body goes out as the client sent it but for the model, lakegate's own fields, and the
// option for usage in streams. Pure functions, safe for concurrent use.
package openai

import (
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/wire/openai"
)

// Name is the provider's name in the configuration.
const Name = "openai"

// New returns the provider.
func New() provider.Provider {
	return provider.Provider{Build: build, Capabilities: provider.Capabilities{UsageOption: true}}
}

func build(a provider.Ask) provider.Upstream {
	h := a.Header()
	if a.Entity.Organization != "" {
		h["Openai-Organization"] = []string{a.Entity.Organization}
	}
	return provider.Upstream{
		URL:    a.URL(),
		Header: h,
		Body:   a.Request.Upstream(openai.Change{Model: a.Entity.Model, AskUsage: a.AskUsage}),
	}
}
