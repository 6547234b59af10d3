package foreign

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lakegate/lakegate/internal/pricing"
)

// The shapes of genai-prices' data, as far as prices go. Extractors are left out: lakegate has its
// own reading of each wire format.
type (
	genProvider struct {
		ID            string     `json:"id"`
		PricingURLs   []string   `json:"pricing_urls"`
		APIPattern    string     `json:"api_pattern"`
		ProviderMatch *genRule   `json:"provider_match"`
		Fallback      []string   `json:"fallback_model_providers"`
		Models        []genModel `json:"models"`
	}
	genModel struct {
		ID     string          `json:"id"`
		Match  genRule         `json:"match"`
		Prices json.RawMessage `json:"prices"`
	}
	genRule struct {
		Equals     string    `json:"equals"`
		StartsWith string    `json:"starts_with"`
		EndsWith   string    `json:"ends_with"`
		Contains   string    `json:"contains"`
		Regex      string    `json:"regex"`
		Or         []genRule `json:"or"`
		And        []genRule `json:"and"`
		Not        *genRule  `json:"not"`
	}
	genCondition struct {
		Constraint *struct {
			StartDate string `json:"start_date"`
			StartTime string `json:"start_time"`
			EndTime   string `json:"end_time"`
		} `json:"constraint"`
		Prices genPrices `json:"prices"`
	}
	genPrices map[string]genPrice
	genPrice  struct {
		Base  json.Number `json:"base"`
		Tiers []struct {
			Start int64       `json:"start"`
			Price json.Number `json:"price"`
		} `json:"tiers"`
	}
)

// UnmarshalJSON reads a number, or a number with tiers by the size of the input.
func (p *genPrice) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		type tiered genPrice
		return json.Unmarshal(b, (*tiered)(p))
	}
	return json.Unmarshal(b, &p.Base)
}

// genClasses are the price keys that are classes of ours.
var genClasses = map[string]func(*pricing.Rates) **pricing.PerMillion{
	"input_mtok":             func(r *pricing.Rates) **pricing.PerMillion { return &r.Input },
	"output_mtok":            func(r *pricing.Rates) **pricing.PerMillion { return &r.Output },
	"cache_read_mtok":        func(r *pricing.Rates) **pricing.PerMillion { return &r.CachedInput },
	"cache_write_mtok":       func(r *pricing.Rates) **pricing.PerMillion { return &r.CacheWrite },
	"cache_write_5m_mtok":    func(r *pricing.Rates) **pricing.PerMillion { return &r.CacheWrite },
	"cache_write_1h_mtok":    func(r *pricing.Rates) **pricing.PerMillion { return &r.CacheWrite1h },
	"input_audio_mtok":       func(r *pricing.Rates) **pricing.PerMillion { return &r.InputAudio },
	"input_image_mtok":       func(r *pricing.Rates) **pricing.PerMillion { return &r.InputImage },
	"input_video_mtok":       func(r *pricing.Rates) **pricing.PerMillion { return &r.InputVideo },
	"cache_audio_read_mtok":  func(r *pricing.Rates) **pricing.PerMillion { return &r.CachedAudio },
	"cache_image_read_mtok":  func(r *pricing.Rates) **pricing.PerMillion { return &r.CachedImage },
	"output_audio_mtok":      func(r *pricing.Rates) **pricing.PerMillion { return &r.OutputAudio },
	"output_image_mtok":      func(r *pricing.Rates) **pricing.PerMillion { return &r.OutputImage },
	"output_video_mtok":      func(r *pricing.Rates) **pricing.PerMillion { return &r.OutputVideo },
	"output_reasoning_mtok":  func(r *pricing.Rates) **pricing.PerMillion { return &r.Reasoning },
	"requests_kcount":        func(r *pricing.Rates) **pricing.PerMillion { return &r.Requests },
	"web_searches_kcount":    func(r *pricing.Rates) **pricing.PerMillion { return &r.Searches },
	"rerank_searches_kcount": func(r *pricing.Rates) **pricing.PerMillion { return &r.Searches },
}

// genFees are prices of tools that providers bill by the use, on top of tokens.
var genFees = map[string]bool{"social_searches_kcount": true, "storage_searches_kcount": true, "code_executions_kcount": true}

// GenAI reads version 2 of genai-prices' data: a list of providers. Its models are found by rules,
// the first that fits; its tiers are prices of the whole request. A model with no price at all is
// free there, and here.
func GenAI(list []byte) (*Result, error) {
	var providers []genProvider
	dec := json.NewDecoder(bytes.NewReader(list))
	if err := dec.Decode(&providers); err != nil {
		return nil, fmt.Errorf("genai-prices: not a list of providers: %w", err)
	}
	out := &Result{File: &pricing.File{Source: "genai-prices"}}
	for _, p := range providers {
		provider := pricing.Provider{
			Name: strings.ToLower(p.ID), Match: p.ProviderMatch.ours(), URL: p.APIPattern, Fallback: p.Fallback, Sources: p.PricingURLs,
		}
		provider.Aliases = aliases(provider.Name)
		for _, m := range p.Models {
			prices, err := out.genPeriods(p.ID+" "+m.ID, m.Prices)
			if err != nil {
				return nil, fmt.Errorf("genai-prices: %s: model %s: %w", p.ID, m.ID, err)
			}
			provider.Models = append(provider.Models, pricing.Model{ID: m.ID, Match: m.Match.ours(), Prices: prices})
		}
		out.File.Providers = append(out.File.Providers, provider)
	}
	return out.some("genai-prices")
}

func (r *genRule) ours() *pricing.Rule {
	if r == nil {
		return nil
	}
	return &pricing.Rule{
		Equals: r.Equals, StartsWith: r.StartsWith, EndsWith: r.EndsWith, Contains: r.Contains, Regex: r.Regex,
		Or: ours(r.Or), And: ours(r.And), Not: r.Not.ours(),
	}
}

func ours(rules []genRule) []pricing.Rule {
	var out []pricing.Rule
	for i := range rules {
		out = append(out, *rules[i].ours())
	}
	return out
}

// genPeriods turns a model's prices into periods. Conditions are tried last to first, and the
// first of the list holds when none does; between two days on which a condition begins the same
// ones are in question, so that each such stretch is a period of its own.
func (r *Result) genPeriods(name string, raw json.RawMessage) ([]pricing.Period, error) {
	var conditions []genCondition
	if len(raw) > 0 && raw[0] == '[' {
		if err := json.Unmarshal(raw, &conditions); err != nil {
			return nil, err
		}
	} else {
		conditions = make([]genCondition, 1)
		if err := json.Unmarshal(raw, &conditions[0].Prices); err != nil {
			return nil, err
		}
	}
	if len(conditions) == 0 {
		return nil, errors.New("has no prices")
	}
	days := []string{""} // "" is always
	for _, c := range conditions {
		if c.Constraint != nil && c.Constraint.StartDate != "" && !slices.Contains(days, c.Constraint.StartDate) {
			days = append(days, c.Constraint.StartDate)
		}
	}
	slices.Sort(days)
	var out []pricing.Period
	for _, day := range days {
		p, err := r.genPeriod(name, conditions, day)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func (r *Result) genPeriod(name string, conditions []genCondition, day string) (p pricing.Period, err error) {
	if day != "" {
		if err := p.From.UnmarshalText([]byte(day)); err != nil {
			return p, err
		}
	}
	base := &conditions[0].Prices
	for i := len(conditions) - 1; i >= 0; i-- {
		c := conditions[i].Constraint
		if c != nil && c.StartTime != "" {
			if p.Windows, err = r.genWindows(name, p.Windows, &conditions[i]); err != nil {
				return p, err
			}
			continue
		}
		if c == nil || c.StartDate <= day && day != "" {
			base = &conditions[i].Prices
			break
		}
	}
	known := false
	p.Rates, p.Long, known, err = r.genRates(name, *base)
	if !known {
		p.Rates, p.Long, p.Windows, p.Unknown = pricing.Rates{}, nil, nil, true
	}
	return p, err
}

// genWindows adds the window of a condition by the time of the day. One that ends before it begins
// holds never, as in genai-prices.
func (r *Result) genWindows(name string, windows []pricing.Window, c *genCondition) ([]pricing.Window, error) {
	from, err := clock(c.Constraint.StartTime)
	if err != nil {
		return nil, err
	}
	until, err := clock(c.Constraint.EndTime)
	if err != nil {
		return nil, err
	}
	if from >= until {
		r.note("%s: a price from %s to %s never holds", name, c.Constraint.StartTime, c.Constraint.EndTime)
		return windows, nil
	}
	rates, long, known, err := r.genRates(name, c.Prices)
	if !known {
		return windows, fmt.Errorf("a price by the time of the day has classes that lakegate does not know")
	}
	return append(windows, pricing.Window{At: from, Until: until, Rates: rates, Long: long}), err
}

func clock(text string) (pricing.Clock, error) {
	t, err := time.Parse("15:04:05Z07:00", text)
	if err != nil {
		return 0, fmt.Errorf("time %q: %w", text, err)
	}
	t = t.UTC()
	if t.Second() != 0 {
		return 0, fmt.Errorf("time %q is no whole minute", text)
	}
	return pricing.Clock(t.Hour()*60 + t.Minute()), nil
}

// genRates turns prices into rates and bands. known is false when there is a class that lakegate
// does not count and that costs something else than what it is part of.
func (r *Result) genRates(name string, prices genPrices) (base pricing.Rates, long pricing.Bands, known bool, err error) {
	starts := map[int64]bool{}
	free := len(prices) == 0
	prices = maps.Clone(prices)
	for _, key := range slices.Sorted(maps.Keys(prices)) {
		p := prices[key]
		switch {
		case genFees[key]:
			r.note("%s: %s is a fee for what lakegate does not count; the rest of the price is taken", name, key)
			delete(prices, key)
			continue
		case genClasses[key] == nil:
			r.note("%s: %s is no class that lakegate counts; the price is taken as unknown", name, key)
			return base, nil, false, nil
		}
		for _, t := range p.Tiers {
			starts[t.Start] = true
		}
	}
	if _, both := prices["cache_write_5m_mtok"]; both {
		delete(prices, "cache_write_mtok") // what isn't written for an hour is written for five minutes
	}
	if base, err = genAt(prices, -1); err != nil {
		return base, nil, true, err
	}
	if free {
		base.Input, base.Output = new(pricing.PerMillion), new(pricing.PerMillion)
	}
	if base.Input == nil && base.Requests == nil && base.Searches == nil {
		r.note("%s: has no price of input, requests or searches; the price is taken as unknown", name)
		return base, nil, false, nil
	}
	over := make([]int64, 0, len(starts))
	for s := range starts {
		over = append(over, s)
	}
	slices.Sort(over)
	for _, s := range over {
		rates, err := genAt(prices, s)
		if err != nil {
			return base, nil, true, err
		}
		long = append(long, pricing.Band{Over: s, Rates: rates})
	}
	return base, long, true, nil
}

// genAt are the rates of requests whose input is over so many tokens; -1 is the least.
func genAt(prices genPrices, over int64) (pricing.Rates, error) {
	var rates pricing.Rates
	for key, p := range prices {
		n := p.Base
		last := int64(-1)
		for _, t := range p.Tiers {
			if over >= t.Start && t.Start > last {
				n, last = t.Price, t.Start
			}
		}
		price, err := dollars(n, 1)
		if err != nil {
			return rates, fmt.Errorf("%s: %w", key, err)
		}
		*genClasses[key](&rates) = &price
	}
	return rates, nil
}
