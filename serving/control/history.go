package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/endpoints"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// rollback is the action of Rollback, a word of our own.
const rollback = "rollbackServingEndpoint"

// MaxHistory bounds how many versions History returns.
const MaxHistory = 1000

// Version is one version of an endpoint, and what it changed of the one before.
type Version struct {
	Version   int64        `json:"version"`
	Changed   time.Time    `json:"changed"`
	ChangedBy string       `json:"changed_by"`
	Action    string       `json:"action"`
	RequestID string       `json:"request_id"`
	ManagedBy string       `json:"managed_by,omitempty"`
	Deleted   bool         `json:"deleted,omitempty"`
	Changes   []Difference `json:"changes"`
}

// Stored is one version of an endpoint as it is kept.
type Stored struct {
	Name      string    `json:"name"`
	Version   int64     `json:"version"`
	Created   time.Time `json:"created"`
	CreatedBy string    `json:"created_by"`
	Changed   time.Time `json:"changed"`
	ChangedBy string    `json:"changed_by"`
	Action    string    `json:"action"`
	Deleted   bool      `json:"deleted,omitempty"`
	ManagedBy string    `json:"managed_by,omitempty"`
	Applied   int64     `json:"applied_version,omitempty"`
	// Spec and Permissions are for those who manage the endpoint; of a deleted one as they were last.
	Spec        json.RawMessage `json:"spec,omitempty"`
	Permissions []Permission    `json:"permissions"`
}

// Permission is a grant as files and clients write it.
type Permission struct {
	User      string         `json:"user_name,omitempty"`
	Group     string         `json:"group_name,omitempty"`
	Principal string         `json:"service_principal_name,omitempty"`
	Level     endpoint.Level `json:"level"`
}

// List returns the endpoints of the API that a may see, sorted by name.
func (p *Plane) List(ctx context.Context, a *Actor) ([]Stored, error) {
	set, err := p.Follow(ctx)
	if err != nil {
		return nil, unreachable(err)
	}
	list := []Stored{}
	for _, d := range set.Live() {
		if allows(d, a, endpoint.CanView) {
			list = append(list, shown(d, a))
		}
	}
	return list, nil
}

func shown(d *endpoints.Document, a *Actor) Stored {
	s := Stored{
		Name: d.Name, Version: d.Version, Created: d.Created, CreatedBy: d.CreatedBy, Changed: d.Changed, ChangedBy: d.ChangedBy,
		Action: d.Action, Deleted: d.Deleted, ManagedBy: d.ManagedBy, Applied: d.Applied,
	}
	if allows(d, a, endpoint.CanManage) {
		s.Spec, s.Permissions = d.Spec, permissionsOf(d.Access)
	}
	return s
}

func permissionsOf(access []endpoint.Grant) []Permission {
	list := []Permission{}
	for _, g := range access {
		x := Permission{Level: g.Level}
		switch g.Kind {
		case endpoint.ToGroup:
			x.Group = g.Name
		case endpoint.ToServicePrincipal:
			x.Principal = g.Name
		default:
			x.User = g.Name
		}
		list = append(list, x)
	}
	return list
}

// History returns the newest versions of an endpoint, at most so many, the oldest first. A deleted
// endpoint's is for administrators.
func (p *Plane) History(ctx context.Context, a *Actor, name string, most int) ([]Version, error) {
	if _, err := p.managed(ctx, a, name); err != nil {
		return nil, err
	}
	docs, err := p.Store.History(ctx, name, min(most, MaxHistory)+1)
	if err != nil {
		return nil, unreachable(err)
	}
	list := []Version{}
	var before *endpoints.Document
	for i, d := range docs {
		if i == 0 && len(docs) > most {
			before = d // it is read for the next one's changes
			continue
		}
		list = append(list, versionOf(before, d))
		before = d
	}
	return list, nil
}

func versionOf(before, d *endpoints.Document) Version {
	return Version{
		Version: d.Version, Changed: d.Changed, ChangedBy: d.ChangedBy, Action: d.Action, RequestID: d.RequestID,
		ManagedBy: d.ManagedBy, Deleted: d.Deleted, Changes: Differences(before, d),
	}
}

// Version returns one version of an endpoint; the newest for 0.
func (p *Plane) Version(ctx context.Context, a *Actor, name string, version int64) (*Stored, error) {
	d, err := p.managed(ctx, a, name)
	if err != nil {
		return nil, err
	}
	if version != 0 {
		if d, err = p.version(ctx, name, version); err != nil {
			return nil, err
		}
	}
	s := shown(d, a)
	s.Spec, s.Permissions = d.Spec, permissionsOf(d.Access) // what counts is who manages it now
	return &s, nil
}

func (p *Plane) version(ctx context.Context, name string, version int64) (*endpoints.Document, error) {
	d, err := p.Store.Get(ctx, name, version)
	if errors.Is(err, endpoints.ErrNotFound) {
		return nil, apierr.New(apierr.ResourceNotFound, "Endpoint '%s' has no version %d.", clip(name), version)
	}
	if err != nil {
		return nil, unreachable(err)
	}
	return d, nil
}

// managed returns the newest version of an endpoint that a manages, of a deleted one too.
func (p *Plane) managed(ctx context.Context, a *Actor, name string) (*endpoints.Document, error) {
	set, err := p.Follow(ctx)
	if err != nil {
		return nil, unreachable(err)
	}
	d := set.Lookup(name)
	switch {
	case p.InFile(name) && a.Admin:
		return nil, apierr.New(apierr.ResourceNotFound, "Endpoint '%s' is declared in the gateway's configuration file: no versions of it are kept here", clip(name))
	case d == nil, d.Name != name, d.Deleted && !a.Admin, !d.Deleted && !allows(d, a, endpoint.CanView):
		return nil, NotFound(name)
	case !d.Deleted && !allows(d, a, endpoint.CanManage):
		return nil, apierr.New(apierr.PermissionDenied, "you need CAN_MANAGE on endpoint '%s' for this", clip(name))
	}
	return d, nil
}

// Back says which version to roll back to.
type Back struct {
	To       int64  `json:"to"`
	Expected *int64 `json:"expected_version"` // the version that is expected to be the newest; nil: whichever is
	DryRun   bool   `json:"dry_run"`
}

// Outcome is what a change came to.
type Outcome struct {
	Name    string       `json:"name"`
	From    int64        `json:"from_version"`
	Version int64        `json:"version"` // the same as From when nothing changed
	DryRun  bool         `json:"dry_run,omitempty"`
	Changes []Difference `json:"changes"`
}

// Rollback makes a version of an older one's specification, byte for byte. Who may use the endpoint
// stays as it is; a deleted endpoint is made again with the grants of that version.
func (p *Plane) Rollback(ctx context.Context, a *Actor, name string, b Back) (*Outcome, error) {
	old, next, err := p.changed(ctx, a, change{name: name, action: rollback, expect: b.Expected, dry: b.DryRun, revives: true, edit: func(d *endpoints.Document) error {
		then, err := p.version(ctx, name, b.To)
		switch {
		case err != nil:
			return err
		case then.Deleted:
			return apierr.New(apierr.InvalidParameter, "in version %d endpoint '%s' is deleted: roll back to one where it is there, or delete it", b.To, clip(name)).At("to")
		}
		if d.Spec == nil {
			d.Access = slices.Clone(then.Access)
		}
		d.Spec = then.Spec
		return nil
	}})
	if err != nil {
		return nil, err
	}
	return &Outcome{Name: name, From: old.Version, Version: next.Version, DryRun: b.DryRun, Changes: Differences(old, next)}, nil
}

// same reports whether next says nothing that old does not.
func same(action string, old, next *endpoints.Document) bool {
	if old == nil || old.Deleted != next.Deleted || old.ManagedBy != next.ManagedBy {
		return false
	}
	if action == rollback {
		return bytes.Equal(old.Spec, next.Spec)
	}
	return len(Differences(old, next)) == 0
}
