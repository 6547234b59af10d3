// Package wire says what the wire formats have in common: the shapes of requests, answers and
// streams that clients send and providers speak.
//
// A Format is one API's shape. A Codec is all that lakegate knows of it: how to read usage, model
// and length out of an answer or a stream, how to prepare a body that passes through, how an error
// looks in the middle of a stream, and, for chat, how to turn it into the common form of package
// chat and back. Each format has a package of its own below this one; package formats has the
// table of all. Everything is a pure function over bytes, and safe for concurrent use but for
// Trackers, which one goroutine uses.
package wire

import (
	"net/http"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// Format is the shape of an API's requests and answers.
type Format string

// The formats.
const (
	Opaque             Format = ""                     // JSON in and JSON out, of a shape lakegate does not know
	OpenAIChat         Format = "openai-chat"          // /chat/completions, and Databricks' chat
	OpenAICompletions  Format = "openai-completions"   // /completions
	OpenAIEmbeddings   Format = "openai-embeddings"    // /embeddings
	OpenAIResponses    Format = "openai-responses"     // /responses
	OpenAIImages       Format = "openai-images"        // /images/generations, edits and variations
	OpenAISpeech       Format = "openai-speech"        // /audio/speech: JSON in, sound or events out
	OpenAITranscripts  Format = "openai-transcription" // /audio/transcriptions and translations: a form in
	OpenAIModerations  Format = "openai-moderations"   // /moderations
	Rerank             Format = "rerank"               // /rerank, in Cohere's and Jina's shape
	AnthropicMessages  Format = "anthropic-messages"   // /v1/messages
	AnthropicCount     Format = "anthropic-count"      // /v1/messages/count_tokens
	GeminiGenerate     Format = "gemini-generate"      // :generateContent and :streamGenerateContent
	GeminiCount        Format = "gemini-count"         // :countTokens
	GeminiEmbeddings   Format = "gemini-embeddings"    // :embedContent and :batchEmbedContents
	BedrockConverse    Format = "bedrock-converse"     // converse and converse-stream; provider side only
	BedrockTitanEmbed  Format = "bedrock-titan-embed"  // invoke of Titan embeddings; provider side only
	BedrockCohereEmbed Format = "bedrock-cohere-embed" // invoke of Cohere embeddings; provider side only
	VertexEmbeddings   Format = "vertex-embeddings"    // :predict of text embeddings; provider side only
	CohereChat         Format = "cohere-chat"          // /v2/chat
	CohereEmbed        Format = "cohere-embed"         // /v2/embed
)

// Operation is what a format is for.
type Operation int

// The operations.
const (
	OpOpaque Operation = iota
	OpChat
	OpCompletions
	OpEmbeddings
	OpImages
	OpSpeech
	OpTranscription
	OpModerations
	OpRerank
	OpCount
)

// Codec is what lakegate knows of one format. Functions that are nil are of no use to the format.
type Codec struct {
	Format    Format
	Operation Operation
	// Dialect is how errors look to clients of this format.
	Dialect apierr.Dialect

	// InputChars counts the characters of text in a request, as Databricks does: contents of
	// messages, system prompts included, prompts and inputs. nil when there is none to count.
	InputChars func(body []byte) *int64
	// ParseAnswer reads a whole answer. Answers of unknown shape give an empty Answer, which is no
	// error; the error says that the body is not what the format's answers are made of.
	ParseAnswer func(body []byte) (Answer, error)
	// HeaderUsage reads usage from the header of a whole answer whose body has none.
	HeaderUsage func(h http.Header) (inference.Usage, bool)
	// NewTracker reads a stream. keep asks for the joined answer.
	NewTracker func(keep bool) Tracker
	// AppendStreamError appends the events, framed, that tell a client in the middle of a stream
	// what went wrong.
	AppendStreamError func(dst []byte, e *apierr.Error) []byte

	// Chat translates from and to this format; nil where it only passes through.
	Chat *chat.Codec
	// Embed does so for embeddings.
	Embed *chat.EmbedCodec
}

// Answer is what lakegate needs of a whole answer.
type Answer struct {
	Model    string // as the provider names it, "" when it does not
	Usage    inference.Usage
	HasUsage bool
	// OutputChars counts the characters of the answer's text, nil when it has none.
	OutputChars *int64
	// Failed: the body, though it came with a status of success, is an error.
	Failed bool
}

// MaxDepth bounds how deep the objects and arrays of a body may nest.
const MaxDepth = 256

// Tracker follows a stream: it reads what Answer has on the way, and joins the events into the
// answer that the same call without streaming would have given.
type Tracker interface {
	// Add takes one event as it was framed: its name, nil for none, and its data. It keeps neither.
	Add(name, data []byte) Chunk
	// Result is what is known so far. It may be called again after more events.
	Result() Result
}

// Chunk says what an event was.
type Chunk struct {
	JSON      bool // it could be read
	OnlyUsage bool // it has usage and nothing else: what include_usage adds to OpenAI's streams
	Error     bool // it reports an error
	End       bool // it is the format's last event ([DONE], message_stop, response.completed, ...)
	Started   bool // some text, reasoning or tool call came, with this event or before
}

// Result is what a stream came to.
type Result struct {
	Answer
	Started  bool // some text, reasoning or tool call came
	Complete bool // the stream said that the answer is whole; its usage is final
	Events   int  // events that are part of an answer
	// Joined is the whole answer; nil when nothing came or it was not to be kept. What could not
	// be joined follows in a member unjoined_events.
	Joined []byte
}
