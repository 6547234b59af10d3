package serving

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/auth"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// lists are the endpoints a key may call, in OpenAI's and in Databricks' shape.
func (s *Server) lists() {
	for _, base := range []string{"/v1/models", "/serving-endpoints/models"} {
		s.echo.GET(base, s.listModels)
		s.echo.GET(base+"/:id", s.getModel)
	}
	const api = "/api/2.0/serving-endpoints"
	for _, slash := range []string{"", "/"} { // mlflow's client asks with one
		s.echo.GET(api+slash, s.listEndpoints)
		s.echo.POST(api+slash, s.noControl)
	}
	s.echo.GET(api+"/:name", s.getEndpoint)
	for _, rest := range []string{"/:name", "/:name/*"} {
		for _, m := range []string{http.MethodPut, http.MethodPatch, http.MethodDelete} {
			s.echo.Add(m, api+rest, s.noControl)
		}
	}
}

// keyOf returns the request's key and the endpoints of the same view.
func (s *Server) keyOf(c echo.Context) (*auth.Key, *endpoint.Catalog, error) {
	view := s.gateway.Live.Load()
	token := tokenOf(c.Request())
	if token == "" {
		return nil, nil, apierr.New(apierr.Unauthenticated, "the request has no API key; send one as \"Authorization: Bearer <key>\"")
	}
	key, ok := view.Keys.Lookup(token)
	if !ok {
		return nil, nil, apierr.New(apierr.Unauthenticated, "the API key is not valid")
	}
	return key, view.Catalog, nil
}

func (s *Server) noControl(c echo.Context) error {
	if _, _, err := s.keyOf(c); err != nil {
		return err
	}
	return apierr.New(apierr.NotImplemented, "endpoints are declared in this gateway's configuration file; changing them through the API is not supported yet")
}

type model struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
}

func modelOf(e *endpoint.Endpoint) model {
	m := model{ID: e.Name, Object: "model", OwnedBy: "lakegate"}
	if !e.Created.IsZero() {
		m.Created = e.Created.Unix()
	}
	return m
}

// listModels answers in OpenAI's shape, or in Anthropic's and Google's for their clients, whose
// APIs have the same path.
func (s *Server) listModels(c echo.Context) error {
	if c.Request().Header.Get("Anthropic-Version") != "" {
		return s.anthropicModels(c)
	}
	if c.Request().Header.Get("X-Goog-Api-Key") != "" {
		return s.geminiModels(c)
	}
	endpoints, err := s.callable(c)
	if err != nil {
		return err
	}
	list := struct {
		Object string  `json:"object"`
		Data   []model `json:"data"`
	}{"list", []model{}}
	for _, e := range endpoints {
		list.Data = append(list.Data, modelOf(e))
	}
	return c.JSON(http.StatusOK, list)
}

func (s *Server) getModel(c echo.Context) error {
	if c.Request().Header.Get("Anthropic-Version") != "" {
		return s.anthropicModel(c)
	}
	if c.Request().Header.Get("X-Goog-Api-Key") != "" {
		return s.geminiModel(c)
	}
	e, err := s.one(c)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, modelOf(e))
}

func (s *Server) listEndpoints(c echo.Context) error {
	key, catalog, err := s.keyOf(c)
	if err != nil {
		return err
	}
	list := struct {
		Endpoints []endpointJSON `json:"endpoints"`
	}{[]endpointJSON{}}
	for _, e := range catalog.All() {
		if key.MayCall(e.Name) {
			list.Endpoints = append(list.Endpoints, describe(e, key.Admin))
		}
	}
	return c.JSON(http.StatusOK, list)
}

func (s *Server) getEndpoint(c echo.Context) error {
	key, catalog, err := s.keyOf(c)
	if err != nil {
		return err
	}
	name := c.Param("name")
	e, ok := catalog.Lookup(name)
	if !ok || !key.MayCall(name) {
		return apierr.New(apierr.ResourceNotFound, "Endpoint with name '%s' does not exist.", clipPath(name))
	}
	d := describe(e, key.Admin)
	d.PermissionLevel = "CAN_QUERY"
	return c.JSON(http.StatusOK, d)
}
