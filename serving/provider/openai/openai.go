// Package openai asks OpenAI's API for the gateway, and the many that are like it: Azure's, and
// those of the presets.
//
// The body goes out as it is, but for Azure's name of the model. Pure functions, safe for
// concurrent use.
package openai

import (
	"fmt"
	"slices"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/wire"
)

// Name is the provider's name in the configuration.
const Name = "openai"

// New returns the provider of OpenAI and of Azure, which an entity with a Deployment is at.
func New() provider.Provider {
	return provider.Provider{
		Formats: func(e *endpoint.Entity, op wire.Operation) []wire.Format {
			switch {
			case e.Deployment != "":
				return azureFormats(e, op)
			case op == wire.OpRerank && e.BaseURL.Hostname() == "api.openai.com":
				return nil // only others have it
			}
			return forTask(e, speaks[op])
		},
		Build: func(a *provider.Ask) (provider.Upstream, error) {
			if a.Entity.Deployment != "" {
				return azure(a)
			}
			return build(a)
		},
		Capabilities: provider.Capabilities{UsageOption: true},
	}
}

// speaks are the formats by operation.
var speaks = map[wire.Operation][]wire.Format{
	wire.OpChat:          {wire.OpenAIChat, wire.OpenAIResponses},
	wire.OpCompletions:   {wire.OpenAICompletions},
	wire.OpEmbeddings:    {wire.OpenAIEmbeddings},
	wire.OpImages:        {wire.OpenAIImages},
	wire.OpSpeech:        {wire.OpenAISpeech},
	wire.OpTranscription: {wire.OpenAITranscripts},
	wire.OpModerations:   {wire.OpenAIModerations},
	wire.OpRerank:        {wire.Rerank},
}

// forTask leaves only the Responses API to entities whose task it is: some of OpenAI's models have
// no other, so that chats are translated for them.
func forTask(e *endpoint.Entity, formats []wire.Format) []wire.Format {
	if e.Task == endpoint.AgentResponses && slices.Contains(formats, wire.OpenAIResponses) {
		return responsesOnly
	}
	return formats
}

var responsesOnly = []wire.Format{wire.OpenAIResponses}

// paths are where the formats are below the base. Formats with several paths have the rest in the
// suffix: "/generations", "/transcriptions".
var paths = map[wire.Format]string{
	wire.OpenAIChat:        "/chat/completions",
	wire.OpenAICompletions: "/completions",
	wire.OpenAIEmbeddings:  "/embeddings",
	wire.OpenAIResponses:   "/responses",
	wire.OpenAIImages:      "/images",
	wire.OpenAISpeech:      "/audio/speech",
	wire.OpenAITranscripts: "/audio",
	wire.OpenAIModerations: "/moderations",
	wire.Rerank:            "/rerank",
}

// Path returns where a format is below the base of OpenAI's API, "" when it has no place there.
func Path(f wire.Format) string { return paths[f] }

func build(a *provider.Ask) (provider.Upstream, error) {
	path := Path(a.Format)
	if path == "" {
		return provider.Upstream{}, fmt.Errorf("OpenAI's API has no %q", a.Format)
	}
	return provider.Upstream{Method: a.Method, URL: a.URL(path), Header: header(a), Body: a.Body}, nil
}

func header(a *provider.Ask) map[string][]string {
	h := a.NewHeader()
	a.PassOn(h, "Openai-Beta")
	if a.Entity.Organization != "" {
		h["Openai-Organization"] = []string{a.Entity.Organization}
	}
	return h
}
