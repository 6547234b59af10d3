package worker_test

import (
	"testing"
)

// BenchmarkAggregate is a simple aggregate on a warm worker, from text to answer.
func BenchmarkAggregate(b *testing.B) {
	w := start(b, newLake(b), nil)
	for _, q := range []string{
		"SELECT 1",
		"SELECT count(*), sum(input_token_count) FROM system.serving.endpoint_usage",
		"SELECT usage_context['team'] AS team, sum(cost) FROM system.serving.endpoint_usage WHERE CAST(request_time AS DATE) >= '2026-11-01' GROUP BY 1",
		"SELECT count(*) FROM system.ai_gateway.usage",
	} {
		b.Run(q[:min(len(q), 30)], func(b *testing.B) {
			for b.Loop() {
				if _, err := ask(w, q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
