package serving

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/auth"
	"github.com/lakegate/lakegate/serving/control"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// admins is the group of the keys that are admin.
const admins = "admins"

func (s *Server) permissions() {
	one := permissionsAPI + "/:id"
	s.echo.GET(one, func(c echo.Context) error {
		key, e, err := s.byID(c)
		if err != nil {
			return err
		}
		if e.Origin != nil && !e.Allows(&key.Principal, key.Admin, endpoint.CanManage) {
			return apierr.New(apierr.PermissionDenied, "you need CAN_MANAGE on endpoint '%s' to see who may use it", e.Name)
		}
		return c.JSON(http.StatusOK, accessOf(e))
	})
	s.echo.GET(one+"/permissionLevels", func(c echo.Context) error {
		if _, _, err := s.byID(c); err != nil {
			return err
		}
		return c.JSON(http.StatusOK, map[string]any{"permission_levels": []levelJSON{
			{endpoint.CanManage, "Can change the endpoint, delete it, and say who may use it"},
			{endpoint.CanQuery, "Can call the endpoint and see it"},
			{endpoint.CanView, "Can see the endpoint"},
		}})
	})
	s.echo.PUT(one, s.changesAccess((*control.Plane).PutAccess))
	s.echo.PATCH(one, s.changesAccess((*control.Plane).PatchAccess))
}

type levelJSON struct {
	Level       endpoint.Level `json:"permission_level"`
	Description string         `json:"description"`
}

// byID returns the endpoint whose id is in the path.
func (s *Server) byID(c echo.Context) (*auth.Key, *endpoint.Endpoint, error) {
	key, catalog, err := s.keyOf(c)
	if err != nil {
		return nil, nil, err
	}
	id := c.Param("id")
	for _, e := range catalog.All() {
		if e.ID == id && mayView(key, e) {
			return key, e, nil
		}
	}
	if len(id) != 32 {
		return nil, nil, apierr.New(apierr.InvalidParameter, "'%s' is not a valid Inference Endpoint ID.", clipPath(id))
	}
	return nil, nil, apierr.New(apierr.ResourceNotFound, "Inference Endpoint %s does not exist.", clipPath(id))
}

func (s *Server) changesAccess(do func(p *control.Plane, ctx context.Context, a *control.Actor, name string, body []byte) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		_, e, err := s.byID(c)
		if err != nil {
			return err
		}
		a, body, err := s.actor(c)
		if err != nil {
			return err
		}
		if err := do(s.plane, c.Request().Context(), a, e.Name, body); err != nil {
			return err
		}
		_, catalog, err := s.keyOf(c)
		if err != nil {
			return err
		}
		if now, ok := catalog.Lookup(e.Name); ok {
			e = now
		}
		return c.JSON(http.StatusOK, accessOf(e))
	}
}

type accessJSON struct {
	ObjectID   string      `json:"object_id"`
	ObjectType string      `json:"object_type"`
	List       []grantJSON `json:"access_control_list"`
}

type grantJSON struct {
	User      string           `json:"user_name,omitempty"`
	Group     string           `json:"group_name,omitempty"`
	Principal string           `json:"service_principal_name,omitempty"`
	All       []permissionJSON `json:"all_permissions"`
}

type permissionJSON struct {
	Level     endpoint.Level `json:"permission_level"`
	Inherited bool           `json:"inherited"`
	From      []string       `json:"inherited_from_object,omitempty"`
}

func accessOf(e *endpoint.Endpoint) accessJSON {
	a := accessJSON{ObjectID: "/serving-endpoints/" + e.ID, ObjectType: "serving-endpoint", List: []grantJSON{}}
	if e.Origin == nil {
		return a // keys alone say who may call it
	}
	for _, g := range e.Origin.Access {
		j := grantJSON{All: []permissionJSON{{Level: g.Level}}}
		switch g.Kind {
		case endpoint.ToGroup:
			j.Group = g.Name
		case endpoint.ToServicePrincipal:
			j.Principal = g.Name
		default:
			j.User = g.Name
		}
		a.List = append(a.List, j)
	}
	a.List = append(a.List, grantJSON{Group: admins, All: []permissionJSON{
		{Level: endpoint.CanManage, Inherited: true, From: []string{"/serving-endpoints/"}},
	}})
	return a
}
