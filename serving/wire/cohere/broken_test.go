package cohere

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/goldentest"
)

func TestUsage(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{`{"billed_units":{"input_tokens":41,"output_tokens":28},"cached_tokens":1040,"tokens":{"input_tokens":1442,"output_tokens":29}}`, "in 41 out 28 total 69 cached - searches - image -"},
		{`{"billed_units":{"input_tokens":41.0,"output_tokens":28}}`, "in 41 out 28 total 69 cached - searches - image -"},
		{`{"billed_units":{},"cached_tokens":1040,"tokens":{"input_tokens":1442,"output_tokens":29}}`, "in 1442 out 29 total 1471 cached 1040 searches - image -"},
		{`{"tokens":{"input_tokens":5,"output_tokens":1},"cached_tokens":9}`, "in 5 out 1 total 6 cached - searches - image -"},
		{`{"billed_units":{"search_units":1}}`, "in - out - total - cached - searches 1 image -"},
		{`{"billed_units":{"input_tokens":100,"image_tokens":90}}`, "in 100 out - total 100 cached - searches - image 90"},
		{`{"billed_units":{"input_tokens":10,"image_tokens":90}}`, "in 10 out - total 10 cached - searches - image -"},
		{`{"billed_units":{"input_tokens":-1,"output_tokens":"2"}}`, "none"},
		{`{"billed_units":7}`, "none"},
		{`{}`, "none"},
		{`null`, "none"},
	} {
		want := tt.want
		if want != "none" {
			want += " raw " + tt.in
		}
		u, ok := ParseUsage([]byte(tt.in))
		if got := usageText(u, ok); got != want {
			t.Errorf("%s: %s, want %s", tt.in, got, want)
		}
	}
}

func TestEmbedTokens(t *testing.T) {
	_, _, err := Embed().Embed.EncodeRequest(&chat.EmbedRequest{Tokens: [][]int64{{1}}, User: "u"}, chat.Options{})
	if err == nil || err.Param != "input" {
		t.Errorf("got %v", err)
	}
	body, lost, err := Embed().Embed.EncodeRequest(&chat.EmbedRequest{Texts: []string{"x"}, User: "u"}, chat.Options{Model: "m"})
	if err != nil || len(lost) != 1 || !bytes.Contains(body, []byte(`"input_type":"search_document"`)) {
		t.Errorf("%s, %v, %v", body, lost, err)
	}
}

// TestAskedByOthers encodes what clients of other formats say.
func TestAskedByOthers(t *testing.T) {
	yes, budget := true, int64(9000)
	r := &chat.Request{
		System: []chat.Part{{Kind: chat.Text, Text: "a", Path: "messages[0].content[0]"}, {Kind: chat.Text, Text: "b", Cache: "5m", Path: "messages[0].content[1]"}},
		Messages: []chat.Message{
			{Role: chat.User, Name: "Ann", Path: "messages[1]", Parts: []chat.Part{
				{Kind: chat.ToolResult, Result: &chat.Result{CallID: "c", Failed: true, Parts: []chat.Part{{Kind: chat.Text, Text: "no such city"}}}},
				{Kind: chat.ToolResult, Result: &chat.Result{CallID: "d", Failed: true, Parts: []chat.Part{{Kind: chat.Image, Path: "messages[1].content[1].content[0]", Media: &chat.Media{}}}}},
				{Kind: chat.Text, Text: "Go on."},
				{Kind: chat.File, Media: &chat.Media{MIME: "text/plain", Data: "SGk="}},
				{Kind: chat.File, Path: "messages[1].content[3]", Media: &chat.Media{MIME: "application/pdf"}},
				{Kind: chat.Image, Path: "messages[1].content[4]", Media: &chat.Media{FileID: "f"}},
			}},
			{Role: chat.System, Path: "messages[2]", Parts: []chat.Part{{Kind: chat.Text, Text: "Be terse."}}},
			{Role: chat.Assistant, Path: "messages[3]", Parts: []chat.Part{
				{Kind: chat.Thinking, Text: "mine", Signature: "s", SignedBy: "anthropic"},
				{Kind: chat.Thinking, Text: "somebody's"},
				{Kind: chat.Text, Text: "Now."},
				{Kind: chat.Call, Call: &chat.ToolCall{ID: "e", Name: "get_weather"}},
			}},
			{Role: chat.Assistant, Path: "messages[4]", Parts: []chat.Part{{Kind: chat.Refusal, Text: "No."}}},
		},
		Tools:      []chat.Tool{{Name: "get_time", Cache: "1h", Path: "tools[0]"}, {Name: "get_weather", Strict: &yes, Path: "tools[1]"}},
		ToolChoice: chat.ToolChoice{Mode: chat.ChooseTool, Name: "get_weather"}, OneToolAtATime: true,
		Output:    &chat.Output{Kind: "json_schema", Name: "x", Schema: json.RawMessage(`{"type":"object"}`)},
		Reasoning: &chat.Reasoning{Effort: "high", Budget: &budget},
		N:         2, TopLogProbs: 3, LogitBias: json.RawMessage(`{"1":2}`), User: "u", Verbosity: "low", ServiceTier: "flex",
	}
	const want = `{"model":"m","messages":[{"role":"system","content":[{"text":"a","type":"text"},{"text":"b","type":"text"}]},` +
		`{"role":"tool","content":"Error: no such city","tool_call_id":"c"},{"role":"tool","content":"Error","tool_call_id":"d"},{"role":"user","content":[{"text":"Go on.","type":"text"},{"text":"Hi","type":"text"}]},` +
		`{"role":"system","content":"Be terse."},{"role":"assistant","content":[{"thinking":"somebody's","type":"thinking"}],"tool_plan":"Now.","tool_calls":[{"function":{"arguments":"{}","name":"get_weather"},"id":"e","type":"function"}]},` +
		`{"role":"assistant","content":"No."}],"tools":[{"function":{"name":"get_weather","parameters":{"type":"object","properties":{}}},"type":"function"}],"strict_tools":true,"tool_choice":"REQUIRED",` +
		`"response_format":{"json_schema":{"type":"object"},"type":"json_object"},"thinking":{"token_budget":9000,"type":"enabled"}}`
	body, lost, err := Chat().Chat.EncodeRequest(r, chat.Options{Model: "m"})
	if err != nil || string(body) != want {
		t.Errorf("got  %s\nwant %s\n%v", body, want, err)
	}
	var at []string
	for _, l := range lost {
		at = append(at, l.Field)
	}
	const losses = `["messages[1].name","messages[1].content[1].content[0]","messages[1].content[3]","messages[1].content[4]",` +
		`"parallel_tool_calls","n","logprobs","logit_bias","user","verbosity","service_tier"]`
	if got, _ := json.Marshal(at); string(got) != losses {
		t.Errorf("lost %s\nwant %s", got, losses)
	}
}

func TestStreamError(t *testing.T) {
	got := Chat().AppendStreamError([]byte("before\n\n"), apierr.New(apierr.BadGateway, "it \"broke\""))
	const want = "before\n\nevent: message-end\ndata: {\"type\":\"message-end\",\"delta\":{\"error\":\"it \\\"broke\\\"\",\"finish_reason\":\"ERROR\"}}\n\ndata: [DONE]\n\n"
	if string(got) != want {
		t.Errorf("got %s", got)
	}
}

// broken are answers and events that no provider should send.
var broken = []string{
	``, ` `, `{`, `[]`, `null`, `"x"`, `[DONE]`, `{"type":1}`, `{"message":"an error"}`, `{"message":[]}`, `{"message":{"content":"x","tool_calls":[1,{},{"function":[]}]}}`,
	`{"message":{"content":[null,1,{"type":"text"},{"text":1}]},"finish_reason":7,"usage":[],"logprobs":[{"logprobs":["x",-1]},3]}`,
	`{"type":"message-start","id":3,"delta":[]}`, `{"type":"content-delta","index":-1,"delta":{"message":{"content":[]}}}`,
	`{"type":"content-delta","index":"x","delta":{"message":{"content":{"text":"\ud83d","thinking":"y"}}},"logprobs":{"logprobs":[1],"text":5}}`,
	`{"type":"content-start","index":9e99,"delta":{"message":null}}`, `{"type":"tool-call-delta","index":5,"delta":{"message":{"tool_calls":{"function":{"arguments":"{"}}}}}`,
	`{"type":"tool-call-start","delta":{"message":{"tool_calls":[]}}}`, `{"type":"tool-call-start","index":1,"delta":{"message":{"tool_calls":{"id":1,"na\u006de":2,"function":{"arguments":3}}}}}`,
	`{"type":"tool-plan-delta","delta":{"message":{"tool_plan":null}}}`, `{"type":"citation-start","delta":{"message":{"citations":1}}}`,
	`{"type":"message-end"}`, `{"type":"message-end","delta":{"error":{},"finish_reason":null,"finish_reason":"TIMEOUT","usage":{"tokens":3}}}`, "{\"type\":\"debug\",\"x\":\"\xff\"}",
	`{"embeddings":{"float":[1]}}`, `{"embeddings":{"int8":[[1]]}}`, `{"embeddings":7}`, `{"embeddings":[null]}`,
}

func TestBroken(t *testing.T) {
	for _, b := range broken {
		check(t, []byte(b))
		stream(t, b, `{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"x"}}}}`, b, `{"type":"message-end","delta":{"finish_reason":"COMPLETE"}}`)
	}
}

// check gives bytes to all that reads whole bodies, and what can be read to what writes them.
func check(t *testing.T, b []byte) {
	t.Helper()
	c := Chat()
	_, perr := c.ParseAnswer(b)
	a, derr := c.Chat.DecodeAnswer(b)
	if (perr == nil) != (derr == nil) {
		t.Errorf("%s: ParseAnswer: %v, DecodeAnswer: %v", b, perr, derr)
	}
	if derr == nil && !json.Valid(c.Chat.EncodeAnswer(a, &chat.Request{})) {
		t.Errorf("%s: encoded %s", b, c.Chat.EncodeAnswer(a, &chat.Request{}))
	}
	c.InputChars(b)
	if r, err := c.Chat.DecodeRequest(b); err == nil {
		if body, _, err := c.Chat.EncodeRequest(r, chat.Options{}); err == nil && !json.Valid(body) {
			t.Errorf("%s: encoded %s", b, body)
		}
	}
	e := Embed()
	e.InputChars(b)
	_, _ = e.ParseAnswer(b)
	if a, err := e.Embed.DecodeAnswer(b); err == nil && !json.Valid(e.Embed.EncodeAnswer(a, &chat.EmbedRequest{})) {
		t.Errorf("%s: encoded %s", b, e.Embed.EncodeAnswer(a, &chat.EmbedRequest{}))
	}
	if r, err := e.Embed.DecodeRequest(b); err == nil {
		if body, _, err := e.Embed.EncodeRequest(r, chat.Options{}); err == nil && !json.Valid(body) {
			t.Errorf("%s: encoded %s", b, body)
		}
	}
}

// stream gives events to a tracker and to a decoder and an encoder, and checks what must hold.
func stream(t *testing.T, all ...string) {
	t.Helper()
	tr, d, e := Chat().NewTracker(true), Chat().Chat.NewDecoder(), Chat().Chat.NewEncoder(&chat.Request{})
	var out []byte
	ends := 0
	take := func(deltas []chat.Delta) {
		for i := range deltas {
			if deltas[i].Kind == chat.DeltaEnd {
				ends++
			} else if ends > 0 {
				t.Errorf("%q: %s after the end", all, deltas[i].Kind)
			}
			out = e.Append(out, &deltas[i])
		}
	}
	for _, ev := range all {
		tr.Add(nil, []byte(ev))
		deltas, _ := d.Decode(nil, []byte(ev))
		take(deltas)
	}
	take(d.Close())
	out = e.AppendEnd(out)
	if ends != 1 {
		t.Errorf("%q: %d ends", all, ends)
	}
	if j := tr.Result().Joined; j != nil && !json.Valid(j) {
		t.Errorf("%q: joined %s", all, j)
	}
	again := Chat().NewTracker(false)
	names, data := eventsOf(t, out)
	for i := range data {
		if c := again.Add(names[i], data[i]); !c.JSON && !c.End {
			t.Errorf("%q: encoded %s", all, data[i])
		}
	}
	if r := again.Result(); !r.Complete && !r.Failed {
		t.Errorf("%q: encoded without an end: %s", all, out)
	}
}

func FuzzBodies(f *testing.F) {
	for _, b := range broken {
		f.Add([]byte(b))
	}
	f.Add([]byte(`{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"x"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]}],"thinking":{"type":"enabled"}}`))
	f.Add([]byte(`{"texts":["x"],"inputs":[{"content":[{"type":"text","text":"y"}]}],"embedding_types":["base64"]}`))
	f.Fuzz(func(t *testing.T, b []byte) { check(t, b) })
}

func FuzzStream(f *testing.F) {
	for i := range broken {
		f.Add(broken[i], broken[len(broken)-1-i])
	}
	f.Fuzz(func(t *testing.T, a, b string) { stream(t, a, b, a, `{"type":"message-end","delta":{}}`) })
}

func BenchmarkTracker(b *testing.B) {
	names, data := eventsOf(b, goldentest.Read(b, "testdata/provider/tools.sse"))
	for _, keep := range []bool{false, true} {
		b.Run(map[bool]string{false: "numbers", true: "joined"}[keep], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				tr := Chat().NewTracker(keep)
				for i := range data {
					tr.Add(names[i], data[i])
				}
				tr.Result()
			}
			b.ReportMetric(float64(len(data)), "events/op")
		})
	}
}
