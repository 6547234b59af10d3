package inferencetables

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/uuid"

	"github.com/lakegate/lakegate/internal/inference"
)

func record() *inference.Record {
	took := 1200 * time.Millisecond
	return &inference.Record{
		ID:        uuid.MustParse("0193490a-1b2c-7def-8123-456789abcdef"),
		Time:      time.Date(2026, 11, 20, 23, 59, 59, 123456789, time.FixedZone("", 3600)),
		Principal: inference.Principal{Name: "ann@example.com"},
		Target:    inference.Target{Endpoint: "chat-prod", ServedEntity: "gpt", ServedEntityID: "s1", Model: "gpt-4o-2024-08-06"},
		APIType:   "openai/v1/chat/completions", ClientRequestID: "c-7", UsageContext: map[string]string{"team": "search", "project": "p1"},
		Streaming: true, Status: 200, Outcome: inference.OK, UpstreamLatency: &took,
		Payload: inference.Payload{
			Table: "main.ai.chat_payload", SamplingFraction: 1, Request: []byte(`{"model":"chat-prod"}`), Response: []byte(`{"id":"x"}`),
		},
	}
}

// rowOf returns the record's row as text by column.
func rowOf(t *testing.T, rec *inference.Record) map[string]string {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	f, fact := NewFeed(), inference.Fact{Record: rec}
	table := f.Table(fact)
	b := array.NewRecordBuilder(mem, table.Arrow())
	defer b.Release()
	if err := f.Append(b, fact); err != nil {
		t.Fatal(err)
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	if batch.NumRows() != 1 {
		t.Fatalf("%d rows", batch.NumRows())
	}
	out := map[string]string{}
	for i, col := range batch.Columns() {
		name := table.Columns[i].Name
		switch {
		case col.IsNull(0):
			out[name] = "NULL"
		case name == "request_time":
			out[name] = col.(*array.Timestamp).Value(0).ToTime(arrow.Microsecond).UTC().Format(time.RFC3339Nano)
		default:
			out[name] = col.ValueStr(0)
		}
	}
	return out
}

func TestRow(t *testing.T) {
	want := map[string]string{
		"databricks_request_id": "0193490a-1b2c-7def-8123-456789abcdef", "request_date": "2026-11-20", "client_request_id": "c-7",
		"request_time": "2026-11-20T22:59:59.123456Z", "status_code": "200", "sampling_fraction": "1", "execution_duration_ms": "1200",
		"request": `{"model":"chat-prod"}`, "response": `{"id":"x"}`, "logging_error_codes": "[]", "served_entity_id": "s1",
		"requester": "ann@example.com", "endpoint_name": "chat-prod", "served_entity_name": "gpt", "model": "gpt-4o-2024-08-06",
		"api_type": "openai/v1/chat/completions", "outcome": "ok", "request_streaming": "true",
		"usage_context": `[{"key":"project","value":"p1"},{"key":"team","value":"search"}]`,
	}
	got := rowOf(t, record())
	for _, c := range columns {
		if got[c.Name] != want[c.Name] {
			t.Errorf("%s is %s, want %s", c.Name, got[c.Name], want[c.Name])
		}
	}
}

func TestRowDetails(t *testing.T) {
	long := bytes.Repeat([]byte("x"), 5<<20)
	for _, c := range []struct {
		name   string
		change func(*inference.Record)
		want   map[string]string
	}{
		{"crashed", func(r *inference.Record) {
			r.Status, r.Outcome, r.UpstreamLatency, r.Payload.Response = 0, inference.Crashed, nil, nil
		}, map[string]string{"status_code": "NULL", "outcome": "crashed", "execution_duration_ms": "NULL", "response": "NULL", "request": `{"model":"chat-prod"}`}},
		{"an empty body is not a missing one", func(r *inference.Record) { r.Payload.Response = []byte{} }, map[string]string{"response": ""}},
		{"whole, whatever the size", func(r *inference.Record) { r.Payload.Request = long }, map[string]string{"request": string(long)}},
		{"bytes that are not UTF-8", func(r *inference.Record) { r.Payload.Response = []byte("a\xff\xfeb") }, map[string]string{
			"response": "a\uFFFDb", "logging_error_codes": `["INVALID_UTF8"]`, "request": `{"model":"chat-prod"}`,
		}},
		{"both codes", func(r *inference.Record) {
			r.Payload.Request, r.Payload.ErrorCodes = []byte("\xff"), []string{"RESPONSE_INCOMPLETE"}
		}, map[string]string{"logging_error_codes": `["RESPONSE_INCOMPLETE","INVALID_UTF8"]`}},
		{"a code is there once", func(r *inference.Record) {
			r.Payload.Request, r.Payload.ErrorCodes = []byte("\xff"), []string{InvalidUTF8}
		}, map[string]string{"logging_error_codes": `["INVALID_UTF8"]`}},
		{"no outcome is a fault of ours", func(r *inference.Record) { r.Outcome = "" }, map[string]string{"outcome": "internal_failure"}},
		{"no tags", func(r *inference.Record) { r.UsageContext = map[string]string{} }, map[string]string{"usage_context": "NULL"}},
		{"tags that are not UTF-8", func(r *inference.Record) { r.UsageContext = map[string]string{"k\xff": "2", "k\xfe": "1"} }, map[string]string{
			"usage_context": `[{"key":"k` + "\uFFFD" + `","value":"1"}]`,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rec := record()
			c.change(rec)
			got := rowOf(t, rec)
			for col, want := range c.want {
				if got[col] != want {
					t.Errorf("%s is %.200s, want %.200s", col, got[col], want)
				}
			}
		})
	}
}

func TestTableOfRecord(t *testing.T) {
	f := NewFeed()
	first := f.Table(inference.Fact{Record: record()})
	if first == nil || first.Name.String() != "main.ai.chat_payload" || first != f.Table(inference.Fact{Record: record()}) {
		t.Fatalf("table %v is not kept", first)
	}
	for name, change := range map[string]func(*inference.Record){
		"names no table":      func(r *inference.Record) { r.Payload.Table = "" },
		"not in the share":    func(r *inference.Record) { r.Payload.SamplingFraction = 0 },
		"a share of nonsense": func(r *inference.Record) { r.Payload.SamplingFraction = -1 },
	} {
		rec := record()
		change(rec)
		if got := f.Table(inference.Fact{Record: rec}); got != nil {
			t.Errorf("%s: table %s", name, got.Name)
		}
	}
	if f.Table(inference.Fact{Entity: &inference.EntityChange{}}) != nil {
		t.Error("a change of a served entity has a payload table")
	}
	if f.Rejected() != 0 {
		t.Errorf("%d rejected", f.Rejected())
	}
	bad := record()
	bad.Payload.Table = "system.serving.endpoint_usage"
	for range 3 {
		if got := f.Table(inference.Fact{Record: bad}); got != nil {
			t.Errorf("table %s", got.Name)
		}
	}
	if f.Rejected() != 3 {
		t.Errorf("%d rejected, want 3", f.Rejected())
	}
}

func TestNames(t *testing.T) {
	if got := TableName("main", "ai", "chat"); got != "main.ai.chat_payload" || ValidateName(got) != nil {
		t.Errorf("%s: %v", got, ValidateName(got))
	}
	for name, want := range map[string]string{
		"chat_payload":            "want catalog.schema.table",
		"main.ai.chat payload":    "letters, digits",
		"main.ai.chat":            "a prefix and _payload",
		"main.ai._payload":        "a prefix and _payload",
		"SYSTEM.ai.chat_payload":  "lakegate's own",
		"main.../etc/p_payload":   "want catalog.schema.table",
		"main.ai/x.p_payload":     "letters, digits",
		"main.ai.p_payload.extra": "want catalog.schema.table",
	} {
		if err := ValidateName(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

func TestAppendIsAtomic(t *testing.T) {
	f, good := NewFeed(), inference.Fact{Record: record()}
	f.maxColumn = 30
	b := array.NewRecordBuilder(memory.DefaultAllocator, f.Table(good).Arrow())
	defer b.Release()
	if err := f.Append(b, good); err != nil {
		t.Fatal(err)
	}
	large := record()
	large.Payload.Request, large.Payload.Response = nil, bytes.Repeat([]byte("x"), 21)
	noID, noTime := record(), record()
	noID.ID, noTime.Time = uuid.Nil, time.Time{}
	for name, c := range map[string]struct {
		rec  *inference.Record
		want string
	}{
		"no record": {nil, "not a record"},
		"no id":     {noID, "no id"},
		"no time":   {noTime, "no time"},
		"full":      {large, ErrFull.Error()},
	} {
		err := f.Append(b, inference.Fact{Record: c.rec})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v", name, err)
		}
		if name == "full" && !errors.Is(err, ErrFull) {
			t.Errorf("%v is not ErrFull", err)
		}
		for i, col := range b.Fields() {
			if col.Len() != 1 {
				t.Fatalf("%s: column %d has %d values", name, i, col.Len())
			}
		}
	}
	large.Payload.Response = large.Payload.Response[:20]
	if err := f.Append(b, inference.Fact{Record: large}); err != nil {
		t.Errorf("a body that just fits: %v", err)
	}
	other := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(nil, nil))
	defer other.Release()
	if err := f.Append(other, good); err == nil || !strings.Contains(err.Error(), "other columns") {
		t.Errorf("another builder: %v", err)
	}
}

func BenchmarkAppend(b *testing.B) {
	f, fact := NewFeed(), inference.Fact{Record: record()}
	prompt := strings.Repeat("What is the meaning of life? ", 40)
	fact.Record.Payload.Request, _ = json.Marshal(map[string]string{"prompt": prompt})
	fact.Record.Payload.Response, _ = json.Marshal(map[string]string{"answer": prompt})
	builder := array.NewRecordBuilder(memory.DefaultAllocator, f.Table(fact).Arrow())
	defer builder.Release()
	b.SetBytes(int64(len(fact.Record.Payload.Request) + len(fact.Record.Payload.Response)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if f.Table(fact) == nil {
			b.Fatal("no table")
		}
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
