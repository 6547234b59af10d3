package openai

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/goldentest"
)

// streamOf returns the events of an answer of so many words.
func streamOf(words int) [][]byte {
	const head = `{"id":"chatcmpl-D8Z5oo6uDh67AD85p73ksdT1KxhE0","object":"chat.completion.chunk","created":1770933892,"model":"gpt-4.1-nano-2025-04-14","service_tier":"default","system_fingerprint":"fp_de604bd877","choices":[`
	events := [][]byte{[]byte(head + `{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null}`)}
	for i := range words {
		events = append(events, fmt.Appendf(nil, `%s{"index":0,"delta":{"content":" word%d"},"logprobs":null,"finish_reason":null}],"usage":null}`, head, i))
	}
	return append(
		events,
		[]byte(head+`{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null}`),
		[]byte(head+`],"usage":{"prompt_tokens":16,"completion_tokens":300,"total_tokens":316,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}}}`),
		[]byte("[DONE]"),
	)
}

func BenchmarkTracker50Words(b *testing.B) {
	events := streamOf(50)
	b.SetBytes(int64(len(bytes.Join(events, nil))))
	b.ReportAllocs()
	for b.Loop() {
		t := NewTracker(true)
		for _, e := range events {
			t.Add(nil, e)
		}
		t.Result()
	}
}

func BenchmarkTranslate50Words(b *testing.B) {
	events := streamOf(50)
	b.SetBytes(int64(len(bytes.Join(events, nil))))
	b.ReportAllocs()
	var out []byte
	for b.Loop() {
		d, e := newChatDecoder(), newChatEncoder(&chat.Request{WantsUsage: true})
		out = out[:0]
		for _, data := range events {
			deltas, err := d.Decode(nil, data)
			if err != nil {
				b.Fatal(err)
			}
			for i := range deltas {
				out = e.Append(out, &deltas[i])
			}
		}
		out = e.AppendEnd(out)
	}
}

func BenchmarkRequest(b *testing.B) {
	in := goldentest.Read(b, "testdata/client/parallel_calls.json")
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := decodeChat(in)
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := encodeChat(r, chat.Options{Model: "gpt-4o"}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAnswer(b *testing.B) {
	in := goldentest.Read(b, "testdata/provider/parallel_calls.json")
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		a, err := decodeChatAnswer(in)
		if err != nil {
			b.Fatal(err)
		}
		encodeChatAnswer(a, &chat.Request{})
	}
}
