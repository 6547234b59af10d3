package demo

import (
	"time"

	"github.com/lakegate/lakegate/internal/inference"
)

// habit is how many tokens an endpoint's callers send and get, how much that differs from call to
// call, and how often the provider has part of what they send in its cache.
type habit struct{ in, out, cached, spread float64 }

var habits = map[string]habit{
	"chat":              {in: 900, out: 220, cached: 0.45, spread: 0.7},
	"assistant":         {in: 2_400, out: 520, cached: 0.50, spread: 0.7},
	"code":              {in: 7_000, out: 750, cached: 0.80, spread: 0.7},
	"search-embeddings": {in: 420, spread: 0.7},
	"ticket-summary":    {in: 1_300, out: 180, cached: 0.30, spread: 0.5},
	Judge:               {in: 1_900, out: 60, cached: 0.20, spread: 0.4},
}

// spikeHabit is that of the day somebody sent whole documents, again and again.
var spikeHabit = habit{in: 120_000, out: 1_800, cached: 0.05, spread: 0.25}

// prompts are what versions of the prompt make of what is sent and answered.
var prompts = map[int64]struct{ in, out float64 }{1: {1, 1.3}, 2: {1.2, 1}, 3: {0.9, 0.6}}

func (c *call) usage() inference.Usage {
	k := habits[c.endpoint.Name]
	if c.spike {
		k = spikeHabit
	}
	if m, ok := prompts[c.PromptVersion]; ok {
		k.in, k.out = k.in*m.in, k.out*m.out
	}
	in := int64(c.h.lognormal(k.in, k.spread)) + 8
	out := int64(0)
	if k.out > 0 {
		out = int64(c.h.lognormal(k.out, k.spread)) + 1
	}
	total := in + out
	u := inference.Usage{Source: inference.UsageProvider, Input: &in, Output: &out, Total: &total}
	if c.endpoint.Task == taskEmbeddings {
		return u
	}
	cached := int64(0)
	if in >= 1024 && c.h.chance(k.cached) {
		cached = int64(float64(in)*(0.3+0.6*c.h.rng.Float64())) / 128 * 128
	}
	reasoning := int64(float64(out) * thinking[c.entity.Model] * c.h.rng.Float64())
	u.CachedInput, u.Reasoning = &cached, &reasoning
	return u
}

// thinking is the largest share of a model's output that is reasoning.
var thinking = map[string]float64{"gpt-5": 0.7, "gpt-5-codex": 0.6, "gpt-5.1-codex": 0.5, "gpt-5.4": 0.3, "gpt-5-mini": 0.4}

// speed is how fast a model is: until its first token, and for each one after.
var speed = map[string]struct{ first, token time.Duration }{
	"gpt-5":                  {900 * time.Millisecond, 14 * time.Millisecond},
	"gpt-5-codex":            {750 * time.Millisecond, 12 * time.Millisecond},
	"gpt-5.1-codex":          {560 * time.Millisecond, 9 * time.Millisecond},
	"gpt-5.4":                {620 * time.Millisecond, 10 * time.Millisecond},
	"gpt-5-nano":             {240 * time.Millisecond, 5 * time.Millisecond},
	"gpt-5-mini":             {380 * time.Millisecond, 7 * time.Millisecond},
	"gpt-4o-mini":            {320 * time.Millisecond, 8 * time.Millisecond},
	"llama-3.3-70b-instruct": {210 * time.Millisecond, 19 * time.Millisecond},
	"text-embedding-3-small": {60 * time.Millisecond, 0},
}

// pace is the time to the first token and to the last. Busy hours are slower, an outage much.
func (c *call) pace() (first, whole time.Duration) {
	s := speed[c.entity.Model]
	load := 1 + 0.25*byHour[c.Time.Hour()]
	if c.outage() {
		load *= 2.5
	}
	first = time.Duration(float64(c.h.duration(s.first, 0.35)) * load)
	rest := time.Duration(float64(s.token) * load * float64(*c.Usage.Output))
	return first.Round(time.Microsecond), (first + rest).Round(time.Microsecond)
}
