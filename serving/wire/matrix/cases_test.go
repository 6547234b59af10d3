package matrix

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/serving/sse"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/formats"
)

// side is a format with the folder of its cases.
type side struct {
	name   string // of people
	format wire.Format
	folder string
	model  string // of the provider: some formats say different things to different models
}

var clients = []side{
	{"OpenAI chat", wire.OpenAIChat, "openai", ""},
	{"OpenAI Responses", wire.OpenAIResponses, "responses", ""},
	{"Anthropic Messages", wire.AnthropicMessages, "anthropic", ""},
	{"Gemini", wire.GeminiGenerate, "gemini", ""},
	{"Cohere chat", wire.CohereChat, "cohere", ""},
}

var providers = []side{
	{"OpenAI chat", wire.OpenAIChat, "openai", "gpt-5.1"},
	{"OpenAI Responses", wire.OpenAIResponses, "responses", "gpt-5.1"},
	{"Anthropic", wire.AnthropicMessages, "anthropic", "claude-sonnet-4-5"},
	{"Gemini", wire.GeminiGenerate, "gemini", "gemini-2.5-flash"},
	{"Bedrock Converse", wire.BedrockConverse, "bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0"},
	{"Cohere", wire.CohereChat, "cohere", "command-a-03-2025"},
}

// scenarios are the cases that mean the same in all formats, in the order of the table.
var scenarios = []string{
	"text", "system", "params", "tools", "tool_choice", "tool_results", "parallel_calls", "image", "file", "json_schema", "json_object",
	"reasoning", "stop_length", "stop_sequence", "logprobs", "refusal", "filter", "cache", "error",
}

func (s side) codec(t testing.TB) *chat.Codec {
	t.Helper()
	c := formats.Table[s.format]
	if c == nil || c.Chat == nil {
		t.Fatalf("format %s can't be translated", s.format)
	}
	return c.Chat
}

// request is what a client of the format sends in a scenario, nil if the format can't say it.
func (s side) request(t testing.TB, scenario string) []byte {
	return read(t, filepath.Join("..", s.folder, "testdata", "client", scenario+".json"))
}

// answer is what a provider of the format answers, whole.
func (s side) answer(t testing.TB, scenario string) []byte {
	return read(t, filepath.Join("..", s.folder, "testdata", "provider", scenario+".json"))
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// event is one of a provider's stream.
type event struct{ name, data []byte }

// stream is the same answer as it is streamed.
func (s side) stream(t testing.TB, scenario string) []event {
	t.Helper()
	base := filepath.Join("..", s.folder, "testdata", "provider", scenario)
	if b := read(t, base+".sse"); b != nil {
		return events(t, b)
	}
	var out []event
	for line := range bytes.Lines(read(t, base+".jsonl")) {
		var e struct {
			Event string
			Data  json.RawMessage
		}
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("%s: %v", base, err)
		}
		out = append(out, event{[]byte(e.Event), e.Data})
	}
	return out
}

// events splits framed events.
func events(t testing.TB, framed []byte) []event {
	t.Helper()
	r := sse.NewReader(bytes.NewReader(framed), 1<<20, nil)
	var out []event
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, event{bytes.Clone(e.Name), bytes.Clone(e.Data)})
	}
}

// decode runs events through a decoder and returns all deltas.
func decode(t testing.TB, d chat.Decoder, all []event) []chat.Delta {
	t.Helper()
	var out []chat.Delta
	for i, e := range all {
		deltas, err := d.Decode(e.name, e.data)
		if err != nil {
			t.Fatalf("event %d, %s %.200s: %v", i, e.name, e.data, err)
		}
		out = append(out, slices.Clone(deltas)...)
	}
	return append(out, d.Close()...)
}

// encode writes deltas as a client of a format gets them.
func encode(e chat.Encoder, deltas []chat.Delta) []byte {
	var out []byte
	for i := range deltas {
		out = e.Append(out, &deltas[i])
	}
	return e.AppendEnd(out)
}

// goldenName is where a case of a pair is kept.
func goldenName(c, p side, scenario string) string {
	return filepath.Join("testdata", string(c.format)+"-to-"+string(p.format), scenario+".golden")
}

// indented makes JSON readable; what is none stays.
func indented(b []byte) string {
	var out bytes.Buffer
	if json.Indent(&out, b, "", "  ") != nil {
		return string(b)
	}
	return out.String()
}

func lossLines(lost []chat.Loss) string {
	var s strings.Builder
	for _, l := range lost {
		s.WriteString(l.Field + ": " + l.Why + "\n")
	}
	return s.String()
}
