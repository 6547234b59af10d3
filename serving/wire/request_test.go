package wire

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseRefuses(t *testing.T) {
	deep := strings.Repeat("[", 300) + strings.Repeat("]", 300)
	tests := []struct{ in, code, message, param string }{
		{"", "BAD_REQUEST", "no body", ""},
		{"hello", "BAD_REQUEST", "a character that starts no JSON value at byte 0", ""},
		{"[]", "BAD_REQUEST", "not a JSON object", ""},
		{`{"model":"m"`, "BAD_REQUEST", "end of the text inside an object at byte 12", ""},
		{"{\"model\":\"\xff\"}", "BAD_REQUEST", "not UTF-8 at byte 10", ""},
		{`{"messages":` + deep + `}`, "BAD_REQUEST", "nested too deep", ""},
		{`{"model":7}`, "INVALID_PARAMETER_VALUE", `field "model" must be a string, not a number`, "model"},
		{`{"stream":"yes"}`, "INVALID_PARAMETER_VALUE", `field "stream" must be true or false, not a string`, "stream"},
		{`{"stream":1}`, "INVALID_PARAMETER_VALUE", `not a number`, "stream"},
		{`{"messages":"hi"}`, "INVALID_PARAMETER_VALUE", `field "messages" must be an array of messages, not a string`, "messages"},
		{`{"stream_options":[]}`, "INVALID_PARAMETER_VALUE", `field "stream_options" must be an object, not an array`, "stream_options"},
		{`{"stream_options":{"include_usage":"x"}}`, "INVALID_PARAMETER_VALUE", `must be true or false`, "stream_options.include_usage"},
		{`{"usage_context":"team"}`, "INVALID_PARAMETER_VALUE", `must be an object of strings, not a string`, "usage_context"},
		{`{"usage_context":{"team":7}}`, "INVALID_PARAMETER_VALUE", `usage_context: the value of "team" must be a string, not a number`, "usage_context"},
		{`{"client_request_id":{}}`, "INVALID_PARAMETER_VALUE", `must be a string, not an object`, "client_request_id"},
		{`{"model":"a","model":"b"}`, "BAD_REQUEST", `field "model" is there twice`, "model"},
		{`{"model":"a","mod\u0065l":"b"}`, "BAD_REQUEST", `field "model" is there twice`, "model"},
		{`{"Model":"a"}`, "BAD_REQUEST", `field "Model" must be written "model"`, "model"},
		{`{"ſtream":true}`, "BAD_REQUEST", `must be written "stream"`, "stream"},
	}
	for _, tt := range tests {
		var r Request
		err := r.Parse([]byte(tt.in))
		if err == nil || string(err.Code) != tt.code || !strings.Contains(err.Message, tt.message) || err.Param != tt.param || err.Status != 400 {
			t.Errorf("Parse(%.60q) = %v (param %q), want %s ... %s", tt.in, err, err.Param, tt.code, tt.message)
		}
	}
}

func TestParse(t *testing.T) {
	var r Request
	in := `{"model":"chat","stream":true,"stream_options":{"include_usage":true,"x":1},"client_request_id":"c-1",
		"usage_context":{"team":"a\u00e9","project":""},"metadata":{"env":"prod","n":7},"Input":{},"messages":null}`
	if err := r.Parse([]byte(in)); err != nil {
		t.Fatal(err)
	}
	got := []any{r.Model, r.Stream, r.WantsUsage, r.ClientRequestID, r.UsageContext, r.Metadata}
	want := []any{"chat", true, true, "c-1", map[string]string{"team": "aé", "project": ""}, map[string]string{"env": "prod"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	// A Request is reused without anything of the last body in it.
	if err := r.Parse([]byte(`{"inputs":[1]}`)); err != nil {
		t.Fatal(err)
	}
	if r.Model != "" || r.Stream || r.WantsUsage || r.UsageContext != nil || r.Metadata != nil {
		t.Errorf("left over: %+v", r)
	}
}

func TestUpstream(t *testing.T) {
	tests := []struct {
		name, in string
		change   Change
		want     string
	}{
		{"model", `{"model":"chat","n":1, "o":2}`, Change{Model: "gpt-4o"}, `{"model":"gpt-4o","n":1, "o":2}`},
		{"model added", `{"messages":[]}`, Change{Model: "gpt-4o"}, `{"messages":[],"model":"gpt-4o"}`},
		{"model kept", `{"model":"x"}`, Change{}, `{"model":"x"}`},
		{"model with quotes", `{"model":"chat"}`, Change{Model: `a"b`}, `{"model":"a\"b"}`},
		{
			"ours taken out", `{"usage_context":{"team":"a"},"model":"chat","client_request_id":"1","metadata":{"a":"b"}}`,
			Change{Model: "m"},
			`{"model":"m","metadata":{"a":"b"}}`,
		},
		{"ours and nothing else", `{"usage_context":null,"client_request_id":null}`, Change{}, `{}`},
		{"ask for usage", `{"stream":true}`, Change{AskUsage: true}, `{"stream":true,"stream_options":{"include_usage":true}}`},
		{"asked already", `{"stream_options":{"include_usage":true}}`, Change{AskUsage: true}, `{"stream_options":{"include_usage":true}}`},
		{"asked not to", `{"stream_options":{"a":1,"include_usage":false,"b":2}}`, Change{AskUsage: true}, `{"stream_options":{"a":1,"include_usage":true,"b":2}}`},
		{"said twice", `{"stream_options":{"include_usage":true,"include_usage":false}}`, Change{AskUsage: true}, `{"stream_options":{"include_usage":true}}`},
		{"other options", `{"stream_options":{"a":1}}`, Change{AskUsage: true}, `{"stream_options":{"a":1,"include_usage":true}}`},
		{"options null", `{"stream_options":null}`, Change{AskUsage: true}, `{"stream_options":{"include_usage":true}}`},
		{"unknown fields", "{\"x\":\t1.50e+07,\"model\":\"c\",\"y\":{\"\\u0061\":[]}}", Change{Model: "m"}, "{\"x\":\t1.50e+07,\"model\":\"m\",\"y\":{\"\\u0061\":[]}}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r Request
			body := []byte(tt.in)
			if err := r.Parse(body); err != nil {
				t.Fatal(err)
			}
			for attempt := range 2 {
				if got := string(r.Upstream(tt.change)); got != tt.want {
					t.Errorf("attempt %d: got %s, want %s", attempt, got, tt.want)
				}
			}
			if string(body) != tt.in {
				t.Errorf("the original was edited: %s", body)
			}
		})
	}
}

// TestUpstreamAgainstEncodingJSON compares the edit of random bodies with the same edit made on
// decoded values; patches keep order and digits, which rawjson's tests check.
func TestUpstreamAgainstEncodingJSON(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 3))
	fields := []string{
		`"model":"chat"`, `"stream":true`, `"stream_options":{"include_usage":false,"z":[1]}`, `"usage_context":{"a":"b"}`,
		`"client_request_id":"x"`, `"metadata":{"k":"v"}`, `"messages":[{"role":"user","content":"}],\"model\":"}]`,
		`"temperature":0.10`, `"tools":[{"type":"function","function":{"name":"f","parameters":{"model":1}}}]`, `"seed":9007199254740993`,
	}
	for range 1000 {
		rnd.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
		in := "{" + strings.Join(fields[:rnd.IntN(len(fields)+1)], ", ") + "}"
		c := Change{Model: []string{"", "gpt"}[rnd.IntN(2)], AskUsage: rnd.IntN(2) == 0}
		var r Request
		if err := r.Parse([]byte(in)); err != nil {
			t.Fatalf("seed %d: %s: %v", seed, in, err)
		}
		if d := cmp.Diff(edited(t, in, c), decoded(t, string(r.Upstream(c)))); d != "" {
			t.Fatalf("seed %d: %s with %+v: %s", seed, in, c, d)
		}
	}
}

func decoded(t *testing.T, s string) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	m := map[string]any{}
	if err := d.Decode(&m); err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return m
}

func edited(t *testing.T, s string, c Change) map[string]any {
	t.Helper()
	m := decoded(t, s)
	delete(m, "usage_context")
	delete(m, "client_request_id")
	if c.Model != "" {
		m["model"] = c.Model
	}
	if c.AskUsage {
		o, ok := m["stream_options"].(map[string]any)
		if !ok {
			o = map[string]any{}
		}
		o["include_usage"] = true
		m["stream_options"] = o
	}
	return m
}

// FuzzUpstream: whatever the body, what goes upstream is JSON without lakegate's own fields.
func FuzzUpstream(f *testing.F) {
	for _, s := range []string{`{"model":"a","usage_context":{"x":"y"},"stream":true,"b":[1,{"c":"\u0000"}]}`, `{ }`, `{"stream_options":{"include_usage":false}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var r Request
		if r.Parse(in) != nil {
			return
		}
		out := r.Upstream(Change{Model: "m", AskUsage: true})
		var m map[string]any
		if err := json.Unmarshal(out, &m); err != nil {
			t.Fatalf("%q became %q: %v", in, out, err)
		}
		opts, _ := m["stream_options"].(map[string]any)
		if fmt.Sprintf("%v %v %v %v", m["model"], m["usage_context"], m["client_request_id"], opts["include_usage"]) != "m <nil> <nil> true" {
			t.Fatalf("%q became %q", in, out)
		}
	})
}

func BenchmarkParseAndRewrite(b *testing.B) {
	for _, size := range []int{1 << 10, 10 << 10} {
		text := strings.Repeat("You are given a long conversation and have to \\\"extract\\\" the intent. ", size/70)
		body := []byte(`{"model":"chat","messages":[{"role":"system","content":"Answer."},{"role":"user","content":"` + text +
			`"}],"temperature":0.7,"max_tokens":256,"usage_context":{"team":"search"},"stream":true}`)
		b.Run(fmt.Sprintf("%dKB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			var r Request
			for b.Loop() {
				if err := r.Parse(body); err != nil {
					b.Fatal(err)
				}
				r.Upstream(Change{Model: "gpt-4o-mini", AskUsage: true})
			}
		})
	}
}
