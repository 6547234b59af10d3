package bedrock

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/goldentest"
)

// recordings returns the recorded streams, skipping the test where there are none.
func recordings(t *testing.T) []string {
	t.Helper()
	dir := os.Getenv("LAKEGATE_DATA")
	if dir == "" {
		dir = "../../../../shared/data"
	}
	all, _ := filepath.Glob(filepath.Join(dir, "streams", "amazon-bedrock", "*.jsonl"))
	if len(all) == 0 {
		t.Skipf("SKIPPED: no recorded streams of Bedrock in %s; set LAKEGATE_DATA to the folder that has streams/amazon-bedrock", dir)
	}
	return all
}

// TestRecordings reads each recorded stream, framed as AWS frames it, and compares the usage with
// what the recording's last metadata says.
func TestRecordings(t *testing.T) {
	for _, file := range recordings(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			var framed bytes.Buffer
			var want struct{ InputTokens, OutputTokens, TotalTokens *int64 }
			for line := range bytes.Lines(goldentest.Read(t, file)) {
				var e map[string]json.RawMessage
				if err := json.Unmarshal(line, &e); err != nil {
					t.Fatal(err)
				}
				for name, data := range e {
					framed.Write(eventMessage(t, name, string(data)))
					var m struct{ Usage json.RawMessage }
					if json.Unmarshal(data, &m) == nil && m.Usage != nil {
						if err := json.Unmarshal(m.Usage, &want); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			r := NewReader(&framed, 1<<20, nil)
			tr, d := Codec().NewTracker(true), Codec().Chat.NewDecoder()
			var usage *chat.Delta
			for {
				name, data, _, err := r.Next()
				if err != nil {
					break
				}
				if c := tr.Add(name, data); !c.JSON || c.Error {
					t.Errorf("%s %s: %+v", name, data, c)
				}
				deltas, err := d.Decode(name, data)
				if err != nil {
					t.Errorf("%s: %v", data, err)
				}
				for i := range deltas {
					if deltas[i].Kind == chat.DeltaUsage {
						u := deltas[i]
						usage = &u
					}
				}
			}
			res := tr.Result()
			if !res.Complete || !res.Started || res.HasUsage != (want.InputTokens != nil) {
				t.Fatalf("%+v", res)
			}
			if !json.Valid(res.Joined) {
				t.Errorf("joined: %s", res.Joined)
			}
			if want.InputTokens == nil {
				return
			}
			if *res.Usage.Input != *want.InputTokens || *res.Usage.Output != *want.OutputTokens || *res.Usage.Total != *want.TotalTokens {
				t.Errorf("usage %s", usageText(res.Usage, true))
			}
			if usage == nil || usageText(usage.Usage, true) != usageText(res.Usage, true) {
				t.Errorf("the decoder's usage is %+v", usage)
			}
		})
	}
}

var usages = []struct{ in, want string }{
	{`{"inputTokens":5,"outputTokens":7,"totalTokens":12}`, `in 5 out 7 total 12 cached - written - 1h - tier ""`},
	{`{"cacheReadInputTokenCount":2752,"cacheReadInputTokens":2752,"cacheWriteInputTokenCount":0,"cacheWriteInputTokens":0,"inputTokens":386,"outputTokens":4,"serverToolUsage":{},"totalTokens":3142}`, `in 3138 out 4 total 3142 cached 2752 written 0 1h - tier ""`},
	{`{"inputTokens":1,"outputTokens":2,"cacheDetails":[{"ttl":"1h","inputTokens":10},{"ttl":"5m","inputTokens":5}]}`, `in 16 out 2 total 18 cached - written 15 1h 10 tier ""`},
	{`{"inputTokens":1,"outputTokens":2,"cacheWriteInputTokens":5,"cacheDetails":[]}`, `in 6 out 2 total 8 cached - written 5 1h - tier ""`},
	{`{"inputTokens":-1,"outputTokens":"2","totalTokens":null}`, "none"},
	{`{}`, "none"},
	{`[]`, "none"},
	{`null`, "none"},
}

func TestUsage(t *testing.T) {
	for _, tt := range usages {
		u, ok := ParseUsage([]byte(tt.in))
		raw := ""
		if ok {
			raw = " raw " + tt.in
		}
		if got := usageText(u, ok); got != tt.want+raw {
			t.Errorf("%s: %s, want %s", tt.in, got, tt.want)
		}
	}
}

// broken are answers and events that no provider should send.
var broken = []string{
	``, ` `, `{`, `[]`, `null`, `"x"`, `{"output":null}`, `{"output":[]}`, `{"output":{"message":{"content":"x"}}}`,
	`{"output":{"message":{"content":[null,1,"x",[],{}]}}}`,
	`{"output":{"message":{"content":[{"toolUse":{}},{"toolUse":null},{"reasoningContent":1},{"reasoningContent":{"reasoningText":[]}},{"image":{}}]}}}`,
	`{"contentBlockIndex":-1,"delta":{"text":null}}`, `{"contentBlockIndex":"x","delta":{"toolUse":{"input":1}}}`,
	`{"contentBlockIndex":9e99,"delta":[]}`, `{"start":{"toolUse":[]}}`, `{"delta":{"reasoningContent":{"redactedContent":"*"}}}`,
	`{"delta":{"toolUse":{"input":"\ud83d"}}}`, `{"delta":{"text":"\ud83d"}}`, `{"delta":{"toolResult":[1,2]}}`, `{"delta":{"citation":{"a":1}}}`,
	`{"delta":{"a\"b":{}}}`, `{"start":{"toolUse":{"na\u006de":"x"}}}`, `{"usage":[]}`, `{"usage":{"inputTokens":1e400}}`, `{"stopReason":1}`, "{\"delta\":{\"text\":\"\xff\"}}",
}

var eventNames = []string{"", "messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata", "throttlingException", "news"}

func TestBroken(t *testing.T) {
	for _, b := range broken {
		_, _ = ParseAnswer([]byte(b))
		if a, err := Codec().Chat.DecodeAnswer([]byte(b)); err == nil && a == nil {
			t.Errorf("%s: no answer and no error", b)
		}
		for _, name := range eventNames {
			follow(t, [][2]string{{name, b}, {"messageStop", `{"stopReason":"end_turn"}`}})
		}
	}
	for _, bad := range []string{``, `{`, `[1]`, `<html>`} {
		if _, err := Codec().Chat.DecodeAnswer([]byte(bad)); err == nil {
			t.Errorf("%q passed for an answer", bad)
		}
	}
}

// follow gives events to a tracker and a decoder, and checks what must always hold.
func follow(t *testing.T, all [][2]string) {
	t.Helper()
	tr, d := Codec().NewTracker(true), Codec().Chat.NewDecoder()
	ends := 0
	count := func(deltas []chat.Delta) {
		for _, x := range deltas {
			if x.Kind == chat.DeltaEnd {
				ends++
			} else if ends > 0 {
				t.Errorf("%q: %s after the end", all, x.Kind)
			}
		}
	}
	for _, e := range all {
		tr.Add([]byte(e[0]), []byte(e[1]))
		deltas, _ := d.Decode([]byte(e[0]), []byte(e[1]))
		count(deltas)
	}
	count(d.Close())
	if ends != 1 {
		t.Errorf("%q: %d ends", all, ends)
	}
	if j := tr.Result().Joined; j != nil && !json.Valid(j) {
		t.Errorf("%q: joined %s", all, j)
	}
}

func FuzzStream(f *testing.F) {
	for i, b := range broken {
		f.Add(uint8(i), b, uint8(i/2), `{"contentBlockIndex":0,"delta":{"text":"x"}}`)
	}
	f.Fuzz(func(t *testing.T, n1 uint8, d1 string, n2 uint8, d2 string) {
		name := func(n uint8) string { return eventNames[int(n)%len(eventNames)] }
		follow(t, [][2]string{{name(n1), d1}, {name(n2), d2}, {name(n1), d1}, {"messageStop", `{}`}, {"metadata", d1}})
	})
}

func FuzzAnswer(f *testing.F) {
	for _, b := range broken {
		f.Add([]byte(b))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, perr := ParseAnswer(b)
		_, derr := Codec().Chat.DecodeAnswer(b)
		if (perr == nil) != (derr == nil) {
			t.Errorf("ParseAnswer: %v, DecodeAnswer: %v", perr, derr)
		}
		_, _ = ParseUsage(b)
	})
}

func BenchmarkTracker(b *testing.B) {
	all := events(b, "testdata/provider/tools.jsonl")
	for _, keep := range []bool{false, true} {
		b.Run(map[bool]string{false: "numbers", true: "joined"}[keep], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				tr := Codec().NewTracker(keep)
				for _, e := range all {
					tr.Add([]byte(e.Event), e.Data)
				}
				tr.Result()
			}
			b.ReportMetric(float64(len(all)), "events/op")
		})
	}
}

func BenchmarkReader(b *testing.B) {
	var framed bytes.Buffer
	for _, e := range events(b, "testdata/provider/tools.jsonl") {
		framed.Write(eventMessage(b, e.Event, string(e.Data)))
	}
	b.ReportAllocs()
	b.SetBytes(int64(framed.Len()))
	var buf []byte
	for b.Loop() {
		r := NewReader(bytes.NewReader(framed.Bytes()), 1<<20, buf)
		for {
			if _, _, _, err := r.Next(); err != nil {
				break
			}
		}
		buf = r.Buffer()
	}
}
