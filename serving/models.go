package serving

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/wire"
)

// models are the lists of endpoints in the shapes of Anthropic's and Google's APIs and of MLflow's
// gateway.
func (s *Server) models() {
	for _, base := range anthropicBases {
		if base != "/v1" { // there the header tells
			s.echo.GET(base+"/models", s.anthropicModels)
			s.echo.GET(base+"/models/:id", s.anthropicModel)
		}
	}
	for _, base := range geminiBases {
		if base != "/v1" {
			s.echo.GET(base+"/models", s.geminiModels)
			s.echo.GET(base+"/models/:id", s.geminiModel)
		}
	}
	for _, b := range openAIBases {
		if b.path != "/v1" && b.path != "/serving-endpoints" {
			s.echo.GET(b.path+"/models", s.listModels)
			s.echo.GET(b.path+"/models/:id", s.getModel)
		}
	}
	s.echo.GET("/api/2.0/endpoints", s.mlflowEndpoints)
	s.echo.GET("/api/2.0/endpoints/", s.mlflowEndpoints)
	s.echo.GET("/api/2.0/endpoints/:id", s.mlflowEndpoint)
}

// callable returns the endpoints that the request's key may call.
func (s *Server) callable(c echo.Context) ([]*endpoint.Endpoint, error) {
	key, catalog, err := s.keyOf(c)
	if err != nil {
		return nil, err
	}
	var list []*endpoint.Endpoint
	for _, e := range catalog.All() {
		if key.MayCall(e.Name) && e.Allows(&key.Principal, key.Admin, endpoint.CanQuery) {
			list = append(list, e)
		}
	}
	return list, nil
}

// one returns the endpoint that the path names, if the key may call it.
func (s *Server) one(c echo.Context) (*endpoint.Endpoint, error) {
	key, catalog, err := s.keyOf(c)
	if err != nil {
		return nil, err
	}
	name := unescaped(c.Param("id"))
	e, ok := catalog.Lookup(name)
	if !ok || !key.MayCall(name) || !e.Allows(&key.Principal, key.Admin, endpoint.CanQuery) {
		return nil, apierr.New(apierr.EndpointNotFound, "the model %q does not exist, or your key may not call it", clipPath(name)).At("model")
	}
	return e, nil
}

type anthropicModelJSON struct {
	Type        string `json:"type"`
	ID          string `json:"id"`
	DisplayName string `json:"display_name"`
	CreatedAt   string `json:"created_at"`
}

func anthropicModelOf(e *endpoint.Endpoint) anthropicModelJSON {
	created := e.Created
	if created.IsZero() {
		created = time.Unix(0, 0) // the API's word for unknown
	}
	return anthropicModelJSON{"model", e.Name, e.Name, created.UTC().Format(time.RFC3339)}
}

func (s *Server) anthropicModels(c echo.Context) error {
	endpoints, err := s.callable(c)
	if err != nil {
		return err
	}
	list := struct {
		Data    []anthropicModelJSON `json:"data"`
		HasMore bool                 `json:"has_more"`
		FirstID *string              `json:"first_id"`
		LastID  *string              `json:"last_id"`
	}{Data: []anthropicModelJSON{}}
	for _, e := range endpoints {
		list.Data = append(list.Data, anthropicModelOf(e))
	}
	if n := len(endpoints); n > 0 {
		list.FirstID, list.LastID = &endpoints[0].Name, &endpoints[n-1].Name
	}
	return c.JSON(http.StatusOK, list)
}

func (s *Server) anthropicModel(c echo.Context) error {
	e, err := s.one(c)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, anthropicModelOf(e))
}

type geminiModelJSON struct {
	Name        string   `json:"name"`
	BaseModelID string   `json:"baseModelId"`
	Version     string   `json:"version"`
	DisplayName string   `json:"displayName"`
	Description string   `json:"description,omitempty"`
	Methods     []string `json:"supportedGenerationMethods"`
}

func geminiModelOf(e *endpoint.Endpoint) geminiModelJSON {
	m := geminiModelJSON{Name: "models/" + e.Name, BaseModelID: e.Name, Version: "1", DisplayName: e.Name, Description: e.Description}
	switch wire.OperationOf(e.Task) {
	case wire.OpChat:
		m.Methods = []string{"generateContent", "streamGenerateContent", "countTokens"}
	case wire.OpEmbeddings:
		m.Methods = []string{"embedContent", "batchEmbedContents"}
	default:
		m.Methods = []string{}
	}
	return m
}

func (s *Server) geminiModels(c echo.Context) error {
	endpoints, err := s.callable(c)
	if err != nil {
		return err
	}
	list := struct {
		Models []geminiModelJSON `json:"models"`
	}{[]geminiModelJSON{}}
	for _, e := range endpoints {
		list.Models = append(list.Models, geminiModelOf(e))
	}
	return c.JSON(http.StatusOK, list)
}

func (s *Server) geminiModel(c echo.Context) error {
	e, err := s.one(c)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, geminiModelOf(e))
}

type mlflowEndpointJSON struct {
	Name         string          `json:"name"`
	EndpointType string          `json:"endpoint_type"`
	Model        mlflowModelJSON `json:"model"`
	EndpointURL  string          `json:"endpoint_url"`
	Limit        *struct{}       `json:"limit"` // MLflow's kind of limit, which is not lakegate's
}

type mlflowModelJSON struct {
	Name     string `json:"name"`
	Provider string `json:"provider"`
}

func mlflowEndpointOf(e *endpoint.Endpoint) mlflowEndpointJSON {
	first := e.Entities[0]
	return mlflowEndpointJSON{
		Name: e.Name, EndpointType: e.Task, Model: mlflowModelJSON{first.Model, first.Provider},
		EndpointURL: "/endpoints/" + e.Name + "/invocations",
	}
}

func (s *Server) mlflowEndpoints(c echo.Context) error {
	endpoints, err := s.callable(c)
	if err != nil {
		return err
	}
	list := struct {
		Endpoints     []mlflowEndpointJSON `json:"endpoints"`
		NextPageToken *string              `json:"next_page_token"`
	}{Endpoints: []mlflowEndpointJSON{}}
	for _, e := range endpoints {
		list.Endpoints = append(list.Endpoints, mlflowEndpointOf(e))
	}
	return c.JSON(http.StatusOK, list)
}

func (s *Server) mlflowEndpoint(c echo.Context) error {
	e, err := s.one(c)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, mlflowEndpointOf(e))
}
