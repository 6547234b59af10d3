package gateway_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/auth"
	"github.com/lakegate/lakegate/serving/cache"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/formats"
)

const (
	cold       = `{"model":"chat","messages":[{"role":"user","content":"hi"}],"temperature":0}`
	coldStream = `{"model":"chat","messages":[{"role":"user","content":"hi"}],"temperature":0,"stream":true}`
	coldUsage  = `{"model":"chat","messages":[{"role":"user","content":"hi"}],"temperature":0,"stream":true,"stream_options":{"include_usage":true}}`
)

// caching turns the response cache on; change may say more.
func caching(change ...func(*endpoint.ResponseCache)) setup {
	return func(_ *lab, e *endpoint.Endpoint) {
		e.Cache = &endpoint.ResponseCache{TTL: time.Hour, MaxEntries: 100, MaxBytes: 1 << 20, Scope: endpoint.CachePerPrincipal}
		for _, f := range change {
			f(e.Cache)
		}
	}
}

// counted counts the calls of an upstream.
func counted(h http.Handler) (http.Handler, *atomic.Int64) {
	n := new(atomic.Int64)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		h.ServeHTTP(w, r)
	}), n
}

// both answers whole or streamed, as it is asked.
func both(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = http.NoBody
	if !strings.Contains(string(body), `"stream":true`) {
		sends(200, "application/json", answer)(w, r)
		return
	}
	streams(hel, lo, stop, usage, doneEvent)(w, r)
}

// share adds callers to a lab's keys.
func share(t *testing.T, l *lab, specs ...auth.Spec) {
	t.Helper()
	for i := range specs {
		specs[i].Hash, specs[i].Endpoints = auth.HashToken("lg-"+specs[i].Name), []string{"chat"}
	}
	keys, err := auth.NewKeys(specs)
	if err != nil {
		t.Fatal(err)
	}
	v := l.parts.Live.Load()
	v.Keys = keys
	l.parts.Live.Swap(v)
}

func as(name string) func(*gateway.Call) { return func(c *gateway.Call) { c.Token = "lg-" + name } }

func states(cs ...*client) string {
	var list []string
	for _, c := range cs {
		list = append(list, string(c.head.Cache))
	}
	return strings.Join(list, " ")
}

func TestAHitIsTheSameAnswerAndCostsNothing(t *testing.T) {
	up, calls := counted(http.HandlerFunc(both))
	l := newLab(t, []http.Handler{up}, caching())
	first, second := l.do(cold), l.do(cold)
	if got := states(first, second); got != "miss hit" || calls.Load() != 1 {
		t.Fatalf("%s, %d calls", got, calls.Load())
	}
	if second.body != answer || second.head.ContentType != first.head.ContentType || second.head.ServedModel != "a" || second.head.Status != 200 {
		t.Errorf("the hit is %+v %s", second.head, second.body)
	}
	rs := l.recorder.Records()
	if got := summary(rs[0]); got != "ok 200 usage=provider:5+7=12 cost=12 a:200" || rs[0].Cache == nil || rs[0].Cache.Hit {
		t.Errorf("the miss is %s, %+v", got, rs[0].Cache)
	}
	h := rs[1]
	if got := summary(h); got != "ok 200 usage=none cost=0" || h.Cost.PriceVersion != "test" || *h.Cost.ListNanoUSD != 0 || h.Usage.Input != nil {
		t.Errorf("the hit is %s, %+v", got, h.Cost)
	}
	if c := h.Cache; c == nil || !c.Hit || *c.SavedNanoUSD != 12 || *c.SavedInput != 5 || *c.SavedOutput != 7 {
		t.Errorf("saved: %+v", c)
	}
	if h.Target.Endpoint != "chat" || h.Target.Model != "gpt-4o-2024" || h.Target.ServedEntity != "a" || h.Target.UpstreamAPI != "" || h.Attempts != nil || h.UpstreamLatency != nil {
		t.Errorf("the hit's target is %+v", h.Target)
	}
	if string(h.Payload.Response) != answer || string(h.Payload.Request) != cold || h.ID == rs[0].ID {
		t.Errorf("the hit's payload is %s -> %s", h.Payload.Request, h.Payload.Response)
	}
	if l.meter.finished != 2 {
		t.Errorf("%d calls counted", l.meter.finished)
	}
}

func TestAHitIsRecordedBeforeItIsGiven(t *testing.T) {
	l := newLab(t, []http.Handler{http.HandlerFunc(both)}, caching(), func(_ *lab, e *endpoint.Endpoint) { e.Strict = true })
	l.do(cold)
	l.do(cold)
	if got := l.journal.String(); !strings.HasSuffix(got, "answer 200\nrecord ok\nanswer 200") {
		t.Errorf("happened:\n%s", got)
	}
	if s := l.recorder.Strict(); !s[1] {
		t.Error("not on disk as the endpoint asks")
	}
	l.recorder.RecordErr = io.ErrShortWrite
	if c := l.do(cold); c.head.Status != 503 || l.meter.unrecorded[0] != "record" {
		t.Errorf("not recorded, and answered with %d", c.head.Status)
	}
}

func TestStreamsAreGivenAgainByteForByte(t *testing.T) {
	for _, body := range []string{coldStream, coldUsage} {
		up, calls := counted(http.HandlerFunc(both))
		l := newLab(t, []http.Handler{up}, caching())
		first, second := l.do(body), l.do(body)
		if got := states(first, second); got != "miss hit" || calls.Load() != 1 || !second.stream {
			t.Fatalf("%s, %d calls", got, calls.Load())
		}
		if second.body != first.body || second.head.ContentType != first.head.ContentType {
			t.Errorf("want %s\ngot %s", first.body, second.body)
		}
		rs := l.recorder.Records()
		if h := rs[1]; !h.Streaming || h.TimeToFirstToken == nil || !strings.Contains(string(h.Payload.Response), `"content":"hello"`) {
			t.Errorf("the row is %s", asText(h))
		}
	}
}

// A client gets the shape it asks for, whatever shape was kept.
func TestShapesAreTurnedIntoEachOther(t *testing.T) {
	for _, kept := range []string{cold, coldStream, coldUsage} {
		for _, asked := range []string{cold, coldStream, coldUsage} {
			up, calls := counted(http.HandlerFunc(both))
			l := newLab(t, []http.Handler{up}, caching())
			l.do(kept)
			c := l.do(asked)
			if c.head.Cache != gateway.CacheHit || calls.Load() != 1 {
				t.Errorf("kept %s\nasked %s\n%s", kept, asked, c.head.Cache)
				continue
			}
			wantStream := asked != cold
			if c.stream != wantStream || strings.HasSuffix(c.body, doneEvent) != wantStream || strings.HasPrefix(c.head.ContentType, "text/event-stream") != wantStream {
				t.Errorf("kept %s\nasked %s\ngot %s %s", kept, asked, c.head.ContentType, c.body)
			}
			hasUsage := strings.Contains(c.body, `"prompt_tokens":5`)
			if wants := asked != coldStream; hasUsage != wants {
				t.Errorf("kept %s\nasked %s\nusage: %v\n%s", kept, asked, hasUsage, c.body)
			}
			if r := l.recorder.Records()[1]; *r.Cache.SavedNanoUSD != 12 || !strings.Contains(string(r.Payload.Response), `"hello"`) {
				t.Errorf("kept %s\nasked %s\nrow %s", kept, asked, asText(r))
			}
		}
	}
}

func TestWhoSharesAnswers(t *testing.T) {
	tag := func(v string) map[string]string { return map[string]string{"team": v} }
	for _, tt := range []struct {
		scope endpoint.CacheScope
		want  string // of ann, ann's other key, bob of ann's team, eve of another, zed of none
	}{
		{endpoint.CachePerPrincipal, "miss hit miss miss miss"},
		{endpoint.CachePerEndpoint, "miss hit hit hit hit"},
		{endpoint.CachePerTag, "miss hit hit miss bypass"},
	} {
		l := newLab(t, []http.Handler{http.HandlerFunc(both)}, caching(func(c *endpoint.ResponseCache) { c.Scope, c.Tag = tt.scope, "team" }))
		ann := inference.Principal{Name: "ann", Kind: inference.User, KeyTags: tag("red")}
		share(t, l, auth.Spec{Name: "ann", Principal: ann}, auth.Spec{Name: "ann2", Principal: ann},
			auth.Spec{Name: "bob", Principal: inference.Principal{Name: "bob", Kind: inference.User, KeyTags: tag("red")}},
			auth.Spec{Name: "eve", Principal: inference.Principal{Name: "ann", Kind: inference.ServicePrincipal, KeyTags: tag("blue")}},
			auth.Spec{Name: "zed", Principal: inference.Principal{Name: "zed", Kind: inference.User}})
		var cs []*client
		for _, name := range []string{"ann", "ann2", "bob", "eve", "zed"} {
			cs = append(cs, l.do(cold, as(name)))
		}
		if got := states(cs...); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.scope, got, tt.want)
		}
		if c := l.do(cold, as("nobody")); c.head.Status != 401 || c.head.Cache != "" {
			t.Errorf("%s: without a key %d, %q", tt.scope, c.head.Status, c.head.Cache)
		}
	}
}

func TestAKeyThatMayNotCallGetsNoHit(t *testing.T) {
	l := newLab(t, []http.Handler{http.HandlerFunc(both)}, caching(func(c *endpoint.ResponseCache) { c.Scope = endpoint.CachePerEndpoint }))
	l.do(cold)
	if c := l.do(cold, as("none")); c.head.Status != 403 || c.head.Cache != "" {
		t.Errorf("got %d %s", c.head.Status, c.body)
	}
}

func TestAnotherConfigurationForgetsAnswers(t *testing.T) {
	l := newLab(t, []http.Handler{http.HandlerFunc(both)}, caching())
	l.do(cold)
	v := l.parts.Live.Load()
	old, _ := v.Catalog.Lookup("chat")
	e := *old
	e.ConfigVersion++
	catalog, err := endpoint.NewCatalog([]*endpoint.Endpoint{&e})
	if err != nil {
		t.Fatal(err)
	}
	v.Catalog = catalog
	l.parts.Live.Swap(v)
	if got := states(l.do(cold), l.do(cold)); got != "miss hit" {
		t.Error(got)
	}
}

func TestAnswersAgeAndEnd(t *testing.T) {
	var mu sync.Mutex
	now := time.Unix(1e9, 0)
	l := newLab(t, []http.Handler{http.HandlerFunc(both)}, caching(), func(l *lab, _ *endpoint.Endpoint) {
		l.parts.Cache = cache.New(func() time.Time { mu.Lock(); defer mu.Unlock(); return now })
	})
	pass := func(d time.Duration) { mu.Lock(); defer mu.Unlock(); now = now.Add(d) }
	l.do(cold)
	pass(90 * time.Second)
	if c := l.do(cold); c.head.Cache != gateway.CacheHit || c.head.Age != 90*time.Second {
		t.Errorf("%s, age %s", c.head.Cache, c.head.Age)
	}
	pass(time.Hour)
	if got := states(l.do(cold), l.do(cold)); got != "miss hit" {
		t.Error(got)
	}
}

func TestClientsMayGoPastTheCache(t *testing.T) {
	up, calls := counted(http.HandlerFunc(both))
	l := newLab(t, []http.Handler{up}, caching())
	noStore := func(c *gateway.Call) { c.NoStore = true }
	noCache := func(c *gateway.Call) { c.NoCache = true }
	got := states(l.do(cold, noStore), l.do(cold), l.do(cold, noStore), l.do(cold, noCache), l.do(cold))
	if got != "bypass miss bypass bypass hit" || calls.Load() != 4 {
		t.Errorf("%s, %d calls", got, calls.Load())
	}
	if l.recorder.Records()[0].Cache != nil {
		t.Error("a call that did not ask the cache is a miss")
	}
}

func TestNoCacheRefreshes(t *testing.T) {
	var n atomic.Int64
	l := newLab(t, []http.Handler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sends(200, "application/json", strings.Replace(answer, "hello", "hello"+string(rune('0'+n.Add(1))), 1))(w, r)
	})}, caching())
	l.do(cold)
	l.do(cold, func(c *gateway.Call) { c.NoCache = true })
	if c := l.do(cold); !strings.Contains(c.body, "hello2") {
		t.Errorf("got %s", c.body)
	}
}

func TestWhatIsNotCached(t *testing.T) {
	with := func(more string) string { return strings.TrimSuffix(cold, "}") + "," + more + "}" }
	for name, tt := range map[string]struct {
		body string
		want string
	}{
		"no temperature":     {ask, "bypass bypass"},
		"temperature 1":      {strings.Replace(cold, `"temperature":0`, `"temperature":1`, 1), "bypass bypass"},
		"temperature 0.0":    {strings.Replace(cold, `"temperature":0`, `"temperature":0.0`, 1), "miss hit"},
		"functions":          {with(`"tools":[{"type":"function","function":{"name":"f","parameters":{}}}]`), "miss hit"},
		"no tools":           {with(`"tools":[]`), "miss hit"},
		"search":             {with(`"tools":[{"type":"function","function":{"name":"f"}},{"type":"web_search"}]`), "bypass bypass"},
		"Anthropic's search": {with(`"tools":[{"type":"web_search_20250305","name":"web_search"}]`), "bypass bypass"},
		"Anthropic's own":    {with(`"tools":[{"name":"f","input_schema":{}}]`), "miss hit"},
		"Google's search":    {with(`"tools":[{"googleSearch":{}}]`), "bypass bypass"},
		"search options":     {with(`"web_search_options":{}`), "bypass bypass"},
		"an escaped name":    {with(`"web_se\u0061rch_options":{}`), "bypass bypass"},
		"stored":             {with(`"store":true`), "bypass bypass"},
		"not stored":         {with(`"store":false`), "miss hit"},
		"sound":              {with(`"audio":{"voice":"a"}`), "bypass bypass"},
		"long":               {with(`"x":"` + strings.Repeat("x", 1<<20) + `"`), "bypass bypass"},
	} {
		l := newLab(t, []http.Handler{http.HandlerFunc(both)}, caching())
		if got := states(l.do(tt.body), l.do(tt.body)); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
	l := newLab(t, []http.Handler{http.HandlerFunc(both)}, caching(func(c *endpoint.ResponseCache) { c.AnyTemperature = true }))
	if got := states(l.do(ask), l.do(ask)); got != "miss hit" {
		t.Errorf("any temperature: %s", got)
	}
}

func TestBadAnswersAreNotKept(t *testing.T) {
	whole := func(from, to string) http.Handler {
		return sends(200, "application/json", strings.Replace(answer, from, to, 1))
	}
	for name, tt := range map[string]struct {
		up   http.Handler
		body string
	}{
		"error":           {sends(500, "application/json", `{"error":{"message":"no"}}`), cold},
		"created":         {sends(201, "application/json", answer), cold},
		"error in a 200":  {sends(200, "application/json", `{"error":{"message":"no"}}`), cold},
		"filter":          {whole(`"stop"`, `"content_filter"`), cold},
		"refusal":         {whole(`"content":"hello"`, `"content":null,"refusal":"no"`), cold},
		"unknown end":     {whole(`"stop"`, `"boredom"`), cold},
		"no answer":       {sends(200, "application/json", `{"model":"gpt-4o"}`), cold},
		"searched":        {whole(`"total_tokens":12`, `"total_tokens":12,"num_search_queries":1`), cold},
		"broken":          {cut(answer), cold},
		"broken stream":   {streams(hel, lo, "!"), coldStream},
		"stream too soon": {streams(hel, lo), coldStream},
		"error in stream": {streams(hel, event(`{"error":{"message":"no"}}`), doneEvent), coldStream},
		"filtered stream": {streams(hel, strings.Replace(stop, `"stop"`, `"content_filter"`, 1), usage, doneEvent), coldStream},
		"large":           {whole("hello", strings.Repeat("x", 300<<10)), cold},
		"large stream":    {streams(strings.Replace(hel, "hel", strings.Repeat("x", 300<<10), 1), stop, usage, doneEvent), coldStream},
	} {
		l := newLab(t, []http.Handler{tt.up}, caching())
		if got := states(l.do(tt.body), l.do(tt.body)); got != "miss miss" {
			t.Errorf("%s: %s", name, got)
		}
		if s := l.Cache.Stats(); s.Entries != 0 {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestAClientThatLeavesKeepsNothing(t *testing.T) {
	l := newLab(t, []http.Handler{http.HandlerFunc(both)}, caching())
	l.doAs(context.Background(), &client{onSend: func(string) error { return errGone }}, coldStream)
	if got := states(l.do(coldStream)); got != "miss" {
		t.Error(got)
	}
}

func TestHitsAreLimitedAsCalls(t *testing.T) {
	calls, tokens := int64(3), int64(100)
	l := newLab(t, []http.Handler{http.HandlerFunc(both)}, caching(), func(_ *lab, e *endpoint.Endpoint) {
		e.RateLimits = []endpoint.RateLimit{
			{Calls: &calls, Key: endpoint.PerEndpoint, Period: time.Hour},
			{Tokens: &tokens, Key: endpoint.PerEndpoint, Period: time.Hour},
		}
	})
	for range 3 {
		l.do(cold)
	}
	if c := l.do(cold); c.head.Status != 429 || c.head.Cache != "" {
		t.Errorf("the fourth call: %d", c.head.Status)
	}
	few := int64(30)
	l = newLab(t, []http.Handler{http.HandlerFunc(both)}, caching(), func(_ *lab, e *endpoint.Endpoint) {
		e.RateLimits = []endpoint.RateLimit{{Tokens: &few, Key: endpoint.PerEndpoint, Period: time.Hour}}
	})
	for i := range 10 { // 12 tokens each would be too many by the third
		if c := l.do(cold); c.head.Status != 200 {
			t.Fatalf("call %d: %d %s", i, c.head.Status, c.body)
		}
	}
}

func TestNothingIsSaidWhereNothingIsCached(t *testing.T) {
	l := newLab(t, []http.Handler{http.HandlerFunc(both)})
	if got := states(l.do(cold), l.do(cold)); got != " " || l.Cache.Stats().Entries != 0 {
		t.Errorf("%q", got)
	}
}

func TestManyCallersOfOneCache(t *testing.T) {
	l := newLab(t, []http.Handler{http.HandlerFunc(both)}, caching())
	var wg sync.WaitGroup
	for i := range 40 {
		body := []string{cold, coldStream, coldUsage}[i%3]
		wg.Go(func() {
			c := l.do(body)
			if !strings.Contains(c.body, "hel") || c.head.Status != 200 {
				t.Errorf("%d %s", c.head.Status, c.body)
			}
		})
	}
	wg.Wait()
	if got := l.do(cold); got.head.Cache != gateway.CacheHit {
		t.Error(got.head.Cache)
	}
}

func TestAnswersOfOtherSurfacesAreTheirOwn(t *testing.T) {
	l := newLab(t, []http.Handler{http.HandlerFunc(both)}, caching())
	dataOnly := func(c *gateway.Call) {
		c.Surface = gateway.Surface{APIType: "mlflow/v1/invocations", Dialect: apierr.Databricks, ByBody: true, DataOnly: true}
		c.Endpoint = "chat"
	}
	if got := states(l.do(coldStream), l.do(coldStream, dataOnly), l.do(coldStream, dataOnly)); got != "miss miss hit" {
		t.Error(got)
	}
}

// Clients of every format get hits in their own format, whole and streamed, whichever was kept, from
// providers of their own format and of another.
func TestEveryFormatIsCached(t *testing.T) {
	for _, to := range []wire.Format{wire.OpenAIChat, wire.AnthropicMessages} {
		whole, streamed := fixture(t, to, "provider/text.json"), streamOf(t, to, "text")
		up := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept") == "text/event-stream" {
				sends(200, mediaOf(to), string(streamed))(w, r)
				return
			}
			sends(200, "application/json", string(whole))(w, r)
		})
		for _, from := range clients() {
			t.Run(string(from.Format)+" to "+string(to), func(t *testing.T) { cachedInFormat(t, from, to, up) })
		}
	}
}

func cachedInFormat(t *testing.T, from *wire.Codec, to wire.Format, up http.Handler) {
	request := func(stream bool) string {
		body := requestOf(t, from, "text", stream)
		if from.Format == wire.OpenAIResponses {
			body = strings.TrimSuffix(body, "}") + `,"store":false}`
		}
		return body
	}
	for _, kept := range []bool{false, true} {
		for _, stream := range []bool{false, true} {
			up, calls := counted(up)
			l := newLab(t, []http.Handler{up}, speaks(to), caching(func(c *endpoint.ResponseCache) { c.AnyTemperature = true }))
			first := l.do(request(kept), asked(from, kept))
			second := l.do(request(stream), asked(from, stream))
			if got := states(first, second); got != "miss hit" || calls.Load() != 1 || second.stream != stream {
				t.Errorf("kept streamed %v, asked %v: %s, %d calls\n%s", kept, stream, got, calls.Load(), second.body)
				continue
			}
			if kept == stream && second.body != first.body {
				t.Errorf("streamed %v: want %s\ngot %s", stream, first.body, second.body)
			}
			want := textOf(t, from, first.body, kept)
			if got := textOf(t, from, second.body, stream); got != want || got == "" {
				t.Errorf("kept streamed %v, asked %v: got %q, want %q\n%s", kept, stream, got, want, second.body)
			}
			hit := l.recorder.Records()[1]
			if stored := textOf(t, from, string(hit.Payload.Response), false); stored != want {
				t.Errorf("kept streamed %v, asked %v: stored %q, want %q", kept, stream, stored, want)
			}
		}
	}
}

func TestGooglesTemperatureIsInItsConfig(t *testing.T) {
	gemini := formats.Table[wire.GeminiGenerate]
	up := sends(200, "application/json", string(fixture(t, wire.GeminiGenerate, "provider/text.json")))
	l := newLab(t, []http.Handler{up}, speaks(wire.GeminiGenerate), caching())
	body := func(more string) string {
		return `{"contents":[{"role":"user","parts":[{"text":"hi"}]}]` + more + `}`
	}
	got := states(l.do(body(``), asked(gemini, false)), l.do(body(`,"temperature":0`), asked(gemini, false)),
		l.do(body(`,"generationConfig":{"temperature":0}`), asked(gemini, false)), l.do(body(`,"generationConfig":{"temperature":0}`), asked(gemini, false)))
	if got != "bypass bypass miss hit" {
		t.Error(got)
	}
}

func TestStoredResponsesAreNotCached(t *testing.T) {
	c := formats.Table[wire.OpenAIResponses]
	up := sends(200, "application/json", string(fixture(t, wire.OpenAIResponses, "provider/text.json")))
	for more, want := range map[string]string{
		``:               "bypass", // they are stored unless they say no
		`,"store":false`: "miss",
		`,"store":true`:  "bypass",
		`,"store":false,"previous_response_id":"r"`:                        "bypass",
		`,"store":false,"prompt":{"id":"p"}`:                               "bypass",
		`,"store":false,"tools":[{"type":"mcp","server_url":"https://x"}]`: "bypass",
		`,"store":false,"tools":[{"type":"function","name":"f"}]`:          "miss",
	} {
		l := newLab(t, []http.Handler{up}, speaks(wire.OpenAIResponses), caching())
		if got := states(l.do(`{"model":"chat","input":"hi","temperature":0`+more+`}`, asked(c, false))); got != want {
			t.Errorf("%s: %s, want %s", more, got, want)
		}
	}
}

func TestEmbeddingsAreCached(t *testing.T) {
	const vectors = `{"object":"list","model":"gpt-e","data":[{"object":"embedding","index":0,"embedding":[1,2]}],"usage":{"prompt_tokens":3,"total_tokens":3}}`
	l := newLab(t, []http.Handler{sends(200, "application/json", vectors)}, caching(), func(_ *lab, e *endpoint.Endpoint) {
		e.Task, e.Entities[0].Task = endpoint.Embeddings, endpoint.Embeddings
	})
	embed := func(c *gateway.Call) { c.Surface.Format = wire.OpenAIEmbeddings }
	first, second := l.do(`{"model":"chat","input":"a"}`, embed), l.do(`{"input":"a","model":"chat","user":"u"}`, embed)
	if got := states(first, second, l.do(`{"model":"chat","input":"b"}`, embed)); got != "miss hit miss" || second.body != vectors {
		t.Errorf("%s %s", got, second.body)
	}
}

func TestAgentsAreNotCached(t *testing.T) {
	l := newLab(t, []http.Handler{http.HandlerFunc(both)}, caching(), func(_ *lab, e *endpoint.Endpoint) {
		e.Task, e.Entities[0].Task = endpoint.AgentChat, endpoint.AgentChat
	})
	if got := states(l.do(cold)); got != "bypass" {
		t.Error(got)
	}
}
