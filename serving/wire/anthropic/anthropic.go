// Package anthropic is the wire format of Anthropic's Messages API: what clients of it send and
// read, and what Anthropic, Claude on Bedrock and Claude on Vertex AI speak.
//
// What it promises. Usage is the provider's own, put together from wherever a stream says it: the
// counts of message_start, replaced by what message_delta repeats of them. Anthropic's input_tokens
// leave the cache out; Usage.Input takes it in. Compactions, which Anthropic bills beside the
// counts at the top, are added. A Tracker's joined answer is the Message of the same call without
// streaming. Content blocks of kinds that this version does not know pass through the joined
// answer as they came.
//
// Translation to and from the common form of a chat says which field is lost when one is; the
// choices it makes are beside the code that makes them:
//
//   - thinking and effort: reasoning.go has the table
//   - JSON output: output.go
//   - order and shape of messages: encode_messages.go
//   - stop reasons: stop.go
//
// Functions are pure and safe for concurrent use, but for the identifiers made for answers whose
// provider gives none, which are random. A Tracker, Decoder or Encoder is used by one goroutine.
package anthropic

import (
	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// maxDepth bounds how deep the objects and arrays of a body or an event may nest.
const maxDepth = 256

// Codec is the format of /v1/messages.
func Codec() *wire.Codec {
	return &wire.Codec{
		Format:            wire.AnthropicMessages,
		Operation:         wire.OpChat,
		Dialect:           apierr.Anthropic,
		InputChars:        inputChars,
		ParseAnswer:       parseAnswer,
		NewTracker:        func(keep bool) wire.Tracker { return &tracker{keep: keep} },
		AppendStreamError: appendStreamError,
		Chat: &chat.Codec{
			DecodeRequest: decodeRequest,
			EncodeAnswer:  encodeAnswer,
			NewEncoder:    func(r *chat.Request) chat.Encoder { return &encoder{r: r} },
			EncodeRequest: encodeRequest,
			DecodeAnswer:  decodeAnswer,
			NewDecoder:    func() chat.Decoder { return &decoder{} },
		},
	}
}

// CountCodec is the format of /v1/messages/count_tokens. It only passes through: a count is the
// provider's own or none. It costs nothing and so has no usage.
func CountCodec() *wire.Codec {
	return &wire.Codec{
		Format:      wire.AnthropicCount,
		Operation:   wire.OpCount,
		Dialect:     apierr.Anthropic,
		InputChars:  inputChars,
		ParseAnswer: parseCount,
	}
}

// appendStreamError appends the event that Anthropic's SDKs raise as an error.
func appendStreamError(dst []byte, e *apierr.Error) []byte {
	return appendEvent(dst, "error", e.Body(apierr.Anthropic))
}

// appendEvent appends an event with its name, by which Anthropic's SDKs choose the events they read.
func appendEvent(dst []byte, name string, data []byte) []byte {
	dst = append(append(dst, "event: "...), name...)
	dst = append(append(dst, "\ndata: "...), data...)
	return append(dst, "\n\n"...)
}
