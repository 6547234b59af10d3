package gateway

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/health"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// repeatable reports whether what the client asks may be asked elsewhere too: a question of chat,
// completions or embeddings that is complete by itself and changes nothing but what it answers. What
// lakegate asks by itself is not.
func (w *work) repeatable() bool {
	if w.call.purpose != "" || w.call.Stored != nil || w.call.Suffix != "" || w.call.Method != "" || w.req.IsForm() {
		return false
	}
	switch w.codec.Operation {
	case wire.OpChat, wire.OpCompletions, wire.OpEmbeddings:
	default:
		return false
	}
	_, id := w.followed() // where one provider has it, no other does
	return id == "" && !w.leavesMore()
}

// leavesMore reports whether a request of the Responses API is for more than its answer: it writes into
// a conversation at the provider, or starts what goes on after the answer.
func (w *work) leavesMore() bool {
	if w.codec.Format != wire.OpenAIResponses {
		return false
	}
	for _, name := range [...]string{"conversation", "background"} {
		if _, k := w.req.Member(name); k != rawjson.Invalid && k != rawjson.Null && k != rawjson.False {
			return true
		}
	}
	return false
}

// askBeside asks an entity what w's client asks, whole or streamed as the client does, as a call of
// its own: with a record of its own, its own time, and nobody listening. It counts towards no limit
// and knows no response cache. It goes on in the background after w's end; done, when it is not
// nil, is called there with the record and the whole answer in the client's format.
//
// false: it is not made, since too many are under way or the entity's circuit is open. w is as it
// was in any case; it must have passed its check.
func (w *work) askBeside(e *endpoint.Entity, purpose string, done func(r *inference.Record, answer []byte)) bool {
	if w.base.Err() != nil {
		return false
	}
	select {
	case w.beside <- struct{}{}:
	default:
		w.Meter.NotMade(w.endpoint.Name, purpose, "busy")
		return false
	}
	b := w.aside(purpose)
	pass, ok := b.enter(e)
	if !ok {
		<-w.beside
		w.Meter.NotMade(w.endpoint.Name, purpose, "circuit")
		return false
	}
	b.after = done
	go func() { // ends with the call: at the latest with its endpoint's timeout, or by Stop
		defer func() { <-b.beside }()
		b.runAside(e, pass)
	}()
	return true
}

// aside returns a call of its own that asks what w asks.
func (w *work) aside(purpose string) *work {
	call := *w.call
	call.ID, call.Received = inference.NewID(), time.Now()
	call.purpose, call.parent = purpose, w.rec.ID
	b := *w // what was asked is the same, and nothing else
	b.visible = &visible{resp: nobody{}, left: func() error { return nil }}
	b.call, b.deadline = &call, call.Received.Add(w.endpoint.Timeout)
	b.chat, b.embed, b.dropped, b.why, b.more, b.midway, b.after = nil, nil, nil, "", false, nil, nil
	b.rolled = nil // nobody has its answer
	r := *w.rec
	r.ID, r.Time, r.Purpose, r.Parent = call.ID, call.Received.UTC(), purpose, w.rec.ID
	r.Status, r.Outcome, r.ErrorCode, r.ErrorMessage = 0, "", "", ""
	r.Latency, r.TimeToFirstToken, r.UpstreamLatency, r.Attempts = 0, nil, nil, nil
	r.Usage = inference.Usage{Source: inference.UsageNone, InputChars: r.Usage.InputChars}
	r.Cost, r.ExtraNanoUSD, r.Cache = nil, nil, nil
	r.Target = inference.Target{Endpoint: r.Target.Endpoint, EndpointID: r.Target.EndpointID, Task: r.Target.Task}
	r.Payload = inference.Payload{Table: r.Payload.Table, SamplingFraction: r.Payload.SamplingFraction, Request: r.Payload.Request}
	b.rec = &r
	return &b
}

// runAside runs a call of lakegate's own from its admission to its end.
func (w *work) runAside(e *endpoint.Entity, pass health.Pass) {
	w.Meter.Started()
	if w.Tracer != nil {
		w.span = w.Tracer.Start(w.call)
	}
	w.serveAside(e, pass)
	if w.after == nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			w.Logger.Error("panic after a call", "request_id", w.rec.ID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	w.after(w.rec, w.kept)
}

func (w *work) serveAside(e *endpoint.Entity, pass health.Pass) {
	entered := false
	defer func() {
		p := recover()
		if !entered {
			w.untried(e, pass)
		}
		w.end(p)
	}()
	if err := w.admit(); err != nil {
		w.refuse(err)
		return
	}
	entered = true
	if f := w.persist(e, pass, false); f != nil {
		w.giveUp(f)
	}
}

// Settle waits, within ctx, for the calls that lakegate has made by itself. It is for the end, when
// no client calls any more and before the Recorder closes.
func (g *Gateway) Settle(ctx context.Context) error {
	for n := range cap(g.beside) {
		select {
		case g.beside <- struct{}{}:
			defer func() { <-g.beside }()
		case <-ctx.Done():
			return fmt.Errorf("wait for %d calls beside clients': %w", len(g.beside)-n, context.Cause(ctx))
		}
	}
	return nil
}

// nobody is the Responder of calls that nobody has made.
type nobody struct{}

func (nobody) Answer(*Head, []byte) error { return nil }
func (nobody) Start(*Head) error          { return nil }
func (nobody) Send([]byte) error          { return nil }
func (nobody) Abort()                     {}
