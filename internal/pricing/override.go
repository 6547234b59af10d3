package pricing

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Override is a price of an installation: negotiated, self-hosted, or for a model that the list
// lacks. It hides the list's price of the models it fits from its day on. With Discount it hides
// nothing, and takes something off what the list says.
type Override struct {
	// Provider is the served entity's provider; "" is every one.
	Provider string `yaml:"provider,omitempty"`
	// Model is the model's name, with or without the date at its end; a name that ends in "*" is
	// the beginning of names. Of a discount, "" is every model.
	Model string `yaml:"model,omitempty"`
	// From is the first day (UTC) of the price; the zero Date is always.
	From Date `yaml:"from,omitempty"`
	// Tier is the tier of the provider it holds for; "" is every one that has no other override.
	Tier string `yaml:"tier,omitempty"`
	// Rates are prices; see there for what may be left out. Zero is a price: free.
	Rates Rates `yaml:",inline"`
	// Unpriced says that the price is not known, whatever the list says: cost is NULL.
	Unpriced bool `yaml:"unpriced,omitempty"`
	// Discount is taken off the list's price, in percent; a negative one is a surcharge. Prices of
	// other overrides are final: nothing is taken off them.
	Discount *Percent `yaml:"discount,omitempty"`
}

// maxSurcharge bounds a negative discount: ten times the list's price.
const maxSurcharge = 9 * wholePercent

// Validate says what is wrong with an override by itself.
func (o Override) Validate() error {
	name := strings.TrimSuffix(o.Model, "*")
	ways := 0
	for _, is := range []bool{o.Discount != nil, o.Unpriced, !o.Rates.Empty()} {
		if is {
			ways++
		}
	}
	switch {
	case o.Model == "" && o.Discount == nil || strings.Contains(name, "*"):
		return fmt.Errorf("price of model %q: the model is a name, or the beginning of names with one * at its end", o.Model)
	case name == "" && o.Provider == "" && o.Discount == nil:
		return errors.New(`price of model "*": name the provider; one price for every model of every provider is surely a mistake`)
	case ways > 1:
		return fmt.Errorf("price of model %q: unpriced, discount and prices exclude each other", o.Model)
	case o.Discount != nil && (*o.Discount > wholePercent || *o.Discount < -maxSurcharge):
		return fmt.Errorf("price of model %q: the discount is not between -900 and 100 percent", o.Model)
	case o.Discount != nil && o.Tier != "":
		return fmt.Errorf("price of model %q: a discount holds for every tier", o.Model)
	case o.Tier != "" && (o.Tier != strings.ToLower(o.Tier) || tierName(o.Tier) != o.Tier):
		return fmt.Errorf("price of model %q: tier %q is not in lower case or another word for the standard one", o.Model, o.Tier)
	case o.Discount == nil && !o.Unpriced && o.Rates.Input == nil && o.Rates.Requests == nil && o.Rates.Searches == nil:
		return fmt.Errorf("price of model %q: input is missing", o.Model)
	}
	return nil
}

// special are the prices that overrides give one model.
type special struct {
	tiers map[string]*model // by tier; "" holds for those without one
}

// at returns the period of the tier that holds at a time, nil for none.
func (s *special) at(t time.Time, tier string) *period {
	if s == nil {
		return nil
	}
	if p := s.tiers[tier].at(t); p != nil {
		return p
	}
	return s.tiers[""].at(t)
}

// discount is what is taken off a model's list price, oldest first.
type discount struct{ steps []step }

type step struct {
	from time.Time
	off  Percent
}

func (d *discount) at(t time.Time) (Percent, bool) {
	if d == nil {
		return 0, false
	}
	for i := len(d.steps) - 1; i >= 0; i-- {
		if !t.Before(d.steps[i].from) {
			return d.steps[i].off, true
		}
	}
	return 0, false
}

// compileOverrides makes books per provider. Overrides of one model and tier are its periods.
func (l *List) compileOverrides(overrides []Override) error {
	l.specials, l.discounts = map[string]*book[special]{}, map[string]*book[discount]{}
	var faults []error
	var sorted []Override
	for i, o := range overrides {
		if err := o.Validate(); err != nil {
			faults = append(faults, fmt.Errorf("prices[%d]: %w", i, err))
			continue
		}
		sorted = append(sorted, o)
	}
	slices.SortStableFunc(sorted, func(a, b Override) int { return a.From.t.Compare(b.From.t) })
	for _, o := range sorted {
		provider, name := normal(o.Provider), normal(o.Model)
		twice := false
		if o.Discount != nil {
			d := entry(l.discounts, provider, name)
			twice = len(d.steps) > 0 && d.steps[len(d.steps)-1].from.Equal(o.From.t)
			d.steps = append(d.steps, step{o.From.t, *o.Discount})
		} else {
			s := entry(l.specials, provider, name)
			if s.tiers == nil {
				s.tiers = map[string]*model{}
			}
			m := s.tiers[o.Tier]
			if m == nil {
				m = &model{label: o.Model}
				s.tiers[o.Tier] = m
			}
			twice = len(m.periods) > 0 && m.periods[len(m.periods)-1].from.Equal(o.From.t)
			rates := o.Rates
			m.periods = append(m.periods, period{from: o.From.t, unknown: o.Unpriced, standard: choice{rates: &rates}, everyTier: true})
		}
		if twice {
			faults = append(faults, fmt.Errorf("model %q has two prices from the same day", name))
		}
	}
	return errors.Join(faults...)
}

// entry finds what a book has under a name, or makes it; a name that ends in "*" is a prefix, and
// no name is the prefix of all.
func entry[T any](books map[string]*book[T], provider, name string) *T {
	b := books[provider]
	if b == nil {
		b = newBook[T]()
		books[provider] = b
	}
	text, isPrefix := strings.CutSuffix(name, "*")
	if name == "" || isPrefix {
		for _, p := range b.prefixes {
			if p.text == text {
				return p.value
			}
		}
		v := new(T)
		if err := b.addPrefix(text, v); err != nil {
			panic(err) // it was looked for
		}
		return v
	}
	if b.exact[name] == nil {
		b.exact[name] = new(T)
	}
	return b.exact[name]
}
