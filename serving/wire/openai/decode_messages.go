package openai

import (
	"slices"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/fields"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// turn is one element of messages, read.
type turn struct {
	path    string
	role    string
	name    string
	content []chat.Part
	refusal string
	thought []chat.Part
	thinks  chat.Part // what reasoning_content says
	calls   []chat.Part
	callID  string // of the call that a tool's message answers
}

func (d *decoder) messages(v []byte) {
	d.calls = map[string]string{}
	d.Each("messages", v, func(i int, _ rawjson.Kind, v []byte) {
		t := turn{path: fields.At("messages", i)}
		d.turn(&t, v)
		if d.Err == nil {
			d.add(&t)
		}
	})
}

func (d *decoder) turn(t *turn, v []byte) {
	d.Members(t.path, v, func(name string, k rawjson.Kind, v []byte) {
		path := t.path + "." + name
		switch name {
		case "role":
			t.role = d.Text(path, k, v)
		case "content":
			t.content = d.content(path, k, v)
		case "name":
			t.name = d.Text(path, k, v)
		case "tool_call_id":
			t.callID = d.Text(path, k, v)
		case "tool_calls":
			d.toolCalls(t, path, v)
		case "function_call":
			d.functionCall(t, path, v)
		case "refusal":
			t.refusal = d.Text(path, k, v)
		case "reasoning_content", "reasoning":
			t.thinks = chat.Part{Kind: chat.Thinking, Text: d.Text(path, k, v), Path: path}
		case "reasoning_details", "thinking_blocks":
			if thoughts := readDetails(v, path); thoughts != nil {
				t.thought = thoughts
			}
		case "id", "annotations": // of answers that are sent back; no model is told
		default:
			d.Lose(path, notUnderstood)
		}
	})
	t.thought = withText(t.thought, t.thinks)
}

// add puts a turn where the common form has it.
func (d *decoder) add(t *turn) {
	r := d.req
	switch t.role {
	case "system", "developer":
		if t.name != "" {
			d.Lose(t.path+".name", notUnderstood)
		}
		if len(r.Messages) == 0 {
			r.System = append(r.System, t.content...)
			return
		}
		r.Messages = append(r.Messages, chat.Message{Role: chat.System, Parts: t.content, Path: t.path})
	case "user":
		r.Messages = append(r.Messages, chat.Message{Role: chat.User, Name: t.name, Parts: t.content, Path: t.path})
	case "assistant":
		parts := slices.Concat(t.thought, t.content)
		if t.refusal != "" {
			parts = append(parts, chat.Part{Kind: chat.Refusal, Text: t.refusal, Path: t.path + ".refusal"})
		}
		r.Messages = append(r.Messages, chat.Message{Role: chat.Assistant, Name: t.name, Parts: append(parts, t.calls...), Path: t.path})
	case "tool":
		if t.callID == "" {
			d.Refuse(t.path+".tool_call_id", "field %q must be the id of the call that the message answers", t.path+".tool_call_id")
		}
		if name := d.calls[t.callID]; name != "" {
			t.name = name
		}
		d.addResult(t, t.callID, t.name)
	case "function":
		d.addResult(t, d.lastCall, t.name)
	default:
		d.Refuse(t.path+".role", "field %q must be system, developer, user, assistant or tool, not %q", t.path+".role", t.role)
	}
}

// addResult adds the result of a tool to the message of results it is in, or begins one.
func (d *decoder) addResult(t *turn, id, name string) {
	part := chat.Part{Kind: chat.ToolResult, Path: t.path, Result: &chat.Result{CallID: id, Name: name, Parts: t.content}}
	if n := len(d.req.Messages); n > 0 {
		if last := &d.req.Messages[n-1]; last.Role == chat.User && len(last.Parts) > 0 && last.Parts[0].Kind == chat.ToolResult {
			last.Parts = append(last.Parts, part)
			return
		}
	}
	d.req.Messages = append(d.req.Messages, chat.Message{Role: chat.User, Parts: []chat.Part{part}, Path: t.path})
}

func (d *decoder) toolCalls(t *turn, path string, v []byte) {
	d.Each(path, v, func(i int, _ rawjson.Kind, v []byte) {
		path := fields.At(path, i)
		call, kind, signature := chat.ToolCall{}, "function", ""
		d.Members(path, v, func(name string, k rawjson.Kind, v []byte) {
			switch name {
			case "id":
				call.ID = d.Text(path+".id", k, v)
			case "type":
				kind = d.Text(path+".type", k, v)
			case "function":
				d.call(&call, path+".function", v)
			case "extra_content":
				signature = googleSignature(v)
			case "index": // of streams
			default:
				if kind == "function" {
					d.Lose(path+"."+name, notUnderstood)
				}
			}
		})
		if kind != "function" {
			d.Lose(path, "a call of type "+kind+"; "+notUnderstood)
			return
		}
		d.calls[call.ID] = call.Name
		part := chat.Part{Kind: chat.Call, Call: &call, Path: path}
		if signature != "" {
			part.Signature, part.SignedBy = signature, "gemini"
		}
		t.calls = append(t.calls, part)
	})
}

// functionCall reads a call as it was before tools: without an id, so one is made.
func (d *decoder) functionCall(t *turn, path string, v []byte) {
	call := chat.ToolCall{ID: madeID(d.made)}
	d.made++
	d.call(&call, path, v)
	d.lastCall = call.ID
	t.calls = append(t.calls, chat.Part{Kind: chat.Call, Call: &call, Path: path})
}

func (d *decoder) call(c *chat.ToolCall, path string, v []byte) {
	d.Members(path, v, func(name string, k rawjson.Kind, v []byte) {
		switch name {
		case "name":
			c.Name = d.Text(path+".name", k, v)
		case "arguments":
			c.Arguments = d.Text(path+".arguments", k, v)
		}
	})
	if c.Name == "" {
		d.Refuse(path+".name", "field %q must name the function", path+".name")
	}
}
