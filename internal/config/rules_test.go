package config

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/lakegate/lakegate/serving/credential"
	"github.com/lakegate/lakegate/serving/endpoint"
)

const routed = `{"name": "chat", "config": {"served_entities": [
	{"name": "a", "external_model": {"name": "m", "provider": "openai", "task": "llm/v1/chat", "openai_config": {"openai_api_key": "{{secrets/s/k}}"}}},
	{"name": "b", "external_model": {"name": "m", "provider": "openai", "task": "llm/v1/chat", "openai_config": {"openai_api_key": "{{secrets/s/k}}"}}}],
	"traffic_config": {"routes": [{"served_entity_name": "a", "traffic_percentage": 100}, {"served_entity_name": "b", "traffic_percentage": 0}]}},
	"lakegate": {"sticky_by": "header.x-session", "warm_up": true, "strategy": {"by": "weighted", "among": ["b", "a"]}, "rules": [
		{"name": "one", "when": {"headers": {"x-priority": "high", "A": ["b", "c*"]}, "usage_context": {"team": ["x"]}, "groups": "vip", "max_input_tokens": 7, "streaming": false}, "to": ["b", "a"], "only": true}
	]}}`

// What the API takes is compiled like what the file has: names of headers are canonical, one text is
// a list of one, entities are places.
func TestRulesAreCompiled(t *testing.T) {
	c, err := Parse([]byte(`secrets: {s: {k: some-key}}`), nil)
	must(t, err)
	e, err := c.ParseEndpoint([]byte(routed), nil, &endpoint.Origin{})
	must(t, err)
	catalog, err := c.With(e).Catalog(endpoint.Memory{}, time.Now(), credential.NewSet(nil))
	must(t, err)
	got, _ := catalog.Lookup("chat")
	w := got.Rules[0].When
	if s := fmt.Sprint(got.Rules[0].Name, got.Rules[0].To, got.Rules[0].Only, w.Headers, w.UsageContext, w.Groups, *w.MaxInput, *w.Streaming, w.MinInput, w.Requesters); s != "one[1 0] true [{A [b c*]} {X-Priority [high]}] [{team [x]}] [vip] 7 false <nil> []" {
		t.Error(s)
	}
	if s := got.Strategy; s.By != endpoint.Weighted || !slices.Equal(s.Among, []int{1, 0}) || got.StickyBy != "header.X-Session" || !got.WarmUp {
		t.Errorf("%+v, %s, %v", s, got.StickyBy, got.WarmUp)
	}
}
