package chat

import (
	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
)

// Options say how a request is written for a provider.
type Options struct {
	Model     string // the provider's name of the model
	Stream    bool
	MaxTokens int64 // for formats that need a bound, when the request has none
	// Provider is the provider's name in the configuration, for formats that providers speak in
	// dialects; "" for the format as its maker has it.
	Provider string
	// Vendor is whose model it is, where a provider hosts several and its configuration says so.
	Vendor string
}

// Codec translates one format.
type Codec struct {
	// On the client's side. Errors name the field at fault in Param.
	DecodeRequest func(body []byte) (*Request, *apierr.Error)
	EncodeAnswer  func(a *Answer, r *Request) []byte
	NewEncoder    func(r *Request) Encoder

	// On the provider's side.
	EncodeRequest func(r *Request, o Options) (body []byte, lost []Loss, err *apierr.Error)
	DecodeAnswer  func(body []byte) (*Answer, error)
	NewDecoder    func() Decoder
}

// Decoder reads a provider's stream.
type Decoder interface {
	// Decode takes one event: its name, nil for none, and its data, which it does not keep. The
	// Deltas it returns are good until the next call. An error means that the event could not be
	// read; the stream may go on.
	Decode(name, data []byte) ([]Delta, error)
	// Close says that the stream is over, and returns what is left to say: at least DeltaEnd,
	// unless that has been given.
	Close() []Delta
}

// Encoder writes a client's stream.
type Encoder interface {
	// Append appends the events, framed, that tell the client of a Delta. It may wait with them.
	Append(dst []byte, d *Delta) []byte
	// AppendEnd appends what is left to say and the format's last event.
	AppendEnd(dst []byte) []byte
}

// Failing is an Encoder that ends its stream with an error by itself, because its last event says
// more than what went wrong. For others the format's AppendStreamError does.
type Failing interface {
	AppendFailure(dst []byte, e *apierr.Error) []byte
}

// DeltaKind says what a Delta brings.
type DeltaKind string

// The kinds of deltas. Start comes first and once, then parts, and for each choice a Finish;
// Usage may come at any time and replaces what came before; End comes last.
const (
	DeltaStart     DeltaKind = "start"     // ID, Model, Created
	DeltaText      DeltaKind = "text"      // Text
	DeltaThinking  DeltaKind = "thinking"  // Text
	DeltaSignature DeltaKind = "signature" // Signature and SignedBy of the thought before; Redacted: it is all there is
	DeltaRefusal   DeltaKind = "refusal"   // Text
	DeltaCall      DeltaKind = "call"      // Tool, CallID, Name: a call begins; Signature where the call carries one
	DeltaArguments DeltaKind = "arguments" // Tool, Text: a piece of the call's arguments
	DeltaLogProbs  DeltaKind = "logprobs"  // Raw
	DeltaFinish    DeltaKind = "finish"    // Stop, StopText
	DeltaUsage     DeltaKind = "usage"     // Usage
	DeltaEnd       DeltaKind = "end"
	DeltaError     DeltaKind = "error" // Text: the provider reports an error; Code is its word for it
)

// Delta is a piece of a streamed answer.
type Delta struct {
	Kind      DeltaKind
	Choice    int
	Tool      int // which call of the choice, from 0
	Text      string
	CallID    string
	Name      string
	Signature string
	SignedBy  string
	Redacted  bool
	Stop      Stop
	StopText  string
	Usage     inference.Usage
	Raw       []byte
	ID        string
	Model     string
	Created   int64
	Code      string
}

// EmbedRequest asks for embeddings.
type EmbedRequest struct {
	Model      string
	Texts      []string // Texts or Tokens
	Tokens     [][]int64
	Single     bool // the client gave one text, not a list
	Dimensions *int64
	Base64     bool   // OpenAI's encoding_format base64
	Kind       string // search_document, search_query, classification, clustering; "" for not said
	Truncate   string
	User       string
	Rest       []Loss
}

// EmbedAnswer is a list of vectors. Numbers pass digit for digit.
type EmbedAnswer struct {
	ID       string
	Model    string
	Vectors  [][]byte // each a JSON array of numbers
	Usage    inference.Usage
	HasUsage bool
}

// EmbedCodec translates embeddings of one format. Sides as in Codec.
type EmbedCodec struct {
	DecodeRequest func(body []byte) (*EmbedRequest, *apierr.Error)
	EncodeAnswer  func(a *EmbedAnswer, r *EmbedRequest) []byte

	EncodeRequest func(r *EmbedRequest, o Options) (body []byte, lost []Loss, err *apierr.Error)
	DecodeAnswer  func(body []byte) (*EmbedAnswer, error)
}
