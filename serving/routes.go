package serving

import (
	"time"

	"github.com/labstack/echo/v4"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/route"
)

// routesJSON is the routing of an endpoint: what its configuration says, in words, and how its entities
// are doing on this gateway.
type routesJSON struct {
	Name     string       `json:"name"`
	Routes   []route.Line `json:"routes"`
	Entities []routedJSON `json:"entities"`
	Rollout  *rollingJSON `json:"rollout,omitempty"`
}

type routedJSON struct {
	Name       string  `json:"name"`
	Provider   string  `json:"provider"`
	Model      string  `json:"model"`
	Traffic    float64 `json:"traffic_percentage"` // at the moment: a rollout moves it
	Circuit    string  `json:"circuit,omitempty"`  // closed, half_open or open; "" where there is none
	InFlight   int64   `json:"in_flight"`
	FirstToken int64   `json:"first_token_ms,omitempty"` // of streams, on average lately
	Whole      int64   `json:"latency_ms,omitempty"`     // of whole answers
}

type rollingJSON struct {
	To  string `json:"to"`
	Why string `json:"why"`
}

// routes answers with the routing of an endpoint, to who manages it: rules name people.
func (s *Server) routes(c echo.Context) error {
	key, catalog, err := s.keyOf(c)
	if err != nil {
		return err
	}
	e, err := visible(key, catalog, c.Param("name"))
	if err != nil {
		return err
	}
	if !key.Admin && e.Origin == nil {
		return apierr.New(apierr.PermissionDenied, "only administrators may see the routing of an endpoint of the configuration file")
	}
	if e.Origin != nil && !e.Allows(&key.Principal, key.Admin, endpoint.CanManage) {
		return apierr.New(apierr.PermissionDenied, "you need CAN_MANAGE on endpoint '%s' to see its routing", e.Name)
	}
	return c.JSON(200, s.routesOf(e))
}

func (s *Server) routesOf(e *endpoint.Endpoint) routesJSON {
	r := routesJSON{Name: e.Name, Routes: route.Describe(e)}
	now := s.shares(e)
	if k := s.gateway.Rollouts.Of(e); k != nil {
		r.Rollout = &rollingJSON{e.RolledOut().Name, k.Split().Why}
	}
	for i, x := range e.Entities {
		r.Entities = append(r.Entities, routedJSON{Name: x.Name, Provider: x.Provider, Model: x.Model, Traffic: now[i]})
	}
	of := func(endpoint, entity string) *routedJSON {
		for i := range r.Entities {
			if endpoint == e.Name && r.Entities[i].Name == entity {
				return &r.Entities[i]
			}
		}
		return &routedJSON{} // another endpoint's
	}
	for _, x := range s.gateway.Circuits() {
		of(x.Endpoint, x.Entity).Circuit = x.State.String()
	}
	for _, l := range s.gateway.Loads() {
		set(of(l.Endpoint, l.Entity), l)
	}
	return r
}

func set(to *routedJSON, l gateway.Load) {
	to.InFlight, to.FirstToken, to.Whole = l.InFlight, l.FirstToken.Round(time.Millisecond).Milliseconds(), l.Whole.Round(time.Millisecond).Milliseconds()
}

// shares returns the percentages of the entities at the moment.
func (s *Server) shares(e *endpoint.Endpoint) []float64 {
	now := make([]float64, len(e.Weights))
	rest := 1.0
	k := s.gateway.Rollouts.Of(e)
	if k != nil {
		target := float64(k.Split().Traffic) / endpoint.FullTraffic
		now[e.Rollout.Target] = 100 * target
		rest = 1 - target
	}
	for i, w := range e.Weights {
		if k == nil || i != e.Rollout.Target {
			now[i] = float64(w) * rest
		}
	}
	return now
}
