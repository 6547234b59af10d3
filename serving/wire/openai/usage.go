package openai

import (
	"bytes"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// ParseUsage reads a usage object. It understands OpenAI's names, those of all its APIs, and those
// of its compatibles:
//
//   - prompt_tokens or input_tokens, completion_tokens or output_tokens, total_tokens
//   - the classes in prompt_tokens_details (input_tokens_details, input_token_details) and
//     completion_tokens_details (output_tokens_details, output_token_details): cached_tokens, what
//     of these is audio and image in cached_tokens_details, cache_write_tokens, audio_tokens,
//     image_tokens, video_tokens and reasoning_tokens
//   - cached input in prompt_cache_hit_tokens (DeepSeek), cached_tokens (Moonshot, Together),
//     cache_read_input_tokens (Databricks) or cached_prompt_text_tokens (xAI)
//   - cache writes in cache_creation_input_tokens, the part for an hour in cache_creation
//   - reasoning in reasoning_tokens at the top (Perplexity, Modal)
//   - searches in num_search_queries (Perplexity), num_sources_used (xAI) or
//     server_tool_use.web_search_requests (OpenRouter)
//   - what searches brought in citation_tokens (Perplexity): ToolPrompt, and a part of Input
//   - service_tier
//
// xAI counts reasoning beside completion_tokens, and its total shows it; Perplexity counts it
// beside both, and the text of what it cites beside the prompt. Output and Input then take them in. Anthropic's input_tokens leave the cache out, and so does
// a count smaller than what is said of the cache; Input then takes it in. A missing number that
// follows from the two others is filled in. num_cached_tokens (Mistral, vLLM) says how the server
// worked, not what is billed, and is left alone.
//
// It returns false, and an empty Usage, when the object has no count at all. Source is
// UsageProvider, and Raw a copy of the object.
func ParseUsage(object []byte) (inference.Usage, bool) {
	p := usageParser{}
	if !rawjson.Members(object, p.member) || p.u.Input == nil && p.u.Output == nil && p.u.Total == nil {
		return inference.Usage{}, false
	}
	p.complete()
	p.u.Source = inference.UsageProvider
	p.u.Raw = bytes.Clone(object)
	return p.u, true
}

type usageParser struct {
	u inference.Usage
	// anthropic: counts came under Anthropic's names, whose input leaves the cache out.
	anthropic, inputTokens bool
	besideAll              bool // reasoning is in no other count
}

func (p *usageParser) member(name []byte, k rawjson.Kind, v []byte) bool {
	u := &p.u
	switch string(name) {
	case "prompt_tokens":
		count(&u.Input, v)
	case "input_tokens":
		count(&u.Input, v)
		p.inputTokens = true
	case "completion_tokens", "output_tokens":
		count(&u.Output, v)
	case "total_tokens":
		count(&u.Total, v)
	case "prompt_cache_hit_tokens", "cached_tokens", "cached_prompt_text_tokens":
		count(&u.CachedInput, v)
	case "cache_read_input_tokens":
		count(&u.CachedInput, v)
		p.anthropic = true
	case "cache_creation_input_tokens":
		count(&u.CacheWrite, v)
		p.anthropic = true
	case "cache_creation":
		p.details(v, &u.CacheWrite1h, "ephemeral_1h_input_tokens")
	case "prompt_tokens_details", "input_tokens_details", "input_token_details":
		rawjson.Members(v, p.inputDetail)
	case "completion_tokens_details", "output_tokens_details", "output_token_details":
		rawjson.Members(v, p.outputDetail)
	case "reasoning_tokens":
		count(&u.Reasoning, v)
	case "num_search_queries":
		count(&u.Searches, v)
		p.besideAll = true
	case "citation_tokens":
		count(&u.ToolPrompt, v)
		p.besideAll = true
	case "num_sources_used":
		count(&u.Searches, v)
	case "server_tool_use":
		p.details(v, &u.Searches, "web_search_requests")
	case "service_tier":
		if k == rawjson.String {
			u.ServiceTier = rawjson.Unquote(v)
		}
	}
	return true
}

func (p *usageParser) inputDetail(name []byte, _ rawjson.Kind, v []byte) bool {
	u := &p.u
	switch string(name) {
	case "cached_tokens":
		count(&u.CachedInput, v)
	case "cache_write_tokens":
		count(&u.CacheWrite, v)
	case "audio_tokens":
		count(&u.InputAudio, v)
	case "image_tokens":
		count(&u.InputImage, v)
	case "video_tokens":
		count(&u.InputVideo, v)
	case "cached_tokens_details":
		p.details(v, &u.CachedAudio, "audio_tokens")
		p.details(v, &u.CachedImage, "image_tokens")
	}
	return true
}

func (p *usageParser) outputDetail(name []byte, _ rawjson.Kind, v []byte) bool {
	u := &p.u
	switch string(name) {
	case "reasoning_tokens":
		count(&u.Reasoning, v)
	case "audio_tokens":
		count(&u.OutputAudio, v)
	case "image_tokens":
		count(&u.OutputImage, v)
	case "video_tokens":
		count(&u.OutputVideo, v)
	}
	return true
}

// details reads one count of an object.
func (p *usageParser) details(object []byte, n **int64, member string) {
	rawjson.Members(object, func(name []byte, _ rawjson.Kind, v []byte) bool {
		if string(name) == member {
			count(n, v)
		}
		return true
	})
}

// count sets n to a count. What is no count, such as null or a negative number, is unknown.
func count(n **int64, v []byte) {
	if x, ok := rawjson.Int(v); ok && x >= 0 {
		*n = &x
	}
}

// complete makes Output take in Reasoning and Input the cache, where the provider counts them
// beside, and works out the one number that follows from two.
func (p *usageParser) complete() {
	u := &p.u
	p.addCache()
	switch {
	case p.besideAll && u.Input != nil && u.Output != nil:
		u.Input, u.Output = sum(*u.Input, value(u.ToolPrompt)), sum(*u.Output, value(u.Reasoning))
		u.Total = sum(*u.Input, *u.Output)
	case u.Input != nil && u.Output != nil && u.Total != nil:
		if u.Reasoning != nil && *u.Reasoning > 0 && *u.Input+*u.Output+*u.Reasoning == *u.Total {
			u.Output = sum(*u.Output, *u.Reasoning)
		}
	case u.Input != nil && u.Output != nil:
		u.Total = sum(*u.Input, *u.Output)
	case u.Input != nil && u.Total != nil && *u.Total >= *u.Input:
		u.Output = sum(*u.Total, -*u.Input)
	case u.Output != nil && u.Total != nil && *u.Total >= *u.Output:
		u.Input = sum(*u.Total, -*u.Output)
	}
}

// addCache makes Input take in what Anthropic's names say of the cache, where it does not.
func (p *usageParser) addCache() {
	u := &p.u
	if !p.anthropic || u.Input == nil {
		return
	}
	cache := value(u.CachedInput) + value(u.CacheWrite)
	beside := p.inputTokens && u.Total == nil || *u.Input < cache
	if u.Total != nil && u.Output != nil && cache > 0 && *u.Input+*u.Output+cache == *u.Total {
		u.Input = sum(*u.Input, cache)
		return
	}
	if beside {
		u.Input = sum(*u.Input, cache)
		if u.Total != nil {
			u.Total = sum(*u.Total, cache)
		}
	}
}

func value(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

func sum(a, b int64) *int64 { n := a + b; return &n }
