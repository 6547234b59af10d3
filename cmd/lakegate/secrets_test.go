package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/fakellm"
)

// hidden is in every secret of these tests: where it shows, one leaked.
const hidden = "hunter2do-not-show"

func TestSecretsCommands(t *testing.T) {
	t.Chdir(t.TempDir())
	fine := func(stdin string, args ...string) string {
		t.Helper()
		out, errOut, err := run(t, stdin, args...)
		if err != nil || strings.Contains(out+errOut, hidden) {
			t.Errorf("lakegate %v: %v\n%s%s", args, err, out, errOut)
		}
		return out + errOut
	}
	if out := fine(hidden+"\n", "secrets", "put", "openai/api-key"); !strings.Contains(out, "made the key data/secrets.key; back it up") || !strings.Contains(out, "stored {{secrets/openai/api-key}}") {
		t.Errorf("put: %s", out)
	}
	if err := os.WriteFile("value", []byte(hidden), 0o600); err != nil {
		t.Fatal(err)
	}
	fine("", "secrets", "put", "openai/other", "--file", "value", "--data", "data")
	fine("", "secrets", "rotate-key")
	if out := fine("", "secrets", "list"); strings.Count(out, "openai/") != 2 {
		t.Errorf("list: %s", out)
	}
	var rows []secretRow
	if err := json.Unmarshal([]byte(fine("", "secrets", "list", "--json")), &rows); err != nil || len(rows) != 2 || rows[1].Key != "other" {
		t.Errorf("list --json: %v %v", rows, err)
	}
	fine("", "secrets", "delete", "openai/other")

	for want, args := range map[string][]string{
		"the value comes from the terminal": {"put", "openai/api-key", hidden},
		"want SCOPE/KEY":                    {"put", "openai"},
		"which go with them":                {"put", "lakegate-endpoints/x"},
		"key: want 1 to 128":                {"put", "openai/api key"},
		"want a value of 1 to":              {"put", "openai/empty"},
		"no such file":                      {"put", "openai/file", "--file", "none"},
		"openai/other is not in":            {"delete", "openai/other"},
		"there is no store at":              {"rotate-key", "--data", "none"},
	} {
		out, errOut, err := run(t, "", append([]string{"secrets"}, args...)...)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(out+errOut+err.Error(), hidden) {
			t.Errorf("secrets %v: %v; want %q", args, err, want)
		}
	}
	t.Setenv(storeKeyVar, "x")
	t.Setenv(passphraseVar, "y")
	if _, _, err := run(t, "", "secrets", "list"); err == nil || !strings.Contains(err.Error(), "both") {
		t.Errorf("two keys: %v", err)
	}
}

// A store can be filled before the config file that refers to it is whole, and config check says where
// each reference is found.
func TestConfigCheckShowsReferences(t *testing.T) {
	t.Chdir(t.TempDir())
	text := `data: gw
secrets: {scopes: {vars: {from: env}}}
keys:
  - {name: a, token: "{{secrets/keys/a}}", principal: a, endpoints: []}
  - {name: b, token: "{{secrets/vars/b}}", principal: b, endpoints: []}
endpoints: []
`
	if err := os.WriteFile("lakegate.yaml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := run(t, hidden+"0123456789", "secrets", "put", "keys/a"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := run(t, hidden, "secrets", "put", "vars/b"); err == nil || !strings.Contains(err.Error(), "scope vars is from: env, so it would not be looked for") {
		t.Errorf("put into a scope that is elsewhere: %v", err)
	}
	out, _, err := run(t, "", "config", "check", "lakegate.yaml")
	if err == nil || !strings.Contains(err.Error(), "lakegate.yaml:5: keys[1].token: secrets/vars/b: environment variable VARS_B is not set") {
		t.Errorf("config check: %v", err)
	}
	want := "line 4  secrets/keys/a  found in the local store gw/secrets.age\nline 5  secrets/vars/b  not found: environment variable VARS_B is not set (scope vars is from: env)\n"
	if out != want {
		t.Errorf("config check:\n%s", out)
	}
	t.Setenv("VARS_B", "other-"+hidden)
	if out, _, err := run(t, "", "config", "check", "lakegate.yaml"); err != nil || !strings.Contains(out, "is fine") || strings.Contains(out, hidden) {
		t.Errorf("config check: %v\n%s", err, out)
	}
}

// repeating is a provider that remembers what it was called with, and repeats it in an error when the
// message is "repeat".
type repeating struct {
	http.Handler
	mu   sync.Mutex
	last string
}

func (p *repeating) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	p.mu.Lock()
	p.last = key
	p.mu.Unlock()
	if r.URL.Path == "/repeat/chat/completions" {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":{"message":"Incorrect API key provided: %s","type":"invalid_request_error","code":"invalid_api_key"}}`, key)
		return
	}
	p.Handler.ServeHTTP(w, r)
}

func (p *repeating) key() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// awsOf answers as AWS Secrets Manager with one secret.
func awsOf(t *testing.T, text func() string) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := json.NewEncoder(w).Encode(map[string]string{"Name": "x", "SecretString": text()}); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// sources are the scopes of the whole run: one of each source.
var sources = []string{"written", "vars", "mounted", "stored", "unnamed", "cloud"}

func wholeRunConfig(upstream, aws string) string {
	text := `listen: 127.0.0.1:0
data: data
flush: {interval: 1h}
secrets:
  written: {key: "written-` + hidden + `-1"}
  scopes:
    vars: {from: env}
    mounted: {from: files, folder: mounted}
    stored: {from: store}
    cloud: {from: aws, name: prod, region: eu-central-1, endpoint: "` + aws + `", refresh: 24h}
keys:
  - {name: me, token: "me-token-0123456789abcdefg", principal: me@example.com, endpoints: ["*"], tables: ["*"], admin: true}
endpoints:
`
	for _, s := range sources {
		for name, base := range map[string]string{s: "/v1", s + "-repeat": "/repeat"} {
			text += fmt.Sprintf(`  - name: %s
    config: {served_entities: [{name: m, external_model: {name: gpt-4o-mini, provider: openai, task: llm/v1/chat, openai_config: {openai_api_base: "%s", openai_api_key: "{{secrets/%s/key}}"}}}]}
    ai_gateway: {inference_table_config: {enabled: true, catalog_name: main, schema_name: ai, table_name_prefix: "%s"}}
`, name, upstream+base, s, strings.ReplaceAll(name, "-", "_"))
		}
	}
	return text
}

// A gateway uses a secret of every source and takes changed ones up by itself, and no secret is in
// anything that comes out of it, though its providers repeat them.
func TestSecretsOfAWholeRun(t *testing.T) {
	fake, err := fakellm.New(fakellm.DefaultConfig())
	noErr(t, err)
	provider := &repeating{Handler: fake}
	upstream := httptest.NewServer(provider)
	defer upstream.Close()
	t.Chdir(t.TempDir())
	for k, v := range map[string]string{
		"VARS_KEY": "vars-" + hidden + "-1", "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "aws-" + hidden, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": "none", "AWS_SHARED_CREDENTIALS_FILE": "none",
	} {
		t.Setenv(k, v)
	}
	var mu sync.Mutex
	version := "1"
	aws := awsOf(t, func() string {
		mu.Lock()
		defer mu.Unlock()
		return `{"key":"cloud-` + hidden + `-` + version + `"}`
	})
	noErr(t, os.Mkdir("mounted", 0o700))
	set := func(v string) { // in every source that can change
		t.Helper()
		for _, scope := range []string{"stored", "unnamed"} {
			_, _, err := run(t, scope+"-"+hidden+"-"+v, "secrets", "put", scope+"/key", "--data", "data")
			noErr(t, err)
		}
		noErr(t, os.WriteFile("mounted/.new", []byte("mounted-"+hidden+"-"+v+"\n"), 0o600))
		noErr(t, os.Rename("mounted/.new", "mounted/key"))
		mu.Lock()
		defer mu.Unlock()
		version = v
	}
	set("1")
	noErr(t, os.WriteFile("lakegate.yaml", []byte(wholeRunConfig(upstream.URL, aws.URL)), 0o600))

	log := &watchedLog{more: make(chan struct{}, 1)}
	var logged strings.Builder // all of it: wait takes from the other
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error, 1)
	go func() {
		w := io.MultiWriter(&logged, log)
		ended <- serve(ctx, "lakegate.yaml", func(*config.Config) {}, slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})))
	}()
	base := log.wait(t, `lakegate is up.* address=(\S+)`)[1]
	const token = "me-token-0123456789abcdefg"
	came := map[string]string{} // all that came out
	used := func(scope, v string) bool {
		t.Helper()
		status, body := call(t, base, token, scope)
		came["answer of "+scope] = body
		if status != http.StatusOK {
			t.Errorf("%s: %d %s", scope, status, body)
		}
		return provider.key() == scope+"-"+hidden+"-"+v
	}
	for _, scope := range sources {
		if !used(scope, "1") {
			t.Errorf("the provider was not called with the secret of %s", scope)
		}
		status, body := call(t, base, token, scope+"-repeat")
		came["error of "+scope] = body
		if status != http.StatusBadRequest && status != http.StatusUnauthorized || !strings.Contains(body, "Incorrect API key provided: [redacted]") {
			t.Errorf("%s: %d %s", scope, status, body)
		}
	}
	set("2")
	for _, scope := range []string{"mounted", "stored", "unnamed"} {
		for !used(scope, "2") { // each reload may bring some of them
			log.wait(t, `configuration reloaded.*why="secret changed"`)
		}
	}
	if !used("cloud", "1") {
		t.Error("AWS is asked by its own clock")
	}
	noErr(t, syscall.Kill(os.Getpid(), syscall.SIGHUP))
	log.wait(t, `configuration reloaded.*why=SIGHUP`)
	if !used("cloud", "2") {
		t.Error("SIGHUP did not bring what AWS has now")
	}
	noErr(t, os.Remove("mounted/key"))
	if line := log.wait(t, `the config file is bad[^\n]*`)[0]; !strings.Contains(line, "there is no file mounted/key") {
		t.Errorf("a secret that is gone: %s", line)
	}
	if !used("mounted", "2") {
		t.Error("a secret that is gone changed what is in force")
	}
	for _, path := range []string{"/metrics", "/api/2.0/serving-endpoints", "/api/2.0/serving-endpoints/stored", "/v1/models"} {
		came[path] = fetched(t, base+path, token)
	}
	t.Setenv(keyVar, token)
	for _, table := range []string{"main.ai.cloud_repeat_payload", "main.ai.stored_repeat_payload", "main.ai.mounted_payload", "system.serving.endpoint_usage", "system.serving.served_entities"} {
		out, errOut, err := run(t, "", "sql", "--server", base, "--format", "json", "SELECT * FROM "+table)
		came[table] = out + errOut
		if err != nil || !strings.Contains(out, "request") && !strings.Contains(out, "entity") {
			t.Errorf("%s: %v %s", table, err, out)
		}
	}
	stop()
	noErr(t, <-ended)
	came["the log"] = logged.String()
	for path, b := range filesOf(t, "data") {
		came[path] = string(b)
	}
	for from, text := range came {
		if strings.Contains(text, hidden) {
			t.Errorf("a secret is in %s", from)
		}
	}
	if len(came) < 30 {
		t.Errorf("only %d texts were searched", len(came))
	}
}

func fetched(t *testing.T, url, token string) string {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, http.NoBody)
	noErr(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	noErr(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	noErr(t, err)
	if resp.StatusCode != http.StatusOK {
		t.Errorf("%s: %d", url, resp.StatusCode)
	}
	return string(b)
}

func noErr(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// filesOf returns every file below a folder.
func filesOf(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	noErr(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		all[path], err = os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) { // a gateway works on
			return nil
		}
		return err
	}))
	return all
}
