package formats

import (
	"testing"

	"github.com/lakegate/lakegate/serving/wire"
)

// TestTable: every format is there, and has what a gateway needs of it.
func TestTable(t *testing.T) {
	all := []wire.Format{
		wire.Opaque, wire.OpenAIChat, wire.OpenAICompletions, wire.OpenAIEmbeddings, wire.OpenAIResponses, wire.OpenAIImages,
		wire.OpenAISpeech, wire.OpenAITranscripts, wire.OpenAIModerations, wire.Rerank, wire.AnthropicMessages, wire.AnthropicCount,
		wire.GeminiGenerate, wire.GeminiCount, wire.GeminiEmbeddings, wire.BedrockConverse, wire.BedrockTitanEmbed,
		wire.BedrockCohereEmbed, wire.VertexEmbeddings, wire.CohereChat, wire.CohereEmbed,
	}
	for _, f := range all {
		c := Table[f]
		switch {
		case c == nil:
			t.Errorf("%q is not in the table", f)
		case c.ParseAnswer == nil:
			t.Errorf("%q can't read an answer", f)
		case c.Chat != nil && c.Chat.DecodeRequest != nil && (c.Chat.EncodeAnswer == nil || c.Chat.NewEncoder == nil || c.NewTracker == nil || c.AppendStreamError == nil || c.InputChars == nil):
			t.Errorf("%q has clients and half of what they need", f)
		case c.Chat != nil && c.Chat.EncodeRequest != nil && (c.Chat.DecodeAnswer == nil || c.Chat.NewDecoder == nil || c.NewTracker == nil):
			t.Errorf("%q has providers and half of what they need", f)
		case c.Embed != nil && c.Embed.DecodeRequest != nil && c.Embed.EncodeAnswer == nil || c.Embed != nil && c.Embed.EncodeRequest != nil && c.Embed.DecodeAnswer == nil:
			t.Errorf("%q has half of what embeddings need", f)
		}
	}
	if len(Table) < len(all) {
		t.Errorf("%d codecs for %d formats", len(Table), len(all))
	}
}

// TestTrackers: what is no event of its format does no tracker harm, and has no usage.
func TestTrackers(t *testing.T) {
	for f, c := range Table {
		if c.NewTracker == nil {
			continue
		}
		tr := c.NewTracker(true)
		for _, data := range []string{"", "[DONE]", "{", "null", "[]", `"x"`, `{}`, `{"error":{"message":"x"}}`, "\x00"} {
			tr.Add([]byte("event"), []byte(data))
			tr.Add(nil, []byte(data))
		}
		if r := tr.Result(); r.HasUsage || r.Model != "" {
			t.Errorf("%q found usage where none is: %+v", f, r)
		}
	}
}
