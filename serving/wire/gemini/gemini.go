// Package gemini reads and writes Google's formats: generateContent and streamGenerateContent,
// countTokens, embedContent and batchEmbedContents of the Gemini API and Vertex AI, and the
// :predict of Vertex AI's text embeddings.
//
// Usage is turned into lakegate's convention: thoughts, which Google counts beside the candidates,
// are part of Output, and what built-in tools added to the prompt is part of Input. Searches are
// what Google bills: each different query that is not empty, but one a call for models before
// Gemini 3.
//
// In requests both spellings of a field are read, maxOutputTokens and max_output_tokens, and one
// object where a list belongs, as Google's servers do. Google says neither the model nor whether to
// stream in the body; both are in the path. Events of a stream are framed as Google does it, with
// CRLF. There is no last event: a stream is whole when each candidate has a finishReason, or the
// prompt was blocked.
//
// Efforts of thinking become levels for Gemini 3 and later, for models before it budgets by
// chat.BudgetOf, up to 24576 tokens, or 32768 for pro models. Calls in a history that have no
// signature of Google's get the one it documents for that, since Gemini 3 refuses calls without.
// Instructions in the middle of a chat join those at its beginning: Google has one place for them.
//
// All functions are pure and safe for concurrent use; a Tracker, Decoder or Encoder is used by one
// goroutine.
package gemini

import (
	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// Codec returns the codec of generateContent and streamGenerateContent.
func Codec() *wire.Codec {
	return &wire.Codec{
		Format: wire.GeminiGenerate, Operation: wire.OpChat, Dialect: apierr.Google,
		InputChars: inputChars, ParseAnswer: ParseAnswer, NewTracker: newTracker, AppendStreamError: appendStreamError,
		Chat: &chat.Codec{
			DecodeRequest: decodeRequest, EncodeAnswer: encodeAnswer, NewEncoder: newEncoder,
			EncodeRequest: encodeRequest, DecodeAnswer: decodeAnswer, NewDecoder: newDecoder,
		},
	}
}

func newTracker(keep bool) wire.Tracker { return &Tracker{keep: keep} }

// appendEvent frames the data of an event as Google's servers do.
func appendEvent(dst, data []byte) []byte {
	dst = append(append(dst, "data: "...), data...)
	return append(dst, "\r\n\r\n"...)
}

func appendStreamError(dst []byte, e *apierr.Error) []byte {
	return appendEvent(dst, e.Body(apierr.Google))
}
