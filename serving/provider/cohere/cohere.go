// Package cohere asks Cohere's API for the gateway: chat, embeddings and reranking of version 2.
//
// Pure functions, safe for concurrent use.
package cohere

import (
	"fmt"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/wire"
)

// Name is the provider's name in the configuration.
const Name = "cohere"

// New returns the provider.
func New() provider.Provider {
	return provider.Provider{Formats: formats, Build: build}
}

func formats(_ *endpoint.Entity, op wire.Operation) []wire.Format {
	switch op {
	case wire.OpChat:
		return []wire.Format{wire.CohereChat}
	case wire.OpEmbeddings:
		return []wire.Format{wire.CohereEmbed}
	case wire.OpRerank:
		return []wire.Format{wire.Rerank}
	}
	return nil
}

// paths are where the formats are below the base.
var paths = map[wire.Format]string{
	wire.CohereChat:  "/v2/chat",
	wire.CohereEmbed: "/v2/embed",
	wire.Rerank:      "/v2/rerank",
}

func build(a *provider.Ask) (provider.Upstream, error) {
	path := paths[a.Format]
	if path == "" {
		return provider.Upstream{}, fmt.Errorf("cohere's API has no %q", a.Format)
	}
	return provider.Upstream{Method: a.Method, URL: a.URL(path), Header: a.NewHeader(), Body: a.Body}, nil
}
