package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/formats"
)

// keeps is an upstream that answers with a format's text, and keeps what it is asked.
type keeps struct {
	http.Handler
	mu     sync.Mutex
	bodies []string
}

func keeper(h http.Handler) *keeps {
	k := &keeps{}
	k.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		k.mu.Lock()
		k.bodies = append(k.bodies, string(b))
		k.mu.Unlock()
		h.ServeHTTP(w, r)
	})
	return k
}

func gemini(t *testing.T) http.Handler {
	return sends(200, "application/json", string(fixture(t, wire.GeminiGenerate, "provider/text.json")))
}

// lossy has two fields that Google's API has no words for.
const lossy = `{"model":"chat","messages":[{"role":"user","content":"hi"}],"logit_bias":{"1":5},"parallel_tool_calls":false,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}},{"type":"function","function":{"name":"g","parameters":{"type":"object"}}}]}`

// TestLosses: what can't be translated is refused by name, or dropped where the endpoint says so.
func TestLosses(t *testing.T) {
	up := keeper(gemini(t))
	l := newLab(t, []http.Handler{up}, speaks(wire.GeminiGenerate))
	c := l.do(lossy)
	var told struct {
		Error struct{ Message, Param, Type string }
	}
	if err := json.Unmarshal([]byte(c.body), &told); err != nil {
		t.Fatal(err)
	}
	if c.head.Status != 400 || told.Error.Type != "invalid_request_error" || !strings.Contains(told.Error.Message, `"logit_bias"`) || !strings.Contains(told.Error.Message, `"parallel_tool_calls"`) || !strings.Contains(told.Error.Message, `"`+told.Error.Param+`"`) {
		t.Errorf("%d %s", c.head.Status, c.body)
	}
	r := l.recorder.One()
	if got := summary(r); got != "refused 400 INVALID_PARAMETER_VALUE usage=none a:0" || len(up.bodies) > 0 || r.Attempts[0].Error == "" {
		t.Errorf("row %s, %d calls", got, len(up.bodies))
	}
	if got := l.journal.String(); got != "admit\nfinish refused\nanswer 400" {
		t.Errorf("in order:\n%s", got)
	}

	l = newLab(t, []http.Handler{up}, speaks(wire.GeminiGenerate), func(_ *lab, e *endpoint.Endpoint) { e.DropUnsupported = true })
	c = l.do(lossy)
	if slices.Sort(c.head.Dropped); c.head.Status != 200 || fmt.Sprint(c.head.Dropped) != "[logit_bias parallel_tool_calls]" || len(up.bodies) != 1 {
		t.Errorf("%d, dropped %v: %s", c.head.Status, c.head.Dropped, c.body)
	}
	if got := fmt.Sprint(l.meter.translated); got != "[openai-chat to gemini-generate without 2]" {
		t.Errorf("the meter was told %s", got)
	}
	l.recorder.One()
}

// TestManyLosses names some of them: their names are the client's.
func TestManyLosses(t *testing.T) {
	var body strings.Builder
	body.WriteString(`{"model":"chat","messages":[{"role":"user","content":"hi"}]`)
	for i := range 5000 {
		fmt.Fprintf(&body, `,"x%s%d":1`, strings.Repeat("y", 200), i)
	}
	l := newLab(t, []http.Handler{untouched(t)}, speaks(wire.GeminiGenerate))
	c := l.do(body.String() + "}")
	r := l.recorder.One()
	if c.head.Status != 400 || !strings.Contains(c.body, "and 4980 more") || len(c.body) > 8<<10 || len(r.ErrorMessage) > 2048 {
		t.Errorf("%d, %d and %d bytes: %.300s", c.head.Status, len(c.body), len(r.ErrorMessage), c.body)
	}
}

// TestLossAtOneTarget lets the plan go on to one that loses nothing.
func TestLossAtOneTarget(t *testing.T) {
	first, second := keeper(gemini(t)), keeper(sends(200, "application/json", answer))
	l := newLab(t, []http.Handler{first, second}, speaks(wire.GeminiGenerate, wire.OpenAIChat), func(_ *lab, e *endpoint.Endpoint) { e.Fallback = true })
	c := l.do(lossy)
	if r := l.recorder.One(); summary(r) != "ok 200 usage=provider:5+7=12 cost=12 a:0 b:200" || r.Target.UpstreamAPI != string(wire.OpenAIChat) || c.body != answer {
		t.Errorf("row %s, client %s", summary(r), c.body)
	}
	if want := strings.Replace(lossy, `"model":"chat"`, `"model":"gpt-4o"`, 1); len(first.bodies) != 0 || second.bodies[0] != want {
		t.Errorf("the first was asked %v, the second %v", first.bodies, second.bodies)
	}
}

// TestWrongFieldInATranslatedRequest is told by its name, in the client's dialect.
func TestWrongFieldInATranslatedRequest(t *testing.T) {
	l := newLab(t, []http.Handler{untouched(t)}, speaks(wire.GeminiGenerate))
	c := l.do(`{"model":"chat","messages":[{"role":"user","content":7}]}`)
	if c.head.Status != 400 || !strings.Contains(c.body, `"param":"messages[0].content"`) {
		t.Errorf("%d %s", c.head.Status, c.body)
	}
	if got := summary(l.recorder.One()); got != "refused 400 INVALID_PARAMETER_VALUE usage=none a:0" {
		t.Error(got)
	}
}

// TestProviderWithoutTheOperation is refused with what it can do.
func TestProviderWithoutTheOperation(t *testing.T) {
	count := formats.Table[wire.AnthropicCount]
	l := newLab(t, []http.Handler{untouched(t)}, speaks(wire.GeminiGenerate))
	c := l.do(`{"model":"chat","messages":[]}`, asked(count, false))
	if c.head.Status != 400 || !strings.Contains(c.body, `"type":"invalid_request_error"`) || !strings.Contains(c.body, "can't answer calls of test/anthropic-count") {
		t.Errorf("%d %s", c.head.Status, c.body)
	}
	l.recorder.One()
}

// TestUsageIsAskedForInTranslation: streams of OpenAI's chat are asked for usage, and again without
// when that is refused.
func TestUsageIsAskedForInTranslation(t *testing.T) {
	from := formats.Table[wire.GeminiGenerate]
	stream := string(streamOf(t, wire.OpenAIChat, "text"))
	var up *keeps
	up = keeper(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(up.bodies[len(up.bodies)-1], "stream_options") {
			sends(400, "application/json", `{"error":{"message":"unknown field stream_options"}}`)(w, r)
			return
		}
		sends(200, "text/event-stream", stream)(w, r)
	}))
	l := newLab(t, []http.Handler{up}, speaks(wire.OpenAIChat))
	l.do(requestOf(t, from, "text", true), asked(from, true))
	if len(up.bodies) != 2 || !strings.Contains(up.bodies[0], `"stream_options":{"include_usage":true}`) || strings.Contains(up.bodies[1], "stream_options") {
		t.Errorf("asked %v", up.bodies)
	}
	if r := l.recorder.One(); r.Outcome != "ok" {
		t.Errorf("row %s", summary(r))
	}
}

// TestErrorsInEveryDialect: what any provider says of an error reaches each client in its own words.
func TestErrorsInEveryDialect(t *testing.T) {
	dialects := map[apierr.Dialect]string{
		apierr.OpenAI:    `{"error":{"code":"EXTERNAL_MODEL_ERROR","message":%q,"param":null,"type":"rate_limit_error"}}`,
		apierr.Anthropic: `{"type":"error","error":{"type":"rate_limit_error","message":%q}}`,
		apierr.Google:    `{"error":{"code":429,"message":%q,"status":"RESOURCE_EXHAUSTED"}}`,
		apierr.Cohere:    `{"message":%q}`,
	}
	for _, to := range providers() {
		raw := string(fixture(t, to.Format, "provider/error.json"))
		told, ok := wire.ParseError([]byte(raw))
		if !ok || told.Message == "" {
			t.Fatalf("the fixture of %s is no error: %s", to.Format, raw)
		}
		for _, from := range clients() {
			l := newLab(t, []http.Handler{with("Retry-After", "9", sends(429, "application/json", raw))}, speaks(to.Format))
			c := l.do(requestOf(t, from, "text", false), asked(from, false))
			want := fmt.Sprintf(dialects[from.Dialect], told.Message)
			if from.Format == to.Format {
				want = raw
			}
			if c.body != want || c.head.Status != 429 || c.head.RetryAfter != "9" {
				t.Errorf("%s to %s: %d, retry %q: %s\nwant %s", from.Format, to.Format, c.head.Status, c.head.RetryAfter, c.body, want)
			}
			if r := l.recorder.One(); r.Outcome != "upstream_error" || r.Status != 429 {
				t.Errorf("row %s", summary(r))
			}
		}
	}
}

// TestErrorInTheMiddleOfAStream is told in the client's format, and ends it.
func TestErrorInTheMiddleOfAStream(t *testing.T) {
	for _, to := range providers() {
		stream := streamOf(t, to.Format, "error")
		for _, from := range clients() {
			l := newLab(t, []http.Handler{sends(200, mediaOf(to.Format), string(stream))}, speaks(to.Format))
			c := l.do(requestOf(t, from, "text", true), asked(from, true))
			r := l.recorder.One()
			if !c.stream { // it began with the error
				if r.Outcome != "upstream_error" || c.head.Status != 502 {
					t.Errorf("%s to %s: row %s, client %s", from.Format, to.Format, summary(r), c.body)
				}
				continue
			}
			if r.Outcome != "upstream_broken" || !strings.Contains(c.body, "error") {
				t.Errorf("%s to %s: row %s, client %s", from.Format, to.Format, summary(r), c.body)
			}
			if from.Format != to.Format && !endsInError(t, from, c.body) {
				t.Errorf("%s to %s: the client is not told: %s", from.Format, to.Format, c.body)
			}
		}
	}
}

// endsInError reports whether a stream tells clients of a format of an error.
func endsInError(t *testing.T, c *wire.Codec, body string) bool {
	tracker, failed := c.NewTracker(false), false
	for _, ev := range eventsOf(t, body) {
		failed = tracker.Add(ev.Name, ev.Data).Error || failed
	}
	return failed
}

// TestAskTranslates: a question from SQL is answered by a provider of any format.
func TestAskTranslates(t *testing.T) {
	l := newLab(t, []http.Handler{gemini(t)}, speaks(wire.GeminiGenerate))
	got, err := l.Ask(context.Background(), sqlUser, "chat", "hi", gateway.AskOptions{MayCall: func(string) bool { return true }})
	if err != nil || got != "It is 18 degrees and sunny in Paris." {
		t.Errorf("%q, %v", got, err)
	}
	l.recorder.One()
}

// TestAnswersHaveAnIdentity: Google's API gives no time, and this answer neither id nor model.
func TestAnswersHaveAnIdentity(t *testing.T) {
	const answered = `{"candidates":[{"content":{"role":"model","parts":[{"text":"Sunny."}]},"finishReason":"STOP"}]}`
	for streamed, up := range map[bool]http.HandlerFunc{false: sends(200, "application/json", answered), true: sends(200, "text/event-stream", event(answered))} {
		l := newLab(t, []http.Handler{up}, speaks(wire.GeminiGenerate))
		c := l.do(fmt.Sprintf(`{"model":"chat","stream":%v,"messages":[{"role":"user","content":"hi"}]}`, streamed))
		r := l.recorder.One()
		want := fmt.Sprintf(`{"id":"%s","object":"chat.completion`, r.ID)
		if rest := fmt.Sprintf(`"created":%d,"model":"gpt-4o"`, r.Time.Unix()); !strings.Contains(c.body, want) || !strings.Contains(c.body, rest) {
			t.Errorf("streamed %v: got %s\nwant %s and %s", streamed, c.body, want, rest)
		}
	}
}
