package worker_test

import (
	"strings"
	"testing"
)

// spendLake has the ledger's rows and four more of one day: two of a model without a price, one at
// half of its list price and in another tier, one without tokens; and a hit of the response cache.
func spendLake(t *testing.T) *lake {
	l := newLake(t)
	const row = `{"account_id":"acc","workspace_id":"ws","databricks_request_id":"%id","request_time":"2026-11-20T11:00:00Z","endpoint_name":"chat",
		"provider":"anthropic","model":"claude-new","total_token_count":1500,"input_token_count":1000,"output_token_count":500,"usage_context":[{"key":"team","value":"ads"}]%more}`
	rows := []string{
		strings.NewReplacer("%id", "x1", "%more", "").Replace(row),
		strings.NewReplacer("%id", "x2", "%more", `,"search_count":2`).Replace(row),
		strings.NewReplacer("%id", "x3", "%more", `,"service_tier":"Flex","cost":"0.000003000","cost_nanos":3000,"list_cost_nanos":6000,"price_version":"v1"`).Replace(row),
	}
	rows = append(rows, `{"databricks_request_id":"x4","request_time":"2026-11-20T12:00:00Z","endpoint_name":"sort","provider":"cohere","model":"rerank-v3.5",
		"search_count":1,"cost":"0.002000000","cost_nanos":2000000,"list_cost_nanos":2000000}`,
		`{"databricks_request_id":"x5","request_time":"2026-11-20T12:00:01Z","endpoint_name":"sort","provider":"cohere","model":"rerank-v3.5",
		"cost":"0.000000000","cost_nanos":0,"list_cost_nanos":0,"cache_hit":true,"saved_cost_nanos":2000000}`)
	l.write(t, l.tables[0], "hot", "2026-11-20", "["+strings.Join(rows, ",")+"]")
	return l
}

func TestSpendViews(t *testing.T) {
	w := start(t, spendLake(t), nil)
	for _, c := range []struct{ sql, want string }{
		{"SELECT provider, model, requests, input_tokens, output_tokens, searches, first_seen = last_seen FROM system.serving.unpriced_models", "anthropic|claude-new|2|2000|1000|2|true"},
		// 66,000 nano-dollars of the ledger's rows, 3,000, and 2,000,000 of a call without tokens
		{"SELECT sum(BilledCost), sum(EffectiveCost), sum(ContractedCost), sum(x_Requests) FROM system.billing.focus", "0.002069000|0.002069000|0.002069000|14"},
		{"SELECT endpoint_name, avg(CASE WHEN cache_hit THEN 1 ELSE 0 END) AS hit_rate, sum(saved_cost_nanos) / 1e9 AS saved_usd FROM system.serving.endpoint_usage WHERE cache_hit IS NOT NULL GROUP BY endpoint_name", "sort|1.0|0.002"},
		{"SELECT sum(ListCost) - sum(BilledCost) FROM system.billing.focus", "0.000003000"},
		{
			`SELECT BillingPeriodStart, BillingPeriodEnd, ChargePeriodStart, ChargePeriodEnd, ChargeCategory, ServiceCategory, ProviderName, PublisherName, SkuId, SkuPriceId,
			PricingCategory, Tags, ConsumedQuantity, PricingQuantity FROM system.billing.focus WHERE SkuId LIKE '%claude%'`,
			`2026-11-01T00:00:00.000Z|2026-12-01T00:00:00.000Z|2026-11-20T00:00:00.000Z|2026-11-21T00:00:00.000Z|Usage|AI and Machine Learning|Anthropic|Anthropic|anthropic/claude-new|anthropic/claude-new/flex|` +
				`Standard|{"team":"ads"}|1500|0.001500`,
		},
		{"SELECT ConsumedQuantity, ConsumedUnit, PricingQuantity, PricingUnit, ListUnitPrice = ListCost FROM system.billing.focus WHERE SkuId = 'cohere/rerank-v3.5'", "1|Requests|1.000000|Requests|true"},
		// what FOCUS holds a price to: unit price times quantity is the cost
		{"SELECT max(abs(ListUnitPrice * PricingQuantity - ListCost)) < 0.000000001 FROM system.billing.focus", "true"},
		{"SELECT count(*) FROM system.billing.focus WHERE BilledCost IS NULL OR ListCost IS NULL OR EffectiveCost IS NULL OR ContractedCost IS NULL OR ServiceName IS NULL", "0"},
		{"SELECT count(*) > 0 FROM system.billing.focus WHERE ResourceName = 'gpt-4o' AND PublisherName = 'OpenAI' AND PricingCategory = 'Standard'", "true"},
	} {
		r, err := ask(w, c.sql)
		if err != nil {
			t.Errorf("%s\n%v", c.sql, err)
			continue
		}
		if got := strings.TrimSpace(text(r)); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.sql, got, c.want)
		}
	}
}
