package gateway

import (
	"slices"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/route"
)

// plan appends the entities to try, in order, at least one; w.why says why the first is first.
// Stored answers are where they are, and what follows one is made there.
func (w *work) plan(dst []*endpoint.Entity) []*endpoint.Entity {
	if w.call.Stored != nil {
		if dst = w.planStored(dst); len(dst) > 0 {
			return dst
		}
	}
	if e := w.predecessor(); e != nil {
		return append(dst, e)
	}
	rule := w.rule()
	if rule < 0 && w.endpoint.Choice() == endpoint.Weighted {
		draw := w.draw()
		if w.rollsOut(draw) {
			return route.From(dst, w.endpoint, w.endpoint.Rollout.Target)
		}
		return route.Plan(dst, w.endpoint, w.weights(), draw)
	}
	var buf [16]int // more than an endpoint of a configuration has
	return w.planned(dst, w.chosen(buf[:0], rule))
}

// weights returns the percentages of the endpoint's entities, with sum 100, in their order. The
// slice is not to be changed.
func (w *work) weights() []int { return w.endpoint.Weights }

// rule returns the place of the rule that the call meets, -1 for none. It is looked for once.
func (w *work) rule() int {
	if len(w.endpoint.Rules) == 0 {
		return -1
	}
	if w.ruled == 0 {
		w.ruled = 2 + route.Rule(w.endpoint.Rules, &route.Asked{
			Header: w.call.ClientHeader, UsageContext: w.rec.UsageContext,
			Requester: w.rec.Principal.Name, Groups: w.rec.Principal.Groups,
			Model: w.rec.RequestedModel, InputTokens: w.inputTokens(), Streaming: w.streaming,
		})
	}
	return w.ruled - 2
}

// only returns the rule whose entities alone may see the call, nil where there is no such rule.
func (w *work) only() *endpoint.Rule {
	if i := w.rule(); i >= 0 && w.endpoint.Rules[i].Only {
		return &w.endpoint.Rules[i]
	}
	return nil
}

// stays refuses a call that would have to go on at an entity that its rule keeps it from.
func (w *work) stays() *apierr.Error {
	r := w.only()
	if r == nil || w.call.Stored != nil { // of that, its provider learns nothing but that it is fetched
		return nil
	}
	e := w.predecessor()
	if e == nil || slices.ContainsFunc(r.To, func(i int) bool { return w.endpoint.Entities[i] == e }) {
		return nil
	}
	return apierr.New(apierr.InvalidParameter, "the answer that this one is to follow is stored at %q, and rule %q keeps this request from there: send the conversation itself", e.Name, r.Name).At("previous_response_id")
}

// inputTokens estimates the tokens of the input: a quarter of its characters, where those were
// counted, else of the body's bytes. A form is sound or pictures, and has none.
func (w *work) inputTokens() int64 {
	switch n := w.rec.Usage.InputChars; {
	case n != nil:
		return (*n + 3) / 4
	case w.req.IsForm():
		return 0
	default:
		return int64(len(w.req.Body())+3) / 4
	}
}

// chosen appends the places of the entities that the call is for, in the order they are to be tried:
// those of its rule, else those of the endpoint's strategy.
func (w *work) chosen(dst []int, rule int) []int {
	if rule >= 0 {
		r := &w.endpoint.Rules[rule]
		w.because("rule " + r.Name)
		dst = append(dst, r.To...)
	} else {
		dst = w.candidates(dst)
	}
	if len(dst) > 1 {
		w.order(dst)
	}
	return dst
}

// candidates appends the places of the entities that a strategy chooses from.
func (w *work) candidates(dst []int) []int {
	if s := w.endpoint.Strategy; s.Among != nil {
		return append(dst, s.Among...)
	}
	for i, n := range w.weights() {
		if n > 0 {
			dst = append(dst, i)
		}
	}
	return dst
}

// order puts the entities at list, of which there are several, into the order of the strategy. Where
// the percentages decide and none of them has any, the order stays.
func (w *work) order(list []int) {
	if by := w.endpoint.Choice(); by != endpoint.Weighted {
		w.rank(list, by)
	} else if weights := w.weights(); route.Sum(weights, list) > 0 {
		toFront(list, route.Among(weights, list, w.draw()))
	}
}

// toFront moves the i-th of a list to its beginning.
func toFront(list []int, i int) {
	x := list[i]
	copy(list[1:i+1], list[:i])
	list[0] = x
}

// planned appends the entities at chosen, as many as may be tried, and those to fall back to.
func (w *work) planned(dst []*endpoint.Entity, chosen []int) []*endpoint.Entity {
	all := w.endpoint.Entities
	dst = append(dst, all[chosen[0]])
	if !w.endpoint.Fallback {
		return dst
	}
	for _, i := range chosen[1:] {
		dst = append(dst, all[i])
	}
	if w.only() != nil {
		return dst
	}
	for i, x := range all {
		if !slices.Contains(chosen, i) && w.endpoint.FallsBackTo(i) {
			dst = append(dst, x)
		}
	}
	return dst
}
