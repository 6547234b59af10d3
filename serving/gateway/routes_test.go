package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/formats"
)

func task(name string) setup {
	return func(_ *lab, e *endpoint.Endpoint) {
		e.Task = name
		for _, x := range e.Entities {
			x.Task = name
		}
	}
}

// surfaceOf makes a call one of a format's surface, of the endpoint in the body.
func surfaceOf(f wire.Format, change ...func(*gateway.Call)) func(*gateway.Call) {
	return func(call *gateway.Call) {
		call.Surface = gateway.Surface{APIType: "test/" + string(f), Dialect: apierr.OpenAI, Format: f}
		for _, c := range change {
			c(call)
		}
	}
}

// TestUsageAtPaths: a server with a shape of its own, whole and streamed.
func TestUsageAtPaths(t *testing.T) {
	paths := func(_ *lab, e *endpoint.Endpoint) {
		e.Entities[0].Usage = &endpoint.UsagePaths{Input: "meta.tokens.in", Output: "meta.tokens.out", Model: "meta.name"}
	}
	for name, up := range map[string]http.Handler{
		"whole":    sends(200, "application/json", `{"text":"x","meta":{"name":"mine-2","tokens":{"in":3,"out":4}}}`),
		"streamed": streams(event(`{"text":"x"}`), event(`{"meta":{"name":"mine-2","tokens":{"in":1,"out":1}}}`), event(`{"meta":{"tokens":{"in":3,"out":4}}}`)),
	} {
		l := newLab(t, []http.Handler{up}, paths)
		body := ask
		if name == "streamed" {
			body = askStream
		}
		l.do(body)
		r := l.recorder.One()
		if got := summary(r); got != "ok 200 usage=provider:3+4=7 a:200" || r.Target.Model != "mine-2" || len(r.Usage.Raw) == 0 {
			t.Errorf("%s: row %s, model %s, raw %s", name, got, r.Target.Model, r.Usage.Raw)
		}
	}
}

// TestForm: sound goes out as it came but for the model, and its usage is in the row.
func TestForm(t *testing.T) {
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	f, _ := m.CreateFormFile("file", "a.mp3")
	_, _ = f.Write([]byte("\x00\xffsound"))
	_ = m.WriteField("model", "chat")
	_ = m.Close()
	var got []byte
	var kind string
	up := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body)
		kind = r.URL.Path + " " + r.Header.Get("Content-Type")
		sends(200, "application/json", `{"text":"hello","usage":{"type":"tokens","input_tokens":14,"output_tokens":2,"total_tokens":16}}`)(w, r)
	})
	l := newLab(t, []http.Handler{up}, task(endpoint.Transcription))
	boundary := func(c *gateway.Call) { c.Boundary, c.Suffix = m.Boundary(), "/transcriptions" }
	c := l.do(form.String(), surfaceOf(wire.OpenAITranscripts, boundary))
	if want := strings.Replace(form.String(), "\r\n\r\nchat\r\n", "\r\n\r\ngpt-4o\r\n", 1); string(got) != want || kind != "/v1/audio/transcriptions multipart/form-data; boundary="+m.Boundary() {
		t.Errorf("sent %s %q\nwant %q\nclient %s", kind, got, want, c.body)
	}
	r := l.recorder.One()
	if summary(r) != "ok 200 usage=provider:14+2=16 cost=16 a:200" || r.RequestedModel != "chat" || fmt.Sprint(r.Payload.ErrorCodes) != "[REQUEST_NOT_UTF8]" {
		t.Errorf("row %s, %v", summary(r), r.Payload.ErrorCodes)
	}
	l = newLab(t, []http.Handler{untouched(t)})
	if c := l.do(form.String(), func(c *gateway.Call) { c.Boundary = m.Boundary() }); c.head.Status != 400 || !strings.Contains(c.body, "not a form") {
		t.Errorf("%d %s", c.head.Status, c.body)
	}
	l.recorder.One()
}

// TestSound: an answer that is no text passes on as it comes, and its end waits for the record.
func TestSound(t *testing.T) {
	say := `{"model":"chat","input":"hello","voice":"alloy"}`
	sound := "\x00\xff" + strings.Repeat("sound", 10000)
	l := newLab(t, []http.Handler{sends(200, "audio/mpeg", sound)}, task(endpoint.Speech))
	c := l.do(say, surfaceOf(wire.OpenAISpeech))
	r := l.recorder.One()
	if c.body != sound || c.head.ContentType != "audio/mpeg" || c.aborted || summary(r) != "ok 200 usage=none a:200" {
		t.Errorf("%d bytes of %s, row %s", len(c.body), c.head.ContentType, summary(r))
	}
	if r.Payload.Response != nil || fmt.Sprint(r.Payload.ErrorCodes) != "[RESPONSE_NOT_TEXT]" {
		t.Errorf("payload %v", r.Payload.ErrorCodes)
	}
	if got := l.journal.String(); !strings.HasSuffix(got, "finish ok") {
		t.Errorf("in order: %.100q...", got)
	}

	half := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		with("Content-Length", "100000", sends(200, "audio/mpeg", sound))(w, r)
		panic(http.ErrAbortHandler)
	})
	l = newLab(t, []http.Handler{half}, task(endpoint.Speech))
	c = l.do(say, surfaceOf(wire.OpenAISpeech))
	if got := summary(l.recorder.One()); got != "upstream_broken 200 BAD_GATEWAY usage=none a:200" || !c.aborted {
		t.Errorf("row %s, aborted %v", got, c.aborted)
	}

	l = newLab(t, []http.Handler{sends(200, "audio/mpeg", sound)}, task(endpoint.Speech))
	l.doAs(context.Background(), &client{onSend: func(string) error { return errors.New("gone") }}, say, surfaceOf(wire.OpenAISpeech))
	if got := summary(l.recorder.One()); got != "client_gone 200 CLIENT_CLOSED_REQUEST usage=none a:200" {
		t.Errorf("row %s", got)
	}

	events := `data: {"type":"speech.audio.delta","audio":"AA=="}` + "\n\n" + `data: {"type":"speech.audio.done","usage":{"input_tokens":3,"output_tokens":9,"total_tokens":12}}` + "\n\n"
	l = newLab(t, []http.Handler{sends(200, "text/event-stream", events)}, task(endpoint.Speech))
	c = l.do(strings.TrimSuffix(say, "}")+`,"stream_format":"sse"}`, surfaceOf(wire.OpenAISpeech))
	if r := l.recorder.One(); c.body != events || summary(r) != "ok 200 usage=provider:3+9=12 cost=12 a:200" || !r.Streaming {
		t.Errorf("row %s, client %s", summary(r), c.body)
	}
}

// TestStored: answers that a provider keeps are asked for where they were made, by those who made
// them, and what they quote of usage is not counted again.
func TestStored(t *testing.T) {
	made := strings.Replace(string(fixture(t, wire.OpenAIResponses, "provider/text.json")), `"resp_text01"`, `"resp_1"`, 1)
	queued := `{"id":"resp_2","object":"response","status":"queued","output":[],"usage":null}`
	done := strings.Replace(made, `"resp_1"`, `"resp_2"`, 1)
	var asked []string
	at := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked = append(asked, name+" "+r.Method+" "+r.URL.RequestURI())
			b, _ := io.ReadAll(r.Body)
			switch {
			case strings.Contains(string(b), `"background":true`):
				sends(200, "application/json", queued)(w, r)
			case r.Method == http.MethodGet && name == "a":
				sends(404, "application/json", `{"error":{"message":"no such response"}}`)(w, r)
			case strings.Contains(r.URL.Path, "resp_2"):
				sends(200, "application/json", done)(w, r)
			default:
				sends(200, "application/json", made)(w, r)
			}
		})
	}
	l := newLab(t, []http.Handler{at("a"), at("b")}, func(_ *lab, e *endpoint.Endpoint) { e.Weights = []int{0, 100} })
	get := func(id string, change ...func(*gateway.Call)) string {
		n := len(l.recorder.Records())
		c := l.do("", surfaceOf(wire.OpenAIResponses, append(change, func(c *gateway.Call) {
			c.Method, c.Suffix, c.Stored = "GET", "/"+id, &gateway.Stored{ID: id, Query: "include=x"}
			c.Body = nil
		})...))
		return fmt.Sprintf("%d %s", c.head.Status, summary(l.recorder.Records()[n]))
	}
	l.do(`{"model":"chat","input":"hi"}`, surfaceOf(wire.OpenAIResponses))
	if got := summary(l.recorder.Records()[0]); got != "ok 200 usage=provider:15+10=25 cost=25 b:200" {
		t.Error(got)
	}
	if got := get("resp_1"); got != "200 ok 200 usage=none b:200" {
		t.Error(got)
	}
	l.do(`{"model":"chat","input":"and?","previous_response_id":"resp_1"}`, surfaceOf(wire.OpenAIResponses))
	l.do(`{"model":"chat","input":"hi","background":true}`, surfaceOf(wire.OpenAIResponses))
	for _, want := range []string{"200 ok 200 usage=provider:15+10=25 cost=25 b:200", "200 ok 200 usage=none b:200"} {
		if got := get("resp_2"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	// What is not remembered is looked for at the only endpoint there is, entity by entity.
	if got := get("resp_x"); got != "200 ok 200 usage=none a:404 b:200" {
		t.Error(got)
	}
	if got := get("resp_1", func(c *gateway.Call) { c.Token = "lg-none" }); got != "404 refused 404 RESOURCE_DOES_NOT_EXIST usage=none" {
		t.Errorf("somebody else's answer: %s", got)
	}
	other := func(c *gateway.Call) { c.Token, c.Endpoint = "lg-bob", "chat" }
	if got := get("resp_1", other); got != "404 refused 404 RESOURCE_DOES_NOT_EXIST usage=none" {
		t.Errorf("somebody else's answer, by the endpoint's name: %s", got)
	}
	n := len(l.recorder.Records())
	l.do(`{"model":"chat","input":"and?","previous_response_id":"resp_1"}`, surfaceOf(wire.OpenAIResponses, other))
	if got := summary(l.recorder.Records()[n]); got != "refused 404 RESOURCE_DOES_NOT_EXIST usage=none" {
		t.Errorf("to follow somebody else's answer: %s", got)
	}
	want := "b POST /v1/responses, b GET /v1/responses/resp_1?include=x, b POST /v1/responses, b POST /v1/responses, b GET /v1/responses/resp_2?include=x, b GET /v1/responses/resp_2?include=x, a GET /v1/responses/resp_x?include=x, b GET /v1/responses/resp_x?include=x"
	if got := strings.Join(asked, ", "); got != want {
		t.Errorf("asked %s\nwant %s", got, want)
	}
}

// TestShapes: invocations tell by their body what they are.
func TestShapes(t *testing.T) {
	for _, tt := range []struct{ task, body, path, want string }{
		{endpoint.Chat, `{"messages":[]}`, "/v1/chat/completions", "ok 200"},
		{endpoint.Chat, `{"input":[{"role":"user","content":"x"}],"custom_inputs":{"a":1}}`, "/v1/responses", "ok 200"},
		{endpoint.Chat, `{"prompt":"x"}`, "/v1/completions", "ok 200"},
		{endpoint.Completions, `{"prompt":"x"}`, "/v1/completions", "ok 200"},
		{endpoint.Embeddings, `{"input":"x"}`, "/v1/embeddings", "ok 200"},
		{endpoint.Images, `{"prompt":"x"}`, "/v1/images/generations", "ok 200"},
		{endpoint.Chat, `{"dataframe_split":{}}`, "", "refused 400 INVALID_PARAMETER_VALUE"},
		{endpoint.Embeddings, `{"messages":[]}`, "/v1/embeddings", "ok 200"},
	} {
		var path string
		up := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			path = r.URL.Path
			sends(200, "application/json", `{}`)(w, r)
		})
		l := newLab(t, []http.Handler{up}, task(tt.task))
		c := l.do(tt.body, atPath("chat"))
		if got := summary(l.recorder.One()); !strings.HasPrefix(got, tt.want) || path != tt.path {
			t.Errorf("%s %s: %s at %q, want %s at %q\n%s", tt.task, tt.body, got, path, tt.want, tt.path, c.body)
		}
	}
}

// TestCredentials: what an entity's Auth puts on the request goes out and is never quoted; one that
// can't be had is an attempt that failed, within the bounds of the call.
func TestCredentials(t *testing.T) {
	up := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sends(400, "application/json", `{"error":{"message":"bad token `+r.Header.Get("Authorization")+`"}}`)(w, r)
	})
	good := func(_ *lab, e *endpoint.Endpoint) { e.Entities[0].Auth = fakeAuth{token: "ya29.secret-token"} }
	l := newLab(t, []http.Handler{up}, good)
	if c := l.do(ask); !strings.Contains(c.body, "bad token Bearer [redacted]") || strings.Contains(asText(l.recorder.One()), "secret-token") {
		t.Errorf("client %s", c.body)
	}
	l = newLab(t, []http.Handler{untouched(t), sends(200, "application/json", answer)}, func(_ *lab, e *endpoint.Endpoint) {
		e.Entities[0].Auth, e.Fallback = fakeAuth{err: errors.New("no token today")}, true
	})
	if c := l.do(ask); c.body != answer || summary(l.recorder.One()) != "ok 200 usage=provider:5+7=12 cost=12 a:0 b:200" {
		t.Errorf("client %s", c.body)
	}
	l = newLab(t, []http.Handler{untouched(t)}, func(_ *lab, e *endpoint.Endpoint) {
		e.Entities[0].Auth, e.FirstTokenTimeout = fakeAuth{waits: true}, 10*time.Millisecond
	})
	if l.do(ask); summary(l.recorder.One()) != "timeout 504 DEADLINE_EXCEEDED usage=none a:0" {
		t.Errorf("row %s", summary(l.recorder.One()))
	}
}

// A credential that the provider refuses is told so; other errors say nothing about it.
func TestCredentialsThatAreRefused(t *testing.T) {
	for status, want := range map[int]int32{200: 0, 400: 0, 401: 1, 403: 1, 429: 0} {
		var refused atomic.Int32
		l := newLab(t, []http.Handler{sends(status, "application/json", answer)}, func(_ *lab, e *endpoint.Endpoint) {
			e.Entities[0].Auth = fakeAuth{token: "t", refused: &refused}
		})
		if l.do(ask); refused.Load() != want {
			t.Errorf("status %d: refused %d times, want %d", status, refused.Load(), want)
		}
	}
}

type fakeAuth struct {
	token string
	err   error
	waits bool
	// refused, when set, counts.
	refused *atomic.Int32
}

func (a fakeAuth) Refused() {
	if a.refused != nil {
		a.refused.Add(1)
	}
}

func (a fakeAuth) Apply(ctx context.Context, r *http.Request, _ []byte) error {
	if a.waits {
		<-ctx.Done()
		return ctx.Err()
	}
	r.Header.Set("Authorization", "Bearer "+a.token)
	return a.err
}

func (a fakeAuth) Secrets() []string { return []string{a.token} }

// TestEmbeddingsTranslate: to each format of embeddings there is.
func TestEmbeddingsTranslate(t *testing.T) {
	from := formats.Table[wire.OpenAIEmbeddings]
	c := formats.Table[wire.GeminiEmbeddings]
	if c == nil || c.Embed == nil {
		t.Fatal("there are no embeddings of Google's format")
	}
	name := "speaker of embeddings"
	l := newLab(t, []http.Handler{sends(200, "application/json", `{"embeddings":[{"values":[0.5,1]}]}`)}, task(endpoint.Embeddings), func(l *lab, e *endpoint.Endpoint) {
		e.Entities[0].Provider = name
		p := speaker(wire.GeminiEmbeddings)
		p.Formats = func(*endpoint.Entity, wire.Operation) []wire.Format { return []wire.Format{wire.GeminiEmbeddings} }
		l.parts.Providers[name] = p
	})
	got := l.do(`{"model":"chat","input":"x"}`, surfaceOf(from.Format))
	if r := l.recorder.One(); r.Outcome != "ok" || !strings.Contains(got.body, `"embedding":[0.5,1]`) {
		t.Errorf("row %s, client %s", summary(r), got.body)
	}
}

// TestFailureWithStatusOfSuccess is an error for all but clients of the Responses API, who read of
// it in their answer.
func TestFailureWithStatusOfSuccess(t *testing.T) {
	failed := `{"id":"resp_9","object":"response","status":"failed","error":{"code":"server_error","message":"it broke"},"output":[],"usage":{"input_tokens":3,"output_tokens":0,"total_tokens":3}}`
	up := sends(200, "application/json", failed)
	l := newLab(t, []http.Handler{up}, speaks(wire.OpenAIResponses))
	c := l.do(`{"model":"chat","input":"x"}`, surfaceOf(wire.OpenAIResponses))
	if got := summary(l.recorder.One()); c.body != failed || got != "upstream_error 200 server_error usage=provider:3+0=3 cost=3 a:200" {
		t.Errorf("row %s, client %s", got, c.body)
	}
	l = newLab(t, []http.Handler{up, sends(200, "application/json", answer)}, speaks(wire.OpenAIResponses, wire.OpenAIChat), func(_ *lab, e *endpoint.Endpoint) { e.Fallback = true })
	if c := l.do(ask); c.body != answer {
		t.Errorf("client %s", c.body)
	}
	if got := summary(l.recorder.One()); got != "ok 200 usage=provider:5+7=12 cost=15 a:200 b:200" { // the failure was not free
		t.Error(got)
	}
	bad := `{"type":"error","error":{"type":"overloaded_error","message":"busy"}}`
	l = newLab(t, []http.Handler{sends(200, "application/json", bad)}, speaks(wire.AnthropicMessages))
	from := formats.Table[wire.AnthropicMessages]
	if c := l.do(requestOf(t, from, "text", false), asked(from, false)); c.head.Status != 502 || c.body != bad {
		t.Errorf("%d %s", c.head.Status, c.body)
	}
	l.recorder.One()
}

// TestCompletionsTranslate: a prompt becomes a chat, and its answer a completion, streamed too.
func TestCompletionsTranslate(t *testing.T) {
	for _, stream := range []bool{false, true} {
		up := sends(200, "application/json", string(fixture(t, wire.AnthropicMessages, "provider/text.json")))
		body := `{"model":"chat","prompt":"What is the weather in Paris?"}`
		if stream {
			up, body = sends(200, "text/event-stream", string(streamOf(t, wire.AnthropicMessages, "text"))), strings.TrimSuffix(body, "}")+`,"stream":true}`
		}
		l := newLab(t, []http.Handler{up}, speaks(wire.AnthropicMessages))
		c := l.do(body, surfaceOf(wire.OpenAICompletions))
		r := l.recorder.One()
		if r.Outcome != "ok" || *r.Usage.Input != 14 || !strings.Contains(c.body, `"text_completion"`) || !strings.Contains(c.body, "Paris") || stream != strings.HasSuffix(c.body, "data: [DONE]\n\n") {
			t.Errorf("row %s, client %s", summary(r), c.body)
		}
	}
}

// TestDataOnly: where clients refuse all but data lines, translated streams have no others, and
// neither have errors in them.
func TestDataOnly(t *testing.T) {
	for _, scenario := range []string{"text", "error"} {
		up := sends(200, "text/event-stream", string(streamOf(t, wire.AnthropicMessages, scenario)))
		l := newLab(t, []http.Handler{up}, speaks(wire.AnthropicMessages))
		for _, body := range []string{`{"input":"hi","stream":true}`, `{"messages":[{"role":"user","content":"hi"}],"stream":true}`} {
			c := l.do(body, atPath("chat"))
			if !c.stream {
				t.Fatalf("%s: %d %s", scenario, c.head.Status, c.body)
			}
			for line := range strings.Lines(c.body) {
				if line != "\n" && !strings.HasPrefix(line, "data: ") {
					t.Errorf("%s, %s: %q", scenario, body, line)
				}
			}
		}
	}
}

// TestStoredStreamWithoutUsage is counted when its answer is fetched.
func TestStoredStreamWithoutUsage(t *testing.T) {
	stream := streamOf(t, wire.OpenAIResponses, "text")
	first, _, _ := strings.Cut(string(stream), "\n\n")
	_, rest, _ := strings.Cut(first, `"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	up := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			sends(200, "application/json", string(fixture(t, wire.OpenAIResponses, "provider/text.json")))(w, r)
			return
		}
		streams(first+"\n\n", "!")(w, r)
	})
	l := newLab(t, []http.Handler{up})
	l.do(`{"model":"chat","input":"hi","stream":true}`, surfaceOf(wire.OpenAIResponses))
	for range 2 {
		l.do("", surfaceOf(wire.OpenAIResponses, func(c *gateway.Call) {
			c.Method, c.Suffix, c.Stored, c.Body = "GET", "/"+id, &gateway.Stored{ID: id}, nil
		}))
	}
	var got []string
	for _, r := range l.recorder.Records() {
		got = append(got, string(r.Outcome)+" "+string(r.Usage.Source))
	}
	if s := strings.Join(got, ", "); s != "upstream_broken none, ok provider, ok none" {
		t.Error(s)
	}
}

// TestStreamOfAWholeAnswer: a provider that answers in one piece though a stream was asked for is
// no trouble to a client of another format; one of its own gets what it sent.
func TestStreamOfAWholeAnswer(t *testing.T) {
	for _, to := range providers() {
		for _, scenario := range []string{"text", "tools"} {
			whole := string(fixture(t, to.Format, "provider/"+scenario+".json"))
			decoded, err := to.Chat.DecodeAnswer([]byte(whole))
			if err != nil {
				t.Fatal(err)
			}
			want := decoded.Choices[0].Parts
			for _, from := range clients() {
				l := newLab(t, []http.Handler{sends(200, "application/json", whole)}, speaks(to.Format))
				c := l.do(requestOf(t, from, "text", true), asked(from, true))
				if r := l.recorder.One(); r.Outcome != "ok" || r.Usage.Source != "provider" || !r.Streaming {
					t.Errorf("%s to %s: row %s", from.Format, to.Format, summary(r))
				}
				if from.Format == to.Format {
					if c.stream || c.body != whole {
						t.Errorf("%s to itself: %s", from.Format, c.body)
					}
					continue
				}
				joined := joinedBy(t, from, c.body)
				a, err := from.Chat.DecodeAnswer(joined)
				if err != nil || !c.stream {
					t.Errorf("%s to %s: %v: %s", from.Format, to.Format, err, c.body)
					continue
				}
				if got := a.Choices[0].Parts; textIn(got) != textIn(want) || callsIn(got) != callsIn(want) {
					t.Errorf("%s to %s, %s: got %q %s, want %q %s", from.Format, to.Format, scenario, textIn(got), callsIn(got), textIn(want), callsIn(want))
				}
			}
		}
	}
}

// joinedBy returns the answer that a stream adds up to.
func joinedBy(t *testing.T, c *wire.Codec, body string) []byte {
	t.Helper()
	tracker := c.NewTracker(true)
	for _, ev := range eventsOf(t, body) {
		tracker.Add(ev.Name, ev.Data)
	}
	return tracker.Result().Joined
}

func textIn(parts []chat.Part) (s string) {
	for _, p := range parts {
		if p.Kind == chat.Text {
			s += p.Text
		}
	}
	return s
}

func callsIn(parts []chat.Part) (s string) {
	for _, p := range parts {
		if p.Kind == chat.Call {
			s += p.Call.Name + "("
			var v any
			if json.Unmarshal([]byte(p.Call.Arguments), &v) == nil {
				s += fmt.Sprint(v)
			}
			s += ") "
		}
	}
	return s
}
