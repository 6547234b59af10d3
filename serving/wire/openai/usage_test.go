package openai

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/inference"
)

// dataFolder is where recorded streams and public price lists are, "" where they are not. They
// are no part of the project.
func dataFolder(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("LAKEGATE_DATA")
	if dir == "" {
		dir = "../../../../shared/data"
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("SKIPPED: no recorded data at %s (set LAKEGATE_DATA): nothing was compared with recordings", dir)
	}
	return dir
}

// classes writes every count of a usage that is known.
func classes(u inference.Usage) string {
	var s []string
	add := func(name string, n *int64) {
		if n != nil {
			s = append(s, fmt.Sprintf("%s %d", name, *n))
		}
	}
	add("in", u.Input)
	add("out", u.Output)
	add("total", u.Total)
	add("cached", u.CachedInput)
	add("written", u.CacheWrite)
	add("written1h", u.CacheWrite1h)
	add("audio", u.InputAudio)
	add("image", u.InputImage)
	add("video", u.InputVideo)
	add("cachedaudio", u.CachedAudio)
	add("cachedimage", u.CachedImage)
	add("reasoning", u.Reasoning)
	add("outaudio", u.OutputAudio)
	add("outimage", u.OutputImage)
	add("searches", u.Searches)
	add("toolprompt", u.ToolPrompt)
	if u.ServiceTier != "" {
		s = append(s, "tier "+u.ServiceTier)
	}
	return strings.Join(s, " ")
}

// TestUsageOfProviders: usage as each provider's API reference has it.
func TestUsageOfProviders(t *testing.T) {
	tests := []struct{ provider, in, want string }{
		{"openai audio", `{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,"prompt_tokens_details":{"cached_tokens":10,"audio_tokens":40},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":30}}`, "in 100 out 50 total 150 cached 10 audio 40 reasoning 0 outaudio 30"},
		{"openai responses", `{"input_tokens":100,"input_tokens_details":{"cached_tokens":30,"cache_write_tokens":20},"output_tokens":50,"output_tokens_details":{"reasoning_tokens":25},"total_tokens":150}`, "in 100 out 50 total 150 cached 30 written 20 reasoning 25"},
		{"openai images", `{"total_tokens":100,"input_tokens":50,"output_tokens":50,"input_tokens_details":{"text_tokens":10,"image_tokens":40}}`, "in 50 out 50 total 100 image 40"},
		{"openai transcription", `{"type":"tokens","input_tokens":14,"input_token_details":{"text_tokens":0,"audio_tokens":14},"output_tokens":45,"total_tokens":59}`, "in 14 out 45 total 59 audio 14"},
		{"openai realtime", `{"total_tokens":253,"input_tokens":132,"output_tokens":121,"input_token_details":{"text_tokens":119,"audio_tokens":13,"image_tokens":0,"cached_tokens":64,"cached_tokens_details":{"text_tokens":60,"audio_tokens":4,"image_tokens":0}},"output_token_details":{"text_tokens":30,"audio_tokens":91}}`, "in 132 out 121 total 253 cached 64 audio 13 image 0 cachedaudio 4 cachedimage 0 outaudio 91"},
		{"xai", `{"prompt_tokens":12,"completion_tokens":1,"total_tokens":303,"prompt_tokens_details":{"text_tokens":12,"audio_tokens":0,"image_tokens":0,"cached_tokens":11},"completion_tokens_details":{"reasoning_tokens":290,"audio_tokens":0},"num_sources_used":3}`, "in 12 out 291 total 303 cached 11 audio 0 image 0 reasoning 290 outaudio 0 searches 3"},
		{"deepseek", `{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13,"prompt_cache_hit_tokens":8,"prompt_cache_miss_tokens":1,"completion_tokens_details":{"reasoning_tokens":2}}`, "in 9 out 4 total 13 cached 8 reasoning 2"},
		{"moonshot", `{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13,"cached_tokens":5}`, "in 9 out 4 total 13 cached 5"},
		{"mistral", `{"prompt_tokens":70,"completion_tokens":12,"total_tokens":82,"num_cached_tokens":69,"prompt_tokens_details":{"cached_tokens":16}}`, "in 70 out 12 total 82 cached 16"},
		{"groq", `{"queue_time":0.02,"prompt_tokens":24,"prompt_time":0.003,"completion_tokens":377,"completion_time":0.6,"total_tokens":401,"total_time":0.67}`, "in 24 out 377 total 401"},
		{"perplexity deep research", `{"prompt_tokens":33,"completion_tokens":7163,"total_tokens":7196,"citation_tokens":19016,"num_search_queries":18,"reasoning_tokens":95305}`, "in 19049 out 102468 total 121517 reasoning 95305 searches 18 toolprompt 19016"},
		{"modal", `{"prompt_tokens":33,"completion_tokens":71,"total_tokens":104,"reasoning_tokens":60,"prompt_tokens_details":null}`, "in 33 out 71 total 104 reasoning 60"},
		{"openrouter", `{"prompt_tokens":14,"completion_tokens":4,"total_tokens":18,"cost":0.000102,"is_byok":false,"prompt_tokens_details":{"cached_tokens":3,"cache_write_tokens":2,"audio_tokens":0,"video_tokens":0},"cost_details":{"upstream_inference_cost":null},"completion_tokens_details":{"reasoning_tokens":0,"image_tokens":0},"server_tool_use":{"web_search_requests":1}}`, "in 14 out 4 total 18 cached 3 written 2 audio 0 video 0 reasoning 0 outimage 0 searches 1"},
		{"databricks claude", `{"prompt_tokens":1000,"completion_tokens":5,"total_tokens":1005,"cache_read_input_tokens":900,"cache_creation_input_tokens":50}`, "in 1000 out 5 total 1005 cached 900 written 50"},
		{"cache beside the prompt", `{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"cache_read_input_tokens":900,"cache_creation_input_tokens":50}`, "in 960 out 5 total 965 cached 900 written 50"},
		{"cache beside the prompt, in the total", `{"prompt_tokens":1000,"completion_tokens":5,"total_tokens":1055,"cache_read_input_tokens":50}`, "in 1050 out 5 total 1055 cached 50"},
		{"anthropic", `{"input_tokens":10,"cache_creation_input_tokens":50,"cache_read_input_tokens":5,"cache_creation":{"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":30},"output_tokens":7,"server_tool_use":{"web_search_requests":2},"service_tier":"standard"}`, "in 65 out 7 total 72 cached 5 written 50 written1h 30 searches 2 tier standard"},
	}
	for _, tt := range tests {
		u, ok := ParseUsage([]byte(tt.in))
		if got := classes(u); !ok || got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.provider, got, tt.want)
		}
		if string(u.Raw) != tt.in {
			t.Errorf("%s: Raw is %s", tt.provider, u.Raw)
		}
	}
}

// destinations are the classes of the public price list, by its names.
var destinations = map[string]func(u *inference.Usage) *int64{
	"input_tokens":            func(u *inference.Usage) *int64 { return u.Input },
	"output_tokens":           func(u *inference.Usage) *int64 { return u.Output },
	"cache_read_tokens":       func(u *inference.Usage) *int64 { return u.CachedInput },
	"cache_write_tokens":      func(u *inference.Usage) *int64 { return u.CacheWrite },
	"input_audio_tokens":      func(u *inference.Usage) *int64 { return u.InputAudio },
	"input_image_tokens":      func(u *inference.Usage) *int64 { return u.InputImage },
	"cache_audio_read_tokens": func(u *inference.Usage) *int64 { return u.CachedAudio },
	"cache_image_read_tokens": func(u *inference.Usage) *int64 { return u.CachedImage },
	"output_audio_tokens":     func(u *inference.Usage) *int64 { return u.OutputAudio },
	"output_image_tokens":     func(u *inference.Usage) *int64 { return u.OutputImage },
	"output_citation_tokens":  func(u *inference.Usage) *int64 { return u.ToolPrompt },
	"output_reasoning_tokens": func(u *inference.Usage) *int64 { return u.Reasoning },
	"web_searches":            func(u *inference.Usage) *int64 { return u.Searches },
}

// TestUsageAgainstThePriceList makes a usage object of each provider that speaks OpenAI's shape,
// with a different number at each path that the public price list reads, and compares.
func TestUsageAgainstThePriceList(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(dataFolder(t), "prices/genai-prices-v2.json"))
	if err != nil {
		t.Skipf("SKIPPED: %v: no price list to compare with", err)
	}
	var providers []struct {
		ID         string
		Extractors []struct {
			Flavor   string `json:"api_flavor"`
			Root     json.RawMessage
			Mappings []struct {
				Path json.RawMessage
				Dest string
			}
		}
	}
	if err := json.Unmarshal(b, &providers); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, p := range providers {
		for _, e := range p.Extractors {
			if string(e.Root) != `"usage"` {
				continue // nested deeper, or not OpenAI's
			}
			usage, want, n := map[string]any{}, map[string]int64{}, int64(0)
			for _, m := range e.Mappings {
				path := pathOf(t, m.Path)
				old := getPath(usage, path)
				if old == 0 {
					n++
					old = 1000 + 1<<n
					setPath(usage, path, old)
				}
				want[m.Dest] += old
			}
			if _, openAI := usage["prompt_tokens"]; !openAI && e.Flavor != "responses" && e.Flavor != "images" {
				continue
			}
			if p.ID == "perplexity" { // what it cites is input to us, billed at the price of input
				want["output_tokens"] -= want["output_citation_tokens"]
				want["input_tokens"] += want["output_citation_tokens"]
			}
			if e.Flavor == "embeddings" {
				want["output_tokens"] = 0
			}
			usage["total_tokens"] = want["input_tokens"] + want["output_tokens"]
			compared++
			compareUsage(t, p.ID+" "+e.Flavor, usage, want)
		}
	}
	t.Logf("%d extractors of the price list agree", compared)
	if compared < 20 {
		t.Errorf("only %d extractors were compared", compared)
	}
}

func compareUsage(t *testing.T, name string, usage map[string]any, want map[string]int64) {
	t.Helper()
	b, err := json.Marshal(usage)
	if err != nil {
		t.Fatal(err)
	}
	u, ok := ParseUsage(b)
	if !ok {
		t.Errorf("%s: no usage in %s", name, b)
	}
	for dest, n := range want {
		get := destinations[dest]
		if get == nil {
			if !strings.Contains(dest, "_text_") {
				t.Errorf("%s: the class %s is not known", name, dest)
			}
			continue
		}
		if got := value(get(&u)); got != n {
			t.Errorf("%s: %s is %d, want %d, in %s", name, dest, got, n, b)
		}
	}
}

func pathOf(t *testing.T, raw json.RawMessage) []string {
	t.Helper()
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}
	}
	var all []any
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	var path []string
	for _, p := range all {
		s, _ := p.(string)
		path = append(path, s)
	}
	return path
}

func getPath(m map[string]any, path []string) int64 {
	if len(path) == 1 {
		n, _ := m[path[0]].(int64)
		return n
	}
	inner, _ := m[path[0]].(map[string]any)
	if inner == nil {
		return 0
	}
	return getPath(inner, path[1:])
}

func setPath(m map[string]any, path []string, n int64) {
	if len(path) == 1 {
		m[path[0]] = n
		return
	}
	inner, _ := m[path[0]].(map[string]any)
	if inner == nil {
		inner = map[string]any{}
		m[path[0]] = inner
	}
	setPath(inner, path[1:], n)
}
