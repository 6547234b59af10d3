package main

import (
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/config"
	"github.com/lakegate/lakegate/internal/tablewriter"
	"github.com/lakegate/lakegate/serving/credential"
	"github.com/lakegate/lakegate/serving/endpoint"
)

func TestWhoseRowsMayBeDropped(t *testing.T) {
	cfg, err := config.Parse([]byte(`log: {when_full: shed_payloads}
endpoints:
  - name: careful
    config: &c
      served_entities:
        - external_model: {name: m, provider: custom, task: llm/v1/chat, custom_provider_config: {custom_provider_url: http://localhost}}
    ai_gateway: {inference_table_config: {enabled: true, catalog_name: main, schema_name: ai, when_full: block}}
  - name: careless
    config: *c
    ai_gateway: {inference_table_config: {enabled: true, catalog_name: main, schema_name: ai, when_full: drop}}
  - name: plain
    config: *c
    ai_gateway: {inference_table_config: {enabled: true, catalog_name: main, schema_name: ai}}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	p := newFullPolicies(cfg.Log.WhenFull)
	if p.of("main.ai.careful_payload") != tablewriter.ShedPayloads {
		t.Error("before there are endpoints, log.when_full does not hold")
	}
	catalog, err := cfg.Catalog(endpoint.Memory{}, time.Now(), credential.NewSet(nil))
	if err != nil {
		t.Fatal(err)
	}
	p.take(catalog)
	for table, want := range map[string]tablewriter.Policy{
		"": tablewriter.ShedPayloads, "main.ai.careful_payload": tablewriter.Block, "main.ai.careless_payload": tablewriter.Drop, "main.ai.plain_payload": tablewriter.ShedPayloads,
	} {
		if got := p.of(table); got != want {
			t.Errorf("%q: %v, want %v", table, got, want)
		}
	}
}
