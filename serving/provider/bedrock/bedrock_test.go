package bedrock_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/provider/bedrock"
	"github.com/lakegate/lakegate/serving/wire"
)

func TestFormats(t *testing.T) {
	for _, tt := range []struct {
		model, vendor string
		op            wire.Operation
		want          string
	}{
		{"us.anthropic.claude-sonnet-4-5-20250929-v1:0", "", wire.OpChat, "[bedrock-converse anthropic-messages]"},
		{"anthropic.claude-3-haiku-20240307-v1:0", "anthropic", wire.OpChat, "[bedrock-converse anthropic-messages]"},
		{"arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0", "", wire.OpChat, "[bedrock-converse anthropic-messages]"},
		{"arn:aws:bedrock:us-east-1:1:application-inference-profile/abc", "anthropic", wire.OpChat, "[bedrock-converse anthropic-messages]"},
		{"arn:aws:bedrock:us-east-1:1:application-inference-profile/abc", "", wire.OpChat, "[bedrock-converse]"},
		{"amazon.nova-pro-v1:0", "amazon", wire.OpChat, "[bedrock-converse]"},
		{"amazon.titan-embed-text-v2:0", "", wire.OpEmbeddings, "[bedrock-titan-embed]"},
		{"us.cohere.embed-v4:0", "cohere", wire.OpEmbeddings, "[bedrock-cohere-embed]"},
		{"meta.llama", "meta", wire.OpEmbeddings, "[]"},
		{"eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic", wire.OpCount, "[anthropic-count]"},
		{"meta.llama", "meta", wire.OpCount, "[]"},
		{"amazon.nova-pro-v1:0", "amazon", wire.OpCompletions, "[]"},
	} {
		if got := fmt.Sprint(bedrock.New().Formats(&endpoint.Entity{Model: tt.model, Vendor: tt.vendor}, tt.op)); got != tt.want {
			t.Errorf("%s, %s, %v: %s, want %s", tt.model, tt.vendor, tt.op, got, tt.want)
		}
	}
}

func TestBuild(t *testing.T) {
	base, err := url.Parse("http://localhost:8080/behind")
	if err != nil {
		t.Fatal(err)
	}
	const claude = "anthropic.claude-3-haiku-20240307-v1:0"
	for _, tt := range []struct {
		name   string
		entity endpoint.Entity
		format wire.Format
		stream bool
		beta   []string
		body   string
		url    string
		want   string // body
	}{
		{
			"converse",
			endpoint.Entity{Model: claude, Region: "eu-west-1"},
			wire.BedrockConverse, false, nil, `{"messages":[]}`,
			"https://bedrock-runtime.eu-west-1.amazonaws.com/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse", `{"messages":[]}`,
		},
		{
			"converse-stream of a profile",
			endpoint.Entity{Model: "arn:aws:bedrock:us-east-1:1:application-inference-profile/a b", Region: "us-east-1"},
			wire.BedrockConverse, true, nil, `{}`,
			"https://bedrock-runtime.us-east-1.amazonaws.com/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aapplication-inference-profile%2Fa%20b/converse-stream", `{}`,
		},
		{
			"another base",
			endpoint.Entity{Model: "m", BaseURL: base},
			wire.BedrockTitanEmbed, false, nil, `{"inputText":"x"}`,
			"http://localhost:8080/behind/model/m/invoke", `{"inputText":"x"}`,
		},
		{
			"messages",
			endpoint.Entity{Model: claude, Region: "us-east-1"},
			wire.AnthropicMessages, false, nil, `{"model":"x","max_tokens": 1.0,"stream":false}`,
			"https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-3-haiku-20240307-v1%3A0/invoke", `{"max_tokens": 1.0,"anthropic_version":"bedrock-2023-05-31"}`,
		},
		{
			"messages streamed, beta features",
			endpoint.Entity{Model: claude, Region: "us-east-1"},
			wire.AnthropicMessages, true,
			[]string{"a-1, b-2", "b-2,c-3"},
			`{"model":"x","stream":true,"anthropic_version":"v","max_tokens":1}`,
			"https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-3-haiku-20240307-v1%3A0/invoke-with-response-stream", `{"anthropic_version":"v","max_tokens":1,"anthropic_beta":["a-1","b-2","c-3"]}`,
		},
		{
			"beta features of both",
			endpoint.Entity{Model: claude, Region: "us-east-1"},
			wire.AnthropicMessages, false,
			[]string{"a-1,c-3"},
			`{"anthropic_beta":["a-1"],"model":"x"}`,
			"https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-3-haiku-20240307-v1%3A0/invoke", `{"anthropic_beta":["a-1","c-3"],"anthropic_version":"bedrock-2023-05-31"}`,
		},
		{
			"beta features that are none",
			endpoint.Entity{Model: claude, Region: "us-east-1"},
			wire.AnthropicMessages, false,
			[]string{"a-1"},
			`{"anthropic_beta":7,"model":"x"}`,
			"https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-3-haiku-20240307-v1%3A0/invoke", `{"anthropic_beta":7,"anthropic_version":"bedrock-2023-05-31"}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ask := provider.Ask{Entity: &tt.entity, Format: tt.format, Stream: tt.stream, Body: []byte(tt.body), Header: http.Header{"Anthropic-Beta": tt.beta}}
			up, err := bedrock.New().Build(&ask)
			if err != nil {
				t.Fatal(err)
			}
			if up.URL.String() != tt.url || string(up.Body) != tt.want {
				t.Errorf("got  %s %s\nwant %s %s", up.URL, up.Body, tt.url, tt.want)
			}
			accept, framing := "application/json", provider.SSE
			if tt.stream {
				accept, framing = "application/vnd.amazon.eventstream", provider.AWSEvents
			}
			if up.Header.Get("Accept") != accept || up.Framing != framing || up.Header.Get("Anthropic-Beta") != "" {
				t.Errorf("header %v, framing %v", up.Header, up.Framing)
			}
			if string(ask.Body) != tt.body {
				t.Errorf("the body was changed: %s", ask.Body)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	e := &endpoint.Entity{Name: "e", Model: "m", Region: "us-east-1"}
	for _, a := range []provider.Ask{
		{Entity: e, Format: wire.OpenAIChat},
		{Entity: e, Format: wire.BedrockTitanEmbed, Stream: true},
		{Entity: e, Format: wire.AnthropicMessages, Body: []byte("[")},
		{Entity: &endpoint.Entity{Model: "m"}, Format: wire.BedrockConverse},
	} {
		if up, err := bedrock.New().Build(&a); err == nil {
			t.Errorf("%s: %s %s", a.Format, up.URL, up.Body)
		}
	}
}

func TestCount(t *testing.T) {
	for model, path := range map[string]string{
		"eu.anthropic.claude-sonnet-4-5-20250929-v1:0":                "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/count-tokens",
		"anthropic.claude-3-haiku-20240307-v1:0":                      "/model/anthropic.claude-3-haiku-20240307-v1%3A0/count-tokens",
		"arn:aws:bedrock:us-east-1:1:application-inference-profile/a": "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aapplication-inference-profile%2Fa/count-tokens",
	} {
		e := &endpoint.Entity{Model: model, Region: "eu-west-1"}
		up, err := bedrock.New().Build(&provider.Ask{Entity: e, Format: wire.AnthropicCount, Body: []byte(`{"model":"x","messages":[]}`)})
		if err != nil {
			t.Fatal(err)
		}
		if up.URL.EscapedPath() != path {
			t.Errorf("%s: %s, want %s", model, up.URL.EscapedPath(), path)
		}
		var body struct {
			Input struct{ InvokeModel struct{ Body []byte } }
		}
		if err := json.Unmarshal(up.Body, &body); err != nil || string(body.Input.InvokeModel.Body) != `{"messages":[],"anthropic_version":"bedrock-2023-05-31","max_tokens":1}` {
			t.Errorf("%s, %v", up.Body, err)
		}
		if got, err := up.Reshape([]byte(` {"inputTokens":14}`)); err != nil || string(got) != `{"input_tokens":14}` {
			t.Errorf("%s, %v", got, err)
		}
		for _, bad := range []string{``, `{}`, `{"inputTokens":"x"}`} {
			if got, err := up.Reshape([]byte(bad)); err == nil {
				t.Errorf("%s gives %s", bad, got)
			}
		}
	}
}
