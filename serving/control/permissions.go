package control

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/endpoints"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// maxGrants bounds the grants of an endpoint, which every call looks through.
const maxGrants = 200

// PutAccess replaces the grants of an endpoint by those of the body.
func (p *Plane) PutAccess(ctx context.Context, a *Actor, name string, body []byte) error {
	return p.access(ctx, a, name, body, func(_, grants []endpoint.Grant) []endpoint.Grant { return grants })
}

// PatchAccess adds grants to those of an endpoint; who has one already gets the new level.
func (p *Plane) PatchAccess(ctx context.Context, a *Actor, name string, body []byte) error {
	return p.access(ctx, a, name, body, func(old, grants []endpoint.Grant) []endpoint.Grant {
		old = slices.DeleteFunc(old, func(o endpoint.Grant) bool {
			return slices.ContainsFunc(grants, func(g endpoint.Grant) bool { return g.Kind == o.Kind && g.Name == o.Name })
		})
		return append(old, grants...)
	})
}

func (p *Plane) access(ctx context.Context, a *Actor, name string, body []byte, join func(old, grants []endpoint.Grant) []endpoint.Grant) error {
	grants, err := grantsIn(body)
	return p.change(ctx, a, change{name: name, action: changeACL, early: err, edit: func(d *endpoints.Document) error {
		d.Access = join(d.Access, grants)
		if len(d.Access) > maxGrants {
			return tooManyGrants().At("access_control_list")
		}
		return nil
	}})
}

func grantsIn(body []byte) ([]endpoint.Grant, error) {
	var req struct {
		List []struct {
			User      string         `json:"user_name"`
			Group     string         `json:"group_name"`
			Principal string         `json:"service_principal_name"`
			Level     endpoint.Level `json:"permission_level"`
		} `json:"access_control_list"`
	}
	if err := json.Unmarshal(body, &req); err != nil {
		return nil, apierr.New(apierr.BadRequest, "Bad request: want access_control_list, a list of user_name, group_name or service_principal_name with permission_level").At("access_control_list")
	}
	grants := []endpoint.Grant{}
	for _, g := range req.List {
		to, err := grantOf(g.User, g.Group, g.Principal, g.Level, grants)
		if err != nil {
			return nil, err
		}
		grants = append(grants, to)
	}
	return grants, nil
}

// grantOf makes a grant beside others.
func grantOf(user, group, principal string, level endpoint.Level, beside []endpoint.Grant) (endpoint.Grant, *apierr.Error) {
	if !slices.Contains(endpoint.Levels(), level) {
		return endpoint.Grant{}, apierr.New(apierr.InvalidParameter, "permission level %q is none of CAN_VIEW, CAN_QUERY and CAN_MANAGE", clip(string(level))).At("permission_level")
	}
	var to []endpoint.Grant
	for kind, name := range map[endpoint.GrantKind]string{endpoint.ToUser: user, endpoint.ToGroup: group, endpoint.ToServicePrincipal: principal} {
		if name != "" {
			to = append(to, endpoint.Grant{Kind: kind, Name: name, Level: level})
		}
	}
	if len(to) != 1 {
		return endpoint.Grant{}, apierr.New(apierr.InvalidParameter, "each entry has one of user_name, group_name and service_principal_name").At("access_control_list")
	}
	if slices.ContainsFunc(beside, func(o endpoint.Grant) bool { return o.Kind == to[0].Kind && o.Name == to[0].Name }) {
		return endpoint.Grant{}, apierr.New(apierr.InvalidParameter, "%s %q is there twice", to[0].Kind, clip(to[0].Name)).At("access_control_list")
	}
	return to[0], nil
}

func tooManyGrants() *apierr.Error {
	return apierr.New(apierr.InvalidParameter, "an endpoint has at most %d grants; grant to groups instead", maxGrants)
}
