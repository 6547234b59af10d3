package provider_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/provider/custom"
	"github.com/lakegate/lakegate/serving/provider/openai"
	wire "github.com/lakegate/lakegate/serving/wire/openai"
)

// TestBuild covers both providers side by side: they differ in where a body goes.
func TestBuild(t *testing.T) {
	base := func(s string) *url.URL {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	keyed := &endpoint.Entity{Model: "gpt-4o", BaseURL: base("https://api.example/v1"), AuthHeader: "Authorization", AuthValue: secret.New("Bearer sk-1"), Organization: "org-1"}
	bare := &endpoint.Entity{Model: "mine", BaseURL: base("http://host:8000")}
	header := &endpoint.Entity{Model: "mine", BaseURL: base("http://host/score"), AuthHeader: "x-key", AuthValue: secret.New("k")}
	common := func(accept string, more ...string) http.Header {
		h := http.Header{"Content-Type": {"application/json"}, "Accept": {accept}, "Accept-Encoding": {"identity"}, "User-Agent": {"lakegate"}}
		for i := 0; i < len(more); i += 2 {
			h[more[i]] = []string{more[i+1]}
		}
		return h
	}
	tests := []struct {
		name     string
		provider provider.Provider
		entity   *endpoint.Entity
		op       wire.Operation
		body     string
		ask      bool
		url      string
		header   http.Header
		want     string
	}{
		{
			"openai chat", openai.New(), keyed, wire.Chat, `{"model":"chat","messages":[],"usage_context":{"a":"b"}}`, false,
			"https://api.example/v1/chat/completions", common("application/json", "Authorization", "Bearer sk-1", "Openai-Organization", "org-1"),
			`{"model":"gpt-4o","messages":[]}`,
		},
		{
			"openai stream", openai.New(), keyed, wire.Completions, `{"prompt":"x","stream":true}`, true,
			"https://api.example/v1/completions", common("text/event-stream", "Authorization", "Bearer sk-1", "Openai-Organization", "org-1"),
			`{"prompt":"x","stream":true,"model":"gpt-4o","stream_options":{"include_usage":true}}`,
		},
		{
			"openai embeddings without key", openai.New(), bare, wire.Embeddings, `{"input":"x","model":"e"}`, false,
			"http://host:8000/embeddings", common("application/json"), `{"input":"x","model":"mine"}`,
		},
		{
			"custom in OpenAI's shape", custom.New(), bare, wire.Chat, `{"messages":[],"model":"chat"}`, false,
			"http://host:8000/chat/completions", common("application/json"), `{"messages":[],"model":"mine"}`,
		},
		{
			"custom data frame", custom.New(), header, wire.Chat, `{"dataframe_split":{"columns":["a"],"data":[[1]]},"client_request_id":"7"}`, true,
			"http://host/score", common("application/json", "X-Key", "k"), `{"dataframe_split":{"columns":["a"],"data":[[1]]}}`,
		},
		{
			"custom without task", custom.New(), header, wire.Opaque, `{"input":{"a":1},"model":"theirs"}`, true,
			"http://host/score", common("application/json", "X-Key", "k"), `{"input":{"a":1},"model":"theirs"}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r wire.Request
			if err := r.Parse([]byte(tt.body)); err != nil {
				t.Fatal(err)
			}
			u := tt.provider.Build(provider.Ask{Entity: tt.entity, Operation: tt.op, Request: &r, AskUsage: tt.ask})
			if u.URL.String() != tt.url || string(u.Body) != tt.want {
				t.Errorf("POST %s\n%s\nwant %s\n%s", u.URL, u.Body, tt.url, tt.want)
			}
			if d := cmp.Diff(tt.header, u.Header); d != "" {
				t.Errorf("header -want +got:\n%s", d)
			}
			if tt.entity.BaseURL.Path != base(tt.entity.BaseURL.String()).Path {
				t.Error("the entity's URL was changed")
			}
		})
	}
}
