package gateway_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/gateway"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/sse"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/formats"
)

// packages are where the fixtures of the chat formats are.
var packages = map[wire.Format]string{
	wire.OpenAIChat: "openai", wire.OpenAIResponses: "responses", wire.AnthropicMessages: "anthropic",
	wire.GeminiGenerate: "gemini", wire.BedrockConverse: "bedrock", wire.CohereChat: "cohere",
}

// chats returns the chat formats that the fixtures are there for and that ok says are wanted.
func chats(ok func(*wire.Codec) bool) []*wire.Codec {
	var list []*wire.Codec
	for _, f := range []wire.Format{wire.OpenAIChat, wire.OpenAIResponses, wire.AnthropicMessages, wire.GeminiGenerate, wire.BedrockConverse, wire.CohereChat} {
		if c := formats.Table[f]; c != nil && c.Chat != nil && ok(c) {
			list = append(list, c)
		}
	}
	return list
}

func clients() []*wire.Codec {
	return chats(func(c *wire.Codec) bool { return c.Chat.DecodeRequest != nil })
}

func providers() []*wire.Codec {
	return chats(func(c *wire.Codec) bool { return c.Chat.EncodeRequest != nil })
}

// fixture returns a file of a format's golden cases.
func fixture(t *testing.T, f wire.Format, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "wire", packages[f], "testdata", filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// streamOf returns a format's streamed answer, as its API frames it.
func streamOf(t *testing.T, f wire.Format, scenario string) []byte {
	t.Helper()
	if f != wire.BedrockConverse {
		return fixture(t, f, "provider/"+scenario+".sse")
	}
	var out bytes.Buffer
	enc := eventstream.NewEncoder()
	d := json.NewDecoder(bytes.NewReader(fixture(t, f, "provider/"+scenario+".jsonl")))
	for {
		var ev struct {
			Event string
			Data  json.RawMessage
		}
		if err := d.Decode(&ev); errors.Is(err, io.EOF) {
			return out.Bytes()
		} else if err != nil {
			t.Fatal(err)
		}
		m := eventstream.Message{Payload: ev.Data}
		kind, name := "event", ":event-type"
		if strings.HasSuffix(ev.Event, "xception") {
			kind, name = "exception", ":exception-type"
		}
		m.Headers.Set(":message-type", eventstream.StringValue(kind))
		m.Headers.Set(name, eventstream.StringValue(ev.Event))
		m.Headers.Set(":content-type", eventstream.StringValue("application/json"))
		if err := enc.Encode(&out, m); err != nil {
			t.Fatal(err)
		}
	}
}

func framingOf(f wire.Format) provider.Framing {
	if f == wire.BedrockConverse {
		return provider.AWSEvents
	}
	return provider.SSE
}

func mediaOf(f wire.Format) string {
	if f == wire.BedrockConverse {
		return "application/vnd.amazon.eventstream"
	}
	return "text/event-stream"
}

// speaker is a provider that speaks one format, at the entity's base URL.
func speaker(f wire.Format) provider.Provider {
	return provider.Provider{
		Formats: func(_ *endpoint.Entity, op wire.Operation) []wire.Format {
			if op == wire.OpChat {
				return []wire.Format{f}
			}
			return nil
		},
		Build: func(a *provider.Ask) (provider.Upstream, error) {
			return provider.Upstream{URL: a.URL(""), Header: a.NewHeader(), Body: a.Body, Framing: framingOf(f)}, nil
		},
		Capabilities: provider.Capabilities{UsageOption: f == wire.OpenAIChat},
	}
}

// speaks makes the entities of a lab speak the given formats, in turn.
func speaks(fs ...wire.Format) setup {
	return func(l *lab, e *endpoint.Endpoint) {
		for i, f := range fs {
			name := "speaker of " + string(f)
			e.Entities[i].Provider = name
			l.parts.Providers[name] = speaker(f)
		}
	}
}

// asked makes a call of a format's surface.
func asked(c *wire.Codec, stream bool) func(*gateway.Call) {
	return func(call *gateway.Call) {
		call.Surface = gateway.Surface{APIType: "test/" + string(c.Format), Dialect: c.Dialect, Format: c.Format}
		call.Endpoint, call.Stream = "chat", stream
	}
}

// requestOf returns a format's request for a weather report, whole or streamed.
func requestOf(t *testing.T, c *wire.Codec, scenario string, stream bool) string {
	t.Helper()
	body := string(bytes.TrimSpace(fixture(t, c.Format, "client/"+scenario+".json")))
	if stream && c.Format != wire.GeminiGenerate {
		body = strings.TrimSuffix(body, "}") + `,"stream":true}`
	}
	return body
}

// eventsOf returns the events of a stream.
func eventsOf(t *testing.T, body string) (list []sse.Event) {
	t.Helper()
	r := sse.NewReader(strings.NewReader(body), 1<<20, nil)
	for {
		ev, err := r.Next()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(ev.Data) > 0 {
			list = append(list, sse.Event{Name: bytes.Clone(ev.Name), Data: bytes.Clone(ev.Data), Raw: bytes.Clone(ev.Raw)})
		}
	}
}

// textOf returns the text of an answer, whole or streamed, as a client of the format reads it.
func textOf(t *testing.T, c *wire.Codec, body string, stream bool) string {
	t.Helper()
	whole := []byte(body)
	if stream {
		tracker := c.NewTracker(true)
		for _, ev := range eventsOf(t, body) {
			tracker.Add(ev.Name, ev.Data)
		}
		res := tracker.Result()
		if !res.Complete {
			t.Errorf("the client of %s does not know that its stream is whole:\n%s", c.Format, body)
		}
		whole = res.Joined
	}
	a, err := c.Chat.DecodeAnswer(whole)
	if err != nil || len(a.Choices) != 1 {
		t.Errorf("the client of %s can't read %s: %v", c.Format, whole, err)
		return ""
	}
	text := ""
	for _, p := range a.Choices[0].Parts {
		text += p.Text
	}
	return text
}

// TestEveryFormatToEveryOther: each client of a chat gets the answer of each provider, whole and
// streamed, with the provider's usage in the row.
func TestEveryFormatToEveryOther(t *testing.T) {
	for _, to := range providers() {
		whole, streamed := fixture(t, to.Format, "provider/text.json"), streamOf(t, to.Format, "text")
		answer, err := to.ParseAnswer(whole)
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := to.Chat.DecodeAnswer(whole)
		if err != nil {
			t.Fatal(err)
		}
		text := decoded.Choices[0].Parts[0].Text
		up := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept") == "text/event-stream" {
				sends(200, mediaOf(to.Format), string(streamed))(w, r)
				return
			}
			sends(200, "application/json", string(whole))(w, r)
		})
		for _, from := range clients() {
			for _, stream := range []bool{false, true} {
				name := string(from.Format) + " to " + string(to.Format)
				if stream {
					name += ", streamed"
				}
				t.Run(name, func(t *testing.T) {
					l := newLab(t, []http.Handler{up}, speaks(to.Format))
					c := l.do(requestOf(t, from, "text", stream), asked(from, stream))
					r := l.recorder.One()
					if r.Outcome != "ok" || r.Target.UpstreamAPI != string(to.Format) || r.Usage.Source != "provider" || r.Streaming != stream {
						t.Errorf("row %s\nclient %s", summary(r), c.body)
					}
					if *r.Usage.Input != *answer.Usage.Input || len(r.Usage.Raw) == 0 {
						t.Errorf("usage %+v, want that of %+v", r.Usage, answer.Usage)
					}
					got := textOf(t, from, c.body, stream)
					if got == "" || !stream && got != text {
						t.Errorf("the client read %q, want %q", got, text)
					}
					if stored := textOf(t, from, string(r.Payload.Response), false); stored != got {
						t.Errorf("stored %q, the client got %q", stored, got)
					}
					if c.stream != stream || stream && r.TimeToFirstToken == nil {
						t.Errorf("streamed %v, first token %v", c.stream, r.TimeToFirstToken)
					}
				})
			}
		}
	}
}
