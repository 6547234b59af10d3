package anthropic

import (
	"strconv"

	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// These append members to an object that is being written; name needs no escapes.

func appendName(dst []byte, name string) []byte {
	return append(append(append(comma(dst), '"'), name...), `":`...)
}

func appendText(dst []byte, name, text string) []byte {
	return rawjson.AppendQuoted(appendName(dst, name), text)
}

// appendSome appends a text, unless it is empty.
func appendSome(dst []byte, name, text string) []byte {
	if text == "" {
		return dst
	}
	return appendText(dst, name, text)
}

func appendInt(dst []byte, name string, n int64) []byte {
	return strconv.AppendInt(appendName(dst, name), n, 10)
}

func appendRaw(dst []byte, name string, json []byte) []byte {
	return append(appendName(dst, name), json...)
}

// appendCache appends the mark of what is to be cached. Five minutes are Anthropic's default.
func appendCache(dst []byte, cache string) []byte {
	switch cache {
	case "":
		return dst
	case "1h":
		return appendRaw(dst, "cache_control", []byte(`{"type":"ephemeral","ttl":"1h"}`))
	default:
		return appendRaw(dst, "cache_control", []byte(`{"type":"ephemeral"}`))
	}
}

func appendCount(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }
