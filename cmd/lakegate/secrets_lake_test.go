package main

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/fakellm"
)

// lakeSecrets is the configuration of a gateway whose store of secrets is in the lake.
func lakeSecrets(name, upstream string) string {
	return "lake: {url: lake}\nsecrets: {store: {in: lake}}\n" + fmt.Sprintf(serveConfig, name, "filed", upstream)
}

// sharedKey gives every gateway of a test the same key.
func sharedKey(t *testing.T) {
	t.Helper()
	key, _, err := run(t, "", "secrets", "keygen")
	noErr(t, err)
	t.Setenv(storeKeyVar, key)
}

// Two gateways share the store in the lake: a secret put in through one is used by the other, and so is
// another value of it, by a gateway that starts later too.
func TestSecretsInTheLake(t *testing.T) {
	fake, err := fakellm.New(fakellm.DefaultConfig())
	noErr(t, err)
	provider := &repeating{Handler: fake}
	upstream := httptest.NewServer(provider)
	defer upstream.Close()
	const me = "me-token-0123456789abcdefg"
	t.Chdir(t.TempDir())
	sharedKey(t)
	a := startConfigured(t, "a", lakeSecrets("a", upstream.URL))
	defer func() { a.stop() }()
	b := startConfigured(t, "b", lakeSecrets("b", upstream.URL))
	defer func() { b.stop() }()
	fine := func(g *running, method, path, body string) {
		t.Helper()
		if status, answer := g.api(t, method, path, me, body); status != 200 {
			t.Fatalf("%s %s: %d %v", method, path, status, answer)
		}
	}
	used := func(g *running, key string) {
		t.Helper()
		for provider.key() != key {
			g.until(t, me, "made", 200)
		}
	}
	fine(a, "POST", "secrets/scopes/create", `{"scope":"openai"}`)
	fine(a, "POST", "secrets/put", `{"scope":"openai","key":"prod","string_value":"`+hidden+`-1"}`)
	fine(b, "POST", "serving-endpoints", fmt.Sprintf(`{"name":"made","config":{"served_entities":[{"name":"gpt","external_model":{"name":"gpt-4o","provider":"openai",
		"task":"llm/v1/chat","openai_config":{"openai_api_key":"{{secrets/openai/prod}}","openai_api_base":"%s/v1"}}}]}}`, upstream.URL))
	used(b, hidden+"-1")
	used(a, hidden+"-1")
	if out, errOut, err := run(t, hidden+"-2\n", "secrets", "put", "openai/prod", "--config", "a.yaml"); err != nil || out != "stored {{secrets/openai/prod}}\n" || errOut != "" {
		t.Errorf("put: %v %s%s", err, out, errOut)
	}
	used(a, hidden+"-2")
	used(b, hidden+"-2")
	b.stop()
	b = startConfigured(t, "b", lakeSecrets("b", upstream.URL))
	used(b, hidden+"-2")

	out, _, err := run(t, "", "secrets", "list", "--config", "b.yaml")
	if err != nil || !strings.Contains(out, "openai/prod") {
		t.Errorf("list: %v %s", err, out)
	}
	if metrics := fetched(t, a.base+"/metrics", me); !strings.Contains(metrics, `lakegate_secrets_refresh_failures_total{source="lake"} 0`) {
		t.Error("the metric of the lake's secrets is not there")
	}
	key := os.Getenv(storeKeyVar)
	sharedKey(t) // another one
	for _, args := range [][]string{{"list"}, {"put", "a/b"}, {"delete", "openai/prod"}} {
		_, _, err := run(t, "x", append([]string{"secrets", "--config", "a.yaml"}, args...)...)
		if err == nil || !strings.Contains(err.Error(), "the key of the environment is not the one they were encrypted with; give this gateway the key of the others") {
			t.Errorf("%v with another key: %v", args, err)
		}
	}
	if _, _, err := run(t, "", "secrets", "reset", "--config", "a.yaml"); err == nil || !strings.Contains(err.Error(), "say --yes") {
		t.Errorf("reset: %v", err)
	}
	if out, _, err := run(t, "", "secrets", "reset", "--config", "a.yaml", "--yes"); err != nil || !strings.Contains(out, "set aside as _lakegate/secrets/store.aside-") {
		t.Errorf("reset: %v %s", err, out)
	}
	if out, _, err := run(t, "", "secrets", "list", "--config", "a.yaml"); err != nil || out != "no secrets in the lake's store of secrets\n" {
		t.Errorf("list: %v %s", err, out)
	}
	if _, _, err := run(t, "", "secrets", "rotate-key", "--config", "a.yaml"); err == nil || err.Error() != "there are no secrets in the lake yet" {
		t.Errorf("rotate-key: %v", err)
	}
	t.Setenv(storeKeyVar, key)
	a.log.wait(t, `an endpoint made through the API can't be read again; it stays as it was.*endpoint=made.*put it into the lake's store`)
	if status, body := call(t, a.base, me, "made"); status != 200 {
		t.Errorf("after the secret was lost: %d %s", status, body)
	}
	searchFolders(t, hidden)
}

// searchFolders fails when a file below the working folder has the text.
func searchFolders(t *testing.T, text string) {
	t.Helper()
	n := 0
	for path, b := range filesOf(t, ".") {
		n++
		if bytes.Contains(b, []byte(text)) {
			t.Errorf("a secret is in %s", path)
		}
	}
	if n < 20 {
		t.Errorf("only %d files were searched", n)
	}
}
