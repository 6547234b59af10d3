package serving

import (
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/auth"
	"github.com/lakegate/lakegate/serving/control"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/prompt"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// promptsAPI is where the prompts of endpoints are.
const promptsAPI = "/api/2.0/lakegate/prompts"

// prompts are the paths of promptsAPI.
func (s *Server) prompts() {
	s.echo.GET(promptsAPI, s.listPrompts)
	one := promptsAPI + "/:name"
	s.echo.GET(one, func(c echo.Context) error {
		p, err := s.promptNamed(c)
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, p)
	})
	s.echo.POST(one+"/render", s.renderPrompt)
	s.echo.PUT(one+"/active", s.changes(func(c echo.Context, a *control.Actor, name string, body []byte) (any, error) {
		if err := s.plane.ActivatePrompt(c.Request().Context(), a, name, body); err != nil {
			return nil, err
		}
		return s.promptNamed(c)
	}))
	s.echo.POST(one+"/versions", s.changes(func(c echo.Context, a *control.Actor, name string, body []byte) (any, error) {
		number, err := s.plane.AddPrompt(c.Request().Context(), a, name, body)
		if err != nil {
			return nil, err
		}
		p, err := s.promptNamed(c)
		return map[string]any{"version": number, "prompt": p}, err
	}))
}

// promptJSON is an endpoint's prompt.
type promptJSON struct {
	Name            string              `json:"name"`   // of the endpoint
	Source          string              `json:"source"` // api or file
	Active          map[int64]int       `json:"active"` // percentages by version
	PermissionLevel endpoint.Level      `json:"permission_level,omitempty"`
	Versions        []promptVersionJSON `json:"versions"`
}

// promptVersionJSON is a version. Its text is for those who manage the endpoint; keys with admin, where
// that is in the file.
type promptVersionJSON struct {
	Version     int64             `json:"version"`
	Description string            `json:"description,omitempty"`
	Messages    []messageJSON     `json:"messages,omitempty"`
	Parameters  json.RawMessage   `json:"parameters,omitempty"`
	Variables   []promptValueJSON `json:"variables"`
}

type messageJSON struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type promptValueJSON struct {
	Name        string  `json:"name"`
	Required    bool    `json:"required"`
	Default     *string `json:"default,omitempty"`
	Description string  `json:"description,omitempty"`
}

func describePrompt(e *endpoint.Endpoint, key *auth.Key) promptJSON {
	p := promptJSON{Name: e.Name, Source: "api", Active: map[int64]int{}, PermissionLevel: e.LevelOf(&key.Principal, key.Admin)}
	if e.Origin == nil {
		p.Source = "file"
	}
	for _, share := range e.Prompt.Active {
		p.Active[share.Version.Number] = share.Percent
	}
	shown := readsTexts(e, key)
	for _, v := range e.Prompt.Versions {
		p.Versions = append(p.Versions, describeVersion(v, shown))
	}
	return p
}

// readsTexts reports whether a key may read an endpoint's templates.
func readsTexts(e *endpoint.Endpoint, key *auth.Key) bool {
	if e.Origin == nil {
		return key.Admin
	}
	return e.Allows(&key.Principal, key.Admin, endpoint.CanManage)
}

func describeVersion(v *prompt.Version, shown bool) promptVersionJSON {
	out := promptVersionJSON{Version: v.Number, Description: v.Description, Variables: []promptValueJSON{}}
	for _, x := range v.Variables {
		value := promptValueJSON{Name: x.Name, Required: x.Default == nil, Description: x.Description}
		if shown {
			value.Default = x.Default
		}
		out.Variables = append(out.Variables, value)
	}
	if !shown {
		return out
	}
	for _, m := range v.Messages {
		out.Messages = append(out.Messages, messageJSON{m.Role, m.Content})
	}
	out.Parameters = v.Parameters
	return out
}

func (s *Server) listPrompts(c echo.Context) error {
	key, catalog, err := s.keyOf(c)
	if err != nil {
		return err
	}
	list := []promptJSON{}
	for _, e := range catalog.All() {
		if e.Prompt != nil && mayView(key, e) {
			list = append(list, describePrompt(e, key))
		}
	}
	return c.JSON(http.StatusOK, map[string]any{"prompts": list})
}

// promptOf returns the endpoint that the path names, which has a prompt.
func (s *Server) promptOf(c echo.Context) (*endpoint.Endpoint, *auth.Key, error) {
	key, catalog, err := s.keyOf(c)
	if err != nil {
		return nil, nil, err
	}
	e, err := visible(key, catalog, unescaped(c.Param("name")))
	if err != nil {
		return nil, nil, err
	}
	if e.Prompt == nil {
		return nil, nil, apierr.New(apierr.ResourceNotFound, "Endpoint '%s' has no prompt", e.Name)
	}
	return e, key, nil
}

func (s *Server) promptNamed(c echo.Context) (promptJSON, error) {
	e, key, err := s.promptOf(c)
	if err != nil {
		return promptJSON{}, err
	}
	return describePrompt(e, key), nil
}

// renderPrompt answers with the messages of a version for some variables. No model is asked.
func (s *Server) renderPrompt(c echo.Context) error {
	_, body, err := s.actor(c)
	if err != nil {
		return err
	}
	e, key, err := s.promptOf(c)
	if err != nil {
		return err
	}
	if !readsTexts(e, key) {
		return apierr.New(apierr.PermissionDenied, "you need CAN_MANAGE on endpoint '%s' to read its prompt", e.Name)
	}
	var o rawjson.Object
	if err := o.Parse(body, wire.MaxDepth); err != nil {
		return apierr.New(apierr.BadRequest, "the body must be a JSON object with version and variables: %v", err)
	}
	ask, failed := prompt.Read(&o, wire.OpenAIChat, true)
	if failed != nil {
		return failed
	}
	v := e.Prompt.Lookup(ask.Version)
	switch {
	case v != nil:
	case ask.Version != 0:
		return apierr.New(apierr.InvalidParameter, "the prompt of endpoint '%s' has no version %d; %s", e.Name, ask.Version, e.Prompt.Numbers()).At("version")
	default:
		v = e.Prompt.Active[0].Version
	}
	messages, failed := v.Texts(ask, maxSpec)
	if failed != nil {
		return failed
	}
	return c.JSON(http.StatusOK, struct {
		Version    int64           `json:"version"`
		Messages   json.RawMessage `json:"messages"`
		Parameters json.RawMessage `json:"parameters,omitempty"`
	}{v.Number, messages, v.Parameters})
}

// variablesSchema describes the body that calls a version of a prompt.
func variablesSchema(v *prompt.Version) map[string]any {
	required, properties := []string{}, map[string]any{}
	for _, x := range v.Variables {
		p := map[string]any{}
		if x.Description != "" {
			p["description"] = x.Description
		}
		properties[x.Name] = p
		if x.Default == nil {
			required = append(required, x.Name)
		}
	}
	body := map[string]any{"type": "object", "properties": map[string]any{
		"variables": map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false},
		"version":   map[string]any{"type": "integer", "minimum": 1},
		"messages":  map[string]any{"type": "array", "items": map[string]any{}},
		"stream":    map[string]any{"type": "boolean"},
	}}
	if len(required) > 0 {
		body["required"] = []string{"variables"}
	}
	return body
}
