package responses

import (
	"encoding/json"
	"fmt"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// whyNot says why a tool of a type other than function can't be had elsewhere.
func whyNot(kind string) string {
	switch kind {
	case "custom":
		return "a custom tool is called with free text, which other providers' models can't do: give it as a function"
	case "mcp":
		return "OpenAI calls MCP servers itself, which other providers don't: call the server, and give its tools as functions"
	case "local_shell", "shell", "apply_patch", "computer", "computer_use_preview":
		return fmt.Sprintf("%s is built into OpenAI's models: give a function instead", kind)
	default:
		return fmt.Sprintf("%s is run by OpenAI, and other providers don't have it: leave it out, or give a function", kind)
	}
}

func (d *decoder) tool(path string, k rawjson.Kind, v []byte) {
	if k == rawjson.ObjectKind && member(v, "type") == "namespace" {
		d.namespace(path, v)
		return
	}
	d.function(path, k, v, toolGroup{})
}

func (d *decoder) function(path string, k rawjson.Kind, v []byte, in toolGroup) {
	if k == rawjson.ObjectKind {
		if kind := member(v, "type"); kind != "function" && kind != "" {
			d.lose(path, whyNot(kind))
			return
		}
	}
	t := chat.Tool{Path: path}
	d.each(path, k, v, func(name, path string, k rawjson.Kind, v []byte) bool {
		switch name {
		case "type":
		case "name":
			t.Name = d.text(path, k, v)
		case "description":
			t.Description = d.text(path, k, v)
		case "parameters":
			if k != rawjson.ObjectKind {
				d.want(path, "an object", k)
			}
			t.Schema = json.RawMessage(v)
		case "strict":
			strict := d.flag(path, k)
			t.Strict = &strict
		case "defer_loading":
			return !d.flag(path, k)
		case "allowed_callers":
			return string(v) == `["direct"]`
		default:
			return false
		}
		return true
	})
	if t.Name == "" {
		d.fail(path+".name", "field %q is missing: each function needs one", path+".name")
	}
	if in.put(d, &t) {
		d.req.Tools = append(d.req.Tools, t)
	}
}

func (d *decoder) toolChoice(path string, k rawjson.Kind, v []byte) {
	c := &d.req.ToolChoice
	if k == rawjson.String {
		switch mode := rawjson.Unquote(v); mode {
		case "auto", "none":
			c.Mode = mode
		case "required":
			c.Mode = chat.ChooseAny
		default:
			d.fail(path, "field %q must be auto, none, required or an object, not %q", path, mode)
		}
		return
	}
	if k != rawjson.ObjectKind {
		d.want(path, "a string or an object", k)
		return
	}
	switch kind := member(v, "type"); kind {
	case "function":
		if c.Mode, c.Name = chat.ChooseTool, member(v, "name"); c.Name == "" {
			d.fail(path+".name", "field %q is missing: name the function to call", path+".name")
		}
	case "allowed_tools":
		d.lose(path, "a choice among some of the tools can't be translated: give only those in tools")
	default:
		d.lose(path, whyNot(kind))
	}
}
