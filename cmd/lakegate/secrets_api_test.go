package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/config"
)

const secretsAPIConfig = `data: data
secrets: {scopes: {vars: {from: env}}}
keys:
  - {name: boss, token: "boss-token-0123456789abcd", principal: boss@example.com, endpoints: [], admin: true}
  - {name: user, token: "user-token-0123456789abcd", principal: user@example.com, endpoints: ["*"], tables: ["*"]}
endpoints: []
`

// Databricks' API of secrets over the local store: for administrators, and no value comes back.
func TestSecretsAPI(t *testing.T) {
	t.Chdir(t.TempDir())
	noErr(t, os.WriteFile("lakegate.yaml", []byte(secretsAPIConfig), 0o600))
	cfg, err := config.Load("lakegate.yaml", os.LookupEnv)
	noErr(t, err)
	var log bytes.Buffer
	a, err := newApp(t.Context(), cfg, configSource{path: "lakegate.yaml"}, slog.New(slog.NewTextHandler(&log, nil)))
	noErr(t, err)
	defer func() { noErr(t, a.close(context.Background())) }()
	gateway := httptest.NewServer(a.server.Echo())
	defer gateway.Close()

	const boss, user = "boss-token-0123456789abcd", "user-token-0123456789abcd"
	inBase64 := base64.StdEncoding.EncodeToString([]byte(hidden))
	for i, tt := range []struct {
		token, call, body string
		status            int
		want              string
	}{
		{"", "GET /scopes/list", "", 401, "UNAUTHENTICATED"},
		{user, "GET /scopes/list", "", 403, `the key \"user\" is none`},
		{user, "POST /put", `{"scope":"a","key":"b","string_value":"` + hidden + `"}`, 403, "PERMISSION_DENIED"},
		{boss, "GET /scopes/list", "", 200, `{"scopes":[]}`},
		{boss, "GET /list?scope=a", "", 404, `{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"Scope a does not exist!"}`},
		{boss, "POST /put", `{"scope":"a","key":"b","string_value":"` + hidden + `"}`, 404, "RESOURCE_DOES_NOT_EXIST"},
		{boss, "POST /delete", `{"scope":"a","key":"b"}`, 404, "RESOURCE_DOES_NOT_EXIST"},
		{boss, "POST /scopes/create", `{"scope":"a","initial_manage_principal":"users","scope_backend_type":"DATABRICKS"}`, 200, `{}`},
		{boss, "POST /scopes/create", `{"scope":"a"}`, 400, "RESOURCE_ALREADY_EXISTS"},
		{boss, "POST /scopes/create", `{"scope":"b","scope_backend_type":"AZURE_KEYVAULT"}`, 400, "in the store of the gateway"},
		{boss, "POST /scopes/create", `{"scope":"b","initial_manage_principal":"me"}`, 400, "want users"},
		{boss, "POST /scopes/create", `{"scope":"b c"}`, 400, "scope: want 1 to 128"},
		{boss, "POST /scopes/create", `{"scope":"vars"}`, 400, "scope vars is from: env"},
		{boss, "POST /put", `{"scope":"lakegate-endpoints","key":"x","string_value":"` + hidden + `"}`, 400, "which go with them"},
		{boss, "POST /put", `{"scope":"a","key":"b","string_value":"` + hidden + `"}`, 200, `{}`},
		{boss, "POST /put", `{"scope":"a","key":"c","bytes_value":"` + inBase64 + `"}`, 200, `{}`},
		{boss, "POST /put", `{"scope":"a","key":"c","bytes_value":"` + hidden + `!"}`, 400, "not base64"},
		{boss, "POST /put", `{"scope":"a","key":"c","bytes_value":"/w=="}`, 400, "UTF-8"},
		{boss, "POST /put", `{"scope":"a","key":"c"}`, 400, "give one of"},
		{boss, "POST /put", `{"scope":"a","string_value":"` + hidden + `"}`, 400, "it is required"},
		{boss, "POST /put", `{"scope":"a","key":"c","string_value":""}`, 400, "want a value of 1 to"},
		{boss, "POST /put", `{"scope":"a","key":"` + hidden + `/x","string_value":"x"}`, 400, "key: want 1 to 128"},
		{boss, "POST /put", `{"scope":"a","key":"c","string_value":"` + hidden, 400, "BAD_REQUEST"},
		{boss, "POST /put", strings.Repeat(" ", maxSecretBody+1), 413, "larger than"},
		{boss, "GET /scopes/list", "", 200, `{"scopes":[{"name":"a","backend_type":"DATABRICKS"}]}`},
		{boss, "GET /list?scope=a", "", 200, `{"secrets":[{"key":"b","last_updated_timestamp":`},
		{boss, "GET /get?scope=a&key=b", "", 403, "don't come back"},
		{boss, "POST /delete", `{"scope":"a","key":"c"}`, 200, `{}`},
		{boss, "POST /delete", `{"scope":"a","key":"c"}`, 404, "Secret does not exist with scope: a and key: c"},
	} {
		method, path, _ := strings.Cut(tt.call, " ")
		req, err := http.NewRequest(method, gateway.URL+secretsPath+path, strings.NewReader(tt.body))
		noErr(t, err)
		if tt.token != "" {
			req.Header.Set("Authorization", "Bearer "+tt.token)
		}
		resp, err := http.DefaultClient.Do(req)
		noErr(t, err)
		b, err := io.ReadAll(resp.Body)
		noErr(t, err)
		noErr(t, resp.Body.Close())
		if text := string(b); resp.StatusCode != tt.status || !strings.Contains(text, tt.want) || strings.Contains(text, hidden) {
			t.Errorf("%d: %s: %d %s; want %d %s", i, tt.call, resp.StatusCode, text, tt.status, tt.want)
		}
	}
	noErr(t, os.WriteFile("other.yaml", []byte(strings.Replace(secretsAPIConfig, `"user-token-0123456789abcd"`, `"{{secrets/a/b}}"`, 1)), 0o600))
	if out, _, err := run(t, "", "config", "check", "other.yaml"); err == nil || !strings.Contains(out, "found in the local store data/secrets.age") || strings.Contains(out+err.Error(), hidden) {
		t.Errorf("config check: %v\n%s", err, out) // err: the value is too short for a token
	}
	if text := log.String(); strings.Contains(text, hidden) || strings.Count(text, "a secret was stored") != 2 || !strings.Contains(text, "by=boss@example.com") {
		t.Errorf("the log: %s", text)
	}
}
