package responses

import (
	"encoding/json"
	"strconv"

	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// appendName starts a member of the object at the end of dst.
func appendName(dst []byte, name string) []byte {
	return append(append(append(comma(dst), '"'), name...), '"', ':')
}

// appendText writes a string member.
func appendText(dst []byte, name, value string) []byte {
	return rawjson.AppendQuoted(appendName(dst, name), value)
}

// appendSome writes a string member, unless it is empty.
func appendSome(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	return appendText(dst, name, value)
}

// appendRaw writes a member that is JSON already, unless it is nil.
func appendRaw(dst []byte, name string, value []byte) []byte {
	if len(value) == 0 {
		return dst
	}
	return append(appendName(dst, name), value...)
}

func appendCount(dst []byte, name string, n *int64) []byte {
	if n == nil {
		return dst
	}
	return appendInt(appendName(dst, name), *n)
}

func appendNumber(dst []byte, name string, n json.Number) []byte {
	return appendRaw(dst, name, []byte(n))
}

func appendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }

// comma separates from what is before, unless that opens an object or a list.
func comma(dst []byte) []byte {
	if n := len(dst); n > 0 && dst[n-1] != '{' && dst[n-1] != '[' && dst[n-1] != ':' {
		return append(dst, ',')
	}
	return dst
}

func quote(s string) string { return string(rawjson.AppendQuoted(nil, s)) }
