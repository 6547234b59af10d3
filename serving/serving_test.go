package serving_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/serving"
	"github.com/lakegate/lakegate/serving/auth"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/gateway/gatewaytest"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/provider/openai"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const answer = `{"model":"gpt-4o-2024","choices":[{"index":0,"message":{"content":"hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}}`

const events = `data: {"choices":[{"index":0,"delta":{"content":"hello"},"finish_reason":"stop"}]}

data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}}

data: [DONE]

`

const shownEvents = `data: {"choices":[{"index":0,"delta":{"content":"hello"},"finish_reason":"stop"}]}

data: [DONE]

`

// lab is a server on a real connection, with a provider behind it.
type lab struct {
	t        testing.TB
	server   *serving.Server
	metrics  *serving.Metrics
	recorder *gatewaytest.Recorder
	url      string
	client   *http.Client
	ready    error
	live     *gateway.Live
	busy     sync.WaitGroup // requests in hand
	// onRequest, when set, is shown each request before the server is.
	onRequest func(*http.Request)
}

func provide(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	if strings.Contains(string(b), `"stream":true`) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, events)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, answer)
}

func newLab(t testing.TB, upstream http.HandlerFunc, setups ...func(*serving.Config, *gateway.Config)) *lab {
	t.Helper()
	l := &lab{t: t, recorder: gatewaytest.NewRecorder(t), metrics: serving.NewMetrics(), client: &http.Client{Transport: &http.Transport{}}}
	up := httptest.NewServer(upstream)
	t.Cleanup(up.Close)
	config, calls := serving.DefaultConfig(), gateway.DefaultConfig()
	for _, s := range setups {
		s(&config, &calls)
	}
	transport := gateway.NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	l.live = gateway.NewLive(view(t, up.URL))
	g, err := gateway.New(calls, gateway.Parts{
		Live: l.live, Recorder: l.recorder, Pricer: gatewaytest.Pricer{}, Meter: l.metrics,
		Providers: map[string]provider.Provider{openai.Name: openai.New()},
		Logger:    slog.New(slog.DiscardHandler), Transport: transport,
	})
	if err != nil {
		t.Fatal(err)
	}
	l.metrics.Registry().MustRegister(serving.NewCacheCollector(g.Cache))
	l.server, err = serving.New(config, g, l.metrics, func() error { return l.ready }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.busy.Add(1)
		defer l.busy.Done()
		if l.onRequest != nil {
			l.onRequest(r)
		}
		l.server.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	t.Cleanup(l.client.CloseIdleConnections)
	l.url = front.URL
	return l
}

func view(t testing.TB, upstream string) gateway.View {
	t.Helper()
	base, err := url.Parse(upstream + "/v1")
	if err != nil {
		t.Fatal(err)
	}
	limit := int64(1 << 40)
	make := func(name, task string) *endpoint.Endpoint {
		return &endpoint.Endpoint{
			Name: name, Task: task, Description: "test", Tags: map[string]string{"b": "2", "a": "1"},
			Entities: []*endpoint.Entity{{
				Name: "gpt", Model: "gpt-4o", Task: task, Provider: "openai", BaseURL: base,
				AuthHeader: "Authorization", AuthValue: secret.New("Bearer sk-upstream-key"),
				Block: "openai_config", Settings: map[string]any{
					"openai_api_base": upstream, "openai_organization": "org-1", "api_key_auth": map[string]string{"key": "X-Key"},
				},
			}},
			Weights: []int{100}, UsageTracking: true, Created: time.Unix(1700000000, 0),
			Payload:    &endpoint.PayloadTable{Table: tableschema.Name{Catalog: "main", Schema: "ai", Table: name + "_payload"}, SamplingFraction: 1},
			RateLimits: []endpoint.RateLimit{{Calls: &limit, Key: endpoint.PerUser, Period: time.Minute}},
		}
	}
	catalog, err := endpoint.NewCatalog([]*endpoint.Endpoint{
		make("chat", endpoint.Chat), make("legacy", endpoint.Completions), make("vectors", endpoint.Embeddings), make("private", endpoint.Chat), make("voice", endpoint.Speech),
	})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := auth.NewKeys([]auth.Spec{{
		Name: "ann-key", Hash: auth.HashToken("lg-ann"), Endpoints: []string{"chat", "legacy", "vectors", "voice"},
		Principal: inference.Principal{Name: "ann@example.com"},
	}, {
		Name: "root-key", Hash: auth.HashToken("lg-root"), Endpoints: []string{"chat"}, Admin: true,
		Principal: inference.Principal{Name: "root@example.com"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return gateway.View{Catalog: catalog, Keys: keys}
}

// do sends a request; auth is the Authorization header, "" for none.
func (l *lab) do(method, path, auth, body string, header ...string) (*http.Response, string) {
	l.t.Helper()
	r, err := http.NewRequest(method, l.url+path, strings.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	if auth != "" {
		r.Header.Set("Authorization", auth)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := l.client.Do(r)
	if err != nil {
		l.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		l.t.Fatal(err)
	}
	return resp, string(b)
}

const key = "Bearer lg-ann"

func TestSurfaces(t *testing.T) {
	chat := `{"model":"chat","messages":[]}`
	tests := []struct {
		method, path, body string
		status             int
		apiType            string // of the row, "" for no row
		text               string // part of the body
	}{
		{"POST", "/v1/chat/completions", chat, 200, "openai/v1/chat/completions", `"hello"`},
		{"POST", "/serving-endpoints/chat/completions", chat, 200, "openai/v1/chat/completions", `"hello"`},
		{"POST", "/v1/completions", `{"model":"legacy","prompt":"x"}`, 200, "openai/v1/completions", `"hello"`},
		{"POST", "/serving-endpoints/completions", `{"model":"legacy","prompt":"x"}`, 200, "openai/v1/completions", `"hello"`},
		{"POST", "/v1/embeddings", `{"model":"vectors","input":"x"}`, 200, "openai/v1/embeddings", `"hello"`},
		{"POST", "/serving-endpoints/embeddings", `{"model":"vectors","input":"x"}`, 200, "openai/v1/embeddings", `"hello"`},
		{"POST", "/serving-endpoints/chat/invocations", `{"messages":[]}`, 200, "mlflow/v1/invocations", `"hello"`},
		{"POST", "/api/2.0/serving-endpoints/vectors/invocations", `{"input":"x"}`, 200, "mlflow/v1/invocations", `"hello"`},
		{"POST", "/v1/chat/completions?x=1", chat, 200, "openai/v1/chat/completions", `"hello"`},

		{"POST", "/serving-endpoints/nope/invocations", chat, 404, "mlflow/v1/invocations", `"error_code":"ENDPOINT_NOT_FOUND"`},
		{"POST", "/serving-endpoints/private/invocations", chat, 403, "mlflow/v1/invocations", `"error_code":"PERMISSION_DENIED"`},
		{"POST", "/v1/embeddings", chat, 400, "openai/v1/embeddings", `"type":"invalid_request_error"`},
		{"GET", "/v1/chat/completions", "", 405, "openai/v1/chat/completions", `"code":"METHOD_NOT_ALLOWED"`},
		{"PUT", "/serving-endpoints/chat/invocations", "", 405, "mlflow/v1/invocations", `"error_code":"METHOD_NOT_ALLOWED"`},
		{"POST", "/v1/files", chat, 501, "openai/v1/files", `OpenAI's files API is not supported yet`},
		{"POST", "/v1/messages/batches", chat, 501, "anthropic/v1/messages/batches", `"type":"error"`},
		{"POST", "/ai-gateway/mlflow/v1/chat/completions", chat, 200, "mlflow/v1/chat/completions", `"hello"`},
		{"POST", "/ai-gateway/openai/v1/chat/completions", chat, 200, "openai/v1/chat/completions", `"hello"`},
		{"POST", "/ai-gateway/cursor/v1/chat/completions", chat, 200, "cursor/v1/chat/completions", `"hello"`},
		{"POST", "/ai-gateway/codex/v1/responses", `{"model":"chat","input":"x"}`, 200, "codex/v1/responses", `"hello"`},
		{"POST", "/serving-endpoints/responses", `{"model":"chat","input":"x"}`, 200, "openai/v1/responses", `"hello"`},
		{"POST", "/gateway/mlflow/v1/chat/completions", chat, 200, "mlflow/v1/chat/completions", `"hello"`},
		{"POST", "/gateway/chat/mlflow/invocations", `{"messages":[]}`, 200, "mlflow/v1/invocations", `"hello"`},
		{"POST", "/gateway/chat/invocations", `{"messages":[]}`, 200, "mlflow/v1/invocations", `"hello"`},
		{"POST", "/endpoints/chat/invocations", `{"messages":[]}`, 200, "mlflow/v1/invocations", `"hello"`},
		{"POST", "/serving-endpoints/chat/invocations", `{"input":[{"role":"user","content":"x"}]}`, 200, "mlflow/v1/invocations", `"hello"`},
		{"POST", "/v1/messages/count_tokens", `{"model":"chat","messages":[]}`, 400, "anthropic/v1/messages/count_tokens", `{"type":"error","error":{"type":"invalid_request_error"`},
		{"POST", "/anthropic/v1/messages", `{"model":"nope","messages":[]}`, 404, "anthropic/v1/messages", `"not_found_error"`},
		{"POST", "/v1beta/models/nope:generateContent", `{}`, 404, "gemini/v1beta/generateContent", `"status":"NOT_FOUND"`},
		{"POST", "/v1/models/nope:generateContent", `{}`, 404, "gemini/v1beta/generateContent", `"status":"NOT_FOUND"`},
		{"POST", "/gemini/v1/models/nope:embedContent", `{}`, 404, "gemini/v1beta/embedContent", `"status":"NOT_FOUND"`},
		{"POST", "/v1beta/models/chat:predict", `{}`, 404, "unknown", `no method \"predict\"`},
		{"PUT", "/v1beta/models/chat:generateContent", `{}`, 404, "unknown", `"status":"NOT_FOUND"`},
		{"POST", "/v2/chat", `{"model":"nope","messages":[]}`, 404, "cohere/v2/chat", `{"message":"The given endpoint`},
		{"POST", "/v2/nothing", `{}`, 404, "unknown", `{"message":"there is nothing`},
		{"GET", "/v1/response", "", 404, "unknown", `there is nothing at GET /v1/response`},
		{"POST", "/v1", chat, 404, "unknown", `"error":{`},
		{"POST", "/serving-endpoints/chat", chat, 404, "unknown", `"error":{`},
		{"POST", "/serving-endpoints/a/b/c", chat, 404, "unknown", `"error_code":"RESOURCE_DOES_NOT_EXIST"`},

		{"GET", "/nope", "", 404, "", `"error_code":"RESOURCE_DOES_NOT_EXIST"`},
		{"GET", "/health", "", 200, "", `{"status":"ok"}`},
		{"GET", "/v1beta/models", "", 200, "", `"name":"models/chat"`},
		{"GET", "/gemini/v1/models", "", 200, "", `"name":"models/chat"`},
		{"GET", "/v1/models", "", 200, "", `"object":"list"`},
		{"GET", "/v1/models/chat", "", 200, "", `"id":"chat"`},
		{"GET", "/v1beta/models/vectors", "", 200, "", `"embedContent"`},
		{"GET", "/v1beta/models/private", "", 404, "", `"status":"NOT_FOUND"`},
		{"GET", "/ai-gateway/anthropic/v1/models", "", 200, "", `{"type":"model","id":"chat","display_name":"chat","created_at":"2023-11-14T22:13:20Z"}`},
		{"GET", "/anthropic/v1/models/chat", "", 200, "", `"id":"chat"`},
		{"GET", "/ai-gateway/openai/v1/models", "", 200, "", `"object":"list"`},
		{"GET", "/api/2.0/endpoints/", "", 200, "", `{"name":"chat","endpoint_type":"llm/v1/chat","model":{"name":"gpt-4o","provider":"openai"},"endpoint_url":"/endpoints/chat/invocations","limit":null}`},
		{"GET", "/api/2.0/endpoints/legacy", "", 200, "", `"endpoint_type":"llm/v1/completions"`},
		{"POST", "/healthz", "", 405, "", `"error_code":"METHOD_NOT_ALLOWED"`},
		{"GET", "/healthz", "", 200, "", `{"status":"ok"}`},
		{"GET", "/readyz", "", 200, "", `{"status":"ready"}`},
		{"POST", "/api/2.0/serving-endpoints", "{}", 501, "", `configuration file`},
		{"DELETE", "/api/2.0/serving-endpoints/chat", "", 501, "", `configuration file`},
		{"PUT", "/api/2.0/serving-endpoints/chat/config", "{}", 501, "", `configuration file`},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			l := newLab(t, provide)
			resp, body := l.do(tt.method, tt.path, key, tt.body)
			if resp.StatusCode != tt.status || !strings.Contains(body, tt.text) || !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
				t.Errorf("%d %s\nwant %d ...%s", resp.StatusCode, body, tt.status, tt.text)
			}
			if !json.Valid([]byte(body)) {
				t.Errorf("not JSON: %s", body)
			}
			records := l.recorder.Records()
			if tt.apiType == "" {
				if len(records) != 0 {
					t.Errorf("a row was made: %s", gatewaytest.Text(records[0]))
				}
				return
			}
			r := l.recorder.One()
			path, _, _ := strings.Cut(tt.path, "?")
			if r.APIType != tt.apiType || r.Status != tt.status || r.URL != path || r.Principal.Name != "ann@example.com" || r.RemoteIP != "127.0.0.1" || r.UserAgent == "" {
				t.Errorf("row %s", gatewaytest.Text(r))
			}
			id := resp.Header.Get("X-Request-Id")
			if id != r.ID.String() || id != resp.Header.Get("X-Databricks-Request-Id") || uuid.Validate(id) != nil {
				t.Errorf("request id %q and %q, row %s", id, resp.Header.Get("X-Databricks-Request-Id"), r.ID)
			}
			if tt.status == 200 && resp.Header.Get("Served-Model-Name") != "gpt" {
				t.Errorf("served by %q", resp.Header.Get("Served-Model-Name"))
			}
			if tt.status == 405 && resp.Header.Get("Allow") != "POST" {
				t.Errorf("Allow: %q", resp.Header.Get("Allow"))
			}
		})
	}
}

func TestKeys(t *testing.T) {
	tests := []struct {
		name   string
		header []string
		status int
	}{
		{"bearer", []string{"Authorization", "Bearer lg-ann"}, 200},
		{"any case", []string{"Authorization", "bearer  lg-ann"}, 200},
		{"x-api-key", []string{"X-Api-Key", "lg-ann"}, 200},
		{"api-key", []string{"Api-Key", "lg-ann"}, 200},
		{"none", nil, 401},
		{"wrong", []string{"Authorization", "Bearer lg-bob"}, 401},
		{"no bearer", []string{"Authorization", "lg-ann"}, 401},
		{"bearer comes first", []string{"Authorization", "Bearer lg-bob", "X-Api-Key", "lg-ann"}, 401},
	}
	for _, tt := range tests {
		for path, dialect := range map[string]string{"/v1/chat/completions": `"code":"invalid_api_key"`, "/serving-endpoints/chat/invocations": `"error_code":"UNAUTHENTICATED"`} {
			l := newLab(t, provide)
			resp, body := l.do("POST", path, "", `{"model":"chat","messages":[]}`, tt.header...)
			if resp.StatusCode != tt.status {
				t.Errorf("%s at %s: %d %s", tt.name, path, resp.StatusCode, body)
			}
			r := l.recorder.One()
			if tt.status == 401 && (resp.Header.Get("Www-Authenticate") != "Bearer" || !strings.Contains(body, dialect) || r.Payload.Table != "" || r.Principal.Name != "") {
				t.Errorf("%s at %s: %v %s\nrow %s", tt.name, path, resp.Header, body, gatewaytest.Text(r))
			}
		}
	}
}

func TestStream(t *testing.T) {
	l := newLab(t, provide)
	resp, body := l.do("POST", "/v1/chat/completions", key, `{"model":"chat","messages":[],"stream":true}`)
	if body != shownEvents {
		t.Errorf("got %s", body)
	}
	h := resp.Header
	got := []string{h.Get("Content-Type"), h.Get("Cache-Control"), h.Get("X-Accel-Buffering"), h.Get("Served-Model-Name"), h.Get("Content-Length")}
	if d := cmp.Diff([]string{"text/event-stream; charset=utf-8", "no-cache", "no", "gpt", ""}, got); d != "" {
		t.Error(d)
	}
	if s := gatewaytest.Summary(l.recorder.One()); s != "ok 200 usage=provider:5+7=12 cost=12 gpt:200" {
		t.Error(s)
	}
}

// TestEventsArriveOneByOne: the provider sends the next event when the client has the one before.
func TestEventsArriveOneByOne(t *testing.T) {
	next := make(chan bool)
	l := newLab(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		for e := range strings.SplitAfterSeq(events, "\n\n") {
			_, _ = io.WriteString(w, e)
			_ = http.NewResponseController(w).Flush()
			<-next
		}
	})
	r, err := http.NewRequest("POST", l.url+"/v1/chat/completions", strings.NewReader(`{"model":"chat","messages":[],"stream":true,"stream_options":{"include_usage":true}}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", key)
	resp, err := l.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for i := range 3 {
		if !lines.Scan() || !strings.HasPrefix(lines.Text(), "data: ") || !lines.Scan() {
			t.Fatalf("event %d did not come: %v", i, lines.Err())
		}
		next <- true
	}
	close(next)
	if lines.Scan() {
		t.Errorf("more came: %s", lines.Text())
	}
}

// TestClientThatHangsUp leaves a full row.
func TestClientThatHangsUp(t *testing.T) {
	left, finished := make(chan bool), make(chan bool)
	l := newLab(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, `data: {"choices":[{"index":0,"delta":{"content":"hel"}}]}`+"\n\n")
		_ = http.NewResponseController(w).Flush()
		<-left // the gateway knows that its client is gone
		_, _ = io.WriteString(w, events)
	})
	l.onRequest = func(r *http.Request) { context.AfterFunc(r.Context(), func() { close(left) }) }
	l.recorder.Note = func(step string) {
		if strings.HasPrefix(step, "finish") {
			close(finished)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "POST", l.url+"/v1/chat/completions", strings.NewReader(`{"model":"chat","messages":[],"stream":true}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", key)
	resp, err := l.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := resp.Body.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	cancel()
	_ = resp.Body.Close()
	<-finished
	if s := gatewaytest.Summary(l.recorder.One()); s != "client_gone 200 CLIENT_CLOSED_REQUEST usage=provider:5+7=12 cost=12 gpt:200" {
		t.Error(s)
	}
}

func TestBodies(t *testing.T) {
	small := func(_ *serving.Config, g *gateway.Config) { g.MaxBody = 50 }
	l := newLab(t, provide, small)
	big := `{"model":"chat","messages":[{"content":"` + strings.Repeat("x", 100) + `"}]}`
	resp, body := l.do("POST", "/v1/chat/completions", key, big)
	if resp.StatusCode != 413 || !strings.Contains(body, "larger than 50 bytes") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	// Without a length known beforehand.
	r, err := http.NewRequest("POST", l.url+"/v1/chat/completions", io.MultiReader(strings.NewReader(big)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", key)
	resp, err = l.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != 413 {
		t.Errorf("chunked: %d", resp.StatusCode)
	}
	resp, body = l.do("POST", "/v1/chat/completions", key, "zip", "Content-Encoding", "gzip")
	if resp.StatusCode != 415 || !strings.Contains(body, "without Content-Encoding") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	resp, _ = l.do("POST", "/v1/chat/completions", key, `{"model":"chat","messages":[]}`, "Expect", "100-continue")
	if resp.StatusCode != 200 {
		t.Errorf("expecting 100: %d", resp.StatusCode)
	}
	if n := len(l.recorder.Records()); n != 4 {
		t.Errorf("%d rows, want 4", n)
	}
}

// TestSlowBody: a body that does not arrive is given up.
func TestSlowBody(t *testing.T) {
	l := newLab(t, provide, func(c *serving.Config, _ *gateway.Config) { c.BodyTimeout = 10 * time.Millisecond })
	conn, err := net.Dial("tcp", strings.TrimPrefix(l.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: "+key+"\r\nContent-Length: 100\r\n\r\n{\"model\""); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 408 || !strings.Contains(string(b), "took too long") {
		t.Errorf("%d %s, %v", resp.StatusCode, b, err)
	}
	_ = resp.Body.Close()
	if s := gatewaytest.Summary(l.recorder.One()); s != "refused 408 BAD_REQUEST usage=none" {
		t.Error(s)
	}
}

func TestTagsHeader(t *testing.T) {
	l := newLab(t, provide)
	l.do("POST", "/v1/chat/completions", key, `{"model":"chat","messages":[]}`, "databricks-ai-gateway-request-tags", `{"team":"a"}`)
	if r := l.recorder.One(); r.UsageContext["team"] != "a" {
		t.Errorf("tags %v", r.UsageContext)
	}
}

func TestModels(t *testing.T) {
	l := newLab(t, provide)
	want := `{"object":"list","data":[{"id":"chat","object":"model","created":1700000000,"owned_by":"lakegate"},{"id":"legacy","object":"model","created":1700000000,"owned_by":"lakegate"},{"id":"vectors","object":"model","created":1700000000,"owned_by":"lakegate"},{"id":"voice","object":"model","created":1700000000,"owned_by":"lakegate"}]}`
	for _, path := range []string{"/v1/models", "/serving-endpoints/models"} {
		if resp, body := l.do("GET", path, key, ""); resp.StatusCode != 200 || strings.TrimSpace(body) != want {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
	if resp, body := l.do("GET", "/v1/models/chat", key, ""); resp.StatusCode != 200 || !strings.Contains(body, `"id":"chat"`) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	for _, name := range []string{"nope", "private"} {
		if resp, body := l.do("GET", "/v1/models/"+name, key, ""); resp.StatusCode != 404 || !strings.Contains(body, `"code":"model_not_found"`) {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
	}
	if resp, body := l.do("GET", "/v1/models", "", ""); resp.StatusCode != 401 || !strings.Contains(body, `"code":"invalid_api_key"`) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

func TestEndpointLists(t *testing.T) {
	l := newLab(t, provide)
	resp, one := l.do("GET", "/api/2.0/serving-endpoints/chat", key, "")
	want := `{"name":"chat","description":"test","creation_timestamp":1700000000000,"last_updated_timestamp":1700000000000,"state":{"ready":"READY","config_update":"NOT_UPDATING"},` +
		`"config":{"served_entities":[{"name":"gpt","external_model":{"name":"gpt-4o","provider":"openai","task":"llm/v1/chat","openai_config":{"api_key_auth":{"key":"X-Key"},"openai_organization":"org-1"}},"state":{"deployment":"DEPLOYMENT_READY"}}],` +
		`"traffic_config":{"routes":[{"served_entity_name":"gpt","served_model_name":"gpt","traffic_percentage":100}]},"config_version":1},` +
		`"tags":[{"key":"a","value":"1"},{"key":"b","value":"2"}],"task":"llm/v1/chat","endpoint_type":"EXTERNAL_MODEL",` +
		`"ai_gateway":{"usage_tracking_config":{"enabled":true},"fallback_config":{"enabled":false},"inference_table_config":{"enabled":true,"catalog_name":"main","schema_name":"ai","table_name_prefix":"chat"},` +
		`"rate_limits":[{"calls":1099511627776,"key":"user","renewal_period":"minute"}]},"permission_level":"CAN_QUERY","route_optimized":false}`
	if resp.StatusCode != 200 || cmp.Diff(without(t, want), without(t, one)) != "" {
		t.Errorf("%d %s", resp.StatusCode, cmp.Diff(without(t, want), without(t, one)))
	}
	for _, path := range []string{"/api/2.0/serving-endpoints", "/api/2.0/serving-endpoints/"} {
		resp, all := l.do("GET", path, key, "")
		var list struct{ Endpoints []struct{ Name string } }
		if err := json.Unmarshal([]byte(all), &list); err != nil || resp.StatusCode != 200 || len(list.Endpoints) != 4 || list.Endpoints[0].Name != "chat" {
			t.Errorf("%s: %d %s", path, resp.StatusCode, all)
		}
		if strings.Contains(all+one, "sk-upstream") || strings.Contains(all+one, "127.0.0.1") || strings.Contains(all, "private") {
			t.Errorf("it tells too much: %s", all)
		}
	}
	if _, body := l.do("GET", "/api/2.0/serving-endpoints/chat", "Bearer lg-root", ""); !strings.Contains(body, `"openai_api_base":"http://127.0.0.1`) || strings.Contains(body, "sk-upstream") {
		t.Errorf("an administrator is told %s", body)
	}
	for _, name := range []string{"nope", "private"} {
		if resp, body := l.do("GET", "/api/2.0/serving-endpoints/"+name, key, ""); resp.StatusCode != 404 || !strings.Contains(body, `"error_code":"RESOURCE_DOES_NOT_EXIST"`) {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
	}
	if resp, body := l.do("GET", "/api/2.0/serving-endpoints", "", ""); resp.StatusCode != 401 || !strings.Contains(body, `"error_code":"UNAUTHENTICATED"`) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

// without decodes an endpoint and takes its IDs out.
func without(t *testing.T, s string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(s), &m); err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	delete(m, "id")
	entities, _ := m["config"].(map[string]any)["served_entities"].([]any)
	for _, e := range entities {
		delete(e.(map[string]any), "id")
	}
	return m
}

func TestReady(t *testing.T) {
	l := newLab(t, provide)
	l.ready = errors.New("log closed: /secret/path")
	resp, body := l.do("GET", "/readyz", "", "")
	if resp.StatusCode != 503 || strings.Contains(body, "secret") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if resp, _ := l.do("GET", "/healthz", "", ""); resp.StatusCode != 200 {
		t.Errorf("healthz %d", resp.StatusCode)
	}
}

func TestMetrics(t *testing.T) {
	l := newLab(t, provide)
	l.do("POST", "/v1/chat/completions", key, `{"model":"chat","messages":[]}`)
	l.do("POST", "/v1/chat/completions", key, `{"model":"chat","messages":[],"stream":true}`)
	l.do("POST", "/v1/chat/completions", key, `{"model":"made up"}`)
	l.do("POST", "/v1/chat/completions", "", `{}`)
	_, body := l.do("GET", "/metrics", "", "")
	for _, want := range []string{
		`lakegate_requests_total{endpoint="chat",outcome="ok",provider="openai",served_entity="gpt",status="2xx"} 2`,
		`lakegate_requests_total{endpoint="",outcome="refused",provider="",served_entity="",status="4xx"} 2`,
		`lakegate_tokens_total{endpoint="chat",kind="input",provider="openai",served_entity="gpt"} 10`,
		`lakegate_tokens_total{endpoint="chat",kind="output",provider="openai",served_entity="gpt"} 14`,
		`lakegate_cost_usd_total{endpoint="chat",provider="openai",served_entity="gpt"} 2.4e-08`,
		`lakegate_request_duration_seconds_count{endpoint="chat",provider="openai",served_entity="gpt",streaming="true"} 1`,
		`lakegate_time_to_first_token_seconds_count{endpoint="chat",provider="openai",served_entity="gpt"} 1`,
		`lakegate_attempts_total{endpoint="chat",provider="openai",served_entity="gpt",status="2xx"} 2`,
		`lakegate_requests_in_flight 0`,
		`lakegate_unrecorded_total{step="finish"} 0`,
		`go_goroutines`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(body, "made up") {
		t.Error("a caller's text became a label")
	}
	if t.Failed() {
		for line := range strings.Lines(body) {
			if strings.HasPrefix(line, "lakegate_") {
				t.Log(line)
			}
		}
	}
}

// TestServeDrains: a request in flight ends well after the server was told to stop.
func TestServeDrains(t *testing.T) {
	asked, goOn := make(chan bool), make(chan bool)
	l := newLab(t, func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		<-goOn
		provide(w, r)
	})
	ln, served, stop := listen(t, l)
	status := send(l, ln)
	<-asked
	stop()
	waitUntilClosed(ln)
	close(goOn)
	if got := <-status; got != 200 {
		t.Errorf("the request in flight got %d", got)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve = %v", err)
	}
}

// TestServeBreaksOff: what does not end within the drain timeout is broken off and recorded.
func TestServeBreaksOff(t *testing.T) {
	asked := make(chan bool)
	l := newLab(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(asked)
		<-r.Context().Done()
	}, func(c *serving.Config, _ *gateway.Config) { c.DrainTimeout = time.Millisecond })
	ln, served, stop := listen(t, l)
	status := send(l, ln)
	<-asked
	stop()
	if got := <-status; got != 503 {
		t.Errorf("the request in flight got %d", got)
	}
	if err := <-served; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Serve = %v", err)
	}
	if s := gatewaytest.Summary(l.recorder.One()); s != "internal_failure 503 TEMPORARILY_UNAVAILABLE usage=none gpt:0" {
		t.Error(s)
	}
}

func listen(t *testing.T, l *lab) (ln net.Listener, served chan error, stop func()) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served = make(chan error, 1)
	go func() { served <- l.server.Serve(ctx, ln) }()
	return ln, served, cancel
}

// send makes a call and gives its status, 0 for none.
func send(l *lab, ln net.Listener) chan int {
	status := make(chan int, 1)
	go func() {
		r, err := http.NewRequest("POST", "http://"+ln.Addr().String()+"/v1/chat/completions", strings.NewReader(`{"model":"chat","messages":[]}`))
		if err != nil {
			panic(err)
		}
		r.Header.Set("Authorization", key)
		resp, err := l.client.Do(r)
		if err != nil {
			status <- 0
			return
		}
		_ = resp.Body.Close()
		status <- resp.StatusCode
	}()
	return status
}

// waitUntilClosed returns when the listener takes no connections any more.
func waitUntilClosed(ln net.Listener) {
	for {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			return
		}
		_ = c.Close()
	}
}

// TestModelsByHeader: three APIs have their list of models at the same path, and clients that are
// told by a header of theirs.
func TestModelsByHeader(t *testing.T) {
	for _, tt := range []struct{ header, value, list, one string }{
		{"Authorization", key, `"object":"list"`, `"object":"model"`},
		{"Anthropic-Version", "2023-06-01", `"has_more":false`, `"type":"model"`},
		{"X-Goog-Api-Key", "lg-ann", `"models":[`, `"name":"models/chat"`},
	} {
		l := newLab(t, provide)
		if resp, body := l.do("GET", "/v1/models", key, "", tt.header, tt.value); resp.StatusCode != 200 || !strings.Contains(body, tt.list) {
			t.Errorf("%s: %d %s", tt.header, resp.StatusCode, body)
		}
		if resp, body := l.do("GET", "/v1/models/chat", key, "", tt.header, tt.value); resp.StatusCode != 200 || !strings.Contains(body, tt.one) {
			t.Errorf("%s: %d %s", tt.header, resp.StatusCode, body)
		}
	}
}
