package openai

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// appendName begins a member of the object that is being written.
func appendName(dst []byte, name string) []byte {
	return append(append(append(comma(dst), '"'), name...), '"', ':')
}

// appendText writes a member of text.
func appendText(dst []byte, name, text string) []byte {
	return appendString(appendName(dst, name), text)
}

// appendSome writes a member of text, unless that is empty.
func appendSome(dst []byte, name, text string) []byte {
	if text == "" {
		return dst
	}
	return appendText(dst, name, text)
}

// appendString writes a JSON string. Bytes that are not UTF-8 become U+FFFD.
func appendString(dst []byte, s string) []byte {
	return rawjson.AppendQuoted(dst, strings.ToValidUTF8(s, "\ufffd"))
}

func appendNumber(dst []byte, name string, n json.Number) []byte {
	if n == "" {
		return dst
	}
	return append(appendName(dst, name), n...)
}

func appendCount(dst []byte, name string, n *int64) []byte {
	if n == nil {
		return dst
	}
	return appendInt(appendName(dst, name), *n)
}

func appendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }

func appendRaw(dst []byte, name string, v []byte) []byte {
	if len(v) == 0 {
		return dst
	}
	return appendLine(appendName(dst, name), v)
}

// appendLine writes JSON in one line, as events need it.
func appendLine(dst, v []byte) []byte {
	if bytes.IndexByte(v, '\n') < 0 && bytes.IndexByte(v, '\r') < 0 {
		return append(dst, v...)
	}
	n := len(dst)
	b := bytes.NewBuffer(dst)
	if json.Compact(b, v) != nil {
		return append(b.Bytes()[:n], "null"...)
	}
	return b.Bytes()
}

func appendFlag(dst []byte, name string, b *bool) []byte {
	if b == nil {
		return dst
	}
	return strconv.AppendBool(appendName(dst, name), *b)
}
