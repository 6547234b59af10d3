package pricing

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
)

func n(v int64) *int64 { return &v }

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t.Add(12 * time.Hour)
}

func usage(in, out, cached, written int64) inference.Usage {
	u := inference.Usage{Source: inference.UsageProvider, Input: n(in), Output: n(out)}
	if cached > 0 {
		u.CachedInput = n(cached)
	}
	if written > 0 {
		u.CacheWrite = n(written)
	}
	return u
}

// Costs computed by hand: tokens x dollars per million tokens, in nano-dollars.
func TestCostByHand(t *testing.T) {
	for _, c := range []struct {
		name, provider, model, day string
		usage                      inference.Usage
		nanos                      int64
	}{
		// 1000 x 2.50 + 500 x 10 = 7500 -> 0.0075 dollars
		{"plain", "openai", "gpt-4o", "2026-11-20", usage(1000, 500, 0, 0), 7_500_000},
		{"a dated name", "openai", "gpt-4o-2024-08-06", "2026-11-20", usage(1000, 500, 0, 0), 7_500_000},
		// a snapshot with a price of its own: 1000 x 5 + 500 x 15
		{"a snapshot of its own", "openai", "gpt-4o-2024-05-13", "2026-11-20", usage(1000, 500, 0, 0), 12_500_000},
		// (1000 - 800) x 2.50 + 800 x 1.25 + 500 x 10 = 500 + 1000 + 5000
		{"cached input", "openai", "gpt-4o", "2026-11-20", usage(1000, 500, 800, 0), 6_500_000},
		// gpt-4 has no price for cached input: 1000 x 30 + 0
		{"cached, not sold apart", "openai", "gpt-4", "2026-11-20", usage(1000, 0, 800, 0), 30_000_000},
		// (2000 - 1000 - 600) x 3 + 1000 x 0.30 + 600 x 3.75 + 100 x 15 = 1200 + 300 + 2250 + 1500
		{"cache read and write", "anthropic", "claude-sonnet-4-5-20250929", "2026-11-20", usage(2000, 100, 1000, 600), 5_250_000},
		{"vertex spelling of a date", "anthropic", "claude-sonnet-4-5@20250929", "2026-11-20", usage(2000, 100, 1000, 600), 5_250_000},
		// 200,000 x 3 + 10 x 15 = 600150
		{"just not long", "anthropic", "claude-sonnet-4-5", "2026-11-20", usage(200_000, 10, 0, 0), 600_150_000},
		// 200,001 x 6 + 10 x 22.50 = 1200006 + 225: the whole request costs more
		{"long", "anthropic", "claude-sonnet-4-5", "2026-11-20", usage(200_001, 10, 0, 0), 1_200_231_000},
		// the tier of sonnet 4.6 fell away on 2026-03-13
		{"long, before", "anthropic", "claude-sonnet-4-6", "2026-03-12", usage(300_000, 0, 0, 0), 1_800_000_000},
		{"long, after", "anthropic", "claude-sonnet-4-6", "2026-03-13", usage(300_000, 0, 0, 0), 900_000_000},
		// 1000 x 10 + 1000 x 40, then 1000 x 2 + 1000 x 8
		{"before a cut", "openai", "o3", "2025-06-09", usage(1000, 1000, 0, 0), 50_000_000},
		{"after a cut", "openai", "o3", "2025-06-10", usage(1000, 1000, 0, 0), 10_000_000},
		{"this year", "google", "gemini-3.8-flash", "2026-12-31", usage(1000, 1000, 0, 0), 4_500_000},
		{"next year", "gemini", "models/gemini-3.8-flash", "2027-01-01", usage(1000, 1000, 0, 0), 9_000_000},
		// 1 x 0.0028: 2.8 nano-dollars round to 3; 0.02 per million is 20 nano-dollars a token
		{"half up", "deepseek", "deepseek-v4-flash", "2026-05-01", inference.Usage{Input: n(1), Output: n(0), CachedInput: n(1)}, 3},
		{"one embedding token", "openai", "text-embedding-3-small", "2026-11-20", inference.Usage{Input: n(1)}, 20},
		// 1234 x 0.13
		{"embedding", "openai", "text-embedding-3-large", "2026-11-20", inference.Usage{Input: n(1234), Output: n(0)}, 160_420},
		{"nothing used", "openai", "gpt-4o", "2026-11-20", usage(0, 0, 0, 0), 0},
		{"upper case, spaces", "OpenAI", " GPT-4o-mini ", "2026-11-20", usage(1_000_000, 1_000_000, 0, 0), 750_000_000},
		{"reasoning is part of the output", "openai", "o3-mini", "2026-11-20", inference.Usage{Input: n(10), Output: n(100), Reasoning: n(90)}, 451_000},
		{"fine-tuned", "openai", "ft:gpt-4o-mini-2024-07-18:acme::abc", "2026-11-20", usage(1000, 1000, 0, 0), 1_500_000},
		{"another maker over OpenAI's API", "openai", "mistral-large-latest", "2026-11-20", usage(1000, 1000, 0, 0), 2_000_000},
		{"the same before it moved", "openai", "mistral-large-latest", "2025-12-01", usage(1000, 1000, 0, 0), 8_000_000},
		// 1000 x 1.25/2 + 1000 x 10/2
		{"flex", "openai", "gpt-5", "2026-11-20", inference.Usage{Input: n(1000), Output: n(1000), ServiceTier: "flex"}, 5_625_000},
		{"priority", "openai", "gpt-5", "2026-11-20", inference.Usage{Input: n(1000), Output: n(1000), ServiceTier: "priority"}, 22_500_000},
		// 400 x 0.13 + 600 x 1.25: OpenAI rounds half of 0.25 up
		{"flex, cached", "openai", "gpt-5.4", "2026-11-20", inference.Usage{Input: n(1000), CachedInput: n(400), Output: n(0), ServiceTier: "flex"}, 802_000},
		{"long flex", "openai", "gpt-5.5", "2026-11-20", inference.Usage{Input: n(272_001), Output: n(0), ServiceTier: "flex"}, 272_001 * 5_000},
		{"long", "openai", "gpt-5.5", "2026-11-20", inference.Usage{Input: n(272_001), Output: n(0)}, 272_001 * 10_000},
		{"a web search", "openai", "gpt-5", "2026-11-20", inference.Usage{Input: n(0), Output: n(0), Searches: n(3)}, 30_000_000},
		{"a batch", "anthropic", "claude-sonnet-4-6", "2026-11-20", inference.Usage{Input: n(1000), Output: n(1000), ServiceTier: "batch"}, 9_000_000},
		// 500 x 3.75 + 100 x 6 + 400 x 3 + 2 searches at 10 per thousand
		{"writes for an hour, searches", "anthropic", "claude-sonnet-4-6", "2026-11-20", inference.Usage{Input: n(1000), CacheWrite: n(600), CacheWrite1h: n(100), Output: n(0), Searches: n(2), ServiceTier: "standard"}, 23_675_000},
		// 600 x 0.30 + 200 x 0.03 + 150 x 1 + 50 x 0.10
		{"audio, partly cached", "google-gemini", "gemini-2.5-flash", "2026-11-20", inference.Usage{Input: n(1000), CachedInput: n(250), InputAudio: n(200), CachedAudio: n(50), Output: n(0)}, 341_000},
		{"images out", "google-gemini", "gemini-2.5-flash-image", "2026-11-20", inference.Usage{Input: n(0), Output: n(1390), OutputImage: n(1290), Reasoning: n(0)}, 38_950_000},
		// a European profile of Bedrock's costs a tenth more than the global one
		{"an inference profile", "amazon-bedrock", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "2026-11-20", usage(1000, 100, 0, 0), 4_950_000},
		{"the global one", "amazon-bedrock", "global.anthropic.claude-sonnet-4-5-20250929-v1:0", "2026-11-20", usage(1000, 100, 0, 0), 4_500_000},
		{"Claude on Vertex", "google-cloud-vertex-ai", "claude-sonnet-4-5@20250929", "2026-11-20", usage(1000, 100, 0, 0), 4_500_000},
		{"reranking", "cohere", "rerank-v3.5", "2026-11-20", inference.Usage{Searches: n(1)}, 2_000_000},
		// more tokens than anyone will send, exactly: 1e12 x 2.50 + 1e12 x 10
		{"a trillion tokens", "openai", "gpt-4o", "2026-11-20", usage(1e12, 1e12, 0, 0), 12_500_000 * 1e9},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Builtin().Cost(c.provider, c.model, day(c.day), c.usage)
			if got == nil {
				t.Fatal("no cost")
			}
			if got.NanoUSD != c.nanos || got.PriceVersion != Builtin().Version() {
				t.Errorf("cost is %+v, want %d nano-dollars at version %s", *got, c.nanos, Builtin().Version())
			}
		})
	}
}

func TestPeakHours(t *testing.T) {
	// deepseek-flash: 0.15 and 0.60 off-peak, twice that on weekdays 01-04 and 06-10 UTC.
	const off, peak = 750_000, 1_500_000
	for at, want := range map[string]int64{
		"2026-11-20T00:59:59Z":      off,  // Friday
		"2026-11-20T01:00:00Z":      peak, //
		"2026-11-20T03:59:59Z":      peak,
		"2026-11-20T04:00:00Z":      off,
		"2026-11-20T09:59:59Z":      peak,
		"2026-11-20T10:00:00Z":      off,
		"2026-11-20T11:30:00+01:00": off,
		"2026-11-20T10:30:00+01:00": peak, // the hours are UTC whatever the zone of the time
		"2026-11-21T02:00:00Z":      off,  // Saturday
		"2026-11-23T02:00:00Z":      peak, // Monday
	} {
		tm, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := Builtin().Cost("deepseek", "deepseek-flash", tm, usage(1000, 1000, 0, 0)); got == nil || got.NanoUSD != want {
			t.Errorf("at %s: %+v, want %d", at, got, want)
		}
	}
}

func TestNoCost(t *testing.T) {
	for _, c := range []struct {
		name, provider, model, day string
		usage                      inference.Usage
	}{
		{"unknown model", "openai", "gpt-99", "2026-11-20", usage(1, 1, 0, 0)},
		{"no model", "openai", "", "2026-11-20", usage(1, 1, 0, 0)},
		{"unknown provider", "acme", "gpt-4o", "2026-11-20", usage(1, 1, 0, 0)},
		{"custom provider", "custom", "gpt-4o", "2026-11-20", usage(1, 1, 0, 0)},
		{"another maker's model", "anthropic", "gpt-4o", "2026-11-20", usage(1, 1, 0, 0)},
		{"long priority, price not known", "openai", "gpt-5.4", "2026-11-20", inference.Usage{Input: n(272_001), Output: n(1), ServiceTier: "priority"}},
		{"a tier that is bought beforehand", "anthropic", "claude-sonnet-4-6", "2026-11-20", inference.Usage{Input: n(1), Output: n(1), ServiceTier: "priority"}},
		{"a tier from before its price was looked at", "openai", "o3", "2025-06-09", inference.Usage{Input: n(1), Output: n(1), ServiceTier: "flex"}},
		{"a search of unknown price", "openai", "gpt-4o", "2026-11-20", inference.Usage{Input: n(1), Output: n(1), Searches: n(1)}},
		{"a name that only begins alike", "openai", "gpt-4o-audio-preview", "2026-11-20", usage(1, 1, 0, 0)},
		{"a name that only begins alike, dated", "openai", "gpt-4o-audio-preview-2024-10-01", "2026-11-20", usage(1, 1, 0, 0)},
		{"a date that isn't one", "openai", "gpt-4o-2024-08-6x", "2026-11-20", usage(1, 1, 0, 0)},
		{"names of self-hosted models", "openai", "llama-3.3-70b", "2026-11-20", usage(1, 1, 0, 0)},
		{"before the first price", "deepseek", "deepseek-chat", "2025-09-04", usage(1, 1, 0, 0)},
		{"while the price isn't known", "deepseek", "deepseek-v4-flash", "2026-08-15", usage(1, 1, 0, 0)},
		{"long, price not known", "xai", "grok-4", "2026-11-20", usage(128_001, 1, 0, 0)},
		{"no counts", "openai", "gpt-4o", "2026-11-20", inference.Usage{Source: inference.UsageNone}},
		{"no output count", "openai", "gpt-4o", "2026-11-20", inference.Usage{Input: n(5)}},
		{"no input count", "openai", "gpt-4o", "2026-11-20", inference.Usage{Output: n(5)}},
		{"output of an embedding", "openai", "text-embedding-3-small", "2026-11-20", usage(5, 5, 0, 0)},
		{"negative", "openai", "gpt-4o", "2026-11-20", usage(-1, 1, 0, 0)},
		{"negative output", "openai", "gpt-4o", "2026-11-20", usage(1, -1, 0, 0)},
		{"negative cached", "openai", "gpt-4o", "2026-11-20", inference.Usage{Input: n(1), Output: n(1), CachedInput: n(-1)}},
		{"more cached than input", "openai", "gpt-4o", "2026-11-20", usage(100, 1, 101, 0)},
		{"more cached and written than input", "openai", "gpt-4o", "2026-11-20", usage(100, 1, 60, 41)},
		{"beyond any bill", "openai", "gpt-4o", "2026-11-20", usage(math.MaxInt64, math.MaxInt64, 0, 0)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Builtin().Cost(c.provider, c.model, day(c.day), c.usage); got != nil {
				t.Errorf("cost is %+v, want none", *got)
			}
		})
	}
}

func cost(r Rates, u inference.Usage) (int64, bool) {
	s, ok := r.sum(&u)
	if !ok {
		return 0, false
	}
	return s.nanos(0)
}

func TestRounding(t *testing.T) {
	for _, c := range []struct {
		price         PerMillion // nano-dollars per million tokens
		tokens, nanos int64
	}{
		{499_999, 1, 0},
		{500_000, 1, 1},
		{1_499_999, 1, 1},
		{1_500_000, 1, 2},
		{1, 499_999, 0},
		{1, 500_000, 1},
	} {
		p := c.price
		got, ok := cost(Rates{Input: &p}, inference.Usage{Input: n(c.tokens)})
		if !ok || got != c.nanos {
			t.Errorf("%d tokens at %d: %d, want %d", c.tokens, c.price, got, c.nanos)
		}
	}
	// Two halves are one whole: rounding happens once per request, not once per kind of token.
	half := PerMillion(500_000)
	if got, _ := cost(Rates{Input: &half, Output: &half}, usage(1, 1, 0, 0)); got != 1 {
		t.Errorf("half a nano-dollar twice is %d, want 1", got)
	}
}

func TestBuiltinNamesItsSources(t *testing.T) {
	f, err := Parse(builtinFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range f.Providers {
		if p.Checked.IsZero() || len(p.Sources) == 0 || !strings.HasPrefix(p.Sources[0], "https://") {
			t.Errorf("%s needs a date it was checked and the page it was taken from", p.Name)
		}
	}
}

func TestBuiltinIsBigAndSane(t *testing.T) {
	l := Builtin()
	models := map[*model]bool{}
	for _, s := range l.sellers {
		for _, m := range s.labels {
			models[m] = true
		}
	}
	if len(models) < 120 {
		t.Errorf("%d models, expected at least 120", len(models))
	}
	for m := range models {
		for _, p := range m.periods {
			if p.unknown {
				continue
			}
			r := p.standard.rates
			in, out, cached := r.Input, r.Output, r.CachedInput
			if out != nil && *out < *in {
				t.Errorf("%v: output is cheaper than input: %d < %d", m.label, *out, *in)
			}
			if cached != nil && *cached >= *in {
				t.Errorf("%v: cached input is not cheaper than input: %d >= %d", m.label, *cached, *in)
			}
			if w := r.CacheWrite; w != nil && (*w < *in || *w > *in*2) {
				t.Errorf("%v: a cache write is not between once and twice the input: %d, %d", m.label, *w, *in)
			}
		}
	}
	if !strings.HasPrefix(l.Version(), "2026-") || len(l.Version()) != len("2026-11-20.12345678") {
		t.Errorf("version %q", l.Version())
	}
}

func BenchmarkCost(b *testing.B) {
	l, at, u := Builtin(), day("2026-11-20"), usage(1000, 500, 800, 0)
	b.ReportAllocs()
	for b.Loop() {
		if l.Cost("openai", "gpt-4o-2024-08-06", at, u) == nil {
			b.Fatal("no cost")
		}
	}
}
