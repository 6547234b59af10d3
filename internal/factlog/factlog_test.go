package factlog

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/wal"
)

// random makes facts whose fields are set, empty or missing by chance.
type random struct{ *rand.Rand }

func newRandom(t testing.TB) random {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return random{rand.New(rand.NewPCG(seed, 0))}
}

func (r random) text() string {
	switch r.IntN(5) {
	case 0:
		return ""
	case 1:
		return strings.Repeat("é", r.IntN(300))
	case 2:
		return "\x00\xff\n"
	default:
		return fmt.Sprintf("text-%d", r.IntN(100))
	}
}

func (r random) int64() *int64 {
	v := []int64{0, -1, 1, r.Int64N(1 << 20), -1 << 63, 1<<63 - 1}[r.IntN(6)]
	if r.IntN(3) == 0 {
		return nil
	}
	return &v
}

func (r random) duration() *time.Duration { return (*time.Duration)(r.int64()) }

func (r random) value() int64 {
	if v := r.int64(); v != nil {
		return *v
	}
	return 0
}

func (r random) tags() map[string]string {
	if r.IntN(3) == 0 {
		return nil
	}
	m := map[string]string{}
	for range r.IntN(4) {
		m[r.text()] = r.text()
	}
	return m
}

func (r random) texts() (list []string) {
	for range r.IntN(3) {
		list = append(list, r.text())
	}
	return list
}

func (r random) body() []byte {
	switch r.IntN(3) {
	case 0:
		return nil
	case 1:
		return []byte{}
	default:
		return []byte(strings.Repeat(r.text(), r.IntN(100)) + ".")
	}
}

func (r random) time() time.Time {
	if r.IntN(5) == 0 {
		return time.Time{}
	}
	return time.Unix(r.Int64N(1<<34)-1<<33, r.Int64N(1e9)).UTC()
}

func (r random) record() *inference.Record {
	rec := &inference.Record{
		ID: inference.NewID(), Time: r.time(),
		Principal: inference.Principal{Name: r.text(), Kind: inference.PrincipalKind(r.text()), KeyID: r.text(), KeyTags: r.tags(), Groups: r.texts()},
		Target:    inference.Target{Endpoint: r.text(), EndpointID: r.text(), ServedEntity: r.text(), ServedEntityID: r.text(), Provider: r.text(), Model: r.text(), Task: r.text(), UpstreamAPI: r.text()},
		APIType:   r.text(), URL: r.text(), RequestedModel: r.text(), ClientRequestID: r.text(), UsageContext: r.tags(),
		Streaming: r.IntN(2) == 0, UserAgent: r.text(), RemoteIP: r.text(),
		Status: r.IntN(600), Outcome: inference.Outcome(r.text()), ErrorCode: r.text(), ErrorMessage: r.text(),
		Latency: time.Duration(r.value()), TimeToFirstToken: r.duration(), UpstreamLatency: r.duration(),
		Usage: inference.Usage{
			Source: inference.UsageSource(r.text()), Input: r.int64(), Output: r.int64(), Total: r.int64(), CachedInput: r.int64(),
			CacheWrite: r.int64(), Reasoning: r.int64(), InputChars: r.int64(), OutputChars: r.int64(),
			CacheWrite1h: r.int64(), InputAudio: r.int64(), InputImage: r.int64(), CachedAudio: r.int64(), CachedImage: r.int64(),
			OutputAudio: r.int64(), OutputImage: r.int64(), InputVideo: r.int64(), OutputVideo: r.int64(), Searches: r.int64(), ToolPrompt: r.int64(), ServiceTier: r.text(),
		},
		Generated: r.IntN(2) == 0,
		Payload: inference.Payload{
			Table: r.text(), SamplingFraction: float64(r.IntN(3)) / 2, Request: r.body(), Response: r.body(), ErrorCodes: r.texts(),
		},
	}
	for range r.IntN(4) {
		rec.Attempts = append(rec.Attempts, inference.Attempt{
			ServedEntity: r.text(), Provider: r.text(), Model: r.text(), Status: r.IntN(600), Error: r.text(), Latency: time.Duration(r.value()), Why: r.text(),
		})
	}
	if r.IntN(2) == 0 {
		rec.Cost = &inference.Cost{NanoUSD: r.value(), ListNanoUSD: r.int64(), PriceVersion: r.text()}
	}
	if r.IntN(2) == 0 {
		rec.Cache = &inference.CacheUse{Hit: r.IntN(2) == 0, SavedNanoUSD: r.int64(), SavedInput: r.int64(), SavedOutput: r.int64()}
	}
	return rec
}

func (r random) entity() *inference.EntityChange {
	c := &inference.EntityChange{
		Time: r.time(), EndpointID: r.text(), EndpointName: r.text(), ServedEntityID: r.text(), ServedEntityName: r.text(),
		EntityType: r.text(), EntityName: r.text(), EntityVersion: r.text(), ConfigVersion: int32(r.Uint32()), Task: r.text(),
		Provider: r.text(), CreatedBy: r.text(),
	}
	if r.IntN(2) == 0 {
		t := time.Unix(r.Int64N(1<<34), 0).UTC()
		c.DeleteTime = &t
	}
	return c
}

func (r random) comparison() *inference.Comparison {
	side := func() inference.Compared {
		return inference.Compared{ServedEntity: r.text(), Model: r.text(), Latency: time.Duration(r.value()), TimeToFirstToken: r.duration(), Output: r.int64(), NanoUSD: r.int64()}
	}
	c := &inference.Comparison{
		RequestID: inference.NewID(), RequestTime: r.time(), Time: r.time(), Endpoint: r.text(), EndpointID: r.text(), Name: r.text(),
		Requester: r.text(), UsageContext: r.tags(), JudgeEndpoint: r.text(), Answered: inference.Baseline, FirstShown: inference.Challenger,
		Winner: inference.Side(r.text()), Reason: r.text(), Error: r.text(), Baseline: side(), Challenger: side(), JudgeCost: r.int64(), JudgeLatency: time.Duration(r.value()),
	}
	if r.IntN(2) == 0 {
		c.OtherID, c.JudgeID = inference.NewID(), inference.NewID()
	}
	return c
}

func joined(parts [][]byte) []byte { return bytes.Join(parts, nil) }

func TestRecordsComeBack(t *testing.T) {
	r := newRandom(t)
	var e Encoder
	var d Decoder
	for range 500 {
		want := r.record()
		at := wal.Pos{Segment: r.Uint64N(2) * r.Uint64(), Offset: r.Int64N(1 << 40)}
		if at.Segment == 0 {
			at.Offset = 0
		}
		f, admit, err := d.Fact(Outcome, joined(e.Record(want, true, at)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, f.Record); diff != "" {
			t.Fatalf("want -, got +\n%s", diff)
		}
		if admit != at || f.Entity != nil {
			t.Fatalf("admitted at %v, want %v", admit, at)
		}
	}
}

func TestRequestIsLeftOut(t *testing.T) {
	rec := newRandom(t).record()
	rec.Payload.Request, rec.Payload.Response = []byte("question"), []byte("answer")
	var e Encoder
	var d Decoder
	b := joined(e.Record(rec, false, wal.Pos{Segment: 7, Offset: 9}))
	f, admit, err := d.Fact(Outcome, b)
	if err != nil || f.Record.Payload.Request != nil || string(f.Record.Payload.Response) != "answer" || admit != (wal.Pos{Segment: 7, Offset: 9}) {
		t.Fatalf("payload %+v, admit %v, %v", f.Record.Payload, admit, err)
	}
	if bytes.Contains(b, []byte("question")) {
		t.Fatal("the request is in the record")
	}
}

func TestRequestBody(t *testing.T) {
	var e Encoder
	for _, want := range [][]byte{nil, {}, []byte("question")} {
		rec := &inference.Record{URL: "/x", Payload: inference.Payload{Request: want, Response: []byte("answer")}}
		got, err := RequestBody(joined(e.Record(rec, true, wal.Pos{})))
		if err != nil || (got == nil) != (want == nil) || !bytes.Equal(got, want) {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
	if _, err := RequestBody([]byte{version, 0xff}); !errors.Is(err, ErrMalformed) {
		t.Errorf("malformed: %v", err)
	}
}

func TestEntitiesComeBack(t *testing.T) {
	r := newRandom(t)
	var e Encoder
	var d Decoder
	for range 500 {
		want := r.entity()
		f, _, err := d.Fact(Entity, joined(e.Entity(want)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, f.Entity); diff != "" || f.Record != nil {
			t.Fatalf("want -, got +\n%s", diff)
		}
	}
}

func TestComparisonsComeBack(t *testing.T) {
	r := newRandom(t)
	var e Encoder
	var d Decoder
	for range 500 {
		want := r.comparison()
		f, _, err := d.Fact(Comparison, joined(e.Comparison(want)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, f.Comparison); diff != "" || f.Record != nil {
			t.Fatalf("want -, got +\n%s", diff)
		}
	}
}

// Strings and maps stay the caller's when the Decoder goes on.
func TestStringsOutliveTheRecord(t *testing.T) {
	var e Encoder
	var d Decoder
	b := joined(e.Record(&inference.Record{ClientRequestID: "mine", UsageContext: map[string]string{"team": "search"}, Payload: inference.Payload{Table: "a.b.c"}}, true, wal.Pos{}))
	f, _, err := d.Fact(Complete, b)
	if err != nil {
		t.Fatal(err)
	}
	id, tags, table := f.Record.ClientRequestID, f.Record.UsageContext, f.Record.Payload.Table
	clear(b)
	if _, _, err := d.Fact(Complete, joined(e.Record(&inference.Record{ClientRequestID: "other"}, true, wal.Pos{}))); err != nil {
		t.Fatal(err)
	}
	if id != "mine" || tags["team"] != "search" || table != "a.b.c" {
		t.Fatalf("%q %v %q", id, tags, table)
	}
}

func TestUnknownFieldsAreSkipped(t *testing.T) {
	rec := &inference.Record{ID: inference.NewID(), URL: "/x"}
	var e Encoder
	w := writer(joined(e.Record(rec, true, wal.Pos{})))
	w.uint(900, 1<<63)
	w.string(901, "from the future")
	w.nested(902, func(w *writer) { w.string(1, "deep") })
	w.string(tagUserAgent, "known")
	var d Decoder
	f, _, err := d.Fact(Complete, w)
	if err != nil || f.Record.URL != "/x" || f.Record.UserAgent != "known" {
		t.Fatalf("%+v, %v", f.Record, err)
	}
}

func TestMalformed(t *testing.T) {
	var e Encoder
	var d Decoder
	good := joined(e.Record(newRandom(t).record(), true, wal.Pos{}))
	for _, tc := range []struct {
		name string
		kind Kind
		b    []byte
	}{
		{"nothing", Complete, nil},
		{"newer version", Complete, []byte{version + 1}},
		{"unknown kind", 77, good},
		{"unknown form", Complete, []byte{version, tagURL<<2 | 3}},
		{"key without value", Complete, []byte{version, tagURL<<2 | asBytes}},
		{"value cut off", Complete, []byte{version, tagURL<<2 | asBytes, 5, 'a'}},
		{"nested cut off", Complete, []byte{version, tagKeyTags<<2 | asNested, 9, 0, 0, 0}},
		{"huge length", Complete, append([]byte{version, tagURL<<2 | asBytes}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1)},
		{"short id", Complete, []byte{version, tagID<<2 | asBytes, 1, 1}},
		{"short id of a comparison", Comparison, []byte{version, tagComparisonOtherID<<2 | asBytes, 1, 1}},
		{"entity cut off", Entity, []byte{version, tagEntityName<<2 | asBytes, 4}},
	} {
		if _, _, err := d.Fact(tc.kind, tc.b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	for cut := range good {
		_, _, _ = d.Fact(Complete, good[:cut]) // no panic; a cut between fields is a shorter record
	}
}

func TestNamesAreBounded(t *testing.T) {
	var n names
	for i := range 3 * maxNames {
		if want := fmt.Sprint(i); n.of(field{tag: i % 100, bytes: []byte(want)}) != want {
			t.Fatal(want)
		}
	}
	if len(n.table) > maxNames {
		t.Fatalf("%d names are kept", len(n.table))
	}
	var d Decoder
	for i := range 3 * maxMaps {
		var w writer
		w.always(tagMapKey, fmt.Sprint(i))
		w.always(tagMapValue, "v")
		if m, err := d.tags(w); err != nil || len(m) != 1 || m[fmt.Sprint(i)] != "v" {
			t.Fatal(m, err)
		}
	}
	if len(d.maps) > maxMaps {
		t.Fatalf("%d maps are kept", len(d.maps))
	}
}

// Any input is an error or a fact, and a fact that was read is written and read as the same.
func FuzzFact(f *testing.F) {
	r := newRandom(f)
	var e Encoder
	for range 5 {
		f.Add(Complete, joined(e.Record(r.record(), true, wal.Pos{Segment: 1, Offset: 2})))
		f.Add(Entity, joined(e.Entity(r.entity())))
		f.Add(Comparison, joined(e.Comparison(r.comparison())))
	}
	f.Fuzz(func(t *testing.T, kind Kind, b []byte) {
		var d, again Decoder
		var e Encoder
		got, admit, err := d.Fact(kind, b)
		if err != nil {
			return
		}
		var parts [][]byte
		switch {
		case got.Entity != nil:
			parts = e.Entity(got.Entity)
		case got.Loss != nil:
			parts = e.Loss(got.Loss)
		case got.Audit != nil:
			parts = e.Audit(got.Audit)
		case got.Comparison != nil:
			parts = e.Comparison(got.Comparison)
		default:
			parts = e.Record(got.Record, true, admit)
		}
		same, _, err := again.Fact(kind, joined(parts))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, same, cmpopts.EquateNaNs()); diff != "" {
			t.Fatal(diff)
		}
	})
}

func typical() *inference.Record {
	n, ttft := int64(1234), 80*time.Millisecond
	return &inference.Record{
		ID: inference.NewID(), Time: time.Now(),
		Principal: inference.Principal{Name: "ann@example.com", Kind: inference.User, KeyID: "search-prod", KeyTags: map[string]string{"team": "search", "env": "prod"}},
		Target:    inference.Target{Endpoint: "chat", EndpointID: "e1", ServedEntity: "gpt", ServedEntityID: "s1", Provider: "openai", Model: "gpt-5-mini", Task: "llm/v1/chat"},
		APIType:   "openai/v1/chat/completions", URL: "/v1/chat/completions", RequestedModel: "chat", ClientRequestID: "c-123",
		UsageContext: map[string]string{"project": "x"}, Streaming: true, UserAgent: "openai-python/2.1", RemoteIP: "10.0.0.7",
		Status: 200, Outcome: inference.OK, Latency: time.Second, TimeToFirstToken: &ttft, UpstreamLatency: &ttft,
		Attempts: []inference.Attempt{{ServedEntity: "gpt", Provider: "openai", Model: "gpt-5-mini", Status: 200, Latency: time.Second}},
		Usage:    inference.Usage{Source: inference.UsageProvider, Input: &n, Output: &n, Total: &n, CachedInput: &n},
		Cost:     &inference.Cost{NanoUSD: 12345678, PriceVersion: "2026-11-01"},
	}
}

// TestEncodeAllocates nothing on the request path: two records are written for each request.
func TestEncodeAllocates(t *testing.T) {
	rec := typical()
	rec.Usage.Raw = []byte(strings.Repeat(`{"prompt_tokens":1000}`, 10))
	var e Encoder
	if n := testing.AllocsPerRun(100, func() { e.Record(rec, true, wal.Pos{Segment: 1 << 50, Offset: 1 << 20}) }); n > 0 {
		t.Errorf("%v allocations for a record", n)
	}
}

func BenchmarkEncode(b *testing.B) {
	rec := typical()
	var e Encoder
	b.ReportAllocs()
	for b.Loop() {
		e.Record(rec, true, wal.Pos{Segment: 1 << 50, Offset: 1 << 20})
	}
	b.ReportMetric(float64(len(joined(e.Record(rec, true, wal.Pos{})))), "bytes")
}

func BenchmarkDecode(b *testing.B) {
	var e Encoder
	var d Decoder
	buf := joined(e.Record(typical(), true, wal.Pos{Segment: 1 << 50, Offset: 1 << 20}))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := d.Fact(Complete, buf); err != nil {
			b.Fatal(err)
		}
	}
}
