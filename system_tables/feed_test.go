package systemtables

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/uuid"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/tableschema"
)

// feed is what the table's writer sees of one.
type feed interface {
	Table(inference.Fact) *tableschema.Table
	Append(*array.RecordBuilder, inference.Fact) error
}

// rows appends facts with a feed and returns the batch as text, one map of column to value per
// row. Every buffer must have been given back by the end of the test.
func rows(t *testing.T, f feed, facts ...inference.Fact) []map[string]string {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	t.Cleanup(func() { mem.AssertSize(t, 0) })
	table := f.Table(facts[0])
	b := array.NewRecordBuilder(mem, table.Arrow())
	defer b.Release()
	for _, fact := range facts {
		if err := f.Append(b, fact); err != nil {
			t.Fatal(err)
		}
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	if batch.NumRows() != int64(len(facts)) {
		t.Fatalf("%d rows of %d facts", batch.NumRows(), len(facts))
	}
	out := make([]map[string]string, len(facts))
	for i := range out {
		out[i] = map[string]string{}
		for c, col := range batch.Columns() {
			if col.Len() != len(facts) {
				t.Fatalf("column %s has %d values", table.Columns[c].Name, col.Len())
			}
			out[i][table.Columns[c].Name] = cell(col, i)
		}
	}
	return out
}

func cell(col arrow.Array, i int) string {
	switch a := col.(type) {
	case *array.Timestamp:
		if a.IsNull(i) {
			return "NULL"
		}
		return a.Value(i).ToTime(arrow.Microsecond).UTC().Format(time.RFC3339Nano)
	case *array.Date32:
		return a.Value(i).ToTime().Format(time.DateOnly)
	case *array.Decimal128:
		if a.IsNull(i) {
			return "NULL"
		}
		return a.Value(i).ToString(9)
	default:
		if col.IsNull(i) {
			return "NULL"
		}
		return col.ValueStr(i)
	}
}

func n(v int64) *int64                 { return &v }
func d(v time.Duration) *time.Duration { return &v }

func record() *inference.Record {
	return &inference.Record{
		ID:   uuid.MustParse("0193490a-1b2c-7def-8123-456789abcdef"),
		Time: time.Date(2026, 11, 20, 23, 59, 59, 123456789, time.FixedZone("", 3600)),
		Principal: inference.Principal{
			Name: "ann@example.com", Kind: inference.User, KeyID: "team-search", KeyTags: map[string]string{"team": "search", "env": "prod"},
		},
		Target: inference.Target{
			Endpoint: "chat-prod", EndpointID: "e1", ServedEntity: "gpt", ServedEntityID: "s1",
			Provider: "openai", Model: "gpt-4o-2024-08-06", Task: "llm/v1/chat", UpstreamAPI: "openai-chat",
		},
		APIType: "openai/v1/chat/completions", URL: "/v1/chat/completions", RequestedModel: "chat-prod", ClientRequestID: "c-7",
		UsageContext: map[string]string{"project": "p1", "team": "search"},
		Streaming:    true, UserAgent: "curl/8", RemoteIP: "10.0.0.7",
		Status: 200, Outcome: inference.OK, Latency: 1234567 * time.Microsecond,
		TimeToFirstToken: d(300 * time.Millisecond), UpstreamLatency: d(1200 * time.Millisecond),
		Attempts: []inference.Attempt{
			{ServedEntity: "gpt", Provider: "openai", Model: "gpt-4o", Status: 500, Error: "server error", Latency: 100 * time.Millisecond, Source: inference.UsagePartial, Input: n(1000), CostNano: n(250)},
			{ServedEntity: "gpt", Provider: "openai", Model: "gpt-4o", Latency: 0, Error: "connection refused", Why: "server error; waited 50ms"},
			{ServedEntity: "claude", Provider: "anthropic", Model: "claude", Status: 200, Latency: time.Second, Action: inference.ActionRace, Source: inference.UsageProvider, Input: n(1000), Output: n(500), CostNano: n(6_499_750)},
		},
		Usage: inference.Usage{
			Source: inference.UsageProvider, Input: n(1000), Output: n(500), CachedInput: n(800), CacheWrite: n(50), Reasoning: n(90),
			CacheWrite1h: n(20), InputAudio: n(11), InputImage: n(12), CachedAudio: n(3), CachedImage: n(4), OutputAudio: n(5), OutputImage: n(6), InputVideo: n(8), OutputVideo: n(9),
			Searches: n(2), ToolPrompt: n(7), ServiceTier: "flex", Raw: []byte(`{"prompt_tokens":1000}`),
		},
		Cost:         &inference.Cost{NanoUSD: 6_500_000, ListNanoUSD: n(7_000_000), PriceVersion: "2026-11-20.1"},
		Cache:        &inference.CacheUse{Hit: true, SavedNanoUSD: n(31), SavedInput: n(32), SavedOutput: n(33)},
		ExtraNanoUSD: n(250), Purpose: inference.PurposeShadow, Parent: uuid.MustParse("0193490a-1b2c-7def-8123-456789abcdee"),
		PromptVersion: 12,
	}
}

func TestUsageRow(t *testing.T) {
	got := rows(t, NewUsageFeed(Config{AccountID: "acc", WorkspaceID: "42"}), inference.Fact{Record: record()})[0]
	want := map[string]string{
		"account_id": "acc", "workspace_id": "42", "client_request_id": "c-7",
		"databricks_request_id": "0193490a-1b2c-7def-8123-456789abcdef", "requester": "ann@example.com", "status_code": "200",
		"request_time": "2026-11-20T22:59:59.123456Z", "input_token_count": "1000", "output_token_count": "500",
		"input_character_count": "NULL", "output_character_count": "NULL",
		"usage_context":     `[{"key":"project","value":"p1"},{"key":"team","value":"search"}]`,
		"request_streaming": "true", "served_entity_id": "s1", "request_date": "2026-11-20", "endpoint_name": "chat-prod", "endpoint_id": "e1",
		"served_entity_name": "gpt", "provider": "openai", "requested_model": "chat-prod", "model": "gpt-4o-2024-08-06",
		"api_type": "openai/v1/chat/completions", "task": "llm/v1/chat", "outcome": "ok", "error_code": "NULL", "error_message": "NULL",
		"latency_ms": "1235", "time_to_first_token_ms": "300", "upstream_latency_ms": "1200", "total_token_count": "1500",
		"cached_input_token_count": "800", "cache_write_token_count": "50", "reasoning_token_count": "90", "usage_source": "provider",
		"cost": "0.006500000", "cost_nanos": "6500000", "price_version": "2026-11-20.1",
		"attempts": `[{"action":"CALL","cost_nanos":250,"error":"server error","input_token_count":1000,"latency_ms":100,"model":"gpt-4o","output_token_count":null,"provider":"openai","served_entity":"gpt","status_code":500,"usage_source":"partial","why":null},` +
			`{"action":"RETRY","cost_nanos":null,"error":"connection refused","input_token_count":null,"latency_ms":null,"model":"gpt-4o","output_token_count":null,"provider":"openai","served_entity":"gpt","status_code":null,"usage_source":null,"why":"server error; waited 50ms"},` +
			`{"action":"RACE","cost_nanos":6499750,"error":null,"input_token_count":1000,"latency_ms":1000,"model":"claude","output_token_count":500,"provider":"anthropic","served_entity":"claude","status_code":200,"usage_source":"provider","why":null}]`,
		"requester_type": "USER", "key_id": "team-search", "key_tags": `[{"key":"env","value":"prod"},{"key":"team","value":"search"}]`,
		"user_agent": "curl/8", "ip_address": "10.0.0.7", "url": "/v1/chat/completions", "generated": "false",
		"uncached_input_token_count": "150", "cache_write_1h_token_count": "20", "input_audio_token_count": "11", "input_image_token_count": "12",
		"cached_input_audio_token_count": "3", "cached_input_image_token_count": "4", "output_audio_token_count": "5", "output_image_token_count": "6",
		"input_video_token_count": "8", "output_video_token_count": "9",
		"search_count": "2", "tool_prompt_token_count": "7", "service_tier": "flex", "usage_json": `{"prompt_tokens":1000}`,
		"upstream_api_type": "openai-chat", "list_cost_nanos": "7000000",
		"cache_hit": "true", "saved_cost_nanos": "31", "saved_input_token_count": "32", "saved_output_token_count": "33",
		"extra_cost_nanos": "250", "purpose": "shadow", "parent_request_id": "0193490a-1b2c-7def-8123-456789abcdee",
		"prompt_version": "12",
	}
	compare(t, endpointUsage, got, want)
}

func compare(t *testing.T, table *tableschema.Table, got, want map[string]string) {
	t.Helper()
	for _, c := range table.Columns {
		w, ok := want[c.Name]
		if !ok {
			t.Errorf("the test says nothing about column %s", c.Name)
		}
		if got[c.Name] != w {
			t.Errorf("%s is %s, want %s", c.Name, got[c.Name], w)
		}
	}
}

// A request that nothing is known of but its time and that it was refused.
func TestUnknownIsNull(t *testing.T) {
	rec := &inference.Record{ID: inference.NewID(), Time: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Outcome: inference.Crashed}
	got := rows(t, NewUsageFeed(Config{}), inference.Fact{Record: rec})[0]
	known := map[string]string{
		"databricks_request_id": rec.ID.String(), "request_time": "2026-01-01T00:00:00Z", "request_date": "2026-01-01",
		"request_streaming": "false", "outcome": "crashed", "generated": "false",
	}
	for _, c := range endpointUsage.Columns {
		want := "NULL"
		if k, ok := known[c.Name]; ok {
			want = k
		}
		if got[c.Name] != want {
			t.Errorf("%s is %s, want %s", c.Name, got[c.Name], want)
		}
	}
}

func TestUsageDetails(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*inference.Record)
		column string
		want   string
	}{
		{"no outcome is a fault of ours", func(r *inference.Record) { r.Outcome = "" }, "outcome", "internal_failure"},
		{"under half a millisecond is 0", func(r *inference.Record) { r.Latency = 200 * time.Microsecond }, "latency_ms", "0"},
		{"the provider's total wins", func(r *inference.Record) { r.Usage.Total = n(7) }, "total_token_count", "7"},
		{"no total of half a usage", func(r *inference.Record) { r.Usage.Output = nil }, "total_token_count", "NULL"},
		{"known zero", func(r *inference.Record) { r.Usage.Output = n(0) }, "output_token_count", "0"},
		{"no word of a cache", func(r *inference.Record) { r.Usage.CachedInput, r.Usage.CacheWrite = nil, nil }, "uncached_input_token_count", "1000"},
		{"more cached than sent", func(r *inference.Record) { r.Usage.CachedInput = n(1001) }, "uncached_input_token_count", "NULL"},
		{"no input, nothing uncached", func(r *inference.Record) { r.Usage.Input = nil }, "uncached_input_token_count", "NULL"},
		{"no list price", func(r *inference.Record) { r.Cost.ListNanoUSD = nil }, "list_cost_nanos", "NULL"},
		{"a miss", func(r *inference.Record) { r.Cache = &inference.CacheUse{} }, "cache_hit", "false"},
		{"nothing saved by a miss", func(r *inference.Record) { r.Cache = &inference.CacheUse{} }, "saved_cost_nanos", "NULL"},
		{"no cache", func(r *inference.Record) { r.Cache = nil }, "cache_hit", "NULL"},
		{"nothing saved without a cache", func(r *inference.Record) { r.Cache = nil }, "saved_input_token_count", "NULL"},
		{"no cost", func(r *inference.Record) { r.Cost = nil }, "list_cost_nanos", "NULL"},
		{"free is not unknown", func(r *inference.Record) { r.Cost = &inference.Cost{PriceVersion: "v"} }, "cost_nanos", "0"},
		{"a nano-dollar", func(r *inference.Record) { r.Cost.NanoUSD = 1 }, "cost", "0.000000001"},
		{"the largest cost", func(r *inference.Record) { r.Cost.NanoUSD = maxNanos }, "cost_nanos", "999999999999999999"},
		{"text that is not UTF-8", func(r *inference.Record) { r.UserAgent = "a\xffb" }, "user_agent", "a\uFFFDb"},
		{"tag that is not UTF-8", func(r *inference.Record) { r.UsageContext = map[string]string{"a": "\xff"} }, "usage_context", `[{"key":"a","value":"` + "\uFFFD" + `"}]`},
		{"keys that become one", func(r *inference.Record) {
			r.UsageContext = map[string]string{"k\xff": "second", "k\xfe": "first", "b": "x", "k\uFFFD": "third"}
		}, "usage_context", `[{"key":"b","value":"x"},{"key":"k` + "\uFFFD" + `","value":"third"}]`},
		{"an empty value is a value", func(r *inference.Record) { r.UsageContext = map[string]string{"team": ""} }, "usage_context", `[{"key":"team","value":""}]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			rec := record()
			c.change(rec)
			if got := rows(t, NewUsageFeed(Config{}), inference.Fact{Record: rec})[0][c.column]; got != c.want {
				t.Errorf("%s is %s, want %s", c.column, got, c.want)
			}
		})
	}
}

func TestEntityRow(t *testing.T) {
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	gone := at.Add(time.Hour)
	change := &inference.EntityChange{
		Time: at, EndpointID: "e1", EndpointName: "chat-prod", ServedEntityID: "s1", ServedEntityName: "gpt", EntityType: "EXTERNAL_MODEL",
		EntityName: "gpt-4o", ConfigVersion: 3, Task: "llm/v1/chat", Provider: "openai", CreatedBy: "config",
	}
	removed := *change
	removed.EntityType, removed.DeleteTime, removed.EntityVersion, removed.ConfigVersion = "CUSTOM_MODEL", &gone, "2", 0
	got := rows(t, NewEntityFeed(DefaultConfig()), inference.Fact{Entity: change}, inference.Fact{Entity: &removed})
	want := map[string]string{
		"served_entity_id": "s1", "account_id": "local", "workspace_id": "0", "created_by": "config", "endpoint_name": "chat-prod",
		"endpoint_id": "e1", "served_entity_name": "gpt", "entity_type": "EXTERNAL_MODEL", "entity_name": "gpt-4o", "entity_version": "NULL",
		"endpoint_config_version": "3", "task": "llm/v1/chat", "external_model_config": `{"provider":"openai"}`,
		"foundation_model_config": "NULL", "custom_model_config": "NULL", "feature_spec_config": "NULL",
		"change_time": "2026-11-20T12:00:00Z", "endpoint_delete_time": "NULL",
	}
	compare(t, servedEntities, got[0], want)
	for k, v := range map[string]string{
		"entity_type": "CUSTOM_MODEL", "external_model_config": "NULL", "endpoint_delete_time": "2026-11-20T13:00:00Z",
		"entity_version": "2", "endpoint_config_version": "NULL",
	} {
		want[k] = v
	}
	compare(t, servedEntities, got[1], want)
}

func TestTablesOfFacts(t *testing.T) {
	rec, ent := inference.Fact{Record: record()}, inference.Fact{Entity: &inference.EntityChange{}}
	u, e := NewUsageFeed(Config{}), NewEntityFeed(Config{})
	if u.Table(rec) != EndpointUsage() || u.Table(ent) != nil || e.Table(ent) != ServedEntities() || e.Table(rec) != nil {
		t.Error("a fact goes to the wrong table")
	}
}

// After an error the builder is as it was, and takes the next row.
func TestAppendIsAtomic(t *testing.T) {
	bad := func(change func(*inference.Record)) inference.Fact {
		r := record()
		change(r)
		return inference.Fact{Record: r}
	}
	for _, c := range []struct {
		name string
		feed feed
		bad  inference.Fact
		good inference.Fact
		want string
	}{
		{"no record", NewUsageFeed(Config{}), inference.Fact{}, inference.Fact{Record: record()}, "not a record"},
		{"no id", NewUsageFeed(Config{}), bad(func(r *inference.Record) { r.ID = uuid.Nil }), inference.Fact{Record: record()}, "no id"},
		{"no time", NewUsageFeed(Config{}), bad(func(r *inference.Record) { r.Time = time.Time{} }), inference.Fact{Record: record()}, "no time"},
		{"too dear", NewUsageFeed(Config{}), bad(func(r *inference.Record) { r.Cost.NanoUSD = maxNanos + 1 }), inference.Fact{Record: record()}, "more than the column holds"},
		{"no change", NewEntityFeed(Config{}), inference.Fact{}, entity(), "not a change"},
		{"no entity id", NewEntityFeed(Config{}), inference.Fact{Entity: &inference.EntityChange{Time: time.Unix(1, 0)}}, entity(), "no served entity id"},
		{"no time of change", NewEntityFeed(Config{}), inference.Fact{Entity: &inference.EntityChange{ServedEntityID: "s"}}, entity(), "no time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := array.NewRecordBuilder(memory.DefaultAllocator, c.feed.Table(c.good).Arrow())
			defer b.Release()
			mustAppend(t, c.feed, b, c.good)
			if err := c.feed.Append(b, c.bad); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			for i, f := range b.Fields() {
				if f.Len() != 1 {
					t.Fatalf("column %d has %d values after the error", i, f.Len())
				}
			}
			mustAppend(t, c.feed, b, c.good)
			batch := b.NewRecordBatch()
			defer batch.Release()
			if batch.NumRows() != 2 {
				t.Errorf("%d rows, want 2", batch.NumRows())
			}
		})
	}
}

func entity() inference.Fact {
	return inference.Fact{Entity: &inference.EntityChange{Time: time.Unix(1, 0), ServedEntityID: "s"}}
}

func mustAppend(t *testing.T, f feed, b *array.RecordBuilder, fact inference.Fact) {
	t.Helper()
	if err := f.Append(b, fact); err != nil {
		t.Fatal(err)
	}
}

func TestWrongBuilder(t *testing.T) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, servedEntities.Arrow())
	defer b.Release()
	err := NewUsageFeed(Config{}).Append(b, inference.Fact{Record: record()})
	if err == nil || !strings.Contains(err.Error(), "other columns than the table") {
		t.Errorf("error %v", err)
	}
}

func BenchmarkUsageAppend(b *testing.B) {
	f, fact := NewUsageFeed(DefaultConfig()), inference.Fact{Record: record()}
	fact.Record.Attempts = fact.Record.Attempts[2:]
	benchmark(b, f, fact)
}

func BenchmarkEntityAppend(b *testing.B) {
	benchmark(b, NewEntityFeed(DefaultConfig()), entity())
}

// benchmark appends batches of 4,096 rows, the batch's making not counted.
func benchmark(b *testing.B, f feed, fact inference.Fact) {
	builder := array.NewRecordBuilder(memory.DefaultAllocator, f.Table(fact).Arrow())
	defer builder.Release()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := f.Append(builder, fact); err != nil {
			b.Fatal(err)
		}
		if i%4096 == 4095 {
			b.StopTimer()
			builder.NewRecordBatch().Release()
			b.StartTimer()
		}
	}
}

func ExampleUsageFeed() {
	f := NewUsageFeed(DefaultConfig())
	fact := inference.Fact{Record: &inference.Record{ID: inference.NewID(), Time: time.Unix(0, 0), Outcome: inference.OK}}
	b := array.NewRecordBuilder(memory.DefaultAllocator, f.Table(fact).Arrow())
	defer b.Release()
	fmt.Println(f.Append(b, fact), b.Field(0).Len())
	// Output: <nil> 1
}
