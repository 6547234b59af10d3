package pricing

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"
)

// seller is a provider and what it sells.
type seller struct {
	name     string
	models   *book[model]
	labels   []*model  // every model once, in the file's order
	fallback []*seller // whose models it also sells
	fits     matcher   // nil: only its names
	url      *regexp.Regexp
}

// Parse decodes a price file strictly: keys that aren't known are refused.
func Parse(file []byte) (*File, error) {
	var f File
	dec := yaml.NewDecoder(bytes.NewReader(file))
	dec.KnownFields(true)
	if err := dec.Decode(&f); err != nil {
		return nil, fmt.Errorf("price file: %w", err)
	}
	return &f, nil
}

// Read makes a list of a price file, and reports every fault of it at once.
func Read(file []byte) (*List, error) {
	f, err := Parse(file)
	if err != nil {
		return nil, err
	}
	return f.Compile()
}

// Compile makes a list of the file. The file must not be changed then.
func (f *File) Compile() (*List, error) {
	l := &List{names: map[string]*seller{}, compatible: newBook[model](), memo: newMemo()}
	var faults []error
	if f.AsOf.IsZero() {
		faults = append(faults, errors.New("as_of is missing"))
	}
	for i := range f.Providers {
		if err := l.addProvider(&f.Providers[i]); err != nil {
			faults = append(faults, fmt.Errorf("provider %s: %w", f.Providers[i].Name, err))
		}
	}
	for i := range f.Providers {
		p := &f.Providers[i]
		for _, name := range p.Fallback {
			to := l.names[name]
			if to == nil {
				faults = append(faults, fmt.Errorf("provider %s: fallback %q is no provider of the list", p.Name, name))
				continue
			}
			l.sellers[i].fallback = append(l.sellers[i].fallback, to)
		}
	}
	asOf, _ := f.AsOf.MarshalText()
	l.version = string(asOf) + "." + fingerprint(f)
	if len(faults) > 0 {
		return nil, fmt.Errorf("price file: %w", errors.Join(faults...))
	}
	return l, nil
}

func (l *List) addProvider(p *Provider) error {
	s := &seller{name: p.Name, models: newBook[model]()}
	l.sellers = append(l.sellers, s)
	var faults []error
	for _, name := range append([]string{p.Name}, p.Aliases...) {
		if name == "" || name != normal(name) || l.names[name] != nil {
			faults = append(faults, fmt.Errorf("name %q is empty, not in lower case or there twice", name))
			continue
		}
		l.names[name] = s
	}
	var err error
	if p.Match != nil {
		if s.fits, err = p.Match.compile(); err != nil {
			faults = append(faults, err)
		}
	}
	if p.URL != "" {
		if s.url, err = regexp.Compile("^(?:" + p.URL + ")"); err != nil {
			faults = append(faults, fmt.Errorf("url: %w", err))
		}
	}
	into := []*book[model]{s.models}
	if p.OpenAICompatible {
		into = append(into, l.compatible)
	}
	for i := range p.Models {
		m, errs := p.Models[i].addTo(into, p.Searches)
		faults = append(faults, errs...)
		s.labels = append(s.labels, m)
	}
	return errors.Join(faults...)
}

func (d *Model) addTo(books []*book[model], searches *PerMillion) (*model, []error) {
	label := d.label()
	if label == "" {
		return nil, []error{errors.New("a model has neither names nor prefixes, nor a match with an id")}
	}
	var faults []error
	fault := func(err error) { faults = append(faults, fmt.Errorf("model %s: %w", label, err)) }
	m := &model{label: label}
	var err error
	if m.periods, err = compilePeriods(d.Prices, searches); err != nil {
		fault(err)
	}
	var fits matcher
	if d.Match != nil {
		if fits, err = d.Match.compile(); err != nil {
			fault(err)
		}
	}
	for _, name := range slices.Concat(d.Names, d.Prefixes) {
		if name == "" || name != normal(name) {
			fault(fmt.Errorf("the name %q is empty or not in lower case", name))
		}
	}
	for _, b := range books {
		for _, n := range d.Names {
			if err := b.add(n, m); err != nil {
				fault(err)
			}
		}
		for _, p := range d.Prefixes {
			if err := b.addPrefix(p, m); err != nil {
				fault(err)
			}
		}
		if fits != nil {
			b.rules = append(b.rules, ruled[model]{fits, m})
		}
	}
	return m, faults
}

func (d *Model) label() string {
	switch {
	case d.ID != "":
		return d.ID
	case len(d.Names) > 0:
		return d.Names[0]
	case len(d.Prefixes) > 0:
		return d.Prefixes[0] + "*"
	default:
		return ""
	}
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
