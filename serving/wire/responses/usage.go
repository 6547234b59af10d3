package responses

import (
	"bytes"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// ParseUsage reads a usage object: input_tokens, output_tokens and total_tokens, what of the input
// was read from and written to the cache, and what of the output was reasoning. Agents that pass
// on a chat's usage use its names, which are understood too. A missing number that follows from
// the two others is filled in. It returns false, and an empty Usage, when the object has no count
// at all.
func ParseUsage(object []byte) (inference.Usage, bool) {
	var u inference.Usage
	isObject := rawjson.Members(object, func(name []byte, _ rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "input_tokens", "prompt_tokens":
			count(&u.Input, v)
		case "output_tokens", "completion_tokens":
			count(&u.Output, v)
		case "total_tokens":
			count(&u.Total, v)
		case "cache_read_input_tokens":
			count(&u.CachedInput, v)
		case "cache_creation_input_tokens":
			count(&u.CacheWrite, v)
		case "input_tokens_details", "prompt_tokens_details":
			inputDetails(&u, v)
		case "output_tokens_details", "completion_tokens_details":
			outputDetails(&u, v)
		}
		return true
	})
	if !isObject || u.Input == nil && u.Output == nil && u.Total == nil {
		return inference.Usage{}, false
	}
	u.Source = inference.UsageProvider
	u.Raw = bytes.Clone(object)
	fillIn(&u)
	return u, true
}

func inputDetails(u *inference.Usage, object []byte) {
	rawjson.Members(object, func(name []byte, _ rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "cached_tokens":
			count(&u.CachedInput, v)
		case "cache_write_tokens":
			count(&u.CacheWrite, v)
		case "audio_tokens":
			count(&u.InputAudio, v)
		case "image_tokens":
			count(&u.InputImage, v)
		}
		return true
	})
}

func outputDetails(u *inference.Usage, object []byte) {
	rawjson.Members(object, func(name []byte, _ rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "reasoning_tokens":
			count(&u.Reasoning, v)
		case "audio_tokens":
			count(&u.OutputAudio, v)
		case "image_tokens":
			count(&u.OutputImage, v)
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

// fillIn works out the one number that follows from the two others.
func fillIn(u *inference.Usage) {
	switch {
	case u.Total == nil && u.Input != nil && u.Output != nil:
		u.Total = sum(*u.Input, *u.Output)
	case u.Output == nil && u.Input != nil && u.Total != nil && *u.Total >= *u.Input:
		u.Output = sum(*u.Total, -*u.Input)
	case u.Input == nil && u.Output != nil && u.Total != nil && *u.Total >= *u.Output:
		u.Input = sum(*u.Total, -*u.Output)
	}
}

func sum(a, b int64) *int64 { n := a + b; return &n }

// searched returns how many searches an output item is: OpenAI bills web_search_call items that
// search, and not those that open a page or find something on it.
func searched(item []byte) bool {
	isCall, action := false, ""
	rawjson.Members(item, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch {
		case string(name) == "type":
			isCall = string(v) == `"web_search_call"`
		case string(name) == "action" && k == rawjson.ObjectKind:
			action = member(v, "type")
		}
		return true
	})
	return isCall && (action == "" || action == "search")
}

// searchRequests reads tool_usage.web_search.num_requests, OpenAI's own count.
func searchRequests(toolUsage []byte) (n *int64) {
	rawjson.Members(toolUsage, func(name []byte, _ rawjson.Kind, v []byte) bool {
		if string(name) == "web_search" {
			rawjson.Members(v, func(name []byte, _ rawjson.Kind, v []byte) bool {
				if string(name) == "num_requests" {
					count(&n, v)
				}
				return true
			})
		}
		return true
	})
	return n
}

// member returns the text of a string member of an object, "" when there is none.
func member(object []byte, want string) (text string) {
	rawjson.Members(object, func(name []byte, k rawjson.Kind, v []byte) bool {
		if string(name) == want && k == rawjson.String {
			text = rawjson.Unquote(v)
			return false
		}
		return true
	})
	return text
}

// rawMember returns a member of an object, nil when there is none.
func rawMember(object []byte, want string) (value []byte) {
	rawjson.Members(object, func(name []byte, _ rawjson.Kind, v []byte) bool {
		if string(name) == want {
			value = v
			return false
		}
		return true
	})
	return value
}
