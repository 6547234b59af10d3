package vertex

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/wire"
)

func entity(t *testing.T, model, vendor string) *endpoint.Entity {
	t.Helper()
	base, err := url.Parse("https://europe-west4-aiplatform.googleapis.com")
	if err != nil {
		t.Fatal(err)
	}
	return &endpoint.Entity{Model: model, Vendor: vendor, BaseURL: base, Project: "my-project", Region: "europe-west4"}
}

func TestBuild(t *testing.T) {
	tests := []struct {
		name, model          string
		format               wire.Format
		stream               bool
		body, path, want, no string
	}{
		{name: "generate", model: "gemini-2.5-flash", format: wire.GeminiGenerate, body: `{"model":"chat","contents":[]}`, path: "google/models/gemini-2.5-flash:generateContent", want: `{"contents":[]}`},
		{name: "stream", model: "gemini-2.5-flash", format: wire.GeminiGenerate, stream: true, body: `{"contents":[]}`, path: "google/models/gemini-2.5-flash:streamGenerateContent?alt=sse", want: `{"contents":[]}`},
		{name: "count", model: "gemini-2.5-flash", format: wire.GeminiCount, body: `{"generateContentRequest":{"model":"m","contents":[]}}`, path: "google/models/gemini-2.5-flash:countTokens", want: `{"contents":[]}`},
		{name: "predict", model: "text-embedding-005", format: wire.VertexEmbeddings, body: `{"instances":[]}`, path: "google/models/text-embedding-005:predict", want: `{"instances":[]}`},
		{name: "embed", model: "gemini-embedding-2", format: wire.GeminiEmbeddings, body: `{"content":{"parts":[]}}`, path: "google/models/gemini-embedding-2:embedContent", want: `{"content":{"parts":[]}}`},
		{
			name: "embed a batch of one", model: "gemini-embedding-2", format: wire.GeminiEmbeddings,
			body: `{"requests":[{"model":"models/x","content":{"parts":[]},"taskType":"CLUSTERING","outputDimensionality":8}]}`,
			path: "google/models/gemini-embedding-2:embedContent", want: `{"content":{"parts":[]},"embedContentConfig":{"taskType":"CLUSTERING","outputDimensionality":8}}`,
		},
		{name: "embed a batch", model: "gemini-embedding-2", format: wire.GeminiEmbeddings, body: `{"requests":[{},{}]}`, no: "one text"},
		{name: "claude", model: "claude-sonnet-4-5@20250929", format: wire.AnthropicMessages, body: `{"model":"claude-sonnet-4-5@20250929","max_tokens":1}`, path: "anthropic/models/claude-sonnet-4-5@20250929:rawPredict", want: `{"max_tokens":1,"anthropic_version":"vertex-2023-10-16"}`},
		{name: "claude, streamed", model: "claude-sonnet-4-5", format: wire.AnthropicMessages, stream: true, body: `{"anthropic_version":"2023-06-01","model":"m","stream":true}`, path: "anthropic/models/claude-sonnet-4-5:streamRawPredict", want: `{"anthropic_version":"vertex-2023-10-16","stream":true}`},
		{name: "count for claude", model: "claude-sonnet-4-5", format: wire.AnthropicCount, body: `{"model":"claude-sonnet-4-5"}`, path: "anthropic/models/count-tokens:rawPredict", want: `{"model":"claude-sonnet-4-5","anthropic_version":"vertex-2023-10-16"}`},
		{name: "another format", model: "gemini-2.5-flash", format: wire.OpenAIChat, body: `{}`, no: "no \"openai-chat\" at"},
		{name: "no JSON", model: "claude-sonnet-4-5", format: wire.AnthropicMessages, body: `x`, no: "body for Anthropic"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ask := provider.Ask{
				Entity: entity(t, tt.model, ""), Format: tt.format, Stream: tt.stream, Body: []byte(tt.body),
				Header: http.Header{"Anthropic-Beta": {"b"}},
			}
			up, err := New().Build(&ask)
			if tt.no != "" {
				if err == nil || !strings.Contains(err.Error(), tt.no) {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			const before = "https://europe-west4-aiplatform.googleapis.com/v1/projects/my-project/locations/europe-west4/publishers/"
			if got := up.URL.String(); got != before+tt.path {
				t.Errorf("url %s", got)
			}
			if string(up.Body) != tt.want || string(ask.Body) != tt.body {
				t.Errorf("body %s", up.Body)
			}
			if up.Header.Get("Anthropic-Beta") != "b" {
				t.Errorf("header %v", up.Header)
			}
		})
	}
}

func TestFormats(t *testing.T) {
	for _, tt := range []struct {
		model, vendor string
		op            wire.Operation
		want          wire.Format
	}{
		{"gemini-2.5-flash", "", wire.OpChat, wire.GeminiGenerate},
		{"gemini-2.5-flash", "", wire.OpCount, wire.GeminiCount},
		{"claude-opus-4-1", "", wire.OpChat, wire.AnthropicMessages},
		{"my-claude", "anthropic", wire.OpCount, wire.AnthropicCount},
		{"claude-like", "google", wire.OpChat, wire.GeminiGenerate},
		{"claude-opus-4-1", "", wire.OpEmbeddings, ""},
		{"text-embedding-005", "", wire.OpEmbeddings, wire.VertexEmbeddings},
		{"gemini-embedding-001", "", wire.OpEmbeddings, wire.VertexEmbeddings},
		{"gemini-embedding-2", "", wire.OpEmbeddings, wire.GeminiEmbeddings},
		{"gemini-2.5-flash", "", wire.OpImages, ""},
	} {
		got := New().Formats(entity(t, tt.model, tt.vendor), tt.op)
		if tt.want == "" && got != nil || tt.want != "" && (len(got) != 1 || got[0] != tt.want) {
			t.Errorf("%+v: %v", tt, got)
		}
	}
}
