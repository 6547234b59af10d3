package gateway_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/serving/endpoint"
)

func zipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

// with adds a header to what an upstream sends.
func with(name, value string, h http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(name, value)
		h.ServeHTTP(w, r)
	}
}

// cut is an upstream that promises more than it sends.
func cut(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, body)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// TestWholeAnswers: what providers send, what the client gets, and the row it makes.
func TestWholeAnswers(t *testing.T) {
	tests := []struct {
		name     string
		upstream http.Handler
		row      string
		status   int
		body     string // the client's, "=" before it for all of it
		retry    string
		stored   string // payload's response, "=" for what the client got
		message  string // the row's
	}{
		{name: "ok", upstream: sends(200, "application/json; charset=utf-8", answer), row: "ok 200 usage=provider:5+7=12 cost=12 a:200", status: 200, body: "=" + answer, stored: "="},
		{name: "no content type", upstream: sends(200, "", answer), row: "ok 200 usage=provider:5+7=12 cost=12 a:200", status: 200, body: "=" + answer, stored: "="},
		{name: "created", upstream: sends(201, "application/vnd.x+json", `{"model":"other"}`), row: "ok 201 usage=none a:201", status: 201, body: `={"model":"other"}`, stored: "="},
		{name: "no usage", upstream: sends(200, "application/json", `{"predictions":[1]}`), row: "ok 200 usage=none a:200", status: 200, body: `={"predictions":[1]}`, stored: "="},
		{name: "no price", upstream: sends(200, "application/json", strings.Replace(answer, "gpt-4o-2024", "mystery", 1)), row: "ok 200 usage=provider:5+7=12 a:200", status: 200},
		{name: "HTML", upstream: sends(200, "text/html", "<html>secret page"), row: "upstream_error 502 BAD_GATEWAY usage=none a:200", status: 502, body: "answered with text/html instead of JSON", stored: "<html>secret page", message: "the provider answered with text/html instead of JSON"},
		{name: "HTML called JSON", upstream: sends(200, "application/json", "<html>secret page"), row: "upstream_error 502 BAD_GATEWAY usage=none a:200", status: 502, body: "not a JSON object", stored: "<html>secret page"},
		{name: "half JSON", upstream: sends(200, "application/json", answer[:60]), row: "upstream_error 502 BAD_GATEWAY usage=none a:200", status: 502, body: "not a JSON object", stored: answer[:60]},
		{name: "nothing", upstream: sends(200, "application/json", ""), row: "upstream_error 502 BAD_GATEWAY usage=none a:200", status: 502, body: "not a JSON object"},
		{name: "not UTF-8", upstream: sends(200, "application/json", "{\"a\":\"\xff\"}"), row: "upstream_error 502 BAD_GATEWAY usage=none a:200", status: 502, body: "not a JSON object", stored: "{\"a\":\"\ufffd\"}"},
		{name: "cut off", upstream: cut(answer[:40]), row: "upstream_broken 502 BAD_GATEWAY usage=none a:200", status: 502, body: "broke off", stored: answer[:40]},
		{name: "gzip", upstream: with("Content-Encoding", "gzip", sends(200, "application/json", zipped(answer))), row: "upstream_error 502 BAD_GATEWAY usage=none a:200", status: 502, body: "encoded as gzip"},
		{name: "redirect", upstream: with("Location", "http://elsewhere/", sends(302, "text/html", "")), row: "upstream_error 502 BAD_GATEWAY usage=none a:302", status: 502, body: "status 302"},
		{name: "a stream nobody asked for", upstream: streams(hel, doneEvent), row: "upstream_error 502 BAD_GATEWAY usage=none a:200", status: 502, body: "streamed an answer"},
		{
			name: "error of OpenAI", upstream: sends(400, "application/json", `{"error":{"message":"the prompt is too long","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`),
			row: "upstream_error 400 context_length_exceeded usage=none a:400", status: 400, body: `={"error":{"message":"the prompt is too long","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`,
			stored: "=", message: "provider answered 400 (context_length_exceeded)",
		},
		{
			name: "error of another shape", upstream: sends(422, "application/json", `{"detail":"unknown field"}`),
			row: "upstream_error 422 EXTERNAL_MODEL_ERROR usage=none a:422", status: 422,
			body: `={"error":{"code":"EXTERNAL_MODEL_ERROR","message":"unknown field","param":null,"type":"invalid_request_error"}}`, message: "provider answered 422",
		},
		{name: "JSON error without text", upstream: sends(500, "application/json", `{}`), row: "upstream_error 500 EXTERNAL_MODEL_ERROR usage=none a:500", status: 500, body: "status 500 and no message"},
		{name: "429", upstream: with("Retry-After", "7", sends(429, "application/json", `{"error":{"message":"slow down"}}`)), row: "upstream_error 429 EXTERNAL_MODEL_ERROR usage=none a:429", status: 429, body: "slow down", retry: "7"},
		{name: "429 without Retry-After", upstream: sends(429, "application/json", `{"error":{"message":"slow down"}}`), row: "upstream_error 429 EXTERNAL_MODEL_ERROR usage=none a:429", status: 429, retry: "1"},
		{name: "429 with a date gone by", upstream: with("Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT", sends(429, "", "")), row: "upstream_error 429 BAD_GATEWAY usage=none a:429", status: 429, retry: "1", body: "status 429 and nothing instead"},
		{name: "503 with HTML", upstream: sends(503, "text/html", "<html>"), row: "upstream_error 503 BAD_GATEWAY usage=none a:503", status: 503, retry: "1", body: "status 503 and text/html instead of a JSON error"},
		{name: "404 with HTML", upstream: sends(404, "text/html", "<html>nginx"), row: "upstream_error 502 BAD_GATEWAY usage=none a:404", status: 502, body: "status 404 and text/html"},
		{name: "our key refused", upstream: sends(401, "application/json", `{"error":{"message":"Incorrect API key provided: sk-upstream-key"}}`), row: "upstream_error 502 BAD_GATEWAY usage=none a:401", status: 502, body: "refused the gateway's key", stored: `{"error":{"message":"Incorrect API key provided: [redacted]"}}`},
		{name: "our key repeated", upstream: sends(400, "application/json", `{"error":{"message":"bad header Bearer sk-upstream-key"}}`), row: "upstream_error 400 EXTERNAL_MODEL_ERROR usage=none a:400", status: 400, body: `={"error":{"message":"bad header Bearer [redacted]"}}`, stored: "="},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := newLab(t, []http.Handler{tt.upstream})
			c := l.do(ask)
			r := l.recorder.One()
			if got := summary(r); got != tt.row || c.head.Status != tt.status || c.head.RetryAfter != tt.retry {
				t.Errorf("row  %s\nwant %s\nclient %d, retry %q", got, tt.row, c.head.Status, c.head.RetryAfter)
			}
			if want, exact := strings.CutPrefix(tt.body, "="); exact && c.body != want || !strings.Contains(c.body, want) {
				t.Errorf("client got %s\nwant %s", c.body, tt.body)
			}
			stored := tt.stored
			if stored == "=" {
				stored = c.body
			}
			if stored != "" && string(r.Payload.Response) != stored {
				t.Errorf("stored %s\nwant %s", r.Payload.Response, stored)
			}
			if tt.message != "" && r.ErrorMessage != tt.message {
				t.Errorf("message %q, want %q", r.ErrorMessage, tt.message)
			}
			if strings.Contains(c.body+asText(r), "sk-upstream-key") || strings.Contains(c.body, "secret page") {
				t.Errorf("something leaked: %s\n%s", c.body, asText(r))
			}
			if string(r.Payload.Request) != ask || r.Payload.Table != "main.ai.chat_payload" {
				t.Errorf("request stored: %s", r.Payload.Request)
			}
			if r.UpstreamLatency == nil || *r.UpstreamLatency > r.Latency {
				t.Errorf("upstream latency %v of %v", r.UpstreamLatency, r.Latency)
			}
		})
	}
}

// TestDatabricksDialect: the same errors as a caller of invocations sees them.
func TestDatabricksDialect(t *testing.T) {
	for _, tt := range []struct {
		upstream http.Handler
		want     string
	}{
		{sends(400, "application/json", `{"error":{"message":"too long","code":"context_length_exceeded"}}`), `{"error_code":"EXTERNAL_MODEL_ERROR","message":"too long"}`},
		{sends(200, "text/html", "<html>"), `{"error_code":"BAD_GATEWAY","message":"the provider answered with text/html instead of JSON"}`},
		{streams(event(`{"error":{"message":"overloaded"}}`)), `{"error_code":"EXTERNAL_MODEL_ERROR","message":"overloaded"}`},
	} {
		l := newLab(t, []http.Handler{tt.upstream})
		if c := l.do(strings.Replace(askStream, `"model":"chat",`, "", 1), atPath("chat")); c.body != tt.want {
			t.Errorf("client got %s, want %s", c.body, tt.want)
		}
		l.recorder.One()
	}
}

// TestCustomModel: bodies that are not OpenAI's go to the configured URL as they are.
func TestCustomModel(t *testing.T) {
	var path, body string
	l := newLab(t, []http.Handler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		path, body = r.URL.Path, string(b)
		sends(200, "application/json", `{"predictions":[0.5]}`)(w, r)
	})}, func(_ *lab, e *endpoint.Endpoint) {
		e.Entities[0].Provider, e.Entities[0].BaseURL.Path = "custom", "/score"
	})
	c := l.do(`{"dataframe_split":{"columns":["a"],"data":[[1.0]]},"usage_context":{"team":"x"}}`, atPath("chat"))
	if c.body != `{"predictions":[0.5]}` || path != "/score" || body != `{"dataframe_split":{"columns":["a"],"data":[[1.0]]}}` {
		t.Errorf("client got %s; the model was asked %s %s", c.body, path, body)
	}
	if r := l.recorder.One(); summary(r) != "ok 200 usage=none a:200" || r.UsageContext["team"] != "x" {
		t.Errorf("row %s", asText(r))
	}
}

func TestRecordGoesOutBeforeTheAnswer(t *testing.T) {
	l := newLab(t, []http.Handler{sends(200, "application/json", answer)})
	l.do(ask)
	if got := l.journal.String(); got != "admit\nfinish ok\nanswer 200" {
		t.Errorf("in order:\n%s", got)
	}
}

func TestHeadAndTarget(t *testing.T) {
	l := newLab(t, []http.Handler{sends(200, "application/json", answer)})
	c := l.do(ask)
	r := l.recorder.One()
	if c.head.ID != r.ID || c.head.ServedModel != "a" || c.head.ContentType != "application/json" {
		t.Errorf("head %+v", c.head)
	}
	g := r.Target
	if g.Endpoint != "chat" || g.EndpointID == "" || g.ServedEntity != "a" || g.ServedEntityID == "" || g.Provider != "openai" || g.Model != "gpt-4o-2024" || g.Task != "llm/v1/chat" {
		t.Errorf("target %+v", g)
	}
	if *r.Usage.InputChars != 2 || *r.Usage.OutputChars != 5 || r.TimeToFirstToken != nil {
		t.Errorf("usage %+v, first token %v", r.Usage, r.TimeToFirstToken)
	}
}

func TestWhatTheUpstreamSees(t *testing.T) {
	var got atomic.Pointer[http.Request]
	var body atomic.Value
	l := newLab(t, []http.Handler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got.Store(r)
		body.Store(string(b))
		sends(200, "application/json", answer)(w, r)
	})})
	l.do(`{"model":"chat", "usage_context":{"team":"x"},"messages":[], "x":1.0}`)
	r := got.Load()
	if r.Method != "POST" || r.URL.Path != "/v1/chat/completions" || r.Header.Get("Authorization") != "Bearer sk-upstream-key" || r.Header.Get("Accept-Encoding") != "identity" {
		t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
	}
	if want := `{"model":"gpt-4o","messages":[], "x":1.0}`; body.Load() != want {
		t.Errorf("body %s, want %s", body.Load(), want)
	}
}

func TestFallback(t *testing.T) {
	ok := sends(200, "application/json", answer)
	busy := sends(429, "application/json", `{"error":{"message":"slow down"}}`)
	gone := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	bad := sends(400, "application/json", `{"error":{"message":"bad"}}`)
	html := sends(200, "text/html", "<html>")
	chunks := streams(hel, lo, stop, usage, doneEvent)
	fallback := func(_ *lab, e *endpoint.Endpoint) { e.Fallback = true }
	tests := []struct {
		name      string
		upstreams []http.Handler
		setup     setup
		body      string
		row       string
		served    string
	}{
		{"first is fine", []http.Handler{ok, ok}, fallback, ask, "ok 200 usage=provider:5+7=12 cost=12 a:200", "a"},
		{"busy", []http.Handler{busy, ok}, fallback, ask, "ok 200 usage=provider:5+7=12 cost=12 a:429 b:200", "b"},
		{"in the order of the list", []http.Handler{busy, sends(503, "", ""), ok, ok}, fallback, ask, "ok 200 usage=provider:5+7=12 cost=12 a:429 b:503 c:200", "c"},
		{"connection refused", []http.Handler{gone, ok}, fallback, ask, "ok 200 usage=provider:5+7=12 cost=12 a:0 b:200", "b"},
		{"unreadable", []http.Handler{html, ok}, fallback, ask, "ok 200 usage=provider:5+7=12 cost=12 a:200 b:200", "b"},
		{"cut off", []http.Handler{cut(answer[:9]), ok}, fallback, ask, "ok 200 usage=provider:5+7=12 cost=12 a:200 b:200", "b"},
		{"all fail: the last speaks", []http.Handler{busy, sends(500, "application/json", `{"error":{"message":"last"}}`)}, fallback, ask, "upstream_error 500 EXTERNAL_MODEL_ERROR usage=none a:429 b:500", ""},
		{"the client's fault", []http.Handler{bad, ok}, fallback, ask, "upstream_error 400 EXTERNAL_MODEL_ERROR usage=none a:400", ""},
		{"not enabled", []http.Handler{busy, ok}, func(*lab, *endpoint.Endpoint) {}, ask, "upstream_error 429 EXTERNAL_MODEL_ERROR usage=none a:429", ""},
		{"stream after a failure", []http.Handler{busy, chunks}, fallback, askStream, "ok 200 usage=provider:5+7=12 cost=12 a:429 b:200", "b"},
		{"empty stream", []http.Handler{streams(), chunks}, fallback, askStream, "ok 200 usage=provider:5+7=12 cost=12 a:200 b:200", "b"},
		{"stream that begins with an error", []http.Handler{streams(event(`{"error":{"message":"overloaded"}}`)), chunks}, fallback, askStream, "ok 200 usage=provider:5+7=12 cost=12 a:200 b:200", "b"},
		{"not after the first byte", []http.Handler{streams(hel, "!"), chunks}, fallback, askStream, "upstream_broken 200 BAD_GATEWAY usage=none a:200", "a"},
		{"by draw", []http.Handler{ok, ok}, func(l *lab, e *endpoint.Endpoint) {
			e.Weights = []int{30, 70}
			l.parts.Draw = func() uint32 { return 30 }
		}, ask, "ok 200 usage=provider:5+7=12 cost=12 b:200", "b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := newLab(t, tt.upstreams, tt.setup)
			c := l.do(tt.body)
			if got := summary(l.recorder.One()); got != tt.row {
				t.Errorf("row  %s\nwant %s\nclient %s", got, tt.row, c.body)
			}
			if tt.served != "" && c.head.ServedModel != tt.served {
				t.Errorf("served by %q, want %q", c.head.ServedModel, tt.served)
			}
		})
	}
}

// TestServerThatRefusesStreamOptions is asked again without, and from then on without at once.
func TestServerThatRefusesStreamOptions(t *testing.T) {
	var bodies []string
	l := newLab(t, []http.Handler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		bodies = append(bodies, string(b))
		if strings.Contains(string(b), "stream_options") {
			sends(422, "application/json", `{"detail":"extra field stream_options"}`)(w, r)
			return
		}
		streams(hel, stop, doneEvent)(w, r)
	})})
	for range 2 {
		if c := l.do(askStream); !strings.HasSuffix(c.body, doneEvent) {
			t.Errorf("client got %s", c.body)
		}
	}
	plain := `{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}],"stream":true}`
	want := []string{strings.TrimSuffix(plain, "}") + `,"stream_options":{"include_usage":true}}`, plain, plain}
	if d := cmp.Diff(want, bodies); d != "" {
		t.Error(d)
	}
	if got := summary(l.recorder.Records()[0]); got != "ok 200 usage=none a:422 a:200" {
		t.Error(got)
	}
}
