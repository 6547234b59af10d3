package responses

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/goldentest"
)

// TestRefused: each fault is named with its place.
func TestRefused(t *testing.T) {
	for body, want := range map[string]string{
		`[]`:                                    `: the request body must be a JSON object: not a JSON object at byte 0`,
		`{}`:                                    `input: field "input" is missing: give a text or a list of items`,
		`{"input":null}`:                        `input: field "input" is missing: give a text or a list of items`,
		`{"input":7}`:                           `input: field "input" must be a string or a list of items, not a number`,
		`{"input":["x"]}`:                       `input[0]: field "input[0]" must be an object, not a string`,
		`{"input":[{}]}`:                        `input[0].type: field "input[0].type" is missing: an item needs a type, or a role`,
		`{"input":"x","top_p":"1"}`:             `top_p: field "top_p" must be a number, not a string`,
		`{"input":"x","max_output_tokens":1.5}`: `max_output_tokens: field "max_output_tokens" must be a whole number`,
		`{"input":"x","instructions":[]}`:       `instructions: field "instructions" must be a string, not an array`,
		`{"input":"x","stream":"yes"}`:          `stream: field "stream" must be true or false, not a string`,
		`{"input":"x","tools":{}}`:              `tools: field "tools" must be a list, not an object`,
		`{"input":"x","tools":[7]}`:             `tools[0]: field "tools[0]" must be an object, not a number`,
		`{"input":"x","tools":[{"type":"function"}]}`:                              `tools[0].name: field "tools[0].name" is missing: each function needs one`,
		`{"input":"x","tools":[{"type":"function","name":"f","parameters":"{}"}]}`: `tools[0].parameters: field "tools[0].parameters" must be an object, not a string`,
		`{"input":"x","tool_choice":"any"}`:                                        `tool_choice: field "tool_choice" must be auto, none, required or an object, not "any"`,
		`{"input":"x","tool_choice":{"type":"function"}}`:                          `tool_choice.name: field "tool_choice.name" is missing: name the function to call`,
		`{"input":"x","text":{"format":{"type":"xml"}}}`:                           `text.format.type: field "text.format.type" must be text, json_schema or json_object, not "xml"`,
		`{"input":"x","text":{"format":{"type":"json_schema","name":"n"}}}`:        `text.format.schema: field "text.format.schema" is missing: a format of type json_schema needs one`,
		`{"input":"x","tools":[{"type":"namespace","name":"n"}]}`:                  `tools[0]: tools[0] must have a name and tools`,
		`{"input":[{"role":"user"}]}`:                                              `input[0].content: field "input[0].content" is missing`,
		`{"input":[{"role":"robot","content":"x"}]}`:                               `input[0].role: field "input[0].role" must be user, assistant, system or developer, not "robot"`,
		`{"input":[{"role":"user","content":[{"type":"input_text"}]}]}`:            `input[0].content[0].text: field "input[0].content[0].text" is missing`,
		`{"input":[{"role":"user","content":[{"type":"input_image"}]}]}`:           `input[0].content[0]: input[0].content[0] must have image_url or file_id`,
		`{"input":[{"role":"user","content":[{"type":"input_image","image_url":"data:image/png,x"}]}]}`: `input[0].content[0].image_url: ` +
			`field "input[0].content[0].image_url": a data URL must hold base64, as in data:image/png;base64,...`,
		`{"input":[{"type":"function_call","name":"f"}]}`:           `input[0]: input[0] must have a name and a call_id`,
		`{"input":[{"type":"function_call_output","call_id":"c"}]}`: `input[0]: input[0] must have a call_id and an output`,
	} {
		_, err := DecodeRequest([]byte(body))
		if err == nil {
			t.Errorf("%s is taken", body)
			continue
		}
		if got := err.Param + ": " + err.Message; got != want || err.Status != 400 {
			t.Errorf("%s: status %d\n got %s\nwant %s", body, err.Status, got, want)
		}
	}
}

// turn is an answer with all that needs to come back: signed thoughts and a signed call.
var turn = []chat.Part{
	{Kind: chat.Thinking, Text: "Look it up.\n\nThen answer.", Signature: "gAAAA", SignedBy: "openai"},
	{Kind: chat.Thinking, Text: "Clouds.", Signature: "EqQB.Cg==", SignedBy: "anthropic"},
	{Kind: chat.Thinking, Signature: "EmwK", SignedBy: "anthropic", Redacted: true},
	{Kind: chat.Text, Text: "Let me look."},
	{Kind: chat.Call, Call: &chat.ToolCall{ID: "c1", Name: "get_weather", Arguments: `{"city":"Paris"}`}, Signature: "CiQB", SignedBy: "gemini"},
	{Kind: chat.Call, Call: &chat.ToolCall{ID: "c2", Name: "get_weather", Arguments: `{"city":"Rome"}`}},
}

// comeBack sends an answer's items back as a client would, and returns the assistant's parts.
func comeBack(t *testing.T, response []byte) []chat.Part {
	t.Helper()
	var r struct{ Output json.RawMessage }
	if err := json.Unmarshal(response, &r); err != nil {
		t.Fatal(err)
	}
	req, apiErr := DecodeRequest([]byte(`{"input":` + string(r.Output) + `}`))
	if apiErr != nil || len(req.Messages) != 1 || len(req.Rest) > 0 {
		t.Fatalf("%v: %s came back as %+v", apiErr, r.Output, req)
	}
	parts := req.Messages[0].Parts
	for i := range parts {
		parts[i].Path = ""
	}
	return parts
}

func TestThoughtsComeBack(t *testing.T) {
	answer := &chat.Answer{ID: "x", Created: 1, Choices: []chat.Choice{{Parts: turn, Stop: chat.StopTool}}}
	if d := cmp.Diff(turn, comeBack(t, EncodeAnswer(answer, &chat.Request{}))); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestStreamedThoughtsComeBack(t *testing.T) {
	enc := newEncoder(&chat.Request{})
	var stream []byte
	give := func(d chat.Delta) { stream = enc.Append(stream, &d) }
	tool := 0
	for _, p := range turn {
		switch p.Kind {
		case chat.Thinking:
			give(chat.Delta{Kind: chat.DeltaThinking, Text: p.Text})
			give(chat.Delta{Kind: chat.DeltaSignature, Signature: p.Signature, SignedBy: p.SignedBy, Redacted: p.Redacted})
		case chat.Text:
			give(chat.Delta{Kind: chat.DeltaText, Text: p.Text})
		case chat.Call:
			give(chat.Delta{Kind: chat.DeltaCall, Tool: tool, CallID: p.Call.ID, Name: p.Call.Name, Signature: p.Signature, SignedBy: p.SignedBy})
			give(chat.Delta{Kind: chat.DeltaArguments, Tool: tool, Text: p.Call.Arguments})
			tool++
		}
	}
	give(chat.Delta{Kind: chat.DeltaFinish, Stop: chat.StopTool})
	list := events(t, enc.AppendEnd(stream))
	sequence(t, list)
	if d := cmp.Diff(turn, comeBack(t, track(list, true).Joined)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// TestCallsInTurns: arguments of several calls may come in turns.
func TestCallsInTurns(t *testing.T) {
	enc := newEncoder(&chat.Request{})
	var stream []byte
	for _, d := range []chat.Delta{
		{Kind: chat.DeltaStart, ID: "x", Model: "m", Created: 1},
		{Kind: chat.DeltaCall, Tool: 0, CallID: "a", Name: "f"},
		{Kind: chat.DeltaCall, Tool: 1, CallID: "b", Name: "g"},
		{Kind: chat.DeltaArguments, Tool: 1, Text: `{"y"`},
		{Kind: chat.DeltaArguments, Tool: 0, Text: `{"x"`},
		{Kind: chat.DeltaArguments, Tool: 7, Text: `nobody's`},
		{Kind: chat.DeltaText, Text: "meanwhile"},
		{Kind: chat.DeltaText, Choice: 1, Text: "another answer"},
		{Kind: chat.DeltaArguments, Tool: 1, Text: `:2}`},
		{Kind: chat.DeltaArguments, Tool: 0, Text: `:1}`},
		{Kind: chat.DeltaFinish, Stop: chat.StopTool},
		{Kind: chat.DeltaEnd},
	} {
		stream = enc.Append(stream, &d)
	}
	list := events(t, enc.AppendEnd(stream))
	sequence(t, list)
	var got []string
	for _, p := range comeBack(t, track(list, true).Joined) {
		if p.Kind == chat.Call {
			got = append(got, p.Call.ID+p.Call.Name+p.Call.Arguments)
		} else {
			got = append(got, p.Text)
		}
	}
	if d := cmp.Diff([]string{`af{"x":1}`, `bg{"y":2}`, "meanwhile"}, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// TestNamespaces: a function of a namespace is called by its two names.
func TestNamespaces(t *testing.T) {
	r := request(t, "namespaces")
	call := &chat.ToolCall{ID: "c", Name: "agents__close", Arguments: "{}"}
	plain := &chat.ToolCall{ID: "d", Name: "get_weather", Arguments: "{}"}
	whole := EncodeAnswer(&chat.Answer{Choices: []chat.Choice{{Parts: []chat.Part{{Kind: chat.Call, Call: call}, {Kind: chat.Call, Call: plain}}}}}, r)
	enc := newEncoder(r)
	stream := enc.Append(nil, &chat.Delta{Kind: chat.DeltaCall, CallID: "c", Name: call.Name})
	stream = enc.Append(stream, &chat.Delta{Kind: chat.DeltaCall, Tool: 1, CallID: "d", Name: plain.Name})
	list := events(t, enc.AppendEnd(stream))
	for name, response := range map[string][]byte{"whole": whole, "streamed": track(list, true).Joined} {
		var a struct {
			Output []struct{ Name, Namespace string }
		}
		if err := json.Unmarshal(response, &a); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(a.Output); got != "[{close agents} {get_weather }]" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestStops: how an answer ended is said the same with a stream and without.
func TestStops(t *testing.T) {
	refused := chat.Part{Kind: chat.Refusal, Text: "no"}
	for _, tt := range []struct {
		stop chat.Stop
		part chat.Part
		want string
	}{
		{chat.StopEnd, chat.Part{Kind: chat.Text, Text: "a"}, "completed  completed"},
		{chat.StopSequence, chat.Part{Kind: chat.Text, Text: "a"}, "completed  completed"},
		{"", chat.Part{Kind: chat.Text, Text: "a"}, "completed  completed"},
		{chat.StopLength, chat.Part{Kind: chat.Text, Text: "a"}, "incomplete max_output_tokens incomplete"},
		{chat.StopFilter, chat.Part{Kind: chat.Text, Text: "a"}, "incomplete content_filter incomplete"},
		{chat.StopRefusal, chat.Part{Kind: chat.Text, Text: "a"}, "incomplete content_filter incomplete"},
		{chat.StopRefusal, refused, "completed  completed"},
	} {
		whole := EncodeAnswer(&chat.Answer{Choices: []chat.Choice{{Parts: []chat.Part{tt.part}, Stop: tt.stop}}}, &chat.Request{})
		enc := newEncoder(&chat.Request{})
		stream := enc.Append(nil, &chat.Delta{Kind: chat.DeltaKind(tt.part.Kind), Text: tt.part.Text})
		stream = enc.Append(stream, &chat.Delta{Kind: chat.DeltaFinish, Stop: tt.stop})
		list := events(t, enc.AppendEnd(stream))
		for name, response := range map[string][]byte{"whole": whole, "streamed": track(list, true).Joined} {
			var r struct {
				Status     string
				Incomplete *struct{ Reason string } `json:"incomplete_details"`
				Output     []struct{ Status string }
			}
			if err := json.Unmarshal(response, &r); err != nil {
				t.Fatal(err)
			}
			reason := ""
			if r.Incomplete != nil {
				reason = r.Incomplete.Reason
			}
			if got := fmt.Sprintf("%s %s %s", r.Status, reason, r.Output[0].Status); got != tt.want {
				t.Errorf("%s %s: %s, want %s", tt.stop, name, got, tt.want)
			}
		}
	}
}

// TestIDs: ids of items are of a length that all servers take back, and answers without an id get
// one of their own.
func TestIDs(t *testing.T) {
	h := newHead(&chat.Request{}, "chatcmpl-"+strings.Repeat("x", 100), "", 0)
	if id := h.itemID("msg_", 12); len(id) != maxItemID || !strings.HasSuffix(id, "_12") {
		t.Errorf("%s has %d characters", id, len(id))
	}
	a, b := newHead(&chat.Request{}, "", "", 0), newHead(&chat.Request{}, "", "", 0)
	if a.id == b.id || a.created == 0 {
		t.Errorf("%s and %s, created %d", a.id, b.id, a.created)
	}
}

// TestRequestsOfOthers: what other formats can say and this one can't.
func TestRequestsOfOthers(t *testing.T) {
	seed, budget := int64(7), int64(8192)
	r := &chat.Request{
		TopK: "40", FrequencyPenalty: "0.5", PresencePenalty: "0.5", Seed: &seed, N: 2, Stop: []string{"END"},
		LogitBias: json.RawMessage(`{"1":2}`), ServiceTier: "turbo", Reasoning: &chat.Reasoning{Budget: &budget, Show: true},
		Names: map[chat.Feature]string{chat.FStop: "stop_sequences"},
		Messages: []chat.Message{
			{Role: chat.User, Name: "ada", Path: "messages[0]", Parts: []chat.Part{{Kind: chat.Audio, Media: &chat.Media{Data: "x"}, Path: "messages[0].content[0]"}}},
			{Role: chat.User, Path: "messages[1]", Parts: []chat.Part{
				{Kind: chat.ToolResult, Result: &chat.Result{CallID: "c", Failed: true, Parts: []chat.Part{{Kind: chat.Text, Text: "no network"}}}},
				{Kind: chat.ToolResult, Result: &chat.Result{CallID: "d", Failed: true}},
				{Kind: chat.Text, Text: "Try again."},
			}},
		},
	}
	body, lost, err := EncodeRequest(r, chat.Options{Model: "o3-pro"})
	if err != nil {
		t.Fatal(err)
	}
	var fields []string
	for _, l := range lost {
		fields = append(fields, l.Field)
	}
	want := []string{
		"messages[0].name", "messages[0].content[0]", "top_k", "frequency_penalty", "presence_penalty", "seed", "n", "stop_sequences",
		"logit_bias", "service_tier",
	}
	if d := cmp.Diff(want, fields); d != "" {
		t.Errorf("lost, -want +got:\n%s", d)
	}
	wantBody := `{"model":"o3-pro","input":[{"type":"function_call_output","call_id":"c","output":"Error: no network"},` +
		`{"type":"function_call_output","call_id":"d","output":"Error"},` +
		`{"type":"message","role":"user","content":[{"type":"input_text","text":"Try again."}]}],` +
		`"reasoning":{"effort":"medium","summary":"auto"},"include":["reasoning.encrypted_content"],"store":false}`
	if d := cmp.Diff(wantBody, string(body)); d != "" {
		t.Errorf("body, -want +got:\n%s", d)
	}
	if !r.Messages[1].Parts[0].Result.Failed || r.Messages[1].Parts[0].Result.Parts[0].Text != "no network" {
		t.Error("the request was changed")
	}
}

func TestThinkingOff(t *testing.T) {
	for model, want := range map[string]string{
		"gpt-5.1": `"reasoning":{"effort":"none"}`, "openai/gpt-5.2-pro": `"reasoning":{"effort":"none"}`, "grok-4": `"reasoning":{"effort":"none"}`,
		"gpt-4.1": "", "gpt-4o": "", "o3-pro": "lost", "o4-mini": "lost", "gpt-5-codex": "lost", "gpt-5": "lost", "gpt-10": `"reasoning":{"effort":"none"}`, "gpt-": `"reasoning":{"effort":"none"}`,
	} {
		r := &chat.Request{Reasoning: &chat.Reasoning{Off: true}}
		body, lost, err := EncodeRequest(r, chat.Options{Model: model})
		if err != nil {
			t.Fatal(err)
		}
		if (len(lost) > 0) != (want == "lost") || strings.Contains(string(body), "reasoning") != (want != "" && want != "lost") || want != "lost" && !strings.Contains(string(body), want) {
			t.Errorf("%s: %s, lost %v", model, body, lost)
		}
	}
}

func BenchmarkTranslateStream(b *testing.B) {
	list := events(b, goldentest.Read(b, "testdata/provider/text.sse"))
	var all []framed
	all = append(all, list[:4]...)
	for range 100 {
		all = append(all, list[4])
	}
	all = append(all, list[8:]...)
	client := &chat.Request{}
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dec, enc := newDecoder(), newEncoder(client)
		dst = dst[:0]
		for _, e := range all {
			deltas, err := dec.Decode(e.name, e.data)
			if err != nil {
				b.Fatal(err)
			}
			for i := range deltas {
				dst = enc.Append(dst, &deltas[i])
			}
		}
		dst = enc.AppendEnd(dst)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(all)), "ns/event")
}
