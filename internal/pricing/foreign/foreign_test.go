package foreign

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/pricing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Each list of testdata, as a price file, with the notes it was made with in front.
func TestGolden(t *testing.T) {
	for format, read := range Formats {
		t.Run(format, func(t *testing.T) {
			in, err := os.ReadFile(filepath.Join("testdata", format+".json"))
			if err != nil {
				t.Fatal(err)
			}
			r, err := read(in)
			if err != nil {
				t.Fatal(err)
			}
			r.File.AsOf = pricing.NewDate(time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC))
			text, err := r.File.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for _, n := range r.Notes {
				got.WriteString("# " + n + "\n")
			}
			got.Write(text)
			golden := filepath.Join("testdata", format+".golden.yaml")
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got.String(), want)
			}
			compiled, err := r.File.Compile()
			if err != nil {
				t.Fatal(err)
			}
			again, err := pricing.Read(text)
			if err != nil {
				t.Fatal(err)
			}
			if again.Version() != compiled.Version() {
				t.Errorf("the file's list has version %s, want %s", again.Version(), compiled.Version())
			}
		})
	}
}

func load(t *testing.T, format string) *pricing.List {
	t.Helper()
	in, err := os.ReadFile(filepath.Join("testdata", format+".json"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Formats[format](in)
	if err != nil {
		t.Fatal(err)
	}
	r.File.AsOf = pricing.NewDate(time.Now())
	l, err := r.File.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func n(v int64) *int64 { return &v }

// A token at a dollar per million is 1000 nano-dollars.
func TestPrices(t *testing.T) {
	const none = -1
	lists := map[string]*pricing.List{"genai-prices": load(t, "genai-prices"), "litellm": load(t, "litellm")}
	for _, c := range []struct {
		list, provider, model, at string
		usage                     inference.Usage
		nanos                     int64
	}{
		{"genai-prices", "acme", "acme-large-2", "2026-02-28T12:00:00Z", inference.Usage{Input: n(1), Output: n(1)}, 15_000},
		{"genai-prices", "acme", "acme-large-2", "2026-03-01T00:00:00Z", inference.Usage{Input: n(1), Output: n(1)}, 9_000},
		{"genai-prices", "acme", "acme-large-2", "2026-03-01T00:00:00Z", inference.Usage{Input: n(200_001), Output: n(0)}, 200_001 * 4_000},
		{"genai-prices", "acme", "acme-large-2", "2026-03-01T00:00:00Z", inference.Usage{Input: n(200_000), Output: n(0)}, 200_000 * 2_000},
		{"genai-prices", "acme", "acme-night", "2026-03-01T00:29:59Z", inference.Usage{Input: n(1), Output: n(0)}, 500},
		{"genai-prices", "acme", "acme-night", "2026-03-01T00:30:00Z", inference.Usage{Input: n(1), Output: n(0)}, 1_000},
		{"genai-prices", "acme", "acme-night", "2026-03-01T16:30:00Z", inference.Usage{Input: n(1), Output: n(0)}, 500},
		{"genai-prices", "acme", "acme-free", "2026-03-01T16:30:00Z", inference.Usage{Input: n(1), Output: n(1)}, 0},
		{"genai-prices", "acme", "acme-cited", "2026-03-01T16:30:00Z", inference.Usage{Input: n(1), Output: n(1)}, none},
		{"genai-prices", "my-acme", "acme-free", "2026-03-01T16:30:00Z", inference.Usage{Input: n(1), Output: n(1)}, 0},
		{"genai-prices", "amazon-bedrock", "acme-large-2", "2026-03-01T16:30:00Z", inference.Usage{Input: n(1), Output: n(1)}, 9_000},
		{"genai-prices", "amazon-bedrock", "amazon.embed", "2026-03-01T16:30:00Z", inference.Usage{Input: n(100)}, 2_000},
		{"litellm", "openai", "gpt-x", "2026-03-01T16:30:00Z", inference.Usage{Input: n(10), CachedInput: n(4), Output: n(1), ServiceTier: "flex"}, 6*625 + 4*62.5 + 5_000},
		{"litellm", "openai", "gpt-x-2026-01-01", "2026-03-01T16:30:00Z", inference.Usage{Input: n(300_000), Output: n(0)}, 300_000 * 2_500},
		{"litellm", "openai", "gpt-x", "2026-03-01T16:30:00Z", inference.Usage{Input: n(300_000), Output: n(0), ServiceTier: "flex"}, none},
		{"litellm", "openai", "gpt-x", "2026-03-01T16:30:00Z", inference.Usage{Input: n(0), Output: n(0), Searches: n(2)}, 20_000_000},
		{"litellm", "cohere", "rerank-x", "2026-03-01T16:30:00Z", inference.Usage{Searches: n(1)}, 2_000_000},
		{"litellm", "google-gemini", "gemini-x", "2026-03-01T16:30:00Z", inference.Usage{Input: n(10), InputAudio: n(5), Output: n(0)}, 5*300 + 5*1000},
		{"litellm", "amazon-bedrock", "anthropic.claude-x-v1:0", "2026-03-01T16:30:00Z", inference.Usage{Input: n(3), CacheWrite: n(3), CacheWrite1h: n(1), Output: n(0)}, 2*3_750 + 6_000},
		{"litellm", "dashscope", "qwen-x", "2026-03-01T16:30:00Z", inference.Usage{Input: n(32_000), Output: n(0)}, 32_000 * 50},
		{"litellm", "dashscope", "qwen-x", "2026-03-01T16:30:00Z", inference.Usage{Input: n(32_001), Output: n(0)}, 32_001 * 250},
		{"litellm", "deepseek", "deepseek-x", "2026-11-20T23:30:00Z", inference.Usage{Input: n(1), Output: n(0)}, 150}, // Friday night
		{"litellm", "deepseek", "deepseek-x", "2026-11-21T00:30:00Z", inference.Usage{Input: n(1), Output: n(0)}, 150}, // which is Saturday's first hour
		{"litellm", "deepseek", "deepseek-x", "2026-11-20T12:30:00Z", inference.Usage{Input: n(1), Output: n(0)}, 300},
		{"litellm", "perplexity", "sonar-x", "2026-11-20T12:30:00Z", inference.Usage{Input: n(1), Output: n(0)}, none},
		{"litellm", "openai", "dall-e-x", "2026-11-20T12:30:00Z", inference.Usage{Input: n(1), Output: n(0)}, none},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		got := lists[c.list].Cost(c.provider, c.model, at, c.usage)
		if c.nanos == none && got != nil || c.nanos != none && (got == nil || got.NanoUSD != c.nanos) {
			t.Errorf("%s: %s %s at %s: %+v, want %d", c.list, c.provider, c.model, c.at, got, c.nanos)
		}
	}
}

func TestBadLists(t *testing.T) {
	for _, c := range []struct{ format, in, want string }{
		{"genai-prices", `{}`, "not a list of providers"},
		{"genai-prices", `[{"id":"a","models":[{"id":"m","match":{"equals":"m"},"prices":{"input_mtok":-1}}]}]`, "negative"},
		{"genai-prices", `[{"id":"a","models":[{"id":"m","match":{"equals":"m"},"prices":{"input_mtok":"x"}}]}]`, "model m"},
		{"genai-prices", `[{"id":"a","models":[{"id":"m","match":{"equals":"m"},"prices":[]}]}]`, "no prices"},
		{"genai-prices", `[{"id":"a","models":[{"id":"m","match":{"equals":"m"},"prices":[{"constraint":{"start_date":"soon"},"prices":{}}]}]}]`, "not a day"},
		{"genai-prices", `[]`, "no model with a price"},
		{"litellm", `[]`, "not an object of models"},
		{"litellm", `{}`, "no model with a price"},
		{"litellm", `{"m":7}`, "not an object of models"},
		{"litellm", `{"m":{"litellm_provider":"openai","input_cost_per_token":-1}}`, "negative"},
	} {
		if _, err := Formats[c.format]([]byte(c.in)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s of %s: %v, want %q", c.format, c.in, err, c.want)
		}
	}
}

func FuzzForeign(f *testing.F) {
	for format := range Formats {
		b, err := os.ReadFile(filepath.Join("testdata", format+".json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, read := range Formats {
			if r, err := read(b); err == nil {
				r.File.AsOf = pricing.NewDate(time.Unix(0, 0))
				if _, err := r.File.Marshal(); err != nil {
					t.Fatal(err)
				}
				r.File.Compile()
			}
		}
	})
}
