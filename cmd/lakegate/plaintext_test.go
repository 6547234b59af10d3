package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/fakellm"
)

// plaintextFields are the fields ..._plaintext of a type's configuration, by their paths. name stands
// for the provider where a field is named after it.
func plaintextFields(t reflect.Type, path, name string) []string {
	var all []string
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	for i := range t.NumField() {
		tag, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		switch tag = strings.Replace(tag, "*", name, 1); {
		case strings.HasSuffix(tag, "_plaintext"):
			all = append(all, path+tag)
		case tag != "":
			n := name
			if block, ok := strings.CutSuffix(tag, "_config"); ok {
				n = block
			}
			all = append(all, plaintextFields(t.Field(i).Type, path+tag+".", n)...)
		}
	}
	return all
}

// blockWith is the provider's block around a field, and what else it needs.
func blockWith(t *testing.T, path, upstream string, value any) (provider string, block map[string]any) {
	t.Helper()
	name, rest, _ := strings.Cut(path, ".")
	block = map[string]any{}
	at := block
	for {
		object, below, nested := strings.Cut(rest, ".")
		if !nested {
			at[rest] = value
			break
		}
		next := map[string]any{}
		at[object], at, rest = next, next, below
	}
	provider = strings.TrimSuffix(name, "_config")
	more := map[string]any{}
	switch name {
	case "openai_config":
		more["openai_api_base"] = upstream + "/v1"
		if strings.Contains(path, "microsoft_entra") {
			maps.Copy(more, map[string]any{
				"openai_api_type": "azuread", "openai_api_base": "https://acme.openai.azure.com", "openai_api_version": "2024-10-21", "openai_deployment_name": "d",
				"microsoft_entra_tenant_id": "6f1b2a1e-0000-4000-8000-000000000000", "microsoft_entra_client_id": "6f1b2a1e-0000-4000-8000-000000000001",
			})
		}
	case "gemini_config":
		provider = "google-gemini"
	case "google_cloud_vertex_ai_config":
		provider = "google-cloud-vertex-ai"
		maps.Copy(more, map[string]any{"project_id": "acme-123", "region": "europe-west4"})
	case "amazon_bedrock_config":
		provider = "amazon-bedrock"
		maps.Copy(more, map[string]any{
			"aws_region": "eu-central-1", "bedrock_provider": "amazon",
			"aws_access_key_id_plaintext": "id-" + hidden, "aws_secret_access_key_plaintext": "key-" + hidden,
		})
	case "databricks_model_serving_config":
		provider = "databricks-model-serving"
		more["databricks_workspace_url"] = "https://acme.cloud.databricks.com"
	case "custom_provider_config":
		provider = "custom"
		more["custom_provider_url"] = upstream + "/v1"
		if auth, ok := block["api_key_auth"].(map[string]any); ok {
			auth["key"] = "X-Api-Key"
		}
	}
	for k, v := range more {
		if _, given := block[k]; !given {
			block[k] = v
		}
	}
	return provider, block
}

func serviceAccountKey(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	noErr(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	noErr(t, err)
	doc, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "acme-123", "private_key_id": hidden, "client_email": "x@acme-123.iam.gserviceaccount.com",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": "https://oauth2.googleapis.com/token",
	})
	noErr(t, err)
	return string(doc)
}

// spied calls a gateway and keeps what came out.
type spied struct {
	t    *testing.T
	came map[string]string
}

func (s *spied) call(g *running, method, path string, body any) (int, string) {
	s.t.Helper()
	text, isText := body.(string)
	if !isText && body != nil {
		b, err := json.Marshal(body)
		noErr(s.t, err)
		text = string(b)
	}
	req, err := http.NewRequest(method, g.base+path, strings.NewReader(text))
	noErr(s.t, err)
	req.Header.Set("Authorization", "Bearer me-token-0123456789abcdefg")
	resp, err := http.DefaultClient.Do(req)
	noErr(s.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	noErr(s.t, err)
	s.came[fmt.Sprintf("%s %s %d", method, path, len(s.came))] = string(b) + fmt.Sprint(resp.Header)
	return resp.StatusCode, string(b)
}

func withModel(name, provider, block string, settings map[string]any) map[string]any {
	return map[string]any{"served_entities": []any{map[string]any{"name": name, "external_model": map[string]any{
		"name": "gpt-4o", "provider": provider, "task": "llm/v1/chat", block: settings,
	}}}}
}

const endpointsPath = "/api/2.0/serving-endpoints"

// Every field ..._plaintext of every provider is taken by the API of endpoints, used by every gateway of the
// lake, and neither the secret nor a part of it comes out anywhere: not of answers, errors, logs, metrics,
// tables, or any file of the lake and the data folders, but for what is encrypted.
func TestPlaintextIsTakenAndNeverShown(t *testing.T) {
	fake, err := fakellm.New(fakellm.DefaultConfig())
	noErr(t, err)
	provider := &repeating{Handler: fake}
	upstream := httptest.NewServer(provider)
	defer upstream.Close()
	t.Chdir(t.TempDir())
	sharedKey(t)
	a := startConfigured(t, "a", lakeSecrets("a", upstream.URL))
	b := startConfigured(t, "b", lakeSecrets("b", upstream.URL))
	s := &spied{t, map[string]string{}}

	fields := plaintextFields(reflect.TypeFor[config.ExternalModel](), "", "")
	if len(fields) < 20 || !slices.Contains(fields, "custom_provider_config.api_key_auth.value_plaintext") || !slices.Contains(fields, "mistral_config.mistral_api_key_plaintext") {
		t.Fatalf("fields: %v", fields)
	}
	for i, field := range fields {
		value := fmt.Sprintf("%d-%s", i, hidden)
		if strings.Contains(field, "private_key") {
			value = serviceAccountKey(t)
		}
		name := fmt.Sprintf("made%d", i)
		from, block := blockWith(t, field, upstream.URL, value)
		blockName, _, _ := strings.Cut(field, ".")
		if status, body := s.call(a, "POST", endpointsPath, map[string]any{"name": name, "config": withModel("m", from, blockName, block)}); status != 200 {
			t.Errorf("%s: %d %s", field, status, body)
		}
		_, read := s.call(b, "GET", endpointsPath+"/"+name, nil)
		if strings.Contains(read, "secrets/") {
			t.Errorf("%s: reading shows a reference the client did not give: %s", field, read)
		}
		// In a field of the wrong kind, twice, beside a mistake: refused, and not repeated.
		_, twice := blockWith(t, field, upstream.URL, value)
		spoil(twice, value)
		for what, bad := range map[string]any{"twice": twice, "in a list": only(blockWith(t, field, upstream.URL, []string{hidden})), "in an object": only(blockWith(t, field, upstream.URL, map[string]string{hidden: hidden}))} {
			if status, body := s.call(a, "POST", endpointsPath, map[string]any{"name": "bad", "config": withModel("m", from, blockName, bad.(map[string]any))}); status != 400 {
				t.Errorf("%s %s: %d %s", field, what, status, body)
			}
		}
	}
	openai := func(key, path string) map[string]any {
		return withModel("m", "openai", "openai_config", map[string]any{"openai_api_key_plaintext": key, "openai_api_base": upstream.URL + path})
	}
	gateway := map[string]any{"inference_table_config": map[string]any{"enabled": true, "catalog_name": "main", "schema_name": "ai", "table_name_prefix": "chat"}}
	for _, x := range []struct {
		method, path string
		body         any
		status       int
	}{
		{"POST", endpointsPath, map[string]any{"name": "chat", "config": openai("first-"+hidden, "/v1"), "ai_gateway": gateway}, 200},
		{"POST", endpointsPath, map[string]any{"name": "repeat", "config": openai("repeat-"+hidden, "/repeat")}, 200},
		{"POST", endpointsPath, map[string]any{"name": "x", "config": openai("line\n"+hidden, "/v1")}, 400},
		{"POST", endpointsPath, map[string]any{"name": "x", "config": withModel("m", "openai", "openai_config", map[string]any{"openai_api_key": hidden})}, 400},
		{"POST", endpointsPath, map[string]any{"name": "x", "config": withModel("m", "openai", "openai_config", map[string]any{"openai_api_keys": []string{hidden}, "openai_api_key_plaintext": hidden})}, 400},
		{"POST", endpointsPath, map[string]any{"name": "x", "config": withModel("m", "openai", "openai_config", map[string]any{"openai_api_kee_plaintext": hidden})}, 400},
		{"POST", endpointsPath, map[string]any{"name": "x", "config": withModel("m", "openai", "anthropic_config", map[string]any{"anthropic_api_key_plaintext": hidden})}, 400},
		{"POST", endpointsPath, `{"name":"x","config":{"served_entities":[{"external_model":{"openai_config":{"openai_api_key_plaintext":"` + hidden + `"`, 400},
		{"PUT", endpointsPath + "/none/config", openai(hidden, "/v1"), 404},
		{"PUT", endpointsPath + "/filed/config", openai(hidden, "/v1"), 409},
		{"GET", "/api/2.0/lakegate/endpoints/chat/history", nil, 200},
		{"GET", endpointsPath, nil, 200},
		{"GET", endpointsPath + "/chat/openapi", nil, 200},
		{"GET", "/metrics", nil, 200},
		{"GET", "/api/2.0/secrets/list?scope=lakegate-endpoints", nil, 200},
		{"GET", "/api/2.0/secrets/get?scope=lakegate-endpoints&key=x", nil, 403},
	} {
		if status, body := s.call(a, x.method, x.path, x.body); status != x.status {
			t.Errorf("%s %s: %d %s, want %d", x.method, x.path, status, body, x.status)
		}
	}
	used := func(g *running, key string) {
		t.Helper()
		for provider.key() != key {
			g.until(t, "me-token-0123456789abcdefg", "chat", 200)
		}
	}
	used(a, "first-"+hidden)
	used(b, "first-"+hidden)
	if status, body := s.call(b, "PUT", endpointsPath+"/chat/config", openai("second-"+hidden, "/v1")); status != 200 {
		t.Errorf("another key: %d %s", status, body)
	}
	used(b, "second-"+hidden)
	used(a, "second-"+hidden)
	b.until(t, "me-token-0123456789abcdefg", "repeat", 400)
	s.call(a, "POST", endpointsPath+"/repeat/invocations", `{"messages":[{"role":"user","content":"hi"}]}`)

	before := secretsKept(t, s, a)
	for i := range fields {
		s.call(b, "DELETE", fmt.Sprintf("%s/made%d", endpointsPath, i), nil)
	}
	if n := secretsKept(t, s, a); before <= len(fields) || n != 2 {
		t.Errorf("%d secrets before the deletion of all endpoints but two, %d after", before, n)
	}
	b.stop()
	b = startConfigured(t, "b", lakeSecrets("b", upstream.URL))
	used(b, "second-"+hidden) // a gateway that starts later has it

	t.Setenv(keyVar, "me-token-0123456789abcdefg")
	for _, table := range []string{"main.ai.chat_payload", "system.serving.endpoint_usage", "system.serving.served_entities", "system.access.audit"} {
		out, errOut, err := run(t, "", "sql", "--server", a.base, "--format", "json", "SELECT * FROM "+table)
		s.came[table] = out + errOut
		if err != nil || len(out) < 100 {
			t.Errorf("%s: %v %s", table, err, out)
		}
	}
	a.stop()
	b.stop()
	s.came["log of a"], s.came["log of b"] = a.logged.String(), b.logged.String()
	for path, file := range filesOf(t, ".") {
		s.came[path] = string(file)
	}
	s.search(hidden, "PRIVATE KEY")
	if len(s.came) < 150 {
		t.Errorf("only %d texts were searched", len(s.came))
	}
}

// search fails where a secret came out.
func (s *spied) search(secrets ...string) {
	s.t.Helper()
	for from, text := range s.came {
		for _, x := range secrets {
			if strings.Contains(text, x) {
				s.t.Errorf("a secret is in %s: %.300s", from, text)
			}
		}
	}
}

func only(_ string, block map[string]any) map[string]any { return block }

// spoil gives each secret of a block twice.
func spoil(block map[string]any, value any) {
	for name, v := range maps.Clone(block) {
		if o, ok := v.(map[string]any); ok {
			spoil(o, value)
		} else if plain, ok := strings.CutSuffix(name, "_plaintext"); ok {
			block[plain] = value
		}
	}
}

func secretsKept(t *testing.T, s *spied, g *running) int {
	t.Helper()
	_, body := s.call(g, "GET", "/api/2.0/secrets/list?scope=lakegate-endpoints", nil)
	var list struct{ Secrets []any }
	noErr(t, json.NewDecoder(bytes.NewReader([]byte(body))).Decode(&list))
	return len(list.Secrets)
}

// A single gateway with its own folder keeps them in its local store; where there may be others, it says how
// to keep them for all.
func TestPlaintextOfASingleGateway(t *testing.T) {
	fake, err := fakellm.New(fakellm.DefaultConfig())
	noErr(t, err)
	provider := &repeating{Handler: fake}
	upstream := httptest.NewServer(provider)
	defer upstream.Close()
	t.Chdir(t.TempDir())
	s := &spied{t, map[string]string{}}
	create := map[string]any{"name": "made", "config": withModel("m", "openai", "openai_config", map[string]any{"openai_api_key_plaintext": "one-" + hidden, "openai_api_base": upstream.URL + "/v1"})}

	shared := startConfigured(t, "shared", planeConfig+fmt.Sprintf(serveConfig, "shared", "filed", upstream.URL))
	if status, body := s.call(shared, "POST", endpointsPath, create); status != 400 || !strings.Contains(body, "openai_api_key_plaintext: a secret itself can't be kept here") || !strings.Contains(body, "secrets: {store: {in: lake}}") {
		t.Errorf("a lake of its own, a store of the gateway's: %d %s", status, body)
	}
	shared.stop()
	g := startConfigured(t, "alone", fmt.Sprintf(serveConfig, "alone", "filed", upstream.URL))
	if status, body := s.call(g, "POST", endpointsPath, create); status != 200 {
		t.Errorf("creation: %d %s", status, body)
	}
	g.log.wait(t, `made the key of the local store of secrets.*alone/secrets.key`)
	if status, _ := call(t, g.base, "me-token-0123456789abcdefg", "made"); status != 200 || provider.key() != "one-"+hidden {
		t.Errorf("a call: %d", status)
	}
	g.stop()
	g = startConfigured(t, "alone", fmt.Sprintf(serveConfig, "alone", "filed", upstream.URL))
	if status, _ := call(t, g.base, "me-token-0123456789abcdefg", "made"); status != 200 {
		t.Errorf("after a restart: %d", status)
	}
	g.stop()
	for path, file := range filesOf(t, ".") {
		s.came[path] = string(file)
	}
	s.came["the log"] = shared.logged.String() + g.logged.String()
	s.search(hidden)
}
