package anthropic

import (
	"testing"

	"github.com/lakegate/lakegate/serving/wire/chat"
)

func BenchmarkDecodeRequest(b *testing.B) {
	in := scenarios(b, "client/*.json")["tool_results"]
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeRequest(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeRequest(b *testing.B) {
	r, err := decodeRequest(scenarios(b, "client/*.json")["tool_results"])
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := encodeRequest(r, chat.Options{Model: "claude-sonnet-4-5", MaxTokens: 1024}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAnswer(b *testing.B) {
	in := scenarios(b, "provider/*.json")["tools"]
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		a, err := decodeAnswer(in)
		if err != nil {
			b.Fatal(err)
		}
		encodeAnswer(a, nil)
	}
}

// BenchmarkStream50Events reads a provider's stream, and writes it for a client.
func BenchmarkStream50Events(b *testing.B) {
	piece := []byte(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" word"}           }`)
	events := readBench(b)
	b.SetBytes(int64(50 * len(piece)))
	b.ReportAllocs()
	var out []byte
	for b.Loop() {
		d, e := Codec().Chat.NewDecoder(), Codec().Chat.NewEncoder(nil)
		out = out[:0]
		take := func(data []byte) {
			deltas, err := d.Decode(nil, data)
			if err != nil {
				b.Fatal(err)
			}
			for i := range deltas {
				out = e.Append(out, &deltas[i])
			}
		}
		take(events[0].data)
		take(events[1].data)
		for range 50 {
			take(piece)
		}
		for _, ev := range events[len(events)-3:] {
			take(ev.data)
		}
		out = e.AppendEnd(out)
	}
}
