package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/endpoints"
	"github.com/lakegate/lakegate/internal/fakellm"
	"github.com/lakegate/lakegate/internal/objstore/memstore"
	"github.com/lakegate/lakegate/internal/state"
)

const planeConfig = `lake: {url: lake}
secrets: {openai: {prod: sk-provider-secret}}
`

// running is a gateway of this test.
type running struct {
	base string
	log  *watchedLog
	// logged is all of it, to be read after stop.
	logged *strings.Builder
	stop   func()
}

func startGateway(t *testing.T, name, upstream string) *running {
	t.Helper()
	return startConfigured(t, name, planeConfig+fmt.Sprintf(serveConfig, name, "filed", upstream))
}

// startConfigured starts a gateway with a config file of that text.
func startConfigured(t *testing.T, name, text string) *running {
	t.Helper()
	path := name + ".yaml"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	log, logged := &watchedLog{more: make(chan struct{}, 1)}, &strings.Builder{}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		w := io.MultiWriter(logged, log) // the handler has a lock
		ended <- serve(ctx, path, func(*config.Config) {}, slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})))
	}()
	g := &running{logged: logged, base: log.wait(t, `lakegate is up.* address=(\S+)`)[1], log: log}
	g.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("stop %s: %v", name, err)
		}
	}
	return g
}

// api calls the control plane, and returns the status and the answer.
func (g *running) api(t *testing.T, method, path, token, body string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequest(method, g.base+"/api/2.0/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte("sk-provider-secret")) {
		t.Errorf("%s %s shows a secret: %s", method, path, b)
	}
	var answer map[string]any
	if err := json.Unmarshal(b, &answer); err != nil {
		t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, b)
	}
	return resp.StatusCode, answer
}

// until calls an endpoint until the status is the wanted one.
func (g *running) until(t *testing.T, token, endpoint string, status int) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		got, body := call(t, g.base, token, endpoint)
		if got == status {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("endpoint %s stays at %d %s, want %d", endpoint, got, body, status)
		}
		time.Sleep(20 * time.Millisecond) // between questions
	}
}

// Two gateways on one lake: what is made, permitted, changed and deleted through one is so on the other,
// after a restart too, and is there to read in the tables.
func TestEndpointsThroughTheAPI(t *testing.T) {
	provider, err := fakellm.New(fakellm.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	upstream := httptest.NewServer(provider)
	defer upstream.Close()
	t.Chdir(t.TempDir())
	a := startGateway(t, "a", upstream.URL)
	defer func() { a.stop() }()
	b := startGateway(t, "b", upstream.URL)
	const me, reader = "me-token-0123456789abcdefg", "reader-token-0123456789ab"
	spec := fmt.Sprintf(`{"name":"made","config":{"served_entities":[{"name":"gpt","external_model":{"name":"gpt-4o","provider":"openai","task":"llm/v1/chat",
		"openai_config":{"openai_api_key":"{{secrets/openai/prod}}","openai_api_base":"%s/v1"}}}]}}`, upstream.URL)
	status, made := a.api(t, "POST", "serving-endpoints", me, spec)
	if status != 200 || fmt.Sprint(made["state"]) != "map[config_update:NOT_UPDATING ready:READY]" || made["creator"] != "me@example.com" {
		t.Fatalf("creation: %d %v", status, made)
	}
	if status, _ := call(t, a.base, me, "made"); status != 200 {
		t.Errorf("a call right after the creation: %d", status)
	}
	b.until(t, me, "made", 200)
	for _, x := range []struct {
		method, path, token, body string
		status                    int
		text                      string
	}{
		{"GET", "serving-endpoints/made", reader, "", 404, "RESOURCE_DOES_NOT_EXIST"},
		{"POST", "serving-endpoints", me, spec, 409, "RESOURCE_ALREADY_EXISTS"},
		{"POST", "serving-endpoints", me, strings.Replace(spec, "made", "FILED", 1), 409, "configuration file"},
		{"DELETE", "serving-endpoints/filed", me, "", 409, "configuration file"},
		{"POST", "serving-endpoints", reader, spec, 403, "PERMISSION_DENIED"},
		{"POST", "serving-endpoints", me, strings.Replace(strings.Replace(spec, "made", "x", 1), `_key":"{{secrets/openai/prod}}"`, `_key_plaintext":"sk-provider-plain"`, 1), 400, "a secret itself can't be kept here"},
		{"POST", "serving-endpoints", me, strings.Replace(strings.Replace(spec, "made", "x", 1), `"config"`, `"confg"`, 1), 400, `json: unknown field`},
		{"PUT", "serving-endpoints/made/config", me, `{"served_entities":[]}`, 400, "needs at least one served entity"},
		{"PATCH", "serving-endpoints/made/notifications", me, `{}`, 501, "lakegate sends no e-mail"},
		{"PATCH", "serving-endpoints/made/telemetry-config", me, `{}`, 501, "inference_table_config"},
		{"POST", "serving-endpoints/pt", me, `{}`, 501, "external_model"},
		{"PUT", "serving-endpoints/pt/x/config", me, `{}`, 501, "external_model"},
		{"PUT", "serving-endpoints/made/other", me, `{}`, 501, "an endpoint has config"},
		{"PUT", "permissions/serving-endpoints/made", me, `{}`, 400, "not a valid Inference Endpoint ID"},
		{"PATCH", "permissions/serving-endpoints/" + fmt.Sprint(made["id"]), me, `{"access_control_list":[{"user_name":"reader@example.com","permission_level":"CAN_VIEW"}]}`, 200, "reader@example.com"},
		{"GET", "serving-endpoints/made", reader, "", 200, "CAN_VIEW"},
		{"DELETE", "serving-endpoints/made", reader, "", 403, "CAN_MANAGE"},
		{"GET", "serving-endpoints/made/openapi", me, "", 200, "messages"},
		{"GET", "serving-endpoints/made/served-models/gpt/build-logs", me, "", 200, "openai"},
		{"GET", "serving-endpoints:foundation-models", me, "", 200, "endpoints"},
		{"GET", "permissions/serving-endpoints/" + fmt.Sprint(made["id"]) + "/permissionLevels", me, "", 200, "CAN_QUERY"},
		{"GET", "preview/scim/v2/Me", me, "", 200, "admins"},
		{"PUT", "serving-endpoints/made/rate-limits", me, `{"rate_limits":[{"calls":0}]}`, 200, "calls:0"},
	} {
		status, answer := a.api(t, x.method, x.path, x.token, x.body)
		if status != x.status || !strings.Contains(fmt.Sprint(answer), x.text) {
			t.Errorf("%s %s: %d %v\nwant %d ...%s", x.method, x.path, status, answer, x.status, x.text)
		}
	}
	b.until(t, me, "made", 403)
	b.stop()
	b = startGateway(t, "b", upstream.URL)
	defer func() { b.stop() }()
	if status, _ := call(t, b.base, me, "made"); status != 403 {
		t.Errorf("after a restart: %d", status)
	}
	if status, _ := b.api(t, "DELETE", "serving-endpoints/made", me, ""); status != 200 {
		t.Errorf("deletion: %d", status)
	}
	a.until(t, me, "made", 404)

	t.Setenv(keyVar, me)
	rows := func(g *running, query, want string) {
		t.Helper()
		out, _, err := run(t, "", "sql", "--server", g.base, "--format", "csv", query)
		if err != nil || strings.ReplaceAll(out, "\r\n", "\n") != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", query, err, out, want)
		}
	}
	rows(a, `SELECT action_name, user_identity.email AS who, response.status_code AS status, count(*) AS n FROM system.access.audit GROUP BY ALL ORDER BY ALL`,
		`action_name,who,status,n
changeServingEndpointAcl,me@example.com,200,1
createServingEndpoint,me@example.com,200,1
createServingEndpoint,me@example.com,400,2
createServingEndpoint,me@example.com,409,2
createServingEndpoint,reader@example.com,403,1
deleteServingEndpoint,me@example.com,409,1
deleteServingEndpoint,reader@example.com,403,1
putServingEndpointRateLimits,me@example.com,200,1
updateServingEndpointConfig,me@example.com,400,1
`)
	rows(b, `SELECT request_params['version'] AS v FROM system.access.audit WHERE action_name = 'deleteServingEndpoint' AND response.status_code = 200`, "v\n4\n")
	rows(a, `SELECT created_by FROM system.serving.served_entities WHERE endpoint_name = 'made' AND endpoint_delete_time IS NULL`, "created_by\nme@example.com\n")
}

// Without the store a gateway goes by its copy of what was there, and says so.
func TestCopyOfStoredEndpoints(t *testing.T) {
	mem, dir := memstore.New(), t.TempDir()
	docs := state.New(mem)
	logger := slog.New(slog.DiscardHandler)
	if err := endpoints.New(docs).Put(t.Context(), &endpoints.Document{Name: "made", Version: 1, Spec: json.RawMessage(`{"name":"made"}`)}); err != nil {
		t.Fatal(err)
	}
	s := newStored(docs, dir, logger)
	if changed, err := s.refresh(t.Context()); err != nil || !changed {
		t.Fatalf("refresh: %v, %v", changed, err)
	}
	mem.Inject(func(memstore.Call) memstore.Fault { return memstore.Fault{Before: errors.New("away")} })
	if _, err := s.refresh(t.Context()); err == nil || s.set.Lookup("made") == nil {
		t.Errorf("while the store is away: %v, %v", s.set, err)
	}
	again := newStored(docs, dir, logger)
	if _, err := again.refresh(t.Context()); err == nil {
		t.Error("the store is away")
	}
	if err := again.recall(); err != nil || again.set.Lookup("made") == nil {
		t.Errorf("after a restart: %v, %v", again.set, err)
	}
}
