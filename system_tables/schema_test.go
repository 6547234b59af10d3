package systemtables

import (
	"strings"
	"testing"

	ts "github.com/lakegate/lakegate/internal/tableschema"
)

// The columns as Databricks has them, and their order, are a promise to queries written for it.
func TestDatabricksColumnsComeFirst(t *testing.T) {
	for _, c := range []struct {
		table *ts.Table
		want  string
	}{
		{EndpointUsage(), `account_id STRING, workspace_id STRING, client_request_id STRING, databricks_request_id STRING, requester STRING,
			status_code INT, request_time TIMESTAMP, input_token_count BIGINT, output_token_count BIGINT, input_character_count BIGINT,
			output_character_count BIGINT, usage_context MAP<STRING,STRING>, request_streaming BOOLEAN, served_entity_id STRING`},
		{ServedEntities(), `served_entity_id STRING, account_id STRING, workspace_id STRING, created_by STRING, endpoint_name STRING,
			endpoint_id STRING, served_entity_name STRING, entity_type STRING, entity_name STRING, entity_version STRING,
			endpoint_config_version INT, task STRING, external_model_config STRUCT<provider: STRING>,
			foundation_model_config STRUCT<min_provisioned_throughput: INT, max_provisioned_throughput: INT>,
			custom_model_config STRUCT<min_concurrency: INT, max_concurrency: INT, compute_type: STRING>,
			feature_spec_config STRUCT<min_concurrency: INT, max_concurrency: INT, compute_type: STRING>,
			change_time TIMESTAMP, endpoint_delete_time TIMESTAMP`},
	} {
		var got []string
		for _, col := range c.table.Columns {
			got = append(got, col.Name+" "+col.Type.SQL())
		}
		want := strings.Join(strings.Fields(c.want), " ")
		if !strings.HasPrefix(strings.Join(got, ", "), want) {
			t.Errorf("%s begins\n%s\nwant\n%s", c.table.Name, strings.Join(got, ", "), want)
		}
	}
}

func TestPositionsMatchColumns(t *testing.T) {
	for _, c := range []struct {
		table *ts.Table
		count int
		at    map[int]string
	}{
		{EndpointUsage(), usageColumns, map[int]string{
			uRequestID: "databricks_request_id", uServedEntityID: "served_entity_id", uRequestDate: "request_date", uModel: "model",
			uErrorMessage: "error_message", uUsageSource: "usage_source", uCost: "cost", uAttempts: "attempts", uGenerated: "generated",
			uUncachedTokens: "uncached_input_token_count", uSearches: "search_count", uUsageJSON: "usage_json", uListNanos: "list_cost_nanos", uCacheHit: "cache_hit", uSavedOutput: "saved_output_token_count",
		}},
		{ServedEntities(), entityColumns, map[int]string{eTask: "task", eExternalModel: "external_model_config", eDeleteTime: "endpoint_delete_time"}},
	} {
		if len(c.table.Columns) != c.count {
			t.Errorf("%s has %d columns, %d positions", c.table.Name, len(c.table.Columns), c.count)
		}
		for i, name := range c.at {
			if c.table.Columns[i].Name != name {
				t.Errorf("%s: column %d is %s, want %s", c.table.Name, i, c.table.Columns[i].Name, name)
			}
		}
	}
}

func TestEveryColumnIsExplained(t *testing.T) {
	for _, table := range Tables() {
		for _, c := range table.Columns {
			if !strings.HasSuffix(c.Comment, ".") && !strings.HasSuffix(c.Comment, "...") {
				t.Errorf("%s.%s: comment %q is not a sentence", table.Name, c.Name, c.Comment)
			}
			for _, f := range c.Type.Fields {
				if f.Comment == "" {
					t.Errorf("%s.%s.%s has no comment", table.Name, c.Name, f.Name)
				}
			}
		}
	}
}

// Smallest and largest values of these would outlive a deletion in the Delta log.
func TestPersonalDataHasNoStatistics(t *testing.T) {
	for _, name := range strings.Fields("requester client_request_id usage_context key_tags error_message user_agent ip_address url requested_model endpoint_name") {
		if c, _, ok := EndpointUsage().Column(name); !ok || !c.NoStats {
			t.Errorf("column %s has statistics", name)
		}
	}
	if c, _, _ := ServedEntities().Column("created_by"); !c.NoStats {
		t.Error("column created_by has statistics")
	}
}
