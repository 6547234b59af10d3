package gemini

import (
	"encoding/json"
	"testing"

	"github.com/lakegate/lakegate/serving/wire/chat"
)

// TestForeignThoughtsComeBack: a thought of another provider, told to a client whole or in pieces
// and sent back as it was told, is the same thought.
func TestForeignThoughtsComeBack(t *testing.T) {
	asked := &chat.Request{Reasoning: &chat.Reasoning{Show: true}}
	for _, tt := range []struct {
		name   string
		part   chat.Part
		deltas []chat.Delta
	}{
		{
			"signed",
			chat.Part{Kind: chat.Thinking, Text: "Let me think.", Signature: "a:b/+==", SignedBy: "anthropic"},
			[]chat.Delta{
				{Kind: chat.DeltaThinking, Text: "Let me"},
				{Kind: chat.DeltaThinking, Text: " think."},
				{Kind: chat.DeltaSignature, Signature: "a:b/+==", SignedBy: "anthropic"},
			},
		},
		{
			"redacted",
			chat.Part{Kind: chat.Thinking, Signature: "x", SignedBy: "anthropic", Redacted: true},
			[]chat.Delta{{Kind: chat.DeltaSignature, Signature: "x", SignedBy: "anthropic", Redacted: true}},
		},
		{
			"Google's own",
			chat.Part{Kind: chat.Thinking, Text: "Hm.", Signature: "c2ln", SignedBy: "gemini"},
			[]chat.Delta{{Kind: chat.DeltaThinking, Text: "Hm."}, {Kind: chat.DeltaSignature, Signature: "c2ln", SignedBy: "gemini"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			whole := encodeAnswer(&chat.Answer{Choices: []chat.Choice{{Parts: []chat.Part{tt.part}, Stop: chat.StopEnd}}}, asked)
			e := newEncoder(asked)
			var stream []byte
			for i := range tt.deltas {
				stream = e.Append(stream, &tt.deltas[i])
			}
			var pieces []json.RawMessage
			for _, data := range events(t, stream) {
				pieces = append(pieces, partsOf(t, data)...)
			}
			for _, parts := range [][]json.RawMessage{partsOf(t, whole), pieces} {
				body, err := json.Marshal(map[string]any{"contents": []any{map[string]any{"role": "model", "parts": parts}}})
				if err != nil {
					t.Fatal(err)
				}
				r, fault := decodeRequest(body)
				if fault != nil {
					t.Fatal(fault)
				}
				if len(r.Messages[0].Parts) != 1 {
					t.Fatalf("%s: %+v", body, r.Messages[0].Parts)
				}
				got := r.Messages[0].Parts[0]
				got.Path = ""
				if got != tt.part {
					t.Errorf("%s\ncame back as %+v", body, got)
				}
			}
		})
	}
}

func partsOf(t *testing.T, answer []byte) []json.RawMessage {
	t.Helper()
	var a struct {
		Candidates []struct {
			Content struct{ Parts []json.RawMessage }
		}
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		t.Fatal(err)
	}
	return a.Candidates[0].Content.Parts
}
