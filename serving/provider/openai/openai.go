// Package openai asks OpenAI's API, or any that is compatible with it, for the gateway.
//
// The body goes out as it is. Pure functions, safe for concurrent use.
package openai

import (
	"fmt"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/wire"
)

// Name is the provider's name in the configuration.
const Name = "openai"

// New returns the provider.
func New() provider.Provider {
	return provider.Provider{Formats: formats, Build: build, Capabilities: provider.Capabilities{UsageOption: true}}
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

func formats(_ *endpoint.Entity, op wire.Operation) []wire.Format { return speaks[op] }

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
	h := a.NewHeader()
	a.PassOn(h, "Openai-Beta")
	if a.Entity.Organization != "" {
		h["Openai-Organization"] = []string{a.Entity.Organization}
	}
	return provider.Upstream{Method: a.Method, URL: a.URL(path), Header: h, Body: a.Body}, nil
}
