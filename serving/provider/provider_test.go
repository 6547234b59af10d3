package provider_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/provider/custom"
	"github.com/lakegate/lakegate/serving/provider/openai"
	"github.com/lakegate/lakegate/serving/wire"
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
		ask      provider.Ask
		url      string
		method   string
		header   http.Header
	}{
		{
			"openai chat", openai.New(),
			provider.Ask{Entity: keyed, Format: wire.OpenAIChat, Body: []byte(`{}`)},
			"https://api.example/v1/chat/completions", "", common("application/json", "Authorization", "Bearer sk-1", "Openai-Organization", "org-1"),
		},
		{
			"openai stream", openai.New(),
			provider.Ask{Entity: keyed, Format: wire.OpenAICompletions, Body: []byte(`{}`), Stream: true},
			"https://api.example/v1/completions", "", common("text/event-stream", "Authorization", "Bearer sk-1", "Openai-Organization", "org-1"),
		},
		{
			"openai embeddings without key", openai.New(),
			provider.Ask{Entity: bare, Format: wire.OpenAIEmbeddings, Body: []byte(`{}`)},
			"http://host:8000/embeddings", "", common("application/json"),
		},
		{
			"a stored answer", openai.New(),
			provider.Ask{Entity: bare, Format: wire.OpenAIResponses, Method: "GET", Suffix: "/resp_1/input_items", Header: http.Header{"Openai-Beta": {"x"}, "Cookie": {"y"}}},
			"http://host:8000/responses/resp_1/input_items", "GET", without(common("application/json", "Openai-Beta", "x"), "Content-Type"),
		},
		{
			"a form", openai.New(),
			provider.Ask{Entity: bare, Format: wire.OpenAITranscripts, Suffix: "/transcriptions", Body: []byte(`--b--`), ContentType: "multipart/form-data; boundary=b"},
			"http://host:8000/audio/transcriptions", "", common("*/*", "Content-Type", "multipart/form-data; boundary=b"),
		},
		{
			"custom in OpenAI's shape", custom.New(),
			provider.Ask{Entity: bare, Format: wire.OpenAIChat, Body: []byte(`{}`)},
			"http://host:8000/chat/completions", "", common("application/json"),
		},
		{
			"custom data frame", custom.New(),
			provider.Ask{Entity: header, Format: wire.Opaque, Body: []byte(`{}`)},
			"http://host/score", "", common("application/json", "X-Key", "k"),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u, err := tt.provider.Build(&tt.ask)
			if err != nil {
				t.Fatal(err)
			}
			if u.URL.String() != tt.url || u.Method != tt.method || string(u.Body) != string(tt.ask.Body) {
				t.Errorf("%s %s\n%s\nwant %s %s\n%s", u.Method, u.URL, u.Body, tt.method, tt.url, tt.ask.Body)
			}
			if d := cmp.Diff(tt.header, u.Header); d != "" {
				t.Errorf("header -want +got:\n%s", d)
			}
			if tt.ask.Entity.BaseURL.Path != base(tt.ask.Entity.BaseURL.String()).Path {
				t.Error("the entity's URL was changed")
			}
		})
	}
	if _, err := openai.New().Build(&provider.Ask{Entity: bare, Format: wire.AnthropicMessages}); err == nil {
		t.Error("OpenAI's API was asked for messages")
	}
}

// A provider's own name of the model replaces the gateway's, in JSON and in forms.
func TestModels(t *testing.T) {
	const form = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper\r\n--b\r\n" +
		"Content-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n\x00\xff\r\n--b--\r\n"
	for _, tt := range []struct{ contentType, body, with, without string }{
		{"", `{"model":"whisper","n":1.50}`, `{"model":"d-1","n":1.50}`, `{"n":1.50}`},
		{"", `{"n":1}`, `{"n":1}`, `{"n":1}`},
		{"", ``, ``, ``},
		{"multipart/form-data; boundary=b", form, strings.Replace(form, "whisper", "d-1", 1), form},
	} {
		a := &provider.Ask{Entity: &endpoint.Entity{Model: "whisper"}, ContentType: tt.contentType, Body: []byte(tt.body)}
		with, err := a.WithModel("d-1")
		if err != nil || string(with) != tt.with {
			t.Errorf("%q with: %q, %v", tt.body, with, err)
		}
		without, err := a.WithoutModel()
		if err != nil || string(without) != tt.without {
			t.Errorf("%q without: %q, %v", tt.body, without, err)
		}
		if string(a.Body) != tt.body {
			t.Error("the body itself was changed")
		}
	}
	for _, a := range []*provider.Ask{
		{Entity: &endpoint.Entity{}, Body: []byte(`{`)},
		{Entity: &endpoint.Entity{}, Body: []byte(`--x`), ContentType: "multipart/form-data; boundary=b"},
	} {
		if _, err := a.WithModel("d-1"); err == nil {
			t.Errorf("%q has a model now", a.Body)
		}
	}
}

func without(h http.Header, name string) http.Header {
	h.Del(name)
	return h
}
