package worker_test

import "testing"

func TestSmoke(t *testing.T) {
	w := start(t, newLake(t), nil)
	for _, q := range []string{
		"select 1",
		"SELECT count(*), sum(input_token_count) FROM system.serving.endpoint_usage",
		"SELECT usage_context['team'] team, sum(cost) cost FROM `system`.`serving`.`endpoint_usage` GROUP BY ALL ORDER BY 1",
		"SELECT * FROM system.serving.endpoint_usage ORDER BY request_time LIMIT 2",
		"SELECT * FROM system.ai_gateway.usage LIMIT 1",
		"SELECT * FROM system.ai_gateway.external_model_spend LIMIT 3",
		"SELECT * FROM system.billing.usage LIMIT 3",
		"SELECT * FROM main.logs.empty_payload",
		"SHOW TABLES", "DESCRIBE system.ai_gateway.external_model_spend", "select * from other.logs.payload",
	} {
		r, err := ask(w, q)
		if err != nil {
			t.Log(q, "ERR", err)
			continue
		}
		t.Log(q, r.Elapsed, "\n", r.Columns, "\n", text(r))
	}
	t.Logf("%+v", w.Stats())
}
