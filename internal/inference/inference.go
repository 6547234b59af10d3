// Package inference holds the facts of one model call: what was asked, by whom, how it was
// answered, what it used and what it cost.
//
// Record is the one fact type that crosses between the islands of lakegate: serving fills it,
// the write-ahead log carries it, system_tables and inference_tables turn it into rows. The
// package does no I/O and knows no provider; it only says what is true of a call.
//
// A Record is built by one goroutine and must not change once it was handed to a recorder.
// Unknown numbers are nil, never zero.
package inference

import (
	"time"

	"github.com/google/uuid"
)

// ID names one request. It is a UUIDv7, so IDs sort by the millisecond they were made in.
type ID = uuid.UUID

// NewID returns a fresh ID. It panics only when the system has no randomness.
func NewID() ID { return uuid.Must(uuid.NewV7()) }

// Outcome is how a request ended, in one word. It is never empty in a stored row.
type Outcome string

// The outcomes. Status tells the code the client saw; Outcome tells why.
const (
	OK              Outcome = "ok"               // the answer reached the end
	Refused         Outcome = "refused"          // lakegate said no: 400, 401, 403, 404, 413, 429, 503
	UpstreamError   Outcome = "upstream_error"   // the provider answered 4xx or 5xx, or something unreadable
	UpstreamBroken  Outcome = "upstream_broken"  // the provider's answer stopped in the middle
	Timeout         Outcome = "timeout"          // the provider did not answer in time
	ClientGone      Outcome = "client_gone"      // the client left before the end; usage is still read
	Crashed         Outcome = "crashed"          // the gateway died in between; written by recovery
	InternalFailure Outcome = "internal_failure" // a fault of lakegate itself
)

// UsageSource says where token counts come from.
type UsageSource string

// The usage sources.
const (
	UsageProvider UsageSource = "provider" // the provider's own final count
	UsagePartial  UsageSource = "partial"  // the provider's count so far: the answer broke off before the final one
	UsageNone     UsageSource = "none"     // the provider sent no count, or was not asked; the token columns are NULL

	// UsageEstimated is of attempts only, never of a row: a target that lost a race was cut off before it
	// said what it used. The input is estimated by its size, the output by what had come of it.
	UsageEstimated UsageSource = "estimated"
)

// Usage is what a call consumed, in tokens as the provider counts them. Nil means unknown.
//
// The counts nest, in OpenAI's convention and that of Databricks' system.ai_gateway.usage: Input
// includes CachedInput, CacheWrite, InputAudio, InputImage and InputVideo; Output includes Reasoning,
// OutputAudio, OutputImage and OutputVideo. Readers of other conventions (Anthropic's input_tokens leaves the
// cache out, Gemini's candidates leave the thoughts out) add up before they fill it in.
type Usage struct {
	Source UsageSource
	Input  *int64
	Output *int64
	Total  *int64

	CachedInput  *int64 // input tokens read from the provider's prompt cache
	CacheWrite   *int64 // input tokens written to it, whatever their lifetime
	CacheWrite1h *int64 // the part of CacheWrite that is kept for an hour
	InputAudio   *int64 // the part of Input that is audio, cached or not
	InputImage   *int64 // the part of Input that is images, cached or not
	InputVideo   *int64 // the part of Input that is video, cached or not
	CachedAudio  *int64 // the part of InputAudio that was read from the cache
	CachedImage  *int64 // the part of InputImage that was read from the cache
	Reasoning    *int64 // output tokens spent on reasoning
	OutputAudio  *int64
	OutputImage  *int64
	OutputVideo  *int64

	Searches    *int64 // searches the provider made and bills by the piece
	ToolPrompt  *int64 // the part of Input that built-in tools of the provider added
	ServiceTier string // the provider's word for the tier that answered: default, priority, flex, batch, ...
	Raw         []byte // the provider's usage as it came, a JSON object; nil for none

	InputChars  *int64 // characters of text sent, when counted
	OutputChars *int64 // characters of text received, when counted
}

// PrincipalKind tells people from programs, in Databricks' words.
type PrincipalKind string

// The kinds of principal.
const (
	User             PrincipalKind = "USER"
	ServicePrincipal PrincipalKind = "SERVICE_PRINCIPAL"
)

// Principal is who is calling. The zero Principal is nobody: the call had no valid key.
type Principal struct {
	Name    string            // e-mail or application id; the requester column
	Kind    PrincipalKind     // USER unless the key says otherwise
	KeyID   string            // name of the API key, never the key
	KeyTags map[string]string // what the server knows of the key; callers cannot set it
	Groups  []string
}

// Attempt is one try of one served entity. The client saw the one whose Input, Output and CostNano are
// the row's, else the last.
type Attempt struct {
	Action string // RACE for a target asked beside others; "" for CALL, RETRY or FALLBACK, as the order says

	ServedEntity string // name of the served entity
	Provider     string
	Model        string // provider's model name
	Status       int    // HTTP status, 0 when there was no answer
	Error        string // short reason when it failed, safe to show
	Why          string // why this entity was tried, safe to show; "" where the traffic split alone decided
	Latency      time.Duration

	// What it consumed, unknown where the provider did not say and nothing could be estimated.
	Source   UsageSource // "" when nothing is known
	Input    *int64
	Output   *int64
	CostNano *int64 // its price, in nano-dollars; nil when none is known
}

// ActionRace is the Action of targets that are asked beside others.
const ActionRace = "RACE"

// Outrun is the Error of attempts that were cut off because another target was faster. Nothing is
// wrong with those.
const Outrun = "another target was faster"

// Purposes of requests that lakegate makes by itself, beside a client's; a client's own has none.
const (
	PurposeShadow  = "shadow"  // its answer is only recorded
	PurposeCompare = "compare" // its answer is held beside the client's
	PurposeJudge   = "judge"   // it asks which of two answers is better
)

// Cost is the money a call cost by the installation's price list: list prices, with its own prices
// and discounts on top.
type Cost struct {
	NanoUSD      int64  // 1e-9 US dollars
	ListNanoUSD  *int64 // the same at the provider's list price; nil when the list has none
	PriceVersion string // version of the price list it was computed from
}

// CacheUse says what the response cache did for a call that asked it. A hit consumes nothing: the
// call's Usage is unknown and its Cost zero, and what the answer took when it was made is here.
type CacheUse struct {
	Hit          bool
	SavedNanoUSD *int64 // what the answer cost; nil when no price was known
	SavedInput   *int64 // tokens of its input; nil when the provider gave no count
	SavedOutput  *int64
}

// Target says what answered, or what was asked to: one served entity of one endpoint.
type Target struct {
	Endpoint       string // endpoint name; for an unknown endpoint the name that was asked for
	EndpointID     string // empty for an unknown endpoint
	ServedEntity   string
	ServedEntityID string
	Provider       string // openai, custom, ...
	Model          string // the model that answered, as the provider names it in its answer, else as configured
	Task           string // llm/v1/chat, llm/v1/completions, llm/v1/embeddings
	UpstreamAPI    string // the wire format the provider was asked in, such as anthropic-messages; "" when none was asked
}

// Payload is the text of a call, kept whole. A nil slice means it was not there.
type Payload struct {
	Table            string   // full name of the payload table the row goes to, "" for none
	SamplingFraction float64  // 1 keeps all
	Request          []byte   // body as the client sent it
	Response         []byte   // body as the provider sent it, or as it was translated for the client; a stream is joined into one answer
	ErrorCodes       []string // what could not be kept, e.g. RESPONSE_INCOMPLETE
}

// Record is everything known about one request. Fields are filled as the request proceeds; an
// admitted record that never gets an outcome becomes a row with Outcome Crashed.
type Record struct {
	ID              ID
	Time            time.Time // when the request was received, UTC
	Principal       Principal
	Target          Target
	APIType         string // surface that was called, e.g. openai/v1/chat/completions, mlflow/v1/invocations, sql/ai_query
	URL             string // path of the request, without query
	RequestedModel  string // model field of the body
	ClientRequestID string
	UsageContext    map[string]string // what the caller says it is for: body, header and metadata, merged
	Streaming       bool
	UserAgent       string
	RemoteIP        string

	Status           int // HTTP status the client got, 0 when it got none
	Outcome          Outcome
	ErrorCode        string        // e.g. ENDPOINT_NOT_FOUND, rate_limit_exceeded
	ErrorMessage     string        // public text, no secrets, no prompt
	Latency          time.Duration // receipt to last byte of the answer
	TimeToFirstToken *time.Duration
	UpstreamLatency  *time.Duration // time spent waiting for providers
	Attempts         []Attempt
	Usage            Usage
	Cost             *Cost     // nil when no price is known; ExtraNanoUSD is in it
	ExtraNanoUSD     *int64    // what attempts cost whose answer the client did not get; nil when nothing of that is known
	Cache            *CacheUse // nil: the response cache was not asked
	PromptVersion    int64     // of the endpoint's prompt template that the call was made with; 0: none
	Generated        bool      // made-up history of the demo
	Purpose          string    // "" for a client's request; else what lakegate made it for
	Parent           ID        // the client's request that it was made beside; zero for a client's
	Payload          Payload
}

// Answered returns the attempt whose answer the client got, or whose failure it was told of; nil when
// none was made. It is not always the last: others may have raced it.
func (r *Record) Answered() *Attempt {
	var told *Attempt
	blamed := false // told is the row's target's
	for i := range r.Attempts {
		a := &r.Attempts[i]
		own := a.ServedEntity == r.Target.ServedEntity
		switch {
		case a.Error == "":
			return a
		case told == nil, a.Error != Outrun && (own || !blamed):
			told, blamed = a, own && a.Error != Outrun
		}
	}
	return told
}

// EntityChange is one row of served_entities: a served entity appeared, changed or went away.
type EntityChange struct {
	Time             time.Time
	EndpointID       string
	EndpointName     string
	ServedEntityID   string
	ServedEntityName string
	EntityType       string // EXTERNAL_MODEL, CUSTOM_MODEL
	EntityName       string // the model
	EntityVersion    string
	ConfigVersion    int32 // counts the changes of the endpoint
	Task             string
	Provider         string
	CreatedBy        string
	DeleteTime       *time.Time // set when the endpoint was removed
}

// Loss is one row of losses: facts that were dropped, or that are gone from the log.
type Loss struct {
	Time    time.Time // when it was noticed
	Since   time.Time // when the first of them was lost, as far as that is known
	Table   string    // the table whose rows they would have been; "" when that is not known
	Rows    int64     // how many, at least
	AtLeast bool      // there may be more
	Reason  LossReason
	Detail  string // for people
}

// LossReason says why facts are lost.
type LossReason string

// The reasons.
const (
	DiskFull   LossReason = "DISK_FULL"   // dropped: no room in the log, and the policy is to drop
	Backlog    LossReason = "BACKLOG"     // dropped: too much of the log waited for the store, and the policy is to drop
	PowerCut   LossReason = "POWER_CUT"   // they were acknowledged and not on disk when the power went
	GivenUp    LossReason = "GIVEN_UP"    // a damaged part of the log was repaired without them
	TableStuck LossReason = "TABLE_STUCK" // dropped: their table took no rows for too long, and the policy is to drop
)

// Audit is one row of audit: somebody changed something through the API, or tried to.
type Audit struct {
	Time      time.Time
	Service   string // Databricks' name of the service, such as serverlessRealTimeInference
	Action    string // such as createServingEndpoint
	RequestID string
	Actor     string // the principal
	RemoteIP  string // "" when it came over no network
	UserAgent string
	Params    map[string]string // what was asked for and what changed; no secrets
	Status    int               // HTTP status of the answer
	Error     string            // public text when it was refused
}

// Fact is what the log carries and rows are made of: exactly one of its fields is set.
type Fact struct {
	Record     *Record
	Entity     *EntityChange
	Loss       *Loss
	Audit      *Audit
	Comparison *Comparison
}
