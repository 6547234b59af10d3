package gateway_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/prompt"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/formats"
)

// prompted gives the endpoint a prompt of two versions, which share the calls by these percentages.
func prompted(t *testing.T, first, second int) setup {
	return func(_ *lab, e *endpoint.Endpoint) {
		p := &prompt.Prompt{}
		for i, say := range []string{"Sum up: {{ text }}", "In short, {{ text }}{{ more }}"} {
			none := ""
			v, faults := prompt.Compile(prompt.Spec{
				Number:     int64(i + 1),
				Messages:   []prompt.Message{{Role: prompt.System, Content: "Be kind."}, {Role: prompt.User, Content: say}},
				Parameters: json.RawMessage(`{"temperature":0,"max_tokens":9}`),
				Variables:  []prompt.Variable{{Name: "text"}, {Name: "more", Default: &none}},
			})
			if len(faults) > 0 {
				t.Fatal(faults)
			}
			p.Versions = append(p.Versions, v)
			if share := []int{first, second}[i]; share > 0 {
				p.Active = append(p.Active, prompt.Share{Version: v, Percent: share})
			}
		}
		e.Prompt = p
	}
}

// overheard notes the bodies an upstream is sent.
func overheard(h http.Handler) (http.Handler, func() string) {
	var mu sync.Mutex
	var last string
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			mu.Lock()
			last = string(b)
			mu.Unlock()
			r.Body = io.NopCloser(strings.NewReader(string(b)))
			h.ServeHTTP(w, r)
		}), func() string {
			mu.Lock()
			defer mu.Unlock()
			return last
		}
}

func invocation(call *gateway.Call) {
	call.Surface = gateway.Surface{APIType: "mlflow/v1/invocations", Dialect: apierr.Databricks, ByBody: true, DataOnly: true}
	call.Endpoint = "chat"
}

func responsesCall(call *gateway.Call) {
	call.Surface = gateway.Surface{APIType: "openai/v1/responses", Dialect: apierr.OpenAI, Format: wire.OpenAIResponses}
}

// A call of a prompt, in each form: what goes to the provider is the template, the row says the
// version, and the payload is what the client sent.
func TestAPromptIsCalled(t *testing.T) {
	const sumUp = `"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Sum up: a \"b\""}`
	for name, c := range map[string]struct {
		body   string
		change func(*gateway.Call)
		want   string // in what the provider is sent
	}{
		"variables":           {`{"model":"chat","variables":{"text":"a \"b\""}}`, nil, sumUp + `],"temperature":0,"max_tokens":9}`},
		"with messages":       {`{"model":"chat","variables":{"text":"a \"b\""},"messages":[{"role":"user","content":"q"}]}`, nil, sumUp + `,{"role":"user","content":"q"}]`},
		"a version":           {`{"model":"chat","version":2,"variables":{"text":"a"}}`, nil, `{"role":"user","content":"In short, a"}`},
		"streamed":            {`{"model":"chat","stream":true,"variables":{"text":"a"}}`, nil, `"content":"Sum up: a"}],"temperature":0`},
		"invocation":          {`{"variables":{"text":"a \"b\""}}`, invocation, sumUp},
		"inputs":              {`{"inputs":{"text":"a \"b\""},"usage_context":{"team":"x"}}`, invocation, sumUp},
		"inputs of a row":     {`{"inputs":[{"text":"a \"b\""}]}`, invocation, sumUp},
		"a data frame":        {`{"dataframe_records":[{"text":"a \"b\""}]}`, invocation, sumUp},
		"a split data frame":  {`{"dataframe_split":{"columns":["text"],"data":[["a \"b\""]]}}`, invocation, sumUp},
		"an invoked chat":     {`{"messages":[{"role":"user","content":"q"}],"variables":{"text":"a \"b\""}}`, invocation, sumUp + `,{"role":"user","content":"q"}]`},
		"the responses API":   {`{"prompt":{"id":"chat","version":"2","variables":{"text":"a"}}}`, responsesCall, `{"role":"user","content":"In short, a"}`},
		"with model and text": {`{"model":"chat","prompt":{"id":"chat","variables":{"text":{"type":"input_text","text":"a"}}},"input":"q"}`, responsesCall, `{"role":"user","content":"Sum up: a"},{"role":"user","content":"q"}]`},
		"invoked responses":   {`{"prompt":{"variables":{"text":"a"}},"input":"q"}`, invocation, `{"role":"user","content":"Sum up: a"},{"role":"user","content":"q"}]`},
		"as text, not as JSON": {
			`{"model":"chat","variables":{"text":"{{ more }}\"}],\"model\":\"dear"}}`, nil, `"content":"Sum up: {{ more }}\"}],\"model\":\"dear"}]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			up, heard := overheard(http.HandlerFunc(both))
			l := newLab(t, []http.Handler{up}, prompted(t, 100, 0))
			var change []func(*gateway.Call)
			if c.change != nil {
				change = append(change, c.change)
			}
			got := l.do(c.body, change...)
			r := l.recorder.One()
			if r.Outcome != inference.OK || got.head.Status != 200 {
				t.Fatalf("row %s, client %s", summary(r), got.body)
			}
			if sent := heard(); !strings.Contains(sent, c.want) || strings.Contains(sent, `"variables"`) || !json.Valid([]byte(sent)) {
				t.Errorf("the provider was sent %s\nwant %s", sent, c.want)
			}
			want := int64(1)
			if strings.Contains(c.want, "In short") {
				want = 2
			}
			if r.PromptVersion != want || got.head.Prompt != want {
				t.Errorf("row has version %d, the answer %d; want %d", r.PromptVersion, got.head.Prompt, want)
			}
			if string(r.Payload.Request) != c.body {
				t.Errorf("payload %s", r.Payload.Request)
			}
		})
	}
}

// Each format's clients can call a prompt, whatever their provider speaks.
func TestAPromptIsCalledInEveryFormat(t *testing.T) {
	for _, to := range providers() {
		whole, streamed := fixture(t, to.Format, "provider/text.json"), streamOf(t, to.Format, "text")
		for _, from := range clients() {
			for _, stream := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s to %s, streamed %v", from.Format, to.Format, stream), func(t *testing.T) {
					up, heard := overheard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if stream {
							sends(200, mediaOf(to.Format), string(streamed))(w, r)
							return
						}
						sends(200, "application/json", string(whole))(w, r)
					}))
					l := newLab(t, []http.Handler{up}, speaks(to.Format), prompted(t, 100, 0), func(_ *lab, e *endpoint.Endpoint) {
						e.Entities[0].Model = "claude-sonnet-4-0" // takes a temperature
					})
					body := requestOf(t, from, "text", stream)
					body = strings.TrimSuffix(body, "}") + `,"variables":{"text":"\"Möwe\" \u0041"}}`
					c := l.do(body, asked(from, stream))
					r := l.recorder.One()
					if r.Outcome != inference.OK || r.PromptVersion != 1 || textOf(t, from, c.body, stream) == "" {
						t.Errorf("row %s\nclient %s\nsent %s", summary(r), c.body, heard())
					}
					var sent any
					if err := json.Unmarshal([]byte(heard()), &sent); err != nil {
						t.Fatal(err)
					}
					if text := fmt.Sprint(sent); !strings.Contains(text, `Sum up: "Möwe" A`) || !strings.Contains(text, "Be kind.") || strings.Contains(text, "variables") {
						t.Errorf("the provider was sent %s", heard())
					}
				})
			}
		}
	}
}

func TestAPromptIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		body   string
		change func(*gateway.Call)
		want   string
	}{
		"missing":              {`{"model":"chat"}`, nil, `version 1 of the prompt needs variable \"text\"`},
		"unknown":              {`{"model":"chat","variables":{"text":"a","b":"c"}}`, nil, `has no variable \"b\"`},
		"no such version":      {`{"model":"chat","version":3,"variables":{"text":"a"}}`, nil, `has no version 3; there are versions 1 to 2`},
		"another prompt":       {`{"model":"chat","prompt":{"id":"other","variables":{"text":"a"}}}`, responsesCall, `\"prompt.id\" must be the name of the endpoint`},
		"a prompt nobody has":  {`{"prompt":{"id":"other","variables":{"text":"a"}}}`, responsesCall, `does not exist`},
		"no prompt, no model":  {`{"prompt":{"variables":{"text":"a"}}}`, responsesCall, `\"model\" is missing`},
		"completions":          {`{"model":"chat","prompt":"a","variables":{"text":"a"}}`, func(c *gateway.Call) { c.Surface.Format = wire.OpenAICompletions }, "call it as a chat"},
		"too large":            {`{"model":"chat","variables":{"text":"` + strings.Repeat("x", 900) + `"}}`, nil, "larger than 1000 bytes"},
		"invoked, two rows":    {`{"inputs":[{"text":"a"},{"text":"b"}]}`, invocation, "must have one row"},
		"an invoked embedding": {`{"input":7,"variables":{"text":"a"}}`, invocation, `\"input\" must be a list`},
	} {
		t.Run(name, func(t *testing.T) {
			up, calls := counted(http.HandlerFunc(both))
			l := newLab(t, []http.Handler{up}, prompted(t, 100, 0), func(l *lab, _ *endpoint.Endpoint) { l.config.MaxBody = 1000 })
			var change []func(*gateway.Call)
			if c.change != nil {
				change = append(change, c.change)
			}
			got := l.do(c.body, change...)
			r := l.recorder.One()
			if r.Outcome != inference.Refused || got.head.Status < 400 || got.head.Status >= 500 || !strings.Contains(got.body, c.want) || calls.Load() != 0 {
				t.Errorf("row %s, client %s", summary(r), got.body)
			}
		})
	}
}

// A key that may not call the endpoint may not by naming it as a prompt.
func TestAPromptNeedsPermission(t *testing.T) {
	l := newLab(t, []http.Handler{http.HandlerFunc(both)}, prompted(t, 100, 0))
	got := l.do(`{"prompt":{"id":"chat","variables":{"text":"a"}}}`, responsesCall, func(c *gateway.Call) { c.Token = "lg-none" })
	if got.head.Status != 403 {
		t.Errorf("status %d: %s", got.head.Status, got.body)
	}
}

// Calls are split by the percentages, the same requester's always to the same version where the
// endpoint is sticky, and a version asked for is the one that answers.
func TestVersionsShareTheCalls(t *testing.T) {
	var draw uint32
	l := newLab(t, []http.Handler{http.HandlerFunc(both)}, prompted(t, 90, 10), func(l *lab, _ *endpoint.Endpoint) {
		l.parts.Draw = func() uint32 { draw++; return draw }
	})
	n := map[int64]int{}
	for range 100 {
		n[l.do(`{"model":"chat","variables":{"text":"a"}}`).head.Prompt]++
		draw-- // the split of the traffic has drawn too
	}
	if n[1] != 90 || n[2] != 10 {
		t.Errorf("%v", n)
	}
	sticky := newLab(t, []http.Handler{http.HandlerFunc(both)}, prompted(t, 50, 50), func(_ *lab, e *endpoint.Endpoint) {
		e.StickyBy = endpoint.StickyTag + "session"
	})
	seen := map[int64]int{}
	for i := range 40 {
		body := fmt.Sprintf(`{"model":"chat","variables":{"text":"a"},"usage_context":{"session":"s%d"}}`, i)
		first := sticky.do(body).head.Prompt
		seen[first]++
		for range 3 {
			if again := sticky.do(body).head.Prompt; again != first {
				t.Fatalf("session %d went from version %d to %d", i, first, again)
			}
		}
	}
	if seen[1] < 8 || seen[2] < 8 {
		t.Errorf("40 sessions fell to %v", seen)
	}
}

// What the cache takes for the question is what the provider would be asked.
func TestAPromptIsCached(t *testing.T) {
	up, calls := counted(http.HandlerFunc(both))
	l := newLab(t, []http.Handler{up}, prompted(t, 100, 0), caching())
	got := states(
		l.do(`{"model":"chat","variables":{"text":"a"}}`),
		l.do(`{"model":"chat", "variables": {"text":"a", "more": "not in version 1"}}`),
		l.do(`{"model":"chat","variables":{"text":"b"}}`),
		l.do(`{"model":"chat","version":1,"variables":{"text":"a"}}`),
		l.do(`{"model":"chat","version":2,"variables":{"text":"a"}}`),
		l.do(`{"model":"chat","stream":true,"variables":{"text":"a"}}`),
		l.do(`{"variables":{"text":"a"},"model":"chat","temperature":0.5}`),
	)
	if want := "miss hit miss hit miss hit bypass"; got != want || calls.Load() != 4 {
		t.Errorf("%s, %d calls; want %s", got, calls.Load(), want)
	}
	for _, r := range l.recorder.Records() {
		if r.PromptVersion == 0 {
			t.Errorf("a row without version: %s", summary(r))
		}
	}
}

// What a prompt says and the client's format has no words for is named.
func TestParametersWithoutWordsAreNamed(t *testing.T) {
	for _, to := range []wire.Format{wire.AnthropicMessages, wire.OpenAIChat} {
		l := newLab(t, []http.Handler{sends(200, "application/json", string(fixture(t, to, "provider/text.json")))}, speaks(to), func(_ *lab, e *endpoint.Endpoint) {
			v, faults := prompt.Compile(prompt.Spec{Number: 7, Messages: []prompt.Message{{Role: prompt.User, Content: "a"}}, Parameters: json.RawMessage(`{"seed":1}`)})
			if len(faults) > 0 {
				t.Fatal(faults)
			}
			e.Prompt = &prompt.Prompt{Versions: []*prompt.Version{v}, Active: []prompt.Share{{Version: v, Percent: 100}}}
		})
		c := l.do(`{"model":"chat","max_tokens":5}`, asked(formats.Table[wire.AnthropicMessages], false))
		if c.head.Status != 200 || fmt.Sprint(c.head.Dropped) != "[seed]" {
			t.Errorf("to %s: %v %s", to, c.head.Dropped, c.body)
		}
	}
}

// What is asked beside a call of a prompt is the same version of it.
func TestAPromptBesideACall(t *testing.T) {
	var mu sync.Mutex
	var sent []string
	both := func(l *lab, e *endpoint.Endpoint) {
		prompted(t, 50, 50)(l, e)
		shadowed(1)(l, e)
	}
	scripted(t, map[string][]step{"a": {says(answer)}, "b": {says(answer)}}, both, func(t *testing.T, l *lab, s *playbook) {
		s.onAsk = func(r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			mu.Lock()
			defer mu.Unlock()
			sent = append(sent, string(b))
		}
		l.do(`{"model":"chat","variables":{"text":"a"}}`)
		synctest.Wait()
		rows := rowsOf(t, l.recorder)
		if len(rows) != 2 || rows[0].PromptVersion == 0 || rows[1].PromptVersion != rows[0].PromptVersion {
			t.Errorf("versions of %d rows", len(rows))
		}
		if len(sent) != 2 || sent[0] != sent[1] {
			t.Errorf("sent %q", sent)
		}
	})
}
