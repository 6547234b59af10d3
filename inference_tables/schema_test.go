package inferencetables

import (
	"strings"
	"testing"
)

// The twelve columns of Databricks' inference tables, and their order, are a promise to queries
// written for them.
func TestDatabricksColumnsComeFirst(t *testing.T) {
	const want = "databricks_request_id STRING, request_date DATE, client_request_id STRING, request_time TIMESTAMP, status_code INT, " +
		"sampling_fraction DOUBLE, execution_duration_ms BIGINT, request STRING, response STRING, logging_error_codes ARRAY<STRING>, " +
		"served_entity_id STRING, requester STRING, endpoint_name STRING, served_entity_name STRING, model STRING, api_type STRING, " +
		"outcome STRING, request_streaming BOOLEAN, usage_context MAP<STRING,STRING>"
	var got []string
	for _, c := range columns {
		got = append(got, c.Name+" "+c.Type.SQL())
	}
	if strings.Join(got, ", ") != want {
		t.Errorf("columns are\n%s\nwant\n%s", strings.Join(got, ", "), want)
	}
}

func TestColumns(t *testing.T) {
	if len(columns) != columnCount {
		t.Errorf("%d columns, %d positions", len(columns), columnCount)
	}
	for i, name := range map[int]string{cErrorCodes: "logging_error_codes", cRequester: "requester", cModel: "model", cUsageContext: "usage_context"} {
		if columns[i].Name != name {
			t.Errorf("column %d is %s, want %s", i, columns[i].Name, name)
		}
	}
	free := map[string]bool{"client_request_id": true, "request": true, "response": true, "requester": true, "usage_context": true}
	for _, c := range columns {
		if !strings.HasSuffix(c.Comment, ".") {
			t.Errorf("%s: comment %q is not a sentence", c.Name, c.Comment)
		}
		if c.NoStats != free[c.Name] {
			t.Errorf("%s: statistics are kept: %v", c.Name, !c.NoStats)
		}
	}
}
