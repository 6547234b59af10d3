// Package control is the control plane: what a request of the serving-endpoints API does to an
// endpoint's document, who may ask for it, and what is written down about it.
//
// A change is checked, stored as the next version of the document, taken up by this gateway, and
// recorded, in that order; it is answered when all of that is done. Of two changes made from the same
// version the second is refused with RESOURCE_CONFLICT. Refused changes are recorded too. Endpoints
// of the configuration file can't be changed here. No secret is stored in a document or recorded: one
// that comes in a field ..._plaintext goes to Deps.Secrets, and the document refers to it; one anywhere
// else is refused by Deps.Check; and the body of a refused request is not kept. A secret that came so is
// deleted when no endpoint refers to it any more.
//
// Apply makes many endpoints what files say: planned and checked as a whole, conditional on the versions
// that the plan saw, then stored one by one. Rollback makes a version of an older one's bytes. A change
// that changes nothing makes no version.
//
// The package does no HTTP; that is serving's part. A Plane is safe for concurrent use.
package control

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/endpoints"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// Deps is what a Plane needs.
type Deps struct {
	Store *endpoints.Store
	// Check decides whether an endpoint may be as spec says, beside the others there are. given are
	// secrets that spec refers to and that are not kept yet, by keys of the scope secret.Given. Its error
	// is an *apierr.Error.
	Check func(spec []byte, given map[string]secret.String) error
	// Secrets keeps what requests bring in fields ..._plaintext; nil: they are refused.
	Secrets Secrets
	// Judge says of each of several specs what is wrong with it, beside one another and the endpoints
	// there are without those that go. They bring no secrets.
	Judge func(specs [][]byte, gone []string) [][]Fault
	// InFile reports whether the configuration file has an endpoint of that name.
	InFile func(name string) bool
	// Follow takes up what is in the store, and returns it. Its error says that the store could not
	// be reached.
	Follow func(ctx context.Context) (endpoints.Set, error)
	Record func(*inference.Audit) error
	Logger *slog.Logger
}

// Plane is the control plane of a gateway.
type Plane struct{ Deps }

// New returns a control plane. It needs every field of d but Secrets.
func New(d Deps) *Plane {
	if d.Secrets == nil {
		d.Secrets = noSecrets{}
	}
	return &Plane{d}
}

// Actor is who asks for a change, and from where.
type Actor struct {
	Principal inference.Principal
	Admin     bool
	RequestID string
	RemoteIP  string
	UserAgent string
}

// The actions, in the words of Databricks' audit log.
const (
	create       = "createServingEndpoint"
	remove       = "deleteServingEndpoint"
	updateConfig = "updateServingEndpointConfig"
	putGateway   = "putServingEndpointAiGateway"
	putLimits    = "putServingEndpointRateLimits"
	patchTags    = "patchServingEndpointTags"
	changeACL    = "changeServingEndpointAcl"
)

// Create makes a new endpoint.
func (p *Plane) Create(ctx context.Context, a *Actor, body []byte) (name string, err error) {
	s, err := object(body)
	if err == nil {
		name, _ = s["name"].(string)
		s, err = created(s)
	}
	return name, p.change(ctx, a, change{name: name, action: create, early: err, edit: func(d *endpoints.Document) error {
		d.Access = creators(a)
		return set(d, s)
	}})
}

// creators are the grants of an endpoint that a makes.
func creators(a *Actor) []endpoint.Grant {
	return []endpoint.Grant{{Kind: grantKind(&a.Principal), Name: a.Principal.Name, Level: endpoint.CanManage}}
}

func grantKind(p *inference.Principal) endpoint.GrantKind {
	if p.Kind == inference.ServicePrincipal {
		return endpoint.ToServicePrincipal
	}
	return endpoint.ToUser
}

// Delete removes an endpoint.
func (p *Plane) Delete(ctx context.Context, a *Actor, name string) error {
	return p.change(ctx, a, change{name: name, action: remove, edit: func(d *endpoints.Document) error {
		gone(d)
		return nil
	}})
}

// gone makes d the version in which an endpoint is deleted.
func gone(d *endpoints.Document) { d.Deleted, d.Access, d.ManagedBy, d.Applied = true, nil, "", 0 }

// PutConfig replaces an endpoint's served entities and traffic.
func (p *Plane) PutConfig(ctx context.Context, a *Actor, name string, body []byte) error {
	return p.edit(ctx, a, name, updateConfig, body, func(s, body spec) error {
		if before, ok := s["config"].(map[string]any); ok {
			carry(before, body)
		}
		s["config"] = body
		return nil
	})
}

// PutGateway replaces an endpoint's ai_gateway block.
func (p *Plane) PutGateway(ctx context.Context, a *Actor, name string, body []byte) error {
	return p.edit(ctx, a, name, putGateway, body, func(s, body spec) error {
		s["ai_gateway"] = body
		return nil
	})
}

// PutLimits replaces an endpoint's rate limits, as older clients do.
func (p *Plane) PutLimits(ctx context.Context, a *Actor, name string, body []byte) error {
	return p.edit(ctx, a, name, putLimits, body, func(s, body spec) error {
		if err := only(body, "rate_limits"); err != nil {
			return err
		}
		g, _ := s["ai_gateway"].(map[string]any)
		if g == nil {
			g = map[string]any{}
		}
		g["rate_limits"] = body["rate_limits"]
		s["ai_gateway"] = g
		return nil
	})
}

// PatchTags adds tags to an endpoint, and takes others away.
func (p *Plane) PatchTags(ctx context.Context, a *Actor, name string, body []byte) error {
	return p.edit(ctx, a, name, patchTags, body, patchedTags)
}

// edit is a change of an endpoint's specification by a JSON object.
func (p *Plane) edit(ctx context.Context, a *Actor, name, action string, body []byte, edit func(s, body spec) error) error {
	b, err := object(body)
	return p.change(ctx, a, change{name: name, action: action, early: err, edit: func(d *endpoints.Document) error {
		s, err := object(d.Spec)
		if err != nil {
			return err
		}
		if err := edit(s, b); err != nil {
			return err
		}
		s.normalize()
		return set(d, s)
	}})
}

// change is one request for a change.
type change struct {
	name, action string
	early        error // the request was found wanting before anything was looked up
	edit         func(*edited) error
	expect       *int64 // the version it is made from, where the request says; 0: there is none
	revives      bool   // it makes a deleted endpoint again
	dry          bool   // it is only tried
}

func (p *Plane) change(ctx context.Context, a *Actor, c change) error {
	_, _, err := p.changed(ctx, a, c)
	return err
}

// changed returns the versions before and after. They are the same one when the change changes nothing.
func (p *Plane) changed(ctx context.Context, a *Actor, c change) (old, next *endpoints.Document, err error) {
	old, next, err = p.try(ctx, a, c)
	if !c.dry {
		p.record(a, c, old, next, err)
	}
	return old, next, err
}

func (p *Plane) try(ctx context.Context, a *Actor, c change) (old, next *endpoints.Document, err error) {
	if c.early != nil {
		return nil, nil, c.early
	}
	set, err := p.Follow(ctx)
	if err != nil {
		return nil, nil, unreachable(err)
	}
	old = set.Lookup(c.name)
	if err := p.may(a, c, old); err != nil {
		return nil, nil, err
	}
	if err := c.expected(old); err != nil {
		return old, nil, err
	}
	next = p.next(a, c, old)
	if err := c.edit(next); err != nil {
		return old, nil, err
	}
	given, err := p.seal(ctx, old, next)
	if err != nil {
		return old, nil, err
	}
	if !next.Deleted {
		if err := mayRefer(a, old, next, given); err != nil {
			return old, nil, err
		}
		if err := p.Check(next.Spec, given); err != nil {
			return old, nil, err
		}
		if err := p.keepsPrompts(ctx, old, next); err != nil {
			return old, nil, err
		}
	}
	switch {
	case same(c.action, old, next):
		return old, old, nil
	case c.dry:
		return old, next, nil
	}
	return old, next, p.store(ctx, old, next, given)
}

// store stores a version, the secrets that came with it before it, and has it taken up. When it ends in
// between, the secrets are left over for sweep.
func (p *Plane) store(ctx context.Context, old, next *endpoints.Document, given map[string]secret.String) error {
	had := referred(old)
	if len(given) > 0 {
		if err := p.Secrets.Put(ctx, given); err != nil {
			return unkept(err)
		}
	}
	err := p.Store.Put(ctx, next)
	switch {
	case errors.Is(err, endpoints.ErrChanged):
		had, err = slices.Collect(maps.Keys(given)), conflict(next.Name)
	case err != nil:
		return unreachable(err) // it may be stored, and need them
	}
	set, followErr := p.Follow(ctx)
	switch {
	case followErr != nil && err == nil:
		p.Logger.Warn("a change of an endpoint is stored, and taken up later", "endpoint", next.Name, "error", followErr)
	case followErr == nil && len(had)+len(given) > 0:
		p.sweep(ctx, set, had, next.Name)
	}
	return err
}

func conflict(name string) error {
	return apierr.New(apierr.Conflict, "Endpoint '%s' was changed by another request at the same time; read it again and repeat yours", clip(name))
}

// expected reports whether the change is made from the newest version.
func (c *change) expected(old *endpoints.Document) error {
	var version int64
	if old != nil {
		version = old.Version
	}
	if c.expect == nil || *c.expect == version {
		return nil
	}
	who := ""
	if old != nil {
		who = " by " + old.ChangedBy
	}
	return apierr.New(apierr.Conflict, "Endpoint '%s' has changed since version %d: it is at version %d%s; look at it again and repeat this", clip(c.name), *c.expect, version, who)
}

func unreachable(err error) error {
	e := apierr.New(apierr.Unavailable, "the store of endpoints can't be reached; nothing is known to have changed, try again")
	e.RetryAfter = time.Second
	return e.Because(err)
}

// may reports whether the endpoint can be changed, and by a.
func (p *Plane) may(a *Actor, c change, old *endpoints.Document) error {
	there := old != nil && !old.Deleted
	if p.InFile(c.name) {
		if c.action == create {
			return apierr.New(apierr.AlreadyExists, "Endpoint with name '%s' already exists: it is declared in the gateway's configuration file", clip(c.name))
		}
		return apierr.New(apierr.Conflict, "Endpoint '%s' is declared in the gateway's configuration file, so it can't be changed through the API; change it there", clip(c.name))
	}
	if c.action == create || c.revives && !there && a.Admin && old != nil && old.Name == c.name {
		if !a.Admin {
			return apierr.New(apierr.PermissionDenied, "only administrators may create endpoints: your key is not admin")
		}
		if there {
			return apierr.New(apierr.AlreadyExists, "Endpoint with name '%s' already exists.", clip(c.name))
		}
		return nil
	}
	visible := there && old.Name == c.name && allows(old, a, endpoint.CanView)
	if !visible {
		return NotFound(c.name)
	}
	if !allows(old, a, endpoint.CanManage) {
		return apierr.New(apierr.PermissionDenied, "you need CAN_MANAGE on endpoint '%s' for this", clip(c.name))
	}
	return nil
}

// NotFound is the error for an endpoint that is not there, or not to be seen.
func NotFound(name string) error {
	return apierr.New(apierr.ResourceNotFound, "Endpoint with name '%s' does not exist.", clip(name))
}

func allows(d *endpoints.Document, a *Actor, level endpoint.Level) bool {
	e := endpoint.Endpoint{Origin: &endpoint.Origin{Access: d.Access}}
	return e.Allows(&a.Principal, a.Admin, level)
}

// next is the version after old, still with old's content.
func (p *Plane) next(a *Actor, c change, old *endpoints.Document) *endpoints.Document {
	now := time.Now().UTC()
	d := &endpoints.Document{
		Name: c.name, Version: 1, Created: now, CreatedBy: a.Principal.Name,
		Changed: now, ChangedBy: a.Principal.Name, Action: c.action, RequestID: a.RequestID,
	}
	if old == nil {
		return d
	}
	d.Version, d.ManagedBy, d.Applied = old.Version+1, old.ManagedBy, old.Applied
	if !old.Deleted {
		d.Spec, d.Access = old.Spec, slices.Clone(old.Access)
		d.Created, d.CreatedBy = old.Created, old.CreatedBy
	}
	return d
}

type edited = endpoints.Document

func clip(s string) string {
	if len(s) > 200 {
		s = s[:200]
	}
	return s
}

// raw marshals what came out of JSON, or is made of texts.
func raw(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // it came out of JSON
	}
	return b
}
