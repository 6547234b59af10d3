package bedrock

import (
	"encoding/json"

	"github.com/lakegate/lakegate/serving/wire/chat"
)

var anyObject = json.RawMessage(`{"type":"object","properties":{}}`)

func (e *encoder) tools() {
	if e.jsonTool {
		e.askForJSON()
		return
	}
	r := e.r
	choice := r.ToolChoice.Mode
	if choice == chat.ChooseNone && !e.usedTools() {
		return // tools that may not be called need not be named
	}
	if len(r.Tools) == 0 {
		return
	}
	var list []object
	for _, t := range r.Tools {
		schema := t.Schema
		if len(schema) == 0 {
			schema = anyObject
		}
		spec := object{"name": t.Name, "inputSchema": object{"json": schema}}
		if t.Description != "" {
			spec["description"] = t.Description
		}
		if t.Strict != nil && *t.Strict {
			e.strict(spec, &t)
		}
		list = appendCachePoint(append(list, object{"toolSpec": spec}), t.Cache)
	}
	e.body.ToolConfig = object{"tools": list}
	switch choice {
	case chat.ChooseAny:
		e.body.ToolConfig["toolChoice"] = object{"any": object{}}
	case chat.ChooseTool:
		e.body.ToolConfig["toolChoice"] = object{"tool": object{"name": r.ToolChoice.Name}}
	case chat.ChooseNone:
		e.lose(r.Name(chat.FToolChoice), "Bedrock's Converse can't forbid tools in a chat that has used them")
	}
	if r.OneToolAtATime {
		e.parallel()
	}
}

// usedTools: Converse wants the tools named in a chat with calls or results.
func (e *encoder) usedTools() bool {
	for i := range e.r.Messages {
		for j := range e.r.Messages[i].Parts {
			if k := e.r.Messages[i].Parts[j].Kind; k == chat.Call || k == chat.ToolResult {
				return true
			}
		}
	}
	return false
}

// parallel asks for one tool at a time, where the model can be told: in Anthropic's own words, which
// say at once that it need not call any.
func (e *encoder) parallel() {
	choice := e.r.ToolChoice.Mode
	if e.family == familyAnthropic && e.claude().oneTool() && (choice == "" || choice == chat.ChooseAuto) {
		e.extra("tool_choice", object{"type": "auto", "disable_parallel_tool_use": true})
		return
	}
	e.lose(e.r.Name(chat.FParallel), "this model can't be kept from calling tools in parallel")
}

func (e *encoder) strict(spec object, t *chat.Tool) {
	if e.family == familyAnthropic && !e.claude().schemas() {
		e.lose(t.Path+"."+e.r.Name(chat.FStrict), "this model has no strict tools")
		return
	}
	spec["strict"] = true
}
