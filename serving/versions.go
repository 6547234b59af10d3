package serving

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/control"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// versionsAPI is where endpoints are seen as documents with versions, which Databricks has not.
const versionsAPI = "/api/2.0/lakegate/endpoints"

// versions are the paths of versionsAPI.
func (s *Server) versions() {
	s.echo.GET(versionsAPI, s.listVersioned)
	s.echo.GET(versionsAPI+"/:name/routes", s.routes)
	s.echo.POST(versionsAPI+"/apply", s.applyEndpoints)
	one := versionsAPI + "/:name"
	s.echo.GET(one, s.changes(func(c echo.Context, a *control.Actor, name string, _ []byte) (any, error) {
		return s.versioned(c, a, name)
	}))
	s.echo.GET(one+"/history", s.changes(func(c echo.Context, a *control.Actor, name string, _ []byte) (any, error) {
		most, err := number64(c.QueryParam("limit"), 100)
		if err != nil || most < 1 {
			return nil, apierr.New(apierr.InvalidParameter, "Invalid value for parameter limit: want a number from 1 to %d", control.MaxHistory).At("limit")
		}
		list, err := s.plane.History(c.Request().Context(), a, name, int(min(most, control.MaxHistory)))
		return map[string]any{"name": name, "versions": list}, err
	}))
	s.echo.GET(one+"/versions/:version", s.changes(func(c echo.Context, a *control.Actor, name string, _ []byte) (any, error) {
		v, err := strconv.ParseInt(c.Param("version"), 10, 64)
		if err != nil || v < 1 {
			return nil, apierr.New(apierr.InvalidParameter, "'%s' is no version: want a number from 1", clipPath(c.Param("version"))).At("version")
		}
		return s.plane.Version(c.Request().Context(), a, name, v)
	}))
	s.echo.POST(one+"/rollback", s.changes(func(c echo.Context, a *control.Actor, name string, body []byte) (any, error) {
		var b control.Back
		if err := json.Unmarshal(body, &b); err != nil || b.To < 1 {
			return nil, apierr.New(apierr.InvalidParameter, "Invalid value for field to: want the number of the version to go back to").At("to")
		}
		return s.plane.Rollback(c.Request().Context(), a, name, b)
	}))
}

// maxApply bounds the body of a request that applies many endpoints.
const maxApply = 16 << 20

func (s *Server) applyEndpoints(c echo.Context) error {
	a, body, err := s.actorWith(c, maxApply)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	var r control.Apply
	if err := dec.Decode(&r); err != nil {
		return apierr.New(apierr.BadRequest, "Bad request: want owner, endpoints, prune, adopt, take_over, dry_run and expect (%s)", err)
	}
	plan, err := s.plane.Apply(c.Request().Context(), a, &r)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, plan)
}

func number64(text string, otherwise int64) (int64, error) {
	if text == "" {
		return otherwise, nil
	}
	return strconv.ParseInt(text, 10, 64)
}

// versionedJSON is an endpoint of the file or of the API.
type versionedJSON struct {
	control.Stored
	Source          string         `json:"source"`   // api or file
	InForce         bool           `json:"in_force"` // this gateway serves this version
	PermissionLevel endpoint.Level `json:"permission_level,omitempty"`
	Task            string         `json:"task,omitempty"`
	Entities        []servedJSON   `json:"served_entities,omitempty"`
}

type servedJSON struct {
	Name     string `json:"name"`
	Provider string `json:"provider"`
	Model    string `json:"model"`
	Traffic  int    `json:"traffic_percentage"`
}

// joined is what is stored of an endpoint and what is in force.
func joined(stored *control.Stored, e *endpoint.Endpoint, a *control.Actor) versionedJSON {
	v := versionedJSON{Source: "api"}
	if stored != nil {
		v.Stored = *stored
	}
	if e == nil {
		return v
	}
	if e.Origin == nil {
		v.Source, v.InForce = "file", true
		v.Name, v.Created = e.Name, e.Created
	} else {
		v.InForce = stored != nil && e.Origin.Version == stored.Version
	}
	v.PermissionLevel, v.Task = e.LevelOf(&a.Principal, a.Admin), e.Task
	for i, x := range e.Entities {
		v.Entities = append(v.Entities, servedJSON{x.Name, x.Provider, x.Model, e.Weights[i]})
	}
	return v
}

// listVersioned lists the endpoints of the file and of the API that the key may see.
func (s *Server) listVersioned(c echo.Context) error {
	a, _, err := s.actor(c)
	if err != nil {
		return err
	}
	if c.QueryParam("drift") == "true" {
		drifted, err := s.plane.Drifts(c.Request().Context(), a, c.QueryParam("owner"))
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, map[string]any{"endpoints": drifted})
	}
	stored, err := s.plane.List(c.Request().Context(), a)
	if err != nil {
		return err
	}
	key, catalog, err := s.keyOf(c)
	if err != nil {
		return err
	}
	list := []versionedJSON{}
	for i := range stored {
		e, _ := catalog.Lookup(stored[i].Name)
		if e != nil && e.Origin == nil {
			e = nil // the file's, which holds
		}
		list = append(list, joined(&stored[i], e, a))
	}
	for _, e := range catalog.All() {
		if e.Origin == nil && mayView(key, e) {
			list = append(list, joined(nil, e, a))
		}
	}
	slices.SortFunc(list, func(a, b versionedJSON) int { return cmp.Compare(a.Name, b.Name) })
	return c.JSON(http.StatusOK, map[string]any{"endpoints": list})
}

func (s *Server) versioned(c echo.Context, a *control.Actor, name string) (any, error) {
	key, catalog, err := s.keyOf(c)
	if err != nil {
		return nil, err
	}
	if e, ok := catalog.Lookup(name); ok && e.Origin == nil && mayView(key, e) {
		return joined(nil, e, a), nil
	}
	stored, err := s.plane.Version(c.Request().Context(), a, name, 0)
	if err != nil {
		return nil, err
	}
	if _, catalog, err = s.keyOf(c); err != nil { // which may be newer now
		return nil, err
	}
	e, _ := catalog.Lookup(name)
	return joined(stored, e, a), nil
}
