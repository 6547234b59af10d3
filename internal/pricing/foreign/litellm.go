package foreign

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/lakegate/lakegate/internal/pricing"
)

// liteProviders are lakegate's names of LiteLLM's providers; others keep theirs.
var liteProviders = map[string]string{
	"text-completion-openai": "openai", "cohere_chat": "cohere", "bedrock": "amazon-bedrock", "bedrock_converse": "amazon-bedrock",
	"bedrock_mantle": "amazon-bedrock", "gemini": "google-gemini", "databricks": "databricks-model-serving", "ai21": "ai21labs",
	"together_ai": "together", "fireworks_ai": "fireworks", "fireworks_ai-embedding-models": "fireworks", "codestral": "mistral",
	"text-completion-codestral": "mistral", "azure_text": "azure",
}

// liteClasses are the beginnings of cost keys, in dollars for one, by the class of ours. What
// follows one is a size of the input and a tier: _above_200k_tokens_priority.
var liteClasses = []struct {
	key  string
	rate func(*pricing.Rates) **pricing.PerMillion
	by   int64 // how many of them our price is for
}{
	{"input_cost_per_token", func(r *pricing.Rates) **pricing.PerMillion { return &r.Input }, 1_000_000},
	{"output_cost_per_token", func(r *pricing.Rates) **pricing.PerMillion { return &r.Output }, 1_000_000},
	{"cache_read_input_token_cost", func(r *pricing.Rates) **pricing.PerMillion { return &r.CachedInput }, 1_000_000},
	{"cache_creation_input_token_cost_above_1hr", func(r *pricing.Rates) **pricing.PerMillion { return &r.CacheWrite1h }, 1_000_000},
	{"cache_creation_input_token_cost", func(r *pricing.Rates) **pricing.PerMillion { return &r.CacheWrite }, 1_000_000},
	{"input_cost_per_audio_token", func(r *pricing.Rates) **pricing.PerMillion { return &r.InputAudio }, 1_000_000},
	{"input_cost_per_image_token", func(r *pricing.Rates) **pricing.PerMillion { return &r.InputImage }, 1_000_000},
	{"input_cost_per_video_token", func(r *pricing.Rates) **pricing.PerMillion { return &r.InputVideo }, 1_000_000},
	{"cache_read_input_audio_token_cost", func(r *pricing.Rates) **pricing.PerMillion { return &r.CachedAudio }, 1_000_000},
	{"cache_read_input_image_token_cost", func(r *pricing.Rates) **pricing.PerMillion { return &r.CachedImage }, 1_000_000},
	{"output_cost_per_audio_token", func(r *pricing.Rates) **pricing.PerMillion { return &r.OutputAudio }, 1_000_000},
	{"output_cost_per_image_token", func(r *pricing.Rates) **pricing.PerMillion { return &r.OutputImage }, 1_000_000},
	{"output_cost_per_video_token", func(r *pricing.Rates) **pricing.PerMillion { return &r.OutputVideo }, 1_000_000},
	{"output_cost_per_reasoning_token", func(r *pricing.Rates) **pricing.PerMillion { return &r.Reasoning }, 1_000_000},
	{"input_cost_per_request", func(r *pricing.Rates) **pricing.PerMillion { return &r.Requests }, 1000},
	{"input_cost_per_query", func(r *pricing.Rates) **pricing.PerMillion { return &r.Searches }, 1000},
}

var (
	liteSuffix = regexp.MustCompile(`^(?:_above_(\d+)k_tokens)?(?:_(batches|flex|priority|balanced|ultrafast))?$`)
	// liteUncounted are costs of what lakegate doesn't count.
	liteUncounted = regexp.MustCompile(`_per_(image|pixel|second|character|page|credit|audio_per_second|video_per_second|text_message|session|unit)|^cost_per_second`)
)

// LiteLLM reads model_prices_and_context_window.json: one object of models. A key's beginning is
// cut off when it names the provider (gemini/, azure/, bedrock/...), so that what is left is the
// name a provider answers with.
func LiteLLM(list []byte) (*Result, error) {
	var models map[string]liteModel
	if err := json.Unmarshal(list, &models); err != nil {
		return nil, fmt.Errorf("litellm: not an object of models: %w", err)
	}
	out := &Result{File: &pricing.File{Source: "litellm"}}
	providers := map[string]*pricing.Provider{}
	seen := map[string]string{} // the key that a name came from
	for _, key := range slices.Sorted(maps.Keys(models)) {
		m := models[key]
		provider := m.provider()
		if key == "sample_spec" || provider == "" {
			continue
		}
		name := liteName(key, m.text("litellm_provider"))
		if name == "" {
			out.note("%s: the name is of one region or size, which rows don't say; left out", key)
			continue
		}
		if first, twice := seen[provider+" "+name]; twice {
			out.note("%s: %s has the name already; left out", key, first)
			continue
		}
		period, why, err := m.period()
		if err != nil {
			return nil, fmt.Errorf("litellm: model %s: %w", key, err)
		}
		if why != "" {
			out.note("%s: %s; left out", key, why)
			continue
		}
		seen[provider+" "+name] = key
		if providers[provider] == nil {
			providers[provider] = &pricing.Provider{Name: provider}
		}
		providers[provider].Models = append(providers[provider].Models, pricing.Model{Names: []string{name}, Prices: []pricing.Period{period}})
	}
	for _, name := range slices.Sorted(maps.Keys(providers)) {
		out.File.Providers = append(out.File.Providers, *providers[name])
	}
	return out.some("litellm")
}

type liteModel map[string]json.RawMessage

func (m liteModel) text(key string) string {
	var s string
	if json.Unmarshal(m[key], &s) != nil {
		return ""
	}
	return s
}

func (m liteModel) provider() string {
	p := strings.ToLower(m.text("litellm_provider"))
	if strings.HasPrefix(p, "vertex_ai") {
		return "google-cloud-vertex-ai"
	}
	if ours, ok := liteProviders[p]; ok {
		return ours
	}
	return p
}

// liteName is what a provider calls the model; "" for a key that has more in it than that.
func liteName(key, provider string) string {
	key = strings.ToLower(key)
	family, _, _ := strings.Cut(strings.ToLower(provider), "-")
	for _, prefix := range []string{strings.ToLower(provider) + "/", family + "/", strings.TrimSuffix(family, "_converse") + "/", strings.TrimSuffix(family, "_chat") + "/"} {
		if rest, ok := strings.CutPrefix(key, prefix); ok {
			key = rest
			break
		}
	}
	// Bedrock's keys may say a region or a commitment first, image models' a size.
	if strings.HasPrefix(provider, "bedrock") && strings.Contains(key, "/") || strings.HasPrefix(provider, "azure") && strings.Contains(key, "/") {
		return ""
	}
	return key
}

// period is what the model costs; why is not empty when it is nothing that lakegate can price.
func (m liteModel) period() (p pricing.Period, why string, err error) {
	for key := range m {
		if liteUncounted.MatchString(key) && !m.zero(key) && !m.alsoByToken(key) {
			return p, "is billed by " + key + ", which lakegate does not count", nil
		}
	}
	sizes, tiers, err := m.variants()
	if err != nil {
		return p, "", err
	}
	if p.Rates, err = m.rates(0, ""); err != nil {
		return p, "", err
	}
	if why, err := m.searches(&p.Rates); why != "" || err != nil {
		return p, why, err
	}
	if p.Rates.Input == nil && p.Rates.Requests == nil && p.Rates.Searches == nil {
		if _, tiered := m["tiered_pricing"]; !tiered {
			return p, "has no price of tokens, requests or searches", nil
		}
	}
	if m.text("mode") == "rerank" && p.Rates.Searches != nil {
		p.Rates.Input, p.Rates.Output = nil, nil // sold by the search alone
		return p, "", nil
	}
	if p.Long, err = m.bands(sizes, "", &p.Rates); err != nil {
		return p, "", err
	}
	for _, name := range tiers {
		t := pricing.Tier{For: []string{strings.Replace(name, "batches", "batch", 1)}}
		if t.Rates, err = m.rates(0, name); err != nil {
			return p, "", err
		}
		if t.Rates.Input == nil { // output alone is no tier
			continue
		}
		t.Rates = t.Rates.Over(&p.Rates)
		if t.Long, err = m.bands(sizes, name, &t.Rates); err != nil {
			return p, "", err
		}
		p.Tiers = append(p.Tiers, t)
	}
	if raw, ok := m["tiered_pricing"]; ok {
		return m.ranges(raw)
	}
	if raw, ok := m["off_peak_pricing"]; ok {
		p.Tiers = nil
		p.Windows, err = offPeak(raw)
	}
	return p, "", err
}

func (m liteModel) zero(key string) bool {
	var n json.Number
	if json.Unmarshal(m[key], &n) != nil {
		return true // not a number: no price
	}
	r, ok := new(big.Rat).SetString(n.String())
	return !ok || r.Sign() == 0
}

// alsoByToken says that what a key bills by the image is billed by the image's tokens too, so that
// nothing is missing without it.
func (m liteModel) alsoByToken(key string) bool {
	_, in := m["input_cost_per_image_token"]
	_, out := m["output_cost_per_image_token"]
	return strings.HasPrefix(key, "input_cost_per_image") && in || strings.HasPrefix(key, "output_cost_per_image") && out
}

// variants are the sizes of the input, in tokens, and the tiers that have prices.
func (m liteModel) variants() (sizes []int64, tiers []string, err error) {
	for key := range m {
		for _, c := range liteClasses {
			rest, ok := strings.CutPrefix(key, c.key)
			if !ok {
				continue
			}
			s := liteSuffix.FindStringSubmatch(rest)
			if s == nil {
				continue
			}
			if s[1] != "" {
				k, err := strconv.ParseInt(s[1], 10, 32)
				if err != nil {
					return nil, nil, fmt.Errorf("key %s: %w", key, err)
				}
				sizes = append(sizes, k*1000)
			}
			if s[2] != "" {
				tiers = append(tiers, s[2])
			}
		}
	}
	slices.Sort(sizes)
	slices.Sort(tiers)
	return slices.Compact(sizes), slices.Compact(tiers), nil
}

// rates are the prices of a size and tier. What a tier or a long input has no price for costs what
// it costs otherwise.
func (m liteModel) rates(size int64, tier string) (pricing.Rates, error) {
	var r pricing.Rates
	for _, c := range liteClasses {
		suffix := ""
		if size > 0 {
			suffix = "_above_" + strconv.FormatInt(size/1000, 10) + "k_tokens"
		}
		key := c.key + suffix
		if tier != "" {
			key += "_" + tier
		}
		raw, ok := m[key]
		if !ok {
			continue
		}
		var n json.Number
		if json.Unmarshal(raw, &n) != nil {
			continue // null, or a text for people
		}
		p, err := dollars(n, c.by)
		if err != nil {
			return r, fmt.Errorf("%s: %w", key, err)
		}
		*c.rate(&r) = &p
	}
	if r.Output == nil {
		r.Output = r.OutputImage // of models whose only output is images
	}
	return r, nil
}

// bands are the prices by the size of the input. Classes without a price of that size cost what
// they cost in the size below.
func (m liteModel) bands(sizes []int64, tier string, base *pricing.Rates) (pricing.Bands, error) {
	last := *base
	var out pricing.Bands
	for _, size := range sizes {
		r, err := m.rates(size, tier)
		if err != nil {
			return nil, err
		}
		if r.Empty() {
			continue
		}
		last = r.Over(&last)
		last.Only(base)
		out = append(out, pricing.Band{Over: size, Rates: last})
	}
	return out, nil
}

// searches takes the price of a search when it does not depend on the size of its context, which
// answers don't say.
func (m liteModel) searches(r *pricing.Rates) (why string, err error) {
	var sizes map[string]json.Number
	raw, ok := m["search_context_cost_per_query"]
	if !ok || json.Unmarshal(raw, &sizes) != nil || len(sizes) == 0 {
		return "", nil
	}
	prices := map[pricing.PerMillion]bool{}
	for _, n := range sizes {
		p, err := dollars(n, 1000)
		if err != nil {
			return "", fmt.Errorf("search_context_cost_per_query: %w", err)
		}
		prices[p] = true
		r.Searches = &p
	}
	if len(prices) == 1 {
		return "", nil
	}
	r.Searches = nil
	if m.provider() == "perplexity" { // every request searches
		return "each request costs by the size of its search, which answers don't say", nil
	}
	return "", nil
}

// ranges reads tiered_pricing: prices of the whole request by the size of its input.
func (m liteModel) ranges(raw json.RawMessage) (p pricing.Period, why string, err error) {
	var tiers []liteModel
	if err := json.Unmarshal(raw, &tiers); err != nil {
		return p, "", fmt.Errorf("tiered_pricing: %w", err)
	}
	for i, t := range tiers {
		var bounds []float64
		if json.Unmarshal(t["range"], &bounds) != nil || len(bounds) != 2 {
			return p, "has prices by something else than the size of the input", nil
		}
		r, err := t.rates(0, "")
		if err != nil {
			return p, "", fmt.Errorf("tiered_pricing: %w", err)
		}
		if i == 0 && bounds[0] == 0 {
			p.Rates = r
			continue
		}
		p.Long = append(p.Long, pricing.Band{Over: int64(bounds[0]), Rates: r.Over(&p.Rates)})
	}
	if p.Rates.Input == nil {
		return p, "has no price of small inputs", nil
	}
	return p, "", nil
}

// offPeak reads prices by the time of the day and the day of the week.
func offPeak(raw json.RawMessage) ([]pricing.Window, error) {
	var all liteModel
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, fmt.Errorf("off_peak_pricing: %w", err)
	}
	var windows []struct {
		Hours    json.RawMessage `json:"hours_utc"`
		Weekdays []int           `json:"weekdays"`
	}
	if err := json.Unmarshal(all["windows"], &windows); err != nil {
		return nil, fmt.Errorf("off_peak_pricing: windows: %w", err)
	}
	rates, err := all.rates(0, "")
	if err != nil {
		return nil, err
	}
	var out []pricing.Window
	for _, w := range windows {
		var spans []string
		if json.Unmarshal(w.Hours, &spans) != nil {
			spans = make([]string, 1)
			if err := json.Unmarshal(w.Hours, &spans[0]); err != nil {
				return nil, fmt.Errorf("off_peak_pricing: hours_utc: %w", err)
			}
		}
		for _, span := range spans {
			one, err := hours(span, w.Weekdays)
			if err != nil {
				return nil, fmt.Errorf("off_peak_pricing: %w", err)
			}
			for i := range one {
				one[i].Rates = rates
			}
			out = append(out, one...)
		}
	}
	return out, nil
}

// hours reads 16:30-00:30. What passes midnight are two windows, the second of the next day.
func hours(span string, days []int) ([]pricing.Window, error) {
	from, until, _ := strings.Cut(span, "-")
	w := pricing.Window{Days: days}
	if err := w.At.UnmarshalText([]byte(from)); err != nil {
		return nil, err
	}
	if err := w.Until.UnmarshalText([]byte(until)); err != nil {
		return nil, err
	}
	if w.Until > w.At {
		return []pricing.Window{w}, nil
	}
	rest := pricing.Window{Until: w.Until}
	for _, d := range days {
		rest.Days = append(rest.Days, d%7+1)
	}
	w.Until = 24 * 60
	if rest.Until == 0 {
		return []pricing.Window{w}, nil
	}
	return []pricing.Window{w, rest}, nil
}
