// Package inferencetables holds the payload table of an endpoint: its columns, which requests it
// keeps, and how a record becomes a row.
//
// Request and response are kept whole, whatever their size; the only bytes that change are those
// that are not UTF-8, and the row says so. What is not known is NULL. Append is atomic: it checks
// the record and the builder first, and after an error the builder is as it was.
//
// The first twelve columns are those of Databricks' inference tables, under their names and types
// and in their order.
//
// Schemas are immutable and safe for concurrent use. A Feed is for one goroutine at a time, but
// for Rejected. The package does no I/O; its fake is an array.RecordBuilder.
package inferencetables

import (
	"fmt"
	"strings"

	ts "github.com/lakegate/lakegate/internal/tableschema"
)

var (
	text   = ts.Type{Kind: ts.String}
	number = ts.Type{Kind: ts.Long}
)

// columns are those of every payload table.
var columns = []ts.Column{
	{Name: "databricks_request_id", Type: text, Comment: "Id of the request (UUIDv7), unique; joins system.serving.endpoint_usage."},
	{Name: "request_date", Type: ts.Type{Kind: ts.Date}, Comment: "UTC day of request_time; the table's partitions."},
	{Name: "client_request_id", Type: text, Comment: "The caller's own id of the request.", NoStats: true},
	{Name: "request_time", Type: ts.Type{Kind: ts.Timestamp}, Comment: "When the request was received, UTC, to the microsecond."},
	{Name: "status_code", Type: ts.Type{Kind: ts.Int}, Comment: "HTTP status the client got; NULL when it got none."},
	{Name: "sampling_fraction", Type: ts.Type{Kind: ts.Double}, Comment: "Share of the endpoint's requests that is kept, 0 to 1; 1 is all."},
	{Name: "execution_duration_ms", Type: number, Comment: "Time spent waiting for providers, in milliseconds; NULL when none was asked."},
	{Name: "request", Type: text, Comment: "Body as the client sent it, whole.", NoStats: true},
	{Name: "response", Type: text, Comment: "Body as the provider sent it, whole, a stream joined into one answer; where it was translated for the client, as the client got it; NULL when there was none, or none of text.", NoStats: true},
	{Name: "logging_error_codes", Type: ts.ListOf(text), Comment: "What could not be kept as it was, such as RESPONSE_INCOMPLETE or INVALID_UTF8; empty when all was."},
	{Name: "served_entity_id", Type: text, Comment: "Id of the served entity that answered; joins system.serving.served_entities."},
	{Name: "requester", Type: text, Comment: "Who called: e-mail of a user or application id of a service principal.", NoStats: true},

	{Name: "endpoint_name", Type: text, Comment: "The endpoint."},
	{Name: "served_entity_name", Type: text, Comment: "Name of the served entity that answered."},
	{Name: "model", Type: text, Comment: "The model that answered, as the provider names it; else as configured."},
	{Name: "api_type", Type: text, Comment: "The API that was called, such as openai/v1/chat/completions or sql/ai_query."},
	{Name: "outcome", Type: text, Comment: "How the request ended: ok, refused, upstream_error, upstream_broken, timeout, client_gone, crashed or internal_failure. Never NULL."},
	{Name: "request_streaming", Type: ts.Type{Kind: ts.Boolean}, Comment: "Whether the answer was asked for as a stream."},
	{Name: "usage_context", Type: ts.StringMap(), Comment: "What the caller says the request is for.", NoStats: true},
}

// Positions of the columns, in order.
const (
	cRequestID = iota
	cRequestDate
	cClientRequestID
	cRequestTime
	cStatusCode
	cSamplingFraction
	cExecutionDuration
	cRequest
	cResponse
	cErrorCodes
	cServedEntityID
	cRequester
	cEndpointName
	cServedEntityName
	cModel
	cAPIType
	cOutcome
	cStreaming
	cUsageContext
	columnCount
)

// suffix is the end of every payload table's name.
const suffix = "_payload"

// TableName returns the name of the payload table of a configuration in Databricks' shape.
func TableName(catalog, schema, prefix string) string {
	return catalog + "." + schema + "." + prefix + suffix
}

// ValidateName says why a payload table cannot have this name: it is not catalog.schema.table,
// lies in the catalog system, or does not end in _payload. Configuration checks names with it, so
// that no record carries a bad one.
func ValidateName(name string) error {
	_, err := parse(name)
	return err
}

func parse(name string) (ts.Name, error) {
	n, err := ts.ParseName(name)
	switch {
	case err != nil:
		return ts.Name{}, err
	case strings.EqualFold(n.Catalog, "system"):
		return ts.Name{}, fmt.Errorf("payload table %s: the catalog system is lakegate's own", name)
	case !strings.HasSuffix(n.Table, suffix) || n.Table == suffix:
		return ts.Name{}, fmt.Errorf("payload table %s: the name is a prefix and %s", name, suffix)
	}
	return n, nil
}

// NewTable returns the payload table of that name.
func NewTable(name string) (*ts.Table, error) {
	n, err := parse(name)
	if err != nil {
		return nil, err
	}
	t := &ts.Table{
		Name: n, Comment: "Requests and responses of one endpoint, one row per request.",
		Columns: columns, PartitionBy: "request_date", SortBy: []string{"request_time"},
	}
	return t, t.Validate()
}
