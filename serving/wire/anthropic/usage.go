package anthropic

import (
	"bytes"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// ParseUsage reads the usage object of a Message, of a message_delta, or the two merged.
//
// Input is input_tokens, cache_read_input_tokens and cache_creation_input_tokens added up. The
// counts at the top leave compactions out, though they are billed at the model's price: those of
// iterations are added. Not added are an advisor's iterations, which are another model's, and
// those of a model that handed over to a fallback; Raw has them. Fast inference, which has prices of
// its own, is the tier "fast". It returns false, and an empty Usage, when the object has no count of
// input or output. Source is UsageProvider.
func ParseUsage(object []byte) (inference.Usage, bool) {
	var c counts
	u := inference.Usage{Source: inference.UsageProvider}
	fast := false
	isObject := rawjson.Members(object, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "server_tool_use":
			member(v, "web_search_requests", &u.Searches)
		case "output_tokens_details":
			member(v, "thinking_tokens", &u.Reasoning)
		case "service_tier":
			if k == rawjson.String {
				u.ServiceTier = rawjson.Unquote(v)
			}
		case "speed":
			fast = string(v) == `"fast"`
		case "iterations":
			c.addCompactions(v)
		default:
			c.take(name, v)
		}
		return true
	})
	if !isObject || c.input == nil && c.output == nil {
		return inference.Usage{}, false
	}
	if fast {
		u.ServiceTier = "fast"
	}
	u.CacheWrite, u.CacheWrite1h = c.written()
	u.CachedInput = plus(c.read, c.extra.read)
	u.CacheWrite = plus(u.CacheWrite, c.extra.write)
	u.CacheWrite1h = plus(u.CacheWrite1h, c.extra.write1h)
	if c.input != nil {
		u.Input = plus(plus(c.input, c.extra.input), value(u.CachedInput)+value(u.CacheWrite))
	}
	u.Output = plus(c.output, c.extra.output)
	if u.Input != nil && u.Output != nil {
		u.Total = plus(u.Input, *u.Output)
	}
	u.Raw = bytes.Clone(object)
	return u, true
}

// counts are the token counts of a usage object or of one of its iterations, as they are there.
type counts struct {
	input, output, read, write *int64
	write5m, write1h           *int64
	extra                      struct{ input, output, read, write, write1h int64 } // of compactions
}

func (c *counts) take(name, v []byte) {
	switch string(name) {
	case "input_tokens":
		count(&c.input, v)
	case "output_tokens":
		count(&c.output, v)
	case "cache_read_input_tokens":
		count(&c.read, v)
	case "cache_creation_input_tokens":
		count(&c.write, v)
	case "cache_creation":
		member(v, "ephemeral_5m_input_tokens", &c.write5m)
		member(v, "ephemeral_1h_input_tokens", &c.write1h)
	}
}

// written returns the tokens written to the cache, and the part that is kept for an hour. In a
// stream the split by lifetime is that of message_start, while the count may have grown since;
// then the hour's part is known as long as all that was written first had one lifetime.
func (c *counts) written() (all, hour *int64) {
	switch five, one := value(c.write5m), value(c.write1h); {
	case c.write5m == nil && c.write1h == nil:
		return c.write, nil
	case c.write == nil:
		return plus(&five, one), c.write1h
	case five+one == *c.write:
		return c.write, &one
	case five > 0 && one == 0:
		return c.write, &one
	case five == 0 && one > 0:
		return c.write, c.write
	default:
		return c.write, nil
	}
}

func (c *counts) addCompactions(iterations []byte) {
	w := rawjson.Walk(iterations)
	if w.Kind() != rawjson.Array {
		return
	}
	for ok := w.Enter(); ok; ok = w.Next() {
		var it counts
		compaction := false
		rawjson.Members(w.Take(), func(name []byte, _ rawjson.Kind, v []byte) bool {
			if string(name) == "type" {
				compaction = string(v) == `"compaction"`
			}
			it.take(name, v)
			return true
		})
		if compaction {
			all, hour := it.written()
			c.extra.input += value(it.input)
			c.extra.output += value(it.output)
			c.extra.read += value(it.read)
			c.extra.write += value(all)
			c.extra.write1h += value(hour)
		}
	}
}

// count sets n to a token count. What is no count, such as null or a negative number, is unknown.
func count(n **int64, v []byte) {
	if x, ok := rawjson.Int(v); ok && x >= 0 && x < 1<<53 {
		*n = &x
	}
}

func member(object []byte, name string, n **int64) {
	rawjson.Members(object, func(m []byte, _ rawjson.Kind, v []byte) bool {
		if string(m) == name {
			count(n, v)
		}
		return true
	})
}

func value(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// plus adds to a count. What is unknown stays so, unless there is something to add.
func plus(n *int64, more int64) *int64 {
	if n == nil && more == 0 {
		return nil
	}
	sum := value(n) + more
	return &sum
}

// mergeUsage returns the usage object of a message_delta laid over the one known so far: its
// members replace those of the same name, but for null, and the others stay.
func mergeUsage(known, news []byte) []byte {
	var o rawjson.Object
	if o.Parse(known, maxDepth) != nil {
		return bytes.Clone(news)
	}
	var p rawjson.Patch
	rawjson.Members(news, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch i := find(&o, name); {
		case k == rawjson.Null && i >= 0:
		case i >= 0:
			p.Replace(i, v)
		default:
			p.Add(unquoteInner(name), v)
		}
		return true
	})
	return p.Append(nil, &o)
}

func find(o *rawjson.Object, name []byte) int { return o.Find(unquoteInner(name)) }

// unquoteInner returns the text of a JSON string given without its quotes.
func unquoteInner(inner []byte) string {
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	q := make([]byte, 0, len(inner)+2)
	return rawjson.Unquote(append(append(append(q, '"'), inner...), '"'))
}
