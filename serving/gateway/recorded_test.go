package gateway_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/sse"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/bedrock"
	"github.com/lakegate/lakegate/serving/wire/formats"
)

// recording is one recorded stream of a provider: what it sent, framed.
type recording struct {
	name   string
	format wire.Format
	framed []byte
	counts counts
}

// counts is what a recording itself says was used.
type counts struct {
	input, output int64
	there         bool
}

// notStreamed are recordings that are no streams of an API that lakegate serves, with the reason.
var notStreamed = map[string]string{
	"google-live-speech-translation.jsonl":          "messages of the Live API's websocket",
	"multi-turn-stateful-turn1.jsonl":               "events of the Interactions API",
	"responses__parallel-tool-call-wrapper.1.jsonl": "its first and its last event lack a brace, so that the recording has no usage to compare",
}

// recordings reads the recorded streams, which are no part of the project.
func recordings(t *testing.T) []recording {
	t.Helper()
	dir := os.Getenv("LAKEGATE_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	files, _ := filepath.Glob(filepath.Join(dir, "streams", "*", "*"))
	if len(files) == 0 {
		t.Skipf("SKIPPED: no recorded streams in %s; set LAKEGATE_DATA to the folder that has them: nothing was replayed", dir)
	}
	var all []recording
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(filepath.Base(filepath.Dir(f)), filepath.Base(f))
		if why := notStreamed[filepath.Base(f)]; why != "" {
			t.Logf("%s is left out: %s", name, why)
			continue
		}
		for i, events := range calls(split(t, f, b)) {
			r := recording{name: fmt.Sprintf("%s#%d", name, i+1), format: formatOf(t, name, events[0])}
			r.framed, r.counts = frame(t, r.format, events), said(t, r.format, events)
			all = append(all, r)
		}
	}
	return all
}

// split returns the data of the events of a recording.
func split(t *testing.T, file string, b []byte) (events [][]byte) {
	if strings.HasSuffix(file, ".sse") {
		for _, e := range eventsOf(t, string(b)) {
			events = append(events, e.Data)
		}
		return events
	}
	for line := range bytes.Lines(b) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			events = append(events, line)
		}
	}
	return events
}

// calls parts the events of several calls that were recorded one after the other.
func calls(events [][]byte) (all [][][]byte) {
	ended := func(e []byte) bool {
		return bytes.Contains(e, []byte(`"type":"message_stop"`)) || bytes.Contains(e, []byte(`"type":"response.completed"`))
	}
	begin := 0
	for i, e := range events {
		if ended(e) || i == len(events)-1 {
			all = append(all, events[begin:i+1])
			begin = i + 1
		}
	}
	return all
}

func formatOf(t *testing.T, name string, first []byte) wire.Format {
	t.Helper()
	m := object(t, first)
	switch kind, _ := m["type"].(string); {
	case strings.HasPrefix(kind, "response."):
		return wire.OpenAIResponses
	case kind == "message_start":
		return wire.AnthropicMessages
	case m["candidates"] != nil:
		return wire.GeminiGenerate
	case strings.HasPrefix(name, "amazon-bedrock"): // some begin in the middle
		return wire.BedrockConverse
	case m["choices"] != nil:
		return wire.OpenAIChat
	}
	t.Fatalf("%s: of what format is %.100s?", name, first)
	return ""
}

func object(t *testing.T, b []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatalf("%.100s: %v", b, err)
	}
	return m
}

// frame makes the bytes that the provider sent of the events.
func frame(t *testing.T, f wire.Format, events [][]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, e := range events {
		switch f {
		case wire.BedrockConverse:
			for name, data := range object(t, e) {
				b, err := json.Marshal(data)
				if err != nil {
					t.Fatal(err)
				}
				m := eventstream.Message{Payload: b}
				m.Headers.Set(":message-type", eventstream.StringValue("event"))
				m.Headers.Set(":event-type", eventstream.StringValue(name))
				if err := eventstream.NewEncoder().Encode(&out, m); err != nil {
					t.Fatal(err)
				}
			}
		case wire.OpenAIResponses, wire.AnthropicMessages:
			fmt.Fprintf(&out, "event: %s\ndata: %s\n\n", object(t, e)["type"], e)
		default:
			fmt.Fprintf(&out, "data: %s\n\n", e)
		}
	}
	if f == wire.OpenAIChat {
		out.WriteString("data: [DONE]\n\n")
	}
	return out.Bytes()
}

// said reads the counts of a recording with nothing of lakegate's: the last ones there are.
func said(t *testing.T, f wire.Format, events [][]byte) (c counts) {
	t.Helper()
	n := func(m map[string]any, name string) int64 { v, _ := m[name].(float64); return int64(v) }
	in := func(m map[string]any, name string) map[string]any { v, _ := m[name].(map[string]any); return v }
	parts := map[string]int64{} // Anthropic's, each as it was said last
	for _, e := range events {
		m := object(t, e)
		switch f {
		case wire.OpenAIChat:
			u := in(m, "usage")
			if choices, _ := m["choices"].([]any); u == nil && len(choices) > 0 {
				u = in(choices[0].(map[string]any), "usage") // Moonshot's
			}
			if u != nil {
				c = counts{n(u, "prompt_tokens"), n(u, "completion_tokens"), true}
				if total := n(u, "total_tokens"); total > c.input+c.output {
					c.output = total - c.input // xAI counts reasoning beside
				}
			}
		case wire.OpenAIResponses:
			if u := in(in(m, "response"), "usage"); u != nil {
				c = counts{n(u, "input_tokens"), n(u, "output_tokens"), true}
			}
		case wire.AnthropicMessages:
			for _, u := range []map[string]any{in(in(m, "message"), "usage"), in(m, "usage")} {
				for _, name := range []string{"input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"} {
					if v, ok := u[name].(float64); ok {
						parts[name] = int64(v)
					}
				}
			}
			c = counts{parts["input_tokens"] + parts["cache_read_input_tokens"] + parts["cache_creation_input_tokens"], parts["output_tokens"], len(parts) > 0}
		case wire.GeminiGenerate:
			if u := in(m, "usageMetadata"); u != nil {
				c = counts{n(u, "promptTokenCount") + n(u, "toolUsePromptTokenCount"), n(u, "candidatesTokenCount") + n(u, "thoughtsTokenCount"), true}
			}
		case wire.BedrockConverse:
			if u := in(in(m, "metadata"), "usage"); u != nil {
				c = counts{n(u, "inputTokens") + n(u, "cacheReadInputTokens") + n(u, "cacheWriteInputTokens"), n(u, "outputTokens"), true}
			}
		}
	}
	return c
}

// TestRecordedStreams: of every recorded stream the client gets the provider's bytes, and the row
// has the usage that the recording says.
func TestRecordedStreams(t *testing.T) {
	for _, r := range recordings(t) {
		t.Run(r.name, func(t *testing.T) {
			l := newLab(t, []http.Handler{sends(200, mediaOf(r.format), string(r.framed))}, speaks(r.format))
			from := formats.Table[r.format]
			if r.format == wire.BedrockConverse { // no client speaks it
				from = formats.Table[wire.OpenAIChat]
			}
			ask := requestOf(t, from, "text", true)
			if from.Format == wire.OpenAIChat { // else the chunk of usage would be kept from it
				ask = strings.TrimSuffix(ask, "}") + `,"stream_options":{"include_usage":true}}`
			}
			c := l.do(ask, asked(from, true))
			if from.Format == r.format && c.body != string(r.framed) {
				t.Errorf("the client got other bytes than the provider sent:\n%s", firstDifference(c.body, string(r.framed)))
			}
			row := l.recorder.One()
			if row.Outcome != inference.OK {
				t.Errorf("row %s", summary(row))
			}
			checkCounts(t, row.Usage, r.counts)
		})
	}
}

func checkCounts(t *testing.T, u inference.Usage, want counts) {
	t.Helper()
	if !want.there {
		if u.Source != inference.UsageNone {
			t.Errorf("usage %s of a recording that has none", shown(u))
		}
		return
	}
	if u.Source != inference.UsageProvider || u.Input == nil || u.Output == nil || *u.Input != want.input || *u.Output != want.output {
		t.Errorf("usage %s, want %+v of the provider", shown(u), want)
	}
	if !json.Valid(u.Raw) {
		t.Errorf("the provider's usage is kept as %q", u.Raw)
	}
}

func shown(u inference.Usage) string {
	n := func(p *int64) string {
		if p == nil {
			return "?"
		}
		return fmt.Sprint(*p)
	}
	return fmt.Sprintf("%s in %s out %s", u.Source, n(u.Input), n(u.Output))
}

func firstDifference(got, want string) string {
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	from := max(0, i-100)
	return fmt.Sprintf("at byte %d of %d and %d\n got %.300q\nwant %.300q", i, len(got), len(want), got[from:], want[from:])
}

// TestRecordedStreamsCutAnywhere: how a stream is cut into reads changes nothing, wherever it is cut:
// each byte comes in a read of its own, which is every cut at once, and of short streams each cut
// into two is tried too.
func TestRecordedStreamsCutAnywhere(t *testing.T) {
	for _, r := range recordings(t) {
		want := follow(t, r, bytes.NewReader(r.framed))
		if got := follow(t, r, iotest.OneByteReader(bytes.NewReader(r.framed))); got != want {
			t.Errorf("%s byte by byte:\n got %.500s\nwant %.500s", r.name, got, want)
		}
		if len(r.framed) > 3<<10 {
			continue
		}
		for i := range r.framed {
			src := io.MultiReader(bytes.NewReader(r.framed[:i]), bytes.NewReader(r.framed[i:]))
			if got := follow(t, r, src); got != want {
				t.Fatalf("%s cut at byte %d:\n got %.500s\nwant %.500s", r.name, i, got, want)
			}
		}
	}
}

// follow reads a stream as the gateway does, and writes down what it made of it.
func follow(t *testing.T, r recording, src io.Reader) string {
	t.Helper()
	tracker := formats.Table[r.format].NewTracker(true)
	var passed bytes.Buffer
	var next func() (name, data, raw []byte, err error)
	if r.format == wire.BedrockConverse {
		next = bedrock.NewReader(src, 1<<20, nil).Next
	} else {
		events := sse.NewReader(src, 1<<20, nil)
		next = func() (name, data, raw []byte, err error) {
			e, err := events.Next()
			return e.Name, e.Data, e.Raw, err
		}
	}
	for {
		name, data, raw, err := next()
		if errors.Is(err, io.EOF) {
			res := tracker.Result()
			return fmt.Sprintf("%s complete %t events %d model %s joined %s passed %x", shown(res.Usage), res.Complete, res.Events, res.Model, res.Joined, passed.Bytes())
		}
		if err != nil {
			t.Fatalf("%s: %v", r.name, err)
		}
		passed.Write(raw)
		if len(data) > 0 {
			tracker.Add(name, data)
		}
	}
}
