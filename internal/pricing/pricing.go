// Package pricing knows what a model call costs at list price: our own dated price list, the
// overrides of an installation, and the exact arithmetic from token counts to nano-dollars.
//
// A cost is computed from integers only. Prices are nano-dollars (1e-9 US dollars) per million
// tokens; the products of tokens and prices are added up exactly in 128 bits, divided by a
// million once, and rounded once per request, half up, to whole nano-dollars. Cached and
// cache-write tokens are parts of the input and priced apart where the provider sells them
// apart; reasoning tokens are part of the output and cost what output costs.
//
// No price is better than a wrong one: Cost returns nil for a model that isn't in the list, for a
// day whose price isn't known, for usage without the counts it needs, and for counts that
// contradict each other. Batch, priority and regional rates, longer cache lifetimes, searches and
// audio are not priced; overrides can stand in for them.
//
// A List is immutable and safe for concurrent use. It needs no fake: New with overrides makes any
// list a test wants.
package pricing

import (
	_ "embed"
	"fmt"
	"sync"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
)

//go:embed prices.yaml
var builtinFile []byte

// List is a price list: what each model costs from which day on.
type List struct {
	version    string
	overrides  map[string]*book // by provider; "" holds for every provider
	providers  map[string]*book
	compatible *book // what a provider "openai" with another base URL may serve
}

var builtin = sync.OnceValue(func() *List {
	l, err := parse(builtinFile)
	if err != nil {
		panic(fmt.Sprintf("pricing: the built-in price list: %v", err)) // a test parses it
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
	books, err := compileOverrides(overrides)
	if err != nil {
		return nil, err
	}
	l := *base
	l.overrides = books
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
// under names of their own; "custom" finds overrides only.
func (l *List) Cost(provider, model string, at time.Time, u inference.Usage) *inference.Cost {
	p := l.period(normal(provider), normal(model), at.UTC())
	if p == nil {
		return nil
	}
	r, ok := p.rates(u, at.UTC())
	if !ok {
		return nil
	}
	nanos, ok := r.cost(u)
	if !ok {
		return nil
	}
	return &inference.Cost{NanoUSD: nanos, PriceVersion: l.version}
}

// period finds the prices of a model at a time. An override hides the built-in price from its
// first day on, also when all it says is that there is none.
func (l *List) period(provider, model string, at time.Time) *period {
	books := [...]*book{l.overrides[provider], l.overrides[""], l.providers[provider], nil}
	if provider == "openai" {
		books[3] = l.compatible
	}
	for _, b := range books {
		if p := b.find(model).at(at); p != nil {
			return p
		}
	}
	return nil
}
