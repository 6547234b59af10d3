package fakellm

import (
	"strconv"

	"github.com/tidwall/gjson"
)

// toolToCall picks the function a model would call: the one asked for, else the first, unless the
// conversation ends with a tool's result already.
func toolToCall(q *request, again bool) (name string, schema gjson.Result, call bool) {
	tools := q.tools.Array()
	if len(tools) == 0 || q.toolChoice.Str == "none" || (q.last == "tool" && !again) {
		return "", gjson.Result{}, false
	}
	pick := tools[0]
	if want := q.toolChoice.Get("function.name").Str; want != "" {
		for _, t := range tools {
			if t.Get("function.name").Str == want {
				pick = t
			}
		}
	}
	return pick.Get("function.name").Str, pick.Get("function.parameters"), true
}

const maxSchemaDepth = 16

// instance appends a JSON value that fits the schema: all properties, smallest values.
func instance(b []byte, schema gjson.Result, depth int) []byte {
	if e := schema.Get("enum").Array(); len(e) > 0 {
		return append(b, e[0].Raw...)
	}
	if c := schema.Get("const"); c.Exists() {
		return append(b, c.Raw...)
	}
	if depth > maxSchemaDepth {
		return append(b, "null"...)
	}
	switch typeOf(schema) {
	case "object":
		b = append(b, '{')
		first := true
		schema.Get("properties").ForEach(func(k, v gjson.Result) bool {
			if !first {
				b = append(b, ',')
			}
			first = false
			b = append(append(b, k.Raw...), ':')
			b = instance(b, v, depth+1)
			return true
		})
		return append(b, '}')
	case "array":
		b = append(b, '[')
		if items := schema.Get("items"); items.Exists() {
			b = instance(b, items, depth+1)
		}
		return append(b, ']')
	case "integer", "number":
		return strconv.AppendInt(b, max(1, schema.Get("minimum").Int()), 10)
	case "boolean":
		return append(b, "true"...)
	case "null":
		return append(b, "null"...)
	default:
		return append(b, `"Berlin"`...)
	}
}

func typeOf(schema gjson.Result) string {
	t := schema.Get("type")
	if t.IsArray() {
		t = t.Get("0")
	}
	if t.Str == "" && schema.Get("properties").Exists() {
		return "object"
	}
	return t.Str
}
