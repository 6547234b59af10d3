package fakellm_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"
	"go.uber.org/goleak"

	"github.com/lakegate/lakegate/internal/fakellm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type fixture struct {
	*httptest.Server
	provider *fakellm.Server
	t        *testing.T
}

func start(t *testing.T, cfg fakellm.Config) *fixture {
	t.Helper()
	p, err := fakellm.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(p)
	t.Cleanup(func() {
		_ = p.Close()
		s.Close()
	})
	return &fixture{s, p, t}
}

func (f *fixture) post(path, body string, header ...string) *http.Response {
	f.t.Helper()
	r, err := http.NewRequest(http.MethodPost, f.URL+path, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := f.Client().Do(r)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func (f *fixture) answer(path, body string, header ...string) (int, string) {
	f.t.Helper()
	resp := f.post(path, body, header...)
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// settled returns the counts once no answer is under way.
func (f *fixture) settled() fakellm.Stats {
	for f.provider.Stats().Active > 0 {
		runtime.Gosched()
	}
	return f.provider.Stats()
}

// chat is a chat body with one user message.
func chat(text string, more ...string) string {
	b, _ := json.Marshal(text)
	return fmt.Sprintf(`{"model":"gpt-4o-mini","messages":[{"role":"user","content":%s}]%s}`, b, strings.Join(append([]string{""}, more...), ","))
}

func usageOf(t *testing.T, u gjson.Result) fakellm.Usage {
	t.Helper()
	if !u.IsObject() {
		t.Fatalf("no usage, but %q", u.Raw)
	}
	return fakellm.Usage{
		Prompt: u.Get("prompt_tokens").Int(), Completion: u.Get("completion_tokens").Int(), Total: u.Get("total_tokens").Int(),
		Cached: u.Get("prompt_tokens_details.cached_tokens").Int(), Reasoning: u.Get("completion_tokens_details.reasoning_tokens").Int(),
	}
}

const chatPath = "/v1/chat/completions"

func TestUsageIsAsPlanned(t *testing.T) {
	long := strings.Repeat("word ", 1500)
	cases := []struct {
		name, body string
		want       fakellm.Usage
	}{
		{"tokens", chat("x-fake: tokens=20"), fakellm.Usage{Prompt: 12, Completion: 20, Total: 32}},
		{"chunks are words too", chat("hello x-fake: chunks=7"), fakellm.Usage{Prompt: 13, Completion: 7, Total: 20}},
		{"derived from the prompt", chat("hello"), fakellm.Usage{Prompt: 9, Completion: 12 + 63%53, Total: 9 + 22}},
		{"bounded", chat("hello", `"max_tokens":5`), fakellm.Usage{Prompt: 9, Completion: 5, Total: 14}},
		{"long prompts are cached", chat(long), fakellm.Usage{Prompt: 1882, Completion: 12 + 1882*7%53, Total: 1882 + 12 + 1882*7%53, Cached: 1792}},
		{"as scripted", chat("x-fake: cached=3 reasoning=9 tokens=1"), fakellm.Usage{Prompt: 17, Completion: 10, Total: 27, Cached: 3, Reasoning: 9}},
		{"thinking model", strings.Replace(chat("x-fake: tokens=4"), "gpt-4o-mini", "o4-mini", 1), fakellm.Usage{Prompt: 11, Completion: 12, Total: 23, Reasoning: 8}},
		{"two choices", chat("x-fake: tokens=4", `"n":2`), fakellm.Usage{Prompt: 11, Completion: 8, Total: 19}},
		{"image", `{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"what?"},{"type":"image_url","image_url":{"url":"data:,"}}]}]}`, fakellm.Usage{Prompt: 94, Completion: 12 + 94*7%53, Total: 94 + 12 + 94*7%53}},
	}
	f := start(t, fakellm.DefaultConfig())
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p, err := fakellm.DefaultConfig().Plan(fakellm.Chat, []byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, p.Usage); d != "" {
				t.Errorf("planned usage (-want +got):\n%s", d)
			}
			status, body := f.answer(chatPath, c.body)
			if status != 200 || !gjson.Valid(body) {
				t.Fatalf("status %d, body %s", status, body)
			}
			if d := cmp.Diff(c.want, usageOf(t, gjson.Get(body, "usage"))); d != "" {
				t.Errorf("usage in JSON (-want +got):\n%s", d)
			}
			chunks, done := f.stream(strings.TrimSuffix(c.body, "}") + `,"stream":true,"stream_options":{"include_usage":true}}`)
			if !done {
				t.Error("the stream has no [DONE]")
			}
			last := chunks[len(chunks)-1]
			if d := cmp.Diff(c.want, usageOf(t, last.Get("usage"))); d != "" || len(last.Get("choices").Array()) != 0 {
				t.Errorf("usage in the stream's last chunk %s (-want +got):\n%s", last.Raw, d)
			}
		})
	}
}

// stream reads a stream's chunks, and whether [DONE] came last.
func (f *fixture) stream(body string) (chunks []gjson.Result, done bool) {
	f.t.Helper()
	resp := f.post(chatPath, body)
	in := bufio.NewScanner(resp.Body)
	for in.Scan() {
		data, ok := strings.CutPrefix(in.Text(), "data: ")
		switch {
		case !ok:
		case data == "[DONE]":
			done = true
		default:
			if done || !gjson.Valid(data) {
				f.t.Fatalf("unexpected event %q", data)
			}
			chunks = append(chunks, gjson.Parse(data))
		}
	}
	return chunks, done
}

func TestStreamHoldsTheSameText(t *testing.T) {
	f := start(t, fakellm.DefaultConfig())
	_, whole := f.answer(chatPath, chat("hi x-fake: tokens=30 chunks=11"))
	chunks, _ := f.stream(chat("hi x-fake: tokens=30 chunks=11", `"stream":true`))
	var text string
	for _, c := range chunks {
		text += c.Get("choices.0.delta.content").Str
		if c.Get("usage").Exists() {
			t.Errorf("usage in %s though nobody asked", c.Raw)
		}
	}
	if want := gjson.Get(whole, "choices.0.message.content").Str; text != want || len(strings.Fields(text)) != 30 {
		t.Errorf("streamed %q, want %q, 30 words", text, want)
	}
	if len(chunks) != 13 {
		t.Errorf("%d chunks, want 11 and the role and the end", len(chunks))
	}
	if got := chunks[12].Get("choices.0.finish_reason").Str; got != "stop" {
		t.Errorf("finish reason %q", got)
	}
}

func TestToolsAndSchemas(t *testing.T) {
	tools := `"tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"}}}}}]`
	f := start(t, fakellm.DefaultConfig())
	_, body := f.answer(chatPath, chat("hi", tools))
	call := gjson.Get(body, "choices.0.message.tool_calls.0.function")
	want := `{"city":"Berlin","days":1}`
	if call.Get("name").Str != "weather" || call.Get("arguments").Str != want {
		t.Errorf("called %s", call.Raw)
	}
	if got := gjson.Get(body, "choices.0.finish_reason").Str; got != "tool_calls" {
		t.Errorf("finish reason %q", got)
	}
	chunks, _ := f.stream(chat("hi", tools, `"stream":true`))
	var args string
	for _, c := range chunks {
		args += c.Get("choices.0.delta.tool_calls.0.function.arguments").Str
	}
	if args != want {
		t.Errorf("streamed arguments %q", args)
	}
	_, body = f.answer(chatPath, strings.Replace(chat("hi", tools), `}]`, `},{"role":"tool","tool_call_id":"1","content":"20 degrees"}]`, 1))
	if got := gjson.Get(body, "choices.0.message.content").Str; got == "" {
		t.Errorf("after a tool's result came %s", body)
	}
	_, body = f.answer(chatPath, chat("hi", `"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"properties":{"ok":{"type":"boolean"},"tags":{"type":"array","items":{"enum":["a","b"]}}}}}}`))
	if got := gjson.Get(body, "choices.0.message.content").Str; got != `{"ok":true,"tags":["a"]}` {
		t.Errorf("content for a schema %q", got)
	}
}

func TestFaults(t *testing.T) {
	f := start(t, fakellm.DefaultConfig())
	for _, c := range []struct {
		text, contains, kind string
		status               int
	}{
		{"x-fake: status=429 retry-after=7", `"rate_limit_exceeded"`, "application/json", 429},
		{"x-fake: status=500", `"server_error"`, "application/json", 500},
		{"x-fake: body=html", "<h1>", "text/html; charset=utf-8", 200},
		{"x-fake: body=html status=502", "<h1>", "text/html; charset=utf-8", 502},
		{"x-fake: body=text,status=503", "upstream connect error", "text/plain; charset=utf-8", 503},
		{"x-fake: body=empty", "", "application/json", 200},
		{"x-fake: body=null", "null", "application/json", 200},
		{"x-fake: body=half", `{"id":`, "application/json", 200},
		{"x-fake: no-usage", `"finish_reason":"stop"}],"service_tier"`, "application/json", 200},
		{"x-fake: size=200000", `"completion_tokens":50000`, "application/json", 200},
		{"x-fake: nonsense", "unknown", "application/json", 400},
		{"x-fake: status=200", "wants a status", "application/json", 400},
	} {
		resp := f.post(chatPath, chat("please\n"+c.text+"\nthank you"))
		b, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != c.status || !strings.Contains(string(b), c.contains) || resp.Header.Get("Content-Type") != c.kind {
			t.Errorf("%s: status %d, type %s, %v, body %.300q", c.text, resp.StatusCode, resp.Header.Get("Content-Type"), err, b)
		}
		if c.status == 429 && resp.Header.Get("Retry-After") != "7" {
			t.Errorf("Retry-After %q", resp.Header.Get("Retry-After"))
		}
	}
}

func TestDirectivesInModelAndHeader(t *testing.T) {
	f := start(t, fakellm.DefaultConfig())
	body := strings.Replace(chat("x-fake: tokens=3"), "gpt-4o-mini", "gpt-4o-mini!tokens=2&cached=1", 1)
	_, got := f.answer(chatPath, body)
	if gjson.Get(got, "usage.completion_tokens").Int() != 3 || gjson.Get(got, "model").Str != "gpt-4o-mini-2024-07-18" {
		t.Errorf("the message must win over the name: %s", got)
	}
	_, got = f.answer(chatPath, body, "X-Fake", "tokens=4 model=other")
	if gjson.Get(got, "usage.completion_tokens").Int() != 4 || gjson.Get(got, "model").Str != "other" {
		t.Errorf("the header must win over the message: %s", got)
	}
}

func TestDirectivesForOneModel(t *testing.T) {
	f := start(t, fakellm.DefaultConfig())
	body := chat("x-fake: status=503 only=gpt-5 id=one")
	if status, _ := f.answer(chatPath, strings.Replace(body, "gpt-4o-mini", "gpt-5", 1)); status != 503 {
		t.Errorf("the model that was meant: %d", status)
	}
	if status, _ := f.answer(chatPath, body); status != 200 {
		t.Errorf("another model: %d", status)
	}
	f.settled()
	if seen := f.provider.Seen(); len(seen) != 2 || seen[1].ID != "one" {
		t.Errorf("seen %+v", seen)
	}
}

func TestBrokenStreams(t *testing.T) {
	f := start(t, fakellm.DefaultConfig())
	for _, c := range []struct {
		script string
		chunks int
		broken bool
	}{
		{"break=3", 3, true},
		{"break=0", 0, true},
		{"no-done", 7, false},
		{"fail=2", 3, false},
		{"split crlf comments", 7, false},
		{"usage-each", 7, false},
	} {
		resp := f.post(chatPath, chat("x-fake: chunks=5 "+c.script, `"stream":true`))
		b, err := io.ReadAll(resp.Body)
		n := strings.Count(string(b), "data: {")
		if n != c.chunks || (err != nil) != c.broken {
			t.Errorf("%s: %d chunks, %v, want %d, broken %v:\n%s", c.script, n, err, c.chunks, c.broken, b)
		}
		if got := strings.Contains(string(b), "[DONE]"); got != (c.script == "usage-each" || strings.HasPrefix(c.script, "split")) {
			t.Errorf("%s: done is %v", c.script, got)
		}
	}
}

func TestCutAndReset(t *testing.T) {
	f := start(t, fakellm.DefaultConfig())
	resp := f.post(chatPath, chat("x-fake: body=cut"))
	if b, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("a cut answer ended well: %q", b)
	}
	resp, err := f.Client().Post(f.URL+chatPath, "application/json", strings.NewReader(chat("x-fake: reset")))
	if err == nil {
		_ = resp.Body.Close()
		t.Errorf("a reset connection answered %s", resp.Status)
	}
	if got := f.settled(); got.Aborted != 2 {
		t.Errorf("aborted %d, want 2", got.Aborted)
	}
}

func TestHangEndsWhenTheClientLeaves(t *testing.T) {
	f := start(t, fakellm.DefaultConfig())
	ctx, leave := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, f.URL+chatPath, strings.NewReader(chat("x-fake: hang=2 id=h", `"stream":true`)))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := f.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	in, chunks := bufio.NewReader(resp.Body), 0
	for chunks < 2 {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(line, "data:") {
			chunks++
		}
	}
	if got := f.provider.Stats().Active; got != 1 {
		t.Errorf("active %d during the silence", got)
	}
	leave()
	if _, err := in.ReadString(0); err == nil {
		t.Error("the stream went on")
	}
	_ = resp.Body.Close()
}

func TestCloseEndsSilence(t *testing.T) {
	f := start(t, fakellm.DefaultConfig())
	resp := f.post(chatPath, chat("x-fake: hang=1", `"stream":true`))
	in := bufio.NewReader(resp.Body)
	if _, err := in.ReadString('\n'); err != nil { // it is silent from here on
		t.Fatal(err)
	}
	if err := f.provider.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(in); err != nil {
		t.Errorf("after Close: %v", err)
	}
}

func TestGzip(t *testing.T) {
	f := start(t, fakellm.DefaultConfig())
	for _, more := range []string{`"stream":false`, `"stream":true`} {
		resp := f.post(chatPath, chat("x-fake: gzip", more), "Accept-Encoding", "gzip")
		z, err := gzip.NewReader(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(z)
		if err != nil || !strings.Contains(string(b), `"finish_reason":"stop"`) {
			t.Errorf("%s: %v, %s", more, err, b)
		}
	}
}

func TestEmbeddings(t *testing.T) {
	f := start(t, fakellm.DefaultConfig())
	_, a := f.answer("/embeddings", `{"model":"e","input":["one","two"],"dimensions":8}`)
	_, b := f.answer("/v1/embeddings", `{"model":"e","input":"two","dimensions":8}`)
	if x, y := gjson.Get(a, "data.1.embedding").Raw, gjson.Get(b, "data.0.embedding").Raw; x != y || len(gjson.Parse(x).Array()) != 8 {
		t.Errorf("vectors of one text differ: %s, %s", x, y)
	}
	if gjson.Get(a, "usage.prompt_tokens").Int() != 2 {
		t.Errorf("usage %s", gjson.Get(a, "usage"))
	}
	_, c := f.answer("/v1/embeddings", `{"model":"e","input":[1,2,3],"encoding_format":"base64","dimensions":4}`)
	if gjson.Get(c, "usage.total_tokens").Int() != 3 || len(gjson.Get(c, "data.0.embedding").Str) != 24 {
		t.Errorf("packed: %s", c)
	}
}

func TestCompletions(t *testing.T) {
	f := start(t, fakellm.DefaultConfig())
	_, b := f.answer("/v1/completions", `{"model":"m","prompt":"say x-fake: tokens=3"}`)
	if gjson.Get(b, "choices.0.text").Str != "The gateway keeps" || gjson.Get(b, "object").Str != "text_completion" {
		t.Errorf("%s", b)
	}
	resp := f.post("/v1/completions", `{"model":"m","prompt":"say x-fake: tokens=3","stream":true}`)
	s, _ := io.ReadAll(resp.Body)
	if !strings.Contains(string(s), `"text":"The`) || !strings.HasSuffix(string(s), "data: [DONE]\n\n") {
		t.Errorf("%s", s)
	}
}

func TestSeenAndStats(t *testing.T) {
	f := start(t, fakellm.DefaultConfig())
	f.answer(chatPath, chat("x-fake: id=a tokens=1"))
	f.answer(chatPath, chat("x-fake: id=b status=500"))
	f.answer(chatPath, chat("nobody"))
	_, raw := f.answer(chatPath, `{"model":`)
	if !strings.Contains(raw, "could not parse") {
		t.Errorf("bad JSON: %s", raw)
	}
	f.settled()
	got := f.provider.Seen()
	want := []fakellm.Seen{
		{ID: "a", Kind: fakellm.Chat, Model: "gpt-4o-mini-2024-07-18", Status: 200, Whole: true, Usage: fakellm.Usage{Prompt: 13, Completion: 1, Total: 14}},
		{ID: "b", Kind: fakellm.Chat, Model: "gpt-4o-mini-2024-07-18", Status: 500, Whole: true, Usage: got[1].Usage},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("seen (-want +got):\n%s", d)
	}
	resp, err := f.Client().Get(f.URL + "/__stats")
	if err != nil {
		t.Fatal(err)
	}
	var st fakellm.Stats
	if err := json.NewDecoder(resp.Body).Decode(&st); err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if d := cmp.Diff(fakellm.Stats{Requests: 4, Chat: 4, Refused: 1, Failed: 1, WithID: 2}, st); d != "" {
		t.Errorf("stats (-want +got):\n%s", d)
	}
	f.answer("/__reset", "")
	if st := f.provider.Stats(); st != (fakellm.Stats{}) {
		t.Errorf("after reset: %+v", st)
	}
}

func TestKeysModelsAndUnknownPaths(t *testing.T) {
	cfg := fakellm.DefaultConfig()
	cfg.Key = "sk-upstream"
	f := start(t, cfg)
	if status, _ := f.answer(chatPath, chat("hi")); status != 401 {
		t.Errorf("no key: %d", status)
	}
	if status, _ := f.answer(chatPath, chat("hi"), "Authorization", "Bearer sk-upstream"); status != 200 {
		t.Errorf("right key: %d", status)
	}
	if status, _ := f.answer("/v1/nothing", "{}", "Authorization", "Bearer sk-upstream"); status != 404 {
		t.Errorf("unknown path: %d", status)
	}
	open := start(t, fakellm.DefaultConfig())
	for path, want := range map[string]int{"/v1/models": 200, "/v1/models/gpt-4o": 200, "/v1/models/none": 404} {
		resp, err := open.Client().Get(open.URL + path)
		if err != nil || resp.StatusCode != want {
			t.Errorf("%s: %v, %v", path, resp, err)
			continue
		}
		_ = resp.Body.Close()
	}
}

func TestErrorRateFollowsTheSeed(t *testing.T) {
	count := func(seed uint64) (failed int64) {
		cfg := fakellm.DefaultConfig()
		cfg.ErrorRate, cfg.Seed = 0.3, seed
		f := start(t, cfg)
		for range 200 {
			f.answer(chatPath, chat("x-fake: tokens=1"))
		}
		return f.provider.Stats().Failed
	}
	a, b := count(7), count(7)
	if a != b || a < 30 || a > 90 {
		t.Errorf("%d and %d of 200 failed at a rate of 0.3, seed 7", a, b)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, change := range []func(*fakellm.Config){
		func(c *fakellm.Config) { c.ErrorRate = 2 },
		func(c *fakellm.Config) { c.Latency = -1 },
		func(c *fakellm.Config) { c.Tokens = -1 },
		func(c *fakellm.Config) { c.MaxBody = 0 },
	} {
		cfg := fakellm.DefaultConfig()
		change(&cfg)
		if _, err := fakellm.New(cfg); err == nil {
			t.Errorf("accepted %+v", cfg)
		}
	}
}
