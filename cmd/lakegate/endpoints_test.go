package main

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/fakellm"
)

const (
	admin  = "me-token-0123456789abcdefg"
	reader = "reader-token-0123456789ab"
)

// startOne starts a gateway in a folder of the test, for commands that ask it.
func startOne(t *testing.T) *running {
	t.Helper()
	provider, err := fakellm.New(fakellm.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	upstream := httptest.NewServer(provider)
	t.Cleanup(upstream.Close)
	t.Chdir(t.TempDir())
	g := startGateway(t, "a", upstream.URL)
	t.Cleanup(g.stop)
	t.Setenv(serverVar, g.base)
	t.Setenv(keyVar, admin)
	return g
}

// says runs a command that must succeed, and checks that it writes each of the wanted texts.
func says(t *testing.T, args []string, wanted ...string) string {
	t.Helper()
	out, _, err := run(t, "", args...)
	if err != nil {
		t.Errorf("lakegate %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	for _, w := range wanted {
		if !strings.Contains(out, w) {
			t.Errorf("lakegate %s: want %q in\n%s", strings.Join(args, " "), w, out)
		}
	}
	return out
}

// fails runs a command that must fail with such an error.
func fails(t *testing.T, args []string, wanted ...string) string {
	t.Helper()
	out, _, err := run(t, "", args...)
	for _, w := range wanted {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("lakegate %s: want an error with %q, got %v\n%s", strings.Join(args, " "), w, err, out)
		}
	}
	return out
}

func endpointsCmd(args ...string) []string { return append([]string{"endpoints"}, args...) }

func TestEndpointsListHistoryAndRollback(t *testing.T) {
	g := startOne(t)
	const spec = `{"name":"made","config":{"served_entities":[{"name":"gpt","external_model":{"name":"gpt-4o","provider":"openai","task":"llm/v1/chat",
		"openai_config":{"openai_api_key":"{{secrets/openai/prod}}","openai_api_base":"http://127.0.0.1:1/v1"}}}]}}`
	for _, x := range [][3]string{
		{"POST", "serving-endpoints", spec},
		{"PATCH", "serving-endpoints/made/tags", `{"add_tags":[{"key":"stage","value":"prod"}]}`},
		{"PUT", "serving-endpoints/made/rate-limits", `{"rate_limits":[{"calls":7,"key":"user"}]}`},
	} {
		if status, answer := g.api(t, x[0], x[1], admin, x[2]); status != 200 {
			t.Fatalf("%s %s: %d %v", x[0], x[1], status, answer)
		}
	}
	says(t, endpointsCmd("list"), "NAME ", "filed", "file ", "made ", "gpt 100%", "me@example.com")
	says(t, endpointsCmd("show", "made"), "# version 3", "rate limits changed", "calls: 7", "permissions:\n", "level: CAN_MANAGE")
	if was := says(t, endpointsCmd("show", "made", "--version", "1"), "# version 1", "created", "'{{secrets/openai/prod}}'"); strings.Contains(was, "stage") {
		t.Errorf("version 1 has what came later:\n%s", was)
	}
	says(t, endpointsCmd("show", "filed"), "configuration file", "gpt-4o-mini")
	says(t, endpointsCmd("history", "made"), "version 3 ", "+ ai_gateway.rate_limits[user per minute].calls  7", "version 2 ", `+ tags[stage]  "prod"`, "version 1 ", "created")

	says(t, endpointsCmd("rollback", "made", "--to", "2", "--dry-run"), "version 3 would become as version 2", "- ai_gateway.rate_limits[user per minute].calls  7")
	out, _, err := run(t, "no\n", endpointsCmd("rollback", "made", "--to", "2")...)
	if err == nil || !strings.Contains(out, "Only 'yes' goes ahead") {
		t.Errorf("asked and told no: %v\n%s", err, out)
	}
	out, _, err = run(t, "yes\n", endpointsCmd("rollback", "made", "--to", "2")...)
	if err != nil || !strings.Contains(out, "made is at version 4 now, which is as version 2.") {
		t.Errorf("asked and told yes: %v\n%s", err, out)
	}
	says(t, endpointsCmd("rollback", "made", "--to", "2", "--yes"), "nothing to do")
	fails(t, endpointsCmd("rollback", "made", "--to", "9", "--yes"), "no version 9")
	fails(t, endpointsCmd("rollback", "made"), "--to")
	fails(t, endpointsCmd("history", "none"), "does not exist")
	fails(t, endpointsCmd("history", "filed"), "configuration file")
	if status, _ := g.api(t, "DELETE", "serving-endpoints/made", admin, ""); status != 200 {
		t.Fatal(status)
	}
	says(t, endpointsCmd("history", "made"), "version 5 ", "deleted")
	says(t, endpointsCmd("rollback", "made", "--to", "2", "--yes"), "made is at version 6 now")
	if status, body := call(t, g.base, admin, "made"); status == 404 {
		t.Errorf("a call of an endpoint that came back: %d %s", status, body)
	}
	rows, _, err := run(t, "", "sql", "--format", "csv",
		`SELECT created_by FROM system.serving.served_entities WHERE endpoint_name = 'made' AND endpoint_delete_time IS NOT NULL`)
	if err != nil || fmt.Sprintf("%q", rows) != `"created_by\r\nme@example.com\r\n"` {
		t.Errorf("who deleted it: %v %q", err, rows)
	}
	t.Setenv(keyVar, reader)
	fails(t, endpointsCmd("history", "made"), "does not exist")
	if seen := says(t, endpointsCmd("list")); strings.Contains(seen, "made") {
		t.Errorf("a reader sees\n%s", seen)
	}
}

func TestRoutesOfAnEndpoint(t *testing.T) {
	g := startOne(t)
	put(t, "a.yaml", fmt.Sprintf(`name: routed
config:
  served_entities: [%s, %s]
  traffic_config: {routes: [{served_entity_name: a, traffic_percentage: 100}, {served_entity_name: b, traffic_percentage: 0}]}
ai_gateway: {fallback_config: {enabled: true}}
lakegate:
  circuit_breaker: {enabled: true}
  rules: [{name: urgent, when: {headers: {x-priority: high}}, to: [b]}]
`, entity("a", "gpt-4o"), entity("b", "gpt-5")))
	says(t, endpointsCmd("apply", "-f", "a.yaml", "--yes"), `+ to                       ["b"]`)
	says(t, endpointsCmd("routes", "routed"), "rule urgent  header X-Priority is high", "any other call", "fallback", "SERVED ENTITY", "gpt-5   0%", "closed")
	says(t, endpointsCmd("routes", "filed"), "any call ", "mini  100 %", "gpt-4o-mini  100%")
	says(t, endpointsCmd("routes", "routed", "--json"), `"step": "rule"`, `"circuit": "closed"`)
	fails(t, endpointsCmd("routes", "none"), "does not exist")
	t.Setenv(keyVar, reader)
	fails(t, endpointsCmd("routes", "routed"), "does not exist")
	if status, answer := g.api(t, "GET", "lakegate/endpoints/filed/routes", reader, ""); status != 404 {
		t.Errorf("%d %v", status, answer)
	}
}

// What is asked wrongly is told in Databricks' words, and nothing is changed.
func TestVersionsByREST(t *testing.T) {
	g := startOne(t)
	one := `{"name":"made","config":{"served_entities":[{"name":"gpt","external_model":{"name":"gpt-4o","provider":"openai","task":"llm/v1/chat","openai_config":{"openai_api_key":"{{secrets/openai/prod}}"}}}]}}`
	for _, x := range []struct {
		method, path, token, body string
		status                    int
		text                      string
	}{
		{"POST", "apply", admin, `{"owner":"o","endpoints":[` + one + `]}`, 200, "action:create"},
		{"POST", "apply", admin, `{"owner":"o","endpoints":[` + one + `],"dry_run":true}`, 200, "action:unchanged"},
		{"POST", "apply", admin, `{"owner":"o","endpoints":[` + one + `],"dryrun":true}`, 400, "BAD_REQUEST"},
		{"POST", "apply", admin, `{"owner":"o","endpoints":[{"name":"x","confg":1}]}`, 400, `x: confg: unknown key, did you mean "config"?`},
		{"POST", "apply", admin, `{"owner":"","endpoints":[]}`, 400, "owner"},
		{"POST", "apply", admin, `{"owner":"o","endpoints":[` + one + `],"expect":{"made":7}}`, 409, "RESOURCE_CONFLICT"},
		{"POST", "apply", admin, `[`, 400, "BAD_REQUEST"},
		{"POST", "apply", "wrong-token-0123456789abcd", `{}`, 401, "UNAUTHENTICATED"},
		{"POST", "apply", reader, `{"owner":"o","endpoints":[{"name":"x"}]}`, 403, "only administrators"},
		{"GET", "made", admin, "", 200, "managed_by:o"},
		{"GET", "filed", admin, "", 200, "source:file"},
		{"GET", "made/history?limit=x", admin, "", 400, "limit"},
		{"GET", "made/history?limit=1", admin, "", 200, "version:1"},
		{"GET", "made/versions/1", admin, "", 200, "createServingEndpoint"},
		{"GET", "made/versions/x", admin, "", 400, "is no version"},
		{"GET", "made/versions/2", admin, "", 404, "no version 2"},
		{"GET", "made/versions/1", reader, "", 404, "RESOURCE_DOES_NOT_EXIST"},
		{"POST", "made/rollback", admin, `{}`, 400, "field to"},
		{"POST", "made/rollback", admin, `{"to":1,"expected_version":9}`, 409, "has changed since version 9"},
		{"POST", "made/rollback", admin, `{"to":1}`, 200, "version:1"},
		{"POST", "filed/rollback", admin, `{"to":1}`, 409, "configuration file"},
		{"POST", "none/rollback", admin, `{"to":1}`, 404, "RESOURCE_DOES_NOT_EXIST"},
		{"GET", "none/routes", admin, "", 404, "RESOURCE_DOES_NOT_EXIST"},
	} {
		status, answer := g.api(t, x.method, "lakegate/endpoints/"+x.path, x.token, x.body)
		if status != x.status || !strings.Contains(fmt.Sprint(answer), x.text) {
			t.Errorf("%s %s %s: %d %v\nwant %d ...%s", x.method, x.path, x.body, status, answer, x.status, x.text)
		}
	}
	if list := says(t, endpointsCmd("list", "--json")); strings.Count(list, `"version": 1,`) != 1 {
		t.Errorf("one version of one endpoint:\n%s", list)
	}
}
