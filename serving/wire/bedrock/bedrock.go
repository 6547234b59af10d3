// Package bedrock is the wire format of Amazon Bedrock's runtime: Converse and ConverseStream, the
// bodies of InvokeModel for embeddings, and the binary event stream that its answers come in.
//
// It is a provider's format only: lakegate has no clients that speak it. A Reader takes an event
// stream apart, message by message and checked by its sums, and makes of InvokeModel's chunks the
// server-sent events of the model inside, so that a tracker and a client of that format see what
// the model's own API sends. Usage is Bedrock's own, added up: its inputTokens leave the prompt
// cache out. Everything is a pure function over bytes and safe for concurrent use, but for Readers,
// Trackers and Decoders, which one goroutine uses.
package bedrock

import (
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// maxDepth bounds how deep the objects and arrays of an answer may nest.
const maxDepth = 256

// Codec returns the codec of Converse.
func Codec() *wire.Codec {
	return &wire.Codec{
		Format:      wire.BedrockConverse,
		Operation:   wire.OpChat,
		ParseAnswer: ParseAnswer,
		NewTracker:  func(keep bool) wire.Tracker { return &tracker{keep: keep} },
		Chat: &chat.Codec{
			EncodeRequest: encodeRequest,
			DecodeAnswer:  decodeAnswer,
			NewDecoder:    func() chat.Decoder { return &decoder{} },
		},
	}
}
