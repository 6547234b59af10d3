package gemini

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/inference"
)

// show writes a usage in one line: only what is known.
func show(u inference.Usage) string {
	var b strings.Builder
	for _, f := range []struct {
		name string
		n    *int64
	}{
		{"in", u.Input},
		{"out", u.Output},
		{"total", u.Total},
		{"cached", u.CachedInput},
		{"reasoning", u.Reasoning},
		{"tool", u.ToolPrompt},
		{"in_audio", u.InputAudio},
		{"in_image", u.InputImage},
		{"cached_audio", u.CachedAudio},
		{"cached_image", u.CachedImage},
		{"out_audio", u.OutputAudio},
		{"out_image", u.OutputImage},
		{"in_video", u.InputVideo},
		{"out_video", u.OutputVideo},
		{"searches", u.Searches},
	} {
		if f.n != nil {
			fmt.Fprintf(&b, "%s=%d ", f.name, *f.n)
		}
	}
	if u.ServiceTier != "" {
		fmt.Fprintf(&b, "tier=%s ", u.ServiceTier)
	}
	return strings.TrimSpace(b.String())
}

func TestParseUsage(t *testing.T) {
	tests := []struct{ name, object, want string }{
		{"plain", `{"promptTokenCount":11,"candidatesTokenCount":32,"totalTokenCount":43}`, "in=11 out=32 total=43"},
		{"thoughts", `{"promptTokenCount":29,"candidatesTokenCount":15,"totalTokenCount":89,"thoughtsTokenCount":45}`, "in=29 out=60 total=89 reasoning=45"},
		{"thoughts counted as candidates", `{"promptTokenCount":10,"candidatesTokenCount":30,"thoughtsTokenCount":20,"totalTokenCount":40}`, "in=10 out=30 total=40 reasoning=20"},
		{"tools", `{"promptTokenCount":17,"candidatesTokenCount":201,"thoughtsTokenCount":213,"toolUsePromptTokenCount":119,"totalTokenCount":550}`, "in=136 out=414 total=550 reasoning=213 tool=119"},
		{"tools counted in the prompt", `{"promptTokenCount":136,"candidatesTokenCount":201,"toolUsePromptTokenCount":119,"totalTokenCount":337}`, "in=136 out=201 total=337 tool=119"},
		{"no candidates but thoughts", `{"promptTokenCount":440,"thoughtsTokenCount":27,"toolUsePromptTokenCount":86,"totalTokenCount":553}`, "in=526 out=27 total=553 reasoning=27 tool=86"},
		{"a blocked prompt", `{"promptTokenCount":8,"totalTokenCount":8}`, "in=8 out=0 total=8"},
		{"no total", `{"promptTokenCount":8,"candidatesTokenCount":2,"thoughtsTokenCount":3}`, "in=8 out=5 total=13 reasoning=3"},
		{"video", `{"promptTokenCount":300,"candidatesTokenCount":40,"promptTokensDetails":[{"modality":"VIDEO","tokenCount":263},{"modality":"TEXT","tokenCount":37}],"candidatesTokensDetails":[{"modality":"VIDEO","tokenCount":40}]}`, "in=300 out=40 total=340 in_video=263 out_video=40"},
		{"the prompt alone", `{"promptTokenCount":8}`, "in=8"},
		{
			"modalities",
			`{"promptTokenCount":1000,"cachedContentTokenCount":600,"candidatesTokenCount":1300,"totalTokenCount":2300,
			"promptTokensDetails":[{"modality":"TEXT","tokenCount":100},{"modality":"AUDIO","tokenCount":500},{"modality":"IMAGE","tokenCount":258},{"modality":"DOCUMENT","tokenCount":142}],
			"toolUsePromptTokensDetails":[{"modality":"AUDIO","tokenCount":7}],
			"cacheTokensDetails":[{"modality":"AUDIO","tokenCount":400},{"modality":"IMAGE","tokenCount":200}],
			"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":1290},{"modality":"TEXT","tokenCount":10}]}`,
			"in=1000 out=1300 total=2300 cached=600 in_audio=507 in_image=400 cached_audio=400 cached_image=200 out_image=1290",
		},
		{"Live API", `{"promptTokenCount":50,"responseTokenCount":50,"totalTokenCount":100,"responseTokensDetails":[{"modality":"AUDIO","tokenCount":50}]}`, "in=50 out=50 total=100 out_audio=50"},
		{"tier", `{"promptTokenCount":1,"candidatesTokenCount":2,"totalTokenCount":3,"serviceTier":"PRIORITY"}`, "in=1 out=2 total=3 tier=priority"},
		{"traffic", `{"promptTokenCount":1,"candidatesTokenCount":2,"totalTokenCount":3,"trafficType":"ON_DEMAND_FLEX"}`, "in=1 out=2 total=3 tier=flex"},
		{"provisioned", `{"promptTokenCount":1,"candidatesTokenCount":2,"totalTokenCount":3,"trafficType":"PROVISIONED_THROUGHPUT"}`, "in=1 out=2 total=3 tier=provisioned_throughput"},
		{"traffic alone is no usage", `{"trafficType":"ON_DEMAND"}`, ""},
		{"null, negative and broken counts", `{"promptTokenCount":null,"candidatesTokenCount":-1,"totalTokenCount":1.5}`, ""},
		{"no object", `[1]`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u, ok := ParseUsage([]byte(tt.object))
			if ok != (tt.want != "") || show(u) != tt.want {
				t.Errorf("got  %s (%v)\nwant %s", show(u), ok, tt.want)
			}
			if ok && string(u.Raw) != tt.object {
				t.Errorf("raw %s", u.Raw)
			}
			if ok != hasCounts([]byte(tt.object)) && tt.want != "" {
				t.Error("hasCounts disagrees")
			}
		})
	}
}

// data returns where the recordings are, and skips the test where there are none.
func data(t testing.TB) string {
	dir := os.Getenv("LAKEGATE_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared", "data")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("SKIPPED: no recordings at %s; set LAKEGATE_DATA to the folder that has them", dir)
	}
	return dir
}

// TestUsageOfRecordedAnswers compares with what another program made of real answers.
func TestUsageOfRecordedAnswers(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(data(t), "prices", "priced-responses.json"))
	if err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	var cases []struct {
		Body      json.RawMessage
		Extracted []struct {
			Extractors []struct {
				Flavor   string `json:"api_flavor"`
				Provider string `json:"provider_id"`
			}
			Usage map[string]int64
		}
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, c := range cases {
		if !strings.Contains(string(c.Body), `"usageMetadata"`) {
			continue
		}
		a, err := ParseAnswer(c.Body)
		if err != nil {
			t.Fatal(err)
		}
		n++
		want := c.Extracted[0].Usage
		for key, got := range map[string]*int64{
			"input_tokens": a.Usage.Input, "output_tokens": a.Usage.Output, "cache_read_tokens": a.Usage.CachedInput,
			"output_reasoning_tokens": a.Usage.Reasoning, "input_tool_tokens": a.Usage.ToolPrompt,
			"input_audio_tokens": a.Usage.InputAudio, "input_image_tokens": a.Usage.InputImage,
			"cache_audio_read_tokens": a.Usage.CachedAudio, "cache_image_read_tokens": a.Usage.CachedImage,
			"output_audio_tokens": a.Usage.OutputAudio, "output_image_tokens": a.Usage.OutputImage,
		} {
			if value(got) != want[key] {
				t.Errorf("%s: %s is %d, want %d", c.Body, key, value(got), want[key])
			}
		}
	}
	if n == 0 {
		t.Fatal("no answers of Google's in the recordings")
	}
	t.Logf("%d answers", n)
}
