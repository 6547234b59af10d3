package pricing

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document is the price file; prices.yaml says what its fields mean.
type document struct {
	AsOf      Date          `yaml:"as_of"`
	Providers []providerDoc `yaml:"providers"`
}

type providerDoc struct {
	Name             string     `yaml:"name"`
	Aliases          []string   `yaml:"aliases"`
	Checked          Date       `yaml:"checked"`
	OpenAICompatible bool       `yaml:"openai_compatible"`
	Sources          []string   `yaml:"sources"`
	Models           []modelDoc `yaml:"models"`
}

type modelDoc struct {
	Names    []string `yaml:"names"`
	Prefixes []string `yaml:"prefixes"`
	Prices   []period `yaml:"prices"`
}

// parse reads a price file strictly and reports every fault at once.
func parse(file []byte) (*List, error) {
	var doc document
	dec := yaml.NewDecoder(bytes.NewReader(file))
	dec.KnownFields(true)
	if err := dec.Decode(&doc); err != nil {
		return nil, err
	}
	l := &List{providers: map[string]*book{}, compatible: newBook()}
	var faults []error
	if doc.AsOf.t.IsZero() {
		faults = append(faults, errors.New("as_of is missing"))
	}
	for _, p := range doc.Providers {
		if err := l.addProvider(p); err != nil {
			faults = append(faults, fmt.Errorf("provider %s: %w", p.Name, err))
		}
	}
	asOf, _ := doc.AsOf.MarshalText()
	l.version = string(asOf) + "." + fingerprint(doc)
	return l, errors.Join(faults...)
}

func (l *List) addProvider(p providerDoc) error {
	b := newBook()
	var faults []error
	if p.Checked.t.IsZero() || len(p.Sources) == 0 || !strings.HasPrefix(p.Sources[0], "https://") {
		faults = append(faults, errors.New("needs a date it was checked and the page it was taken from"))
	}
	for _, name := range append([]string{p.Name}, p.Aliases...) {
		if name == "" || name != normal(name) || l.providers[name] != nil {
			faults = append(faults, fmt.Errorf("name %q is empty, not in lower case or there twice", name))
			continue
		}
		l.providers[name] = b
	}
	into := []*book{b}
	if p.OpenAICompatible {
		into = append(into, l.compatible)
	}
	for _, m := range p.Models {
		faults = append(faults, m.addTo(into)...)
	}
	return errors.Join(faults...)
}

func (d modelDoc) addTo(books []*book) []error {
	if len(d.Names)+len(d.Prefixes) == 0 {
		return []error{errors.New("a model has neither names nor prefixes")}
	}
	faults := checkPeriods(strings.Join(slices.Concat(d.Names, d.Prefixes), ", "), d.Prices)
	m := &model{periods: d.Prices}
	for _, b := range books {
		for _, n := range d.Names {
			if n == "" || n != normal(n) {
				faults = append(faults, fmt.Errorf("model %q: the name is empty or not in lower case", n))
			} else if err := b.add(n, m); err != nil {
				faults = append(faults, err)
			}
		}
		for _, p := range d.Prefixes {
			if p == "" || p != normal(p) {
				faults = append(faults, fmt.Errorf("prefix %q is empty or not in lower case", p))
			} else if err := b.addPrefix(p, m); err != nil {
				faults = append(faults, err)
			}
		}
	}
	return faults
}

func checkPeriods(name string, ps []period) []error {
	var faults []error
	fault := func(what string) { faults = append(faults, fmt.Errorf("model %s: %s", name, what)) }
	if len(ps) == 0 {
		fault("has no prices")
	}
	for i, p := range ps {
		if i > 0 && !ps[i-1].From.t.Before(p.From.t) {
			fault("prices are not in the order of their dates")
		}
		if p.Unknown != (p.Base == rates{}) || !p.Unknown && p.Base.Input == nil {
			fault("each price needs input, or unknown and nothing else")
		}
		if l := p.Long; l != nil {
			if l.Over <= 0 || l.Unknown != (l.Rates == rates{}) || !l.Unknown && !sameKinds(l.Rates, p.Base) {
				fault("long needs over and the same rates as the price it replaces, or unknown")
			}
		}
		if k := p.Peak; k != nil && (len(k.Hours) == 0 || !sameKinds(k.Rates, p.Base)) {
			fault("peak needs hours and the same rates as the price it replaces")
		}
	}
	return faults
}

// sameKinds says whether two rates price the same kinds of tokens.
func sameKinds(a, b rates) bool {
	return (a.Input == nil) == (b.Input == nil) && (a.Output == nil) == (b.Output == nil) &&
		(a.CachedInput == nil) == (b.CachedInput == nil) && (a.CacheWrite == nil) == (b.CacheWrite == nil)
}

// fingerprint is eight hex digits of the value's content: comments and layout of the file don't
// count, every name, date and price does.
func fingerprint(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings, integers and dates always marshal
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:4])
}
