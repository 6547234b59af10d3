package anthropic

import (
	"strings"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// tool reads a tool. Those that Anthropic runs itself, or whose schema only its models know, have
// a type, and are lost.
func (d *requestReader) tool(path string, _ rawjson.Kind, v []byte) {
	kind := "custom"
	if t := memberOf(v, "type"); t != nil && string(t) != "null" {
		kind = d.choice(path, v)
	}
	if kind != "custom" {
		d.Lose(path, ownTool(kind))
		return
	}
	t := chat.Tool{Path: path}
	d.Members(path, v, func(name string, k rawjson.Kind, v []byte) {
		switch at := path + "." + name; name {
		case "type", "eager_input_streaming": // how input is streamed, not what
		case "name":
			t.Name = d.Text(at, k, v)
		case "description":
			t.Description = d.Text(at, k, v)
		case "input_schema":
			if k != rawjson.ObjectKind {
				d.Wrong(at, "an object", k)
			}
			t.Schema = append([]byte(nil), v...)
		case "strict":
			strict := d.Flag(at, k)
			t.Strict = &strict
		case "cache_control":
			t.Cache = d.cache(at, v)
		case "allowed_callers":
			if string(v) != `["direct"]` {
				d.loseUnless(at, k, v)
			}
		default:
			d.loseUnless(at, k, v)
		}
	})
	if t.Name == "" && d.Err == nil {
		d.Refuse(path+".name", "%s has no name", path)
	}
	d.r.Tools = append(d.r.Tools, t)
}

// ownTool says why a tool is lost.
func ownTool(kind string) string {
	for _, client := range []string{"bash_", "text_editor_", "computer_", "memory_"} {
		if strings.HasPrefix(kind, client) {
			return "only Anthropic's models know the tool " + kind + "; describe a tool of your own with a schema"
		}
	}
	return "only Anthropic runs the tool " + kind
}

func (d *requestReader) toolChoice(v []byte) {
	const path = "tool_choice"
	var c chat.ToolChoice
	switch kind := d.choice(path, v); kind {
	case "auto", "any", "none", "tool":
		c.Mode = kind
	default:
		d.Refuse(path+".type", "tool_choice.type must be auto, any, tool or none, not %q", kind)
	}
	d.Members(path, v, func(name string, k rawjson.Kind, v []byte) {
		switch at := path + "." + name; name {
		case "type":
		case "name":
			c.Name = d.Text(at, k, v)
		case "disable_parallel_tool_use":
			d.r.OneToolAtATime = d.Flag(at, k)
		default:
			d.loseUnless(at, k, v)
		}
	})
	if c.Mode == chat.ChooseTool && c.Name == "" {
		d.Refuse(path+".name", "tool_choice of type tool has no name")
	}
	d.r.ToolChoice = c
}

func (d *requestReader) reasoning() *chat.Reasoning {
	if d.r.Reasoning == nil {
		d.r.Reasoning = &chat.Reasoning{}
	}
	return d.r.Reasoning
}

// thinking reads how much to think, and whether the thoughts are shown, which they are unless
// display says otherwise.
func (d *requestReader) thinking(v []byte) {
	const path = "thinking"
	r := d.reasoning()
	switch kind := d.choice(path, v); kind {
	case "enabled", "adaptive": // Claude Code says one of them to each model, whether it can think or not
		r.Show, r.Adaptive = true, true
	case "disabled":
		r.Off = true
	case "between_tools":
		r.Show = true
		d.Lose(path+".type", "only Anthropic's models think between calls of tools alone")
	default:
		d.Refuse(path+".type", "thinking.type must be enabled, adaptive, between_tools or disabled, not %q", kind)
	}
	d.Members(path, v, func(name string, k rawjson.Kind, v []byte) {
		switch at := path + "." + name; name {
		case "type":
		case "budget_tokens":
			r.Budget = new(d.Whole(at, k, v, 0))
		case "display":
			r.Show = d.Text(at, k, v) != "omitted"
		default:
			d.loseUnless(at, k, v)
		}
	})
}

func (d *requestReader) outputConfig(v []byte) {
	d.Members("output_config", v, func(name string, k rawjson.Kind, v []byte) {
		switch at := "output_config." + name; name {
		case "effort":
			d.effort(at, d.Text(at, k, v))
		case "format":
			d.format(at, v)
		default:
			d.loseUnless(at, k, v)
		}
	})
}

// effort: max, which is Anthropic's alone, is the common form's xhigh.
func (d *requestReader) effort(path, effort string) {
	switch effort {
	case "low", "medium", "high", "xhigh":
	case "max":
		effort = "xhigh"
	default:
		d.Refuse(path, "%s must be low, medium, high, xhigh or max, not %q", path, effort)
	}
	d.reasoning().Effort = effort
}

func (d *requestReader) format(path string, v []byte) {
	if kind := d.choice(path, v); kind != "json_schema" && d.Err == nil {
		d.Refuse(path+".type", "%s.type must be json_schema, not %q", path, kind)
	}
	o := &chat.Output{Kind: "json_schema"}
	d.Members(path, v, func(name string, k rawjson.Kind, v []byte) {
		switch at := path + "." + name; name {
		case "type":
		case "schema":
			if k != rawjson.ObjectKind {
				d.Wrong(at, "an object", k)
			}
			o.Schema = append([]byte(nil), v...)
		default:
			d.loseUnless(at, k, v)
		}
	})
	if o.Schema == nil {
		d.Refuse(path+".schema", "%s has no schema", path)
	}
	strict := true // Anthropic's answers always fit the schema
	o.Strict = &strict
	d.r.Output = o
}
