// Package vertex asks Google Cloud's Vertex AI for the gateway: models of Google and of Anthropic.
//
// Whose a model is says the entity's Vendor, else its name: claude-... are Anthropic's. Project,
// region, publisher and model are part of the path, and a body says no model. Anthropic's bodies
// go out in Anthropic's format with the version that Vertex AI wants in them. Text embeddings are
// asked for with :predict, those of Gemini models after gemini-embedding-001 with :embedContent,
// which takes one text a call. Pure functions, safe for concurrent use.
package vertex

import (
	"fmt"
	"strings"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/gemini"
)

// Name is the provider's name in the configuration.
const Name = "google-cloud-vertex-ai"

// New returns the provider.
func New() provider.Provider { return provider.Provider{Formats: formats, Build: build} }

func formats(e *endpoint.Entity, op wire.Operation) []wire.Format {
	switch {
	case isAnthropic(e) && op == wire.OpChat:
		return []wire.Format{wire.AnthropicMessages}
	case isAnthropic(e) && op == wire.OpCount:
		return []wire.Format{wire.AnthropicCount}
	case isAnthropic(e):
		return nil
	case op == wire.OpChat:
		return []wire.Format{wire.GeminiGenerate}
	case op == wire.OpCount:
		return []wire.Format{wire.GeminiCount}
	case op == wire.OpEmbeddings && embedsContent(e.Model):
		return []wire.Format{wire.GeminiEmbeddings}
	case op == wire.OpEmbeddings:
		return []wire.Format{wire.VertexEmbeddings}
	}
	return nil
}

func isAnthropic(e *endpoint.Entity) bool {
	if e.Vendor != "" {
		return e.Vendor == "anthropic"
	}
	return strings.HasPrefix(e.Model, "claude")
}

// embedsContent reports whether a model of embeddings is asked with :embedContent.
func embedsContent(model string) bool {
	return strings.Contains(model, "gemini") && model != "gemini-embedding-001"
}

func build(a *provider.Ask) (provider.Upstream, error) {
	var path string
	body := gemini.SetModel(a.Body, "")
	var err error
	switch a.Format {
	case wire.GeminiGenerate:
		path = "google/models/" + a.Entity.Model + ":generateContent"
		if a.Stream {
			path = "google/models/" + a.Entity.Model + ":streamGenerateContent"
		}
	case wire.GeminiCount:
		path = "google/models/" + a.Entity.Model + ":countTokens"
		body = unwrapCount(body)
	case wire.VertexEmbeddings:
		path = "google/models/" + a.Entity.Model + ":predict"
	case wire.GeminiEmbeddings:
		path = "google/models/" + a.Entity.Model + ":embedContent"
		body, err = single(body)
	case wire.AnthropicMessages:
		path = "anthropic/models/" + a.Entity.Model + ":rawPredict"
		if a.Stream {
			path = "anthropic/models/" + a.Entity.Model + ":streamRawPredict"
		}
		body, err = anthropicBody(a.Body, false)
	case wire.AnthropicCount:
		// Counting is a model of its own, which is told in the body which one it counts for.
		path = "anthropic/models/count-tokens:rawPredict"
		body, err = anthropicBody(a.Body, true)
	default:
		err = fmt.Errorf("no %q at Vertex AI", a.Format)
	}
	if err != nil {
		return provider.Upstream{}, err
	}
	u := a.URL("/v1/projects/" + a.Entity.Project + "/locations/" + a.Entity.Region + "/publishers/" + path)
	if a.Stream && a.Format == wire.GeminiGenerate {
		u.RawQuery = "alt=sse"
	}
	h := a.NewHeader()
	a.PassOn(h, "Anthropic-Beta")
	return provider.Upstream{URL: u, Header: h, Body: body}, nil
}
