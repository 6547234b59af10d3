package pricing

import (
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/inference"
)

func usd(s string) *PerMillion {
	var p PerMillion
	if err := p.UnmarshalText([]byte(s)); err != nil {
		panic(err)
	}
	return &p
}

func from(s string) Date {
	var d Date
	if err := d.UnmarshalText([]byte(s)); err != nil {
		panic(err)
	}
	return d
}

func TestOverrides(t *testing.T) {
	l, err := New(Builtin(), []Override{
		{Provider: "openai", Model: "gpt-4o", Rates: Rates{Input: usd("2"), Output: usd("8")}},
		{Provider: "openai", Model: "gpt-4o", From: from("2026-12-01"), Rates: Rates{Input: usd("1"), Output: usd("4")}},
		{Provider: "openai", Model: "o3", From: from("2026-12-01"), Rates: Rates{Input: usd("1"), Output: usd("1")}},
		{Provider: "custom", Model: "llama-*", Rates: Rates{Input: usd("0"), Output: usd("0")}},
		{Provider: "custom", Model: "llama-3-*", Rates: Rates{Input: usd("0.5"), Output: usd("0.5")}},
		{Model: "mistral-large-latest", Unpriced: true},
		{Provider: "custom", Model: "embedder", Rates: Rates{Input: usd("0.01")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	const none = -1
	for _, c := range []struct {
		provider, model, day string
		nanos                int64
	}{
		{"openai", "gpt-4o", "2026-11-20", 10_000_000},
		{"openai", "gpt-4o-2024-08-06", "2026-11-20", 10_000_000}, // the name the provider answers with
		{"openai", "gpt-4o", "2026-12-01", 5_000_000},
		{"openai", "gpt-4o-mini", "2026-11-20", 750_000}, // not overridden
		{"openai", "o3", "2026-11-30", 10_000_000},       // not yet
		{"openai", "o3", "2026-12-01", 2_000_000},
		{"custom", "llama-4", "2026-11-20", 0}, // free is a price
		{"custom", "llama-3-70b", "2026-11-20", 1_000_000},
		{"openai", "llama-4", "2026-11-20", none},
		{"openai", "mistral-large-latest", "2026-11-20", none},
		{"mistral", "mistral-large-latest", "2026-11-20", none},
	} {
		got := l.Cost(c.provider, c.model, day(c.day), usage(1000, 1000, 0, 0))
		if c.nanos == none && got != nil || c.nanos != none && (got == nil || got.NanoUSD != c.nanos) {
			t.Errorf("%s %s on %s: %+v, want %d", c.provider, c.model, c.day, got, c.nanos)
		}
	}
	if got := l.Cost("custom", "embedder", day("2026-11-20"), inference.Usage{Input: n(1000)}); got == nil || got.NanoUSD != 10_000 {
		t.Errorf("embedder: %+v", got)
	}
	if b := Builtin(); b.Cost("openai", "gpt-4o", day("2026-11-20"), usage(1000, 500, 0, 0)).NanoUSD != 7_500_000 {
		t.Error("the built-in list has changed")
	}
}

func TestOverridesHaveTheirVersion(t *testing.T) {
	same, err := New(Builtin(), nil)
	if err != nil || same.Version() != Builtin().Version() {
		t.Errorf("without overrides: %v, %v", same, err)
	}
	one, _ := New(Builtin(), []Override{{Provider: "custom", Model: "m", Rates: Rates{Input: usd("1")}}})
	two, _ := New(Builtin(), []Override{{Provider: "custom", Model: "m", Rates: Rates{Input: usd("2")}}})
	for _, l := range []*List{one, two} {
		if !strings.HasPrefix(l.Version(), Builtin().Version()+"+") {
			t.Errorf("version %q doesn't begin with that of the built-in list", l.Version())
		}
		if got := l.Cost("openai", "gpt-4o", day("2026-11-20"), usage(1, 1, 0, 0)); got.PriceVersion != l.Version() {
			t.Errorf("a built-in price has version %q in list %q", got.PriceVersion, l.Version())
		}
	}
	if one.Version() == two.Version() {
		t.Errorf("two prices, one version %q", one.Version())
	}
}

func TestBadOverrides(t *testing.T) {
	_, err := New(Builtin(), []Override{
		{Provider: "openai", Rates: Rates{Input: usd("1")}},
		{Provider: "openai", Model: "a*b", Rates: Rates{Input: usd("1")}},
		{Model: "*", Rates: Rates{Input: usd("1")}},
		{Model: "m"},
		{Model: "m", Unpriced: true, Rates: Rates{Input: usd("1")}},
		{Model: "twice", Rates: Rates{Input: usd("1")}},
		{Model: "twice", Rates: Rates{Input: usd("2")}},
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"prices[0]", "prices[1]", "prices[2]", "prices[3]: price of model \"m\": input is missing", "prices[4]", `"twice" has two prices`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing from:\n%v", want, err)
		}
	}
}
