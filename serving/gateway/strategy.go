package gateway

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/health"
	"github.com/lakegate/lakegate/serving/route"
	"github.com/lakegate/lakegate/serving/wire"
)

// rated is what a strategy knows of an entity. The zero rated, but for its place, is one of which
// nothing is known.
type rated struct {
	place int     // among the endpoint's entities
	value float64 // lower is better
	shown float64 // what the row says: the value before it fades
	known bool
	rests bool // its circuit is open: it comes last
	old   bool // its latency is to be measured anew
}

// rank puts the entities at list into the order of a strategy.
func (w *work) rank(list []int, by endpoint.StrategyKind) {
	var buf [16]rated
	all := buf[:0]
	for _, i := range list {
		all = append(all, w.rate(i, by))
	}
	if w.explores() {
		slices.SortStableFunc(all, compare)
		raise(all, w.drawn(all))
		w.because("explored")
	} else {
		w.sort(all, by)
		w.because(w.saying(all, by))
	}
	for i := range all {
		list[i] = all[i].place
		if by == endpoint.LowestLatency && i > 0 {
			w.latency(w.healthAt(all[i].place)).Pass()
		}
	}
}

// explores reports whether the call is one of those that are drawn by the percentages all the same.
func (w *work) explores() bool {
	x := w.endpoint.Strategy.Explore
	return x > 0 && float64(w.Draw()) < x*(1<<32)
}

// rate says how good an entity is for the call.
func (w *work) rate(place int, by endpoint.StrategyKind) rated {
	r, h, now := rated{place: place}, w.healthAt(place), time.Now()
	r.rests = w.breaks() && h.Circuit.Rests(now)
	switch by {
	case endpoint.LeastBusy:
		r.shown, r.known = float64(h.InFlight.Load()), true
		// One that fails at once would be the least busy of all: its failures count for a while.
		r.value = r.shown + math.Floor(h.Failed.Value(now))
	case endpoint.LowestCost:
		r.value, r.known = w.price(w.endpoint.Entities[place], h)
		r.shown = r.value
	default:
		x := w.latency(h).Expect(now)
		r.known, r.shown, r.value = x.Measured > 0, float64(x.Measured), float64(x.Faded)
		switch {
		case x.Taken && r.known:
			r.value = r.shown
		case x.Taken: // it comes last, as one of which nothing is known
		case !r.known:
			r.known, r.old = true, true // and it is the best there can be
		default:
			r.old = x.Old()
		}
	}
	return r
}

// sort puts the best first. Of several that are as good, one is drawn by the percentages. One whose
// latency is old is first for one call only, which measures it.
func (w *work) sort(all []rated, by endpoint.StrategyKind) {
	for {
		slices.SortStableFunc(all, compare)
		if n := alike(all); n > 1 {
			raise(all, w.drawn(all[:n]))
		}
		first := &all[0]
		if !first.old || by != endpoint.LowestLatency || w.latency(w.healthAt(first.place)).Take(time.Now()) {
			return
		}
		first.old, first.known, first.value = false, first.shown > 0, first.shown
	}
}

func compare(a, b rated) int {
	switch {
	case a.rests != b.rests:
		return falseFirst(a.rests, b.rests)
	case a.known != b.known:
		return falseFirst(b.known, a.known)
	default:
		return cmp.Compare(a.value, b.value)
	}
}

// falseFirst puts false before true.
func falseFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// alike returns how many of a sorted list are as good as the first.
func alike(all []rated) int {
	n := 1
	for n < len(all) && compare(all[0], all[n]) == 0 {
		n++
	}
	return n
}

// raise moves the i-th to the front.
func raise(all []rated, i int) {
	x := all[i]
	copy(all[1:i+1], all[:i])
	all[0] = x
}

// drawn draws one by the percentages, or by the same parts where none has any, and returns its place
// in the list.
func (w *work) drawn(all []rated) int {
	var buf [16]int
	list := buf[:0]
	for i := range all {
		list = append(list, all[i].place)
	}
	if weights := w.weights(); route.Sum(weights, list) > 0 {
		return route.Among(weights, list, w.Draw())
	}
	return int(w.Draw() % uint32(len(list)))
}

func (w *work) healthAt(place int) *health.Entity {
	return w.health.Of(w.endpoint.Entities[place].ID)
}

// price estimates what the call costs at an entity, in nano-dollars: its input by its size, its output
// by the answers there were, and not longer than the caller allows.
func (w *work) price(e *endpoint.Entity, h *health.Entity) (float64, bool) {
	in, out := w.inputTokens(), int64(0)
	if op := w.codec.Operation; op == wire.OpChat || op == wire.OpCompletions {
		out = w.expectedOutput(h)
	}
	total := in + out
	c := w.Pricer.Price(e.Provider, e.Model, w.rec.Time, inference.Usage{Source: inference.UsageProvider, Input: &in, Output: &out, Total: &total})
	if c == nil {
		return 0, false
	}
	return float64(c.NanoUSD), true
}

// usualOutput is how long an answer is expected to be of which nothing is known, in tokens.
const usualOutput = 500

// expectedOutput returns how many tokens the answer of an entity will have: as many as its answers had
// lately, or those of the endpoint's other entities, so that one is not dearer for not being asked.
func (w *work) expectedOutput(h *health.Entity) int64 {
	most := w.maxOutput()
	n, ok := h.Output.Value()
	if !ok {
		n, ok = w.outputOfOthers()
	}
	switch {
	case ok && most > 0:
		return min(n, most)
	case ok:
		return n
	case most > 0:
		return most
	default:
		return usualOutput
	}
}

func (w *work) outputOfOthers() (int64, bool) {
	sum, known := int64(0), int64(0)
	for i := range w.endpoint.Entities {
		if n, ok := w.healthAt(i).Output.Value(); ok {
			sum, known = sum+n, known+1
		}
	}
	if known == 0 {
		return 0, false
	}
	return sum / known, true
}
