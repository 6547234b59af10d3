package systemtables

import (
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/lakegate/lakegate/internal/inference"
)

func comparison() *inference.Comparison {
	return &inference.Comparison{
		RequestID:   uuid.MustParse("0193490a-1b2c-7def-8123-456789abcdef"),
		RequestTime: time.Date(2026, 11, 20, 23, 59, 59, 0, time.UTC), Time: time.Date(2026, 11, 21, 0, 0, 4, 0, time.UTC),
		Endpoint: "chat", EndpointID: "e1", Name: "sonnet-vs-gpt", Requester: "ann@example.com", UsageContext: map[string]string{"team": "search"},
		OtherID: uuid.MustParse("0193490a-1b2c-7def-8123-000000000001"), JudgeID: uuid.MustParse("0193490a-1b2c-7def-8123-000000000002"), JudgeEndpoint: "judge",
		Answered: inference.Baseline, FirstShown: inference.Challenger, Winner: inference.Challenger, Reason: "it is \xff shorter",
		Baseline:   inference.Compared{ServedEntity: "gpt", Model: "gpt-5", Latency: 1500 * time.Millisecond, TimeToFirstToken: d(200 * time.Millisecond), Output: n(10), NanoUSD: n(1000)},
		Challenger: inference.Compared{ServedEntity: "claude", Model: "claude-sonnet", Latency: 900 * time.Millisecond, Output: n(7)},
		JudgeCost:  n(5), JudgeLatency: 700 * time.Millisecond,
	}
}

func TestComparisonRows(t *testing.T) {
	bare := &inference.Comparison{
		RequestID: comparison().RequestID, RequestTime: comparison().RequestTime, Winner: inference.None, Error: "the challenger gave no answer",
	}
	got := rows(t, NewComparisonFeed(Config{AccountID: "a", WorkspaceID: "w"}), inference.Fact{Comparison: comparison()}, inference.Fact{Comparison: bare})
	want := map[string]string{
		"account_id": "a", "workspace_id": "w", "databricks_request_id": "0193490a-1b2c-7def-8123-456789abcdef", "request_date": "2026-11-20",
		"request_time": "2026-11-20T23:59:59Z", "comparison_time": "2026-11-21T00:00:04Z", "endpoint_name": "chat", "endpoint_id": "e1", "comparison": "sonnet-vs-gpt",
		"baseline": "gpt", "challenger": "claude", "baseline_model": "gpt-5", "challenger_model": "claude-sonnet", "answered": "baseline", "first_shown": "challenger",
		"winner": "challenger", "judge_reason": "it is \uFFFD shorter", "error": "NULL", "judge_endpoint": "judge",
		"other_request_id": "0193490a-1b2c-7def-8123-000000000001", "judge_request_id": "0193490a-1b2c-7def-8123-000000000002",
		"baseline_latency_ms": "1500", "challenger_latency_ms": "900", "judge_latency_ms": "700", "baseline_first_token_ms": "200", "challenger_first_token_ms": "NULL",
		"baseline_output_tokens": "10", "challenger_output_tokens": "7", "baseline_cost_nanos": "1000", "challenger_cost_nanos": "NULL", "judge_cost_nanos": "5",
		"requester": "ann@example.com", "usage_context": `[{"key":"team","value":"search"}]`,
	}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	for column, value := range got[1] {
		switch column {
		case "account_id", "workspace_id", "databricks_request_id", "request_date", "request_time", "winner", "error":
		default:
			if value != "NULL" {
				t.Errorf("column %s of a bare comparison is %s", column, value)
			}
		}
	}
	if len(comparisons.Columns) != comparisonColumns {
		t.Errorf("%d columns, %d positions", len(comparisons.Columns), comparisonColumns)
	}
}

func TestComparisonsThatAreNone(t *testing.T) {
	f := NewComparisonFeed(DefaultConfig())
	b := array.NewRecordBuilder(memory.DefaultAllocator, comparisons.Arrow())
	defer b.Release()
	noID := comparison()
	noID.RequestID = inference.ID{}
	noTime := comparison()
	noTime.RequestTime = time.Time{}
	for _, fact := range []inference.Fact{{}, {Comparison: noID}, {Comparison: noTime}} {
		if err := f.Append(b, fact); err == nil || b.Field(0).Len() != 0 {
			t.Errorf("%+v was taken: %v", fact.Comparison, err)
		}
	}
	if f.Table(inference.Fact{}) != nil {
		t.Error("no fact has a table")
	}
}

// Smallest and largest values of these would outlive a deletion in the Delta log.
func TestComparisonsKeepNobodyInStatistics(t *testing.T) {
	for _, name := range []string{"requester", "usage_context", "judge_reason", "error", "other_request_id", "judge_request_id"} {
		if c, _, ok := comparisons.Column(name); !ok || !c.NoStats {
			t.Errorf("column %s has statistics", name)
		}
	}
}
