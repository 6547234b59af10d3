package openai

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/goldentest"
)

// broken is a corpus of what must not be taken for more than it is.
var broken = []string{
	``, ` `, `null`, `[]`, `{}`, `"x"`, `{"choices":`, `{"choices":null}`, `{"choices":{}}`, `{"choices":[null]}`, `{"choices":[[]]}`,
	`{"choices":[{"delta":null}]}`, `{"choices":[{"delta":[]}]}`, `{"choices":[{"index":-1,"delta":{"content":{}}}]}`,
	`{"choices":[{"index":1e300,"delta":{"content":"x"}}]}`, `{"choices":[{"delta":{"tool_calls":[null,1,"x",{}]}}]}`,
	`{"choices":[{"delta":{"tool_calls":[{"index":-5,"function":null}]}}]}`, `{"choices":[{"message":{"content":[{"type":"text"}]}}]}`,
	`{"choices":[{"message":{"content":[{"thinking":[[1]]}]}}]}`, `{"choices":[{"message":{"tool_calls":{"0":1}}}]}`,
	`{"error":null}`, `{"error":"x"}`, `{"error":{"message":1}}`, `{"usage":[]}`, `{"usage":{"prompt_tokens":-1}}`,
	`{"usage":{"prompt_tokens":1e400}}`, `{"model":7,"usage":{"prompt_tokens":5}}`, "{\"choices\":[{\"delta\":{\"content\":\"\xff\"}}]}",
	`{"messages":[]}`, `{"messages":{}}`, `{"messages":[1]}`, `{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}`,
	`{"messages":[{"role":"tool","content":"x"}]}`, `{"messages":[{"role":"user","content":7}]}`,
	`{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png,x"}}]}]}`,
	`{"prompt":[]}`, `{"prompt":[1,2]}`, `{"input":[[],{}]}`, `{"input":[1.5]}`, `{"data":[{"index":-1,"embedding":[1]}]}`,
	`{"data":[{"index":99999999999,"embedding":[1]}]}`, `{"data":[{"embedding":"!"}]}`, `{"data":[{"embedding":[null,"x"]}]}`,
	`{"meta":{"billed_units":7}}`, `{"type":"error"}`, `{"type":"transcript.text.done"}`, `[DONE]`, `<html>`,
}

func seed(f *testing.F, patterns ...string) {
	for _, b := range broken {
		f.Add([]byte(b))
	}
	for _, p := range patterns {
		for _, file := range goldentest.Files(f, p) {
			f.Add(goldentest.Read(f, file))
		}
	}
}

// FuzzChatRequest: what is read can be written as JSON, and read again to the same.
func FuzzChatRequest(f *testing.F) {
	seed(f, "testdata/client/*.json")
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := decodeChat(in)
		if err != nil {
			if err.Status != 400 || err.Message == "" {
				t.Fatalf("%q is refused with %+v", in, err)
			}
			return
		}
		once := encodedChat(t, r)
		if again, err := decodeChat(once); err == nil {
			if twice := encodedChat(t, again); !bytes.Equal(once, twice) {
				t.Fatalf("%s", cmp.Diff(string(once), string(twice)))
			}
		}
	})
}

func encodedChat(t *testing.T, r *chat.Request) []byte {
	b, _, err := encodeChat(r, chat.Options{Model: "m", Stream: true})
	if err != nil || !json.Valid(b) {
		t.Fatalf("%+v was written as %q, %v", r, b, err)
	}
	return b
}

// FuzzOtherRequests: completions and embeddings.
func FuzzOtherRequests(f *testing.F) {
	seed(f, "testdata/completions/client/*.json", "testdata/embeddings/client/*.json")
	f.Fuzz(func(t *testing.T, in []byte) {
		if r, err := decodeCompletion(in); err == nil {
			encodedChat(t, r)
		}
		if r, err := decodeEmbed(in); err == nil {
			if b, _, err := encodeEmbed(r, chat.Options{Model: "m"}); err != nil || !json.Valid(b) {
				t.Fatalf("%q was written as %q", in, b)
			}
		}
	})
}

func allCodecs() []*wire.Codec {
	return []*wire.Codec{Chat(), Completions(), Embeddings(), Images(), Speech(), Transcripts(), Moderations(), Rerank(), Opaque()}
}

// FuzzAnswers: whole answers, by every reader of them.
func FuzzAnswers(f *testing.F) {
	seed(f, "testdata/provider/*.json", "testdata/embeddings/provider/*.json", "testdata/pass/*.json")
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, c := range allCodecs() {
			a, err := c.ParseAnswer(in)
			if err == nil && len(a.Usage.Raw) > 0 && !json.Valid(a.Usage.Raw) {
				t.Fatalf("usage of %q is %q", in, a.Usage.Raw)
			}
		}
		if a, err := decodeChatAnswer(in); err == nil {
			for _, b := range [][]byte{encodeChatAnswer(a, &chat.Request{}), encodeCompletion(a, nil)} {
				if !json.Valid(b) {
					t.Fatalf("%q was written as %q", in, b)
				}
			}
		}
		if a, err := decodeEmbedAnswer(in); err == nil {
			for _, r := range []chat.EmbedRequest{{}, {Base64: true}} {
				if b := encodeEmbedAnswer(a, &r); !json.Valid(b) {
					t.Fatalf("%q was written as %q", in, b)
				}
			}
		}
	})
}

// FuzzStreams: streams, one event a line, by every reader of them.
func FuzzStreams(f *testing.F) {
	seed(f, "testdata/provider/*.sse", "testdata/pass/*.sse", "testdata/streams/*.jsonl")
	f.Fuzz(func(t *testing.T, in []byte) {
		events := bytes.Split(in, []byte("\n"))
		for i := range events {
			events[i] = bytes.TrimPrefix(events[i], []byte("data: "))
		}
		for _, c := range allCodecs() {
			if c.NewTracker == nil {
				continue
			}
			tr := c.NewTracker(true)
			for _, e := range events {
				tr.Add(nil, e)
			}
			if j := tr.Result().Joined; j != nil && !json.Valid(j) {
				t.Fatalf("%s: %q was joined to %q", c.Format, in, j)
			}
		}
		checkStream(t, in, events, newChatEncoder(&chat.Request{WantsUsage: true}))
		checkStream(t, in, events, &completionEncoder{wantsUsage: true})
	})
}

func checkStream(t *testing.T, in []byte, events [][]byte, e chat.Encoder) {
	d := newChatDecoder()
	var out []byte
	for _, data := range events {
		deltas, _ := d.Decode(nil, data)
		for i := range deltas {
			out = e.Append(out, &deltas[i])
		}
	}
	for _, delta := range d.Close() {
		out = e.Append(out, &delta)
	}
	for line := range bytes.Lines(e.AppendEnd(out)) {
		data, ok := bytes.CutPrefix(bytes.TrimSpace(line), []byte("data: "))
		if ok && string(data) != "[DONE]" && !json.Valid(data) {
			t.Fatalf("%q was written with the event %q", in, data)
		}
	}
}
