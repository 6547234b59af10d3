package serving

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/gateway"
)

// endpointHeader names the endpoint of a stored answer, where the client can't add to the query.
const endpointHeader = "X-Lakegate-Endpoint"

// stored answers what is asked of answers that were stored: they are the provider's, so all of it
// passes through.
func (s *Server) stored(base string, surface gateway.Surface) {
	for _, r := range []struct{ method, rest, apiType string }{
		{http.MethodGet, "", ".retrieve"},
		{http.MethodDelete, "", ".delete"},
		{http.MethodPost, "/cancel", ".cancel"},
		{http.MethodGet, "/input_items", ".input_items"},
	} {
		one := surface
		one.APIType += r.apiType
		s.echo.Add(r.method, base+"/:id"+r.rest, func(c echo.Context) error {
			one := one
			if id := unescaped(c.Param("id")); strings.ContainsAny(id, "/?#%\\") {
				one.Refusal = apierr.New(apierr.InvalidParameter, "%q is no id of a stored answer", clipPath(id))
			}
			s.call(c, one, func(c echo.Context, call *gateway.Call) {
				q := c.QueryParams()
				id := unescaped(c.Param("id"))
				call.Method, call.Suffix = r.method, "/"+id+r.rest
				call.Stream = q.Get("stream") == "true"
				call.Endpoint = q.Get("model")
				if call.Endpoint == "" {
					call.Endpoint = c.Request().Header.Get(endpointHeader)
				}
				rest := url.Values{}
				for k, v := range q {
					if k != "model" {
						rest[k] = v
					}
				}
				call.Stored = &gateway.Stored{ID: id, Query: rest.Encode()}
			})
			return nil
		})
	}
}

// unescaped returns a part of a path without escapes.
func unescaped(part string) string {
	if u, err := url.PathUnescape(part); err == nil {
		return u
	}
	return part
}
