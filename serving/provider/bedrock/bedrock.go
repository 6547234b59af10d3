// Package bedrock asks Amazon Bedrock's runtime for the gateway.
//
// Chats go to Converse, whatever the model. Only a client of Anthropic's Messages API that calls a
// model of Anthropic's gets it through InvokeModel, which takes that API's own body: nothing is
// translated, and the answer is Anthropic's. Such a client has its tokens counted by CountTokens.
// Texts are embedded by InvokeModel, in the body of the model's family. Requests are signed by the entity's Auth. Pure functions, safe for concurrent use.
package bedrock

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/wire"
)

// Name is the provider's name in the configuration.
const Name = "amazon-bedrock"

// New returns the provider.
func New() provider.Provider {
	return provider.Provider{Formats: formats, Build: build, Capabilities: provider.Capabilities{BilledByID: true}}
}

func formats(e *endpoint.Entity, op wire.Operation) []wire.Format {
	switch op {
	case wire.OpChat:
		if is(e, "anthropic") {
			return []wire.Format{wire.BedrockConverse, wire.AnthropicMessages}
		}
		return []wire.Format{wire.BedrockConverse}
	case wire.OpCount:
		if is(e, "anthropic") {
			return []wire.Format{wire.AnthropicCount}
		}
	case wire.OpEmbeddings:
		switch {
		case is(e, "cohere"):
			return []wire.Format{wire.BedrockCohereEmbed}
		case is(e, "amazon"):
			return []wire.Format{wire.BedrockTitanEmbed}
		}
	}
	return nil
}

// is reports whose model it is: as the configuration says, or else as the model's id begins, behind
// the region of an inference profile.
func is(e *endpoint.Entity, vendor string) bool {
	if e.Vendor != "" {
		return e.Vendor == vendor
	}
	return strings.HasPrefix(e.Model, vendor+".") || strings.Contains(e.Model, "."+vendor+".") || strings.Contains(e.Model, "/"+vendor+".")
}

// actions are what is done with a model, by format: whole and streamed.
var actions = map[wire.Format][2]string{
	wire.BedrockConverse:    {"converse", "converse-stream"},
	wire.AnthropicMessages:  {"invoke", "invoke-with-response-stream"},
	wire.AnthropicCount:     {"count-tokens", ""},
	wire.BedrockTitanEmbed:  {"invoke", ""},
	wire.BedrockCohereEmbed: {"invoke", ""},
}

func build(a *provider.Ask) (provider.Upstream, error) {
	action := actions[a.Format][0]
	if a.Stream {
		action = actions[a.Format][1]
	}
	if action == "" {
		return provider.Upstream{}, fmt.Errorf("amazon Bedrock has no %q, streamed %v", a.Format, a.Stream)
	}
	model := a.Entity.Model
	if a.Format == wire.AnthropicCount {
		model = foundation(model)
	}
	u, err := address(a.Entity, model, action)
	if err != nil {
		return provider.Upstream{}, err
	}
	up := provider.Upstream{URL: u, Header: a.NewHeader(), Body: a.Body}
	if a.Stream {
		up.Framing = provider.AWSEvents
		up.Header["Accept"] = []string{"application/vnd.amazon.eventstream"}
	}
	switch a.Format {
	case wire.AnthropicMessages:
		up.Body, err = invokeBody(a)
		if a.Stream {
			up.Header["X-Amzn-Bedrock-Accept"] = []string{"application/json"}
		}
	case wire.AnthropicCount:
		up.Body, err = countBody(a)
		up.Reshape = countAnswer
	}
	return up, err
}

// address returns the URL of an action with a model, whose id is escaped as AWS's SDKs do it: it may
// be an ARN, with colons and slashes.
func address(e *endpoint.Entity, model, action string) (*url.URL, error) {
	u := &url.URL{Scheme: "https", Host: "bedrock-runtime." + e.Region + ".amazonaws.com"}
	switch {
	case e.BaseURL != nil:
		base := *e.BaseURL
		u = &base
	case e.Region == "":
		return nil, fmt.Errorf("served entity %q has neither a region nor a base URL", e.Name)
	}
	escaped := strings.ReplaceAll(url.PathEscape(model), ":", "%3A")
	u.RawPath = u.EscapedPath() + "/model/" + escaped + "/" + action
	u.Path += "/model/" + model + "/" + action
	return u, nil
}
