package serving

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/wire"
)

// supported is said to those who ask for more.
const supported = "docs/calling.md lists what it answers"

// openAIBases are where OpenAI's API is, with what the API types of their rows begin with. Those
// of Databricks and MLflow have clients that refuse streams of more than data lines.
var openAIBases = []struct {
	path, apiType string
	all           bool // with images, sound and the like
	dataOnly      bool
}{
	{"/v1", "openai/v1", true, false},
	{"/serving-endpoints", "openai/v1", false, true},
	{"/ai-gateway/mlflow/v1", "mlflow/v1", false, true},
	{"/ai-gateway/openai/v1", "openai/v1", true, false},
	{"/ai-gateway/codex/v1", "codex/v1", false, false},
	{"/ai-gateway/cursor/v1", "cursor/v1", false, false},
	{"/gateway/mlflow/v1", "mlflow/v1", false, true},
	{"/gateway/openai/v1", "openai/v1", true, false},
}

// openAIPaths are the operations below each of them.
var openAIPaths = []struct {
	path   string
	format wire.Format
	suffix string // behind the format's own path
	text   bool   // there on all bases
}{
	{"/chat/completions", wire.OpenAIChat, "", true},
	{"/completions", wire.OpenAICompletions, "", true},
	{"/embeddings", wire.OpenAIEmbeddings, "", true},
	{"/responses", wire.OpenAIResponses, "", true},
	{"/images/generations", wire.OpenAIImages, "/generations", false},
	{"/images/edits", wire.OpenAIImages, "/edits", false},
	{"/images/variations", wire.OpenAIImages, "/variations", false},
	{"/audio/speech", wire.OpenAISpeech, "", false},
	{"/audio/transcriptions", wire.OpenAITranscripts, "/transcriptions", false},
	{"/audio/translations", wire.OpenAITranscripts, "/translations", false},
	{"/moderations", wire.OpenAIModerations, "", false},
	{"/rerank", wire.Rerank, "", false},
}

// anthropicBases are where Anthropic's API is, geminiBases Google's and cohereBases Cohere's. Google's
// SDKs ask for version v1beta or, lately, for v1 of the same.
var (
	anthropicBases = []string{"/v1", "/anthropic/v1", "/serving-endpoints/anthropic/v1", "/ai-gateway/anthropic/v1", "/gateway/anthropic/v1"}
	geminiBases    = []string{
		"/v1beta", "/gemini/v1beta", "/serving-endpoints/gemini/v1beta", "/ai-gateway/gemini/v1beta", "/gateway/gemini/v1beta",
		"/v1", "/gemini/v1", "/serving-endpoints/gemini/v1", "/ai-gateway/gemini/v1", "/gateway/gemini/v1",
	}
	cohereBases = []string{"/v2", "/cohere/v2"}
)

// invocationPaths take bodies of several formats for an endpoint in the path: Databricks', and
// those of MLflow's gateways.
var invocationPaths = []string{
	"/serving-endpoints/:name/invocations", "/api/2.0/serving-endpoints/:name/invocations",
	"/endpoints/:name/invocations", "/gateway/:name/invocations", "/gateway/:name/mlflow/invocations",
}

const invocations = "mlflow/v1/invocations"

// dataPlanes are the beginnings of the paths of which every request becomes a row.
var dataPlanes = []string{"/v1", "/v1beta", "/v2", "/anthropic", "/gemini", "/cohere", "/serving-endpoints", "/ai-gateway", "/gateway", "/endpoints"}

func (s *Server) dataPlane() {
	for _, b := range openAIBases {
		for _, p := range openAIPaths {
			if p.text || b.all {
				s.surface(b.path+p.path, gateway.Surface{APIType: b.apiType + p.path, Dialect: apierr.OpenAI, Format: p.format, DataOnly: b.dataOnly}, suffix(p.suffix))
			}
		}
		s.stored(b.path+"/responses", gateway.Surface{APIType: b.apiType + "/responses", Dialect: apierr.OpenAI, Format: wire.OpenAIResponses, DataOnly: b.dataOnly})
	}
	for _, base := range anthropicBases {
		s.surface(base+"/messages", gateway.Surface{APIType: "anthropic/v1/messages", Dialect: apierr.Anthropic, Format: wire.AnthropicMessages})
		s.surface(base+"/messages/count_tokens", gateway.Surface{APIType: "anthropic/v1/messages/count_tokens", Dialect: apierr.Anthropic, Format: wire.AnthropicCount})
	}
	for _, base := range cohereBases {
		s.surface(base+"/chat", gateway.Surface{APIType: "cohere/v2/chat", Dialect: apierr.Cohere, Format: wire.CohereChat})
		s.surface(base+"/embed", gateway.Surface{APIType: "cohere/v2/embed", Dialect: apierr.Cohere, Format: wire.CohereEmbed})
		s.surface(base+"/rerank", gateway.Surface{APIType: "cohere/v2/rerank", Dialect: apierr.Cohere, Format: wire.Rerank})
	}
	for _, base := range geminiBases {
		s.gemini(base)
	}
	for _, path := range invocationPaths {
		s.surface(path, gateway.Surface{APIType: invocations, Dialect: apierr.Databricks, ByBody: true, DataOnly: true}, named)
	}
	for _, base := range dataPlanes {
		s.echo.Any(base, s.nothingHere)
		s.echo.Any(base+"/*", s.nothingHere)
	}
}

// option completes a call from its request.
type option func(echo.Context, *gateway.Call)

func suffix(text string) option {
	return func(_ echo.Context, call *gateway.Call) { call.Suffix = text }
}

// named takes the endpoint's name from the path.
func named(c echo.Context, call *gateway.Call) { call.Endpoint = unescaped(c.Param("name")) }

// surface answers POST at a path, and other methods with what is allowed.
func (s *Server) surface(path string, surface gateway.Surface, options ...option) {
	s.echo.POST(path, func(c echo.Context) error {
		s.call(c, surface, options...)
		return nil
	})
	refusal := surface
	refusal.Refusal = apierr.New(apierr.MethodNotAllowed, "only POST is allowed here")
	for _, m := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions} {
		s.echo.Add(m, path, func(c echo.Context) error {
			s.call(c, refusal, options...)
			return nil
		})
	}
}

// notYet are APIs that clients may well expect, by the beginning of their path, with the API type
// their rows get.
var notYet = []struct{ prefix, apiType, name string }{
	{"/v1/files", "openai/v1/files", "OpenAI's files API"},
	{"/v1/batches", "openai/v1/batches", "OpenAI's batch API"},
	{"/v1/messages/batches", "anthropic/v1/messages/batches", "Anthropic's batch API"},
	{"/v1/realtime", "openai/v1/realtime", "OpenAI's realtime API"},
	{"/v1/assistants", "openai/v1/assistants", "OpenAI's assistants API"},
	{"/v1/threads", "openai/v1/threads", "OpenAI's assistants API"},
	{"/ai-gateway/mcp-services", "mcp", "MCP"},
}

// nothingHere refuses what is asked on data-plane paths and isn't there.
func (s *Server) nothingHere(c echo.Context) error {
	path := c.Request().URL.Path
	surface := gateway.Surface{APIType: "unknown", Dialect: dialectOf(path)}
	surface.Refusal = apierr.New(apierr.ResourceNotFound, "there is nothing at %s %s; %s", c.Request().Method, clipPath(path), supported)
	for _, n := range notYet {
		if rest, ok := strings.CutPrefix(path, n.prefix); ok && (rest == "" || rest[0] == '/') {
			surface.APIType = n.apiType
			surface.Refusal = apierr.New(apierr.NotImplemented, "%s is not supported yet; %s", n.name, supported)
		}
	}
	s.call(c, surface)
	return nil
}

// dialects are the shapes of errors by the beginning of the path, the first that fits.
var dialects = []struct {
	prefix  string
	dialect apierr.Dialect
}{
	{"/v1/messages", apierr.Anthropic},
	{"/anthropic", apierr.Anthropic},
	{"/serving-endpoints/anthropic", apierr.Anthropic},
	{"/ai-gateway/anthropic", apierr.Anthropic},
	{"/gateway/anthropic", apierr.Anthropic},
	{"/v1beta", apierr.Google},
	{"/gemini", apierr.Google},
	{"/serving-endpoints/gemini", apierr.Google},
	{"/ai-gateway/gemini", apierr.Google},
	{"/gateway/gemini", apierr.Google},
	{"/v2", apierr.Cohere},
	{"/cohere", apierr.Cohere},
	{"/v1", apierr.OpenAI},
	{"/serving-endpoints/chat", apierr.OpenAI},
	{"/serving-endpoints/completions", apierr.OpenAI},
	{"/serving-endpoints/embeddings", apierr.OpenAI},
	{"/serving-endpoints/models", apierr.OpenAI},
	{"/serving-endpoints/responses", apierr.OpenAI},
	{"/ai-gateway/mlflow", apierr.OpenAI},
	{"/ai-gateway/openai", apierr.OpenAI},
	{"/ai-gateway/codex", apierr.OpenAI},
	{"/ai-gateway/cursor", apierr.OpenAI},
	{"/gateway/mlflow", apierr.OpenAI},
	{"/gateway/openai", apierr.OpenAI},
}

// dialectOf returns the shape of errors at a path.
func dialectOf(path string) apierr.Dialect {
	if strings.HasSuffix(path, "/invocations") {
		return apierr.Databricks
	}
	for _, d := range dialects {
		if rest, ok := strings.CutPrefix(path, d.prefix); ok && (rest == "" || rest[0] == '/') {
			return d.dialect
		}
	}
	return apierr.Databricks
}
