package demo

import (
	"slices"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
)

// experiment is a comparison that ran in the history, all of whose verdicts are Judge's.
type experiment struct {
	days
	endpoint, name, baseline, challenger string
	share                                float64 // of the calls that one of the two answered
	ties, wins                           float64 // of all; of those with a winner, the challenger's
	baselineWhy, challengerWhy           string
}

var experiments = []experiment{
	{
		days{24, 1},
		"chat", "4o-mini-for-chat", "gpt-5-mini", "gpt-4o-mini", 0.04, 0.20, 0.36,
		"It answers every part of the question.", "It is shorter and says the same.",
	},
	{
		days{24, 1},
		"assistant", "mini-for-assistant", "gpt-5", "gpt-5-mini", 0.04, 0.24, 0.48,
		"Its steps can be followed without knowing the system.", "It gets to the point at once.",
	},
	{
		days{24, 10},
		"code", "codex-next", "codex", "codex-next", 0.10, 0.12, 0.66,
		"Its change is smaller.", "It finds the line that breaks and has a test for it.",
	},
}

// A candidate that is asked a part of what chat is asked.
var (
	shadowDays  = days{20, 2}
	shadowShare = 0.05
	shadowed    = "gpt-5-nano"
)

// Judge is the endpoint that says which of two answers is better.
const Judge = "judge"

// beside makes up the requests that lakegate made by itself beside one, when there is room for them.
func (h *history) beside(c *call, room int) {
	if h.Compared == nil || room < 2 || c.Outcome != inference.OK || c.Cache != nil && c.Cache.Hit || c.spike {
		return
	}
	if c.endpoint.Name == "chat" && h.in(c.Time, shadowDays) && h.chance(shadowShare) {
		h.queue(h.own(c, c.endpoint.entity(shadowed), inference.PurposeShadow, c.Time.Add(time.Millisecond)))
		return
	}
	for _, x := range experiments {
		mine := c.Target.ServedEntity
		if x.endpoint == c.endpoint.Name && h.in(c.Time, x.days) && (mine == x.baseline || mine == x.challenger) && h.chance(x.share) {
			h.compare(c, x)
		}
	}
}

// own makes up a call of an entity that lakegate made beside another.
func (h *history) own(of *call, e Entity, purpose string, at time.Time) *call {
	r := &inference.Record{
		ID: h.id(at), Time: at.Truncate(time.Microsecond), Principal: of.Principal, Target: inference.Target{Endpoint: of.endpoint.Name, Task: of.endpoint.Task},
		APIType: of.APIType, URL: of.URL, RequestedModel: of.RequestedModel, UsageContext: of.UsageContext,
		Streaming: of.Streaming, UserAgent: of.UserAgent, RemoteIP: of.RemoteIP, Generated: true, Purpose: purpose, Parent: of.ID,
	}
	c := &call{Record: r, h: h, endpoint: of.endpoint, team: of.team}
	c.aim(e)
	c.answer()
	return c
}

// queue keeps a record until its time has come.
func (h *history) queue(c *call) {
	h.owed++
	i, _ := slices.BinarySearchFunc(h.pending, c.Time, func(r *inference.Record, t time.Time) int { return r.Time.Compare(t) })
	h.pending = slices.Insert(h.pending, i, c.Record)
}

func (h *history) compare(c *call, x experiment) {
	answered, other := inference.Baseline, x.challenger
	if c.Target.ServedEntity == x.challenger {
		answered, other = inference.Challenger, x.baseline
	}
	second := h.own(c, c.endpoint.entity(other), inference.PurposeCompare, c.Time.Add(c.Latency+2*time.Millisecond))
	asked := second.Time.Add(second.Latency + time.Millisecond)
	question := *c
	question.endpoint = h.endpoints[Judge]
	question.Record = &inference.Record{
		ID: c.ID, Principal: c.Principal, Target: inference.Target{Task: c.Target.Task}, APIType: c.APIType, URL: c.URL,
		RequestedModel: Judge, UsageContext: c.UsageContext, UserAgent: c.UserAgent, RemoteIP: c.RemoteIP,
	}
	judge := h.own(&question, question.endpoint.Entities[0], inference.PurposeJudge, asked)
	h.queue(second)
	h.queue(judge)

	v := &inference.Comparison{
		RequestID: c.ID, RequestTime: c.Time, Time: judge.Time.Add(judge.Latency), Endpoint: c.Target.Endpoint, EndpointID: c.Target.EndpointID, Name: x.name,
		Requester: c.Principal.Name, UsageContext: c.UsageContext, OtherID: second.ID, JudgeID: judge.ID, JudgeEndpoint: Judge,
		Answered: answered, JudgeLatency: judge.Latency,
		Baseline: compared(c.Record), Challenger: compared(second.Record),
	}
	if answered == inference.Challenger {
		v.Baseline, v.Challenger = v.Challenger, v.Baseline
	}
	if judge.Cost != nil {
		v.JudgeCost = &judge.Cost.NanoUSD
	}
	h.verdict(v, x)
	h.Compared(v)
}

// verdict draws who wins. Now and then the judge says nothing that can be read.
func (h *history) verdict(v *inference.Comparison, x experiment) {
	v.FirstShown = inference.Baseline
	if h.chance(0.5) {
		v.FirstShown = inference.Challenger
	}
	switch {
	case h.chance(0.01):
		v.Winner, v.Error = inference.None, "the judge's answer has no verdict"
	case h.chance(x.ties):
		v.Winner, v.Reason = inference.Tie, "Both say the same."
	case h.chance(x.wins):
		v.Winner, v.Reason = inference.Challenger, x.challengerWhy
	default:
		v.Winner, v.Reason = inference.Baseline, x.baselineWhy
	}
}

func compared(r *inference.Record) inference.Compared {
	x := inference.Compared{
		ServedEntity: r.Target.ServedEntity, Model: r.Target.Model, Latency: r.Latency,
		TimeToFirstToken: r.TimeToFirstToken, Output: r.Usage.Output,
	}
	if r.Cost != nil {
		x.NanoUSD = &r.Cost.NanoUSD
	}
	return x
}
