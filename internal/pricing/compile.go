package pricing

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// compilePeriods compiles a model's prices, which must be in the order of their dates.
func compilePeriods(ps []Period, searches *PerMillion) ([]period, error) {
	var faults []error
	if len(ps) == 0 {
		faults = append(faults, errors.New("has no prices"))
	}
	out := make([]period, len(ps))
	for i := range ps {
		if i > 0 && !ps[i-1].From.t.Before(ps[i].From.t) {
			faults = append(faults, errors.New("prices are not in the order of their dates"))
		}
		p, err := ps[i].compile(searches)
		if err != nil {
			faults = append(faults, err)
		}
		out[i] = p
	}
	return out, errors.Join(faults...)
}

func (p *Period) compile(searches *PerMillion) (period, error) {
	out := period{from: p.From.t, unknown: p.Unknown}
	switch {
	case p.Unknown && (!p.Rates.Empty() || p.Long != nil || p.Peak != nil || p.Windows != nil || p.Tiers != nil):
		return out, errors.New("each price needs input, requests or searches, or unknown and nothing else")
	case p.Unknown:
		return out, nil
	case p.Rates.Input == nil && p.Rates.Requests == nil && p.Rates.Searches == nil:
		return out, errors.New("each price needs input, requests or searches, or unknown and nothing else")
	case len(p.Tiers) > 0 && (p.Peak != nil || len(p.Windows) > 0):
		return out, errors.New("tiers go neither with peak nor with windows")
	}
	base := p.Rates
	base.Searches = either(base.Searches, searches)
	var err error
	if out.standard, err = compileChoice(&base, p.Long, &base); err != nil {
		return out, err
	}
	if out.windows, err = p.compileWindows(&base); err != nil {
		return out, err
	}
	out.tiers = make(map[string]choice, len(p.Tiers))
	for i := range p.Tiers {
		c, err := p.Tiers[i].compile(&out.standard)
		if err != nil {
			return out, err
		}
		for _, name := range p.Tiers[i].For {
			if _, twice := out.tiers[name]; twice || name == "" || tierName(name) != name {
				return out, fmt.Errorf("tier %q is there twice, not in lower case, or another word for the standard one", name)
			}
			out.tiers[name] = c
		}
	}
	return out, nil
}

// compileChoice fills in what is sold by the piece from base, and checks the bands.
func compileChoice(r *Rates, long Bands, base *Rates) (choice, error) {
	c := choice{rates: r.pieces(base)}
	last := int64(0)
	for i := range long {
		b := &long[i]
		if b.Over <= last || b.Unknown != b.Rates.Empty() || !b.Unknown && !b.Rates.sameTokens(r) {
			return c, errors.New("long needs over, in rising order, and the same rates as the price it replaces, or unknown")
		}
		last = b.Over
		compiled := band{over: b.Over}
		if !b.Unknown {
			compiled.rates = b.Rates.pieces(base)
		}
		c.long = append(c.long, compiled)
	}
	return c, nil
}

func (p *Period) compileWindows(base *Rates) ([]window, error) {
	var out []window
	if k := p.Peak; k != nil {
		if len(k.Hours) == 0 || !k.Rates.sameTokens(base) || p.Long != nil {
			return nil, errors.New("peak needs hours and the same rates as the price it replaces, and does not go with long")
		}
		for _, h := range k.Hours {
			out = append(out, window{
				days: []int{1, 2, 3, 4, 5}, at: Clock(h[0] * 60), until: Clock(h[1] * 60), choice: choice{rates: k.Rates.pieces(base)},
			})
		}
	}
	for i := range p.Windows {
		w := &p.Windows[i]
		c, err := compileChoice(&w.Rates, w.Long, base)
		if err != nil {
			return nil, err
		}
		out = append(out, window{days: w.Days, at: w.At, until: w.Until, choice: c})
	}
	for _, w := range out {
		if w.at < 0 || w.at >= w.until || w.until > 24*60 || w.choice.rates.Input == nil || slices.ContainsFunc(w.days, func(d int) bool { return d < 1 || d > 7 }) {
			return nil, errors.New("peak and windows need a time of the day, a later one, days from 1 to 7 and rates")
		}
	}
	return out, nil
}

func (t *Tier) compile(standard *choice) (choice, error) {
	if len(t.For) == 0 || t.Percent < 0 || (t.Percent == 0) == t.Rates.Empty() || t.Percent != 0 && t.Long != nil {
		return choice{}, errors.New("a tier needs the names it is for, and percent or rates")
	}
	if t.Percent == 0 {
		c, err := compileChoice(&t.Rates, t.Long, standard.rates)
		if len(t.Long) == 0 && len(standard.long) > 0 { // nothing is said of long requests, so nothing is known
			c.long = []band{{over: standard.long[0].over}}
		}
		return c, err
	}
	rates, ok := standard.rates.scaled(t.Percent)
	c := choice{rates: &rates}
	for _, b := range standard.long {
		if b.rates != nil {
			r, exact := b.rates.scaled(t.Percent)
			b.rates, ok = &r, ok && exact
		}
		c.long = append(c.long, b)
	}
	if !ok {
		return c, errors.New("percent of a tier gives a price with more than 9 decimals; write the tier's rates out")
	}
	return c, nil
}

// pieces returns the rates with base's prices of requests and searches where they have none.
func (r *Rates) pieces(base *Rates) *Rates {
	out := *r
	out.Requests, out.Searches = either(out.Requests, base.Requests), either(out.Searches, base.Searches)
	return &out
}

// sameTokens says whether two rates price the same classes of tokens.
func (r *Rates) sameTokens(other *Rates) bool {
	a, b := r.all(), other.all()
	for i := range a {
		if !a[i].byPiece() && (*a[i].rate == nil) != (*b[i].rate == nil) {
			return false
		}
	}
	return true
}

// model is one model's prices, oldest first.
type model struct {
	label   string // how lists call it
	periods []period
}

// at returns the period that holds at a time, nil before the first and for a nil model.
func (m *model) at(t time.Time) *period {
	if m == nil {
		return nil
	}
	for i := len(m.periods) - 1; i >= 0; i-- {
		if !t.Before(m.periods[i].from) {
			return &m.periods[i]
		}
	}
	return nil
}
