package config

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/lakegate/lakegate/serving/credential"
	"github.com/lakegate/lakegate/serving/endpoint"
)

var update = flag.Bool("update", false, "rewrite the expected outputs in testdata")

// hidden is in every secret of the tests: where it shows, a secret leaked.
const hidden = "hunter2-"

// variables are what the test files refer to.
var variables = map[string]string{
	"PORT":             "9000",
	"WORKERS":          "3",
	"TOKEN":            "lg-" + hidden + "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
	"OPENAI_KEY":       "sk-" + hidden + "0123456789",
	"SECRET":           hidden + " in a key that is no secret",
	"NEWLINE":          hidden + "ends with a line break\n",
	"EMPTY":            "",
	"NOT_A_DURABILITY": hidden,
	"NOT_A_SIZE":       hidden,
	"NOT_A_NUMBER":     hidden,
}

func env(name string) (string, bool) {
	if name == "GOOGLE_KEY" {
		return serviceAccount(), true
	}
	v, ok := variables[name]
	return v, ok
}

// serviceAccount returns a document as Google Cloud gives one out.
var serviceAccount = sync.OnceValue(func() string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	b, err := json.MarshalIndent(map[string]string{
		"type": "service_account", "project_id": "acme-123", "private_key_id": hidden,
		"private_key":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"client_email": "gateway@acme-123.iam.gserviceaccount.com", "token_uri": "https://oauth2.googleapis.com/token",
	}, "", "  ")
	if err != nil {
		panic(err)
	}
	return string(b)
})

// golden compares got with a file of testdata.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		must(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// files returns the YAML files of a folder of testdata.
func files(t testing.TB, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", dir, "*.yaml"))
	must(t, err)
	if len(paths) == 0 {
		t.Fatalf("no files in testdata/%s", dir)
	}
	return paths
}

func TestBadFilesAreExplained(t *testing.T) {
	for _, path := range files(t, "bad") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			_, err := Load(path, env)
			var faults Faults
			if !errors.As(err, &faults) {
				t.Fatalf("error is %T, want Faults: %v", err, err)
			}
			for i := range faults {
				faults[i].File = filepath.Base(path)
			}
			text := err.Error()
			for _, leak := range []string{hidden, "not-shown"} {
				if strings.Contains(text, leak) {
					t.Errorf("a secret is in the text:\n%s", text)
				}
			}
			golden(t, strings.TrimSuffix(path, ".yaml")+".faults", text+"\n")
		})
	}
}

func TestGoodFilesSayWhatTheyMean(t *testing.T) {
	for _, path := range files(t, "good") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			c, err := Load(path, env)
			must(t, err)
			text := summary(t, c)
			if strings.Contains(text, hidden) {
				t.Errorf("a secret is in the summary:\n%s", text)
			}
			golden(t, strings.TrimSuffix(path, ".yaml")+".summary", text)
		})
	}
}

// summary writes down the whole configuration, and what it compiles to.
func summary(t *testing.T, c *Config) string {
	t.Helper()
	var b strings.Builder
	text, err := yaml.Marshal(c)
	must(t, err)
	b.Write(text)
	catalog, err := c.Catalog(endpoint.Memory{}, time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), credential.NewSet(nil))
	must(t, err)
	for _, e := range catalog.All() {
		fmt.Fprintf(&b, "---\nendpoint %s id=%s task=%s version=%d created=%s\n", e.Name, e.ID, e.Task, e.ConfigVersion, e.Created.Format(time.RFC3339))
		fmt.Fprintf(&b, "  fallback=%v drop=%v usage=%v strict=%v timeout=%v first=%v tags=%v\n", e.Fallback, e.DropUnsupported, e.UsageTracking, e.Strict, e.Timeout, e.FirstTokenTimeout, e.Tags)
		if e.Retries != (endpoint.Retries{}) || e.AttemptTimeout > 0 || e.Breaker.Enabled || e.StickyBy != "" {
			fmt.Fprintf(&b, "  attempt=%v idle=%v retries=%+v breaker=%+v sticky=%q\n", e.AttemptTimeout, e.IdleTimeout, e.Retries, e.Breaker, e.StickyBy)
		}
		if e.Payload != nil {
			fmt.Fprintf(&b, "  payload %s sampling=%v retention=%dd full=%s\n", e.Payload.Table, e.Payload.SamplingFraction, e.Payload.RetentionDays, e.Payload.WhenFull)
		}
		for _, l := range e.RateLimits {
			fmt.Fprintf(&b, "  limit calls=%s tokens=%s key=%s principal=%q period=%v\n", number(l.Calls), number(l.Tokens), l.Key, l.Principal, l.Period)
		}
		for i, x := range e.Entities {
			fmt.Fprintf(&b, "  %3d%% %s id=%s provider=%s model=%s url=%s auth=%q %v organization=%q\n",
				e.Weights[i], x.Name, x.ID, x.Provider, x.Model, x.BaseURL, x.AuthHeader, x.AuthValue, x.Organization)
			if len(x.MoreKeys) > 0 {
				fmt.Fprintf(&b, "       keys=%v\n", x.MoreKeys)
			}
			settings, err := json.Marshal(x.Settings)
			must(t, err)
			fmt.Fprintf(&b, "       auth=%T vendor=%q project=%q region=%q deployment=%q version=%q usage=%+v\n       %s=%s\n",
				x.Auth, x.Vendor, x.Project, x.Region, x.Deployment, x.APIVersion, x.Usage, x.Block, settings)
		}
	}
	keys, err := c.AuthKeys()
	must(t, err)
	for _, k := range keys.All() {
		fmt.Fprintf(&b, "---\nkey %+v admin=%v\n", k.Principal, k.Admin)
	}
	return b.String()
}

func number(n *int64) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}
