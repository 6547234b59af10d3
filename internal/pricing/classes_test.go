package pricing

import (
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
)

// list makes a list with one model, acme's m, of its prices as a file says them.
func list(t *testing.T, prices string) *List {
	t.Helper()
	l, err := Read([]byte("as_of: 2026-01-02\nproviders:\n  - name: acme\n    models:\n      - names: [m]\n        prices: [" + prices + "]\n"))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

const none = -1

// Prices are dollars per million tokens, so that a token at 1 costs 1000 nano-dollars.
func TestClasses(t *testing.T) {
	const claude = `{input: 3, output: 15, cached_input: 0.3, cache_write: 3.75, cache_write_1h: 6, searches: 10}`
	const omni = `{input: 2, output: 8, cached_input: 0.5, input_audio: 32, cached_audio: 0.4, output_audio: 64, input_image: 5, cached_image: 0.5, output_image: 40, input_video: 7, output_video: 20, reasoning: 9}`
	for _, c := range []struct {
		name, prices string
		usage        inference.Usage
		nanos        int64
	}{
		// 100x3 + 200x0.3 + (300-100)x3.75 + 100x6 + 10x15 = 300 + 60 + 750 + 600 + 150
		{"cache writes of both lifetimes", claude, inference.Usage{Input: n(600), CachedInput: n(200), CacheWrite: n(300), CacheWrite1h: n(100), Output: n(10)}, 1_860_000},
		// three searches at 10 dollars per thousand: 0.03 dollars, and a token each way
		{"searches", claude, inference.Usage{Input: n(1), Output: n(1), Searches: n(3)}, 30_018_000},
		{"searches without a price", `{input: 3, output: 15}`, inference.Usage{Input: n(1), Output: n(1), Searches: n(1)}, none},
		{"no searches, no price needed", `{input: 3, output: 15}`, inference.Usage{Input: n(1), Output: n(1), Searches: n(0)}, 18_000},
		{"more for an hour than written", claude, inference.Usage{Input: n(9), CacheWrite: n(3), CacheWrite1h: n(4), Output: n(0)}, none},
		{"writes for an hour not sold apart", `{input: 3, output: 15, cache_write: 3.75}`, inference.Usage{Input: n(10), CacheWrite: n(10), CacheWrite1h: n(10), Output: n(0)}, 37_500},
		// 10x2 + 30x32 + 40x0.4 + 50x5 + 60x0.5 + 70x7
		{"every input", omni, inference.Usage{Input: n(260), Output: n(0), CachedInput: n(100), InputAudio: n(70), CachedAudio: n(40), InputImage: n(110), CachedImage: n(60), InputVideo: n(70)}, 1_766_000},
		// 10x8 + 20x9 + 30x64 + 40x40 + 50x20
		{"every output", omni, inference.Usage{Input: n(0), Output: n(150), Reasoning: n(20), OutputAudio: n(30), OutputImage: n(40), OutputVideo: n(50)}, 4_780_000},
		{"audio at the price of text", claude, inference.Usage{Input: n(10), InputAudio: n(10), CachedAudio: n(99), Output: n(0)}, 30_000},
		{"which part of the cache is audio, nobody knows", omni, inference.Usage{Input: n(100), CachedInput: n(50), InputAudio: n(10), Output: n(0)}, none},
		{"nor which is video", omni, inference.Usage{Input: n(100), CachedInput: n(50), InputVideo: n(10), Output: n(0)}, none},
		{"nothing cached, nothing to know", omni, inference.Usage{Input: n(100), CachedInput: n(0), InputAudio: n(10), Output: n(0)}, 500_000},
		{"more audio than input", omni, inference.Usage{Input: n(10), InputAudio: n(11), Output: n(0)}, none},
		{"more cached audio than cached", omni, inference.Usage{Input: n(100), CachedInput: n(5), InputAudio: n(10), CachedAudio: n(6), Output: n(0)}, none},
		{"cached audio without a price", `{input: 2, output: 8, input_audio: 32}`, inference.Usage{Input: n(100), CachedInput: n(5), InputAudio: n(10), CachedAudio: n(5), Output: n(0)}, none},
		{"more reasoning than output", omni, inference.Usage{Input: n(1), Output: n(5), Reasoning: n(6)}, none},
		{"negative audio", omni, inference.Usage{Input: n(1), Output: n(1), OutputAudio: n(-1)}, none},
		// 12 dollars per thousand requests
		{"a request", `{input: 1, output: 1, requests: 12}`, inference.Usage{Input: n(1), Output: n(1)}, 12_002_000},
		{"reranking", `{searches: 2}`, inference.Usage{Searches: n(1)}, 2_000_000},
		{"reranking counts no tokens", `{searches: 2}`, inference.Usage{Input: n(700), Output: n(0), Searches: n(2)}, 4_000_000},
		{"more searches than numbers", claude, inference.Usage{Input: n(1), Output: n(1), Searches: n(1 << 62)}, none},
	} {
		t.Run(c.name, func(t *testing.T) {
			want(t, list(t, c.prices).Cost("acme", "m", day("2026-11-20"), c.usage), c.nanos)
		})
	}
}

func want(t *testing.T, got *inference.Cost, nanos int64) {
	t.Helper()
	if nanos == none && got != nil || nanos != none && (got == nil || got.NanoUSD != nanos) {
		t.Errorf("cost is %+v, want %d", got, nanos)
	}
}

func TestTiers(t *testing.T) {
	const prices = `{input: 2, output: 8, cached_input: 0.5, searches: 10, long: [{over: 100, input: 4, output: 12, cached_input: 1}, {over: 200, input: 6, output: 12, cached_input: 1}],
		tiers: [{for: [batch, flex], percent: 50}, {for: [priority], input: 3, output: 14}, {for: [scale], input: 3, output: 14, long: {over: 150, input: 5, output: 20}}]}`
	l := list(t, prices)
	for _, c := range []struct {
		tier      string
		in, out   int64
		searches  int64
		nanos     int64
		otherwise string
	}{
		{"", 10, 10, 0, 100_000, ""},
		{"default", 10, 10, 0, 100_000, ""},
		{"ON_DEMAND", 10, 10, 0, 100_000, ""},
		{" Standard ", 100, 0, 0, 200_000, ""},
		{"auto", 101, 0, 0, 404_000, ""},
		{"", 201, 0, 0, 1_206_000, ""},
		{"flex", 10, 10, 0, 50_000, ""},
		{"ON_DEMAND_FLEX", 10, 10, 0, 50_000, ""},
		{"batch", 101, 0, 0, 202_000, ""},
		{"batch", 201, 0, 1, 603_000 + 10_000_000, "a search costs the same in every tier"},
		{"priority", 10, 10, 0, 170_000, ""},
		{"priority", 101, 10, 0, none, "nothing is known of long requests there"},
		{"scale", 150, 0, 0, 450_000, ""},
		{"scale", 151, 0, 0, 755_000, ""},
		{"reserved", 10, 10, 0, none, "a tier the list doesn't have"},
	} {
		u := inference.Usage{Input: n(c.in), Output: n(c.out), Searches: n(c.searches), ServiceTier: c.tier}
		want(t, l.Cost("acme", "m", day("2026-11-20"), u), c.nanos)
	}
}

func TestWindows(t *testing.T) {
	l := list(t, `{input: 2, output: 8, windows: [{days: [6, 7], at: "00:00", until: "24:00", input: 1, output: 1}, {at: "16:30", until: "24:00", input: 3, output: 3}]}`)
	for at, nanos := range map[string]int64{
		"2026-11-20T16:29:59Z":      2000, // Friday
		"2026-11-20T16:30:00Z":      3000,
		"2026-11-20T23:59:59Z":      3000,
		"2026-11-21T00:00:00Z":      1000,
		"2026-11-21T17:00:00Z":      1000, // the first that holds counts
		"2026-11-22T23:59:59Z":      1000,
		"2026-11-23T00:00:00Z":      2000,
		"2026-11-20T17:30:00+01:00": 3000,
	} {
		tm, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		want(t, l.Cost("acme", "m", tm, inference.Usage{Input: n(1), Output: n(0)}), nanos)
	}
}

// What passes through a file stays what it is.
func TestFilesComeBack(t *testing.T) {
	f, err := Parse(builtinFile)
	if err != nil {
		t.Fatal(err)
	}
	text, err := f.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Read(text)
	if err != nil {
		t.Fatal(err)
	}
	if again.Version() != Builtin().Version() {
		t.Errorf("version %s, want %s", again.Version(), Builtin().Version())
	}
}

const ruled2 = `
as_of: 2026-01-02
providers:
  - name: maker
    match: {contains: maker}
    url: https://api\.maker\.example
    models:
      - {id: big, match: {or: [{starts_with: Big-}, {equals: huge}]}, prices: [{input: 1, output: 1}]}
      - {id: any-big, match: {and: [{contains: big}, {not: {ends_with: -free}}]}, prices: [{input: 2, output: 2}]}
      - {id: rx, match: {regex: '^r\d+$'}, prices: [{input: 3, output: 3}]}
  - name: shop
    fallback: [maker]
    models:
      - {id: own, match: {equals: own}, prices: [{input: 4, output: 4}]}
  - name: mall
    fallback: [shop]
    models: []
`

func TestRules(t *testing.T) {
	l, err := Read([]byte(ruled2))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time from the memo
		for _, c := range []struct {
			provider, model string
			nanos           int64
		}{
			{"maker", "big-1", 1000},
			{"MAKER", "BIG-1", 1000},
			{"maker", "huge", 1000},
			{"maker", "not-so-big", 2000}, // of two rules that fit, the first
			{"maker", "a-big-free", none},
			{"maker", "r12", 3000},
			{"maker", "r12x", none},
			{"", "big-1", none},
			{"the-maker-of-things", "r1", 3000},
			{"https://api.maker.example/v1", "r1", 3000},
			{"https://evil.example/https://api.maker.example/v1", "r1", none},
			{"shop", "own", 4000},
			{"shop", "big-1", 1000},
			{"mall", "own", 4000},
			{"mall", "big-1", none}, // one step only
			{"maker", "own", none},
		} {
			want(t, l.Cost(c.provider, c.model, day("2026-11-20"), inference.Usage{Input: n(1), Output: n(0)}), c.nanos)
		}
	}
}

func TestDiscounts(t *testing.T) {
	off := func(s string) *Percent {
		var p Percent
		if err := p.UnmarshalText([]byte(s)); err != nil {
			t.Fatal(err)
		}
		return &p
	}
	base := list(t, `{input: 1, output: 10, requests: 1, tiers: [{for: [flex], percent: 50}]}`)
	for _, c := range []struct {
		name      string
		overrides []Override
		tier      string
		nanos     int64 // of 1000 tokens each way and the request, 12,000,000 at list price
		list      int64
	}{
		{"of everything", []Override{{Discount: off("10")}}, "", 10_800_000, 12_000_000},
		{"of a tier too", []Override{{Discount: off("10")}}, "flex", 5_850_000, 6_500_000},
		{"the provider's before everybody's", []Override{{Discount: off("10")}, {Provider: "acme", Discount: off("20")}}, "", 9_600_000, 12_000_000},
		{"the model's before the provider's", []Override{{Provider: "acme", Discount: off("20")}, {Provider: "acme", Model: "m", Discount: off("25")}}, "", 9_000_000, 12_000_000},
		{"a prefix", []Override{{Provider: "acme", Model: "m*", Discount: off("33.3333")}}, "", 8_000_004, 12_000_000},
		{"from tomorrow", []Override{{Discount: off("10"), From: from("2026-11-21")}}, "", 12_000_000, 12_000_000},
		{"from today", []Override{{Discount: off("10")}, {Discount: off("0"), From: from("2026-11-20")}}, "", 12_000_000, 12_000_000},
		{"a surcharge", []Override{{Discount: off("-10")}}, "", 13_200_000, 12_000_000},
		{"for nothing", []Override{{Discount: off("100")}}, "", 0, 12_000_000},
		{"own prices are final", []Override{{Discount: off("10")}, {Model: "m", Rates: Rates{Input: usd("2"), Output: usd("3")}}}, "", 5_000_000, 12_000_000},
		{"own prices hold in every tier", []Override{{Model: "m", Rates: Rates{Input: usd("2"), Output: usd("3")}}}, "flex", 5_000_000, 6_500_000},
		{"but those of one tier", []Override{{Model: "m", Tier: "flex", Rates: Rates{Input: usd("2"), Output: usd("3")}}}, "", 12_000_000, 12_000_000},
		{"in it", []Override{{Model: "m", Tier: "flex", Rates: Rates{Input: usd("2"), Output: usd("3")}}}, "flex", 5_000_000, 6_500_000},
		{"own prices of a tier the list lacks", []Override{{Model: "m", Tier: "gold", Rates: Rates{Input: usd("2"), Output: usd("3")}}}, "gold", 5_000_000, none},
		{"not known", []Override{{Model: "m", Unpriced: true}, {Discount: off("10")}}, "", none, none},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := New(base, c.overrides)
			if err != nil {
				t.Fatal(err)
			}
			got := l.Cost("acme", "m", day("2026-11-20"), inference.Usage{Input: n(1000), Output: n(1000), ServiceTier: c.tier})
			want(t, got, c.nanos)
			if got != nil && (c.list == none) != (got.ListNanoUSD == nil) || got != nil && got.ListNanoUSD != nil && *got.ListNanoUSD != c.list {
				t.Errorf("at list price %v, want %d", got.ListNanoUSD, c.list)
			}
		})
	}
	for _, bad := range []Override{
		{Discount: off("100.0001")},
		{Discount: off("-901")},
		{Discount: off("5"), Tier: "flex"},
		{Model: "m", Discount: off("5"), Rates: Rates{Input: usd("1")}},
		{Model: "m", Tier: "default", Rates: Rates{Input: usd("1")}},
	} {
		if _, err := New(base, []Override{bad}); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	// A discount is exact: a third of a nano-dollar is lost only where the request is rounded.
	s := sum{}
	s.add(1, usd("0.000001")) // a thousandth of a nano-dollar
	s.add(999_999, usd("0.000001"))
	if got, ok := s.nanos(Percent(500_000)); !ok || got != 500 {
		t.Errorf("half of a thousand is %d, %v", got, ok)
	}
	s = sum{hi: 1 << 63}
	if _, ok := s.nanos(-9 * wholePercent); ok {
		t.Error("beyond any bill is a bill")
	}
}

// The price of a model that is found by a rule, after the first time.
func BenchmarkCostByRules(b *testing.B) {
	l, err := Read([]byte(ruled2))
	if err != nil {
		b.Fatal(err)
	}
	at, u := day("2026-11-20"), usage(1000, 500, 0, 0)
	b.ReportAllocs()
	for b.Loop() {
		if l.Cost("the-maker-of-things", "a-big-one", at, u) == nil {
			b.Fatal("no cost")
		}
	}
}
