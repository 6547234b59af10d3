// Package formats is the table of all wire formats: the only package that imports each of theirs.
//
// The table is made once and not changed; it is safe for concurrent use.
package formats

import (
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/anthropic"
	"github.com/lakegate/lakegate/serving/wire/bedrock"
	"github.com/lakegate/lakegate/serving/wire/cohere"
	"github.com/lakegate/lakegate/serving/wire/gemini"
	"github.com/lakegate/lakegate/serving/wire/openai"
	"github.com/lakegate/lakegate/serving/wire/responses"
)

// Table has the codec of each format this version knows.
var Table = table(
	openai.Opaque(),
	openai.Chat(),
	openai.Completions(),
	openai.Embeddings(),
	openai.Images(),
	openai.Speech(),
	openai.Transcripts(),
	openai.Moderations(),
	openai.Rerank(),
	responses.Codec(),
	anthropic.Codec(),
	anthropic.CountCodec(),
	gemini.Codec(),
	gemini.CountCodec(),
	gemini.EmbeddingsCodec(),
	gemini.VertexEmbeddingsCodec(),
	bedrock.Codec(),
	bedrock.TitanEmbed(),
	bedrock.CohereEmbed(),
	cohere.Chat(),
	cohere.Embed(),
)

func table(codecs ...*wire.Codec) map[wire.Format]*wire.Codec {
	m := make(map[wire.Format]*wire.Codec, len(codecs))
	for _, c := range codecs {
		if m[c.Format] != nil {
			panic("formats: two codecs of " + string(c.Format))
		}
		m[c.Format] = c
	}
	return m
}
