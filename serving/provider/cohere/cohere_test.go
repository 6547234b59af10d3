package cohere_test

import (
	"net/url"
	"testing"

	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/provider/cohere"
	"github.com/lakegate/lakegate/serving/wire"
)

func TestBuild(t *testing.T) {
	base, err := url.Parse("https://api.cohere.com")
	if err != nil {
		t.Fatal(err)
	}
	e := &endpoint.Entity{Model: "command-a-03-2025", BaseURL: base, AuthHeader: "Authorization", AuthValue: secret.New("Bearer k")}
	p := cohere.New()
	for op, want := range map[wire.Operation]string{
		wire.OpChat: "https://api.cohere.com/v2/chat", wire.OpEmbeddings: "https://api.cohere.com/v2/embed", wire.OpRerank: "https://api.cohere.com/v2/rerank",
	} {
		for _, f := range p.Formats(e, op) {
			up, err := p.Build(&provider.Ask{Entity: e, Format: f, Stream: op == wire.OpChat, Body: []byte(`{}`)})
			if err != nil || up.URL.String() != want || string(up.Body) != `{}` || up.Header.Get("Authorization") != "Bearer k" || up.Framing != provider.SSE {
				t.Errorf("%s: %s %s %v, %v", f, up.URL, up.Body, up.Header, err)
			}
		}
	}
	if f := p.Formats(e, wire.OpImages); f != nil {
		t.Errorf("images in %v", f)
	}
	if up, err := p.Build(&provider.Ask{Entity: e, Format: wire.OpenAIChat}); err == nil {
		t.Errorf("OpenAI's chat at %s", up.URL)
	}
}
