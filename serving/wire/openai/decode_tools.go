package openai

import (
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/fields"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

func (d *decoder) tools(v []byte) {
	d.Each("tools", v, func(i int, _ rawjson.Kind, v []byte) {
		path := fields.At("tools", i)
		t := chat.Tool{Path: path}
		kind := "function"
		d.Members(path, v, func(name string, k rawjson.Kind, v []byte) {
			switch name {
			case "type":
				kind = d.Text(path+".type", k, v)
			case "function":
				d.function(&t, path+".function", v)
			case "cache_control":
				t.Cache = d.cache(path+".cache_control", v)
			default:
				if kind == "function" {
					d.Lose(path+"."+name, notUnderstood)
				}
			}
		})
		if kind != "function" {
			d.Lose(path, "a tool of type "+kind+"; "+notUnderstood)
			return
		}
		d.addTool(t, path+".function")
	})
}

func (d *decoder) functions(v []byte) {
	d.req.Names[chat.FTools] = "functions"
	d.Each("functions", v, func(i int, _ rawjson.Kind, v []byte) {
		t := chat.Tool{Path: fields.At("functions", i)}
		d.function(&t, t.Path, v)
		d.addTool(t, t.Path)
	})
}

func (d *decoder) addTool(t chat.Tool, path string) {
	if t.Name == "" {
		d.Refuse(path+".name", "field %q must name the function", path+".name")
	}
	d.req.Tools = append(d.req.Tools, t)
}

func (d *decoder) function(t *chat.Tool, path string, v []byte) {
	d.Members(path, v, func(name string, k rawjson.Kind, v []byte) {
		p := path + "." + name
		switch name {
		case "name":
			t.Name = d.Text(p, k, v)
		case "description":
			t.Description = d.Text(p, k, v)
		case "parameters":
			t.Schema = d.Object(p, k, v)
		case "strict":
			b := d.Flag(p, k)
			t.Strict = &b
		default:
			d.Lose(p, notUnderstood)
		}
	})
}

// toolChoice reads tool_choice, and function_call as it was before.
func (d *decoder) toolChoice(path string, k rawjson.Kind, v []byte) {
	c := &d.req.ToolChoice
	if path == "function_call" {
		d.req.Names[chat.FToolChoice] = path
	}
	if k == rawjson.ObjectKind {
		d.namedTool(path, v)
		return
	}
	switch word := d.Text(path, k, v); word {
	case "auto":
		c.Mode = chat.ChooseAuto
	case "none":
		c.Mode = chat.ChooseNone
	case "required", "any": // any is Mistral's word
		c.Mode = chat.ChooseAny
	default:
		d.Refuse(path, "field %q must be auto, none, required or name a function, not %q", path, word)
	}
}

func (d *decoder) namedTool(path string, v []byte) {
	c := chat.ToolChoice{Mode: chat.ChooseTool}
	kind := "function"
	d.Members(path, v, func(name string, k rawjson.Kind, v []byte) {
		switch name {
		case "type":
			kind = d.Text(path+".type", k, v)
		case "name": // function_call
			c.Name = d.Text(path+".name", k, v)
		case "function":
			d.Members(path+".function", v, func(name string, k rawjson.Kind, v []byte) {
				if name == "name" {
					c.Name = d.Text(path+".function.name", k, v)
				}
			})
		}
	})
	switch {
	case kind != "function":
		d.Lose(path, "a choice of type "+kind+"; "+notUnderstood)
	case c.Name == "":
		d.Refuse(path, "field %q must name the function to call", path)
	default:
		d.req.ToolChoice = c
	}
}

func (d *decoder) output(v []byte) {
	const path = "response_format"
	kind := ""
	o := &chat.Output{}
	d.Members(path, v, func(name string, k rawjson.Kind, v []byte) {
		switch name {
		case "type":
			kind = d.Text(path+".type", k, v)
		case "json_schema":
			d.schema(o, path+".json_schema", v)
		default:
			d.Lose(path+"."+name, notUnderstood)
		}
	})
	switch kind {
	case "text":
		return
	case "json_object":
		o = &chat.Output{}
	case "json_schema":
		if o.Schema == nil {
			d.Refuse(path+".json_schema.schema", "field %q must be a JSON schema", path+".json_schema.schema")
		}
	default:
		d.Refuse(path+".type", "field %q must be text, json_object or json_schema, not %q", path+".type", kind)
	}
	o.Kind = kind
	d.req.Output = o
}

func (d *decoder) schema(o *chat.Output, path string, v []byte) {
	d.Members(path, v, func(name string, k rawjson.Kind, v []byte) {
		p := path + "." + name
		switch name {
		case "name":
			o.Name = d.Text(p, k, v)
		case "description":
			o.Description = d.Text(p, k, v)
		case "schema":
			o.Schema = d.Object(p, k, v)
		case "strict":
			b := d.Flag(p, k)
			o.Strict = &b
		default:
			d.Lose(p, notUnderstood)
		}
	})
}

// cache reads cache_control, which OpenRouter and Databricks pass on to Anthropic's models.
func (d *decoder) cache(path string, v []byte) string {
	ttl := "5m"
	d.Members(path, v, func(name string, k rawjson.Kind, v []byte) {
		if name != "ttl" {
			return
		}
		if ttl = d.Text(path+".ttl", k, v); ttl != "5m" && ttl != "1h" {
			d.Refuse(path+".ttl", "field %q must be 5m or 1h, not %q", path+".ttl", ttl)
		}
	})
	return ttl
}
