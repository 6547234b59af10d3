package control_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/endpoints"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/internal/state"
	"github.com/lakegate/lakegate/serving/control"
)

// stage is gateways on one store, and what they recorded.
type stage struct {
	store *endpoints.Store
	mem   *memstore.Store
	mu    sync.Mutex
	rows  []*inference.Audit
}

func newStage() *stage {
	mem := memstore.New()
	return &stage{store: endpoints.New(state.New(mem)), mem: mem}
}

// gateway returns the control plane of one more gateway.
func (s *stage) gateway() *control.Plane {
	return control.New(control.Deps{
		Store: s.store,
		Check: func(spec []byte, _ map[string]secret.String) error {
			if strings.Contains(string(spec), "nonsense") {
				return apierr.New(apierr.InvalidParameter, "nonsense is none")
			}
			return nil
		},
		Judge: func(specs [][]byte, _ []string) [][]control.Fault {
			all := make([][]control.Fault, len(specs))
			for i, spec := range specs {
				if strings.Contains(string(spec), "nonsense") {
					all[i] = []control.Fault{{Path: "config", Message: "nonsense is none"}}
				}
			}
			return all
		},
		InFile: func(name string) bool { return name == "filed" },
		Follow: func(ctx context.Context) (endpoints.Set, error) {
			set, _, err := s.store.Newest(ctx, nil)
			return set, err
		},
		Record: func(a *inference.Audit) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.rows = append(s.rows, a)
			return nil
		},
		Logger: slog.New(slog.DiscardHandler),
	})
}

func (s *stage) last() *inference.Audit { return s.rows[len(s.rows)-1] }

func (s *stage) newest(t *testing.T, name string) *endpoints.Document {
	t.Helper()
	set, _, err := s.store.Newest(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return set.Lookup(name)
}

func actor(name string, groups ...string) *control.Actor {
	return &control.Actor{
		Principal: inference.Principal{Name: name, Kind: inference.User, Groups: groups},
		Admin:     name == "admin", RequestID: "r-" + name,
	}
}

func want(t *testing.T, what string, err error, code apierr.Code) {
	t.Helper()
	var e *apierr.Error
	switch {
	case code == "" && err == nil:
	case !errors.As(err, &e) || e.Code != code:
		t.Errorf("%s: %v, want %q", what, err, code)
	}
}

const chat = `{"name":"chat","config":{"served_entities":[{"name":"gpt","external_model":{"name":"m","openai_config":{"openai_api_key":"{{secrets/s/k}}"}}}]}}`

func TestWhoMayDoWhat(t *testing.T) {
	s := newStage()
	p, ctx := s.gateway(), t.Context()
	_, err := p.Create(ctx, actor("ann"), []byte(chat))
	want(t, "creation by a user", err, apierr.PermissionDenied)
	_, err = p.Create(ctx, actor("admin"), []byte(`{"name":"filed"}`))
	want(t, "creation of the file's", err, apierr.AlreadyExists)
	_, err = p.Create(ctx, actor("admin"), []byte(chat))
	want(t, "creation", err, "")
	_, err = p.Create(ctx, actor("admin"), []byte(strings.Replace(chat, "chat", "CHAT", 1)))
	want(t, "creation again", err, apierr.AlreadyExists)
	want(t, "change of the file's", p.Delete(ctx, actor("admin"), "filed"), apierr.Conflict)
	want(t, "deletion of nothing", p.Delete(ctx, actor("admin"), "none"), apierr.ResourceNotFound)
	want(t, "deletion by a stranger", p.Delete(ctx, actor("ann"), "chat"), apierr.ResourceNotFound)

	want(t, "grants", p.PutAccess(ctx, actor("admin"), "chat", []byte(`{"access_control_list":[
		{"user_name":"ann","permission_level":"CAN_QUERY"},{"group_name":"ops","permission_level":"CAN_MANAGE"}]}`)), "")
	want(t, "deletion by who may query", p.Delete(ctx, actor("ann"), "chat"), apierr.PermissionDenied)
	want(t, "tags by a manager", p.PatchTags(ctx, actor("bob", "ops"), "chat", []byte(`{"add_tags":[{"key":"a","value":"1"}]}`)), "")
	config := `{"served_entities":[{"external_model":{"openai_config":{"openai_api_key":"{{secrets/%s}}"}}}]}`
	want(t, "its own secret", p.PutConfig(ctx, actor("bob", "ops"), "chat", fmt.Appendf(nil, config, "s/k")), "")
	want(t, "another secret", p.PutConfig(ctx, actor("bob", "ops"), "chat", fmt.Appendf(nil, config, "other/k")), apierr.PermissionDenied)
	want(t, "another secret by an administrator", p.PutConfig(ctx, actor("admin"), "chat", fmt.Appendf(nil, config, "other/k")), "")
	want(t, "a service principal of a user's name", p.Delete(ctx, &control.Actor{
		Principal: inference.Principal{Name: "ann", Kind: inference.ServicePrincipal},
	}, "chat"), apierr.ResourceNotFound)
	want(t, "another level", p.PatchAccess(ctx, actor("admin"), "chat", []byte(`{"access_control_list":[{"user_name":"ann","permission_level":"CAN_MANAGE"}]}`)), "")
	if d := s.newest(t, "chat"); len(d.Access) != 2 {
		t.Errorf("grants: %+v", d.Access)
	}
	want(t, "deletion by a manager", p.Delete(ctx, actor("ann"), "chat"), "")
	_, err = p.Create(ctx, actor("admin"), []byte(chat))
	want(t, "creation after deletion", err, "")
	if d := s.newest(t, "chat"); d.Deleted || d.Version != 8 || len(d.Access) != 1 || d.Access[0].Name != "admin" {
		t.Errorf("made again: %+v", d)
	}
}

func TestBadRequests(t *testing.T) {
	s := newStage()
	p, ctx := s.gateway(), t.Context()
	_, err := p.Create(ctx, actor("admin"), []byte(chat))
	want(t, "creation", err, "")
	create := func(body string) error { _, err := p.Create(ctx, actor("admin"), []byte(body)); return err }
	want(t, "no object", create(`[]`), apierr.BadRequest)
	want(t, "no JSON", create(`{`), apierr.BadRequest)
	want(t, "two objects", create(`{} {}`), apierr.BadRequest)
	want(t, "no name", create(`{}`), apierr.InvalidParameter)
	want(t, "limits at two places", create(`{"name":"x","rate_limits":[],"ai_gateway":{"rate_limits":[]}}`), apierr.InvalidParameter)
	want(t, "refused by the checks", create(`{"name":"x","nonsense":1}`), apierr.InvalidParameter)
	tags := func(body string) error { return p.PatchTags(ctx, actor("admin"), "chat", []byte(body)) }
	want(t, "unknown field", tags(`{"tags":[]}`), apierr.BadRequest)
	want(t, "no list", tags(`{"add_tags":1}`), apierr.InvalidParameter)
	grant := func(body string) error { return p.PutAccess(ctx, actor("admin"), "chat", []byte(body)) }
	want(t, "unknown level", grant(`{"access_control_list":[{"user_name":"a","permission_level":"CAN_DO"}]}`), apierr.InvalidParameter)
	want(t, "two in one", grant(`{"access_control_list":[{"user_name":"a","group_name":"b","permission_level":"CAN_VIEW"}]}`), apierr.InvalidParameter)
	want(t, "twice", grant(`{"access_control_list":[{"user_name":"a","permission_level":"CAN_VIEW"},{"user_name":"a","permission_level":"CAN_QUERY"}]}`), apierr.InvalidParameter)
	if d := s.newest(t, "chat"); d.Version != 1 {
		t.Errorf("a refused change was stored: %+v", d)
	}
	s.mem.Inject(func(memstore.Call) memstore.Fault { return memstore.Fault{Before: errors.New("away")} })
	want(t, "the store is away", tags(`{}`), apierr.Unavailable)
}

// What an older client sends, and what one that read the endpoint repeats, is stored as it is written now.
func TestWhatClientsRepeat(t *testing.T) {
	s := newStage()
	p, ctx := s.gateway(), t.Context()
	_, err := p.Create(ctx, actor("admin"), []byte(`{"name":"chat","rate_limits":[{"calls":1}],"config":{"name":"chat","config_version":3,
		"served_entities":[{"id":"1","name":"gpt","creator":"x","creation_timestamp":1,"state":{}}],
		"traffic_config":{"routes":[{"served_model_name":"gpt","traffic_percentage":100}]}}}`))
	want(t, "creation", err, "")
	const stored = `{"ai_gateway":{"rate_limits":[{"calls":1}]},"config":{"served_entities":[{"name":"gpt"}],"traffic_config":{"routes":[{"served_entity_name":"gpt","traffic_percentage":100}]}},"name":"chat"}`
	if d := s.newest(t, "chat"); string(d.Spec) != stored {
		t.Errorf("stored %s", d.Spec)
	}
	want(t, "limits", p.PutLimits(ctx, actor("admin"), "chat", []byte(`{"rate_limits":[{"calls":2}]}`)), "")
	want(t, "gateway", p.PutGateway(ctx, actor("admin"), "chat", []byte(`{"fallback_config":{"enabled":true}}`)), "")
	want(t, "tags", p.PatchTags(ctx, actor("admin"), "chat", []byte(`{"add_tags":[{"key":"a"},{"key":"b"}]}`)), "")
	want(t, "tags", p.PatchTags(ctx, actor("admin"), "chat", []byte(`{"add_tags":[{"key":"b","value":"2"}],"delete_tags":["a"]}`)), "")
	var spec struct {
		Gateway json.RawMessage `json:"ai_gateway"`
		Tags    json.RawMessage `json:"tags"`
	}
	if err := json.Unmarshal(s.newest(t, "chat").Spec, &spec); err != nil {
		t.Fatal(err)
	}
	if string(spec.Gateway) != `{"fallback_config":{"enabled":true}}` || string(spec.Tags) != `[{"key":"b","value":"2"}]` {
		t.Errorf("%s %s", spec.Gateway, spec.Tags)
	}
}

func TestEachChangeIsRecorded(t *testing.T) {
	s := newStage()
	p, ctx := s.gateway(), t.Context()
	_, _ = p.Create(ctx, actor("admin"), []byte(chat))
	_ = p.PatchTags(ctx, actor("admin"), "chat", []byte(`{"add_tags":[{"key":"a","value":"1"}]}`))
	r := s.last()
	if r.Action != "patchServingEndpointTags" || r.Actor != "admin" || r.RequestID != "r-admin" || r.Status != 200 || r.Params["version"] != "2" ||
		r.Params["diff"] != `[{"path":"tags[a]","to":"1"}]` {
		t.Errorf("%+v", r)
	}
	_ = p.PatchTags(ctx, actor("ann"), "chat", []byte(`{}`))
	if r = s.last(); r.Status != 404 || r.Params["diff"] != "" || !strings.HasPrefix(r.Error, "RESOURCE_DOES_NOT_EXIST: ") {
		t.Errorf("%+v", r)
	}
	_, _ = p.Create(ctx, actor("admin"), []byte(`{"name":"x","nonsense":"sk-hidden"}`))
	if r = s.last(); r.Status != 400 || strings.Contains(fmt.Sprint(r), "hidden") {
		t.Errorf("%+v", r)
	}
}

// Changes through several gateways at once: as many versions as were acknowledged, none lost.
func TestConflictingChanges(t *testing.T) {
	const gateways, each = 4, 10
	s := newStage()
	_, err := s.gateway().Create(t.Context(), actor("admin"), []byte(chat))
	want(t, "creation", err, "")
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := map[string]bool{}
	for g := range gateways {
		p := s.gateway()
		wg.Go(func() {
			for i := range each {
				key := fmt.Sprintf("g%d-%d", g, i)
				err := p.PatchTags(t.Context(), actor("admin"), "chat", fmt.Appendf(nil, `{"add_tags":[{"key":%q}]}`, key))
				var e *apierr.Error
				switch {
				case err == nil:
					mu.Lock()
					done[key] = true
					mu.Unlock()
				case !errors.As(err, &e) || e.Code != apierr.Conflict:
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	d := s.newest(t, "chat")
	if d.Version != int64(len(done))+1 {
		t.Errorf("version %d after %d changes", d.Version, len(done))
	}
	for key := range done {
		if !strings.Contains(string(d.Spec), fmt.Sprintf("%q", key)) {
			t.Errorf("the change %s was acknowledged and is lost", key)
		}
	}
}
