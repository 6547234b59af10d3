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
	tools, choice, before := r.Tools, r.ToolChoice.Mode, e.toolsBefore()
	switch {
	case len(tools) == 0 && len(before) > 0:
		tools, choice = before, chat.ChooseNone
	case len(tools) == 0, choice == chat.ChooseNone && len(before) == 0:
		return // tools that may not be called need not be named
	}
	var list []object
	for _, t := range tools {
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
		e.forbid()
		return
	}
	if r.OneToolAtATime {
		e.parallel()
	}
}

// forbid keeps the model from calling tools, in Anthropic's own words, since Converse has none.
// Other models may call them, though a chat whose tools the client has taken away gives them little
// reason to.
func (e *encoder) forbid() {
	switch {
	case e.family == familyAnthropic && e.claude().oneTool():
		e.extra("tool_choice", object{"type": "none"})
	case e.r.ToolChoice.Mode == chat.ChooseNone:
		e.lose(e.r.Name(chat.FToolChoice), "this model can't be kept from calling tools in a chat that has used them")
	}
}

// toolsBefore returns the tools that were called before. Converse wants tools named in a chat with
// calls or results, also where the client names them no more.
func (e *encoder) toolsBefore() (tools []chat.Tool) {
	seen := map[string]bool{"": true}
	for i := range e.r.Messages {
		for j := range e.r.Messages[i].Parts {
			name := ""
			switch p := &e.r.Messages[i].Parts[j]; {
			case p.Kind == chat.Call && p.Call != nil:
				name = p.Call.Name
			case p.Kind == chat.ToolResult && p.Result != nil:
				name = p.Result.Name
			}
			if !seen[name] {
				seen[name] = true
				tools = append(tools, chat.Tool{Name: name})
			}
		}
	}
	return tools
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
