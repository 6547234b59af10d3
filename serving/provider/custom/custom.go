// Package custom asks a server of one's own for the gateway: JSON in, JSON out.
//
// A body in OpenAI's shape (messages, prompt or input) goes where OpenAI's API would have it, with
// the entity's model. Any other (dataframe_split, dataframe_records, inputs, instances, ...) goes
// to the configured URL itself, and only lakegate's own fields are taken out of it. Pure functions,
// safe for concurrent use.
package custom

import (
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/wire/openai"
)

// Name is the provider's name in the configuration.
const Name = "custom"

// New returns the provider.
func New() provider.Provider {
	return provider.Provider{Build: build, Capabilities: provider.Capabilities{UsageOption: true}}
}

func build(a provider.Ask) provider.Upstream {
	u := provider.Upstream{URL: a.Entity.BaseURL, Header: a.Header()}
	if a.Operation == openai.Opaque || !a.Request.HasInput() {
		u.Body = a.Request.Upstream(openai.Change{})
		return u
	}
	u.URL = a.URL()
	u.Body = a.Request.Upstream(openai.Change{Model: a.Entity.Model, AskUsage: a.AskUsage})
	return u
}
