package gateway

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"time"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/judge"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/openai"
)

// compare has this call's answer compared with another entity's, if its turn has come and it gets
// a good one from either side of the comparison. What only some entities may see, a judge may not.
func (w *work) compare() {
	if w.repeatable() && w.codec.Operation != wire.OpEmbeddings && w.chance(w.endpoint.Compare.Share) && w.only() == nil {
		w.after = w.contest
	}
}

// maxCompared bounds answers that are compared, in bytes: they are kept until the judge is asked, which
// sees no more than a part of longer ones.
const maxCompared = 1 << 20

// contest asks the other side what the client asked, and then the judge. It happens in the
// background, as the calls that lakegate makes by itself.
func (w *work) contest(r *inference.Record, answer []byte) {
	baseline, challenger := w.endpoint.Compare.Sides(w.endpoint)
	c := &contest{Gateway: w.Gateway, cfg: w.endpoint.Compare, codec: w.codec, request: w.req.Body(), principal: &r.Principal, clientRequestID: r.ClientRequestID}
	other := challenger
	switch {
	case r.Outcome != inference.OK || r.Status != http.StatusOK || len(answer) == 0:
		return
	case r.Target.ServedEntityID == baseline.ID:
		c.fact.Answered = inference.Baseline
	case r.Target.ServedEntityID == challenger.ID:
		c.fact.Answered, other = inference.Challenger, baseline
	default:
		return // a fallback answered
	}
	if len(answer) > maxCompared {
		w.Meter.NotMade(r.Target.Endpoint, inference.PurposeCompare, "large")
		return
	}
	f := &c.fact
	f.RequestID, f.RequestTime, f.Requester, f.UsageContext = r.ID, r.Time, r.Principal.Name, r.UsageContext
	f.Endpoint, f.EndpointID, f.Name, f.JudgeEndpoint = r.Target.Endpoint, r.Target.EndpointID, c.cfg.Name, c.cfg.Judge
	f.Baseline.ServedEntity, f.Challenger.ServedEntity = baseline.Name, challenger.Name
	*c.side(f.Answered) = compared(r)
	w.askBeside(other, inference.PurposeCompare, func(o *inference.Record, second []byte) { c.run(o, answer, second) })
}

// contest is a comparison under way. It belongs to one goroutine.
type contest struct {
	*Gateway
	cfg             *endpoint.Compare
	codec           *wire.Codec // of the question and both answers
	request         []byte
	principal       *inference.Principal
	clientRequestID string
	fact            inference.Comparison
}

func (c *contest) side(s inference.Side) *inference.Compared {
	if s == inference.Baseline {
		return &c.fact.Baseline
	}
	return &c.fact.Challenger
}

// compared is what a row says of its answer.
func compared(r *inference.Record) inference.Compared {
	s := inference.Compared{
		ServedEntity: r.Target.ServedEntity, Model: r.Target.Model, Latency: r.Latency, TimeToFirstToken: r.TimeToFirstToken,
		Output: r.Usage.Output, NanoUSD: answerNanos(r),
	}
	for i := range r.Attempts {
		if a := &r.Attempts[i]; a.Error == "" {
			s.Latency = a.Latency // those before it are not the answer's fault
		}
	}
	return s
}

// answerNanos is what the answer itself cost, without attempts that came to nothing.
func answerNanos(r *inference.Record) *int64 {
	if r.Cost == nil {
		return nil
	}
	nanos := r.Cost.NanoUSD
	if r.ExtraNanoUSD != nil {
		nanos -= *r.ExtraNanoUSD
	}
	return &nanos
}

// run takes the other side's answer, gets a verdict, and records the comparison.
func (c *contest) run(o *inference.Record, answer, other []byte) {
	f := &c.fact
	of := f.Answered.Other()
	f.OtherID, f.Winner = o.ID, inference.None
	*c.side(of) = compared(o)
	if o.Outcome == inference.OK && o.Status == http.StatusOK && len(other) > 0 {
		c.judge(map[inference.Side][]byte{f.Answered: answer, of: other})
	} else {
		f.Error = fmt.Sprintf("the %s gave no answer: %s, status %d", of, o.Outcome, o.Status)
	}
	f.Time = time.Now().UTC()
	if err := c.Recorder.Comparison(f); err != nil {
		c.Meter.Unrecorded("comparison")
		c.Logger.Error("a comparison could not be recorded", "request_id", f.RequestID, "error", err)
	}
	c.Meter.Compared(f.Endpoint, f.Winner)
}

// judge shows the judge both answers, in an order drawn by lot.
func (c *contest) judge(answers map[inference.Side][]byte) {
	f := &c.fact
	f.FirstShown = inference.Baseline
	if c.Draw() >= 1<<31 {
		f.FirstShown = inference.Challenger
	}
	text, err := c.verdict(judge.Prompt(&judge.Case{
		Rubric: c.cfg.Rubric, Question: c.question(), Mark: "@@" + rand.Text()[:10],
		First: c.text(answers[f.FirstShown]), Second: c.text(answers[f.FirstShown.Other()]),
	}))
	if err != nil {
		f.Error = clip("the judge gave no verdict: "+string(err.Code)+": "+judgeFault(err), maxURL)
		return
	}
	v, unreadable := judge.Parse(text)
	switch {
	case unreadable != nil:
		f.Error = unreadable.Error()
		return
	case v.Winner == judge.Tie:
		f.Winner = inference.Tie
	case v.Winner == judge.First:
		f.Winner = f.FirstShown
	default:
		f.Winner = f.FirstShown.Other()
	}
	f.Reason = v.Reason
}

// judgeFault says what went wrong. A provider's own text may quote the prompt, so that is left out.
func judgeFault(err *apierr.Error) string {
	if err.Code == apierr.ProviderError {
		return fmt.Sprintf("the provider answered %d", err.Status)
	}
	return err.Message
}

// apiJudge is the API type of what judges are asked.
const apiJudge = "lakegate/judge"

// coldly is how a judge is asked, where it can be.
var coldly = []byte(`{"temperature":0}`)

// verdict asks the judge. Some models take no temperature: they are asked without, then and later.
func (c *contest) verdict(prompt string) (string, *apierr.Error) {
	if _, warm := c.warm.Load(c.cfg.Judge); warm {
		return c.askJudge(prompt, nil)
	}
	text, err := c.askJudge(prompt, coldly)
	if err == nil || err.Status != http.StatusBadRequest {
		return text, err
	}
	text, again := c.askJudge(prompt, nil)
	if again != nil {
		return "", err
	}
	c.warm.Store(c.cfg.Judge, true)
	return text, nil
}

// askJudge makes one call at the judge's endpoint, in the name of whoever asked the question. That
// the endpoint judges, its owner has decided: the caller needs no permission to call it.
func (c *contest) askJudge(prompt string, params []byte) (string, *apierr.Error) {
	op := wire.OpChat
	if e, ok := c.Live.Load().Catalog.Lookup(c.cfg.Judge); ok {
		op = wire.OperationOf(e.Task)
	}
	if op != wire.OpChat && op != wire.OpCompletions {
		return "", apierr.New(apierr.InvalidParameter, "endpoint %q can't judge: it serves %s", c.cfg.Judge, op)
	}
	opts := &AskOptions{Params: params, ClientRequestID: c.clientRequestID, UsageContext: c.fact.UsageContext}
	answer := &collector{op: op}
	call := &Call{
		ID: inference.NewID(), Received: time.Now(),
		Surface:  Surface{APIType: apiJudge, ByBody: true},
		Endpoint: c.cfg.Judge,
		Body:     func(limit int64) ([]byte, *apierr.Error) { return askBody(op, prompt, opts, limit) },
		caller:   &caller{principal: *c.principal, mayCall: func(name string) bool { return name == c.cfg.Judge }, admin: true},
		purpose:  inference.PurposeJudge, parent: c.fact.RequestID,
		after: func(r *inference.Record, _ []byte) { c.fact.JudgeCost = answerNanos(r) },
	}
	c.Do(context.Background(), call, answer) // ends with the judge's own time, or by Stop
	c.fact.JudgeID, c.fact.JudgeLatency = call.ID, time.Since(call.Received)
	return answer.text, answer.err
}

// question says what the client asked.
func (c *contest) question() string {
	if t := c.codec.Chat; t != nil && t.DecodeRequest != nil {
		if r, err := t.DecodeRequest(c.request); err == nil {
			return judge.Question(r)
		}
	}
	return string(c.request)
}

// text says what an answer says.
func (c *contest) text(answer []byte) string {
	text := ""
	switch t := c.codec.Chat; {
	case t != nil && t.DecodeAnswer != nil:
		a, err := t.DecodeAnswer(answer)
		if err != nil {
			return string(answer)
		}
		text = judge.Answer(a)
	case c.codec.Operation == wire.OpCompletions:
		text, _ = openai.AnswerText(wire.OpCompletions, answer)
	default:
		return string(answer)
	}
	if text == "" {
		return "[nothing]"
	}
	return text
}
