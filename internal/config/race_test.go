package config

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/serving/credential"
	"github.com/lakegate/lakegate/serving/endpoint"
)

const threeEntities = `{"name": "chat", "config": {"served_entities": [
	{"name": "a", "external_model": {"name": "m", "provider": "openai", "task": "llm/v1/chat", "openai_config": {"openai_api_key": "{{secrets/s/k}}"}}},
	{"name": "b", "external_model": {"name": "n", "provider": "openai", "task": "llm/v1/chat", "openai_config": {"openai_api_key": "{{secrets/s/k}}"}}},
	{"name": "c", "external_model": {"name": "o", "provider": "openai", "task": "llm/v1/chat", "openai_config": {"openai_api_key": "{{secrets/s/k}}"}}}],
	"traffic_config": {"routes": [{"served_entity_name": "a", "traffic_percentage": 100}, {"served_entity_name": "b", "traffic_percentage": 0}, {"served_entity_name": "c", "traffic_percentage": 0}]}},
	"lakegate": %s}`

// What the API takes is compiled like what the file has, with what was not said filled in.
func TestRacesAndShadowsAreCompiled(t *testing.T) {
	c, err := Parse([]byte(`secrets: {s: {k: some-key}}`), nil)
	must(t, err)
	for block, want := range map[string]endpoint.Endpoint{
		`{}`:           {},
		`{"race": {}}`: {Race: &endpoint.Race{Among: []int{0, 1, 2}, Most: 2}},
		`{"race": {"among": ["c", "a"], "after": "300ms", "most": 3}}`: {Race: &endpoint.Race{Among: []int{2, 0}, After: 300 * time.Millisecond, Most: 3}},
		`{"shadow": {"to": "b"}}`:                                      {Shadow: &endpoint.Shadow{To: 1, Share: 1}},
		`{"race": {}, "shadow": {"to": "b", "share": 0.25}}`:           {Race: &endpoint.Race{Among: []int{0, 2}, Most: 2}, Shadow: &endpoint.Shadow{To: 1, Share: 0.25}},
	} {
		e, err := c.ParseEndpoint(fmt.Appendf(nil, threeEntities, block), nil, &endpoint.Origin{})
		must(t, err)
		catalog, err := c.With(e).Catalog(endpoint.Memory{}, time.Now(), credential.NewSet(nil))
		must(t, err)
		got, _ := catalog.Lookup("chat")
		if diff := cmp.Diff(want.Race, got.Race) + cmp.Diff(want.Shadow, got.Shadow); diff != "" {
			t.Errorf("%s: want -, got +\n%s", block, diff)
		}
		if shadowed := want.Shadow != nil; got.FallsBackTo(1) == shadowed || !got.FallsBackTo(2) {
			t.Errorf("%s: calls fall back to the shadow, or not to others", block)
		}
	}
}

// A shadow of which nothing would be kept only costs money.
func TestAShadowIsKept(t *testing.T) {
	c, err := Parse([]byte(`secrets: {s: {k: some-key}}`), nil)
	must(t, err)
	for gateway, ok := range map[string]bool{
		`{"usage_tracking_config": {"enabled": true}}`:  true,
		`{"usage_tracking_config": {"enabled": false}}`: false,
		`{"usage_tracking_config": {"enabled": false}, "inference_table_config": {"enabled": true, "catalog_name": "m", "schema_name": "s"}}`: true,
	} {
		_, err := c.ParseEndpoint(fmt.Appendf(nil, threeEntities, `{"shadow": {"to": "b"}}, "ai_gateway": `+gateway), nil, &endpoint.Origin{})
		if (err == nil) != ok {
			t.Errorf("%s: %v", gateway, err)
		}
	}
}
