package systemtables

import ts "github.com/lakegate/lakegate/internal/tableschema"

// CostCorrections is system.serving.cost_corrections: differences to costs of the ledger, which
// queries of the ledger add up by themselves. internal/reprice writes them, not a log.
func CostCorrections() *ts.Table { return costCorrections }

var costCorrections = mustTable(&ts.Table{
	Name:        ts.Name{Catalog: "system", Schema: "serving", Table: "cost_corrections"},
	Comment:     "One row per correction of a request's cost. In lakegate's SQL the costs of endpoint_usage have them added; other engines add them by databricks_request_id.",
	PartitionBy: "request_date",
	SortBy:      []string{"databricks_request_id"},
	Columns: []ts.Column{
		{Name: "databricks_request_id", Type: text, Comment: "The request whose cost is corrected; joins endpoint_usage."},
		{Name: "request_date", Type: ts.Type{Kind: ts.Date}, Comment: "UTC day of the request; the table's partitions."},
		{Name: "corrected_at", Type: moment, Comment: "When the correction was made, UTC."},
		{Name: "cost", Type: ts.DecimalOf(18, 9), Comment: "What is added to the request's cost, in US dollars; below zero where it was too high."},
		{Name: "cost_nanos", Type: number, Comment: "The same in nano-dollars (1e-9 US dollars)."},
		{Name: "list_cost_nanos", Type: number, Comment: "What is added to the request's list_cost_nanos; NULL when that stays."},
		{Name: "price_version", Type: text, Comment: "Version of the price list that the corrected cost was computed from."},
		{Name: "previous_cost_nanos", Type: number, Comment: "The cost before this correction; NULL when it was not known."},
		{Name: "previous_price_version", Type: text, Comment: "Version of the price list of the cost before."},
		{Name: "corrected_by", Type: text, Comment: "Who made the correction.", NoStats: true},
		{Name: "reason", Type: text, Comment: "Why, in their words.", NoStats: true},
	},
})
