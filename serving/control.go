package serving

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/auth"
	"github.com/lakegate/lakegate/serving/control"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// endpointsAPI is where Databricks has its API of endpoints, permissionsAPI that of their permissions.
const (
	endpointsAPI   = "/api/2.0/serving-endpoints"
	permissionsAPI = "/api/2.0/permissions/serving-endpoints"
)

// maxSpec bounds the body of a request that changes an endpoint.
const maxSpec = 1 << 20

// Control makes endpoints changeable by p. Call it before the server starts; without it every
// change is refused.
func (s *Server) Control(p *control.Plane) { s.plane = p }

// control are the paths that change endpoints, and what Databricks' clients ask beside them.
func (s *Server) control() {
	for _, slash := range []string{"", "/"} { // mlflow's client asks with one
		s.echo.POST(endpointsAPI+slash, s.createEndpoint)
	}
	one := endpointsAPI + "/:name"
	s.echo.DELETE(one, s.changes(func(c echo.Context, a *control.Actor, name string, _ []byte) (any, error) {
		return struct{}{}, s.plane.Delete(c.Request().Context(), a, name)
	}))
	s.echo.PUT(one+"/config", s.changes(func(c echo.Context, a *control.Actor, name string, body []byte) (any, error) {
		if err := s.plane.PutConfig(c.Request().Context(), a, name, body); err != nil {
			return nil, err
		}
		return s.detail(c, name)
	}))
	s.echo.PUT(one+"/ai-gateway", s.changes(func(c echo.Context, a *control.Actor, name string, body []byte) (any, error) {
		if err := s.plane.PutGateway(c.Request().Context(), a, name, body); err != nil {
			return nil, err
		}
		d, err := s.detail(c, name)
		if d.AIGateway == nil {
			d.AIGateway = struct{}{}
		}
		return d.AIGateway, err
	}))
	s.echo.PUT(one+"/rate-limits", s.changes(func(c echo.Context, a *control.Actor, name string, body []byte) (any, error) {
		if err := s.plane.PutLimits(c.Request().Context(), a, name, body); err != nil {
			return nil, err
		}
		_, catalog, err := s.keyOf(c)
		if err != nil {
			return nil, err
		}
		limits := []rateLimitJSON{}
		if e, ok := catalog.Lookup(name); ok {
			limits = gatewayOf(e).RateLimits
		}
		return map[string]any{"rate_limits": limits}, nil
	}))
	s.echo.PATCH(one+"/tags", s.changes(func(c echo.Context, a *control.Actor, name string, body []byte) (any, error) {
		if err := s.plane.PatchTags(c.Request().Context(), a, name, body); err != nil {
			return nil, err
		}
		d, err := s.detail(c, name)
		return map[string]any{"tags": d.Tags}, err
	}))
	for _, m := range []string{http.MethodPut, http.MethodPatch, http.MethodPost} {
		s.echo.Add(m, one, s.notThere)
		if m != http.MethodPost { // which is how endpoints are called
			s.echo.Add(m, one+"/*", s.notThere)
		}
	}
	s.permissions()
}

// gaps are changes that Databricks has and lakegate has not, by the last part of their paths, and what to do
// instead.
var gaps = map[string]string{
	"notifications":    "lakegate sends no e-mail; a change is a row of system.access.audit, and done when it is answered",
	"telemetry-config": "payloads are kept by ai_gateway.inference_table_config, and metrics of every endpoint are at /metrics",
	"pt":               "provisioned throughput is of models that Databricks serves itself; create an endpoint with an external_model",
}

// notThere answers changes that Databricks has and lakegate has not.
func (s *Server) notThere(c echo.Context) error {
	if _, _, err := s.keyOf(c); err != nil {
		return err
	}
	path := c.Request().URL.Path
	instead := gaps[path[strings.LastIndexByte(path, '/')+1:]]
	if strings.HasPrefix(path, endpointsAPI+"/pt/") || path == endpointsAPI+"/pt" {
		instead = gaps["pt"]
	}
	if instead == "" {
		instead = "an endpoint has config, ai-gateway, rate-limits and tags to change"
	}
	return apierr.New(apierr.NotImplemented, "there is no %s %s: %s", c.Request().Method, clipPath(path), instead)
}

func (s *Server) createEndpoint(c echo.Context) error {
	a, body, err := s.actor(c)
	if err != nil {
		return err
	}
	name, err := s.plane.Create(c.Request().Context(), a, body)
	if err != nil {
		return err
	}
	d, err := s.detail(c, name)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, d)
}

// changes makes a handler of a request about the endpoint that the path names.
func (s *Server) changes(do func(c echo.Context, a *control.Actor, name string, body []byte) (any, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		a, body, err := s.actor(c)
		if err != nil {
			return err
		}
		answer, err := do(c, a, c.Param("name"), body)
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, answer)
	}
}

// actor returns who asks for a change, and the body.
func (s *Server) actor(c echo.Context) (*control.Actor, []byte, error) {
	return s.actorWith(c, maxSpec)
}

// actorWith is actor for bodies of up to most bytes.
func (s *Server) actorWith(c echo.Context, most int64) (*control.Actor, []byte, error) {
	key, _, err := s.keyOf(c)
	if err != nil {
		return nil, nil, err
	}
	if s.plane == nil {
		return nil, nil, apierr.New(apierr.NotImplemented, "endpoints are declared in this gateway's configuration file; changing them through the API is not supported here")
	}
	r := c.Request()
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), r.Body, most))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, nil, apierr.New(apierr.TooLarge, "the body is larger than %d bytes", most)
	}
	if err != nil {
		return nil, nil, apierr.New(apierr.BadRequest, "the body could not be read").Because(err)
	}
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		ip = r.RemoteAddr
	}
	id := inference.NewID().String()
	c.Response().Header().Set("X-Request-Id", id)
	return &control.Actor{
		Principal: key.Principal, Admin: key.Admin, RequestID: id, RemoteIP: ip, UserAgent: r.UserAgent(),
	}, body, nil
}

// visible returns the endpoint of that name if the key may see it.
func visible(key *auth.Key, catalog *endpoint.Catalog, name string) (*endpoint.Endpoint, error) {
	e, ok := catalog.Lookup(name)
	if !ok || !mayView(key, e) {
		return nil, control.NotFound(clipPath(name))
	}
	return e, nil
}

// mayView reports whether a key may see an endpoint: those of the file it may call, and those of
// the API it was granted.
func mayView(key *auth.Key, e *endpoint.Endpoint) bool {
	if e.Origin == nil {
		return key.MayCall(e.Name)
	}
	return e.Allows(&key.Principal, key.Admin, endpoint.CanView)
}

// detail is the endpoint as it is now, for the request's key.
func (s *Server) detail(c echo.Context, name string) (endpointJSON, error) {
	key, catalog, err := s.keyOf(c)
	if err != nil {
		return endpointJSON{}, err
	}
	e, err := visible(key, catalog, name)
	if err != nil {
		return endpointJSON{}, err
	}
	d := describe(e, key)
	d.PermissionLevel = string(e.LevelOf(&key.Principal, key.Admin))
	return d, nil
}
