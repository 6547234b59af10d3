package chat

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lakegate/lakegate/internal/inference"
)

func TestAnswersAsDeltas(t *testing.T) {
	n := int64(7)
	a := &Answer{
		ID: "1", Model: "m", Created: 5, HasUsage: true, Usage: inference.Usage{Input: &n},
		Choices: []Choice{
			{
				Parts: []Part{
					{Kind: Thinking, Text: "hm", Signature: "s", SignedBy: "anthropic"},
					{Kind: Thinking, Signature: "r", SignedBy: "anthropic", Redacted: true},
					{Kind: Text, Text: "hi"},
					{Kind: Call, Call: &ToolCall{ID: "c1", Name: "f", Arguments: "{}"}},
					{Kind: Call, Call: &ToolCall{ID: "c2", Name: "g", Arguments: `{"a":1}`}, Signature: "t", SignedBy: "gemini"},
				},
				Stop: StopTool, LogProbs: []byte(`{}`),
			},
			{Index: 1, Parts: []Part{{Kind: Refusal, Text: "no"}}, Stop: StopSequence, StopText: "."},
		},
	}
	want := []Delta{
		{Kind: DeltaStart, ID: "1", Model: "m", Created: 5},
		{Kind: DeltaThinking, Text: "hm"},
		{Kind: DeltaSignature, Signature: "s", SignedBy: "anthropic"},
		{Kind: DeltaSignature, Signature: "r", SignedBy: "anthropic", Redacted: true},
		{Kind: DeltaText, Text: "hi"},
		{Kind: DeltaCall, CallID: "c1", Name: "f"},
		{Kind: DeltaArguments, Text: "{}"},
		{Kind: DeltaCall, Tool: 1, CallID: "c2", Name: "g", Signature: "t", SignedBy: "gemini"},
		{Kind: DeltaArguments, Tool: 1, Text: `{"a":1}`},
		{Kind: DeltaLogProbs, Raw: []byte(`{}`)},
		{Kind: DeltaFinish, Stop: StopTool},
		{Kind: DeltaRefusal, Choice: 1, Text: "no"},
		{Kind: DeltaFinish, Choice: 1, Stop: StopSequence, StopText: "."},
		{Kind: DeltaUsage, Usage: a.Usage},
	}
	if diff := cmp.Diff(want, Deltas(a)); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}
