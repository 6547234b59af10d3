package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/serving/credential"
	"github.com/lakegate/lakegate/serving/endpoint"
)

func TestResponseCachesAreCompiled(t *testing.T) {
	for block, want := range map[string]*endpoint.ResponseCache{
		"{}":                 nil,
		"{cache: null}":      nil,
		"{cache: {ttl: 5m}}": {TTL: 5 * time.Minute, MaxEntries: 10_000, MaxBytes: 64 << 20, Scope: endpoint.CachePerPrincipal},
		"{cache: {ttl: 1s, max_entries: 7, max_size: 1MiB, scope: endpoint, any_temperature: true, single_flight: true}}": {
			TTL: time.Second, MaxEntries: 7, MaxBytes: 1 << 20, Scope: endpoint.CachePerEndpoint, AnyTemperature: true, SingleFlight: true,
		},
		"{cache: {ttl: 1h, scope: \"key_tag:cost:center\"}}": {
			TTL: time.Hour, MaxEntries: 10_000, MaxBytes: 64 << 20, Scope: endpoint.CachePerTag, Tag: "cost:center",
		},
	} {
		c, err := Parse(fmt.Appendf(nil, `endpoints:
  - name: chat
    config:
      served_entities:
        - {name: e, external_model: {name: m, provider: custom, task: llm/v1/chat, custom_provider_config: {custom_provider_url: "http://localhost:1"}}}
    lakegate: %s
`, block), func(string) (string, bool) { return "", false })
		must(t, err)
		catalog, err := c.Catalog(endpoint.Memory{}, time.Now(), credential.NewSet(nil))
		must(t, err)
		e, _ := catalog.Lookup("chat")
		if diff := cmp.Diff(want, e.Cache); diff != "" {
			t.Errorf("%s: want -, got +\n%s", block, diff)
		}
	}
}

// The example of docs/caching.md works.
func TestTheExampleOfCachingWorks(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "caching.md"))
	must(t, err)
	_, example, _ := strings.Cut(string(text), "```yaml\n")
	example, _, _ = strings.Cut(example, "```")
	c, err := Parse([]byte(example), func(string) (string, bool) { return hidden, true })
	must(t, err)
	if l := c.Endpoints[0].Lakegate.Cache; l == nil || l.TTL != 10*time.Minute {
		t.Errorf("the cache is %+v", l)
	}
}
