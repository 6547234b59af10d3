// Package responses speaks OpenAI's Responses API, on both sides: what it uses, what its streams
// add up to, and its translation to and from the common form of a chat.
//
// Two kinds of servers speak it. OpenAI's own and its compatibles (Azure, xAI, Databricks' codex
// path) frame a stream by response.created and response.completed, whose response is the whole
// answer. Agents on Databricks answer with output items too, but stream only pieces and finished
// items, with custom_outputs and databricks_output beside them: their answer is put together.
//
// On the client's side lakegate keeps nothing between calls, so what rests on answers kept by
// OpenAI (previous_response_id, conversation, item_reference) and on tools that OpenAI runs is a
// Loss on every other provider. A thought signed by another provider travels to the client and
// back as encrypted_content, so that a conversation with tools goes on where it was left.
//
// Everything is a pure function over bytes and safe for concurrent use, but for Trackers, Decoders
// and Encoders, which one goroutine uses. Only where a provider gives an answer no id or no time
// are they made up, from randomness and the clock.
package responses

import (
	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

const maxDepth = wire.MaxDepth

// Codec returns all that lakegate knows of the format.
func Codec() *wire.Codec {
	return &wire.Codec{
		Format:            wire.OpenAIResponses,
		Operation:         wire.OpChat,
		Dialect:           apierr.OpenAI,
		InputChars:        InputChars,
		ParseAnswer:       ParseAnswer,
		NewTracker:        func(keep bool) wire.Tracker { return &tracker{keep: keep} },
		AppendStreamError: AppendStreamError,
		Chat: &chat.Codec{
			DecodeRequest: DecodeRequest,
			EncodeAnswer:  EncodeAnswer,
			NewEncoder:    newEncoder,
			EncodeRequest: EncodeRequest,
			DecodeAnswer:  DecodeAnswer,
			NewDecoder:    newDecoder,
		},
	}
}
