package main

import (
	"strings"
	"testing"
)

// travelOf asks a demo's folder about its past, in SQL.
func travelOf(t *testing.T, data string) {
	t.Helper()
	const usage = "system.serving.endpoint_usage"
	for _, tt := range []struct{ query, want, fault string }{
		{"DESCRIBE HISTORY " + usage, ",CREATE TABLE,", ""},
		{"DESCRIBE HISTORY " + usage + " LIMIT 1", "lakegate/", ""},
		{"DESCRIBE DETAIL " + usage, "delta,", ""},
		{"DESCRIBE DETAIL " + usage, "system/serving/endpoint_usage", ""},
		{"SELECT count(*) AS n FROM " + usage + " VERSION AS OF 0", "n\n0\n", ""},
		{"SELECT count(*) AS n FROM " + usage + "@v0", "n\n0\n", ""},
		{"SELECT count(*) AS n FROM system.ai_gateway.usage VERSION AS OF 0", "n\n0\n", ""},
		{"SELECT count(*) AS n FROM (SELECT databricks_request_id FROM " + usage + " EXCEPT SELECT databricks_request_id FROM " + usage + " VERSION AS OF 0)", "n\n2160\n", ""},
		{"SELECT count(*) AS n FROM " + usage + " new LEFT ANTI JOIN " + usage + " VERSION AS OF 0 old ON new.databricks_request_id = old.databricks_request_id", "n\n2160\n", ""},
		{"SELECT count(*) AS n FROM " + usage + " TIMESTAMP AS OF current_timestamp()", "n\n2160\n", ""},
		{"SELECT count(*) AS n FROM " + usage + " VERSION AS OF 99999", "", "[DELTA_VERSION_NOT_FOUND] Cannot time travel Delta table to version 99999. Available versions: [0, "},
		{"SELECT count(*) AS n FROM " + usage + " TIMESTAMP AS OF '2001-01-01'", "", "[DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION] The provided timestamp (2001-01-01"},
		{"SELECT count(*) AS n FROM " + usage + " TIMESTAMP AS OF current_timestamp() + INTERVAL 1 DAY", "", "[DELTA_TIMESTAMP_GREATER_THAN_COMMIT]"},
		{"SELECT count(*) AS n FROM system.billing.usage VERSION AS OF 0", "", "time travel on system.billing.usage is not possible"},
		{"EXPLAIN SELECT count(*) FROM " + usage + " WHERE request_date < '2001-01-01'", "reads 0 of ", ""},
	} {
		out, _, err := run(t, "", "sql", tt.query, "--data", data, "--format", "csv")
		if tt.fault != "" {
			if err == nil || !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("%s: want an error with %q, got %v", tt.query, tt.fault, err)
			}
			continue
		}
		if err != nil || !strings.Contains(strings.ReplaceAll(out, "\r", ""), tt.want) {
			t.Errorf("%s: %v, no %q in\n%s", tt.query, err, tt.want, out)
		}
	}
}
