package anthropic

import "github.com/lakegate/lakegate/serving/wire/chat"

// emptySchema is what a tool without arguments has, since Anthropic wants a schema of every tool.
const emptySchema = `{"type":"object","properties":{}}`

func (e *requestWriter) writeTools() {
	if e.jsonTool {
		e.writeJSONTool()
		return
	}
	r := e.r
	if len(r.Tools) == 0 {
		return
	}
	e.dst = append(appendName(e.dst, "tools"), '[')
	for i := range r.Tools {
		t := &r.Tools[i]
		e.dst = appendText(append(comma(e.dst), '{'), "name", t.Name)
		e.dst = appendSome(e.dst, "description", t.Description)
		e.dst = appendRaw(e.dst, "input_schema", toolSchema(t.Schema))
		switch {
		case t.Strict == nil || !*t.Strict:
		case e.version.schemas():
			e.dst = append(e.dst, `,"strict":true`...)
		default:
			e.lose(t.Path+"."+e.r.Name(chat.FStrict), "Claude %s has no strict tools", e.version)
		}
		e.dst = append(appendCache(e.dst, t.Cache), '}')
	}
	e.dst = append(e.dst, ']')
	e.writeToolChoice()
}

// toolSchema returns a schema whose type is said, as Anthropic wants it.
func toolSchema(schema []byte) []byte {
	switch {
	case len(schema) == 0 || string(schema) == "null" || string(schema) == "{}":
		return []byte(emptySchema)
	case memberOf(schema, "type") == nil && schema[0] == '{':
		return append([]byte(`{"type":"object",`), schema[1:]...)
	}
	return schema
}

// writeToolChoice: to call one tool at a time is part of the choice, which is auto then.
func (e *requestWriter) writeToolChoice() {
	c := e.r.ToolChoice
	mode := c.Mode
	if mode == "" && e.r.OneToolAtATime {
		mode = chat.ChooseAuto
	}
	if mode == "" {
		return
	}
	e.dst = appendText(append(appendName(e.dst, "tool_choice"), '{'), "type", mode)
	if mode == chat.ChooseTool {
		e.dst = appendText(e.dst, "name", c.Name)
	}
	if e.r.OneToolAtATime && mode != chat.ChooseNone {
		e.dst = append(e.dst, `,"disable_parallel_tool_use":true`...)
	}
	e.dst = append(e.dst, '}')
}

// writeJSONTool asks for JSON output by a tool that must be called.
func (e *requestWriter) writeJSONTool() {
	o := e.r.Output
	description := "Give the answer: the input of this tool is the answer, as one JSON object."
	if o.Description != "" {
		description += " " + o.Description
	}
	e.dst = appendText(append(appendName(e.dst, "tools"), `[{`...), "name", jsonTool)
	e.dst = appendText(e.dst, "description", description)
	e.dst = append(appendRaw(e.dst, "input_schema", toolSchema(o.Schema)), "}]"...)
	e.dst = append(appendText(append(appendName(e.dst, "tool_choice"), `{"type":"tool"`...), "name", jsonTool), '}')
}
