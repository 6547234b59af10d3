package control

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/endpoints"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// apply is the action of changes that Apply makes to endpoints there were, a word of our own.
const apply = "applyServingEndpoint"

// maxApplied bounds the endpoints of one request.
const maxApplied = 5000

// Apply is what endpoints are to be, as somebody's files say.
type Apply struct {
	Owner     string            `json:"owner"`     // whose files; endpoints that they made or changed are marked with it
	Endpoints []json.RawMessage `json:"endpoints"` // each as in a file: an endpoint, with permissions or without
	Prune     bool              `json:"prune,omitempty"`
	Adopt     bool              `json:"adopt,omitempty"`     // mark those too that are as the files say already
	TakeOver  bool              `json:"take_over,omitempty"` // from other owners
	DryRun    bool              `json:"dry_run,omitempty"`
	// Expect are the versions that a plan was made from, by name, 0 for none. Where it is there, nothing
	// is changed unless it is all so still.
	Expect map[string]int64 `json:"expect,omitempty"`
}

// What an apply does to an endpoint.
const (
	WillCreate = "create"
	WillUpdate = "update"
	WillDelete = "delete"
	WillAdopt  = "adopt" // mark it, and nothing else
	Unchanged  = "unchanged"
	Refused    = "refused"
)

// Plan is what an apply does, or has done.
type Plan struct {
	Owner  string    `json:"owner"`
	DryRun bool      `json:"dry_run"`
	Items  []Planned `json:"endpoints"` // those of the request in its order, then those to delete
	// Others are endpoints of the API that are not in the request and stay.
	Others []Other `json:"others"`
}

// Other is an endpoint that an apply leaves alone.
type Other struct {
	Name      string `json:"name"`
	ManagedBy string `json:"managed_by,omitempty"`
}

// Planned is what an apply does to one endpoint.
type Planned struct {
	Name       string       `json:"name"`
	Action     string       `json:"action"`
	Version    int64        `json:"version"`     // there is; 0: none
	NewVersion int64        `json:"new_version"` // there will be
	ManagedBy  string       `json:"managed_by,omitempty"`
	Changes    []Difference `json:"changes"`
	Faults     []Fault      `json:"faults,omitempty"`
	Drift      *Drift       `json:"drift,omitempty"`

	old, next *endpoints.Document
}

// Fault is one thing that is wrong with an endpoint. Path is empty where it is all of it.
type Fault struct {
	Path    string      `json:"path,omitempty"`
	Message string      `json:"message"`
	Code    apierr.Code `json:"error_code"`
}

// Apply makes endpoints what the request says. Everything is checked before anything is changed: with
// one fault in one of them, or another version than expected, nothing is. Each endpoint is changed by
// itself, so when somebody else changes one, or the store fails, in the middle, those before are
// changed; the error says which.
func (p *Plane) Apply(ctx context.Context, a *Actor, r *Apply) (*Plan, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	set, err := p.Follow(ctx)
	if err != nil {
		return nil, unreachable(err)
	}
	plan := p.planned(a, r, set)
	if err := p.promptsKept(ctx, plan); err != nil {
		return nil, err
	}
	if err := p.drifts(ctx, plan); err != nil {
		return nil, unreachable(err)
	}
	if r.DryRun {
		return plan, nil
	}
	plan.expected(r.Expect)
	if err := plan.faults(); err != nil {
		for _, x := range plan.Items {
			if len(x.Faults) > 0 {
				f := x.Faults[0]
				p.record(a, change{name: x.Name, action: apply}, nil, nil, apierr.New(f.Code, "%s", f.Message))
			}
		}
		return nil, err
	}
	return plan, p.carryOut(ctx, a, plan)
}

func (r *Apply) check() error {
	switch {
	case r.Owner == "" || len(r.Owner) > 100 || strings.ContainsFunc(r.Owner, func(c rune) bool { return c < ' ' }):
		return apierr.New(apierr.InvalidParameter, "Invalid value for field owner: want a name of up to 100 characters").At("owner")
	case len(r.Endpoints) > maxApplied:
		return apierr.New(apierr.InvalidParameter, "Invalid value for field endpoints: want at most %d at once", maxApplied).At("endpoints")
	}
	return nil
}

// planned finds what is to be done to each endpoint, and what is in the way.
func (p *Plane) planned(a *Actor, r *Apply, set endpoints.Set) *Plan {
	plan := &Plan{Owner: r.Owner, DryRun: r.DryRun, Others: []Other{}}
	named := map[string]bool{}
	for _, body := range r.Endpoints {
		x := p.plan(a, r, set, body)
		key := strings.ToLower(x.Name)
		if key != "" && named[key] {
			x.refuse(Fault{"name", "another endpoint has this name, but for case", apierr.InvalidParameter})
		}
		named[key] = true
		plan.Items = append(plan.Items, x)
	}
	for _, d := range set.Live() {
		switch {
		case named[strings.ToLower(d.Name)]:
		case r.Prune && d.ManagedBy == r.Owner:
			plan.Items = append(plan.Items, p.pruned(a, d))
		case allows(d, a, endpoint.CanView):
			plan.Others = append(plan.Others, Other{d.Name, d.ManagedBy})
		}
	}
	p.judged(plan)
	return plan
}

// judged has the gateway judge what is to be.
func (p *Plane) judged(plan *Plan) {
	var specs [][]byte
	var of []*Planned
	var gone []string
	for i := range plan.Items {
		switch x := &plan.Items[i]; x.Action {
		case WillCreate, WillUpdate:
			specs, of = append(specs, x.next.Spec), append(of, x)
		case WillDelete:
			gone = append(gone, x.Name)
		}
	}
	for i, faults := range p.Judge(specs, gone) {
		for _, f := range faults {
			of[i].refuse(f)
		}
	}
}

// promptsKept refuses what gives versions of prompts another text.
func (p *Plane) promptsKept(ctx context.Context, plan *Plan) error {
	for i := range plan.Items {
		x := &plan.Items[i]
		if x.Action != WillUpdate {
			continue
		}
		err := p.keepsPrompts(ctx, x.old, x.next)
		var e *apierr.Error
		switch {
		case err == nil:
		case errors.As(err, &e) && e.Code != apierr.Unavailable:
			x.refuse(Fault{e.Param, e.Message, e.Code})
		default:
			return err
		}
	}
	return nil
}

func (x *Planned) refuse(f Fault) {
	x.Action = Refused
	if f.Code == "" {
		f.Code = apierr.InvalidParameter
	}
	x.Faults = append(x.Faults, f)
}

// plan finds what is to be done to one endpoint.
func (p *Plane) plan(a *Actor, r *Apply, set endpoints.Set, body []byte) Planned {
	x := Planned{Changes: []Difference{}}
	refused := func(path string, err error) Planned {
		f := Fault{Path: path, Message: err.Error()}
		if e := (*apierr.Error)(nil); errors.As(err, &e) {
			f = Fault{cmp.Or(e.Param, path), e.Message, e.Code}
		}
		x.refuse(f)
		return x
	}
	s, err := object(body)
	if err != nil {
		return refused("", err)
	}
	x.Name, _ = s["name"].(string)
	access, given, err := takePermissions(s)
	if err == nil {
		s, err = created(s)
	}
	if err != nil {
		return refused("", err)
	}
	if p.InFile(x.Name) {
		return refused("name", errors.New("the endpoint is declared in the gateway's configuration file, which alone can change it"))
	}
	old := set.Lookup(x.Name)
	c := change{name: x.Name, action: apply}
	if old == nil || old.Deleted {
		c.action = create
	} else if old.Name != x.Name && a.Admin {
		return refused("name", fmt.Errorf("the name, but for case, is taken by endpoint %q", old.Name))
	}
	if err := p.may(a, c, old); err != nil {
		var e *apierr.Error
		if errors.As(err, &e) && e.Code == apierr.ResourceNotFound {
			err = apierr.New(apierr.PermissionDenied, "your key may not change an endpoint of this name")
		}
		return refused("name", err)
	}
	if at := plaintextsIn(map[string]any(s), ""); at != nil {
		for _, path := range at {
			x.refuse(Fault{path, "files are kept and copied, so they have no secrets: put it where the gateway finds secrets, with `lakegate secrets put` or by an environment variable, " +
				"and give the reference {{secrets/scope/key}} in the field without _plaintext", apierr.InvalidParameter})
		}
		return x
	}
	next := p.next(a, c, old)
	next.Spec, next.ManagedBy, next.Applied = raw(s), r.Owner, next.Version
	switch {
	case given:
		next.Access = access
	case c.action == create:
		next.Access = creators(a)
	}
	x.old, x.next, x.NewVersion = old, next, next.Version
	if old != nil {
		x.Version = old.Version
	}
	if c.action != create {
		x.ManagedBy = old.ManagedBy
	}
	if x.ManagedBy != "" && x.ManagedBy != r.Owner && !r.TakeOver {
		return refused("name", fmt.Errorf("it is managed by %q, not by %q: take it over (--take-over) if that is meant", x.ManagedBy, r.Owner))
	}
	if err := mayRefer(a, old, next, nil); err != nil {
		return refused("", err)
	}
	x.Changes = Differences(old, next)
	x.Action = x.action(c.action, r)
	if x.Action == Unchanged {
		x.NewVersion = x.Version
	}
	return x
}

// plaintextsIn returns the paths of the fields that bring secrets.
func plaintextsIn(v any, path string) (at []string) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			next := strings.TrimPrefix(path+"."+k, ".")
			if strings.HasSuffix(k, plaintext) {
				at = append(at, next)
				continue
			}
			at = append(at, plaintextsIn(v[k], next)...)
		}
	case []any:
		for i, x := range v {
			at = append(at, plaintextsIn(x, fmt.Sprintf("%s[%d]", path, i))...)
		}
	}
	return at
}

func (x *Planned) action(action string, r *Apply) string {
	switch {
	case action == create:
		return WillCreate
	case len(x.Changes) > 0:
		return WillUpdate
	case x.ManagedBy != r.Owner && (r.Adopt || x.ManagedBy != ""):
		return WillAdopt
	default:
		return Unchanged
	}
}

func (p *Plane) pruned(a *Actor, d *endpoints.Document) Planned {
	x := Planned{Name: d.Name, Action: WillDelete, Version: d.Version, NewVersion: d.Version + 1, ManagedBy: d.ManagedBy, old: d}
	if err := p.may(a, change{name: d.Name, action: remove}, d); err != nil {
		x.refuse(Fault{Message: "it is not in the files any more, and your key may not delete it", Code: apierr.PermissionDenied})
		return x
	}
	x.next = p.next(a, change{name: d.Name, action: remove}, d)
	gone(x.next)
	x.Changes = Differences(d, x.next)
	return x
}

// takePermissions takes the permissions out of an endpoint as files have it.
func takePermissions(s spec) (access []endpoint.Grant, given bool, err error) {
	list, given := s["permissions"]
	delete(s, "permissions")
	if !given {
		return nil, false, nil
	}
	const shape = "want a list of user_name, group_name or service_principal_name with level"
	items, ok := list.([]any)
	if !ok {
		return nil, true, apierr.New(apierr.InvalidParameter, "%s", shape).At("permissions")
	}
	if len(items) > maxGrants {
		return nil, true, tooManyGrants().At("permissions")
	}
	access = []endpoint.Grant{}
	for i, item := range items {
		at := fmt.Sprintf("permissions[%d]", i)
		dec := json.NewDecoder(strings.NewReader(string(raw(item))))
		dec.DisallowUnknownFields()
		var x Permission
		if err := dec.Decode(&x); err != nil {
			return nil, true, apierr.New(apierr.InvalidParameter, "%s", shape).At(at)
		}
		g, err := grantOf(x.User, x.Group, x.Principal, x.Level, access)
		if err != nil {
			return nil, true, err.At(at)
		}
		access = append(access, g)
	}
	return access, true, nil
}

// faults are all that is wrong, in one error.
func (plan *Plan) faults() error {
	var lines []string
	var code apierr.Code
	for _, x := range plan.Items {
		for _, f := range x.Faults {
			line := x.Name + ": "
			if f.Path != "" {
				line += f.Path + ": "
			}
			lines = append(lines, line+f.Message)
			if code != "" && code != f.Code {
				f.Code = apierr.InvalidParameter
			}
			code = f.Code
		}
	}
	if lines == nil {
		return nil
	}
	return apierr.New(code, "nothing was changed: %s", strings.Join(lines, "\n"))
}

// expected refuses what is not as it was when the plan was made.
func (plan *Plan) expected(versions map[string]int64) {
	if versions == nil {
		return
	}
	for i := range plan.Items {
		x := &plan.Items[i]
		v, known := versions[x.Name]
		if known && v == x.Version || !known && x.Action == Unchanged {
			continue
		}
		message := "somebody has changed it since the plan was made"
		if x.old != nil {
			message = fmt.Sprintf("%s has changed it since the plan was made: it is at version %d now", x.old.ChangedBy, x.old.Version)
		}
		x.refuse(Fault{"", message + "; make the plan again", apierr.Conflict})
	}
}

// writers bounds how many versions are stored at once.
const writers = 8

// carryOut stores what is planned, takes it up, and records it.
func (p *Plane) carryOut(ctx context.Context, a *Actor, plan *Plan) error {
	errs := make([]error, len(plan.Items))
	g, until := errgroup.WithContext(ctx)
	g.SetLimit(writers)
	for i := range plan.Items {
		x := &plan.Items[i]
		if x.Action == Unchanged {
			continue
		}
		g.Go(func() error {
			if until.Err() != nil {
				errs[i] = errNotTried
				return nil
			}
			errs[i] = p.put(ctx, x)
			p.record(a, change{name: x.Name, action: x.next.Action}, x.old, x.next, errs[i])
			return errs[i]
		})
	}
	first := g.Wait()
	set, err := p.Follow(ctx)
	if err != nil {
		p.Logger.Warn("changes of endpoints are stored, and taken up later", "error", err)
	} else if had := plan.referred(); len(had) > 0 {
		p.sweep(ctx, set, had, "")
	}
	if first == nil {
		return nil
	}
	return plan.broken(first, errs)
}

// referred are the given secrets that endpoints had which are changed.
func (plan *Plan) referred() (had []string) {
	for _, x := range plan.Items {
		if x.Action != Unchanged {
			had = append(had, referred(x.old)...)
		}
	}
	return had
}

var errNotTried = errors.New("not tried")

func (p *Plane) put(ctx context.Context, x *Planned) error {
	err := p.Store.Put(ctx, x.next)
	if errors.Is(err, endpoints.ErrChanged) {
		return conflict(x.Name)
	}
	if err != nil {
		return unreachable(err)
	}
	return nil
}

// broken says what is done and what is not, after an error in the middle.
func (plan *Plan) broken(first error, errs []error) error {
	var done, not []string
	for i, x := range plan.Items {
		switch {
		case x.Action == Unchanged:
		case errs[i] == nil:
			done = append(done, x.Name)
		default:
			not = append(not, x.Name)
		}
	}
	slices.Sort(done)
	slices.Sort(not)
	var e *apierr.Error
	if !errors.As(first, &e) {
		return first
	}
	told := *e
	if told.Code == apierr.Unavailable {
		told.Message = "the store of endpoints can't be reached; apply again when it can"
	}
	told.Message += fmt.Sprintf(". Done: %s. Not done: %s", listed(done), listed(not))
	return &told
}

func listed(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}
