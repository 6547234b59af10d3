// Package endpoint says what a serving endpoint is, and holds all of them in one catalog.
//
// A Catalog, its Endpoints and their Entities are immutable once made: a request takes one
// catalog at its start and keeps it to the end, and a new configuration file makes a new
// catalog. Everything here is safe for concurrent use, and must be treated as read-only.
//
// The package opens no connection and reads no file: internal/config makes endpoints from the
// configuration, tests by hand.
package endpoint

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/lakegate/lakegate/internal/secret"
	"github.com/lakegate/lakegate/internal/tableschema"
	"github.com/lakegate/lakegate/serving/prompt"
)

// The tasks: which API the models of an endpoint answer.
const (
	Chat          = "llm/v1/chat"
	Completions   = "llm/v1/completions"
	Embeddings    = "llm/v1/embeddings"
	Images        = "llm/v1/images"
	Speech        = "llm/v1/speech"
	Transcription = "llm/v1/transcription"
	Moderations   = "llm/v1/moderations"
	Rerank        = "llm/v1/rerank"

	// Agents of Databricks: chat in all but name.
	AgentChat      = "agent/v1/chat"
	AgentResponses = "agent/v1/responses"
)

// Tasks returns all tasks.
func Tasks() []string {
	return []string{
		Chat, Completions, Embeddings, Images, Speech, Transcription, Moderations, Rerank, AgentChat, AgentResponses,
	}
}

// Endpoint is one name that applications call, and what stands behind it.
type Endpoint struct {
	Name        string
	ID          string // made from the name: the same after a restart and on every gateway
	Task        string // one of Tasks; all entities have the same
	Description string
	Tags        map[string]string

	// Entities are in the order of the file, which is also the order of fallback. There are 1
	// to 10 of them.
	Entities []*Entity
	// Weights are percentages of the traffic, one per entity in the same order, with sum 100.
	// An entity with 0 gets traffic only as a fallback.
	Weights []int
	// Fallback lets a call that failed at one entity go on to the others.
	Fallback bool

	// RateLimits are in the order of the file. One of the endpoint always binds; of the others the
	// nearest to the caller does: its own, else its groups', else that of each user. See serving/limits.
	RateLimits    []RateLimit
	UsageTracking bool          // false only where the file says so
	Payload       *PayloadTable // nil: payloads are not kept

	// DropUnsupported: fields of a request that its provider can't be told are dropped and named
	// in a header of the answer, instead of refused.
	DropUnsupported bool

	Cache   *ResponseCache // nil: answers are not cached
	Compare *Compare       // nil: no answers are compared

	Rollout *Rollout // nil: Weights alone split the traffic

	Strict  bool          // a row is on disk before the last byte of the answer
	Timeout time.Duration // of the whole call, all attempts together; never 0
	// FirstTokenTimeout bounds an attempt until the first byte of a whole answer came, or the first
	// token of a streamed one; 0: the others alone bound it.
	FirstTokenTimeout time.Duration
	// AttemptTimeout bounds an attempt until the client has something of it: a whole answer, or the
	// first token of a streamed one; 0: no bound of its own.
	AttemptTimeout time.Duration
	// IdleTimeout bounds how long a provider may be silent in the middle of its answer; 0: as long as
	// the gateway allows.
	IdleTimeout time.Duration
	Retries     Retries
	Breaker     Breaker
	// StickyBy says what the split of the traffic goes by: "" for chance, StickyRequester, StickyTag
	// and the name of a tag, or StickyHeader and the canonical name of a header.
	StickyBy string
	Rules    []Rule    // the first that a call meets counts
	Strategy *Strategy // nil: entities are drawn by the percentages
	// WarmUp: connections to the providers are opened before there are calls, and kept open.
	WarmUp bool

	Prompt *prompt.Prompt // nil: callers bring all of their messages

	Race   *Race   // nil: one entity at a time is asked
	Shadow *Shadow // nil: nobody else is asked

	// Origin is what is known of an endpoint made through the API; nil for one of the configuration
	// file.
	Origin *Origin

	Created time.Time // when this endpoint was first seen, UTC
	// ConfigVersion counts the versions of the endpoint's entities and traffic, from 1.
	ConfigVersion int32
}

// Entity is one model at one provider.
type Entity struct {
	Name     string // unique in its endpoint
	ID       string // made from the endpoint's and the entity's name
	Model    string // as the provider names it
	Task     string
	Provider string // as provider packages name themselves
	// BaseURL is what paths of the provider's API are appended to. For APIs like OpenAI's it ends
	// with the version (https://api.openai.com/v1, "chat/completions" follows); for all others it
	// ends before (https://api.anthropic.com, https://generativelanguage.googleapis.com,
	// https://api.cohere.com, a Databricks workspace, Azure's resource). Its path has no slash at
	// the end, and it has neither query nor user.
	BaseURL *url.URL
	// AuthHeader is the canonical name of the header that carries AuthValue. Both are empty for a
	// provider that wants no key.
	AuthHeader string
	AuthValue  secret.String // the header's whole value, e.g. "Bearer ..."
	// MoreKeys are whole values of AuthHeader too, at most 15, for when AuthValue is refused or its
	// quota is used up.
	MoreKeys     []secret.String
	Organization string // value of OpenAI-Organization, "" for none

	// Auth, when set, puts the credential on each request, instead of AuthHeader.
	Auth Auth
	// Vendor is whose model it is, where a provider hosts several: bedrock_provider, a publisher.
	Vendor     string
	Project    string // Google Cloud's
	Region     string // AWS's or Google Cloud's
	Deployment string // Azure's; "" for OpenAI itself
	APIVersion string // Azure's: a date, "v1" or "preview"

	// Block is the name of the provider's block in the configuration (openai_config, ...), and
	// Settings are its members as they may be shown: no secrets. Values are texts, or maps of texts.
	Block    string
	Settings map[string]any

	// Usage says where an answer of a shape of one's own has its token counts; nil for the usual.
	Usage *UsagePaths
}

// Auth puts the credential of a provider on requests. It is safe for concurrent use.
type Auth interface {
	// Apply changes r's header. body is all that is sent. It may wait for a token, within ctx; the
	// error tells no secret.
	Apply(ctx context.Context, r *http.Request, body []byte) error
	// Refused says that the provider did not take the credential: another one is fetched in the
	// background, if it was not just fetched.
	Refused()
	// Secrets are texts that must never be passed on, should the provider quote them.
	Secrets() []string
}

// UsagePaths are the places of counts in an answer, or in events of a stream, as names of members
// joined by dots: "meta.tokens.in". "" is not there.
type UsagePaths struct{ Input, Output, Total, CachedInput, Reasoning, Model string }

// LimitKey says whose calls a rate limit counts together.
type LimitKey string

// The limit keys, in Databricks' words.
const (
	PerEndpoint         LimitKey = "endpoint"          // everybody's
	PerUser             LimitKey = "user"              // each principal's own, or those of Principal alone
	PerGroup            LimitKey = "user_group"        // those of all members of group Principal
	PerServicePrincipal LimitKey = "service_principal" // those of service principal Principal
)

// RateLimit bounds calls, tokens or both in any window of length Period.
type RateLimit struct {
	Calls     *int64 // nil: not bounded; 0: nobody may call
	Tokens    *int64 // nil: not bounded
	Key       LimitKey
	Principal string // "" for PerEndpoint, and for PerUser when it holds for each user
	Period    time.Duration
}

// PayloadTable is where the bodies of an endpoint's calls are kept.
type PayloadTable struct {
	Table            tableschema.Name
	SamplingFraction float64 // above 0, up to 1: the part of the calls that is kept
	RetentionDays    int     // whole days after which rows are deleted; 0: never
	WhenFull         string  // what happens when the log is full: block, shed_payloads or drop
}
