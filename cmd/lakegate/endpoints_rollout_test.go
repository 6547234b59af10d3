package main

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/fakellm"
)

// upstreamThat starts a provider of which such a share of the requests fails.
func upstreamThat(t *testing.T, fails float64) string {
	t.Helper()
	c := fakellm.DefaultConfig()
	c.ErrorRate = fails
	provider, err := fakellm.New(c)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(provider)
	t.Cleanup(srv.Close)
	return srv.URL
}

// reports waits until the rollout's status is the wanted one.
func (g *running) reports(t *testing.T, status string) map[string]any {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		code, r := g.api(t, "GET", "lakegate/rollouts/canary", admin, "")
		if code == 200 && r["status"] == status {
			return r
		}
		if time.Now().After(deadline) {
			t.Fatalf("want %s, it is %d %v", status, code, r)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestRollout: an endpoint of the API is rolled out to a provider that fails. Two gateways on one lake
// stop together; people see why, resume and abort through either; everything is in the audit table.
func TestRollout(t *testing.T) {
	good, bad := upstreamThat(t, 0), upstreamThat(t, 1)
	t.Chdir(t.TempDir())
	a, b := startGateway(t, "a", good), startGateway(t, "b", good)
	defer func() {
		a.stop()
		b.stop()
	}()
	t.Setenv(serverVar, a.base)
	t.Setenv(keyVar, admin)
	entity := func(name, url string) string {
		return fmt.Sprintf(`{"name":"%s","external_model":{"name":"gpt-4o","provider":"openai","task":"llm/v1/chat","openai_config":{"openai_api_key":"{{secrets/openai/prod}}","openai_api_base":"%s/v1"}}}`, name, url)
	}
	spec := fmt.Sprintf(`{"name":"canary","config":{"served_entities":[%s,%s],"traffic_config":{"routes":[
		{"served_entity_name":"old","traffic_percentage":100},{"served_entity_name":"new","traffic_percentage":0}]}},
		"ai_gateway":{"fallback_config":{"enabled":true}},
		"lakegate":{"rollout":{"to":"new","stages":[{"traffic":50,"for":"1h"}],"stop_if":{"error_share":0.1,"min_calls":40}}}}`, entity("old", good), entity("new", bad))
	status, made := a.api(t, "POST", "serving-endpoints", admin, spec)
	if status != 200 {
		t.Fatalf("%d %v", status, made)
	}
	rollout := func(args ...string) []string { return append(endpointsCmd("rollout"), args...) }
	a.reports(t, "running")
	b.reports(t, "running")
	says(t, rollout(), "ENDPOINT", "canary", "running", "1 of 1", "50%")
	for i := range 60 {
		g := a
		if i%2 == 0 {
			g = b
		}
		if status, body := call(t, g.base, admin, "canary"); status != 200 {
			t.Fatalf("%d %s", status, body)
		}
	}
	r := a.reports(t, "stopped")
	b.reports(t, "stopped")
	if why := fmt.Sprint(r["why"]); !strings.Contains(why, "failed: more than 10% of 40") || r["traffic_percentage"] != 0.0 {
		t.Errorf("%v", r)
	}
	says(t, rollout("canary"), "canary to new: stopped, 0% of the calls", "failed: more than 10% of 40", "the others", "HISTORY")
	fails(t, rollout("canary", "--pause"), "409", "can't pause the rollout of endpoint 'canary': it is stopped")
	fails(t, rollout("nothing"), "404", "Endpoint with name 'nothing' does not exist")
	fails(t, rollout("filed"), "404", "has no rollout")
	fails(t, rollout("--abort"), "--abort needs the NAME of an endpoint")
	says(t, rollout("canary", "--resume"), "canary to new: running, 50% of the calls", "resumed by me@example.com")
	b.reports(t, "running")
	says(t, rollout("canary", "--abort", "--json"), `"status": "stopped"`, `"why": "aborted by me@example.com"`)
	if status, answer := a.api(t, "POST", "lakegate/rollouts/canary/resume", reader, ""); status != 404 {
		t.Errorf("somebody who may not see it: %d %v", status, answer)
	}
	if code, list := b.api(t, "GET", "lakegate/rollouts", reader, ""); code != 200 || fmt.Sprint(list["rollouts"]) != "[]" {
		t.Errorf("%d %v", code, list)
	}
	if status, answer := a.api(t, "PUT", fmt.Sprintf("permissions/serving-endpoints/%v", made["id"]), admin, `{"access_control_list":[{"user_name":"reader@example.com","permission_level":"CAN_VIEW"}]}`); status != 200 {
		t.Fatalf("%d %v", status, answer)
	}
	if status, r := a.api(t, "GET", "lakegate/rollouts/canary", reader, ""); status != 200 || r["status"] != "stopped" {
		t.Errorf("somebody who may see it: %d %v", status, r)
	}
	if status, answer := a.api(t, "POST", "lakegate/rollouts/canary/resume", reader, ""); status != 403 {
		t.Errorf("somebody who may only see it: %d %v", status, answer)
	}
	var rows strings.Builder
	for _, g := range []*running{a, b} { // each has its own until they land
		out, _, err := run(t, "", "sql", "--server", g.base, "--format", "csv",
			`SELECT action_name, user_identity.email, response.status_code FROM system.access.audit WHERE request_params['name'] = 'canary' AND action_name LIKE '%Rollout'`)
		if err != nil {
			t.Error(err)
		}
		rows.WriteString(out)
	}
	for _, want := range []string{
		"beginRollout,lakegate,200", "stopRollout,lakegate,200", "pauseRollout,me@example.com,409", "resumeRollout,me@example.com,200",
		"abortRollout,me@example.com,200", "resumeRollout,reader@example.com,404", "resumeRollout,reader@example.com,403",
	} {
		if strings.Count(rows.String(), want) != 1 {
			t.Errorf("want one %s in\n%s", want, &rows)
		}
	}
}
