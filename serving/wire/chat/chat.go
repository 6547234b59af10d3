// Package chat is the common form of a chat: what translators between wire formats turn requests,
// answers and streams into, and back from.
//
// A format's Codec reads its clients' requests into a Request and writes an Answer or Deltas back
// to them, and on the provider's side writes Requests and reads Answers and Deltas. So each format
// is written once and meets every other. What the common form can't say is kept in Request.Rest by
// name; what a target can't say comes back from EncodeRequest as Losses. Nobody drops anything
// silently: the gateway refuses a call that would lose something, or, where the endpoint says
// drop_unsupported, drops it and says so.
//
// Everything is data and pure functions; Decoders and Encoders hold the state of one stream and
// are used by one goroutine.
package chat

import (
	"encoding/json"
	"strings"

	"github.com/lakegate/lakegate/internal/inference"
)

// Request is a request for a chat. Pointers that are nil, and empty strings, were not said. Values
// that mean nothing (n of 1, a penalty of 0, logprobs false) count as not said.
type Request struct {
	Model    string // as the client named it; EncodeRequest writes Options.Model instead
	System   []Part // text parts
	Messages []Message

	Tools      []Tool
	ToolChoice ToolChoice
	// OneToolAtATime: parallel calls were switched off.
	OneToolAtATime bool

	MaxTokens        *int64
	Temperature      json.Number // numbers pass digit for digit; "" is not said
	TopP             json.Number
	TopK             json.Number
	FrequencyPenalty json.Number
	PresencePenalty  json.Number
	Seed             *int64
	N                int64 // 0 and 1 are one answer
	Stop             []string
	LogProbs         bool
	TopLogProbs      int64
	LogitBias        json.RawMessage // token to bias, as OpenAI has it

	Output    *Output
	Reasoning *Reasoning

	User        string // the end user's id, as the client gives it
	ServiceTier string
	Verbosity   string // low, medium, high
	Stream      bool
	WantsUsage  bool // the client asked for usage in its stream, or its format always has it

	// Rest are fields of the client's body that the common form can't say, such as "n" of a
	// message or "modalities". They are losses whatever the target.
	Rest []Loss
	// Names are the client's own names of features, for Name.
	Names map[Feature]string
	// Echo are members of the client's body that its own codec repeats in its answers, as OpenAI's
	// Responses API does. No other codec reads them.
	Echo map[string]json.RawMessage `json:"-"`
}

// Feature is something a Request says and a target may not be able to.
type Feature string

// The features. Their text is what Name falls back to.
const (
	FTools            Feature = "tools"
	FToolChoice       Feature = "tool_choice"
	FParallel         Feature = "parallel_tool_calls"
	FStrict           Feature = "strict"
	FMaxTokens        Feature = "max_tokens"
	FTemperature      Feature = "temperature"
	FTopP             Feature = "top_p"
	FTopK             Feature = "top_k"
	FFrequencyPenalty Feature = "frequency_penalty"
	FPresencePenalty  Feature = "presence_penalty"
	FSeed             Feature = "seed"
	FN                Feature = "n"
	FStop             Feature = "stop"
	FLogProbs         Feature = "logprobs"
	FLogitBias        Feature = "logit_bias"
	FOutput           Feature = "response_format"
	FReasoning        Feature = "reasoning_effort"
	FUser             Feature = "user"
	FServiceTier      Feature = "service_tier"
	FVerbosity        Feature = "verbosity"
	FCacheControl     Feature = "cache_control"
	FSystem           Feature = "system"
)

// Name returns the client's name of a feature.
func (r *Request) Name(f Feature) string {
	if n := r.Names[f]; n != "" {
		return n
	}
	return string(f)
}

// Loss is something of a request that a target can't be told.
type Loss struct {
	Field string // where it is in the client's body, e.g. "seed" or "messages[2].content[0]"
	Why   string // e.g. "Anthropic's API has no seed"
}

// hints are features that an answer means the same without: whose call it is, what the provider may
// cache, how long-winded the answer is, and that arguments are held to their schema by the provider.
var hints = [...]Feature{FUser, FVerbosity, FCacheControl, FStrict}

// Hint reports whether a loss is of something that an answer means the same without. A call need
// not be refused for it; that it was left out is said all the same.
func (r *Request) Hint(l Loss) bool {
	if r.Reasoning != nil && r.Reasoning.Adaptive && l.Field == r.Name(FReasoning) {
		return true
	}
	if l.Field == r.Name(FParallel) && (len(r.Tools) < 2 || r.ToolChoice.Mode == ChooseTool || r.ToolChoice.Mode == ChooseNone) {
		return true // LangChain, instructor and others say so of the one tool that takes the answer
	}
	for _, f := range hints {
		if n := r.Name(f); l.Field == n || strings.HasSuffix(l.Field, "."+n) {
			return true
		}
	}
	return strings.HasSuffix(l.Field, ".detail") || // how closely a picture is looked at
		l.Field == "context_management" || // when the provider shortens a long chat, which Claude Code always says
		strings.HasPrefix(l.Field, "prompt_cache_") // OpenAI's key, options and retention of the cache
}

// Role is who speaks.
type Role string

// The roles. Results of tools are parts of a User message; system texts in the middle of a chat
// are messages of role System, those at its beginning are Request.System.
const (
	User      Role = "user"
	Assistant Role = "assistant"
	System    Role = "system"
)

// Message is one turn.
type Message struct {
	Role  Role
	Name  string // of the speaker, "" for none
	Parts []Part
	Path  string // where it is in the client's body, e.g. "messages[2]"
}

// PartKind says which fields of a Part are set.
type PartKind string

// The kinds of parts.
const (
	Text       PartKind = "text"        // Text
	Image      PartKind = "image"       // Media
	Audio      PartKind = "audio"       // Media
	File       PartKind = "file"        // Media: a document
	Call       PartKind = "call"        // Call
	ToolResult PartKind = "tool_result" // Result
	Thinking   PartKind = "thinking"    // Text and Signature; Redacted has only Signature
	Refusal    PartKind = "refusal"     // Text: the model's own words for no
)

// Part is a piece of a message or an answer.
type Part struct {
	Kind   PartKind
	Text   string
	Media  *Media
	Call   *ToolCall
	Result *Result
	// Signature proves to the provider that a thought is its own. Thoughts of one provider mean
	// nothing to another: SignedBy is the format that made it ("anthropic", "gemini", "openai").
	// A Call may carry one too (Gemini's thoughtSignature).
	Signature string
	SignedBy  string
	Redacted  bool
	// Cache asks the provider to cache up to here: "5m", "1h", or "" for no.
	Cache string
	Path  string // where it is in the client's body
}

// Media is a picture, a sound or a document: Data or URL or FileID.
type Media struct {
	MIME   string // e.g. image/png; "" when not known
	Data   string // base64, standard alphabet with padding
	URL    string
	FileID string // of a file at the provider
	Detail string // OpenAI's detail of an image: low, high, auto
	Name   string // of a document
}

// ToolCall is a call of a tool by the model.
type ToolCall struct {
	ID        string
	Name      string
	Arguments string // JSON text, as the model wrote it; "" is as good as "{}"
}

// Result is what a tool call came to.
type Result struct {
	CallID string
	Name   string // of the tool, where the format tells; EncodeRequest may look it up by CallID
	Parts  []Part // text, images, files
	Failed bool
}

// Tool is a function the model may call.
type Tool struct {
	Name        string
	Description string
	Schema      json.RawMessage // JSON schema of the arguments; nil for none
	Strict      *bool
	Cache       string // as in Part
	Path        string
}

// ToolChoice says whether tools must be called: "" and ChooseAuto leave it to the model.
type ToolChoice struct {
	Mode string // "", auto, none, any or tool
	Name string // for mode tool
}

// The modes of tool choice.
const (
	ChooseAuto = "auto"
	ChooseNone = "none"
	ChooseAny  = "any"  // some tool, whichever
	ChooseTool = "tool" // the one named
)

// Output is the shape asked of the answer.
type Output struct {
	Kind        string // json_object or json_schema
	Name        string // of the schema
	Description string
	Schema      json.RawMessage
	Strict      *bool
}

// Reasoning is how much thinking is asked for.
type Reasoning struct {
	Off     bool   // none at all
	Effort  string // minimal, low, medium, high, xhigh; "" for not said
	Budget  *int64 // tokens
	Show    bool   // thoughts, or their summary, are to be in the answer
	Summary string // OpenAI's word for which summary: auto, concise, detailed
	// Adaptive: a model that can't think may do without, because it was left to the model, or because
	// the format's clients ask every model.
	Adaptive bool `json:",omitempty"`
}

// Answer is a whole answer.
type Answer struct {
	ID       string // the provider's; "" for none
	Model    string
	Created  int64 // Unix seconds, 0 for unknown
	Choices  []Choice
	Usage    inference.Usage
	HasUsage bool
}

// Choice is one answer of n.
type Choice struct {
	Index    int
	Parts    []Part
	Stop     Stop
	StopText string          // the stop sequence that was hit, where the format tells
	LogProbs json.RawMessage // OpenAI's logprobs object, nil for none
}

// Stop is why an answer ended.
type Stop string

// The reasons.
const (
	StopEnd      Stop = "end"      // the model was done
	StopSequence Stop = "sequence" // a stop sequence
	StopLength   Stop = "length"   // no tokens left
	StopTool     Stop = "tool"     // tools are to be called
	StopFilter   Stop = "filter"   // a filter of the provider cut in
	StopRefusal  Stop = "refusal"  // the model refused
	StopPause    Stop = "pause"    // a long turn was paused, to be continued
	StopOther    Stop = "other"    // a word this version does not know
)
