package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/lakegate/lakegate/internal/demo"
	"github.com/lakegate/lakegate/serving/auth"
)

// demoAdmin is the key of whoever looks at the demo.
const demoAdmin = "admin"

// demoConfig writes the demo's config file: its endpoints in front of the scripted provider, a key
// for each team and one for the administrator. The tokens are made anew at each start; the file has
// their hashes only.
func demoConfig(data, listen, provider string) (text string, tokens map[string]string) {
	var b strings.Builder
	tokens = map[string]string{}
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	q := strconv.Quote
	key := func(name, principal, kind string) {
		token, hash := auth.NewToken()
		tokens[name] = token
		p("  - name: %s\n    hash: %s\n    principal: %s\n    kind: %s", q(name), q(hash), q(principal), kind)
	}
	p("# Written by `lakegate demo` at each start; the keys are new each time.")
	p("listen: %s\ndata: %s\nflush: {interval: 5s}\nsql: {workers: 2}\nkeys:", q(listen), q(data))
	key(demoAdmin, "admin@example.com", "user")
	p("    endpoints: [\"*\"]\n    admin: true\n    tags: {cost_center: CC-100}")
	for _, t := range demo.Teams() {
		kind := "user"
		if t.Service {
			kind = "service_principal"
		}
		key(t.Key, t.Principal, kind)
		p("    endpoints: [%s]", strings.Join(t.Endpoints, ", "))
		p("    tags: {cost_center: %s}", q(t.CostCenter))
	}
	p("endpoints:")
	for _, e := range demo.Endpoints() {
		demoEndpoint(p, e, provider)
	}
	return b.String(), tokens
}

func demoEndpoint(p func(string, ...any), e demo.Endpoint, provider string) {
	p("  - name: %s\n    config:\n      served_entities:", e.Name)
	for _, x := range e.Entities {
		p("        - name: %s\n          external_model:\n            name: %s\n            provider: %s\n            task: %s", x.Name, x.Model, x.Provider, e.Task)
		if x.Provider == "custom" {
			p("            custom_provider_config:\n              custom_provider_url: %s\n              bearer_token_auth: {token_plaintext: none-needed}", strconv.Quote(provider))
		} else {
			p("            openai_config:\n              openai_api_base: %s\n              openai_api_key_plaintext: none-needed", strconv.Quote(provider))
		}
	}
	p("      traffic_config:\n        routes:")
	for _, x := range e.Entities {
		p("          - {served_entity_name: %s, traffic_percentage: %d}", x.Name, x.Percent)
	}
	p("    ai_gateway:\n      usage_tracking_config: {enabled: true}\n      fallback_config: {enabled: %t}", e.Fallback)
	if e.Payload {
		p("      inference_table_config:\n        enabled: true\n        catalog_name: main\n        schema_name: ai\n        table_name_prefix: %s", e.Name)
	}
}

func writeFile(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make folder for %s: %w", path, err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
