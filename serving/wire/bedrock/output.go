package bedrock

import (
	"bytes"
	"encoding/json"

	"github.com/lakegate/lakegate/serving/wire/anthropic"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// JSON output is outputConfig.textFormat, which wants a schema. Where there is none to give, or the
// model has no such thing, the model is made to call a tool of this name instead, whose input is
// the answer: decoders make it text again. That works only where the client has no tools.
const jsonTool = "lakegate_json_output"

func (e *encoder) output() {
	out := e.r.Output
	if out == nil {
		return
	}
	hasSchema := out.Kind == "json_schema" && len(out.Schema) > 0
	if hasSchema && e.schemas() {
		e.schema(out)
		return
	}
	switch e.family {
	case familyAnthropic, familyNova, familyMistral:
		if e.jsonTool = len(e.r.Tools) == 0; !e.jsonTool {
			e.lose(e.r.Name(chat.FOutput), "this model has JSON output only where there are no tools")
		}
	default:
		e.lose(e.r.Name(chat.FOutput), "Bedrock's Converse asks this model for JSON only by a schema")
	}
}

// schemas reports whether the model's answers can be bound to a schema.
func (e *encoder) schemas() bool {
	switch e.family {
	case familyAnthropic:
		return e.claude().schemas()
	case familyNova:
		return false
	default:
		return true
	}
}

// schema asks for an answer that fits a schema, which is a string there.
func (e *encoder) schema(out *chat.Output) {
	closed, why := anthropic.CloseSchema(out.Schema)
	if why != "" {
		e.lose(e.r.Name(chat.FOutput), "%s", why)
		return
	}
	var compact bytes.Buffer
	if json.Compact(&compact, closed) != nil {
		e.refuse(e.r.Name(chat.FOutput), "the JSON schema of the answer is not JSON")
		return
	}
	schema := object{"schema": compact.String()}
	if out.Name != "" {
		schema["name"] = out.Name
	}
	if out.Description != "" {
		schema["description"] = out.Description
	}
	e.config("textFormat", object{"type": "json_schema", "structure": object{"jsonSchema": schema}})
}

// config sets a field of outputConfig.
func (e *encoder) config(name string, value any) {
	if e.body.Output == nil {
		e.body.Output = object{}
	}
	e.body.Output[name] = value
}

// askForJSON makes the model call the tool whose input is the answer.
func (e *encoder) askForJSON() {
	out := e.r.Output
	description := "Give the answer: the input of this tool is the answer, as one JSON object."
	if out.Description != "" {
		description += " " + out.Description
	}
	schema := out.Schema
	if len(schema) == 0 {
		schema = anyObject
	}
	choice := object{"tool": object{"name": jsonTool}}
	if e.family == familyMistral { // it knows auto and any
		choice = object{"any": object{}}
	}
	e.body.ToolConfig = object{
		"tools":      []object{{"toolSpec": object{"name": jsonTool, "description": description, "inputSchema": object{"json": schema}}}},
		"toolChoice": choice,
	}
}
