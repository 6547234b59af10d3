package control_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/endpoints"
	"github.com/lakegate/lakegate/serving/control"
)

// A rollback brings back the very bytes of an older version as a new one; what has changed since is told.
func TestRollback(t *testing.T) {
	s := newStage()
	p, ctx, admin := s.gateway(), t.Context(), actor("admin")
	_, err := p.Create(ctx, admin, []byte(chat))
	want(t, "creation", err, "")
	first := s.newest(t, "chat").Spec
	want(t, "tags", p.PatchTags(ctx, admin, "chat", []byte(`{"add_tags":[{"key":"a","value":"<1>"}]}`)), "")
	second := s.newest(t, "chat").Spec
	want(t, "limits", p.PutLimits(ctx, admin, "chat", []byte(`{"rate_limits":[{"calls":1}]}`)), "")
	want(t, "grants", p.PutAccess(ctx, admin, "chat", []byte(`{"access_control_list":[{"user_name":"ann","permission_level":"CAN_QUERY"}]}`)), "")

	seen := int64(3)
	_, err = p.Rollback(ctx, admin, "chat", control.Back{To: 1, Expected: &seen})
	want(t, "a version that is not the newest", err, apierr.Conflict)
	rows := len(s.rows)
	o, err := p.Rollback(ctx, admin, "chat", control.Back{To: 1, DryRun: true})
	want(t, "trial", err, "")
	if o.From != 4 || o.Version != 5 || len(o.Changes) != 2 || s.newest(t, "chat").Version != 4 || len(s.rows) != rows {
		t.Errorf("trial: %+v, version %d, %d rows", o, s.newest(t, "chat").Version, len(s.rows)-rows)
	}
	for to, spec := range map[int64]json.RawMessage{1: first, 2: second} {
		_, err = p.Rollback(ctx, admin, "chat", control.Back{To: to})
		want(t, "rollback", err, "")
		if d := s.newest(t, "chat"); string(d.Spec) != string(spec) || len(d.Access) != 1 || d.Access[0].Name != "ann" {
			t.Errorf("as version %d: %s %v\nwant %s", to, d.Spec, d.Access, spec)
		}
	}
	if r := s.last(); r.Action != "rollbackServingEndpoint" || !strings.Contains(r.Params["diff"], "tags[a]") {
		t.Errorf("recorded: %+v", r)
	}
	_, err = p.Rollback(ctx, admin, "chat", control.Back{To: 9})
	want(t, "no such version", err, apierr.ResourceNotFound)
	_, err = p.Rollback(ctx, actor("ann"), "chat", control.Back{To: 1})
	want(t, "who may not", err, apierr.PermissionDenied)

	want(t, "deletion", p.Delete(ctx, admin, "chat"), "")
	_, err = p.Rollback(ctx, actor("ann"), "chat", control.Back{To: 1})
	want(t, "who may not see it", err, apierr.ResourceNotFound)
	_, err = p.Rollback(ctx, admin, "chat", control.Back{To: s.newest(t, "chat").Version})
	want(t, "to a deleted one", err, apierr.InvalidParameter)
	_, err = p.Rollback(ctx, admin, "chat", control.Back{To: 2})
	want(t, "of a deleted one", err, "")
	if d := s.newest(t, "chat"); d.Deleted || string(d.Spec) != string(second) || d.Access[0].Name != "admin" {
		t.Errorf("back again: %+v", d)
	}
}

// What changes nothing makes no version, and is recorded as that.
func TestNothingToDoIsNoVersion(t *testing.T) {
	s := newStage()
	p, ctx, admin := s.gateway(), t.Context(), actor("admin")
	_, err := p.Create(ctx, admin, []byte(`{"name":"chat","config":{"served_entities":[{"name":"a"},{"name":"b"}],
		"traffic_config":{"routes":[{"served_entity_name":"a","traffic_percentage":1},{"served_entity_name":"b","traffic_percentage":99}]}}}`))
	want(t, "creation", err, "")
	put := func(config string) int64 {
		t.Helper()
		want(t, "config", p.PutConfig(ctx, admin, "chat", []byte(config)), "")
		return s.newest(t, "chat").Version
	}
	same := put(`{"served_entities":[{"name":"a"},{"name":"b"}],"config_version":7,
		"traffic_config":{"routes":[{"served_entity_name":"b","traffic_percentage":99},{"served_entity_name":"a","traffic_percentage":1}]}}`)
	if r := s.last(); same != 1 || r.Params["version"] != "1" || r.Params["diff"] != "[]" {
		t.Errorf("the same again: version %d, %v", same, r.Params)
	}
	other := put(`{"served_entities":[{"name":"b"},{"name":"a"}],
		"traffic_config":{"routes":[{"served_entity_name":"b","traffic_percentage":99},{"served_entity_name":"a","traffic_percentage":1}]}}`)
	if r := s.last(); other != 2 || r.Params["diff"] != `[{"path":"config.served_entities (order)","from":["a","b"],"to":["b","a"]}]` {
		t.Errorf("another order of fallback: version %d, %v", other, r.Params)
	}
}

func TestHistory(t *testing.T) {
	s := newStage()
	p, ctx, admin := s.gateway(), t.Context(), actor("admin")
	_, err := p.Create(ctx, admin, []byte(chat))
	want(t, "creation", err, "")
	for i := range 4 {
		want(t, "tags", p.PatchTags(ctx, admin, "chat", fmt.Appendf(nil, `{"add_tags":[{"key":"n","value":"%d"}]}`, i)), "")
	}
	h, err := p.History(ctx, admin, "chat", 2)
	want(t, "history", err, "")
	if len(h) != 2 || h[0].Version != 4 || len(h[0].Changes) != 1 || string(h[0].Changes[0].From) != `"1"` || string(h[1].Changes[0].To) != `"3"` {
		t.Errorf("the newest two: %+v", h)
	}
	h, err = p.History(ctx, admin, "chat", 100)
	want(t, "history", err, "")
	if len(h) != 5 || h[0].Action != "createServingEndpoint" || len(h[0].Changes) != 4 {
		t.Errorf("all: %+v", h)
	}
	for _, name := range []string{"none", "CHAT", "filed"} {
		_, err = p.History(ctx, admin, name, 1)
		want(t, "history of "+name, err, apierr.ResourceNotFound)
	}
	v, err := p.Version(ctx, admin, "chat", 2)
	want(t, "version", err, "")
	if v.Version != 2 || !strings.Contains(string(v.Spec), `"value":"0"`) || len(v.Permissions) != 1 || v.Permissions[0].User != "admin" {
		t.Errorf("version 2: %+v", v)
	}
	list, err := p.List(ctx, actor("ann"))
	if err != nil || len(list) != 0 {
		t.Errorf("what a stranger sees: %v, %v", list, err)
	}
	want(t, "grant", p.PatchAccess(ctx, admin, "chat", []byte(`{"access_control_list":[{"user_name":"ann","permission_level":"CAN_VIEW"}]}`)), "")
	list, err = p.List(ctx, actor("ann"))
	if err != nil || len(list) != 1 || list[0].Spec != nil || list[0].Permissions != nil {
		t.Errorf("what a viewer sees: %v, %v", list, err)
	}
	_, err = p.History(ctx, actor("ann"), "chat", 1)
	want(t, "history for a viewer", err, apierr.PermissionDenied)
}

func TestDifferences(t *testing.T) {
	for _, x := range []struct{ old, next, want string }{
		{`{"tags":[{"key":"a","value":"1"},{"key":"b"}]}`, `{"tags":[{"key":"b","value":""},{"key":"c"}]}`, `- tags[a] "1"|+ tags[c] ""`},
		{
			`{"config":{"served_entities":[{"external_model":{"name":"m"}}]}}`, `{"config":{"served_entities":[{"name":"m","external_model":{"name":"n"}}]}}`,
			`~ config.served_entities[m].external_model.name "m" "n"`,
		},
		{
			`{"ai_gateway":{"rate_limits":[{"calls":1},{"calls":2,"key":"user_group","principal":"ops","renewal_period":"hour"}]}}`,
			`{"ai_gateway":{"rate_limits":[{"calls":3,"key":"user_group","principal":"ops","renewal_period":"hour"},{"calls":1,"key":"endpoint"}]}}`,
			`~ ai_gateway.rate_limits[user_group ops per hour].calls 2 3`,
		},
		{`{"x":[{"name":"a","v":1},{"name":"b"}]}`, `{"x":[{"name":"b"},{"name":"a","v":2}]}`, `~ x (order) ["a","b"] ["b","a"]|~ x[a].v 1 2`},
		{`{"x":[1,2]}`, `{"x":[1]}`, `~ x [1,2] [1]`},
		{`{"x":{}}`, `{"x":[]}`, `~ x {} []`},
		{`{"x":[{"name":"a"},{"name":"a"}]}`, `{"x":[{"name":"a"}]}`, `- x[0].name "a"|- x[1].name "a"|+ x[a] {}`},
		{`{"n":1.0}`, `{"n":1}`, `~ n 1.0 1`},
	} {
		var lines []string
		for _, d := range control.Differences(&endpoints.Document{Spec: []byte(x.old)}, &endpoints.Document{Spec: []byte(x.next)}) {
			mark := "~"
			switch {
			case d.From == nil:
				mark = "+"
			case d.To == nil:
				mark = "-"
			}
			lines = append(lines, strings.Join(strings.Fields(mark+" "+d.Path+" "+string(d.From)+" "+string(d.To)), " "))
		}
		if got := strings.Join(lines, "|"); got != x.want {
			t.Errorf("%s\n%s\n got %s\nwant %s", x.old, x.next, got, x.want)
		}
	}
}
