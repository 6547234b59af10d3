package demo_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/lakegate/lakegate/internal/demo"
	"github.com/lakegate/lakegate/internal/fakellm"
)

// gateway stands in for one: it knows tokens and endpoints, gives ids and asks the provider.
type gateway struct {
	provider *fakellm.Server
	mu       sync.Mutex
	ids      map[string]bool // ids given
	clients  map[string]bool // client_request_id of bodies that could be read
	tagged   int
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var b struct {
		Model           string            `json:"model"`
		ClientRequestID string            `json:"client_request_id"`
		UsageContext    map[string]string `json:"usage_context"`
		Metadata        map[string]string `json:"metadata"`
	}
	bad := json.Unmarshal(body, &b) != nil
	g.mu.Lock()
	id := "id-" + string(rune('a'+len(g.ids)%26)) + strings.Repeat("x", len(g.ids))
	g.ids[id] = true
	g.clients[b.ClientRequestID] = true
	if b.UsageContext["team"] != "" || b.Metadata["team"] != "" || r.Header.Get("Databricks-Ai-Gateway-Request-Tags") != "" {
		g.tagged++
	}
	g.mu.Unlock()
	w.Header().Set("X-Request-Id", id)
	key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	name, inPath := strings.CutPrefix(r.URL.Path, "/serving-endpoints/")
	name = strings.TrimSuffix(name, "/invocations")
	if !inPath {
		name = b.Model
	}
	switch {
	case !strings.HasPrefix(key, "token-"):
		w.WriteHeader(http.StatusUnauthorized)
	case bad:
		w.WriteHeader(http.StatusBadRequest)
	case name == "gpt-4":
		w.WriteHeader(http.StatusNotFound)
	case name == "code" && key == "token-search":
		w.WriteHeader(http.StatusForbidden)
	default:
		r.URL.Path = "/v1/chat/completions"
		if name == "search-embeddings" {
			r.URL.Path = "/v1/embeddings"
		}
		r.Body = io.NopCloser(strings.NewReader(strings.Replace(string(body), "{", `{"model":"m",`, 1)))
		g.provider.ServeHTTP(keepID{w, id}, r)
	}
}

// keepID keeps the provider's own request id from the client.
type keepID struct {
	http.ResponseWriter
	id string
}

func (k keepID) WriteHeader(status int) {
	k.Header().Set("X-Request-Id", k.id)
	k.ResponseWriter.WriteHeader(status)
}

func (k keepID) Unwrap() http.ResponseWriter { return k.ResponseWriter }

func start(t *testing.T) (*gateway, demo.TrafficConfig) {
	t.Helper()
	p, err := fakellm.New(fakellm.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{provider: p, ids: map[string]bool{}, clients: map[string]bool{}}
	s := httptest.NewServer(g)
	t.Cleanup(func() {
		_ = p.Close()
		s.Close()
	})
	tokens := map[string]string{}
	for _, team := range demo.Teams() {
		tokens[team.Key] = "token-" + team.Key
	}
	c := demo.DefaultTraffic(s.URL, tokens)
	c.Requests = 200
	return g, c
}

func TestTrafficReportsWhatItSent(t *testing.T) {
	g, c := start(t)
	sent, err := demo.Traffic(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(sent.Shots) != 200 || len(sent.Unsent) != 0 || len(g.ids) != 200 {
		t.Fatalf("%d sent, %d unsent, %d arrived", len(sent.Shots), len(sent.Unsent), len(g.ids))
	}
	want := map[string]int{
		"bad-key": 401, "unknown-endpoint": 404, "foreign-endpoint": 403, "bad-json": 400, "provider-429": 429,
		"provider-500": 500, "provider-html": 502, "client-leaves-early": 0,
	}
	left, seen := 0, map[string]bool{}
	for _, s := range sent.Shots {
		status, odd := want[s.Kind]
		if !odd {
			status = 200
		}
		if s.Status != status {
			t.Errorf("%s: status %d, want %d (%v)", s.Kind, s.Status, status, s.Err)
		}
		if (s.Err != nil) != (s.Kind == "provider-breaks-off") {
			t.Errorf("%s: %v", s.Kind, s.Err)
		}
		if s.Left {
			left++
		}
		switch {
		case s.RequestID == "" && (!s.Left || !g.clients[s.ClientRequestID]):
			t.Errorf("%s cannot be found again: %+v", s.Kind, s)
		case s.RequestID != "" && (!g.ids[s.RequestID] || seen[s.RequestID]):
			t.Errorf("%s: id %q is not one of the gateway's, or came twice", s.Kind, s.RequestID)
		}
		seen[s.RequestID] = s.RequestID != ""
	}
	for kind, n := range sent.ByKind() {
		if n == 0 {
			t.Errorf("no %s", kind)
		}
	}
	if len(sent.ByKind()) != 17 || left != 12 || g.tagged < 140 || g.tagged > 195 {
		t.Errorf("%d kinds, %d left, %d tagged", len(sent.ByKind()), left, g.tagged)
	}
}

func TestTrafficEndsWithItsContext(t *testing.T) {
	_, c := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	sent, err := demo.Traffic(ctx, c)
	if err == nil || sent == nil || len(sent.Shots) != 0 {
		t.Errorf("%+v, %v", sent, err)
	}
}

func TestTrafficWithoutAGateway(t *testing.T) {
	_, c := start(t)
	c.BaseURL, c.Requests = "http://127.0.0.1:1", 5
	sent, err := demo.Traffic(t.Context(), c)
	if err != nil || len(sent.Unsent) != 5 || len(sent.Shots) != 0 || sent.Unsent[0].Err == nil {
		t.Errorf("%+v, %v", sent, err)
	}
}

func TestTrafficConfigIsChecked(t *testing.T) {
	for _, change := range []func(*demo.TrafficConfig){
		func(c *demo.TrafficConfig) { c.BaseURL = "" },
		func(c *demo.TrafficConfig) { c.Tokens = nil },
		func(c *demo.TrafficConfig) { c.Workers = 0 },
		func(c *demo.TrafficConfig) { c.Timeout = 0 },
	} {
		_, c := start(t)
		change(&c)
		if _, err := demo.Traffic(t.Context(), c); err == nil {
			t.Errorf("accepted %+v", c)
		}
	}
}
