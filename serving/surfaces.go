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
const supported = "this gateway answers chat/completions, completions and embeddings below /v1 and /serving-endpoints, and /serving-endpoints/{name}/invocations"

// openAISurfaces are the operations below each OpenAI base.
var openAISurfaces = map[string]wire.Format{
	"/chat/completions": wire.OpenAIChat,
	"/completions":      wire.OpenAICompletions,
	"/embeddings":       wire.OpenAIEmbeddings,
}

// notYet are APIs that clients may well expect, by the beginning of their path, with the API type
// their rows get.
var notYet = []struct{ prefix, apiType, name string }{
	{"/v1/responses", "openai/v1/responses", "OpenAI's Responses API"},
	{"/serving-endpoints/responses", "openai/v1/responses", "OpenAI's Responses API"},
	{"/v1/messages", "anthropic/v1/messages", "Anthropic's Messages API"},
	{"/serving-endpoints/anthropic", "anthropic/v1/messages", "Anthropic's Messages API"},
	{"/v1/audio", "openai/v1/audio", "OpenAI's audio API"},
	{"/v1/images", "openai/v1/images", "OpenAI's images API"},
	{"/v1/moderations", "openai/v1/moderations", "OpenAI's moderations API"},
	{"/v1/files", "openai/v1/files", "OpenAI's files API"},
	{"/v1/batches", "openai/v1/batches", "OpenAI's batch API"},
	{"/v1/realtime", "openai/v1/realtime", "OpenAI's realtime API"},
	{"/ai-gateway", "ai-gateway", "Unity AI Gateway's API"},
}

const invocations = "mlflow/v1/invocations"

func (s *Server) dataPlane() {
	for _, base := range []string{"/v1", "/serving-endpoints"} {
		for path, format := range openAISurfaces {
			s.surface(base+path, gateway.Surface{APIType: "openai/v1" + path, Dialect: apierr.OpenAI, Format: format})
		}
	}
	for _, base := range []string{"", "/api/2.0"} {
		s.surface(base+"/serving-endpoints/:name/invocations", gateway.Surface{APIType: invocations, Dialect: apierr.Databricks, ByBody: true, DataOnly: true})
	}
	for _, rest := range []string{"/v1", "/v1/*", "/serving-endpoints", "/serving-endpoints/*", "/ai-gateway", "/ai-gateway/*"} {
		s.echo.Any(rest, s.nothingHere)
	}
}

// surface answers POST at a path, and other methods with what is allowed.
func (s *Server) surface(path string, surface gateway.Surface) {
	s.echo.POST(path, func(c echo.Context) error {
		s.call(c, surface)
		return nil
	})
	refusal := surface
	refusal.Refusal = apierr.New(apierr.MethodNotAllowed, "only POST is allowed here")
	for _, m := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions} {
		s.echo.Add(m, path, func(c echo.Context) error {
			s.call(c, refusal)
			return nil
		})
	}
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
