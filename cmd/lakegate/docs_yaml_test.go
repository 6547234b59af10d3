package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/pricing"
	"github.com/lakegate/lakegate/internal/secret"
)

// Every block of YAML is valid: a price list, or a configuration, or a piece of one, in which case it is
// held to the checks in the place where it belongs.
func TestTheYAMLOfThePages(t *testing.T) {
	n := 0
	for _, page := range pages(t) {
		for _, b := range blocksOf(t, page) {
			if b.lang != "yaml" || b.exempt() != "" {
				continue
			}
			n++
			if err := validYAML(b.text); err != nil {
				t.Errorf("%v: %v\n%s", b, err, b.text)
			}
		}
	}
	if n < 20 {
		t.Errorf("only %d blocks found", n)
	}
}

// A block that is wrong is told, wherever it belongs.
func TestWrongYAMLIsTold(t *testing.T) {
	for _, text := range []string{
		"endpoints: [{name: chat}]", "as_of: 2026-11-20\nproviders: [{nome: x}]", "external_model: {name: x}",
		"openai_config: {openai_api_kee: x}", "lakegate: {timeout: long}", "timeout: long", "no_such_key: 1", "- a", "name: chat",
	} {
		if err := validYAML(text); err == nil {
			t.Errorf("%s passes", text)
		}
	}
}

// validYAML checks a block where it belongs.
func validYAML(text string) error {
	dec := yaml.NewDecoder(strings.NewReader(text))
	var faults []error
	for {
		var top yaml.Node
		if err := dec.Decode(&top); err != nil {
			if err.Error() == "EOF" {
				break
			}
			return err
		}
		piece, err := yaml.Marshal(&top)
		if err != nil {
			return err
		}
		var keys map[string]any
		if err := top.Decode(&keys); err != nil {
			return fmt.Errorf("neither a configuration nor a piece of one: %w", err)
		}
		if err := validPiece(string(piece), keys); err != nil {
			faults = append(faults, err)
		}
	}
	if len(faults) > 0 {
		return faults[0]
	}
	return nil
}

// entities are those of the endpoint that pieces of an endpoint are put into: pages may use these names.
const entities = `    config:
      served_entities:
        - {name: gpt, external_model: {name: gpt-4o, provider: openai, task: llm/v1/chat, openai_config: {openai_api_key: k}}}
        - {name: claude, external_model: {name: claude-sonnet-4-5, provider: anthropic, task: llm/v1/chat, anthropic_config: {anthropic_api_key: k}}}
        - {name: candidate, external_model: {name: gpt-5, provider: openai, task: llm/v1/chat, openai_config: {openai_api_key: k}}}
      traffic_config:
        routes:
          - {served_entity_name: gpt, traffic_percentage: 90}
          - {served_entity_name: claude, traffic_percentage: 10}
          - {served_entity_name: candidate, traffic_percentage: 0}
    ai_gateway: {fallback_config: {enabled: true}}
`

const otherEndpoints = `  - name: judge
    config:
      served_entities:
        - {name: gpt, external_model: {name: gpt-4o, provider: openai, task: llm/v1/chat, openai_config: {openai_api_key: k}}}
`

func validPiece(piece string, keys map[string]any) error {
	at := func(n int) string {
		return strings.ReplaceAll(strings.TrimSpace(piece), "\n", "\n"+strings.Repeat(" ", n))
	}
	has := func(key string) bool { return keys[key] != nil }
	switch provider := providerBlock(keys); {
	case has("as_of"):
		_, err := pricing.Read([]byte(piece))
		return err
	case has("permissions"): // of a file for `lakegate endpoints apply`, beside an endpoint
		delete(keys, "permissions")
		rest, err := yaml.Marshal(keys)
		if err != nil {
			return err
		}
		return validPiece(string(rest), keys)
	case has("config"):
		return validFile("endpoints:\n  - " + at(4) + "\n" + otherEndpoints)
	case has("external_model"):
		return validFile("endpoints:\n  - name: chat\n    config:\n      served_entities:\n        - " + at(10) + "\n")
	case provider != "":
		return validFile("endpoints:\n  - name: chat\n    config:\n      served_entities:\n        - name: e\n          external_model:\n" +
			"            name: m\n            task: llm/v1/chat\n            provider: " + provider + "\n            " + at(12) + "\n")
	case has("messages"):
		return validFile("endpoints:\n  - name: chat\n" + entities + "    lakegate:\n      prompt:\n        versions:\n          - version: 1\n            " + at(12) + "\n" + otherEndpoints)
	case has("lakegate"):
		return validFile("endpoints:\n  - name: chat\n" + entities + "    " + at(4) + "\n" + otherEndpoints)
	case has("endpoints"):
		return validFile(piece)
	case anyKey(keys, wholeFile):
		return validFile(piece + "endpoints:\n  - name: chat\n" + entities + otherEndpoints)
	default:
		return validFile("endpoints:\n  - name: chat\n" + entities + "    lakegate:\n      " + at(6) + "\n" + otherEndpoints)
	}
}

// providerBlock is the provider of a piece that is its block alone, such as openai_config; "" for others.
func providerBlock(keys map[string]any) string {
	if len(keys) != 1 || keys["traffic_config"] != nil {
		return ""
	}
	for k := range keys {
		if name, ok := strings.CutSuffix(k, "_config"); ok {
			return name
		}
	}
	return ""
}

func anyKey(keys map[string]any, is func(string) bool) bool {
	for k := range keys {
		if is(k) {
			return true
		}
	}
	return false
}

// wholeFile says which keys are at the top of a configuration.
func wholeFile(key string) bool {
	top := reflect.TypeFor[config.Config]()
	for i := range top.NumField() {
		if name, _, _ := strings.Cut(top.Field(i).Tag.Get("yaml"), ","); name == key {
			return true
		}
	}
	return false
}

// validFile is what config.ParseFrom says when every secret is found.
func validFile(text string) error {
	_, err := config.ParseFrom([]byte(text), config.Sources{
		Env: func(name string) (string, bool) {
			if strings.HasSuffix(name, "_SERVICE_ACCOUNT") {
				return serviceAccount(), true
			}
			return "value-of-" + name, true
		},
		Vault: func(_ *config.Config, _ config.SecretScope, scope, key string) (secret.String, string, error) {
			return secret.New("value-of-" + scope + "-" + key), "everywhere", nil
		},
	})
	return err
}

// serviceAccount is a key as Google's console makes it.
var serviceAccount = sync.OnceValue(func() string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	doc, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "lakegate@acme-123.iam.gserviceaccount.com", "token_uri": "https://oauth2.googleapis.com/token",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		panic(err)
	}
	return string(doc)
})
