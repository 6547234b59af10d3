package main

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/lakegate/lakegate/internal/fakellm"
)

// TestExperiment: an endpoint made through the API has its answers compared by a judge that always
// names the first it reads. A gateway that stops waits for what is compared; everything is in the tables,
// and what the view says of the money is what the ledger has.
func TestExperiment(t *testing.T) {
	provider, err := fakellm.New(fakellm.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	upstream := httptest.NewServer(provider)
	defer upstream.Close()
	t.Chdir(t.TempDir())
	g := startGateway(t, "a", upstream.URL)
	entity := func(name, model string) string {
		return fmt.Sprintf(`{"name":"%s","external_model":{"name":"%s","provider":"openai","task":"llm/v1/chat","openai_config":{"openai_api_key":"{{secrets/openai/prod}}","openai_api_base":"%s/v1"}}}`, name, model, upstream.URL)
	}
	spec := fmt.Sprintf(`{"name":"compared","config":{"served_entities":[%s,%s],"traffic_config":{"routes":[
		{"served_entity_name":"old","traffic_percentage":50},{"served_entity_name":"new","traffic_percentage":50}]}},
		"lakegate":{"compare":{"baseline":"old","challenger":"new","share":1,"judge":"filed","rubric":"{\"winner\":\"1\"}\nx-fake: echo\n${HOME} and {{secrets/openai/prod}} are text"}}}`, entity("old", "gpt-4o"), entity("new", "gpt-5"))
	if status, answer := g.api(t, "POST", "serving-endpoints", admin, spec); status != 200 {
		t.Fatalf("%d %v", status, answer)
	}
	const calls = 24
	var wg sync.WaitGroup
	for range calls {
		wg.Go(func() {
			if status, body := call(t, g.base, admin, "compared"); status != 200 {
				t.Errorf("%d %s", status, body)
			}
		})
	}
	wg.Wait()
	g.stop()
	for _, x := range []struct{ query, want string }{
		{"SELECT comparison, baseline, challenger, comparisons, ties, no_verdict, first_shown_win_rate, p_value <= 1 AS possible FROM system.serving.comparison_results", fmt.Sprintf("old-vs-new,old,new,%d,0,0,1.0,true", calls)},
		{"SELECT max(comparisons), max(baseline_wins + challenger_wins) FROM system.serving.comparison_results_over_time", fmt.Sprintf("%d,%d", calls, calls)},
		{"SELECT coalesce(purpose, 'client'), count(*), count(DISTINCT coalesce(parent_request_id, databricks_request_id)) FROM system.serving.endpoint_usage GROUP BY ALL ORDER BY ALL", fmt.Sprintf("client,%d,%d\ncompare,%d,%d\njudge,%d,%d", calls, calls, calls, calls, calls, calls)},
		{"SELECT round(experiment_cost * 1e9) = (SELECT sum(cost_nanos) FROM system.serving.endpoint_usage WHERE purpose IS NOT NULL) AS same, experiment_cost > 0 AS some FROM system.serving.comparison_results", "true,true"},
		{"SELECT count(*) FROM system.serving.comparisons c JOIN system.serving.endpoint_usage u ON u.databricks_request_id = c.other_request_id WHERE u.purpose = 'compare' AND u.parent_request_id = c.databricks_request_id AND u.served_entity_name <> CASE c.answered WHEN 'baseline' THEN 'old' ELSE 'new' END", fmt.Sprint(calls)},
	} {
		out, _, err := run(t, "", "sql", "--config", "a.yaml", "--format", "csv", x.query)
		_, got, _ := strings.Cut(strings.ReplaceAll(out, "\r\n", "\n"), "\n")
		if err != nil || strings.TrimSpace(got) != x.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", x.query, err, got, x.want)
		}
	}
	if out, _, err := run(t, "", "verify", "--config", "a.yaml"); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
}
