package gateway

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/cache"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/limits"
	"github.com/lakegate/lakegate/serving/rollout"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// work is a call under way.
type work struct {
	*Gateway
	*visible
	call *Call

	mayCall  func(endpoint string) bool
	admin    bool
	endpoint *endpoint.Endpoint // nil until it is known, and known to be allowed
	req      wire.Request
	codec    *wire.Codec // of the client's format
	deadline time.Time   // of the whole call
	// streaming: the client wants a stream.
	streaming bool

	chat    *chat.Request      // req in the common form, once it was needed; or
	embed   *chat.EmbedRequest // that of embeddings
	dropped []string           // fields the attempt under way could not pass on
	untold  []string           // those of the endpoint's prompt that the client's format has no words for

	rolled *rollout.Split // how its endpoint's rollout split it; nil: it took no part in one

	racer  *racer          // nil: w is alone
	within context.Context // of what a racer asks upstream

	ruled int // the place of the rule it meets, from 2; 1: none; 0: not looked for yet

	sent  time.Time // when the attempt under way began
	timed bool      // its latency is known

	why  string // of the next attempt: see inference.Attempt
	more bool   // the attempt under way can be followed by another
	// midway is what was wrong with an answer that the client has the beginning of.
	midway *failure

	// after, when set, is called when the client has its answer, with the record and that answer as
	// far as it is there, whole, or joined if it was streamed. It must not wait: an answer may leave
	// with the call's end only.
	after func(r *inference.Record, answer []byte)
}

// visible is what the client and the row see of a call. The calls of one goroutine use it; what is
// below mu, others too.
type visible struct {
	resp Responder
	rec  *inference.Record
	span Span // nil: nobody follows the call

	reservation limits.Reservation
	ticket      Ticket
	admitted    bool // a ticket is held
	over        bool // the record went out
	started     bool // a stream has begun
	answered    bool // the client has the end of its answer, or was left without

	flight atomic.Pointer[cache.Flight] // which the call leads, with followers who wait for its answer; nil for none

	othersOK bool // the answer is whole for them, though the call's own client left

	overlap time.Duration // by how much attempts side by side are longer together than they took

	winner int             // one more than the place of the attempt that answered; 0 for none
	extra  *inference.Cost // of attempts whose answer the client does not get; nil for none known
	kept   []byte          // the answer, where the work's after wants it

	left  func() error    // error of the client's context
	leave <-chan struct{} // closed when the client's context ends
	gone  atomic.Bool     // the client left
	mu    sync.Mutex
	line  *line       // the upstream call in flight, if any
	drain *time.Timer // runs since the client left
}

// newWork returns a work, and what is visible of it, in one piece of memory.
func newWork(g *Gateway, c *Call) *work {
	both := &struct {
		w work
		v visible
	}{w: work{Gateway: g, call: c}}
	both.w.visible = &both.v
	return &both.w
}

// Do runs a call to its end. ctx is the client's: it ends when the client leaves.
func (g *Gateway) Do(ctx context.Context, c *Call, r Responder) {
	g.Meter.Started()
	w := newWork(g, c)
	w.resp, w.rec, w.left, w.leave = r, newRecord(c), ctx.Err, ctx.Done()
	w.after = c.after
	if g.Tracer != nil {
		w.span = g.Tracer.Start(c)
	}
	stop := context.AfterFunc(ctx, w.clientLeft)
	defer func() {
		stop()
		w.end(recover())
	}()
	if err := w.check(); err != nil {
		w.refuse(err)
		return
	}
	if w.endpoint.Cache != nil && w.fromCache() {
		return
	}
	if !w.admitted { // it has waited for another's answer, and got none
		if err := w.admit(); err != nil {
			w.refuse(err)
			return
		}
	}
	if w.endpoint.Shadow != nil {
		w.shadow()
	}
	if w.endpoint.Compare != nil {
		w.compare()
	}
	w.serve()
	if k, ok := w.resp.(*keeper); ok {
		w.land(k, w.keepAnswer(k))
	}
	if w.after != nil {
		w.after(w.rec, w.kept)
	}
}

func newRecord(c *Call) *inference.Record {
	if c.ID == (inference.ID{}) {
		c.ID = inference.NewID()
	}
	if c.Received.IsZero() {
		c.Received = time.Now()
	}
	return &inference.Record{
		ID:        c.ID,
		Time:      c.Received.UTC(),
		Target:    inference.Target{Endpoint: clip(c.Endpoint, maxName)},
		APIType:   c.Surface.APIType,
		URL:       clip(c.URL, maxURL),
		UserAgent: clip(c.UserAgent, maxAgent),
		RemoteIP:  c.RemoteIP,
		Purpose:   c.purpose,
		Parent:    c.parent,
		Usage:     inference.Usage{Source: inference.UsageNone},
	}
}

// admit makes the call durable before anything is spent on it.
func (w *work) admit() *apierr.Error {
	if !w.recorded() {
		return nil
	}
	admission := *w.rec // what was handed to a recorder doesn't change any more
	t, err := w.Recorder.Admit(&admission)
	if err != nil {
		w.unrecorded("admit", err)
		e := apierr.New(apierr.Unavailable, "the gateway can't record calls at the moment, so it takes none; try again")
		e.RetryAfter = 2 * time.Second
		return e.Because(err)
	}
	w.ticket, w.admitted = t, true
	return nil
}

// recorded reports whether the call leaves a record: all do but those of endpoints that were told
// to keep nothing.
func (w *work) recorded() bool {
	return w.endpoint == nil || w.endpoint.UsageTracking || w.rec.Payload.Table != ""
}

// end settles what is still open, also after a panic.
func (w *work) end(panicked any) {
	w.mu.Lock()
	if w.drain != nil {
		w.drain.Stop()
	}
	w.mu.Unlock()
	if panicked != nil {
		w.Logger.Error("panic in a call", "request_id", w.rec.ID, "panic", fmt.Sprint(panicked), "stack", string(debug.Stack()))
		w.fail(apierr.New(apierr.Internal, "internal error; the request id is %s", w.rec.ID))
	}
	w.reservation.Cancel() // no effect when settled
	if f := w.flight.Load(); f != nil {
		f.Land(nil, 0, true) // no effect when it has landed
	}
}

// fail ends a call that a fault of lakegate itself cut short, wherever that happened. A record
// that is out stays as it is.
func (w *work) fail(err *apierr.Error) {
	if !w.isOver() {
		if !w.admitted {
			w.refuse(err)
			return
		}
		w.rec.ErrorCode, w.rec.ErrorMessage = string(err.Code), err.Message
		status := err.Status
		if w.started {
			status = w.rec.Status
		}
		_ = w.finish(inference.InternalFailure, status) // the client gets an error in any case
	}
	switch {
	case w.answered || w.isGone():
	case w.started:
		w.answered = true
		_ = w.resp.Send(w.streamError(nil, err))
	default:
		w.answerError(err)
	}
}

// refuse records a call that was not admitted and says why.
func (w *work) refuse(err *apierr.Error) {
	w.reservation.Cancel()
	w.rec.Outcome, w.rec.Status = inference.Refused, err.Status
	if err.Code == apierr.Internal {
		w.rec.Outcome = inference.InternalFailure
	}
	w.rec.ErrorCode, w.rec.ErrorMessage = string(err.Code), clip(err.Message, maxURL)
	w.rec.Latency = time.Since(w.call.Received)
	w.setOver()
	if w.recorded() {
		strict := w.endpoint != nil && w.endpoint.Strict
		if e := w.Recorder.Record(w.rec, strict); e != nil {
			w.unrecorded("record", e)
		}
	}
	w.measured()
	w.answerError(err)
}

func (w *work) unrecorded(step string, err error) {
	w.Meter.Unrecorded(step)
	w.Logger.Error("a call's record could not be written", "step", step, "request_id", w.rec.ID, "error", err)
}

func (w *work) answerError(err *apierr.Error) {
	w.answered = true
	_ = w.resp.Answer(&Head{
		ID: w.rec.ID, Status: err.Status, ContentType: "application/json",
		RetryAfter: err.RetryAfterHeader(), Err: err,
	}, err.Body(w.call.Surface.Dialect)) // the record is out: nobody listening changes nothing
}
