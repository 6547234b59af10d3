// Package pricing knows what a model call costs: our own dated price list, lists that were
// imported, the prices and discounts of an installation, and the exact arithmetic from counts to
// nano-dollars.
//
// A cost is computed from integers only. Prices are nano-dollars (1e-9 US dollars) per million
// tokens, or per thousand requests and searches; the products of counts and prices are added up
// exactly in 128 bits, a discount is taken off, and the result is rounded once per request, half
// up, to whole nano-dollars. The counts of inference.Usage nest; each token is priced once, in the
// narrowest class that the list sells apart.
//
// No price is better than a wrong one: Cost returns nil for a model that isn't in the list, for a
// day whose price isn't known, for a tier of the provider that the list says nothing of, for
// searches without a price, for usage without the counts it needs, and for counts that contradict
// each other. Regional rates and fees for storage are not priced.
//
// A List is immutable and safe for concurrent use. It needs no fake: New with overrides makes any
// list a test wants. Package foreign turns other formats into a File.
package pricing

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
)

//go:embed prices.yaml
var builtinFile []byte

// List is a price list: what each model costs from which day on.
type List struct {
	version    string
	specials   map[string]*book[special]  // by provider; "" holds for every provider
	discounts  map[string]*book[discount] // the same
	sellers    []*seller                  // in the file's order
	names      map[string]*seller
	compatible *book[model] // what a provider "openai" with another base URL may serve
	memo       *memo        // of find
}

var builtin = sync.OnceValue(func() *List {
	l, err := Read(builtinFile)
	if err != nil {
		panic(fmt.Sprintf("pricing: the built-in price list: %v", err)) // a test reads it
	}
	return l
})

// Builtin returns the list that comes with lakegate.
func Builtin() *List { return builtin() }

// New returns base with overrides on top. Every fault of the overrides is reported at once; base
// is unchanged. Without overrides the result has base's version, with them a version of its own.
func New(base *List, overrides []Override) (*List, error) {
	if len(overrides) == 0 {
		return base, nil
	}
	l := *base
	if err := l.compileOverrides(overrides); err != nil {
		return nil, err
	}
	l.version = base.version + "+" + fingerprint(overrides)
	return &l, nil
}

// Version names the list: the day it was made and a fingerprint of every name, date and price in
// it, for example "2026-11-20.1f0c3a9d". Overrides add "+" and their own fingerprint. Two lists
// with one version price every call the same.
func (l *List) Version() string { return l.version }

// Cost returns what a call cost that was received at the given time and answered by the model, or
// nil when that is not known. The provider is the served entity's: "openai" finds OpenAI's models
// and, for its base URL may be any, those of other makers that serve theirs through OpenAI's API
// under names of their own; "custom" finds overrides only. A provider may also be given as its
// base URL. All that a price depends on is in the arguments, and in the columns of a row.
func (l *List) Cost(provider, model string, at time.Time, u inference.Usage) *inference.Cost {
	provider, model, at = normal(provider), normal(model), at.UTC()
	c := &struct {
		inference.Cost
		list int64
	}{}
	c.PriceVersion = l.version
	listed, known := price(l.find(provider, model).at(at), &u, at)
	if known {
		if c.list, known = listed.nanos(0); known {
			c.ListNanoUSD = &c.list
		}
	}
	ok := known
	if p := l.special(provider, model, at, tierName(u.ServiceTier)); p != nil {
		listed, ok = price(p, &u, at)
		if ok {
			c.NanoUSD, ok = listed.nanos(0)
		}
	} else if ok {
		c.NanoUSD, ok = listed.nanos(l.discount(provider, model, at))
	}
	if !ok {
		return nil
	}
	return &c.Cost
}

func price(p *period, u *inference.Usage, at time.Time) (sum, bool) {
	if p == nil {
		return sum{}, false
	}
	r := p.pick(u, at)
	if r == nil {
		return sum{}, false
	}
	return r.sum(u)
}

// special finds the override that hides the list's price, also when all it says is that there is
// none.
func (l *List) special(provider, model string, at time.Time, tier string) *period {
	for _, b := range [...]*book[special]{l.specials[provider], l.specials[""]} {
		if p := b.find(model).at(at, tier); p != nil {
			return p
		}
	}
	return nil
}

func (l *List) discount(provider, model string, at time.Time) Percent {
	for _, b := range [...]*book[discount]{l.discounts[provider], l.discounts[""]} {
		if off, ok := b.find(model).at(at); ok {
			return off
		}
	}
	return 0
}

// find finds a model by a provider's name of it; nil when it is not in the list.
func (l *List) find(provider, name string) *model {
	s := l.names[provider]
	if s != nil && len(s.models.rules) == 0 && len(s.fallback) == 0 {
		return l.search(s, provider, name)
	}
	if name == "" {
		return nil
	}
	a := asked{provider, name}
	if m, ok := l.memo.get(a); ok {
		return m
	}
	if s == nil {
		s = l.seller(provider)
	}
	m := l.search(s, provider, name)
	l.memo.put(a, m)
	return m
}

func (l *List) search(s *seller, provider, name string) *model {
	if s != nil {
		if m := s.models.find(name); m != nil {
			return m
		}
		for _, f := range s.fallback {
			if m := f.models.find(name); m != nil {
				return m
			}
		}
	}
	if provider == "openai" {
		return l.compatible.find(name)
	}
	return nil
}

// seller finds a provider by its rules: the first that fits a name, or a base URL.
func (l *List) seller(name string) *seller {
	for _, s := range l.sellers {
		switch {
		case strings.Contains(name, "://"):
			if s.url != nil && s.url.MatchString(name) {
				return s
			}
		case s.fits != nil && s.fits(name):
			return s
		}
	}
	return nil
}
