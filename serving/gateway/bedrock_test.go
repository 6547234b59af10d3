package gateway_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/provider/bedrock"
	"github.com/lakegate/lakegate/serving/sse"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/formats"
)

// invoked frames a stream of Anthropic's as InvokeModel does: each event's JSON in base64 in a
// message. An error event is an exception there.
func invoked(t *testing.T, stream []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	r := sse.NewReader(bytes.NewReader(stream), 1<<20, nil)
	for {
		ev, err := r.Next()
		if err != nil {
			return out.Bytes()
		}
		if len(ev.Data) == 0 {
			continue
		}
		m := eventstream.Message{}
		if string(ev.Name) == "error" {
			var e struct{ Error struct{ Message string } }
			if err := json.Unmarshal(ev.Data, &e); err != nil {
				t.Fatal(err)
			}
			m.Headers.Set(":message-type", eventstream.StringValue("exception"))
			m.Headers.Set(":exception-type", eventstream.StringValue("serviceUnavailableException"))
			if m.Payload, err = json.Marshal(map[string]string{"message": e.Error.Message}); err != nil {
				t.Fatal(err)
			}
		} else {
			m.Headers.Set(":message-type", eventstream.StringValue("event"))
			m.Headers.Set(":event-type", eventstream.StringValue("chunk"))
			m.Payload = []byte(`{"bytes":"` + base64.StdEncoding.EncodeToString(ev.Data) + `","p":"abcdefgh"}`)
		}
		if err := eventstream.NewEncoder().Encode(&out, m); err != nil {
			t.Fatal(err)
		}
	}
}

// claude makes the entity a model of Anthropic's on Bedrock.
func claude(l *lab, e *endpoint.Endpoint) {
	e.Entities[0].Provider, e.Entities[0].Model, e.Entities[0].Vendor = bedrock.Name, "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic"
	l.parts.Providers[bedrock.Name] = bedrock.New()
}

// TestAnthropicOnBedrock: a client of Anthropic's API gets a stream of InvokeModel byte for byte as
// Anthropic would have sent it, and its usage is in the row.
func TestAnthropicOnBedrock(t *testing.T) {
	c := formats.Table[wire.AnthropicMessages]
	files, err := filepath.Glob(filepath.Join("..", "wire", "anthropic", "testdata", "provider", "*.sse"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no streams: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".sse")
		t.Run(name, func(t *testing.T) {
			stream := fixture(t, wire.AnthropicMessages, "provider/"+name+".sse")
			var path, body string
			up := func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				path, body = r.URL.EscapedPath(), string(b)
				sends(200, "application/vnd.amazon.eventstream", string(invoked(t, stream)))(w, r)
			}
			l := newLab(t, []http.Handler{http.HandlerFunc(up)}, claude)
			got := l.do(`{"model":"chat","max_tokens":9,"messages":[{"role":"user","content":"hi"}],"stream":true}`, asked(c, true))
			r := l.recorder.One()
			if r.Target.Model != "eu.anthropic.claude-sonnet-4-5-20250929-v1:0" {
				t.Errorf("the row's model is %s, which does not say what is paid", r.Target.Model)
			}
			if path != "/v1/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke-with-response-stream" {
				t.Errorf("path %s", path)
			}
			if body != `{"max_tokens":9,"messages":[{"role":"user","content":"hi"}],"anthropic_version":"bedrock-2023-05-31"}` {
				t.Errorf("body %s", body)
			}
			if r.Target.UpstreamAPI != string(wire.AnthropicMessages) {
				t.Errorf("upstream API %s", r.Target.UpstreamAPI)
			}
			want := newLab(t, []http.Handler{sends(200, "text/event-stream", string(stream))}, speaks(wire.AnthropicMessages))
			direct := want.do(`{"model":"chat","max_tokens":9,"messages":[],"stream":true}`, asked(c, true))
			// Exceptions name their cause in Bedrock's words; comments and lost blank lines are not there.
			if !strings.Contains(string(stream), "event: error") && !strings.Contains(string(stream), "\n:") && strings.HasSuffix(string(stream), "\n\n") && got.body != direct.body {
				t.Errorf("client got\n%s\nfrom Anthropic\n%s", got.body, direct.body)
			}
			if a, b := summary(r), summary(want.recorder.One()); a != b {
				t.Errorf("row %s\nfrom Anthropic %s", a, b)
			}
		})
	}
}

// TestOthersOnBedrock: clients of other formats get the same model through Converse.
func TestOthersOnBedrock(t *testing.T) {
	var path string
	up := func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.EscapedPath()
		sends(200, "application/vnd.amazon.eventstream", string(streamOf(t, wire.BedrockConverse, "tools")))(w, r)
	}
	l := newLab(t, []http.Handler{http.HandlerFunc(up)}, claude)
	got := l.do(askStream)
	if path != "/v1/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream" || !strings.Contains(got.body, `"tool_calls"`) {
		t.Errorf("path %s, client got\n%s", path, got.body)
	}
	if got := summary(l.recorder.One()); got != "ok 200 usage=provider:12+9=21 a:200" {
		t.Error(got)
	}
}

// TestCountOnBedrock: Bedrock counts tokens for Anthropic's clients, who get Anthropic's answer.
func TestCountOnBedrock(t *testing.T) {
	l := newLab(t, []http.Handler{sends(200, "application/json", `{"inputTokens":14}`)}, claude)
	got := l.do(`{"model":"chat","messages":[{"role":"user","content":"hi"}]}`, asked(formats.Table[wire.AnthropicCount], false))
	if got.body != `{"input_tokens":14}` {
		t.Errorf("client got %s", got.body)
	}
	if got := summary(l.recorder.One()); got != "ok 200 usage=none a:200" {
		t.Error(got)
	}
	l = newLab(t, []http.Handler{sends(200, "application/json", `{"tokens":14}`)}, claude)
	got = l.do(`{"model":"chat","messages":[{"role":"user","content":"hi"}]}`, asked(formats.Table[wire.AnthropicCount], false))
	if row := summary(l.recorder.One()); !strings.HasPrefix(row, "upstream_error 502") || !strings.Contains(got.body, "not of the shape") {
		t.Errorf("%s, client got %s", row, got.body)
	}
}
