package anthropic

import (
	"fmt"
	"strings"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// JSON output is output_config.format, which wants a schema. Where there is none to give, or the
// model is too old for it, the model is made to call a tool of this name instead, whose input is
// the answer: decoders make it text again. That works only where the client has no tools.
const jsonTool = "lakegate_json_output"

func (e *requestWriter) planOutput() {
	o := e.r.Output
	switch {
	case o == nil || o.Kind == "json_schema" && e.version.schemas():
	case len(e.r.Tools) > 0 && o.Kind == "json_object":
		e.loseFeature(chat.FOutput, "Anthropic's API has JSON output without a schema only where there are no tools")
	case len(e.r.Tools) > 0:
		e.loseFeature(chat.FOutput, "Claude %s has JSON output only where there are no tools", e.version)
	default:
		e.jsonTool = true
	}
}

// writeOutputConfig writes effort and format.
func (e *requestWriter) writeOutputConfig() {
	var format []byte
	if o := e.r.Output; o != nil && o.Kind == "json_schema" && e.version.schemas() {
		schema, why := closeSchema(o.Schema)
		if why != "" {
			e.loseFeature(chat.FOutput, "%s", why)
		} else {
			format = append(appendRaw([]byte(`{"type":"json_schema"`), "schema", schema), '}')
		}
	}
	if e.think.effort == "" && format == nil {
		return
	}
	e.dst = appendSome(append(appendName(e.dst, "output_config"), '{'), "effort", e.think.effort)
	if format != nil {
		e.dst = appendRaw(e.dst, "format", format)
	}
	e.dst = append(e.dst, '}')
}

// keptFormats are the formats of strings that Anthropic's JSON output knows.
var keptFormats = map[string]bool{
	`"date-time"`: true, `"time"`: true, `"date"`: true, `"duration"`: true, `"email"`: true, `"hostname"`: true,
	`"uri"`: true, `"ipv4"`: true, `"ipv6"`: true, `"uuid"`: true,
}

// closer writes a schema as Anthropic's JSON output takes it, which is what Anthropic's SDKs make
// of one: objects are closed, oneOf is anyOf, and bounds that are not supported become part of the
// description, so that the model at least reads them.
type closer struct {
	why string // what can't be had at all
}

// CloseSchema writes a schema for JSON output of Claude, whoever hosts it. why says what it can't be.
func CloseSchema(schema []byte) (closed []byte, why string) { return closeSchema(schema) }

func closeSchema(schema []byte) (closed []byte, why string) {
	var c closer
	closed = c.schema(nil, schema)
	return closed, c.why
}

func (c *closer) schema(dst, schema []byte) []byte {
	var described []string
	var description []byte
	isObject, isClosed := false, false
	dst = append(dst, '{')
	rawjson.Members(schema, func(name []byte, k rawjson.Kind, v []byte) bool {
		switch n := string(name); n {
		case "description":
			description = v
		case "properties", "$defs", "definitions":
			isObject = isObject || n == "properties"
			dst = c.named(appendName(dst, n), v)
		case "items":
			dst = c.schema(appendName(dst, n), v)
		case "anyOf", "allOf":
			dst = c.list(appendName(dst, n), v)
		case "oneOf":
			dst = c.list(appendName(dst, "anyOf"), v)
		case "$schema", "$id", "$comment": // about the schema, not the answer
		case "additionalProperties":
			isClosed = true
			dst = appendRaw(dst, n, v)
			if k != rawjson.False {
				c.why = "Anthropic's JSON output takes no objects whose members have any name (additionalProperties)"
			}
		default:
			if !keepsMember(n, v) {
				described = append(described, fmt.Sprintf("%s: %s", n, v))
				return true
			}
			isObject = isObject || n == "type" && string(v) == `"object"`
			dst = appendRaw(dst, n, v)
		}
		return true
	})
	if isObject && !isClosed {
		dst = appendRaw(dst, "additionalProperties", []byte("false"))
	}
	text := rawjson.Unquote(description)
	if len(described) > 0 {
		text = strings.TrimSpace(text + "\n\n{" + strings.Join(described, ", ") + "}")
	}
	return append(appendSome(dst, "description", text), '}')
}

// named writes the schemas of an object by their names.
func (c *closer) named(dst, object []byte) []byte {
	dst = append(dst, '{')
	rawjson.Members(object, func(name []byte, _ rawjson.Kind, v []byte) bool {
		dst = c.schema(appendName(dst, string(name)), v)
		return true
	})
	return append(dst, '}')
}

func (c *closer) list(dst, array []byte) []byte {
	dst = append(dst, '[')
	w := rawjson.Walk(array)
	for ok := w.Enter(); ok; ok = w.Next() {
		dst = c.schema(comma(dst), w.Take())
	}
	return append(dst, ']')
}

func keepsMember(name string, v []byte) bool {
	switch name {
	case "type", "enum", "const", "title", "required", "$ref", "default":
		return true
	case "format":
		return keptFormats[string(v)]
	case "minItems":
		return string(v) == "0" || string(v) == "1"
	}
	return false
}
