package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/lakegate/lakegate/serving/credential"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// Whoever prints a configuration, or what is made of it, sees no secret.
func TestSecretsAreNeverPrinted(t *testing.T) {
	c, err := Load(filepath.Join("testdata", "good", "full.yaml"), env)
	must(t, err)
	catalog, err := c.Catalog(endpoint.Memory{}, time.Now(), credential.NewSet(nil))
	must(t, err)
	keys, err := c.AuthKeys()
	must(t, err)
	chat, _ := catalog.Lookup("chat")
	key, ok := keys.Lookup(variables["TOKEN"])
	if !ok {
		t.Fatal("the key given as a token is not found by it")
	}
	if got := chat.Entities[0].AuthValue.Reveal(); got != "Bearer "+variables["OPENAI_KEY"] {
		t.Fatalf("the secret is not there at all, so this test proves nothing: %q", got)
	}
	values := map[string]any{
		"config": *c, "pointer": c, "endpoints": c.Endpoints, "openai": c.Endpoints[0].Config.ServedEntities[0].ExternalModel.OpenAI,
		"custom": c.Endpoints[0].Config.ServedEntities[1].ExternalModel.Custom.APIKey,
		"bearer": c.Endpoints[1].Config.ServedEntities[0].ExternalModel.Custom.Bearer,
		"keys":   c.Keys, "catalog": catalog, "endpoint": *chat, "entity": *chat.Entities[0], "memory": catalog.Memory(),
		"auth": keys, "key": *key,
	}
	all, err := Load(filepath.Join("testdata", "good", "providers.yaml"), env)
	must(t, err)
	values["providers"] = *all
	catalog, err = all.Catalog(endpoint.Memory{}, time.Now(), credential.NewSet(nil))
	must(t, err)
	for _, e := range catalog.All() {
		for _, x := range e.Entities {
			values["entity "+x.Name], values["settings "+x.Name], values["credential "+x.Name] = *x, x.Settings, x.Auth
		}
	}
	for name, v := range values {
		for path, text := range printed(t, v) {
			for _, secret := range []string{hidden, "PRIVATE KEY", fmt.Sprintf("%x", hidden), fmt.Sprintf("%X", hidden)} {
				if strings.Contains(text, secret) {
					t.Errorf("%s printed by %s shows a secret:\n%s", name, path, text)
				}
			}
		}
	}
}

// printed returns v as every way of printing it writes it.
func printed(t *testing.T, v any) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%X", "%s", "%q", "%d"} {
		out[verb] = fmt.Sprintf(verb, v)
	}
	b, err := json.Marshal(v)
	must(t, err)
	out["json"] = string(b)
	b, err = yaml.Marshal(v)
	must(t, err)
	out["yaml"] = string(b)
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"slog text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"slog json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var log bytes.Buffer
		slog.New(handler(&log)).Info("configuration", "value", v, slog.Group("group", "value", v))
		out[name] = log.String()
	}
	return out
}

// A parsed configuration keeps of a token only the hash, and of the section secrets nothing.
func TestTokensAreNotKept(t *testing.T) {
	c, err := Load(filepath.Join("testdata", "good", "full.yaml"), env)
	must(t, err)
	for _, k := range c.Keys {
		if !k.Token.IsZero() || !strings.HasPrefix(k.Hash, "sha256:") {
			t.Errorf("key %s: token kept, or no hash: %+v", k.Name, k)
		}
	}
	if c.Secrets.Inline != nil {
		t.Error("the section secrets is kept")
	}
}
