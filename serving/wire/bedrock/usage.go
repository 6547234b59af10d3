package bedrock

import (
	"bytes"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// ParseUsage reads Converse's usage object. inputTokens are those that were neither read from the
// prompt cache nor written to it: Input is the sum of the three. cacheDetails says which part of
// the writes is kept for an hour. It returns false when there is no count at all.
func ParseUsage(object []byte) (inference.Usage, bool) {
	var u inference.Usage
	var hour, details int64
	hasDetails := false
	isObject := rawjson.Members(object, func(name []byte, _ rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "inputTokens":
			count(&u.Input, v)
		case "outputTokens":
			count(&u.Output, v)
		case "totalTokens":
			count(&u.Total, v)
		case "cacheReadInputTokens":
			count(&u.CachedInput, v)
		case "cacheWriteInputTokens":
			count(&u.CacheWrite, v)
		case "cacheDetails":
			hour, details, hasDetails = cacheDetails(v)
		}
		return true
	})
	if !isObject || u.Input == nil && u.Output == nil && u.Total == nil {
		return inference.Usage{}, false
	}
	if hasDetails {
		u.CacheWrite1h = &hour
		if u.CacheWrite == nil {
			u.CacheWrite = &details
		}
	}
	if u.Input != nil {
		u.Input = sum(u.Input, u.CachedInput, u.CacheWrite)
	}
	if u.Total == nil && u.Input != nil && u.Output != nil {
		u.Total = sum(u.Input, u.Output)
	}
	u.Source = inference.UsageProvider
	u.Raw = bytes.Clone(object)
	return u, true
}

// cacheDetails adds up a list of cache writes: those kept for an hour, and all.
func cacheDetails(list []byte) (hour, all int64, ok bool) {
	c := rawjson.Walk(list)
	if c.Kind() != rawjson.Array {
		return 0, 0, false
	}
	for more := c.Enter(); more; more = c.Next() {
		var n *int64
		var ttl string
		rawjson.Members(c.Take(), func(name []byte, k rawjson.Kind, v []byte) bool {
			switch string(name) {
			case "inputTokens":
				count(&n, v)
			case "ttl":
				if k == rawjson.String {
					ttl = rawjson.Unquote(v)
				}
			}
			return true
		})
		if n == nil {
			continue
		}
		ok = true
		all += *n
		if ttl == "1h" {
			hour += *n
		}
	}
	return hour, all, ok
}

// count sets n to a token count. What is no count, such as null or a negative number, is unknown.
func count(n **int64, v []byte) {
	if x, ok := rawjson.Int(v); ok && x >= 0 {
		*n = &x
	}
}

// sum adds up what is known.
func sum(counts ...*int64) *int64 {
	var n int64
	for _, c := range counts {
		if c != nil {
			n += *c
		}
	}
	return &n
}
