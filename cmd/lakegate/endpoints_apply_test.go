package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/endpoints"
)

// entity is a served entity in YAML, in one line.
func entity(name, model string) string {
	return fmt.Sprintf(`{name: %s, external_model: {name: %s, provider: openai, task: llm/v1/chat, openai_config: {openai_api_key: "{{secrets/openai/prod}}", openai_api_base: "http://127.0.0.1:1/v1"}}}`, name, model)
}

func endpointFile(name, model, more string) string {
	return fmt.Sprintf("name: %s\nconfig:\n  served_entities:\n    - %s\n%s", name, entity("gpt", model), more)
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// exits runs a command that must end with such an exit code.
func exits(t *testing.T, code int, args []string, wanted ...string) {
	t.Helper()
	out, _, err := run(t, "", args...)
	var e exitError
	if errors.As(err, &e) && e.code != code || err == nil && code != 0 || err != nil && e.code == 0 {
		t.Errorf("lakegate %s: want exit code %d, got %v\n%s", strings.Join(args, " "), code, err, out)
	}
	for _, w := range wanted {
		if !strings.Contains(out, w) {
			t.Errorf("lakegate %s: want %q in\n%s", strings.Join(args, " "), w, out)
		}
	}
}

// document is a version of an endpoint as it is in the lake.
func document(t *testing.T, name string, version int) *endpoints.Document {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("lake/_lakegate/endpoint/%s.%010d.json", name, version))
	if err != nil {
		t.Fatal(err)
	}
	var d endpoints.Document
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return &d
}

// A hundred endpoints in files: applied again they change nothing, what is exported applies back to
// nothing, and a rollback brings the very bytes back.
func TestHundredEndpointsAsCode(t *testing.T) {
	g := startOne(t)
	apply := func(more ...string) []string {
		return append(endpointsCmd("apply", "-f", "files"), more...)
	}
	for i := range 90 {
		put(t, fmt.Sprintf("files/team-%d/e%02d.yaml", i%7, i), endpointFile(fmt.Sprintf("e%02d", i), "gpt-4o",
			fmt.Sprintf("tags: [{key: team, value: team-%d}]\nlakegate: {timeout: 30s, retries: {attempts: 2}}\npermissions: [{group_name: team-%d, level: CAN_QUERY}]\n", i%7, i%7)))
	}
	var list strings.Builder
	list.WriteString("endpoints:\n")
	for i := 90; i < 100; i++ {
		fmt.Fprintf(&list, "  - name: e%d\n    config: {served_entities: [%s, %s], traffic_config: {routes: [{served_entity_name: a, traffic_percentage: 90}, {served_entity_name: b, traffic_percentage: 10}]}}\n"+
			"    ai_gateway: {fallback_config: {enabled: true}, rate_limits: [{calls: 100, key: user}]}\n", i, entity("a", "gpt-4o"), entity("b", "gpt-4.1"))
	}
	put(t, "files/list.yaml", list.String())

	exits(t, 2, apply("--dry-run", "--detailed-exitcode"), "+ e00", "create", "files/list.yaml:2", "Plan: 100 to create, 0 to change, 0 to delete, 0 unchanged.")
	says(t, apply("--yes"), "Done: 100 created, 0 changed, 0 deleted.")
	exits(t, 0, apply("--dry-run", "--detailed-exitcode"), "Nothing to do: 100 endpoints are as the files say.")
	says(t, apply("--yes"), "Nothing to do")
	if status, body := call(t, g.base, admin, "e57"); status == http.StatusNotFound {
		t.Errorf("a call right after the apply: %d %s", status, body)
	}
	says(t, endpointsCmd("export", "-o", "exported"), "exported: 100 files written")
	exits(t, 0, endpointsCmd("apply", "-f", "exported", "--dry-run", "--detailed-exitcode"), "Nothing to do: 100")
	says(t, endpointsCmd("export", "-o", "files"), "files: 0 files written, 100 said the same")

	before := document(t, "e07", 1)
	put(t, "files/team-0/e07.yaml", endpointFile("e07", "gpt-5", "tags: [{key: <b>, value: '&'}]\n"))
	says(t, apply("--yes"), "~ e07  version 1 -> 2", `~ config.served_entities[gpt].external_model.name  "gpt-4o" -> "gpt-5"`, `+ tags[<b>] `, "0 created, 1 changed, 0 deleted")
	changed := document(t, "e07", 2)
	for i, to := range []*endpoints.Document{before, changed, before} {
		says(t, endpointsCmd("rollback", "e07", "--to", fmt.Sprint(to.Version), "--yes"))
		if now := document(t, "e07", 3+i); string(now.Spec) != string(to.Spec) || now.Action != "rollbackServingEndpoint" {
			t.Errorf("rollback to %d: %s\nwant %s", to.Version, now.Spec, to.Spec)
		}
	}
	exits(t, 2, endpointsCmd("diff", "--detailed-exitcode"), "e07: was changed on the gateway", "rolled back", `"gpt-5" -> "gpt-4o"`)
	says(t, endpointsCmd("rollback", "e07", "--to", "2", "--yes"))
	exits(t, 0, apply("--dry-run", "--detailed-exitcode"), "Nothing to do: 100")
	exits(t, 0, endpointsCmd("diff", "--detailed-exitcode"), "No drift")

	if err := os.RemoveAll("files/team-3"); err != nil {
		t.Fatal(err)
	}
	exits(t, 0, apply("--dry-run", "--detailed-exitcode"), "Nothing to do: 87", "left alone without --prune: e03, e10")
	says(t, apply("--prune", "--yes"), "- e03", "in no file any more", "Done: 0 created, 0 changed, 13 deleted.")
	exits(t, 0, apply("--prune", "--dry-run", "--detailed-exitcode"), "Nothing to do: 87")
	says(t, endpointsCmd("rollback", "e03", "--to", "1", "--yes"), "e03 is at version 3 now")
	rows, _, err := run(t, "", "sql", "--format", "csv", `SELECT action_name, count(*) FROM system.access.audit WHERE response.status_code = 200 GROUP BY ALL ORDER BY 1`)
	if want := "action_name,count(*)\r\napplyServingEndpoint,1\r\ncreateServingEndpoint,100\r\ndeleteServingEndpoint,13\r\nrollbackServingEndpoint,5\r\n"; err != nil || rows != want {
		t.Errorf("recorded: %v\n%q\nwant %q", err, rows, want)
	}
}

// What is wrong is told with its line, and nothing is changed.
func TestFaultsOfFilesOfEndpoints(t *testing.T) {
	g := startOne(t)
	try := func(files map[string]string, wanted ...string) {
		t.Helper()
		if err := os.RemoveAll("files"); err != nil {
			t.Fatal(err)
		}
		for name, text := range files {
			put(t, "files/"+name, text)
		}
		wanted = append(wanted, "nothing was changed:")
		fails(t, endpointsCmd("apply", "-f", "files", "--yes"), wanted...)
		fails(t, endpointsCmd("diff", "-f", "files"), wanted...)
		if out := says(t, endpointsCmd("list")); strings.Contains(out, "good") {
			t.Errorf("something was changed:\n%s", out)
		}
	}
	good := endpointFile("good", "gpt-4o", "")
	try(map[string]string{"a.yaml": good, "b.yaml": "name: bad\n  x: 1\n"}, "files/b.yaml:2: not valid YAML")
	try(map[string]string{"a.yaml": good, "b.yaml": endpointFile("bad", "gpt-4o", "lakegate:\n  retires: {attempts: 2}\ncache: {}\n")},
		`2 faults`, `files/b.yaml:6: lakegate.retires: unknown key, did you mean "retries"?`, `files/b.yaml:7: cache: unknown key, it belongs under "lakegate"`)
	try(map[string]string{"a.yaml": good, "b.yaml": "\n\n" + good}, "1 fault", "files/b.yaml:3: name: another endpoint has this name")
	try(map[string]string{"a.yaml": good, "b.yaml": endpointFile("Filed", "gpt-4o", "")}, "files/b.yaml:1: name: the endpoint is declared in the gateway's configuration file")
	try(map[string]string{"a.yaml": good, "b.yaml": strings.Replace(endpointFile("bad", "gpt-4o", ""), "secrets/openai/prod", "secrets/openai/gone", 1)},
		"files/b.yaml:4: config.served_entities[0].external_model.openai_config.openai_api_key: secrets/openai/gone")
	try(map[string]string{"a.yaml": good, "b.yaml": strings.Replace(endpointFile("bad", "gpt-4o", ""), "{{secrets/openai/prod}}", "sk-live-in-a-file", 1)}, "files/b.yaml:4: ", "a secret itself is not stored")
	try(map[string]string{"a.yaml": good, "b.yaml": endpointFile("bad", "gpt-4o", "permissions:\n  - {user: me, level: CAN_QUERY}\n")}, "files/b.yaml:6: permissions[0]: want a list of user_name")
	table := "ai_gateway: {inference_table_config: {enabled: true, catalog_name: main, schema_name: ai, table_name_prefix: t}}\n"
	try(map[string]string{"a.yaml": endpointFile("good", "gpt-4o", table), "b.yaml": endpointFile("bad", "gpt-4o", table)}, "payload table main.ai.t_payload is taken by endpoint \"good\"")

	fails(t, endpointsCmd("apply", "--yes"), "-f")
	fails(t, endpointsCmd("apply", "-f", "nowhere", "--yes"), "no such file")
	put(t, "empty/README.md", "")
	fails(t, endpointsCmd("apply", "-f", "empty", "--prune", "--yes"), "there is no endpoint in empty")
	put(t, "one.yaml", good)
	fails(t, endpointsCmd("apply", "-f", "one.yaml", "--json"), "--yes or --dry-run")
	t.Setenv(keyVar, reader)
	fails(t, endpointsCmd("apply", "-f", "one.yaml", "--yes"), "one.yaml:1: name: only administrators may create endpoints")
	t.Setenv(keyVar, "nobody-token-0123456789ab")
	fails(t, endpointsCmd("apply", "-f", "one.yaml", "--yes"), "401", "the API key is not valid")
	t.Setenv(keyVar, admin)
	out, _, err := run(t, good, endpointsCmd("apply", "-f", "-", "--yes")...)
	if err != nil || !strings.Contains(out, "1 created") {
		t.Errorf("from standard input: %v\n%s", err, out)
	}
	t.Setenv(serverVar, "http://127.0.0.1:1")
	fails(t, endpointsCmd("apply", "-f", "one.yaml", "--yes"), "ask the gateway at http://127.0.0.1:1")
	_ = g
}

// overtake stands between a command and the gateway, and does something right before the apply itself.
func overtake(t *testing.T, g *running, what func()) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			DryRun bool `json:"dry_run"`
		}
		text := readAll(t, r.Body)
		if err := json.Unmarshal(text, &body); err != nil {
			t.Error(err)
		}
		if !body.DryRun {
			what()
		}
		req, err := http.NewRequest(r.Method, g.base+r.URL.Path, strings.NewReader(string(text)))
		if err != nil {
			t.Error(err)
			return
		}
		req.Header = r.Header
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
		_, _ = w.Write(readAll(t, resp.Body))
	}))
	t.Cleanup(s.Close)
	t.Setenv(serverVar, s.URL)
}

// Somebody changes an endpoint after the plan was shown: it is left as it is, and so is everything else.
func TestApplyIsForWhatThePlanSaw(t *testing.T) {
	g := startOne(t)
	put(t, "files/a.yaml", endpointFile("a", "gpt-4o", ""))
	put(t, "files/b.yaml", endpointFile("b", "gpt-4o", ""))
	says(t, endpointsCmd("apply", "-f", "files", "--yes"), "2 created")
	put(t, "files/a.yaml", endpointFile("a", "gpt-5", ""))
	put(t, "files/b.yaml", endpointFile("b", "gpt-5", ""))
	overtake(t, g, func() {
		if status, answer := g.api(t, "PATCH", "serving-endpoints/b/tags", admin, `{"add_tags":[{"key":"by","value":"hand"}]}`); status != 200 {
			t.Errorf("%d %v", status, answer)
		}
	})
	fails(t, endpointsCmd("apply", "-f", "files", "--yes"), "409", "nothing was changed: b: me@example.com has changed it since the plan was made: it is at version 2 now; make the plan again")
	t.Setenv(serverVar, g.base)
	says(t, endpointsCmd("diff", "-f", "files"), "a: the file was changed", "b: was changed on the gateway, and so was the file", `+ tags[by]  "hand"`, "2 endpoints differ of 2.")
	says(t, endpointsCmd("apply", "-f", "files", "--yes"), "! changed since it was applied: version 2 by me@example.com", "0 created, 2 changed, 0 deleted")
	exits(t, 0, endpointsCmd("diff", "-f", "files", "--detailed-exitcode"), "No difference: 2 endpoints are as the files say.")

	var plan struct {
		Endpoints []struct {
			Name, Action string
			NewVersion   int64 `json:"new_version"`
		} `json:"endpoints"`
	}
	put(t, "files/a.yaml", endpointFile("a", "gpt-6", ""))
	if err := json.Unmarshal([]byte(says(t, endpointsCmd("apply", "-f", "files", "--yes", "--json"))), &plan); err != nil || len(plan.Endpoints) != 2 ||
		plan.Endpoints[0].Action != "update" || plan.Endpoints[0].NewVersion != 3 || plan.Endpoints[1].Action != "unchanged" {
		t.Errorf("in JSON: %v %+v", err, plan)
	}
	other := endpointsCmd("apply", "-f", "files", "--owner", "team-b", "--yes")
	fails(t, other, "files/a.yaml:1: name: it is managed by \"code\", not by \"team-b\"")
	says(t, append(other, "--take-over"), "* a  taken over from code", "2 marked")
	says(t, endpointsCmd("list"), "team-b")
}

func readAll(t *testing.T, r io.Reader) []byte {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Error(err)
	}
	return b
}
