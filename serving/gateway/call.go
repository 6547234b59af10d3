package gateway

import (
	"net/http"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire"
)

// Surface is the API that was called.
type Surface struct {
	APIType string // as rows have it, e.g. openai/v1/chat/completions
	Dialect apierr.Dialect
	// Format is what clients of the API send and expect.
	Format wire.Format
	// ByBody: the API takes bodies of several formats, as Databricks' invocations do. The body and
	// the endpoint's task tell which, and Format does not count.
	ByBody bool
	// DataOnly: streams have data lines and nothing else, whatever the provider sends, because the
	// API's clients refuse other lines.
	DataOnly bool
	// Refusal, when set, is the answer to every call that has a valid key: the API is not there.
	Refusal *apierr.Error
}

// Call is a request before anything was checked.
type Call struct {
	ID       inference.ID // zero: one is made
	Received time.Time    // zero: now
	Surface  Surface
	Endpoint string // name of the endpoint; "" takes the body's model
	Token    string // the API key
	// Body returns the body, which must not change while the call runs. It is called once at
	// most, not for stored answers, and may refuse a body of more than limit bytes.
	Body func(limit int64) ([]byte, *apierr.Error)
	Tags []string // values of the header Databricks-Ai-Gateway-Request-Tags
	// Stream: the answer is to be streamed, though the body may not say so.
	Stream bool
	// NoCache: the answer is not to come from the response cache. NoStore: nor is it to be kept.
	NoCache, NoStore bool
	// Header has what of the client's header goes on to the provider, by canonical names.
	Header http.Header
	// ClientHeader is the client's whole header, of which rules look at what they name. It is only
	// read, and may be nil.
	ClientHeader http.Header
	// Boundary is that of a form; "" for bodies that are JSON.
	Boundary string
	// Stored is set when the call is about an answer that the provider has stored: its endpoint,
	// when Endpoint is empty, is the one it was made at.
	Stored *Stored
	// Method and Suffix are set for resources below the format's own path; see provider.Ask.
	Method, Suffix string

	// TraceParent and TraceState are the client's headers of W3C's Trace Context, for a Tracer.
	TraceParent, TraceState string

	URL       string // path, without query
	UserAgent string
	RemoteIP  string

	caller *caller // set by Ask: who is calling is known
	// purpose and parent are set for what lakegate asks by itself, beside a client's call.
	purpose string
	parent  inference.ID
	// after, when set, is what the work's is.
	after func(r *inference.Record, answer []byte)
}

// caller is somebody whose key was checked elsewhere.
type caller struct {
	principal inference.Principal
	mayCall   func(endpoint string) bool
	admin     bool
}

// Head is what goes before an answer's body.
type Head struct {
	ID          inference.ID
	Status      int
	ContentType string
	ServedModel string        // name of the entity that answered, "" for none
	Dropped     []string      // fields of the request that its provider could not be told
	Cache       CacheState    // "" where the endpoint has no response cache
	Age         time.Duration // of a hit
	Prompt      int64         // version of the endpoint's prompt, 0 for none
	RetryAfter  string        // whole seconds, "" for none
	Err         *apierr.Error // set when the answer is an error; the body says the same
}

// Responder carries the answer to whoever asked. It is called from one goroutine: either Answer
// once, or Start and then Send any number of times. An error means that nobody is listening any
// more; the call goes on without it.
type Responder interface {
	// Answer sends a whole answer. It must not keep the body.
	Answer(h *Head, body []byte) error
	// Start begins a stream of server-sent events.
	Start(h *Head) error
	// Send passes on events, which it must not keep, and makes sure they leave at once.
	Send(events []byte) error
	// Abort says that what was sent since Start is not the whole answer, which the client can tell
	// by nothing else. Nothing is sent after it.
	Abort()
}
