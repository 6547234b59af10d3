package systemtables

import (
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lakegate/lakegate/internal/inference"
	ts "github.com/lakegate/lakegate/internal/tableschema"
)

// Comparisons is system.serving.comparisons: requests that two served entities answered, and what a
// judge said of the answers.
func Comparisons() *ts.Table { return comparisons }

var comparisons = mustTable(&ts.Table{
	Name:        ts.Name{Catalog: "system", Schema: "serving", Table: "comparisons"},
	Comment:     "One row per request that two served entities answered so that a judge could compare the answers.",
	PartitionBy: "request_date",
	SortBy:      []string{"request_time"},
	Columns: []ts.Column{
		{Name: "account_id", Type: text, Comment: "The installation's account."},
		{Name: "workspace_id", Type: text, Comment: "The installation's workspace."},
		{Name: "databricks_request_id", Type: text, Comment: "Id of the client's request, unique; joins endpoint_usage and payload tables."},
		{Name: "request_date", Type: ts.Type{Kind: ts.Date}, Comment: "UTC day of request_time; the table's partitions."},
		{Name: "request_time", Type: moment, Comment: "When the client's request was received, UTC."},
		{Name: "comparison_time", Type: moment, Comment: "When the comparison ended, UTC."},
		{Name: "endpoint_name", Type: text, Comment: "The endpoint."},
		{Name: "endpoint_id", Type: text, Comment: "Id of the endpoint."},
		{Name: "comparison", Type: text, Comment: "Name of the comparison, as configured."},
		{Name: "baseline", Type: text, Comment: "Name of the served entity that is the baseline."},
		{Name: "challenger", Type: text, Comment: "Name of the served entity that is compared with it."},
		{Name: "baseline_model", Type: text, Comment: "The model that answered for the baseline."},
		{Name: "challenger_model", Type: text, Comment: "The model that answered for the challenger."},
		{Name: "answered", Type: text, Comment: "Whose answer the client got: baseline or challenger."},
		{Name: "first_shown", Type: text, Comment: "Whose answer the judge read first: baseline or challenger, by chance; NULL when it was not asked."},
		{Name: "winner", Type: text, Comment: "baseline, challenger, tie, or none: no verdict, and error says why. Never NULL."},
		{Name: "judge_reason", Type: text, Comment: "Why, in the judge's words; it may quote the prompt.", NoStats: true},
		{Name: "error", Type: text, Comment: "Why there is no verdict; NULL when there is one.", NoStats: true},
		{Name: "judge_endpoint", Type: text, Comment: "The endpoint that judged."},
		{Name: "other_request_id", Type: text, Comment: "Id of the request that asked the other side; NULL when it was not asked.", NoStats: true},
		{Name: "judge_request_id", Type: text, Comment: "Id of the judge's request; NULL when it was not asked.", NoStats: true},
		{Name: "baseline_latency_ms", Type: number, Comment: "How long the baseline's answer took to its end, in milliseconds."},
		{Name: "challenger_latency_ms", Type: number, Comment: "How long the challenger's answer took to its end, in milliseconds."},
		{Name: "judge_latency_ms", Type: number, Comment: "How long the judge took, in milliseconds."},
		{Name: "baseline_first_token_ms", Type: number, Comment: "Time to the baseline's first token, in milliseconds; NULL when it was not measured."},
		{Name: "challenger_first_token_ms", Type: number, Comment: "Time to the challenger's first token, in milliseconds; NULL when it was not measured."},
		{Name: "baseline_output_tokens", Type: number, Comment: "Tokens of the baseline's answer; NULL when the provider gave no count."},
		{Name: "challenger_output_tokens", Type: number, Comment: "Tokens of the challenger's answer; NULL when the provider gave no count."},
		{Name: "baseline_cost_nanos", Type: number, Comment: "Cost of the baseline's answer in nano-dollars (1e-9 US dollars); NULL when no price is known."},
		{Name: "challenger_cost_nanos", Type: number, Comment: "Cost of the challenger's answer in nano-dollars; NULL when no price is known."},
		{Name: "judge_cost_nanos", Type: number, Comment: "Cost of the judge's verdict in nano-dollars; NULL when no price is known."},
		{Name: "requester", Type: text, Comment: "Who called: e-mail of a user or application id of a service principal.", NoStats: true},
		{Name: "usage_context", Type: ts.StringMap(), Comment: "What the caller says the request is for.", NoStats: true},
	},
})

// Positions of comparisons' columns, in order.
const (
	cAccountID = iota
	cWorkspaceID
	cRequestID
	cRequestDate
	cRequestTime
	cTime
	cEndpoint
	cEndpointID
	cName
	cBaseline
	cChallenger
	cBaselineModel
	cChallengerModel
	cAnswered
	cFirstShown
	cWinner
	cReason
	cError
	cJudgeEndpoint
	cOtherID
	cJudgeID
	cBaselineLatency
	cChallengerLatency
	cJudgeLatency
	cBaselineFirst
	cChallengerFirst
	cBaselineOutput
	cChallengerOutput
	cBaselineCost
	cChallengerCost
	cJudgeCost
	cRequester
	cUsageContext
	comparisonColumns
)

// ComparisonFeed turns comparisons into rows of system.serving.comparisons.
type ComparisonFeed struct {
	cfg    Config
	schema schemaCheck
	row    row
}

// NewComparisonFeed returns a feed whose rows carry cfg.
func NewComparisonFeed(cfg Config) *ComparisonFeed {
	return &ComparisonFeed{cfg: cfg, schema: schemaCheck{want: comparisons.Arrow()}}
}

// Table returns comparisons for a comparison and nil for any other fact.
func (f *ComparisonFeed) Table(fact inference.Fact) *ts.Table {
	if fact.Comparison == nil {
		return nil
	}
	return comparisons
}

// Append adds the comparison's row to b, or nothing and says why.
func (f *ComparisonFeed) Append(b *array.RecordBuilder, fact inference.Fact) error {
	c := fact.Comparison
	if c == nil || c.RequestTime.IsZero() || c.RequestID == (inference.ID{}) {
		return fmt.Errorf("row of %s: %w", comparisons.Name, errors.New("the fact is not a comparison of a request with a time"))
	}
	if err := f.schema.check(b); err != nil {
		return fmt.Errorf("row of %s: %w", comparisons.Name, err)
	}
	f.row.b = b
	f.request(c)
	f.verdict(c)
	f.sides(c)
	f.row.b = nil
	return nil
}

func (f *ComparisonFeed) request(c *inference.Comparison) {
	r := &f.row
	r.text(cAccountID, f.cfg.AccountID)
	r.text(cWorkspaceID, f.cfg.WorkspaceID)
	r.id(cRequestID, c.RequestID)
	r.date(cRequestDate, c.RequestTime)
	r.moment(cRequestTime, c.RequestTime)
	r.moment(cTime, c.Time)
	r.text(cEndpoint, c.Endpoint)
	r.text(cEndpointID, c.EndpointID)
	r.text(cName, c.Name)
	r.text(cRequester, c.Requester)
	r.tags(cUsageContext, c.UsageContext)
}

func (f *ComparisonFeed) verdict(c *inference.Comparison) {
	r := &f.row
	r.text(cAnswered, string(c.Answered))
	r.text(cFirstShown, string(c.FirstShown))
	r.text(cWinner, string(c.Winner))
	r.text(cReason, c.Reason)
	r.text(cError, c.Error)
	r.text(cJudgeEndpoint, c.JudgeEndpoint)
	r.optionalID(cOtherID, c.OtherID)
	r.optionalID(cJudgeID, c.JudgeID)
	r.millis(cJudgeLatency, c.JudgeLatency)
	r.count(cJudgeCost, c.JudgeCost)
}

func (f *ComparisonFeed) sides(c *inference.Comparison) {
	r := &f.row
	for i, s := range [...]*inference.Compared{&c.Baseline, &c.Challenger} {
		r.text(cBaseline+i, s.ServedEntity)
		r.text(cBaselineModel+i, s.Model)
		r.millis(cBaselineLatency+i, s.Latency)
		r.optionalMillis(cBaselineFirst+i, s.TimeToFirstToken)
		r.count(cBaselineOutput+i, s.Output)
		r.count(cBaselineCost+i, s.NanoUSD)
	}
}

// optionalID appends an id, NULL for the zero one.
func (r *row) optionalID(col int, id inference.ID) {
	if id == (inference.ID{}) {
		r.b.Field(col).AppendNull()
		return
	}
	r.id(col, id)
}
