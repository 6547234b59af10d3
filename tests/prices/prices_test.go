// Package prices is the suite that prices real answers: body to extractor to usage to dollars.
//
// It runs over priced-responses.json, 400 answers with what an independent project's price list
// makes of each, and that list imported. Both are found in $LAKEGATE_DATA or in shared/data beside
// the repository; without them the suite is skipped and says so.
package prices

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/internal/pricing"
	"github.com/lakegate/lakegate/internal/pricing/foreign"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/formats"
)

// pricedAt is when the expected prices were computed for.
var pricedAt = time.Date(2025, 11, 6, 12, 0, 0, 0, time.UTC)

// answer is one body, and what each provider's list price for it is.
type answer struct {
	Body      map[string]json.RawMessage `json:"body"`
	Model     string                     `json:"model"`
	Extracted []struct {
		Usage      map[string]int64 `json:"usage"`
		Extractors []expected       `json:"extractors"`
	} `json:"extracted"`
}

type expected struct {
	Provider string      `json:"provider_id"`
	Flavor   string      `json:"api_flavor"`
	Input    json.Number `json:"input_price"`
	Output   json.Number `json:"output_price"`
	Total    json.Number `json:"total_price"` // where it is not the sum of the two
}

// data finds the folder of the data, or skips the test.
func data(t *testing.T) string {
	t.Helper()
	for _, dir := range []string{os.Getenv("LAKEGATE_DATA"), "../../../shared/data", "../../../../shared/data"} {
		if dir == "" {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, "prices", "priced-responses.json")); err == nil {
			return filepath.Join(dir, "prices")
		}
	}
	t.Skip("SKIPPED: no prices/priced-responses.json in $LAKEGATE_DATA or ../shared/data: nothing was priced")
	return ""
}

// format is the wire format that a provider's API of a flavour speaks.
func format(e expected) wire.Format {
	switch e.Flavor {
	case "responses":
		return wire.OpenAIResponses
	case "embeddings":
		return wire.OpenAIEmbeddings
	case "anthropic":
		return wire.AnthropicMessages
	case "chat":
		return wire.OpenAIChat
	}
	switch e.Provider { // its own API
	case "anthropic", "minimax":
		return wire.AnthropicMessages
	case "google":
		return wire.GeminiGenerate
	case "aws":
		return wire.BedrockConverse
	case "cohere":
		return wire.CohereChat
	default:
		return wire.OpenAIChat
	}
}

// spoken is the format that a body is really of: bodies of one format can be read as some others,
// and the expected prices have one for each.
func spoken(a answer) wire.Format {
	has := func(key string) bool { _, ok := a.Body[key]; return ok }
	usage := string(a.Body["usage"])
	switch {
	case has("usageMetadata"):
		return wire.GeminiGenerate
	case strings.Contains(usage, `"inputTokens"`):
		return wire.BedrockConverse
	case strings.Contains(usage, `"billed_units"`):
		return wire.CohereChat
	case strings.Contains(usage, `"prompt_tokens"`):
		return wire.OpenAIChat
	case strings.Contains(usage, `"cache_creation_input_tokens"`) || strings.Contains(usage, `"cache_read_input_tokens"`):
		return wire.AnthropicMessages
	case strings.Contains(usage, `"input_tokens_details"`):
		return wire.OpenAIResponses
	default:
		return wire.AnthropicMessages
	}
}

// score is what came of one provider's API.
type score struct{ priced, exact int }

// board has the scores by provider and API.
type board map[string]*score

func (b board) of(e expected) *score {
	name := e.Provider + " " + e.Flavor
	if b[name] == nil {
		b[name] = &score{}
	}
	return b[name]
}

func (b board) sum() (all score) {
	for _, s := range b {
		all.priced += s.priced
		all.exact += s.exact
	}
	return all
}

func TestPricedResponses(t *testing.T) {
	dir := data(t)
	list := load(t, filepath.Join(dir, "genai-prices-v2.json"))
	b, err := os.ReadFile(filepath.Join(dir, "priced-responses.json"))
	if err != nil {
		t.Fatal(err)
	}
	var answers []answer
	if err := json.Unmarshal(b, &answers); err != nil {
		t.Fatal(err)
	}
	own, other := board{}, board{}
	misses := map[string][]string{} // by why
	var unpriced []string
	for _, a := range answers {
		body, err := json.Marshal(a.Body)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range a.Extracted {
			for _, e := range x.Extractors {
				if e.Input == "" {
					continue // the list has no price of this model with this provider
				}
				usage, cost := priceOf(t, list, a, body, e)
				if cost == nil && usage.Searches != nil && *usage.Searches > 0 && !sellsSearches(list, a, e) {
					unpriced = append(unpriced, fmt.Sprintf("%s %s, %s", e.Provider, e.Flavor, a.Body["file"]))
					continue
				}
				b := other
				if spoken(a) == format(e) {
					b = own
				}
				s := b.of(e)
				s.priced++
				if cost != nil && cost.NanoUSD == nanos(t, e) {
					s.exact++
					continue
				}
				why := explain(a, e, usage)
				misses[why] = append(misses[why], fmt.Sprintf("%s %s, %s: ours is %s for %s; theirs %d for %v",
					e.Provider, e.Flavor, a.Body["file"], show(cost), tokens(usage), nanos(t, e), x.Usage))
			}
		}
	}
	report(t, "Answers read as the API that gave them:", own)
	report(t, "Answers read as another API, whose reader finds numbers in them too:", other)
	for _, why := range slices.Sorted(maps.Keys(misses)) {
		t.Logf("%d different: %s\n    %s", len(misses[why]), cmp.Or(why, "not explained"), strings.Join(misses[why], "\n    "))
	}
	t.Logf("%d not counted: a search was made, and the list has no price for it with this provider:\n    %s", len(unpriced), strings.Join(unpriced, "\n    "))
	if len(misses[""]) > 0 {
		t.Errorf("%d prices differ without an explanation", len(misses[""]))
	}
	if all := own.sum(); all.priced == 0 || 100*all.exact < 99*all.priced {
		t.Errorf("%d of %d prices are the same, less than 99 %%", all.exact, all.priced)
	}
}

func load(t *testing.T, path string) *pricing.List {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := foreign.GenAI(b)
	if err != nil {
		t.Fatal(err)
	}
	r.File.AsOf = pricing.NewDate(pricedAt)
	l, err := r.File.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func priceOf(t *testing.T, list *pricing.List, a answer, body []byte, e expected) (inference.Usage, *inference.Cost) {
	t.Helper()
	codec := formats.Table[format(e)]
	if codec == nil {
		t.Fatalf("there is no format %s", format(e))
	}
	got, err := codec.ParseAnswer(body)
	if err != nil || !got.HasUsage {
		return got.Usage, nil
	}
	model := got.Model
	if model == "" {
		model = a.Model
	}
	return got.Usage, list.Cost(e.Provider, model, pricedAt, got.Usage)
}

// sellsSearches says whether the list has a price for a search with the model.
func sellsSearches(list *pricing.List, a answer, e expected) bool {
	none, one := int64(0), int64(1)
	return list.Cost(e.Provider, a.Model, pricedAt, inference.Usage{Input: &none, Output: &none, Searches: &one}) != nil
}

// nanos is the expected price, rounded half up to whole nano-dollars as ours is.
func nanos(t *testing.T, e expected) int64 {
	t.Helper()
	sum := new(big.Rat)
	for _, n := range []json.Number{e.Input, e.Output} {
		r, ok := new(big.Rat).SetString(string(n))
		if !ok {
			t.Fatalf("price %q", n)
		}
		sum.Add(sum, r)
	}
	if e.Total != "" {
		if _, ok := sum.SetString(string(e.Total)); !ok {
			t.Fatalf("price %q", e.Total)
		}
	}
	sum.Mul(sum, big.NewRat(1_000_000_000, 1))
	sum.Add(sum, big.NewRat(1, 2))
	return new(big.Int).Div(sum.Num(), sum.Denom()).Int64()
}

// explain says why a price differs, "" when nobody knows.
func explain(a answer, e expected, u inference.Usage) string {
	usage := string(a.Body["usage"])
	switch {
	case strings.Contains(usage, `"compaction"`):
		return "compactions of the context are billed on top (iterations, in Anthropic's words); the list's extractor leaves them out"
	case u.Searches != nil && *u.Searches > 0:
		return "a search was made; the list has a price for it, but this provider's extractor leaves searches out"
	case spoken(a) == wire.AnthropicMessages && format(e) == wire.OpenAIResponses && u.CachedInput != nil && *u.CachedInput > 0:
		return "Anthropic's counts, which leave the cache out of the input, contradict each other when read as OpenAI's: no price, not one without the cache"
	default:
		return ""
	}
}

func show(c *inference.Cost) string {
	if c == nil {
		return "unknown"
	}
	return fmt.Sprint(c.NanoUSD)
}

func tokens(u inference.Usage) string {
	var out []string
	for _, x := range []struct {
		name string
		n    *int64
	}{
		{"input", u.Input},
		{"output", u.Output},
		{"cached", u.CachedInput},
		{"written", u.CacheWrite},
		{"1h", u.CacheWrite1h},
		{"audio", u.InputAudio},
		{"image", u.InputImage},
		{"reasoning", u.Reasoning},
		{"tools", u.ToolPrompt},
		{"searches", u.Searches},
		{"output image", u.OutputImage},
	} {
		if x.n != nil {
			out = append(out, fmt.Sprintf("%s %d", x.name, *x.n))
		}
	}
	return strings.Join(out, ", ") + " " + u.ServiceTier
}

func report(t *testing.T, title string, scores board) {
	t.Helper()
	var s strings.Builder
	w := tabwriter.NewWriter(&s, 0, 0, 2, ' ', 0)
	line := func(name string, x score) {
		fmt.Fprintf(w, "%s\t%d\t%d\t%.1f %%\n", name, x.priced, x.exact, 100*float64(x.exact)/float64(x.priced))
	}
	fmt.Fprintln(w, "provider and API\tprices in the list\tours to the nano-dollar\tshare")
	for _, name := range slices.Sorted(maps.Keys(scores)) {
		line(name, *scores[name])
	}
	line("all", scores.sum())
	w.Flush()
	t.Log(title + "\n" + s.String())
}
