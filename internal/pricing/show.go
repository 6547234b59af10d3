package pricing

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Entry is what a model costs at some time, for people to read.
type Entry struct {
	Provider string  `json:"provider"`
	Model    string  `json:"model"`         // as the list calls it
	From     Date    `json:"from,omitzero"` // since when; the zero Date is always
	Unknown  bool    `json:"unknown,omitempty"`
	Prices   []Price `json:"prices,omitempty"`
	// Own says that it is a price of the installation, Discount what is taken off.
	Own      bool    `json:"own,omitempty"`
	Discount Percent `json:"discount,omitzero"`
}

// Price is one price of an entry.
type Price struct {
	Class   string      `json:"class"`            // input, output, ..., as in a price file
	When    string      `json:"when,omitempty"`   // the tier, size or time it is for; "" is the standard one
	Price   *PerMillion `json:"price,omitempty"`  // dollars per million tokens, or per thousand
	Unknown bool        `json:"unknown,omitzero"` // not known there
}

// Entries returns what each model of the list costs at a time, in the list's order, overrides left
// out. Models whose first price comes later are not in it.
func (l *List) Entries(at time.Time) []Entry {
	var out []Entry
	for _, s := range l.sellers {
		for _, m := range s.labels {
			if p := m.at(at.UTC()); p != nil {
				out = append(out, p.entry(s.name, m.label))
			}
		}
	}
	return out
}

// Lookup returns what a call of the model costs at a time, as Cost finds it: the installation's own
// price, or the list's. It is false when neither has one.
func (l *List) Lookup(provider, model string, at time.Time) (Entry, bool) {
	p, name := normal(provider), normal(model)
	at = at.UTC()
	if own := l.special(p, name, at, ""); own != nil {
		e := own.entry(p, name)
		e.Own = true
		return e, true
	}
	m := l.find(p, name)
	found := m.at(at)
	if found == nil {
		return Entry{}, false
	}
	e := found.entry(p, m.label)
	e.Discount = l.discount(p, name, at)
	return e, true
}

// Providers returns the names of the list's providers.
func (l *List) Providers() []string {
	out := make([]string, len(l.sellers))
	for i, s := range l.sellers {
		out[i] = s.name
	}
	return out
}

func (p *period) entry(provider, label string) Entry {
	e := Entry{Provider: provider, Model: label, From: Date{p.from}, Unknown: p.unknown}
	if p.unknown {
		return e
	}
	e.add("", p.standard)
	for _, w := range p.windows {
		e.add(w.String(), w.choice)
	}
	for _, tier := range slices.Sorted(maps.Keys(p.tiers)) {
		e.add(tier, p.tiers[tier])
	}
	return e
}

func (e *Entry) add(when string, c choice) {
	e.rates(when, c.rates)
	for _, b := range c.long {
		size := strings.TrimSpace(fmt.Sprintf("%s over %d", when, b.over))
		if b.rates == nil {
			e.Prices = append(e.Prices, Price{Class: "input", When: size, Unknown: true})
			continue
		}
		e.rates(size, b.rates)
	}
}

func (e *Entry) rates(when string, r *Rates) {
	for _, n := range r.all() {
		if *n.rate != nil && (when == "" || !n.byPiece()) {
			e.Prices = append(e.Prices, Price{Class: n.name, When: when, Price: *n.rate})
		}
	}
}

// String says when the window is.
func (w *window) String() string {
	at, _ := w.at.MarshalText()
	until, _ := w.until.MarshalText()
	names := []string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}
	var days []string
	for _, d := range w.days {
		days = append(days, names[d-1])
	}
	return strings.TrimSpace(strings.Join(days, ",") + " " + string(at) + "-" + string(until))
}

// Change is what is different about a model in two lists.
type Change struct {
	Provider string   `json:"provider"`
	Model    string   `json:"model"`
	What     string   `json:"what"`             // added, removed or changed
	Prices   []string `json:"prices,omitempty"` // for people: "input 2.5 -> 2"
}

// Compare says what is different at a time in b from a. Models are the same that one list calls by
// a name which the other finds: lists may call them differently.
func Compare(a, b *List, at time.Time) []Change {
	var out []Change
	seen := map[asked]bool{}
	for _, e := range append(a.Entries(at), b.Entries(at)...) {
		key := asked{e.Provider, normal(e.Model)}
		if seen[key] {
			continue
		}
		seen[key] = true
		x, inA := a.entry(e.Provider, e.Model, at)
		y, inB := b.entry(e.Provider, e.Model, at)
		c := Change{Provider: e.Provider, Model: e.Model, What: "changed"}
		switch {
		case !inA:
			c.What = "added"
		case !inB:
			c.What = "removed"
		default:
			if c.Prices = differences(&x, &y); len(c.Prices) == 0 {
				continue
			}
		}
		out = append(out, c)
	}
	return out
}

// entry finds a model by what a list calls it: its own name first, then as Cost would.
func (l *List) entry(provider, label string, at time.Time) (Entry, bool) {
	s := l.names[provider]
	if s == nil {
		s = l.seller(provider)
	}
	if s == nil {
		return Entry{}, false
	}
	for _, m := range s.labels {
		if m.label == label {
			if p := m.at(at.UTC()); p != nil {
				return p.entry(provider, label), true
			}
		}
	}
	if p := s.models.find(normal(label)).at(at.UTC()); p != nil {
		return p.entry(provider, label), true
	}
	return Entry{}, false
}

func differences(a, b *Entry) []string {
	var out []string
	x, y := a.byName(), b.byName()
	for _, name := range slices.Sorted(maps.Keys(x)) {
		if x[name] != y[name] {
			out = append(out, fmt.Sprintf("%s %s -> %s", name, x[name], orNone(y[name])))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(y)) {
		if x[name] == "" {
			out = append(out, fmt.Sprintf("%s none -> %s", name, y[name]))
		}
	}
	return out
}

func (e *Entry) byName() map[string]string {
	if e.Unknown {
		return map[string]string{"all": "unknown"}
	}
	out := map[string]string{}
	for _, p := range e.Prices {
		text := "unknown"
		if p.Price != nil {
			text = p.Price.String()
		}
		out[strings.TrimSpace(p.When+" "+p.Class)] = text
	}
	return out
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// Same reports whether a provider is one of the list, by any of its names.
func (l *List) Same(name, provider string) bool {
	name = normal(name)
	if name == provider {
		return true
	}
	s := l.names[name]
	if s == nil {
		s = l.seller(name)
	}
	return s != nil && s.name == provider
}
