package gemini

import (
	"bytes"
	"strings"

	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// appendJSONSchema appends Google's Schema, a piece of OpenAPI 3.0, as JSON schema: types in lower
// case, nullable as a type, whole numbers that are strings as numbers. propertyOrdering, which is
// a hint for Google's models, is left out; properties keep their order.
func appendJSONSchema(dst, schema []byte) []byte {
	if k := kindOf(schema); k != rawjson.ObjectKind {
		return append(dst, schema...)
	}
	nullable := false
	rawjson.Members(schema, func(name []byte, k rawjson.Kind, _ []byte) bool {
		nullable = nullable || string(name) == "nullable" && k == rawjson.True
		return true
	})
	dst = append(dst, '{')
	rawjson.Members(schema, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch n := camel(name); n {
		case "nullable", "propertyOrdering":
		case "type":
			dst = appendType(dst, k, v, nullable)
		case "properties", "defs", "$defs":
			dst = appendSchemas(appendName(dst, map[string]string{"defs": "$defs"}[n], n), v)
		case "items", "additionalProperties":
			dst = appendJSONSchema(appendName(dst, n, ""), v)
		case "anyOf":
			dst = appendName(dst, n, "")
			if k != rawjson.Array {
				return true
			}
			dst = append(dst, '[')
			each(v, func(s []byte) { dst = appendJSONSchema(comma(dst), s) })
			dst = append(dst, ']')
		case "minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties":
			dst = append(appendName(dst, n, ""), bytes.Trim(v, `"`)...)
		case "ref":
			dst = append(appendName(dst, "$ref", ""), v...)
		default:
			dst = append(append(append(append(comma(dst), '"'), name...), '"', ':'), v...)
		}
		return true
	})
	return append(dst, '}')
}

func appendName(dst []byte, name, or string) []byte {
	if name == "" {
		name = or
	}
	return append(append(append(comma(dst), '"'), name...), '"', ':')
}

// appendType appends the member type, which in Google's words is an upper-case one.
func appendType(dst []byte, k rawjson.Kind, v []byte, nullable bool) []byte {
	if k != rawjson.String {
		return append(appendName(dst, "type", ""), v...)
	}
	t := strings.ToLower(rawjson.Unquote(v))
	if t == "type_unspecified" {
		return dst
	}
	dst = appendName(dst, "type", "")
	if nullable && t != "null" {
		return append(rawjson.AppendQuoted(append(dst, '['), t), `,"null"]`...)
	}
	return rawjson.AppendQuoted(dst, t)
}

// appendSchemas appends an object whose members are schemas.
func appendSchemas(dst, object []byte) []byte {
	if kindOf(object) != rawjson.ObjectKind {
		return append(dst, object...)
	}
	dst = append(dst, '{')
	rawjson.Members(object, func(name []byte, _ rawjson.Kind, v []byte) bool {
		dst = append(append(append(comma(dst), '"'), name...), '"', ':')
		dst = appendJSONSchema(dst, v)
		return true
	})
	return append(dst, '}')
}

func kindOf(v []byte) rawjson.Kind {
	c := rawjson.Walk(v)
	return c.Kind()
}

// camel returns a field's name in Google's first spelling: max_output_tokens is maxOutputTokens.
func camel(name []byte) string {
	if bytes.IndexByte(name, '_') < 1 {
		return string(name)
	}
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if c := name[i]; c == '_' && i+1 < len(name) && name[i+1] >= 'a' && name[i+1] <= 'z' {
			i++
			b.WriteByte(name[i] - 'a' + 'A')
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
