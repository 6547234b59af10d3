package config

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/serving/credential"
	"github.com/lakegate/lakegate/serving/endpoint"
)

const apiFile = `
secrets: {s: {k: sk-from-the-file}}
keys: []
endpoints:
  - name: filed
    config:
      served_entities:
        - external_model: {name: gpt-4o, provider: openai, task: llm/v1/chat, openai_config: {openai_api_key: "{{secrets/s/k}}"}}
    ai_gateway:
      inference_table_config: {enabled: true, catalog_name: main, schema_name: ai, table_name_prefix: filed}
`

func spec(more, key string) string {
	return `{"name":"made","config":{"served_entities":[{"name":"gpt","external_model":{"name":"gpt-4o","provider":"openai","task":"llm/v1/chat","openai_config":{` + key + `}}}]}` + more + `}`
}

const reference = `"openai_api_key":"{{secrets/s/k}}"`

func TestEndpointsOfTheAPI(t *testing.T) {
	c, err := Parse([]byte(apiFile), nil)
	must(t, err)
	e, err := c.ParseEndpoint([]byte(spec(`,"description":"\ud83d\ude00 ${HOME}","lakegate":{"timeout":"5s"}`, reference)), nil, &endpoint.Origin{Version: 3})
	must(t, err)
	must(t, c.Fits(e))
	catalog, err := c.With(e).Catalog(endpoint.Memory{}, time.Now(), credential.NewSet(nil))
	must(t, err)
	made, ok := catalog.Lookup("made")
	if !ok || made.Description != "😀 ${HOME}" || made.Timeout != 5*time.Second || made.Origin.Version != 3 {
		t.Fatalf("made = %+v", made)
	}
	if got := made.Entities[0].AuthValue.Reveal(); got != "Bearer sk-from-the-file" {
		t.Error("the reference stands for something else")
	}
	if len(c.Endpoints) != 1 || len(c.With(e).FileOnly().Endpoints) != 1 {
		t.Error("the file's endpoints changed")
	}
	must(t, c.With(e).Fits(e)) // in place of itself
}

func TestFaultsOfTheAPIsEndpoints(t *testing.T) {
	c, err := Parse([]byte(apiFile), nil)
	must(t, err)
	for _, x := range []struct{ spec, path, unknown, text string }{
		{spec("", `"openai_api_key_plaintext":"sk-hidden-value"`), "config.served_entities[0].external_model.openai_config.openai_api_key_plaintext", "", "a secret itself is not stored"},
		{spec("", `"openai_api_key":"sk-hidden-value"`), "config.served_entities[0].external_model.openai_config.openai_api_key", "", "a secret itself is not stored"},
		{spec("", `"openai_api_key":"{{secrets/s/none}}"`), "config.served_entities[0].external_model.openai_config.openai_api_key", "", "without that key"},
		{spec(`,"nonsense":1`, reference), "nonsense", "nonsense", "unknown key"},
		{spec(`,"tags":[{"key":"a"},{"key":"a"}]`, reference), "tags[1].key", "", "the same key is at tags[0].key"},
		{spec(`,"config":{}`, reference), "config", "", "key is used twice"},
		{spec(`,"ai_gateway":{"rate_limits":[{"calls":"many"}]}`, reference), "ai_gateway.rate_limits[0].calls", "", "want a whole number"},
		{`{"name":`, "", "", "malformed JSON"},
		{`{} {}`, "", "", "something follows"},
		{`[]`, "", "", "want keys and values"},
	} {
		_, err := c.ParseEndpoint([]byte(x.spec), nil, nil)
		var faults Faults
		if !errors.As(err, &faults) {
			t.Errorf("%s: %v", x.spec, err)
			continue
		}
		if f := faults[0]; f.Path != x.path || f.Unknown != x.unknown || !strings.Contains(f.Message, x.text) {
			t.Errorf("%s: %+v", x.spec, f)
		}
		if strings.Contains(err.Error(), "hidden") {
			t.Errorf("the secret shows: %v", err)
		}
	}
}

func TestEndpointsThatDontFit(t *testing.T) {
	c, err := Parse([]byte(apiFile), nil)
	must(t, err)
	table := `,"ai_gateway":{"inference_table_config":{"enabled":true,"catalog_name":"main","schema_name":"AI","table_name_prefix":"filed"}}`
	for _, s := range []string{spec(table, reference), strings.Replace(spec("", reference), `"made"`, `"FILED"`, 1)} {
		e, err := c.ParseEndpoint([]byte(s), nil, &endpoint.Origin{})
		must(t, err)
		if err := c.Fits(e); !errors.Is(err, ErrTaken) {
			t.Errorf("%s: %v", s, err)
		}
	}
	if !c.InFile("Filed") || c.InFile("made") {
		t.Error("which names are the file's")
	}
}
