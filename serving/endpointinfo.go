package serving

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/wire"
)

// info are the paths that tell about endpoints what is not in their description.
func (s *Server) info() {
	one := endpointsAPI + "/:name"
	s.echo.GET(one+"/metrics", s.endpointMetrics)
	s.echo.GET(one+"/openapi", s.endpointSchema)
	for _, logs := range []string{"logs", "build-logs"} {
		s.echo.GET(one+"/served-models/:served/"+logs, s.servedLogs)
	}
	s.echo.GET(endpointsAPI+`\:foundation-models`, func(c echo.Context) error {
		if _, _, err := s.keyOf(c); err != nil {
			return err
		}
		return c.JSONBlob(http.StatusOK, []byte(`{"endpoints":[]}`)) // models that Databricks itself serves
	})
	s.echo.GET("/api/2.0/preview/scim/v2/Me", s.me)
}

// viewed returns the endpoint that the path names.
func (s *Server) viewed(c echo.Context) (*endpoint.Endpoint, error) {
	key, catalog, err := s.keyOf(c)
	if err != nil {
		return nil, err
	}
	return visible(key, catalog, c.Param("name"))
}

// servedLogs answers where a model's own log would be: providers run the models, and keep theirs.
func (s *Server) servedLogs(c echo.Context) error {
	e, err := s.viewed(c)
	if err != nil {
		return err
	}
	for _, x := range e.Entities {
		if x.Name == c.Param("served") {
			return c.JSON(http.StatusOK, map[string]string{
				"logs": "The model runs at its provider, " + x.Provider + ", which keeps its logs. Calls are rows of system.serving.endpoint_usage.\n",
			})
		}
	}
	return apierr.New(apierr.ResourceNotFound, "Endpoint '%s' has no served model '%s'.", e.Name, clipPath(c.Param("served")))
}

// endpointMetrics are the counters of one endpoint, under Databricks' names.
func (s *Server) endpointMetrics(c echo.Context) error {
	e, err := s.viewed(c)
	if err != nil {
		return err
	}
	n, err := s.metrics.of(e.Name)
	if err != nil {
		return err
	}
	var b strings.Builder
	label := fmt.Sprintf("endpoint_name=%q", e.Name)
	for _, x := range []struct {
		name, help string
		value      float64
	}{
		{"request_count_total", "Requests.", n.all},
		{"request_4xx_count_total", "Requests answered 4xx.", n.refused},
		{"request_5xx_count_total", "Requests answered 5xx.", n.failed},
	} {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %[1]s counter\n%[1]s{%[3]s} %[4]s\n", x.name, x.help, label, number(x.value))
	}
	b.WriteString("# HELP request_latency_ms From receipt to the end of the answer.\n# TYPE request_latency_ms histogram\n")
	for i, le := range n.bounds {
		fmt.Fprintf(&b, "request_latency_ms_bucket{%s,le=%q} %d\n", label, number(le*1000), n.below[i])
	}
	fmt.Fprintf(&b, "request_latency_ms_bucket{%s,le=\"+Inf\"} %d\nrequest_latency_ms_sum{%[1]s} %[3]s\nrequest_latency_ms_count{%[1]s} %[2]d\n", label, n.count, number(n.seconds*1000))
	return c.Blob(http.StatusOK, "text/plain; version=0.0.4; charset=utf-8", []byte(b.String()))
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// endpointSchema describes the call of an endpoint: of which shape its body is, its task says.
func (s *Server) endpointSchema(c echo.Context) error {
	e, err := s.viewed(c)
	if err != nil {
		return err
	}
	text, list := map[string]any{"type": "string"}, map[string]any{"type": "array", "items": map[string]any{}}
	field, shape := "input", map[string]any{}
	switch wire.OperationOf(e.Task) {
	case wire.OpChat:
		field, shape = "messages", list
	case wire.OpCompletions:
		field, shape = "prompt", text
	}
	body := map[string]any{"type": "object", "properties": map[string]any{field: shape}, "required": []string{field}}
	if e.Prompt != nil {
		body = variablesSchema(e.Prompt.Active[0].Version)
	}
	content := func(schema any) any { return map[string]any{"application/json": map[string]any{"schema": schema}} }
	return c.JSON(http.StatusOK, map[string]any{
		"openapi": "3.1.0",
		"info":    map[string]any{"title": e.Name, "version": strconv.Itoa(int(e.ConfigVersion))},
		"paths": map[string]any{"/serving-endpoints/" + e.Name + "/invocations": map[string]any{"post": map[string]any{
			"requestBody": map[string]any{"required": true, "content": content(body)},
			"responses":   map[string]any{"200": map[string]any{"description": "The answer", "content": content(map[string]any{"type": "object"})}},
		}}},
	})
}

// me is who the key belongs to, in SCIM's shape.
func (s *Server) me(c echo.Context) error {
	key, _, err := s.keyOf(c)
	if err != nil {
		return err
	}
	type group struct {
		Display string `json:"display"`
		Value   string `json:"value"`
		Type    string `json:"type"`
	}
	groups := []group{{endpoint.Everybody, endpoint.Everybody, "direct"}}
	if key.Admin {
		groups = append(groups, group{admins, admins, "direct"})
	}
	for _, g := range key.Principal.Groups {
		groups = append(groups, group{g, g, "direct"})
	}
	if s.config.WorkspaceID != "" {
		c.Response().Header().Set("X-Databricks-Org-Id", s.config.WorkspaceID) // where SDKs look for it
	}
	p := key.Principal.Name
	return c.JSON(http.StatusOK, map[string]any{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"},
		"id":      key.Name, "userName": p, "displayName": p, "active": true,
		"emails": []map[string]any{{"value": p, "type": "work", "primary": true}},
		"groups": groups,
	})
}
