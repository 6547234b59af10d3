package cohere

import (
	"bytes"

	"github.com/lakegate/lakegate/internal/inference"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// ParseUsage reads the usage of a chat, or the meta of another answer: billed_units, or else
// tokens. cached_tokens is a part of tokens, which billed_units leave out already, and is taken
// with tokens only. It returns false when there is no count at all.
func ParseUsage(object []byte) (inference.Usage, bool) {
	var billed, counted inference.Usage
	var cached *int64
	isObject := rawjson.Members(object, func(name []byte, _ rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "billed_units":
			billed = parseUnits(v)
		case "tokens":
			counted = parseUnits(v)
		case "cached_tokens":
			count(&cached, v)
		}
		return true
	})
	u := billed
	if u.Input == nil && u.Output == nil {
		u.Input, u.Output = counted.Input, counted.Output
		if u.Input != nil && cached != nil && *cached <= *u.Input {
			u.CachedInput = cached
		}
	}
	if !isObject || u.Input == nil && u.Output == nil && u.Searches == nil {
		return inference.Usage{}, false
	}
	switch {
	case u.Input != nil && u.Output != nil:
		total := *u.Input + *u.Output
		u.Total = &total
	case u.Input != nil: // of embeddings, which put nothing out
		total := *u.Input
		u.Total = &total
	}
	u.Source = inference.UsageProvider
	u.Raw = bytes.Clone(object)
	return u, true
}

func parseUnits(object []byte) (u inference.Usage) {
	rawjson.Members(object, func(name []byte, _ rawjson.Kind, v []byte) bool {
		switch string(name) {
		case "input_tokens":
			count(&u.Input, v)
		case "output_tokens":
			count(&u.Output, v)
		case "search_units":
			count(&u.Searches, v)
		case "image_tokens":
			count(&u.InputImage, v)
		}
		return true
	})
	if u.InputImage != nil && (u.Input == nil || *u.InputImage > *u.Input) {
		u.InputImage = nil // counted beside input_tokens
	}
	return u
}

// count sets n to a count. What is no count, such as null or a negative number, is unknown.
func count(n **int64, v []byte) {
	if x, ok := rawjson.Int(v); ok && x >= 0 {
		*n = &x
	}
}
