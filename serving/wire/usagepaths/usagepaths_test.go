package usagepaths_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/endpoint"
	"github.com/lakegate/lakegate/serving/wire"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/openai"
	"github.com/lakegate/lakegate/serving/wire/usagepaths"
)

var everywhere = endpoint.UsagePaths{
	Input: "meta.tokens.in", Output: "meta.tokens.out", Total: "all", CachedInput: "meta.cached", Reasoning: "meta.tokens.thought",
	Model: "meta.model",
}

// show writes down what matters of a usage.
func show(u inference.Usage) string {
	n := func(p *int64) string {
		if p == nil {
			return "-"
		}
		return fmt.Sprint(*p)
	}
	return fmt.Sprintf("in=%s out=%s total=%s cached=%s reasoning=%s %s", n(u.Input), n(u.Output), n(u.Total), n(u.CachedInput), n(u.Reasoning), u.Raw)
}

func TestAnswers(t *testing.T) {
	for _, tt := range []struct {
		name  string
		at    endpoint.UsagePaths
		body  string
		model string
		want  string // "" for no usage
	}{
		{
			"all places", everywhere, `{"all":15,"meta":{"model":"m-2","cached":4,"tokens":{"in":10,"out":5,"thought":2}}}`, "m-2",
			`in=10 out=5 total=15 cached=4 reasoning=2 {"meta.tokens.in":10,"meta.tokens.out":5,"all":15,"meta.cached":4,"meta.tokens.thought":2}`,
		},
		{"the total follows", endpoint.UsagePaths{Input: "in", Output: "out"}, `{"in":1,"out":2}`, "", `in=1 out=2 total=3 cached=- reasoning=- {"in":1,"out":2}`},
		{"the output follows", endpoint.UsagePaths{Input: "in", Total: "n"}, `{"in":1,"n":3}`, "", `in=1 out=2 total=3 cached=- reasoning=- {"in":1,"n":3}`},
		{"the input follows", endpoint.UsagePaths{Output: "out", Total: "n"}, `{"out":1,"n":3}`, "", `in=2 out=1 total=3 cached=- reasoning=- {"out":1,"n":3}`},
		{"a path replaces OpenAI's place", endpoint.UsagePaths{Output: "out"}, `{"model":"m","out":7,"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}`, "m", `in=1 out=7 total=8 cached=- reasoning=- {"out":7}`},
		{"a path that leads nowhere", endpoint.UsagePaths{Output: "x.y.z"}, `{"x":{"y":3},"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}`, "", `in=1 out=2 total=3`},
		{"what is no count", everywhere, `{"all":"15","meta":{"model":7,"cached":-4,"tokens":{"in":1.5,"out":null,"thought":[2]}}}`, "", ""},
		{"no object", everywhere, `{}`, "", ""},
		{"a member twice", endpoint.UsagePaths{Input: "a.b"}, `{"a":{"b":1},"a":{"b":2,"b":3}}`, "", `in=3 out=- total=- cached=- reasoning=- {"a.b":3}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := usagepaths.Wrap(openai.Opaque(), tt.at)
			a, err := c.ParseAnswer([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if a.Model != tt.model || a.HasUsage != (tt.want != "") || tt.want != "" && !strings.HasPrefix(show(a.Usage), tt.want) {
				t.Errorf("model %q has=%v %s\nwant %q %s", a.Model, a.HasUsage, show(a.Usage), tt.model, tt.want)
			}
			if a.HasUsage && a.Usage.Source != inference.UsageProvider {
				t.Errorf("source %v", a.Usage.Source)
			}
		})
	}
}

func TestStreams(t *testing.T) {
	events := []string{
		`{"choices":[{"index":0,"delta":{"role":"assistant","content":"he"}}],"meta":{"tokens":{"in":10,"out":1}}}`,
		`no JSON`,
		`{"choices":[{"index":0,"delta":{"content":"llo"},"finish_reason":"stop"}],"meta":{"model":"m-2","tokens":{"out":2}}}`,
		`[DONE]`,
	}
	tr := usagepaths.Wrap(openai.Chat(), everywhere).NewTracker(true)
	for _, e := range events {
		tr.Add(nil, []byte(e))
	}
	r := tr.Result()
	if got := show(r.Usage); got != `in=10 out=2 total=12 cached=- reasoning=- {"meta.tokens.in":10,"meta.tokens.out":2}` || r.Model != "m-2" || !r.HasUsage || !r.Complete {
		t.Errorf("%s model=%q %+v", got, r.Model, r)
	}
	if again := tr.Result(); show(again.Usage) != show(r.Usage) {
		t.Errorf("the second result differs: %s", show(again.Usage))
	}
}

// A client of another format gets the usage too.
func TestTranslation(t *testing.T) {
	c := usagepaths.Wrap(openai.Chat(), everywhere).Chat
	a, err := c.DecodeAnswer([]byte(`{"id":"1","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"meta":{"tokens":{"in":3,"out":1}}}`))
	if err != nil || !a.HasUsage || *a.Usage.Total != 4 {
		t.Errorf("%+v, %v", a, err)
	}
	d, last := c.NewDecoder(), inference.Usage{}
	for _, e := range []string{
		`{"id":"1","choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}],"meta":{"tokens":{"in":3,"out":1}}}`,
		`{"id":"1","choices":[],"usage":{"prompt_tokens":8,"completion_tokens":8,"total_tokens":16,"prompt_tokens_details":{"cached_tokens":2}}}`,
		`[DONE]`,
	} {
		deltas, err := d.Decode(nil, []byte(e))
		if err != nil {
			t.Fatal(err)
		}
		for i := range deltas {
			if deltas[i].Kind == chat.DeltaUsage {
				last = deltas[i].Usage
			}
		}
	}
	if got := show(last); got != `in=3 out=1 total=4 cached=2 reasoning=- {"meta.tokens.in":3,"meta.tokens.out":1}` {
		t.Errorf("usage %s", got)
	}
}

func TestTheCodecItselfDoesNotChange(t *testing.T) {
	c := openai.Chat()
	before := c.Chat
	if w := usagepaths.Wrap(c, everywhere); w == c || c.Chat != before || w.Format != wire.OpenAIChat {
		t.Error("the wrapped codec was changed")
	}
	if w := usagepaths.Wrap(openai.Embeddings(), everywhere); w.NewTracker != nil || w.Chat != nil {
		t.Error("a codec can do more than the one inside")
	}
}

func FuzzWrap(f *testing.F) {
	for _, s := range []string{`{"meta":{"tokens":{"in":1,"out":2}},"all":3}`, `[`, `{"meta":`, `{"all":1e400}`, `[DONE]`, `{"meta":{"tokens":{"in":9223372036854775807,"out":9223372036854775807}}}`} {
		f.Add([]byte(s))
	}
	c := usagepaths.Wrap(openai.Chat(), everywhere)
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := c.ParseAnswer(b)
		tr := c.NewTracker(true)
		tr.Add(nil, b)
		for _, u := range []inference.Usage{a.Usage, tr.Result().Usage} {
			if err == nil && u.Raw != nil && !json.Valid(u.Raw) {
				t.Errorf("raw usage %q", u.Raw)
			}
		}
		d := c.Chat.NewDecoder()
		_, _ = d.Decode(nil, b)
		d.Close()
	})
}
