// Package probe sends a gateway calls whose outcome is known, from outside and as any client would,
// and asks the tables for them back.
//
// A Round makes four calls of OpenAI's chat API, which every chat endpoint answers whatever its provider:
// one answered whole, one streamed, one that must be refused, and one that is left by its client. Then it
// asks, through SQL, for the row of each until it is there or Config.Within has passed, and compares: one
// row and not two, the status the client saw, the tokens the answer told of, a cost, and the payload where
// the endpoint keeps payloads. Each comparison is a Check. A Round that could make no call at all is
// checks that failed, not an error: what the probe finds out is what it is for.
//
// The calls are real: they cost what a few dozen tokens cost, and have usage_context['probe'] to tell them
// apart by. The package knows neither the gateway's code nor its configuration. It is safe for concurrent
// use; its tests have a fake gateway that lies.
package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Config says what is probed.
type Config struct {
	URL      string // of the gateway, without a path
	Key      string // an API key that may call the endpoint and read its tables
	Endpoint string // a chat endpoint

	Timeout time.Duration // of a call
	Within  time.Duration // how long a row may take to be there
	Every   time.Duration // between two looks for it
	// Unpriced: the endpoint's model has no price, and costs are not asked for.
	Unpriced bool
}

// DefaultConfig has everything but what is probed.
func DefaultConfig() Config {
	return Config{Timeout: time.Minute, Within: 30 * time.Second, Every: 250 * time.Millisecond}
}

// Validate returns every fault of the configuration.
func (c Config) Validate() error {
	var faults []error
	if u, err := url.Parse(c.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		faults = append(faults, fmt.Errorf("URL %q: want http://HOST or https://HOST", c.URL))
	}
	if c.Key == "" {
		faults = append(faults, errors.New("an API key is needed"))
	}
	if c.Endpoint == "" {
		faults = append(faults, errors.New("an endpoint is needed"))
	}
	if c.Timeout <= 0 || c.Within <= 0 || c.Every <= 0 {
		faults = append(faults, errors.New("times must be above zero"))
	}
	return errors.Join(faults...)
}

// Query runs a SELECT and returns its rows; nil is NULL. It must not be cached.
type Query func(ctx context.Context, sql string) ([][]*string, error)

// Check is one thing looked at.
type Check struct {
	Call   string // whole, stream, error or left
	Name   string // answer, row, tokens, cost or payload
	OK     bool
	Detail string        // what was found, for people
	Took   time.Duration // of answer: the call; of row: from the answer's end until SQL had it
}

// Probe probes one endpoint of one gateway.
type Probe struct {
	config Config
	query  Query
	client *http.Client
}

// New returns a probe. client may be nil.
func New(c Config, query Query, client *http.Client) (*Probe, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("probe: %w", err)
	}
	c.URL = strings.TrimRight(c.URL, "/")
	return &Probe{config: c, query: query, client: cmp.Or(client, http.DefaultClient)}, nil
}

// Round makes the calls and returns what was found, in a fixed order. It ends early with ctx.
func (p *Probe) Round(ctx context.Context) []Check {
	r := &round{Probe: p, id: uuid.NewString(), began: time.Now().UTC()}
	table, kept := p.payloadTable(ctx)
	for _, make := range []func(context.Context) *sent{r.whole, r.stream, r.refused, r.left} {
		s := make(ctx)
		r.calls = append(r.calls, s)
		r.checks = append(r.checks, s.answer)
	}
	r.findRows(ctx)
	for _, s := range r.calls {
		if s.row != nil {
			r.compare(s)
		}
	}
	switch {
	case kept != nil:
		r.add("whole", "payload", false, "the endpoint could not be asked whether it keeps payloads: "+kept.Error())
	case table != "":
		r.findPayloads(ctx, table)
	}
	return r.checks
}

// Failed reports whether any check did.
func Failed(checks []Check) bool {
	for i := range checks {
		if !checks[i].OK {
			return true
		}
	}
	return false
}

// round is one run of the probe.
type round struct {
	*Probe
	id     string // in every call's text and tags
	began  time.Time
	calls  []*sent
	checks []Check
}

func (r *round) add(call, name string, ok bool, detail string) {
	r.checks = append(r.checks, Check{Call: call, Name: name, OK: ok, Detail: detail})
}
