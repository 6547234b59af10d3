package gemini

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/wire"
)

func TestBuild(t *testing.T) {
	base, err := url.Parse("https://generativelanguage.googleapis.com")
	if err != nil {
		t.Fatal(err)
	}
	e := &endpoint.Entity{Model: "gemini-2.5-flash", BaseURL: base, AuthHeader: "X-Goog-Api-Key", AuthValue: secret.New("key")}
	tuned := &endpoint.Entity{Model: "tunedModels/mine", BaseURL: base}
	tests := []struct {
		name      string
		ask       provider.Ask
		url, body string
	}{
		{"generate", provider.Ask{Entity: e, Format: wire.GeminiGenerate, Body: []byte(`{"contents":[]}`)}, "/v1beta/models/gemini-2.5-flash:generateContent", `{"contents":[]}`},
		{"stream", provider.Ask{Entity: e, Format: wire.GeminiGenerate, Stream: true, Body: []byte(`{"model":"chat","contents":[]}`)}, "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", `{"model":"models/gemini-2.5-flash","contents":[]}`},
		{"tuned", provider.Ask{Entity: tuned, Format: wire.GeminiGenerate, Body: []byte(`{}`)}, "/v1beta/tunedModels/mine:generateContent", `{}`},
		{"count", provider.Ask{Entity: e, Format: wire.GeminiCount, Body: []byte(`{"generateContentRequest":{"model":"models/chat"}}`)}, "/v1beta/models/gemini-2.5-flash:countTokens", `{"generateContentRequest":{"model":"models/gemini-2.5-flash"}}`},
		{"embed", provider.Ask{Entity: e, Format: wire.GeminiEmbeddings, Body: []byte(`{"content":{}}`)}, "/v1beta/models/gemini-2.5-flash:embedContent", `{"content":{}}`},
		{"embed a batch", provider.Ask{Entity: e, Format: wire.GeminiEmbeddings, Body: []byte(`{"requests":[{"model":"models/x"}]}`)}, "/v1beta/models/gemini-2.5-flash:batchEmbedContents", `{"requests":[{"model":"models/gemini-2.5-flash"}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			up, err := New().Build(&tt.ask)
			if err != nil {
				t.Fatal(err)
			}
			if got := up.URL.String(); got != base.String()+tt.url {
				t.Errorf("url %s", got)
			}
			if string(up.Body) != tt.body {
				t.Errorf("body %s", up.Body)
			}
			if tt.ask.Entity == e && up.Header.Get("x-goog-api-key") != "key" {
				t.Errorf("header %v", up.Header)
			}
		})
	}
	if _, err := New().Build(&provider.Ask{Entity: e, Format: wire.OpenAIChat}); err == nil {
		t.Error("a format it does not speak was built")
	}
	want := http.Header{"Content-Type": {"application/json"}, "Accept": {"text/event-stream"}, "Accept-Encoding": {"identity"}, "User-Agent": {"lakegate"}, "X-Goog-Api-Key": {"key"}}
	up, _ := New().Build(&tests[1].ask)
	if d := cmp.Diff(want, up.Header); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	for op, n := range map[wire.Operation]int{wire.OpChat: 1, wire.OpEmbeddings: 1, wire.OpCount: 1, wire.OpImages: 0} {
		if got := New().Formats(e, op); len(got) != n {
			t.Errorf("%v: %v", op, got)
		}
	}
}
