package gateway

import (
	"errors"
	"net"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/endpoint"
)

// serve tries the entities in turn and gives the client the answer, or what there is to say without one.
func (w *work) serve() {
	if w.isGone() { // before anything was spent
		w.answered = true
		w.clientGone(0)
		return
	}
	var buf [4]*endpoint.Entity
	plan := w.plan(buf[:0])
	var last *failure
	if list := w.racers(plan); len(list) > 1 {
		last = w.tryRace(list, plan)
	} else {
		last = w.tryAll(plan)
	}
	if last != nil {
		w.giveUp(last)
	}
}

// try makes one attempt at an entity, and gives the client its answer. A failure is returned
// instead of told, so that another entity may do better.
func (w *work) try(e *endpoint.Entity) *failure {
	t := &w.rec.Target
	t.ServedEntity, t.ServedEntityID, t.Provider, t.Model = e.Name, e.ID, e.Provider, e.Model
	p, f := w.target(e)
	if f != nil {
		w.note(e, 0, time.Now(), f.reason)
		return f
	}
	f = w.attempt(p)
	if f != nil && p.askUsage && f.refusesUsageOption() {
		w.lax.Store(e.ID, true)
		w.Logger.Warn("a provider does not know stream_options; streams from it are asked without", "endpoint", w.endpoint.Name, "entity", e.Name)
		if !w.isGone() {
			p.askUsage, w.why = false, "asked again without stream_options"
			f = w.attempt(p)
		}
	}
	return f
}

// giveUp tells the client what was wrong.
func (w *work) giveUp(f *failure) {
	w.rec.ErrorCode, w.rec.ErrorMessage = f.code(), clip(f.message(), maxURL)
	w.keepResponse(f.raw)
	if f.cut {
		w.incomplete()
	}
	outcome, status := f.outcome, f.err.Status
	if w.isGone() && outcome != inference.InternalFailure {
		outcome, status = inference.ClientGone, 0
		w.rec.ErrorCode, w.rec.ErrorMessage = string(apierr.ClientClosed), "the client left before the answer"
	}
	err := w.finish(outcome, status)
	switch {
	case w.isGone():
		w.answered = true
	case w.mustNotAnswer(err):
		w.answerError(unrecordedError())
	case f.passOn:
		w.answered = true
		_ = w.resp.Answer(&Head{
			ID: w.rec.ID, Status: f.err.Status, ContentType: "application/json", ServedModel: w.rec.Target.ServedEntity,
			RetryAfter: f.err.RetryAfterHeader(), Err: f.err,
		}, f.raw)
	default:
		w.answerError(f.err)
	}
}

// failure is an attempt that came to nothing the client has seen.
type failure struct {
	err     *apierr.Error
	outcome inference.Outcome
	status  int    // the provider's, 0 for none
	reason  string // for the row: short, without anything the provider wrote
	word    string // the provider's own code for it
	raw     []byte // what the provider sent, its key taken out
	passOn  bool   // raw is an error in the client's dialect
	another bool   // another entity may do better
	again   bool   // the provider was busy or at fault: it may do better itself, later
	cut     bool   // raw is a part of an answer
	lost    bool   // nothing is wrong: another racer was faster

	wait time.Duration    // what the provider asked to wait for, 0 for nothing
	used *inference.Usage // what it took all the same; nil when the provider did not say
}

// unasked reports whether the entity was not asked, because it can't be told what the client wants.
func (f *failure) unasked() bool { return f.outcome == inference.Refused }

func (f *failure) code() string {
	if f.word != "" {
		return clip(f.word, maxName)
	}
	return string(f.err.Code)
}

// message is the row's: the provider's own text may quote the prompt, so it stays in the payload.
func (f *failure) message() string {
	if f.err.Code == apierr.ProviderError {
		return f.reason
	}
	return f.err.Message
}

// note adds an attempt to the record.
func (w *work) note(e *endpoint.Entity, status int, start time.Time, reason string) {
	w.noteUsed(e, status, start, reason, nil)
}

// noteUsed is note of an attempt whose answer the client does not get, though it took something.
func (w *work) noteUsed(e *endpoint.Entity, status int, start time.Time, reason string, used *inference.Usage) {
	a := inference.Attempt{
		ServedEntity: e.Name, Provider: e.Provider, Model: e.Model,
		Status: status, Error: reason, Latency: time.Since(start), Why: w.why,
	}
	w.why = ""
	if w.racer != nil {
		w.racer.note(w, a, used)
		return
	}
	w.consumed(&a, used)
	w.rec.Attempts = append(w.rec.Attempts, a)
	if reason == "" {
		w.winner = len(w.rec.Attempts)
	}
}

// cutOff explains an upstream call that ended by an error, cause being what its line was cut with.
func cutOff(cause, err error, midway bool) *failure {
	switch {
	case errors.Is(cause, errOutrun):
		return outrun()
	case errors.Is(cause, errFirstToken):
		return timedOut(err, "the provider did not begin to answer in time", true)
	case errors.Is(cause, errAttempt):
		return timedOut(err, "the provider did not answer in the time of an attempt", true)
	case errors.Is(cause, errTotal):
		return timedOut(err, "the provider did not finish its answer in time", false)
	case errors.Is(cause, errIdle):
		return timedOut(err, "the provider fell silent in the middle of its answer", true)
	case errors.Is(cause, errDrained):
		return &failure{
			err:     apierr.New(apierr.ClientClosed, "the client left before the answer").Because(err),
			outcome: inference.ClientGone, reason: errDrained.Error(),
		}
	case errors.Is(cause, errStopping):
		f := &failure{
			err:     apierr.New(apierr.Unavailable, "the gateway is stopping; try again").Because(err),
			outcome: inference.InternalFailure, reason: errStopping.Error(),
		}
		f.err.RetryAfter = time.Second
		return f
	case midway:
		return atFault(badGateway(err, inference.UpstreamBroken, "the provider's answer broke off"))
	case isDial(err):
		return atFault(badGateway(err, inference.UpstreamError, "the provider can't be reached"))
	default:
		return atFault(badGateway(err, inference.UpstreamError, "the provider closed the connection without an answer"))
	}
}

// atFault says of a failure that the provider may do better when it is asked again.
func atFault(f *failure) *failure {
	f.again = true
	return f
}

func isDial(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

func timedOut(err error, text string, another bool) *failure {
	return &failure{err: apierr.New(apierr.UpstreamTimeout, "%s", text).Because(err), outcome: inference.Timeout, reason: text, another: another, again: another}
}

func badGateway(err error, outcome inference.Outcome, text string) *failure {
	return &failure{err: apierr.New(apierr.BadGateway, "%s", text).Because(err), outcome: outcome, reason: text, another: true}
}
