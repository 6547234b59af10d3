package worker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/sql/dialect"
	"github.com/lakegate/lakegate/sql/warehouse"
)

// lake is a Source of Parquet files written by the test, and an Asker.
type lake struct {
	dir    string
	mu     sync.Mutex
	tables []*tableschema.Table
	files  map[string][]warehouse.File

	stats    map[string]string // as the Delta log has them, by path
	keepAll  bool              // do not prune
	requests []warehouse.Request
	commits  []warehouse.Commit
	detail   *warehouse.Detail
	recheck  func(context.Context) (bool, error)

	held   atomic.Int64 // snapshots not released yet
	taken  atomic.Int64
	answer func(ctx context.Context, p inference.Principal, endpoint, prompt string, params json.RawMessage) (string, error)
}

// Tables implements warehouse.Source.
func (l *lake) Tables() []*tableschema.Table {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]*tableschema.Table(nil), l.tables...)
}

// Snapshot implements warehouse.Source.
func (l *lake) Snapshot(_ context.Context, requests []warehouse.Request) (warehouse.Snapshot, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held.Add(1)
	l.taken.Add(1)
	var once sync.Once
	s := warehouse.Snapshot{Recheck: l.recheck, Release: func() { once.Do(func() { l.held.Add(-1) }) }}
	for _, r := range requests {
		l.requests = append(l.requests, r)
		for _, t := range l.tables {
			if t.Name.String() == r.Name {
				s.Tables = append(s.Tables, l.choose(t, r))
			}
		}
	}
	return s, nil
}

// choose leaves out the files the request's filter matches no row of.
func (l *lake) choose(t *tableschema.Table, r warehouse.Request) warehouse.Table {
	out := warehouse.Table{Schema: t}
	for _, f := range l.files[r.Name] {
		if l.keepAll || r.Filter.Keep(t, f.Partition, l.stats[f.Path]) {
			out.Files = append(out.Files, f)
		} else {
			out.Pruned++
		}
	}
	return out
}

// History implements warehouse.Source.
func (l *lake) History(context.Context, string, int) ([]warehouse.Commit, error) {
	return l.commits, nil
}

// Detail implements warehouse.Source.
func (l *lake) Detail(context.Context, string) (*warehouse.Detail, error) { return l.detail, nil }

// Ask implements warehouse.Asker.
func (l *lake) Ask(ctx context.Context, p inference.Principal, endpoint, prompt string, params json.RawMessage) (string, error) {
	if l.answer == nil {
		return "", fmt.Errorf("no model here")
	}
	return l.answer(ctx, p, endpoint, prompt, params)
}

// newLake has the usage ledger with a few rows, an empty table, and one that alice may not read.
func newLake(t testing.TB) *lake {
	t.Helper()
	l := &lake{dir: t.TempDir(), files: map[string][]warehouse.File{}}
	for _, d := range []string{"lake", "hot"} {
		if err := os.Mkdir(filepath.Join(l.dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	usage := l.define(t, "system.serving.endpoint_usage", "request_date", usageColumns)
	l.define(t, "system.serving.served_entities", "", entityColumns)
	l.define(t, "main.logs.empty_payload", "request_date", "databricks_request_id STRING\nrequest_date DATE\nrequest_time TIMESTAMP\nrequest STRING")
	secret := l.define(t, "other.logs.payload", "request_date", "databricks_request_id STRING\nrequest_date DATE\nrequest STRING")
	l.write(t, usage, "lake", "2026-11-18", usageRows("2026-11-18", 0, 4))
	l.write(t, usage, "lake", "2026-11-19", usageRows("2026-11-19", 4, 4))
	l.write(t, usage, "hot", "2026-11-20", usageRows("2026-11-20", 8, 4))
	l.write(t, secret, "lake", "2026-11-19", `[{"databricks_request_id":"x","request":"TOPSECRET"}]`)
	entities := l.tables[1]
	l.write(t, entities, "lake", "", `[{"served_entity_id":"e1","endpoint_name":"chat","endpoint_id":"ep1","served_entity_name":"gpt","external_model_config":{"provider":"openai"},"change_time":"2026-11-01T00:00:00Z"},
		{"served_entity_id":"e1","endpoint_name":"chat-renamed","endpoint_id":"ep1","served_entity_name":"gpt-4o","external_model_config":{"provider":"openai"},"change_time":"2026-11-10T00:00:00Z"}]`)
	return l
}

// define adds a table from lines of "name TYPE".
func (l *lake) define(t testing.TB, name, partition, columns string) *tableschema.Table {
	t.Helper()
	n, err := tableschema.ParseName(name)
	if err != nil {
		t.Fatal(err)
	}
	table := &tableschema.Table{Name: n, PartitionBy: partition, Comment: "table of a test"}
	for line := range strings.Lines(columns) {
		col, ddl, _ := strings.Cut(strings.TrimSpace(line), " ")
		ty, err := dialect.ParseType(ddl)
		if err != nil {
			t.Fatal(err)
		}
		s, ok := ty.Schema()
		if !ok {
			t.Fatalf("column %s: no such type: %s", col, ddl)
		}
		table.Columns = append(table.Columns, tableschema.Column{Name: col, Type: s})
	}
	if err := table.Validate(); err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	l.tables = append(l.tables, table)
	l.mu.Unlock()
	return table
}

var fileNumber atomic.Int64

// write adds a file of rows, given as JSON, to a table. where is lake, with the partition in the
// path, or hot, without.
func (l *lake) write(t testing.TB, table *tableschema.Table, where, date, rows string) {
	t.Helper()
	l.add(t, table, where, date, encode(t, table, rows))
}

func (l *lake) add(t testing.TB, table *tableschema.Table, where, date string, data []byte) {
	t.Helper()
	dir := filepath.Join(l.dir, where, table.Name.Path())
	f := warehouse.File{}
	if table.PartitionBy != "" {
		f.Partition = map[string]string{table.PartitionBy: date}
		if where == "lake" {
			dir = filepath.Join(dir, table.PartitionBy+"="+date)
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	f.Path = filepath.Join(dir, fmt.Sprintf("part-%06d.parquet", fileNumber.Add(1)))
	if err := os.WriteFile(f.Path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	l.files[table.Name.String()] = append(l.files[table.Name.String()], f)
	l.mu.Unlock()
}

// encode makes a Parquet file without the partition column.
func encode(t testing.TB, table *tableschema.Table, rows string) []byte {
	t.Helper()
	var fields []arrow.Field
	for _, f := range table.Arrow().Fields() {
		if f.Name != table.PartitionBy {
			fields = append(fields, f)
		}
	}
	schema := arrow.NewSchema(fields, nil)
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, strings.NewReader(rows))
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Release()
	var b strings.Builder
	w, err := pqarrow.NewFileWriter(schema, &b, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(rec); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return []byte(b.String())
}

// usageRows makes rows of the ledger: teams in turn, the last without tags, every third failed.
func usageRows(date string, from, n int) string {
	teams := []string{"search", "ads", "search", ""}
	var rows []string
	for i := from; i < from+n; i++ {
		status, tags := 200, `[{"key":"team","value":"`+teams[i%4]+`"},{"key":"project","value":"p`+fmt.Sprint(i%2)+`"}]`
		if i%3 == 2 {
			status = 429
		}
		if teams[i%4] == "" {
			tags = "null"
		}
		rows = append(rows, fmt.Sprintf(`{"account_id":"acc","workspace_id":"ws","databricks_request_id":"r%02d","requester":"user%d@example.com",
			"status_code":%d,"request_time":"%sT10:%02d:30.250Z","input_token_count":%d,"output_token_count":%d,"usage_context":%s,
			"request_streaming":%t,"served_entity_id":"e1","endpoint_name":"chat","endpoint_id":"ep1","served_entity_name":"gpt-4o","provider":"openai",
			"model":"gpt-4o","latency_ms":%d,"time_to_first_token_ms":%d,"total_token_count":%d,"cost":"%d.%09d","cost_nanos":%d,"user_agent":"OpenAI/Python 1.0",
			"attempts":[{"action":"route","served_entity":"gpt","provider":"openai","model":"gpt-4o","status_code":%d,"latency_ms":%d,"error":null}]}`,
			i, i%3, status, date, i, 100+i, 10*i, tags, i%2 == 0, 200+i, 20+i, 100+11*i, 0, 1000*i, 1000*i, status, 200+i))
	}
	return "[" + strings.Join(rows, ",") + "]"
}

const usageColumns = `account_id STRING
workspace_id STRING
client_request_id STRING
databricks_request_id STRING
requester STRING
status_code INT
request_time TIMESTAMP
input_token_count BIGINT
output_token_count BIGINT
input_character_count BIGINT
output_character_count BIGINT
usage_context MAP<STRING,STRING>
request_streaming BOOLEAN
served_entity_id STRING
request_date DATE
endpoint_name STRING
endpoint_id STRING
served_entity_name STRING
provider STRING
requested_model STRING
model STRING
api_type STRING
task STRING
outcome STRING
error_code STRING
error_message STRING
latency_ms BIGINT
time_to_first_token_ms BIGINT
upstream_latency_ms BIGINT
total_token_count BIGINT
cached_input_token_count BIGINT
cache_write_token_count BIGINT
reasoning_token_count BIGINT
usage_source STRING
cost DECIMAL(18,9)
cost_nanos BIGINT
price_version STRING
attempts ARRAY<STRUCT<action: STRING, served_entity: STRING, provider: STRING, model: STRING, status_code: INT, latency_ms: BIGINT, error: STRING>>
requester_type STRING
key_id STRING
key_tags MAP<STRING,STRING>
user_agent STRING
ip_address STRING
url STRING
generated BOOLEAN
uncached_input_token_count BIGINT
cache_write_1h_token_count BIGINT
input_audio_token_count BIGINT
input_image_token_count BIGINT
cached_input_audio_token_count BIGINT
cached_input_image_token_count BIGINT
output_audio_token_count BIGINT
output_image_token_count BIGINT
input_video_token_count BIGINT
output_video_token_count BIGINT
search_count BIGINT
tool_prompt_token_count BIGINT
service_tier STRING
usage_json STRING
upstream_api_type STRING
list_cost_nanos BIGINT
cache_hit BOOLEAN
saved_cost_nanos BIGINT
saved_input_token_count BIGINT
saved_output_token_count BIGINT
purpose STRING`

const entityColumns = `served_entity_id STRING
account_id STRING
workspace_id STRING
created_by STRING
endpoint_name STRING
endpoint_id STRING
served_entity_name STRING
entity_type STRING
entity_name STRING
entity_version STRING
endpoint_config_version INT
task STRING
external_model_config STRUCT<provider: STRING>
foundation_model_config STRUCT<min_provisioned_throughput: INT, max_provisioned_throughput: INT>
custom_model_config STRUCT<min_concurrency: INT, max_concurrency: INT, compute_type: STRING>
feature_spec_config STRUCT<min_concurrency: INT, max_concurrency: INT, compute_type: STRING>
change_time TIMESTAMP
endpoint_delete_time TIMESTAMP`
