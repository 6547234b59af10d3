package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/secret"
)

const scoped = `data: /var/lib/lakegate
secrets:
  store: {key_file: /run/secrets/lakegate-key}
  written: {token: "lg-0123456789abcdefghijk"}
  scopes:
    from-env: {from: env}
    bare: {from: env, prefix: ""}
    mounted: {from: files}
    local: {from: store}
    cloud: {from: aws, region: eu-central-1}
    each: {from: aws, name: "prod/{key}", refresh: 30s}
keys:
  - {name: a, token: "{{secrets/written/token}}", principal: a, endpoints: []}
  - {name: b, token: "{{ secrets/from-env/b }}", principal: a, endpoints: []}
  - {name: c, token: "{{secrets/unnamed/c}}", principal: a, endpoints: []}
  - {name: d, token: "{{secrets/cloud/none}}", principal: a, endpoints: []}
`

// A Vault is asked for what is not written out in the file, and told all that the file says of it.
func TestVault(t *testing.T) {
	asked := map[string]SecretScope{}
	find := func(c *Config, s SecretScope, scope, key string) (secret.String, string, error) {
		asked[scope+"/"+key] = s
		if c.Data != "/var/lib/lakegate" {
			t.Errorf("the vault sees data %s", c.Data)
		}
		if key == "none" {
			return secret.String{}, "", errors.New("it is\nnot there")
		}
		return secret.New("lg-" + hidden + "ABCDEFGHIJKLMNOP" + key), "the " + scope, nil
	}
	path := filepath.Join(t.TempDir(), "lakegate.yaml")
	must(t, os.WriteFile(path, []byte(scoped), 0o600))
	c, refs, err := Check(path, Sources{Env: env, Vault: find})
	if c != nil || err == nil || err.Error() != path+":16: keys[3].token: secrets/cloud/none: it is not there" {
		t.Errorf("Check = %v, %v", c, err)
	}
	var lines []string
	for _, r := range refs {
		lines = append(lines, fmt.Sprintf("%d %s %s/%s %s|%s", r.Line, r.Path, r.Scope, r.Key, r.Where, r.Problem))
	}
	want := `13 keys[0].token written/token this file|
14 keys[1].token from-env/b the from-env|
15 keys[2].token unnamed/c the unnamed|
16 keys[3].token cloud/none |it is not there`
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("references:\n%s", got)
	}
	if asked["from-env/b"].Prefix != "FROM_ENV_" || asked["unnamed/c"] != (SecretScope{}) || len(asked) != 3 {
		t.Errorf("asked for %+v", asked)
	}

	must(t, os.WriteFile(path, []byte(strings.Replace(scoped, "cloud/none", "cloud/d", 1)), 0o600))
	c, err = LoadFrom(path, Sources{Env: env, Vault: find})
	must(t, err)
	wantScopes := map[string]SecretScope{
		"from-env": {From: FromEnv, Prefix: "FROM_ENV_"},
		"bare":     {From: FromEnv},
		"mounted":  {From: FromFiles, Folder: "/run/secrets/mounted"},
		"local":    {From: FromStore},
		"cloud":    {From: FromAWS, Name: "cloud", Region: "eu-central-1", Refresh: 5 * time.Minute},
		"each":     {From: FromAWS, Name: "prod/{key}", Refresh: 30 * time.Second},
	}
	if fmt.Sprint(c.Secrets.Scopes) != fmt.Sprint(wantScopes) {
		t.Errorf("scopes = %+v", c.Secrets.Scopes)
	}
	if store, key := c.SecretFiles(); store != "/var/lib/lakegate/secrets.age" || key != "/run/secrets/lakegate-key" {
		t.Errorf("SecretFiles = %s, %s", store, key)
	}
	if text := fmt.Sprintf("%+v %#v", c, c); strings.Contains(text, hidden) {
		t.Error("a secret of the vault is printed")
	}
}

// Work on the tables alone looks for no secret but the lake's.
func TestTheLakeNeedsItsOwnSecretsOnly(t *testing.T) {
	find := func(_ *Config, _ SecretScope, scope, key string) (secret.String, string, error) {
		if scope != "s3" {
			t.Errorf("asked for %s/%s", scope, key)
		}
		return secret.New(hidden), "", nil
	}
	path := filepath.Join(t.TempDir(), "lakegate.yaml")
	must(t, os.WriteFile(path, []byte(scoped+`lake:
  url: s3://bucket/lake
  s3: {access_key_id: id, secret_access_key: "{{secrets/s3/key}}"}
`), 0o600))
	c, err := LoadLake(path, Sources{Env: env, Vault: find})
	must(t, err)
	if c.Lake.S3.SecretAccessKey.Reveal() != hidden {
		t.Error("the lake's secret is not there")
	}
}

// A store in the lake has a key file and no other, and can't have what opens the lake.
func TestAStoreInTheLake(t *testing.T) {
	parse := func(text string) (*Config, error) {
		return ParseFrom([]byte("endpoints: []\n"+text), Sources{Env: env, Vault: func(*Config, SecretScope, string, string) (secret.String, string, error) {
			return secret.New(hidden), "the vault", nil
		}})
	}
	for text, want := range map[string]string{
		"secrets: {store: {in: cloud}}":         "secrets.store.in: want folder or lake, got \"cloud\"",
		"secrets: {store: {in: lake, file: x}}": "secrets.store.file: it is for a store in a folder",
		"secrets: {store: {in: lake}}\nlake: {url: \"s3://bucket/p\", s3: {access_key_id: id, secret_access_key: \"{{secrets/s3/key}}\"}}": "what opens the lake can't be in the store that is in the lake: say where scope s3 is instead",
	} {
		if _, err := parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	c, err := parse("data: d\nsecrets: {store: {in: lake, key_file: k}, scopes: {s3: {from: env}}}\nlake: {url: \"s3://bucket/p\", s3: {access_key_id: id, secret_access_key: \"{{secrets/s3/key}}\"}}")
	must(t, err)
	if file, key := c.SecretFiles(); file != "d/secrets.lake.age" || key != "k" {
		t.Errorf("SecretFiles = %s, %s", file, key)
	}
}

// Secrets that come through the API need a store that every gateway with these endpoints reads.
func TestSecretsTaken(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "",
		"lake: {url: data/lake}":         "",
		"lake: {url: lake}":              "secrets: {store: {in: lake}}",
		"lake: {url: \"s3://bucket/p\"}": "secrets: {store: {in: lake}}",
		"lake: {url: lake}\nsecrets: {store: {in: lake}}":        "",
		"secrets: {scopes: {lakegate-endpoints: {from: env}}}":   "scope lakegate-endpoints is from: env",
		"secrets: {scopes: {lakegate-endpoints: {from: store}}}": "",
	} {
		c, err := ParseFrom([]byte("data: data\nendpoints: []\n"+text), Sources{Env: env})
		must(t, err)
		if err := c.SecretsTaken(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", text, err, want)
		}
	}
}
