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
	for _, slash := range []string{"", "/"} { // mlflow's client asks with one
		s.echo.GET(endpointsAPI+slash, s.listEndpoints)
	}
	s.echo.GET(endpointsAPI+"/:name", s.getEndpoint)
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
		if mayView(key, e) {
			list.Endpoints = append(list.Endpoints, describe(e, key))
		}
	}
	return c.JSON(http.StatusOK, list)
}

func (s *Server) getEndpoint(c echo.Context) error {
	d, err := s.detail(c, c.Param("name"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, d)
}
