package route

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lakegate/lakegate/serving/endpoint"
)

// Line is one line of the table that an endpoint's routing is. Its lines are read from the top: the
// rules in their order, then what becomes of all other calls, then what happens when an attempt fails.
type Line struct {
	Step string   `json:"step"` // prompt, rule, rollout, split or strategy, race, shadow, compare, retry, fallback, circuit, time, cache
	Name string   `json:"name,omitempty"`
	When string   `json:"when"`         // which calls it is for, or after what
	To   []string `json:"to,omitempty"` // served entities
	How  string   `json:"how"`
}

// Describe returns an endpoint's routing as one table, in words. It has no secrets, and looks at the
// configuration alone: what percentages are at the moment, and how entities are doing, is not in it.
func Describe(e *endpoint.Endpoint) []Line {
	d := &describer{e: e}
	d.prompt()
	for i := range e.Rules {
		r := &e.Rules[i]
		l := Line{Step: "rule", Name: r.Name, When: conditions(&r.When), To: d.names(r.To), How: d.amongRule(r.To)}
		if r.Only {
			l.How += "; nobody else is asked, also when they fail"
		}
		d.add(l)
	}
	d.rollout()
	d.others()
	d.beside()
	if e.WarmUp {
		d.add(Line{Step: "warm up", When: "before there are calls", To: d.all(), How: "connections are kept open"})
	}
	d.failures()
	if c := e.Cache; c != nil {
		d.add(Line{Step: "cache", When: "the same question again", How: fmt.Sprintf("answered from memory for %s, per %s", short(c.TTL), strings.TrimSuffix(string(c.Scope)+" "+c.Tag, " "))})
	}
	return d.lines
}

type describer struct {
	e     *endpoint.Endpoint
	lines []Line
}

func (d *describer) add(l Line) { d.lines = append(d.lines, l) }

func (d *describer) names(places []int) []string {
	list := make([]string, len(places))
	for i, at := range places {
		list[i] = d.e.Entities[at].Name
	}
	return list
}

func (d *describer) all() []string {
	list := make([]string, len(d.e.Entities))
	for i, x := range d.e.Entities {
		list[i] = x.Name
	}
	return list
}

// amongRule says how a rule's entities are chosen from.
func (d *describer) amongRule(to []int) string {
	switch {
	case len(to) == 1:
		return "the only one"
	case d.e.Choice() != endpoint.Weighted:
		return d.by()
	case Sum(d.e.Weights, to) == 0:
		return "in this order"
	default:
		return d.shares(to)
	}
}

// others says what becomes of calls that meet no rule.
func (d *describer) others() {
	l := Line{Step: "split", When: "any call"}
	if len(d.e.Rules) > 0 {
		l.When = "any other call"
	}
	var places []int
	for i, w := range d.e.Weights {
		if w > 0 {
			places = append(places, i)
		}
	}
	l.How = d.shares(places)
	if d.e.Choice() != endpoint.Weighted {
		l.Step, l.How = "strategy", d.by()
		if among := d.e.Strategy.Among; among != nil {
			places = among
		}
	}
	l.To = d.names(places)
	d.add(l)
}

// by says what a strategy goes by.
func (d *describer) by() string {
	s := map[endpoint.StrategyKind]string{
		endpoint.LeastBusy: "the fewest calls in flight", endpoint.LowestLatency: "the soonest first token", endpoint.LowestCost: "the lowest price of this call",
	}[d.e.Strategy.By]
	if x := d.e.Strategy.Explore; x > 0 {
		s += fmt.Sprintf("; %g %% of the calls by the percentages", x*100)
	}
	return s
}

// shares says how a split falls.
func (d *describer) shares(places []int) string {
	sum, parts := Sum(d.e.Weights, places), []string{}
	for _, at := range places {
		parts = append(parts, fmt.Sprintf("%.4g %%", 100*float64(d.e.Weights[at])/float64(sum)))
	}
	how := strings.Join(parts, ", ")
	if by := d.e.StickyBy; by != "" {
		how += ", sticky by " + by
	}
	return how
}

// failures says what happens when an attempt fails.
func (d *describer) failures() {
	e := d.e
	if r := e.Retries; r.Attempts > 1 {
		d.add(Line{Step: "retry", When: "408, 429, 5xx, connections, timeouts, before the first visible byte", How: fmt.Sprintf("the same entity up to %d times, after up to %s, doubled up to %s, or Retry-After", r.Attempts, short(r.Backoff), short(r.MaxBackoff))})
	}
	if e.Fallback {
		var to []string
		for i, x := range e.Entities {
			if e.FallsBackTo(i) {
				to = append(to, x.Name)
			}
		}
		d.add(Line{Step: "fallback", When: "an entity has failed, or its circuit is open", To: to, How: "first what is left of the rule or strategy, then these in their order" + d.confined()})
	}
	if b := e.Breaker; b.Enabled {
		when := fmt.Sprintf("%g %% of at least %d attempts of %s have failed", b.FailureShare*100, b.MinCalls, short(b.Window))
		if n := b.ConsecutiveFailures; n > 0 {
			when += fmt.Sprintf(", or %d one after another", n)
		}
		d.add(Line{Step: "circuit", When: when, How: fmt.Sprintf("the entity is left out for %s, then tried by one call at a time", short(b.OpenFor))})
	}
	for _, t := range []struct {
		when string
		d    time.Duration
	}{{"no first token", e.FirstTokenTimeout}, {"an attempt has not answered", e.AttemptTimeout}, {"nothing more of an answer has come", e.IdleTimeout}, {"the call is not over", e.Timeout}} {
		if t.d > 0 {
			d.add(Line{Step: "time", When: t.when + " after " + short(t.d), How: "it is broken off"})
		}
	}
}

// confined says which calls go nowhere else.
func (d *describer) confined() string {
	var names []string
	for i := range d.e.Rules {
		if r := &d.e.Rules[i]; r.Only {
			names = append(names, r.Name)
		}
	}
	if names == nil {
		return ""
	}
	return "; not for calls of rule " + strings.Join(names, ", ")
}

// conditions says which calls meet a condition.
func conditions(c *endpoint.Condition) string {
	var list []string
	add := func(what string, is endpoint.Patterns) {
		if is != nil {
			list = append(list, what+" "+alternatives(is))
		}
	}
	for i := range c.Headers {
		add("header "+c.Headers[i].Name+" is", c.Headers[i].Is)
	}
	for i := range c.UsageContext {
		add("usage_context."+c.UsageContext[i].Name+" is", c.UsageContext[i].Is)
	}
	add("requester is", c.Requesters)
	add("a group is", c.Groups)
	add("model asked is", c.Models)
	if c.MinInput != nil {
		list = append(list, fmt.Sprintf("input of %d tokens or more", *c.MinInput))
	}
	if c.MaxInput != nil {
		list = append(list, fmt.Sprintf("input of %d tokens or less", *c.MaxInput))
	}
	if c.Streaming != nil {
		list = append(list, map[bool]string{true: "streamed", false: "not streamed"}[*c.Streaming])
	}
	return strings.Join(list, ", and ")
}

func alternatives(p endpoint.Patterns) string {
	list := make([]string, len(p))
	for i := range p {
		list[i] = p[i].String()
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), " or ")
}

// short writes a duration without the zeros at its end.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
