package anthropic

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
	base, err := url.Parse("https://api.anthropic.example/proxy")
	if err != nil {
		t.Fatal(err)
	}
	e := &endpoint.Entity{Model: "claude-sonnet-4-5", BaseURL: base, AuthHeader: "X-Api-Key", AuthValue: secret.New("sk-ant-1")}
	header := func(accept, version string) http.Header {
		return http.Header{
			"Content-Type": {"application/json"}, "Accept": {accept}, "Accept-Encoding": {"identity"}, "User-Agent": {"lakegate"},
			"X-Api-Key": {"sk-ant-1"}, "Anthropic-Version": {version},
		}
	}
	betas := header("text/event-stream", "2024-01-01")
	betas["Anthropic-Beta"] = []string{"a-1", "b-2"}
	tests := []struct {
		name string
		ask  provider.Ask
		url  string
		want http.Header
	}{
		{"a message", provider.Ask{Format: wire.AnthropicMessages}, "https://api.anthropic.example/proxy/v1/messages", header("application/json", "2023-06-01")},
		{"a count", provider.Ask{Format: wire.AnthropicCount}, "https://api.anthropic.example/proxy/v1/messages/count_tokens", header("application/json", "2023-06-01")},
		{
			"a stream with betas",
			provider.Ask{Format: wire.AnthropicMessages, Stream: true, Header: http.Header{"Anthropic-Version": {"2024-01-01"}, "Anthropic-Beta": {"a-1", "b-2"}, "Cookie": {"x"}}},
			"https://api.anthropic.example/proxy/v1/messages", betas,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.ask.Entity, tt.ask.Body = e, []byte(`{"model":"claude-sonnet-4-5"}`)
			up, err := New().Build(&tt.ask)
			if err != nil {
				t.Fatal(err)
			}
			if up.URL.String() != tt.url || up.Method != "" || up.Framing != provider.SSE || &up.Body[0] != &tt.ask.Body[0] {
				t.Errorf("%s %s, framing %d, body %s", up.Method, up.URL, up.Framing, up.Body)
			}
			if d := cmp.Diff(tt.want, up.Header); d != "" {
				t.Error(d)
			}
		})
	}
	if _, err := New().Build(&provider.Ask{Entity: e, Format: wire.OpenAIChat}); err == nil {
		t.Error("a format that Anthropic does not speak was sent")
	}
}

// TestFormats: there is a path for each format that the provider says it speaks.
func TestFormats(t *testing.T) {
	n := 0
	for op := wire.OpOpaque; op <= wire.OpCount; op++ {
		for _, f := range New().Formats(nil, op) {
			if n++; paths[f] == "" {
				t.Errorf("no path for %q", f)
			}
		}
	}
	if n != len(paths) {
		t.Errorf("%d formats and %d paths", n, len(paths))
	}
}
