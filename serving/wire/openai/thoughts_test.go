package openai

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/serving/wire/chat"
)

// TestSignedThoughtsSentBack: what clients make of streamed thoughts comes back as it was thought.
func TestSignedThoughtsSentBack(t *testing.T) {
	const signed, sealed = `{"type":"reasoning.text","text":"","signature":"s","format":"anthropic-claude-v1"}`, `{"type":"reasoning.encrypted","data":"e","format":"anthropic-claude-v1"}`
	tests := []struct {
		name, fields string
		want         []chat.Part
	}{
		{"text alone", `"reasoning_content":"Hm."`, []chat.Part{{Kind: chat.Thinking, Text: "Hm."}}},
		{"text and signature", `"reasoning_content":"Hm.","reasoning_details":[` + sealed + `,` + signed + `]`, []chat.Part{{Kind: chat.Thinking, Signature: "e", SignedBy: "anthropic", Redacted: true}, {Kind: chat.Thinking, Text: "Hm.", Signature: "s", SignedBy: "anthropic"}}},
		{"signature before text", `"reasoning_details":[` + signed + `],"reasoning":"Hm."`, []chat.Part{{Kind: chat.Thinking, Text: "Hm.", Signature: "s", SignedBy: "anthropic"}}},
		{"text in both", `"reasoning_content":"Hm.","reasoning_details":[{"type":"reasoning.text","text":"Hm.","signature":"s","format":"anthropic-claude-v1"}]`, []chat.Part{{Kind: chat.Thinking, Text: "Hm.", Signature: "s", SignedBy: "anthropic"}}},
		{"a thought that is not shown", `"reasoning_details":[` + signed + `]`, []chat.Part{{Kind: chat.Thinking, Signature: "s", SignedBy: "anthropic"}}},
	}
	for _, tt := range tests {
		r, err := decodeChat([]byte(`{"model":"m","messages":[{"role":"assistant",` + tt.fields + `}]}`))
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		got := r.Messages[0].Parts
		for i := range got {
			got[i].Path = ""
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: -want +got:\n%s", tt.name, d)
		}
	}
}
