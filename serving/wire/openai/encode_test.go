package openai

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/goldentest"
)

// TestWrongRequests: what is wrong with each request of testdata/wrong.jsonl, and where.
func TestWrongRequests(t *testing.T) {
	var out strings.Builder
	for line := range bytes.Lines(goldentest.Read(t, "testdata/wrong.jsonl")) {
		r, err := decodeChat(bytes.TrimSpace(line))
		if err == nil {
			t.Errorf("%s passed as %s", line, goldentest.Lean(r))
			continue
		}
		fmt.Fprintf(&out, "%s\t%s (at %s)\n", line, err.Message, err.Param)
	}
	goldentest.Same(t, "testdata/wrong.golden", out.String())
}

// TestRequestsOfOtherFormats writes what OpenAI's clients can't say, and others can.
func TestRequestsOfOtherFormats(t *testing.T) {
	text := func(s string) chat.Part { return chat.Part{Kind: chat.Text, Text: s, Path: "p"} }
	result := func(failed bool, parts ...chat.Part) chat.Part {
		return chat.Part{Kind: chat.ToolResult, Path: "p", Result: &chat.Result{CallID: "c", Failed: failed, Parts: parts}}
	}
	picture := chat.Part{Kind: chat.Image, Path: "p", Media: &chat.Media{Data: "AAAA"}}
	user := func(parts ...chat.Part) []chat.Message {
		return []chat.Message{{Role: chat.User, Path: "m", Parts: parts}}
	}
	tests := []struct {
		name string
		req  chat.Request
	}{
		{"results before what is said", chat.Request{Messages: user(text("And now?"), result(false, text("18")))}},
		{"a failed result", chat.Request{Messages: user(result(true, text("no such city")), result(true), result(true, text("Error 7")))}},
		{"a picture as a result", chat.Request{Messages: user(result(false, text("Here:"), picture))}},
		{"a thought as a result", chat.Request{Messages: user(result(false, chat.Part{Kind: chat.Thinking, Path: "p"}))}},
		{"files by id and URL", chat.Request{Messages: user(
			chat.Part{Kind: chat.File, Path: "a", Media: &chat.Media{URL: "https://example.com/a.pdf"}},
			chat.Part{Kind: chat.Image, Path: "b", Media: &chat.Media{FileID: "file-1"}},
			chat.Part{Kind: chat.Audio, Path: "c", Media: &chat.Media{URL: "https://example.com/a.wav"}},
			chat.Part{Kind: chat.Audio, Path: "d", Media: &chat.Media{Data: "AAAA", MIME: "audio/x-wav"}},
			chat.Part{Kind: chat.Refusal, Path: "e"},
		)}},
		{"a picture by the assistant", chat.Request{Messages: []chat.Message{{Role: chat.Assistant, Parts: []chat.Part{picture}}}}},
		{"a picture in the system's text", chat.Request{System: []chat.Part{text("a"), picture}, Messages: user(text("x"))}},
		{"a refusal sent back", chat.Request{Messages: []chat.Message{{Role: chat.Assistant, Parts: []chat.Part{{Kind: chat.Refusal, Text: "No."}}}}}},
		{"a call without arguments", chat.Request{Messages: []chat.Message{{Role: chat.Assistant, Parts: []chat.Part{{Kind: chat.Call, Call: &chat.ToolCall{ID: "c", Name: "f"}}}}}}},
		{"a schema without a name", chat.Request{Messages: user(text("x")), Output: &chat.Output{Kind: "json_schema", Schema: []byte("{\n}")}}},
		{"a tier of another API", chat.Request{Messages: user(text("x")), ServiceTier: "on_demand"}},
		{"bytes that are no text", chat.Request{Messages: user(text("a\xff\n\u2028<b>"))}},
	}
	var out strings.Builder
	for _, tt := range tests {
		body, lost, err := encodeChat(&tt.req, chat.Options{Model: "gpt-4o"})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "# %s\n%s", tt.name, goldentest.Indented(t, body))
		for _, l := range lost {
			fmt.Fprintf(&out, "lost %s: %s\n", l.Field, l.Why)
		}
	}
	goldentest.Same(t, "testdata/encoded.golden", out.String())
}

// TestAnswersOfOtherFormats writes what OpenAI's providers don't give, and others do.
func TestAnswersOfOtherFormats(t *testing.T) {
	deltas := []chat.Delta{
		{Kind: chat.DeltaStart, ID: "1", Model: "m", Created: 5},
		{Kind: chat.DeltaThinking, Text: "Hm."},
		{Kind: chat.DeltaSignature, Signature: "s", SignedBy: "anthropic"},
		{Kind: chat.DeltaSignature, Signature: "e", SignedBy: "somebody", Redacted: true},
		{Kind: chat.DeltaCall, CallID: "c", Name: "f", Signature: "g", SignedBy: "gemini"},
		{Kind: chat.DeltaArguments, Text: `{"a":`},
		{Kind: chat.DeltaArguments, Text: `1}`},
		{Kind: chat.DeltaCall, Tool: 1, CallID: "c2", Name: "f2"},
		{Kind: chat.DeltaArguments, Tool: 1, Text: `{}`},
		{Kind: chat.DeltaLogProbs, Raw: []byte("{\n\"content\": []}")},
		{Kind: chat.DeltaFinish, Stop: chat.StopRefusal},
		{Kind: chat.DeltaError, Code: "overloaded"},
	}
	var out []byte
	for _, old := range []bool{false, true} {
		r := &chat.Request{}
		if old {
			r.Names = map[chat.Feature]string{chat.FTools: "functions"}
		}
		for _, e := range []chat.Encoder{newChatEncoder(r), &completionEncoder{}} {
			for i := range deltas {
				out = e.Append(out, &deltas[i])
			}
			out = e.AppendEnd(out)
		}
	}
	// Without a beginning, as when all that came was an error or a piece of text.
	out = newChatEncoder(&chat.Request{}).Append(out, &chat.Delta{Kind: chat.DeltaText, Text: "x"})
	out = (&completionEncoder{}).Append(out, &chat.Delta{Kind: chat.DeltaText, Text: "x"})
	out = AppendStreamError(out, apierr.New(apierr.UpstreamTimeout, "too slow"))
	goldentest.Same(t, "testdata/encoded.sse.golden", string(out))
}

// TestInputOfEmbeddings: an error says all that input may be.
func TestInputOfEmbeddings(t *testing.T) {
	_, err := Embeddings().Embed.DecodeRequest([]byte(`{"model":"m","input":7}`))
	if err == nil || err.Param != "input" || err.Message != `field "input" must be a text, or a list of texts or tokens, not a number` {
		t.Error(err)
	}
}
