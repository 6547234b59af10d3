package endpoint

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
)

// Level is what somebody may do with an endpoint, in Databricks' words. A higher level has all of
// a lower one's.
type Level string

// The levels, the lowest first.
const (
	CanView   Level = "CAN_VIEW"   // see it
	CanQuery  Level = "CAN_QUERY"  // call it
	CanManage Level = "CAN_MANAGE" // change it, delete it, and say who may
)

// Levels returns the levels, the lowest first.
func Levels() []Level { return []Level{CanView, CanQuery, CanManage} }

// GrantKind says who a grant is for.
type GrantKind string

// The kinds of grants.
const (
	ToUser             GrantKind = "user"
	ToGroup            GrantKind = "group"
	ToServicePrincipal GrantKind = "service_principal"
)

// Everybody is the group that every key is in.
const Everybody = "users"

// Grant gives one level to a user, a group or a service principal.
type Grant struct {
	Kind  GrantKind `json:"kind"`
	Name  string    `json:"name"`
	Level Level     `json:"level"`
}

// Origin is what is known of an endpoint that was made through the API.
type Origin struct {
	Version   int64           // of its document
	Spec      json.RawMessage // the document as it was sent, with references instead of secrets
	Access    []Grant
	Created   time.Time
	CreatedBy string
	Changed   time.Time
	ChangedBy string
}

// Allows reports whether p may do with e what level says. Of an endpoint in the configuration file,
// which has no grants, keys alone say who may call it, and nobody may change it.
func (e *Endpoint) Allows(p *inference.Principal, admin bool, level Level) bool {
	if e.Origin == nil {
		return level != CanManage
	}
	if admin {
		return true
	}
	need := slices.Index(Levels(), level)
	for _, g := range e.Origin.Access {
		if g.covers(p) && slices.Index(Levels(), g.Level) >= need {
			return true
		}
	}
	return false
}

func (g *Grant) covers(p *inference.Principal) bool {
	switch g.Kind {
	case ToUser:
		return p.Kind == inference.User && p.Name == g.Name
	case ToServicePrincipal:
		return p.Kind == inference.ServicePrincipal && p.Name == g.Name
	case ToGroup:
		return g.Name == Everybody || slices.Contains(p.Groups, g.Name)
	default:
		return false
	}
}

// LevelOf returns the highest level that p has on e, "" for none.
func (e *Endpoint) LevelOf(p *inference.Principal, admin bool) Level {
	levels := Levels()
	for i := len(levels) - 1; i >= 0; i-- {
		if e.Allows(p, admin, levels[i]) {
			return levels[i]
		}
	}
	return ""
}
