// Package gemini asks Google's Gemini API for the gateway.
//
// The model is part of the path; where a body says one too, as each request of a batch of
// embeddings does, it is made the entity's. Streams are asked for as server-sent events. Pure
// functions, safe for concurrent use.
package gemini

import (
	"fmt"
	"strings"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/gemini"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// Name is the provider's name in the configuration.
const Name = "google-gemini"

// New returns the provider.
func New() provider.Provider { return provider.Provider{Formats: formats, Build: build} }

// speaks are the formats by operation.
var speaks = map[wire.Operation][]wire.Format{
	wire.OpChat:       {wire.GeminiGenerate},
	wire.OpEmbeddings: {wire.GeminiEmbeddings},
	wire.OpCount:      {wire.GeminiCount},
}

func formats(_ *endpoint.Entity, op wire.Operation) []wire.Format { return speaks[op] }

func build(a *provider.Ask) (provider.Upstream, error) {
	method, err := method(a)
	if err != nil {
		return provider.Upstream{}, err
	}
	model := a.Entity.Model
	if !strings.Contains(model, "/") { // tunedModels/x is whole
		model = "models/" + model
	}
	u := a.URL("/v1beta/" + model + ":" + method)
	if a.Stream {
		u.RawQuery = "alt=sse"
	}
	return provider.Upstream{URL: u, Header: a.NewHeader(), Body: gemini.SetModel(a.Body, model)}, nil
}

// method returns the method of the API that a body is for.
func method(a *provider.Ask) (string, error) {
	switch a.Format {
	case wire.GeminiGenerate:
		if a.Stream {
			return "streamGenerateContent", nil
		}
		return "generateContent", nil
	case wire.GeminiCount:
		return "countTokens", nil
	case wire.GeminiEmbeddings:
		var o rawjson.Object
		if o.Parse(a.Body, wire.MaxDepth) == nil && o.Find("requests") >= 0 {
			return "batchEmbedContents", nil
		}
		return "embedContent", nil
	default:
		return "", fmt.Errorf("the Gemini API has no %q", a.Format)
	}
}
