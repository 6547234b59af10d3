package openai

import (
	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// ParseUsage reads a usage object. It understands OpenAI's names and those of its compatibles:
//
//   - prompt_tokens or input_tokens, completion_tokens or output_tokens, total_tokens
//   - cached input in prompt_tokens_details.cached_tokens, prompt_cache_hit_tokens (DeepSeek),
//     cached_tokens (Moonshot) or cache_read_input_tokens (Databricks)
//   - cache writes in prompt_tokens_details.cache_write_tokens or cache_creation_input_tokens
//   - reasoning in completion_tokens_details.reasoning_tokens
//
// xAI counts reasoning beside completion_tokens, and its total shows it: Output then takes it
// in. A missing number that follows from the two others is filled in. It returns false, and an
// empty Usage, when the object has no count at all. Source is UsageProvider.
func ParseUsage(object []byte) (inference.Usage, bool) {
	var u inference.Usage
	isObject := rawjson.Members(object, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "prompt_tokens", "input_tokens":
			count(&u.Input, v)
		case "completion_tokens", "output_tokens":
			count(&u.Output, v)
		case "total_tokens":
			count(&u.Total, v)
		case "prompt_cache_hit_tokens", "cached_tokens", "cache_read_input_tokens":
			count(&u.CachedInput, v)
		case "cache_creation_input_tokens":
			count(&u.CacheWrite, v)
		case "prompt_tokens_details", "input_tokens_details":
			details(v, "cached_tokens", &u.CachedInput, "cache_write_tokens", &u.CacheWrite)
		case "completion_tokens_details", "output_tokens_details":
			details(v, "reasoning_tokens", &u.Reasoning, "", nil)
		}
		return true
	})
	if !isObject || u.Input == nil && u.Output == nil && u.Total == nil {
		return inference.Usage{}, false
	}
	u.Source = inference.UsageProvider
	complete(&u)
	return u, true
}

// count sets n to a token count. What is no count, such as null or a negative number, is unknown.
func count(n **int64, v []byte) {
	if x, ok := rawjson.Int(v); ok && x >= 0 {
		*n = &x
	}
}

func details(object []byte, a string, na **int64, b string, nb **int64) {
	rawjson.Members(object, func(name []byte, _ rawjson.Kind, v []byte) bool {
		switch {
		case string(name) == a:
			count(na, v)
		case nb != nil && string(name) == b:
			count(nb, v)
		}
		return true
	})
}

// complete makes Output take in Reasoning, and works out the one number that follows from two.
func complete(u *inference.Usage) {
	switch {
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

func sum(a, b int64) *int64 { n := a + b; return &n }
