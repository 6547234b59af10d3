// Package gateway is the path of a call, in order and without HTTP: who is calling, what for, may
// they, which entity answers, and what it came to.
//
// Do takes a Call and gives its answer to a Responder. What it promises:
//
//   - Every call becomes exactly one record. A call that is refused is recorded by one
//     Recorder.Record, and so is one that the response cache answers, before its answer goes out;
//     a call that goes upstream by one Recorder.Admit before that and one
//     Recorder.Finish after, whatever happens in between: a panic, a client that leaves, a
//     gateway that stops. (An endpoint whose configuration turns usage tracking off, and keeps
//     no payloads, leaves no records of its calls.)
//   - The record is as durable as the endpoint asks before the answer's last byte goes out: a
//     whole answer is sent after Finish, a stream's end is held back until then.
//   - A call that can't be admitted is refused with 503. When Finish fails, a strict endpoint's
//     answer is refused or its stream ends in an error; a relaxed endpoint's goes out, because
//     the admission is in the log and makes a row. Both are counted by Meter.Unrecorded.
//   - A client that leaves is not obeyed at once: the provider bills for what it was asked, so
//     its answer is read on, within Config.DrainTimeout and DrainBytes, for its final usage.
//   - The body a client sent is never changed: each attempt is made from it afresh. Another
//     entity, or the same one again, is tried only as long as the client has not seen a byte of an
//     answer; a stream is held back until its first token where another attempt may follow.
//   - Where an entity's provider speaks the client's format, bodies pass but for the model and
//     lakegate's own fields, and answers and streams byte for byte. Else both formats' codecs
//     translate. Usage is read by the provider's in either case. What the provider can't be told
//     refuses the attempt by name or, where the endpoint says so, is dropped and named in the Head.
//
// One catalog and one set of keys, taken from Live at its start, serve a call to its end. A
// Gateway is safe for concurrent use, and a call is one goroutine: Do returns when its work is
// done. Package gatewaytest has fakes of what a gateway needs.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/cache"
	"github.com/lakegate/lakegate/serving/health"
	"github.com/lakegate/lakegate/serving/limits"
	"github.com/lakegate/lakegate/serving/provider"
	"github.com/lakegate/lakegate/serving/rollout"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/formats"
)

// Ticket stands for an admitted call. It means something to its Recorder only.
type Ticket any

// Recorder makes facts durable. The records it is given don't change any more.
type Recorder interface {
	// Admit returns when the call can't be lost any more.
	Admit(*inference.Record) (Ticket, error)
	// Finish gives an admitted call its outcome. It is called once per ticket. strict asks for
	// the record to be on disk when it returns.
	Finish(t Ticket, r *inference.Record, strict bool) error
	// Record takes a call that was never admitted.
	Record(r *inference.Record, strict bool) error
	// Comparison takes what a judge said of two answers. It does not change any more.
	Comparison(c *inference.Comparison) error
}

// Pricer knows what a usage costs. It returns nil when it knows no price.
type Pricer interface {
	Price(provider, model string, at time.Time, u inference.Usage) *inference.Cost
}

// Meter is told what happens, for metrics. It must not keep records.
type Meter interface {
	Started()
	Finished(*inference.Record)
	// Translated is told of each request that was put into another format, and how many of its
	// fields were left out.
	Translated(from, to wire.Format, dropped int)
	// NotMade is told of each call that lakegate would have made by itself, beside a client's, and why
	// it was not made: busy, circuit or large.
	NotMade(endpoint, purpose, why string)
	// Compared is told of each answer that was compared with another, and which side won.
	Compared(endpoint string, winner inference.Side)
	// Unrecorded is told that a record could not be written; step is admit, finish, record or comparison.
	Unrecorded(step string)
}

// Config bounds what a call may take.
type Config struct {
	MaxBody      int64         // bytes of a request's body
	MaxAnswer    int64         // bytes of an answer, streamed or not
	MaxEvent     int           // bytes of one event of a stream
	IdleTimeout  time.Duration // longest silence of a provider in the middle of an answer, or up to a quarter less, where the endpoint has none of its own
	DrainTimeout time.Duration // how long an answer is read on after its client left
	DrainBytes   int64         // and how much of it
	MaxTags      int           // tags of a call: usage_context, header and metadata together
	MaxTagKey    int           // bytes of a tag's name
	MaxTagValue  int           // bytes of a tag's value
	MaxBeside    int           // calls at once that lakegate makes by itself, beside clients'
}

// DefaultConfig returns the bounds to use when nothing is said.
func DefaultConfig() Config {
	return Config{
		MaxBody: 32 << 20, MaxAnswer: 128 << 20, MaxEvent: 16 << 20,
		IdleTimeout: 5 * time.Minute, DrainTimeout: 30 * time.Second, DrainBytes: 8 << 20,
		MaxTags: 64, MaxTagKey: 256, MaxTagValue: 1024, MaxBeside: 256,
	}
}

// Validate returns every fault of the configuration.
func (c Config) Validate() error {
	var faults []error
	positive := func(name string, ok bool) {
		if !ok {
			faults = append(faults, fmt.Errorf("gateway: %s must be above zero", name))
		}
	}
	positive("MaxBody", c.MaxBody > 0)
	positive("MaxAnswer", c.MaxAnswer > 0)
	positive("MaxEvent", c.MaxEvent > 0)
	positive("IdleTimeout", c.IdleTimeout > 0)
	positive("DrainTimeout", c.DrainTimeout > 0)
	positive("DrainBytes", c.DrainBytes > 0)
	positive("MaxTags", c.MaxTags > 0)
	positive("MaxTagKey", c.MaxTagKey > 0)
	positive("MaxTagValue", c.MaxTagValue > 0)
	positive("MaxBeside", c.MaxBeside > 0)
	return errors.Join(faults...)
}

// Parts is what a gateway is made of. All up to Logger are required.
type Parts struct {
	Live      *Live
	Recorder  Recorder
	Pricer    Pricer
	Meter     Meter
	Providers map[string]provider.Provider // by name, as entities have it
	Logger    *slog.Logger

	Transport http.RoundTripper           // nil: NewTransport()
	Tracer    Tracer                      // nil: none
	Limiter   *limits.Limiter             // nil: a fresh one
	Draw      func() uint32               // random numbers for routing; nil: math/rand
	Rollouts  *rollout.Table              // of the catalog in force; nil: what is rolled out gets no calls
	Cache     *cache.Cache                // answers of endpoints that want them kept; nil: a fresh one
	Codecs    map[wire.Format]*wire.Codec // the wire formats; nil: formats.Table
}

// Gateway runs calls.
type Gateway struct {
	config Config
	Parts

	base context.Context // of everything upstream; ended by Stop
	stop context.CancelCauseFunc

	// lax holds the IDs of entities that turned out not to know stream_options.
	lax sync.Map
	// warm holds the names of endpoints that judge, and whose models turned out to take no temperature.
	warm sync.Map
	// beside has one for each call that lakegate makes by itself.
	beside chan struct{}
	// health is how entities have been doing.
	health health.Entities
	// places is where providers have stored answers.
	places places
}

// New returns a gateway.
func New(c Config, p Parts) (*Gateway, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if p.Live == nil || p.Recorder == nil || p.Pricer == nil || p.Meter == nil || p.Logger == nil || len(p.Providers) == 0 {
		return nil, errors.New("gateway: Live, Recorder, Pricer, Meter, Providers and Logger are required")
	}
	if p.Transport == nil {
		p.Transport = NewTransport()
	}
	if p.Limiter == nil {
		p.Limiter = limits.New(nil)
	}
	if p.Cache == nil {
		p.Cache = cache.New(nil)
	}
	if p.Rollouts == nil {
		p.Rollouts = rollout.NewTable(p.Logger)
	}
	if p.Draw == nil {
		p.Draw = rand.Uint32
	}
	if p.Codecs == nil {
		p.Codecs = formats.Table
	}
	g := &Gateway{config: c, Parts: p, beside: make(chan struct{}, c.MaxBeside)}
	g.base, g.stop = context.WithCancelCause(context.Background())
	return g, nil
}

// Stop breaks off every call upstream: what is in flight ends with an error and its record. It is
// for the end of a graceful shutdown, when waiting longer is no use, and safe to call twice.
// Settle waits for what Do does not.
func (g *Gateway) Stop() { g.stop(errStopping) }
