package anthropic

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/sse"
	"github.com/lakegate/lakegate/serving/wire"
)

// scenarios returns the files of testdata that match, by name without the ending.
func scenarios(t testing.TB, pattern string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	all := map[string][]byte{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		base := filepath.Base(f)
		all[strings.TrimSuffix(base, filepath.Ext(base))] = b
	}
	return all
}

// TestJoinedIsTheAnswer joins the stream of each scenario, and compares with the answer that the
// same call without streaming gives.
func TestJoinedIsTheAnswer(t *testing.T) {
	answers := scenarios(t, "provider/*.json")
	for name, stream := range scenarios(t, "provider/*.sse") {
		answer, ok := answers[name]
		if !ok || name == "error" {
			continue
		}
		r := track(readEvents(t, stream), true)
		var got, want any
		if err := errors.Join(json.Unmarshal(r.Joined, &got), json.Unmarshal(answer, &want)); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, r.Joined)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: -answer +joined:\n%s", name, d)
		}
		whole, err := parseAnswer(answer)
		whole.Usage.Raw, r.Usage.Raw = nil, nil
		if d := cmp.Diff(whole, r.Answer); d != "" || err != nil || !r.Complete {
			t.Errorf("%s: %v, complete %v, -answer +stream:\n%s", name, err, r.Complete, d)
		}
	}
}

// TestStreamsCutAnywhere reads streams from sources that give a byte at a time, and any number.
func TestStreamsCutAnywhere(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 1))
	for name, stream := range scenarios(t, "provider/*.sse") {
		want := track(readEvents(t, stream), true)
		for round := range 4 {
			var src io.Reader = iotest.OneByteReader(bytes.NewReader(stream))
			if round > 0 {
				src = &bits{stream, rnd}
			}
			tr := Codec().NewTracker(true)
			r := sse.NewReader(src, 1<<20, nil)
			for {
				e, err := r.Next()
				if err != nil {
					break
				}
				tr.Add(e.Name, e.Data)
			}
			if d := cmp.Diff(want, tr.Result()); d != "" {
				t.Errorf("seed %d, %s: -whole +cut:\n%s", seed, name, d)
			}
		}
	}
}

type bits struct {
	left []byte
	rnd  *rand.Rand
}

func (b *bits) Read(p []byte) (int, error) {
	if len(b.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), 1+b.rnd.IntN(40))], b.left)
	b.left = b.left[n:]
	return n, nil
}

// TestBrokenOff ends streams after each of their events.
func TestBrokenOff(t *testing.T) {
	for name, stream := range scenarios(t, "provider/*.sse") {
		events := readEvents(t, stream)
		for n := range events {
			r := track(events[:n], true)
			if r.Joined != nil && !json.Valid(r.Joined) {
				t.Fatalf("%s, %d events: %s", name, n, r.Joined)
			}
			if r.HasUsage && r.Complete != (r.Usage.Source == inference.UsageProvider) {
				t.Errorf("%s, %d events: complete %v, usage of source %q", name, n, r.Complete, r.Usage.Source)
			}
			if n < len(events)-2 && r.Complete {
				t.Errorf("%s: complete after %d of %d events", name, n, len(events))
			}
		}
	}
}

func TestTracker(t *testing.T) {
	const start = `{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"claude","content":[],"stop_reason":null,"usage":{"input_tokens":3,"output_tokens":1}}}`
	const text = `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`
	tests := []struct {
		name   string
		events []string
		want   string
	}{
		{"nothing", nil, `{} 0 events`},
		{"pings", []string{`{"type":"ping"}`}, `{} 0 events`},
		{"only an error", []string{`{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`}, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}} 0 events failed`},
		{"an error in the middle", []string{start, text, `{"type":"error","error":{"type":"api_error"}}`}, `{"id":"m","type":"message","role":"assistant","model":"claude","content":[{"type":"text","text":""}],"stop_reason":null,"error":{"type":"api_error"},"usage":{"input_tokens":3,"output_tokens":1}} 2 events failed`},
		{"no JSON", []string{start, `<html>`}, `{"id":"m","type":"message","role":"assistant","model":"claude","content":[],"stop_reason":null,"usage":{"input_tokens":3,"output_tokens":1},"unjoined_events":["<html>"]} 1 events`},
		{"an unknown event", []string{start, `{"type":"telemetry","x":1}`}, `{"id":"m","type":"message","role":"assistant","model":"claude","content":[],"stop_reason":null,"usage":{"input_tokens":3,"output_tokens":1},"unjoined_events":[{"type":"telemetry","x":1}]} 1 events`},
		{"an unknown delta", []string{start, text, `{"type":"content_block_delta","index":0,"delta":{"type":"new_delta","x":1}}`}, `{"id":"m","type":"message","role":"assistant","model":"claude","content":[{"type":"text","text":""}],"stop_reason":null,"usage":{"input_tokens":3,"output_tokens":1},"unjoined_events":[{"type":"content_block_delta","index":0,"delta":{"type":"new_delta","x":1}}]} 3 events`},
		{"members in another order", []string{start, `{"content_block":{"text":"a","type":"text"},"index":0,"type":"content_block_start"}`, `{"index":0,"delta":{"text":"\u00e4","type":"text_delta"},"type":"content_block_delta"}`}, `{"id":"m","type":"message","role":"assistant","model":"claude","content":[{"text":"a\u00e4","type":"text"}],"stop_reason":null,"usage":{"input_tokens":3,"output_tokens":1}} 3 events started 2 characters`},
		{"a surrogate pair in two pieces", []string{text, `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\ud83d"}}`, `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\ude00"}}`}, `{"content":[{"type":"text","text":"\ud83d\ude00"}]} 3 events started 1 characters`},
		{"a block without a start", []string{`{"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"x"}}`, `{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"a\":1}"}}`}, `{"content":[{"type":"tool_use","input":{"a":1}},{"type":"text","text":"x"}]} 2 events started 1 characters`},
		{"input that came with the start", []string{`{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"n","input":{"a":1}}}`}, `{"content":[{"type":"tool_use","id":"t","name":"n","input":{"a":1}}]} 1 events started`},
		{"input that is cut off", []string{`{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"n","input":{}}}`, `{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"a"}}`}, `{"content":[{"type":"tool_use","id":"t","name":"n","input":{},"partial_json":"{\"a"}]} 2 events started`},
		{"a second message", []string{start, text, `{"type":"message_stop"}`, `{"type":"message_start","message":{"id":"2","content":[{"type":"text","text":"hey"}],"stop_reason":"end_turn","usage":{"output_tokens":0}}}`, `{"type":"message_stop"}`}, `{"id":"2","content":[{"type":"text","text":"hey"}],"stop_reason":"end_turn","usage":{"output_tokens":0}} 5 events started complete 3 characters`},
		{"a fallback to another model", []string{start, `{"type":"content_block_start","index":0,"content_block":{"type":"fallback","from":{"model":"claude"},"to":{"model":"other"}}}`}, `{"id":"m","type":"message","role":"assistant","model":"other","content":[{"type":"fallback","from":{"model":"claude"},"to":{"model":"other"}}],"stop_reason":null,"usage":{"input_tokens":3,"output_tokens":1}} 2 events started`},
		{"usage of null", []string{start, `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":null,"output_tokens":9},"context_management":{"a":[]}}`}, `{"id":"m","type":"message","role":"assistant","model":"claude","content":[],"stop_reason":"end_turn","context_management":{"a":[]},"usage":{"input_tokens":3,"output_tokens":9}} 2 events complete`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var events []event
			for _, e := range tt.events {
				events = append(events, event{data: []byte(e)})
			}
			if d := cmp.Diff(tt.want, describe(track(events, true))); d != "" {
				t.Error(d)
			}
		})
	}
}

func describe(r wire.Result) string {
	joined := string(r.Joined)
	if r.Joined == nil {
		joined = "{}"
	}
	s := fmt.Sprintf("%s %d events", joined, r.Events)
	if r.Failed {
		s += " failed"
	}
	if r.Started {
		s += " started"
	}
	if r.Complete {
		s += " complete"
	}
	if r.OutputChars != nil && *r.OutputChars > 0 {
		s += fmt.Sprintf(" %d characters", *r.OutputChars)
	}
	return s
}

func TestChunks(t *testing.T) {
	tests := []struct {
		name, data string
		want       wire.Chunk
	}{
		{"", `{"type":"message_stop"}`, wire.Chunk{JSON: true, End: true}},
		{"message_stop", `{}`, wire.Chunk{JSON: true, End: true}},
		{"", `{"type":"ping"}`, wire.Chunk{JSON: true}},
		{"", `{"type":"error","error":{"type":"api_error","message":"x"}}`, wire.Chunk{JSON: true, Error: true}},
		{"error", `{"error":{"type":"api_error","message":"x"}}`, wire.Chunk{JSON: true, Error: true}},
		{"", `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}  }  `, wire.Chunk{JSON: true, Started: true}},
		{"", `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}`, wire.Chunk{}},
		{"", `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x\q"}}`, wire.Chunk{}},
		{"", `{"half":`, wire.Chunk{}},
	}
	for _, tt := range tests {
		if got := Codec().NewTracker(true).Add([]byte(tt.name), []byte(tt.data)); got != tt.want {
			t.Errorf("%s %s: %+v, want %+v", tt.name, tt.data, got, tt.want)
		}
	}
}

// FuzzTracker: whatever comes, the joined answer is JSON, and the short way for pieces of text
// changes nothing.
func FuzzTracker(f *testing.F) {
	for _, stream := range scenarios(f, "provider/*.sse") {
		f.Add(stream)
	}
	f.Add([]byte("data: {\"type\":\"message_start\",\"message\":{\"\\u0061\":1,\"usage\":{\"a\\\"b\":1}}}\n\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		fast, slow := &tracker{keep: true}, &tracker{keep: true}
		r := sse.NewReader(bytes.NewReader(in), 1<<20, nil)
		for {
			e, err := r.Next()
			if err != nil {
				break
			}
			fast.Add(e.Name, e.Data)
			slow.Add(e.Name, append([]byte(" "), e.Data...))
		}
		a, b := fast.Result(), slow.Result()
		if a.Joined != nil && !json.Valid(a.Joined) {
			t.Fatalf("joined to %s", a.Joined)
		}
		if len(fast.loose) == 0 && !cmp.Equal(a, b) {
			t.Fatalf("the short way differs:\n%s", cmp.Diff(a, b))
		}
	})
}

func BenchmarkTracker50Events(b *testing.B) {
	piece := []byte(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" word"}           }`)
	events := readBench(b)
	for _, keep := range []bool{false, true} {
		b.Run(fmt.Sprintf("keep=%v", keep), func(b *testing.B) {
			b.SetBytes(int64(50 * len(piece)))
			b.ReportAllocs()
			for b.Loop() {
				tr := Codec().NewTracker(keep)
				tr.Add(nil, events[0].data)
				tr.Add(nil, events[1].data)
				for range 50 {
					tr.Add(nil, piece)
				}
				tr.Add(nil, events[len(events)-2].data)
				tr.Result()
			}
		})
	}
}

func readBench(b *testing.B) (events []event) {
	for data := range bytes.SplitSeq(scenarios(b, "provider/*.sse")["text"], []byte("\n")) {
		if d, ok := bytes.CutPrefix(data, []byte("data: ")); ok {
			events = append(events, event{data: d})
		}
	}
	return events
}
