package control_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
	"github.com/lakegate/lakegate/serving/control"
)

func wanted(bodies ...string) control.Apply {
	r := control.Apply{Owner: "code"}
	for _, b := range bodies {
		r.Endpoints = append(r.Endpoints, json.RawMessage(b))
	}
	return r
}

// summary is a plan in a line: "create a, update b 2->3 (1), ...".
func summary(plan *control.Plan) string {
	var parts []string
	for _, x := range plan.Items {
		parts = append(parts, fmt.Sprintf("%s %s %d->%d (%d)", x.Action, x.Name, x.Version, x.NewVersion, len(x.Changes)))
	}
	return strings.Join(parts, ", ")
}

// applied applies r, which must come to the wanted plan when tried and when done.
func (s *stage) applied(t *testing.T, r control.Apply, plan string) *control.Plan {
	t.Helper()
	p := s.gateway()
	for _, dry := range []bool{true, false} {
		r.DryRun = dry
		got, err := p.Apply(t.Context(), actor("admin"), &r)
		if err != nil {
			t.Fatal(err)
		}
		if summary(got) != plan {
			t.Errorf("plan (dry %v)\n got %s\nwant %s", dry, summary(got), plan)
		}
		if !dry {
			return got
		}
	}
	return nil
}

func TestApply(t *testing.T) {
	s := newStage()
	a, b := `{"name":"a","description":"1"}`, `{"name":"b","tags":[{"key":"x","value":"y"}],"permissions":[{"group_name":"ops","level":"CAN_MANAGE"}]}`
	s.applied(t, wanted(a, b), "create a 0->1 (3), create b 0->1 (3)")
	s.applied(t, wanted(a, b), "unchanged a 1->1 (0), unchanged b 1->1 (0)")
	if d := s.newest(t, "a"); d.ManagedBy != "code" || d.Applied != 1 || d.Access[0].Name != "admin" {
		t.Errorf("a: %+v", d)
	}
	if d := s.newest(t, "b"); len(d.Access) != 1 || d.Access[0].Name != "ops" || string(d.Spec) != `{"name":"b","tags":[{"key":"x","value":"y"}]}` {
		t.Errorf("b: %+v %s", d, d.Spec)
	}
	a = strings.Replace(a, "1", "2", 1)
	s.applied(t, wanted(a, b), "update a 1->2 (1), unchanged b 1->1 (0)")
	if r := s.last(); r.Action != "applyServingEndpoint" || r.Params["version"] != "2" || r.Params["diff"] != `[{"path":"description","from":"1","to":"2"}]` {
		t.Errorf("recorded: %+v", r)
	}
	// Only those of the same files are deleted, and only when asked to.
	_, err := s.gateway().Create(t.Context(), actor("admin"), []byte(chat))
	want(t, "creation", err, "")
	other := wanted(`{"name":"c"}`)
	other.Owner = "other"
	s.applied(t, other, "create c 0->1 (2)")
	if plan := s.applied(t, wanted(a), "unchanged a 2->2 (0)"); fmt.Sprint(plan.Others) != "[{b code} {c other} {chat }]" {
		t.Errorf("others: %v", plan.Others)
	}
	prune := wanted(a)
	prune.Prune = true
	s.applied(t, prune, "unchanged a 2->2 (0), delete b 1->2 (3)")
	s.applied(t, prune, "unchanged a 2->2 (0)")
	s.applied(t, wanted(a, b), "unchanged a 2->2 (0), create b 2->3 (3)")

	// What others manage is theirs, and what nobody does is marked when it changes, or when that is asked for.
	take := wanted(`{"name":"c"}`)
	_, err = s.gateway().Apply(t.Context(), actor("admin"), &take)
	want(t, "another's", err, apierr.InvalidParameter)
	take.TakeOver = true
	s.applied(t, take, "adopt c 1->2 (0)")
	s.applied(t, take, "unchanged c 2->2 (0)")
	s.applied(t, wanted(chat), "unchanged chat 1->1 (0)")
	adopt := wanted(chat)
	adopt.Adopt = true
	s.applied(t, adopt, "adopt chat 1->2 (0)")
	if d := s.newest(t, "chat"); d.ManagedBy != "code" || d.Applied != 2 {
		t.Errorf("adopted: %+v", d)
	}
}

// One fault anywhere, and nothing is changed; each is told with its place.
func TestApplyChecksAllFirst(t *testing.T) {
	s := newStage()
	_, err := s.gateway().Create(t.Context(), actor("admin"), []byte(`{"name":"Taken"}`))
	want(t, "creation", err, "")
	r := wanted(`{"name":"good"}`, `[]`, `{}`, `{"name":"filed"}`, `{"name":"taken"}`, `{"name":"bad","x":"nonsense"}`, `{"name":"GOOD"}`,
		`{"name":"p","permissions":[{"user_name":"u","level":"CAN_DO"}]}`, `{"name":"q","permissions":[{"user":"u"}]}`, `{"name":"r","permissions":{}}`)
	r.DryRun = true
	plan, err := s.gateway().Apply(t.Context(), actor("admin"), &r)
	want(t, "trial", err, "")
	var got []string
	for _, x := range plan.Items {
		for _, f := range x.Faults {
			got = append(got, x.Name+" "+f.Path+": "+f.Message)
		}
	}
	for i, w := range []string{
		" : Bad request", " name: Invalid value", "filed name: the endpoint is declared in the gateway's configuration file", "taken name: the name, but for case",
		"bad config: nonsense is none", "GOOD name: another endpoint has this name", `p permissions[0]: permission level "CAN_DO"`, "q permissions[0]: want a list", "r permissions: want a list",
	} {
		if i >= len(got) || !strings.HasPrefix(got[i], w) {
			t.Fatalf("fault %d: want %q in\n%s", i, w, strings.Join(got, "\n"))
		}
	}
	r.DryRun = false
	rows := len(s.rows)
	_, err = s.gateway().Apply(t.Context(), actor("admin"), &r)
	want(t, "with faults", err, "INVALID_PARAMETER_VALUE")
	if d := s.newest(t, "good"); d != nil || len(s.rows)-rows != len(got) {
		t.Errorf("changed: %+v; %d rows", d, len(s.rows)-rows)
	}
	r = wanted(`{"name":"p","config":{"served_entities":[{"external_model":{"openai_config":{"openai_api_key_plaintext":"sk-hidden"}}}]}}`)
	_, err = s.gateway().Apply(t.Context(), actor("admin"), &r)
	want(t, "a secret in a file", err, apierr.InvalidParameter)
	if err == nil || !strings.Contains(err.Error(), "p: config.served_entities[0].external_model.openai_config.openai_api_key_plaintext: files are kept") || strings.Contains(fmt.Sprint(err, *s.last()), "hidden") {
		t.Error(err)
	}
	r = wanted(`{"name":"Taken"}`)
	_, err = s.gateway().Apply(t.Context(), actor("ann"), &r)
	want(t, "who may not see it", err, apierr.PermissionDenied)
	r = wanted(`{"name":"good"}`)
	_, err = s.gateway().Apply(t.Context(), actor("ann"), &r)
	want(t, "who may not", err, apierr.PermissionDenied)
	r.Owner = ""
	_, err = s.gateway().Apply(t.Context(), actor("admin"), &r)
	want(t, "no owner", err, apierr.InvalidParameter)
	s.mem.Inject(func(memstore.Call) memstore.Fault { return memstore.Fault{Before: errors.New("away")} })
	r.Owner = "code"
	_, err = s.gateway().Apply(t.Context(), actor("admin"), &r)
	want(t, "the store is away", err, apierr.Unavailable)
}

// A version of a prompt keeps its text, whoever changes the endpoint.
func TestApplyKeepsPrompts(t *testing.T) {
	s := newStage()
	const prompt = `{"name":"p","lakegate":{"prompt":{"active":1,"versions":[{"version":1,"messages":[{"role":"user","content":"one"}]}]}}}`
	s.applied(t, wanted(prompt), "create p 0->1 (5)")
	r := wanted(strings.Replace(prompt, "one", "two", 1))
	_, err := s.gateway().Apply(t.Context(), actor("admin"), &r)
	want(t, "another text", err, apierr.InvalidParameter)
	if err == nil || !strings.Contains(err.Error(), "lakegate.prompt.versions") {
		t.Error(err)
	}
}

// A plan is for the versions it was made from.
func TestApplyOfAnOldPlan(t *testing.T) {
	s := newStage()
	s.applied(t, wanted(`{"name":"a"}`, `{"name":"b"}`), "create a 0->1 (2), create b 0->1 (2)")
	want(t, "tags", s.gateway().PatchTags(t.Context(), actor("admin"), "b", []byte(`{"add_tags":[{"key":"k"}]}`)), "")
	r := wanted(`{"name":"a","description":"new"}`, `{"name":"b","description":"new"}`)
	r.Expect = map[string]int64{"a": 1, "b": 1}
	_, err := s.gateway().Apply(t.Context(), actor("admin"), &r)
	want(t, "old plan", err, apierr.Conflict)
	if s.newest(t, "a").Version != 1 || !strings.Contains(err.Error(), "b: admin has changed it since the plan was made: it is at version 2") {
		t.Errorf("%v", err)
	}
	r.Expect = map[string]int64{"a": 1}
	_, err = s.gateway().Apply(t.Context(), actor("admin"), &r)
	want(t, "one that is not in the plan", err, apierr.Conflict)
	r.Expect = map[string]int64{"a": 1, "b": 2}
	plan, err := s.gateway().Apply(t.Context(), actor("admin"), &r)
	want(t, "new plan", err, "")
	if summary(plan) != "update a 1->2 (1), update b 2->3 (2)" {
		t.Error(summary(plan))
	}
}

// Somebody who is faster in the middle of an apply wins, and what was done before is told.
func TestApplyOvertaken(t *testing.T) {
	s := newStage()
	s.mem.Inject(func(c memstore.Call) memstore.Fault {
		if strings.Contains(c.Key, "/b.") && c.Op == memstore.Create {
			return memstore.Fault{Before: errors.New("away")}
		}
		return memstore.Fault{}
	})
	r := wanted(`{"name":"a"}`, `{"name":"b"}`)
	_, err := s.gateway().Apply(t.Context(), actor("admin"), &r)
	want(t, "half done", err, apierr.Unavailable)
	if !strings.Contains(err.Error(), "can't be reached; apply again when it can. Done: ") || !strings.Contains(err.Error(), "b") {
		t.Error(err)
	}
	s.mem.Inject(nil)
	if _, err = s.gateway().Apply(t.Context(), actor("admin"), &r); err != nil || s.newest(t, "a").Version != 1 || s.newest(t, "b").Version != 1 {
		t.Errorf("again: %v", err)
	}
}

func TestDrift(t *testing.T) {
	s := newStage()
	p, ctx, admin := s.gateway(), t.Context(), actor("admin")
	a := `{"name":"a","tags":[{"key":"stage","value":"prod"}]}`
	s.applied(t, wanted(a), "create a 0->1 (3)")
	tag := func(value string) {
		t.Helper()
		want(t, "tag", p.PatchTags(ctx, admin, "a", fmt.Appendf(nil, `{"add_tags":[{"key":"stage","value":%q}]}`, value)), "")
	}
	drifted := func() string {
		t.Helper()
		list, err := p.Drifts(ctx, admin, "")
		want(t, "drift", err, "")
		var parts []string
		for _, d := range list {
			parts = append(parts, fmt.Sprintf("%s since %d, %d versions, %s", d.Name, d.Drift.Applied, len(d.Drift.Versions), d.Drift.Changes[0].To))
		}
		return strings.Join(parts, ";")
	}
	tag("test")
	tag("dev")
	if got := drifted(); got != `a since 1, 2 versions, "dev"` {
		t.Error(got)
	}
	plan := s.applied(t, wanted(a), "update a 3->4 (1)")
	if d := plan.Items[0].Drift; d == nil || d.InFiles || d.Versions[1].ChangedBy != "admin" || string(d.Versions[1].Changes[0].From) != `"test"` {
		t.Errorf("told in the plan: %+v", d)
	}
	if got := drifted(); got != "" {
		t.Errorf("after the apply: %s", got)
	}
	tag("dev")
	tag("prod")
	if got := drifted(); got != "" {
		t.Errorf("there and back: %s", got)
	}
	s.applied(t, wanted(a), "unchanged a 6->6 (0)")
	tag("next")
	a = strings.Replace(a, "prod", "next", 1)
	s.applied(t, wanted(a), "adopt a 7->8 (0)") // the files have it now
	s.applied(t, wanted(a), "unchanged a 8->8 (0)")
	if got := drifted(); got != "" {
		t.Errorf("taken over: %s", got)
	}
	tag("once more")
	both := strings.Replace(a, "next", "mine", 1)
	if d := s.applied(t, wanted(both), "update a 9->10 (1)").Items[0].Drift; d == nil || !d.InFiles {
		t.Errorf("changed here and there: %+v", d)
	}
}
