package pricing

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Override is a price of an installation: negotiated, self-hosted, or for a model that the
// built-in list lacks. It hides the built-in price of the models it fits from its day on.
type Override struct {
	// Provider is the served entity's provider; "" is every one.
	Provider string `yaml:"provider"`
	// Model is the model's name, with or without the date at its end; a name that ends in "*" is
	// the beginning of names.
	Model string `yaml:"model"`
	// From is the first day (UTC) of the price; the zero Date is always.
	From Date `yaml:"from"`
	// Input, Output, CachedInput and CacheWrite are prices. Input is needed; without Output the
	// model has none (embeddings); the other two default to Input. Zero is a price: free.
	Input       *PerMillion `yaml:"input"`
	Output      *PerMillion `yaml:"output"`
	CachedInput *PerMillion `yaml:"cached_input"`
	CacheWrite  *PerMillion `yaml:"cache_write"`
	// Unpriced says that the price is not known, whatever the built-in list says: cost is NULL.
	Unpriced bool `yaml:"unpriced"`
}

func (o Override) rates() rates {
	return rates{o.Input, o.Output, o.CachedInput, o.CacheWrite}
}

// Validate says what is wrong with an override by itself.
func (o Override) Validate() error {
	name := strings.TrimSuffix(o.Model, "*")
	switch {
	case o.Model == "" || strings.Contains(name, "*"):
		return fmt.Errorf("price of model %q: the model is a name, or the beginning of names with one * at its end", o.Model)
	case name == "" && o.Provider == "":
		return errors.New(`price of model "*": name the provider; one price for every model of every provider is surely a mistake`)
	case o.Unpriced && o.rates() != rates{}:
		return fmt.Errorf("price of model %q: unpriced and a price exclude each other", o.Model)
	case !o.Unpriced && o.Input == nil:
		return fmt.Errorf("price of model %q: input is missing", o.Model)
	}
	return nil
}

// compileOverrides makes one book per provider. Overrides of one model are its periods.
func compileOverrides(overrides []Override) (map[string]*book, error) {
	type key struct{ provider, model string }
	var faults []error
	models := map[key][]period{}
	for i, o := range overrides {
		if err := o.Validate(); err != nil {
			faults = append(faults, fmt.Errorf("prices[%d]: %w", i, err))
			continue
		}
		k := key{normal(o.Provider), normal(o.Model)}
		models[k] = append(models[k], period{From: o.From, Unknown: o.Unpriced, Base: o.rates()})
	}
	books := map[string]*book{}
	for k, ps := range models {
		slices.SortStableFunc(ps, func(a, b period) int { return a.From.t.Compare(b.From.t) })
		for i := 1; i < len(ps); i++ {
			if ps[i].From == ps[i-1].From {
				faults = append(faults, fmt.Errorf("prices: model %q has two prices from the same day", k.model))
			}
		}
		if books[k.provider] == nil {
			books[k.provider] = newBook()
		}
		books[k.provider].put(k.model, &model{periods: ps})
	}
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return books, errors.Join(faults...)
}

// put adds a model under a name that is not there yet; one that ends in "*" is a prefix.
func (b *book) put(name string, m *model) {
	var err error
	if text, ok := strings.CutSuffix(name, "*"); ok {
		err = b.addPrefix(text, m)
	} else {
		err = b.add(name, m)
	}
	if err != nil {
		panic(err) // compileOverrides has grouped them by name
	}
}
