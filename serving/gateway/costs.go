package gateway

import "github.com/lakegate/lakegate/internal/inference"

// consumed notes what an attempt took whose answer the client does not get; nil for nothing known. Its
// model is the entity's: there is no answer to name another.
func (w *work) consumed(a *inference.Attempt, u *inference.Usage) {
	if u != nil {
		w.spend(a, u)
	}
}

// spend puts what an attempt took into it, and into what the row costs beside its answer.
func (w *work) spend(a *inference.Attempt, u *inference.Usage) {
	a.Source, a.Input, a.Output = u.Source, u.Input, u.Output
	c := w.Pricer.Price(a.Provider, a.Model, w.rec.Time, *u)
	if c == nil {
		return
	}
	nanos := c.NanoUSD
	a.CostNano = &nanos
	if w.extra == nil {
		w.extra = &inference.Cost{PriceVersion: c.PriceVersion}
	}
	w.extra.NanoUSD += nanos
}

// addUp makes the row's cost: that of the answer, and of attempts whose answer the client did not
// get. The attempt that answered has the row's counts.
func (w *work) addUp() {
	r := w.rec
	if r.Usage.Source != inference.UsageNone {
		r.Cost = w.Pricer.Price(r.Target.Provider, r.Target.Model, r.Time, r.Usage)
		w.answering()
	}
	w.estimate()
	if w.extra == nil {
		return
	}
	r.ExtraNanoUSD = &w.extra.NanoUSD
	switch {
	case r.Cost != nil: // which the attempt that answered points into
		sum := *r.Cost
		sum.NanoUSD += w.extra.NanoUSD
		if sum.ListNanoUSD != nil {
			list := *sum.ListNanoUSD + w.extra.NanoUSD
			sum.ListNanoUSD = &list
		}
		r.Cost = &sum
	case r.Usage.Source == inference.UsageNone:
		sum := *w.extra
		sum.ListNanoUSD = r.ExtraNanoUSD
		r.Cost = &sum
	}
}

// estimate says what attempts took that were cut off because another was faster: the input as the
// answer's was counted, else by its size, and no output. What a provider goes on to make for nobody,
// nobody sees.
func (w *work) estimate() {
	for i := range w.rec.Attempts {
		a := &w.rec.Attempts[i]
		if a.Source != inference.UsageEstimated || a.Input != nil {
			continue
		}
		input, output := w.inputTokens(), int64(0)
		if n := w.rec.Usage.Input; n != nil {
			input = *n
		}
		w.spend(a, &inference.Usage{Source: inference.UsageEstimated, Input: &input, Output: &output, Total: &input})
	}
}

// answering gives the attempt that answered the row's counts.
func (w *work) answering() {
	r := w.rec
	if w.winner == 0 {
		return
	}
	a := &r.Attempts[w.winner-1]
	a.Source, a.Input, a.Output = r.Usage.Source, r.Usage.Input, r.Usage.Output
	if r.Cost != nil {
		a.CostNano = &r.Cost.NanoUSD
	}
}

// answerCost is what the answer itself costs, without the attempts beside it.
func (w *work) answerCost() *inference.Cost {
	c := w.rec.Cost
	if c == nil || w.extra == nil {
		return c
	}
	own := *c
	own.NanoUSD -= w.extra.NanoUSD
	if own.ListNanoUSD != nil {
		list := *own.ListNanoUSD - w.extra.NanoUSD
		own.ListNanoUSD = &list
	}
	return &own
}
