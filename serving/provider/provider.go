// Package provider holds the words between the gateway and the packages that know one kind of
// upstream each.
//
// A Provider is data and pure functions: it says which wire formats an entity of it speaks, and
// turns a body in one of them into bytes for an upstream. It does no I/O, so it is tested with a
// table. Providers are passed to the gateway by name; none registers itself. They are safe for
// concurrent use.
package provider

import (
	"net/http"
	"net/url"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/wire"
)

// Provider is one kind of upstream: how to ask it, and what it can do.
type Provider struct {
	// Formats are the formats an entity speaks for an operation, the best first. nil: it can't do
	// that. A client's call in one of them passes through; others are translated to the first that
	// can be translated to.
	Formats func(e *endpoint.Entity, op wire.Operation) []wire.Format
	// Build returns what to send. It changes nothing it is given. The error says why there is
	// nothing to send, without secrets.
	Build func(*Ask) (Upstream, error)
	Capabilities
}

// Capabilities is what a provider can do.
type Capabilities struct {
	// UsageOption: it understands stream_options.include_usage. The gateway still gets along with
	// a server that turns out not to.
	UsageOption bool
	// BilledByID: what it bills is the model's id that was asked for, which says more than the name
	// in an answer may: Bedrock's ids have the region of an inference profile, and its price.
	BilledByID bool
}

// Ask is a call of one entity.
type Ask struct {
	Entity *endpoint.Entity
	Format wire.Format // how Body is written: one of Formats
	Stream bool
	// Body is what to send, not to be changed: the entity's model is in it where the format has
	// the model in the body, and lakegate's own fields are not. nil where there is none to send.
	Body        []byte
	ContentType string // of Body, "" for JSON; a form's has its boundary
	// Header is what of the client's header may pass on: Anthropic-Beta, Anthropic-Version,
	// Openai-Beta and Idempotency-Key. It may be nil.
	Header http.Header
	// Method and Suffix are set for resources below the format's own path, such as an answer that
	// was stored: GET and "/resp_1/input_items". "" otherwise.
	Method, Suffix string
	Query          string // goes with Suffix
}

// Upstream is a request to an upstream. It is the caller's, but for Body, which may be the Ask's.
type Upstream struct {
	Method  string // "" is POST
	URL     *url.URL
	Header  http.Header
	Body    []byte
	Framing Framing // of a streamed answer
	// Reshape makes a whole answer one of the Ask's format, where the upstream says the same in
	// another shape; nil where it does not.
	Reshape func(body []byte) ([]byte, error)
}

// Framing is how the events of a stream are told apart.
type Framing int

// The framings.
const (
	SSE       Framing = iota // server-sent events
	AWSEvents                // AWS's binary event stream
)

// Header values that never change are shared by all requests: net/http only reads them.
var (
	jsonType = []string{"application/json"}
	anyType  = []string{"*/*"}
	events   = []string{"text/event-stream"}
	identity = []string{"identity"}
	agent    = []string{"lakegate"}
)

// NewHeader returns the header that every upstream gets: JSON, no compression, the client's
// idempotency key and the entity's key.
func (a *Ask) NewHeader() http.Header {
	h := make(http.Header, 8)
	switch {
	case a.ContentType != "":
		h["Content-Type"] = []string{a.ContentType}
	case a.Body != nil:
		h["Content-Type"] = jsonType
	}
	switch {
	case a.Stream:
		h["Accept"] = events
	case a.Format == wire.OpenAISpeech || a.Format == wire.OpenAITranscripts:
		h["Accept"] = anyType
	default:
		h["Accept"] = jsonType
	}
	h["Accept-Encoding"] = identity
	h["User-Agent"] = agent
	a.PassOn(h, "Idempotency-Key")
	if a.Entity.AuthHeader != "" {
		h[http.CanonicalHeaderKey(a.Entity.AuthHeader)] = []string{a.Entity.AuthValue.Reveal()}
	}
	return h
}

// PassOn copies headers of the client to h, by their canonical names.
func (a *Ask) PassOn(h http.Header, names ...string) {
	for _, n := range names {
		if v := a.Header[n]; len(v) > 0 {
			h[n] = v
		}
	}
}

// URL returns a path below the entity's base URL, with Suffix and Query behind it.
func (a *Ask) URL(path string) *url.URL {
	u := *a.Entity.BaseURL
	u.Path, u.RawPath, u.RawQuery = u.Path+path+a.Suffix, "", a.Query
	return &u
}
