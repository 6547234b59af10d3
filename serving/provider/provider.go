// Package provider holds the words between the gateway and the packages that know one kind of
// upstream each.
//
// A Provider is data and one pure function: it turns a request into bytes for an upstream and
// does no I/O, so it is tested with a table. Providers are passed to the gateway by name; none
// registers itself. They are safe for concurrent use.
package provider

import (
	"net/http"
	"net/url"

	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/wire/openai"
)

// Provider is one kind of upstream: how to ask it, and what it can do.
type Provider struct {
	// Build returns what to send. It changes nothing it is given.
	Build func(Ask) Upstream
	Capabilities
}

// Capabilities is what a provider can do.
type Capabilities struct {
	// UsageOption: it understands stream_options.include_usage. The gateway still gets along with
	// a server that turns out not to.
	UsageOption bool
}

// Ask is a call of one entity.
type Ask struct {
	Entity    *endpoint.Entity
	Operation openai.Operation
	Request   *openai.Request
	AskUsage  bool // ask for usage at the end of the stream
}

// Upstream is a request to an upstream. It is the caller's.
type Upstream struct {
	URL    *url.URL
	Header http.Header
	Body   []byte
}

// URL returns where the operation is below the entity's base URL.
func (a *Ask) URL() *url.URL {
	u := *a.Entity.BaseURL
	u.Path, u.RawPath = u.Path+"/"+a.Operation.Path(), ""
	return &u
}

// Header values that never change are shared by all requests: net/http only reads them.
var (
	jsonType = []string{"application/json"}
	events   = []string{"text/event-stream"}
	identity = []string{"identity"}
	agent    = []string{"lakegate"}
)

// Header returns the header that every upstream gets: JSON, no compression, and the entity's key.
func (a *Ask) Header() http.Header {
	h := make(http.Header, 8)
	h["Content-Type"] = jsonType
	h["Accept"] = jsonType
	if a.Request.Stream {
		h["Accept"] = events
	}
	h["Accept-Encoding"] = identity
	h["User-Agent"] = agent
	if a.Entity.AuthHeader != "" {
		h[http.CanonicalHeaderKey(a.Entity.AuthHeader)] = []string{a.Entity.AuthValue.Reveal()}
	}
	return h
}
