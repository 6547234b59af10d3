package config

import (
	"fmt"
	"testing"
	"time"

	"github.com/lakegate/lakegate/serving/credential"
	"github.com/lakegate/lakegate/serving/endpoint"
)

const rolledOut = `{"name": "chat", "config": {"served_entities": [
	{"name": "old", "external_model": {"name": "m", "provider": "openai", "task": "llm/v1/chat", "openai_config": {"openai_api_key": "{{secrets/s/k}}"}}},
	{"name": "new", "external_model": {"name": "n", "provider": "openai", "task": "llm/v1/chat", "openai_config": {"openai_api_key": "{{secrets/s/k}}"}}}],
	"traffic_config": {"routes": [{"served_entity_name": "old", "traffic_percentage": 100}, {"served_entity_name": "new", "traffic_percentage": 0}]}},
	"lakegate": {"rollout": {"to": "new", "stages": [{"traffic": 0.29, "for": "10m"}, {"traffic": 50, "for": "1h"}]%s}}}`

// What the API takes is compiled like what the file has, with what was not said filled in; a catalog
// gives it its name, which stays as long as nothing changes.
func TestRolloutsAreCompiled(t *testing.T) {
	c, err := Parse([]byte(`secrets: {s: {k: some-key}}`), nil)
	must(t, err)
	compiled := func(stopIf string) *endpoint.Rollout {
		e, err := c.ParseEndpoint(fmt.Appendf(nil, rolledOut, stopIf), nil, &endpoint.Origin{})
		must(t, err)
		catalog, err := c.With(e).Catalog(endpoint.Memory{}, time.Now(), credential.NewSet(nil))
		must(t, err)
		got, _ := catalog.Lookup("chat")
		if got.FallsBackTo(1) || !got.FallsBackTo(0) {
			t.Error("calls fall back to what is rolled out, or not to the other")
		}
		return got.Rollout
	}
	plain := compiled("")
	if s := fmt.Sprint(plain.Target, plain.Stages, plain.Stop); s != "1 [{29 10m0s} {5000 1h0m0s}] {0.05 0s 0s 0 50}" {
		t.Error(s)
	}
	full := compiled(`, "stop_if": {"error_share": 0.1, "latency": "8s", "first_token": "2s", "worse_than": 1.5, "min_calls": 20}`)
	if s := fmt.Sprint(full.Stop); s != "{0.1 8s 2s 1.5 20}" {
		t.Error(s)
	}
	if again := compiled(""); plain.ID == full.ID || plain.ID != again.ID || len(plain.ID) != 32+1+16 {
		t.Errorf("names %s, %s, %s", plain.ID, full.ID, again.ID)
	}
}
