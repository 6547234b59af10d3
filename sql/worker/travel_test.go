package worker_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/sql/warehouse"
)

// TestTimeTravel checks which version or time of which table a statement asks for.
func TestTimeTravel(t *testing.T) {
	l := newLake(t)
	w := start(t, l, nil)
	const u = "system.serving.endpoint_usage"
	today := time.Now().UTC().Truncate(24 * time.Hour)
	for _, c := range []struct{ sql, want string }{
		{"SELECT count(*) FROM " + u + " VERSION AS OF 12", u + "@v12"},
		{"SELECT count(*) FROM " + u + "@v12", u + "@v12"},
		{"SELECT count(*) FROM " + u + "@20261120100000123 AS x WHERE x.status_code = 200", u + "@2026-11-20T10:00:00.123Z"},
		{"SELECT count(*) FROM " + u + " VERSION AS OF 12 x JOIN " + u + " FOR VERSION AS OF 13 AS y ON x.databricks_request_id = y.databricks_request_id", u + "@v12 " + u + "@v13"},
		{"SELECT count(*) FROM " + u + " VERSION AS OF '12' x, " + u + " x2", u + "@now " + u + "@v12"},
		{"SELECT databricks_request_id FROM " + u + " EXCEPT SELECT databricks_request_id FROM " + u + " VERSION AS OF 3", u + "@now " + u + "@v3"},
		{"SELECT count(*) FROM " + u + " TIMESTAMP AS OF '2026-11-20 10:00'", u + "@2026-11-20T10:00:00Z"},
		{"SELECT count(*) FROM " + u + " TIMESTAMP AS OF '2026-11-20T10:00:00.5Z' WHERE request_date = '2026-11-19'", u + "@2026-11-20T10:00:00.5Z"},
		{"SELECT count(*) FROM " + u + " FOR SYSTEM_TIME AS OF \"2026-11-20\" ORDER BY 1", u + "@2026-11-20T00:00:00Z"},
		{"SELECT count(*) FROM " + u + " TIMESTAMP AS OF CAST('2026-11-20' AS TIMESTAMP) - INTERVAL 1 DAY + INTERVAL '2' HOURS q LEFT JOIN system.serving.served_entities e ON q.served_entity_id = e.served_entity_id", u + "@2026-11-19T02:00:00Z system.serving.served_entities@now"},
		{"SELECT count(*) FROM " + u + " TIMESTAMP AS OF date_sub(current_date(), 1)", u + "@" + today.AddDate(0, 0, -1).Format(time.RFC3339)},
		{"SELECT count(*) FROM " + u + " TIMESTAMP AS OF :at GROUP BY ALL", u + "@2026-11-20T00:00:00Z"},
		{"SELECT count(*) FROM " + u + " VERSION AS OF :v", u + "@v7"},
		{"SELECT count(*) FROM IDENTIFIER('" + u + "') VERSION AS OF 7", u + "@v7"},
		{"SELECT count(*) FROM system.ai_gateway.usage VERSION AS OF 7", u + "@v7"},
		{"SELECT sum(usage_quantity) FROM system.ai_gateway.external_model_spend@v7 s WHERE s.usage_date > '2026-11-01'", u + "@v7"},
		{"WITH old AS (SELECT * FROM " + u + " VERSION AS OF 1), new AS (SELECT * FROM " + u + ") SELECT count(*) FROM new LEFT ANTI JOIN old ON new.databricks_request_id = old.databricks_request_id", u + "@now " + u + "@v1"},
		{"SELECT version, timestamp FROM (SELECT 1 AS version, 2 AS timestamp)", ""},
		{"SELECT status_code version FROM " + u + " version", u + "@now"},
		{"SELECT count(*) FROM " + u + " VERSION AS OF 1.5", "! VERSION AS OF takes a whole number"},
		{"SELECT count(*) FROM " + u + " VERSION AS OF -1", "! VERSION AS OF takes a whole number"},
		{"SELECT count(*) FROM " + u + " VERSION AS OF 'x'", "! VERSION AS OF takes a whole number"},
		{"SELECT count(*) FROM " + u + " VERSION AS OF", "! "},
		{"SELECT count(*) FROM " + u + "@2026", "! @2026: a time is written yyyyMMddHHmmssSSS"},
		{"SELECT count(*) FROM " + u + " TIMESTAMP AS OF 'yesterday'", "! TIMESTAMP AS OF takes a timestamp"},
		{"SELECT count(*) FROM " + u + " TIMESTAMP AS OF NULL", "! TIMESTAMP AS OF takes a timestamp"},
		{"SELECT count(*) FROM " + u + " TIMESTAMP AS OF request_time", "! TIMESTAMP AS OF takes a timestamp"},
		{"SELECT count(*) FROM system.billing.usage VERSION AS OF 1", "! time travel on system.billing.usage is not possible: it is a view without a table"},
		{"SELECT count(*) FROM information_schema.tables VERSION AS OF 1", "! time travel on information_schema.tables is not possible"},
		{"WITH c AS (SELECT 1) SELECT * FROM c VERSION AS OF 1", "! time travel on a common table expression"},
		{"SELECT count(*) FROM " + u + " TIMESTAMP AS OF (SELECT max(request_time) FROM " + u + ")", "! time travel takes a constant, not a query"},
	} {
		l.requests = nil
		version := "7"
		_, err := ask(w, c.sql, param("at", "DATE", "2026-11-20"), warehouse.Param{Name: "v", Type: "BIGINT", Value: &version})
		if fault, ok := strings.CutPrefix(c.want, "! "); ok {
			if err == nil || !strings.Contains(err.Error(), fault) || len(l.requests) > 0 {
				t.Errorf("%s\n want %q, got %v", c.sql, fault, err)
			}
			continue
		}
		if got := l.asked(); err != nil || got != c.want {
			t.Errorf("%s\n want %s\n got  %s %v", c.sql, c.want, got, err)
		}
	}
}

// asked is the requests for files, in order.
func (l *lake) asked() string {
	var out []string
	for _, r := range l.requests {
		switch {
		case r.Version != nil:
			out = append(out, r.Name+fmt.Sprintf("@v%d", *r.Version))
		case r.Timestamp != nil:
			out = append(out, r.Name+"@"+r.Timestamp.Format(time.RFC3339Nano))
		default:
			out = append(out, r.Name+"@now")
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestHistory(t *testing.T) {
	l := newLake(t)
	read := int64(4)
	l.commits = []warehouse.Commit{
		{
			Version: 5, Timestamp: time.Date(2026, 11, 20, 10, 0, 0, 5e6, time.UTC), Operation: "WRITE", Parameters: map[string]string{"mode": "Append"},
			Metrics: map[string]string{"numFiles": "1"}, ReadVersion: &read, IsBlindAppend: true, Engine: "lakegate/1",
		},
		{Version: 4, Operation: "CREATE TABLE", UserMetadata: "mine"},
	}
	l.detail = &warehouse.Detail{
		ID: "id", Description: "text", Location: "a/b", Created: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), PartitionColumns: []string{"request_date"},
		Files: 3, Bytes: 1000, Properties: map[string]string{"delta.x": "1"}, Reader: 1, Writer: 2,
	}
	w := start(t, l, nil)
	for sql, want := range map[string]string{
		"DESCRIBE HISTORY system.serving.endpoint_usage": `5|2026-11-20T10:00:00.005Z|NULL|NULL|WRITE|{"mode":"Append"}|NULL|NULL|NULL|4|NULL|true|{"numFiles":"1"}|NULL|lakegate/1
4|NULL|NULL|NULL|CREATE TABLE|{}|NULL|NULL|NULL|NULL|NULL|false|{}|mine|NULL
`,
		"DESC DETAIL endpoint_usage": `delta|id|system.serving.endpoint_usage|text|a/b|2026-11-01T00:00:00.000Z|NULL|["request_date"]|[]|3|1000|{"delta.x":"1"}|1|2|[]|{}
`,
		"DESCRIBE HISTORY system.ai_gateway.usage":               "! system.ai_gateway.usage is a view and has no history of its own; its table is system.serving.endpoint_usage",
		"DESCRIBE DETAIL nowhere":                                "! table or view not found",
		"DESCRIBE HISTORY other.logs.payload":                    "! table or view not found",
		"DESCRIBE HISTORY system.serving.endpoint_usage LIMIT":   "! syntax error",
		"DESCRIBE HISTORY system.serving.endpoint_usage LIMIT 0": "! LIMIT takes a whole number",
	} {
		r, err := ask(w, sql)
		if fault, ok := strings.CutPrefix(want, "! "); ok {
			if err == nil || !strings.Contains(err.Error(), fault) {
				t.Errorf("%s\n want %q, got %v", sql, fault, err)
			}
			continue
		}
		if err != nil || text(r) != want {
			t.Errorf("%s\n want %s\n got  %s %v", sql, want, text(r), err)
		}
	}
}
