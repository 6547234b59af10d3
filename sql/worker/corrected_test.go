package worker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/sql/protocol"
	"github.com/lakegate/lakegate/sql/warehouse"
)

// correctedLake has two corrections of r01 (1000 + 500 - 200), one of r09, which is not landed yet, and one
// of a request that was erased.
func correctedLake(t *testing.T) *lake {
	l := newLake(t)
	l.commits = []warehouse.Commit{{Timestamp: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)}}
	c := l.define(t, protocol.Corrections, "request_date", "databricks_request_id STRING\nrequest_date DATE\ncorrected_at TIMESTAMP\n"+
		"cost DECIMAL(18,9)\ncost_nanos BIGINT\nlist_cost_nanos BIGINT\nprice_version STRING")
	l.write(t, c, "lake", "2026-11-18", `[
		{"databricks_request_id":"r01","corrected_at":"2026-11-21T00:00:00Z","cost":"0.000000500","cost_nanos":500,"list_cost_nanos":0,"price_version":"v2"},
		{"databricks_request_id":"r01","corrected_at":"2026-11-22T00:00:00Z","cost":"-0.000000200","cost_nanos":-200,"list_cost_nanos":0,"price_version":"v3"},
		{"databricks_request_id":"gone","corrected_at":"2026-11-22T00:00:00Z","cost":"9","cost_nanos":9000000000,"list_cost_nanos":0,"price_version":"v3"}]`)
	l.write(t, c, "lake", "2026-11-20", `[
		{"databricks_request_id":"r09","corrected_at":"2026-11-22T00:00:00Z","cost":"0.000001000","cost_nanos":1000,"list_cost_nanos":0,"price_version":"v3"}]`)
	unpriced := strings.Replace(usageRows("2026-11-20", 20, 1), `"cost":"0.000020000","cost_nanos":20000,`, "", 1)
	l.write(t, l.tables[0], "hot", "2026-11-20", unpriced)
	l.write(t, c, "lake", "2026-11-20", `[
		{"databricks_request_id":"r20","corrected_at":"2026-11-22T00:00:00Z","cost":"0.000000007","cost_nanos":7,"list_cost_nanos":0,"price_version":"v3"}]`)
	return l
}

func TestCorrectedCosts(t *testing.T) {
	w := start(t, correctedLake(t), nil)
	const u = "system.serving.endpoint_usage"
	for _, c := range []struct{ sql, want string }{
		{"SELECT sum(cost_nanos), sum(cost), count(*) FROM " + u, "67307|0.000067307|13"}, // 66000 before
		{"SELECT cost, cost_nanos, price_version FROM " + u + " WHERE databricks_request_id = 'r01'", "0.000001300|1300|v3"},
		{"SELECT cost FROM " + u + " WHERE databricks_request_id = 'r20'", "0.000000007"},
		{"SELECT count(*) FROM " + u + " WHERE cost_nanos = 1300 AND request_date = '2026-11-18'", "1"},
		{"SELECT count(*) FROM " + u + " WHERE cost IS NULL", "0"},
		{"SELECT databricks_request_id FROM " + u + " WHERE cost > 0.0000098 AND cost < 0.0000101 ORDER BY 1", "r09\nr10"},
		{"SELECT u.cost_nanos FROM (SELECT * FROM " + u + ") u WHERE u.databricks_request_id = 'r09'", "10000"},
		{"SELECT sum(a.cost_nanos) - sum(b.cost_nanos) FROM " + u + " a JOIN " + u + " VERSION AS OF 3 b USING (databricks_request_id) WHERE b.cost_nanos IS NOT NULL", "1300"},
		{"SELECT sum(cost_nanos) FROM " + u + " TIMESTAMP AS OF '2026-11-19'", "66000"},
		{"SELECT sum(cost_nanos) FROM " + u + " TIMESTAMP AS OF '2026-11-23'", "67307"},
		{"SELECT CAST(sum(usage_quantity) * 1e9 AS BIGINT) FROM system.ai_gateway.external_model_spend", "67307"},
	} {
		r, err := ask(w, c.sql)
		if err != nil {
			t.Errorf("%s\n%v", c.sql, err)
			continue
		}
		if got := text(r); strings.TrimSpace(got) != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.sql, got, c.want)
		}
	}
}

// What does not read costs does not read their corrections, and who may read the ledger gets them.
func TestCorrectionsAreReadForCostsOnly(t *testing.T) {
	l := correctedLake(t)
	w := start(t, l, nil)
	for sql, want := range map[string]bool{
		"SELECT count(*) FROM system.serving.endpoint_usage":                     false,
		"SELECT requester FROM system.serving.endpoint_usage WHERE model = 'x'":  false,
		"SELECT * FROM system.serving.endpoint_usage LIMIT 1":                    true,
		"SELECT max(cost) FROM system.serving.endpoint_usage":                    true,
		"SELECT max(price_version) FROM system.serving.endpoint_usage":           true,
		"SELECT count(*) FROM system.ai_gateway.usage WHERE status_code IS NULL": false,
	} {
		l.requests = nil
		r, err := w.Query(t.Context(), warehouse.Query{SQL: sql, Allow: func(table string) bool {
			return table == protocol.Ledger || strings.HasPrefix(table, "system.ai_gateway.")
		}})
		if err != nil {
			t.Errorf("%s: %v", sql, err)
			continue
		}
		read := false
		for _, q := range l.requests {
			read = read || q.Name == protocol.Corrections
		}
		if read != want {
			t.Errorf("%s: corrections were read: %t, want %t", sql, read, want)
		}
		if strings.HasPrefix(sql, "SELECT *") && len(r.Columns) != len(l.tables[0].Columns) {
			t.Errorf("* has %d columns, want %d", len(r.Columns), len(l.tables[0].Columns))
		}
	}
	if _, err := w.Query(t.Context(), warehouse.Query{SQL: "SELECT * FROM system.serving.cost_corrections", Allow: func(table string) bool { return table == protocol.Ledger }}); err == nil {
		t.Error("somebody who may read the ledger alone has read the corrections by name")
	}
}
