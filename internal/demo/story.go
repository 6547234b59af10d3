package demo

import (
	"fmt"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
)

// days is a stretch of a history, in days before its end: [from, to).
type days struct{ from, to float64 }

func (h *history) in(t time.Time, d days) bool {
	ago := h.Now.Sub(t).Hours() / 24
	return ago <= d.from && ago > d.to
}

// What routing did in the history, and when.
var (
	cacheDays  = days{18, 0} // chat has a response cache
	cacheHits  = 0.14
	raceDays   = days{15, 0} // streams of assistant are raced
	hedgeAfter = 1500 * time.Millisecond
	stages     = []struct { // code moves to codex-next
		days
		share float64
		why   string
	}{
		{days{9, 7.5}, 0.05, "rollout: stage 1 of 3, 5% to codex-next"},
		{days{7.5, 5}, 0.25, "rollout: stage 2 of 3, 25% to codex-next"},
		{days{5, 3}, 0.50, "rollout: stage 3 of 3, 50% to codex-next"},
		{days{3, 0}, 1, "rollout: done, all to codex-next"},
	}
)

// direct is what comes before the split of the traffic: the prompt's version, rollouts and rules.
func (c *call) direct() {
	switch c.endpoint.Name {
	case "ticket-summary":
		c.promptVersion()
	case "code":
		c.rollout()
	case "assistant":
		switch {
		case c.UsageContext["project"] == "reindex":
			c.why = "rule reindex"
		case !c.Streaming && c.h.in(c.Time, raceDays):
			c.why = "rule whole"
		}
	}
}

// promptVersion: one version follows the other, and the third is tried on a part.
func (c *call) promptVersion() {
	switch {
	case !c.h.in(c.Time, days{21, 0}):
		c.PromptVersion = 1
	case c.h.in(c.Time, days{12, 0}) && c.h.chance(0.4):
		c.PromptVersion = 3
	default:
		c.PromptVersion = 2
	}
}

func (c *call) rollout() {
	c.entity = c.endpoint.entity("codex")
	for _, s := range stages {
		if !c.h.in(c.Time, s.days) {
			continue
		}
		c.why = s.why
		if c.h.chance(s.share) {
			c.entity = c.endpoint.entity("codex-next")
		}
	}
}

// fromCache answers a part of chat's calls with what was answered before.
func (c *call) fromCache() bool {
	if c.endpoint.Name != "chat" || !c.h.in(c.Time, cacheDays) {
		return false
	}
	c.Cache = &inference.CacheUse{Hit: c.h.chance(cacheHits)}
	if !c.Cache.Hit {
		return false
	}
	c.aim(c.entity)
	c.Target.Model = c.entity.Answers
	c.Status, c.Outcome = 200, inference.OK
	u := c.usage()
	c.Cache.SavedInput, c.Cache.SavedOutput = u.Input, u.Output
	if cost := c.price(c.entity, u); cost != nil {
		c.Cache.SavedNanoUSD = &cost.NanoUSD
		c.Cost = &inference.Cost{PriceVersion: cost.PriceVersion}
	}
	c.Usage = inference.Usage{Source: inference.UsageNone}
	c.Latency = c.h.duration(900*time.Microsecond, 0.4)
	if first := c.Latency / 2; c.Streaming {
		c.TimeToFirstToken = &first
	}
	return true
}

func (c *call) price(e Entity, u inference.Usage) *inference.Cost {
	if c.h.Price == nil {
		return nil
	}
	return c.h.Price(e.Provider, e.Answers, c.Time, u)
}

// again decides whether an entity that failed is asked once more, after a wait.
func (c *call) again(reason string) bool {
	if len(c.Attempts) > 1 || c.outage() || !c.h.chance(0.5) {
		return false
	}
	wait := c.h.duration(250*time.Millisecond, 0.3).Round(time.Millisecond)
	c.waited += wait
	c.why = fmt.Sprintf("%s; waited %s", reason, wait)
	return true
}

// race has another entity asked when the first one has shown nothing for a while. It returns the
// attempts, of which the winner's is the row's, and when the winner began and ended.
func (c *call) race(first, whole time.Duration) (begun, ended time.Duration) {
	if c.endpoint.Name != "assistant" || c.Purpose != "" || !c.Streaming || c.why != "" || !c.h.in(c.Time, raceDays) || len(c.Attempts) > 0 || first <= hedgeAfter {
		return first, whole
	}
	slow, fast := c.entity, c.endpoint.Entities[1]
	c.entity = fast
	begun, ended = c.pace()
	begun, ended = begun+hedgeAfter, ended+hedgeAfter
	winner, loser := fast, slow
	if first <= begun {
		winner, loser, begun, ended = slow, fast, first, whole
	}
	c.lost = c.outrun(loser, begun)
	c.lost.Why = fmt.Sprintf("%s had shown nothing after %s", slow.Name, hedgeAfter)
	c.lost.Action = inference.ActionRace
	if loser == slow {
		c.lost.Action, c.lost.Why = "", ""
		c.why, c.action = fmt.Sprintf("%s had shown nothing after %s", slow.Name, hedgeAfter), inference.ActionRace
	} else {
		c.lost.Latency -= hedgeAfter
	}
	c.aim(winner)
	c.Target.Model = winner.Answers
	return begun, ended
}

// outrun is the attempt of an entity that another was faster than.
func (c *call) outrun(e Entity, after time.Duration) *inference.Attempt {
	none := int64(0)
	a := &inference.Attempt{
		ServedEntity: e.Name, Provider: e.Provider, Model: e.Model, Error: inference.Outrun, Latency: after,
		Source: inference.UsageEstimated, Input: c.Usage.Input, Output: &none,
	}
	if cost := c.price(e, inference.Usage{Source: inference.UsageEstimated, Input: a.Input, Output: &none, Total: a.Input}); cost != nil {
		a.CostNano = &cost.NanoUSD
	}
	return a
}

// together puts the attempt that lost beside the one that won, and its cost on the row.
func (c *call) together() {
	if c.lost == nil {
		return
	}
	if c.lost.Action == "" {
		c.Attempts = []inference.Attempt{*c.lost, c.Attempts[0]}
	} else {
		c.Attempts = append(c.Attempts, *c.lost)
	}
	if extra := c.lost.CostNano; extra != nil && c.Cost != nil {
		c.ExtraNanoUSD = extra
		c.Cost.NanoUSD += *extra
		if c.Cost.ListNanoUSD != nil {
			list := *c.Cost.ListNanoUSD + *extra
			c.Cost.ListNanoUSD = &list
		}
	}
}
