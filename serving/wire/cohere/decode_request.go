package cohere

import (
	"strings"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/fields"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// request reads a client's request for a chat.
type request struct {
	fields.Reader
	chat.Request
	strict bool
}

// names are Cohere's words where they differ from the features' own.
func names() map[chat.Feature]string {
	return map[chat.Feature]string{
		chat.FTopP: "p", chat.FTopK: "k", chat.FStop: "stop_sequences", chat.FStrict: "strict_tools", chat.FReasoning: "thinking",
	}
}

// decodeRequest reads the body of a chat. Fields that only ask for what goes without saying are no
// losses: a safety mode of CONTEXTUAL, which is Cohere's own doing, or OFF; citations off; priority 0.
func decodeRequest(body []byte) (*chat.Request, *apierr.Error) {
	r := request{Request: chat.Request{Names: names(), WantsUsage: true}}
	if !r.Body(body, r.field) {
		return nil, r.Err
	}
	if len(r.Messages) == 0 && len(r.System) == 0 {
		r.Refuse("messages", "field \"messages\" must have at least one message")
	}
	if len(r.Tools) == 0 {
		if r.ToolChoice.Mode == chat.ChooseAny {
			r.Refuse("tool_choice", "field \"tool_choice\" asks for a tool, but there are no tools")
		}
		r.ToolChoice = chat.ToolChoice{}
	}
	if r.strict {
		for i := range r.Tools {
			r.Tools[i].Strict = &r.strict
		}
	}
	if r.Err != nil {
		return nil, r.Err
	}
	r.Request.Rest = r.Reader.Rest
	return &r.Request, nil
}

func (r *request) field(name string, k rawjson.Kind, v []byte) {
	switch name {
	case "model":
		r.Model = r.Text(name, k, v)
	case "messages":
		r.Elements(name, v, r.message)
	case "stream":
		r.Stream = r.Flag(name, k)
	case "tools":
		r.Elements(name, v, r.tool)
	case "strict_tools":
		r.strict = r.Flag(name, k)
	case "tool_choice":
		r.toolChoice(r.Text(name, k, v))
	case "response_format":
		r.output(k, v)
	case "thinking":
		r.thinking(k, v)
	case "safety_mode":
		if mode := r.Text(name, k, v); mode == "STRICT" {
			r.Lose(name, cohereOnly)
		}
	case "citation_options":
		r.Members(name, v, func(n string, k rawjson.Kind, v []byte) {
			if mode := text(v); n != "mode" || mode != "OFF" && mode != "DISABLED" {
				r.Lose(name+"."+n, cohereOnly)
			}
		})
	case "documents":
		if string(v) != "[]" {
			r.Lose(name, cohereOnly)
		}
	case "priority":
		if n := r.Whole(name, k, v, 0); n != 0 {
			r.Lose(name, cohereOnly)
		}
	case "metadata", "usage_context", "client_request_id": // lakegate's own, and what it does with metadata
	default:
		if !r.sampling(name, k, v) {
			r.Lose(name, "it is not known")
		}
	}
}

// sampling reads the fields that say how tokens are chosen.
func (r *request) sampling(name string, k rawjson.Kind, v []byte) bool {
	switch name {
	case "max_tokens":
		n := r.Whole(name, k, v, 0)
		r.MaxTokens = &n
	case "temperature":
		r.Temperature = r.Number(name, k, v)
	case "p":
		r.TopP = r.NonZero(name, k, v)
	case "k":
		r.TopK = r.NonZero(name, k, v)
	case "frequency_penalty":
		r.FrequencyPenalty = r.NonZero(name, k, v)
	case "presence_penalty":
		r.PresencePenalty = r.NonZero(name, k, v)
	case "seed":
		n := r.Whole(name, k, v, 0)
		r.Seed = &n
	case "stop_sequences":
		r.Stop = r.Texts(name, v)
	case "logprobs":
		r.LogProbs = r.Flag(name, k)
	default:
		return false
	}
	return true
}

func (r *request) toolChoice(word string) {
	switch word {
	case "REQUIRED":
		r.ToolChoice.Mode = chat.ChooseAny
	case "NONE":
		r.ToolChoice.Mode = chat.ChooseNone
	default:
		r.Refuse("tool_choice", "field \"tool_choice\" must be REQUIRED or NONE, not %q", word)
	}
}

func (r *request) tool(path string, k rawjson.Kind, v []byte) {
	t := chat.Tool{Path: path}
	r.Members(path, v, func(name string, k rawjson.Kind, v []byte) {
		switch name {
		case "type":
			if kind := r.Text(path+".type", k, v); kind != "function" {
				r.Refuse(path+".type", "field %q must be function, not %q", path+".type", kind)
			}
		case "function":
			r.Members(path+".function", v, func(name string, k rawjson.Kind, v []byte) {
				switch p := path + ".function." + name; name {
				case "name":
					t.Name = r.Text(p, k, v)
				case "description":
					t.Description = r.Text(p, k, v)
				case "parameters":
					t.Schema = r.Object(p, k, v)
				default:
					r.Lose(p, "it is not known")
				}
			})
		default:
			r.Lose(path+"."+name, "it is not known")
		}
	})
	if t.Name == "" {
		r.Refuse(path+".function.name", "field %q must name the function", path+".function.name")
	}
	r.Tools = append(r.Tools, t)
}

// output reads response_format: any JSON, or JSON of a schema.
func (r *request) output(k rawjson.Kind, v []byte) {
	const path = "response_format"
	out := chat.Output{}
	r.Members(path, v, func(name string, k rawjson.Kind, v []byte) {
		switch name {
		case "type":
			out.Kind = r.Text(path+".type", k, v)
		case "json_schema", "schema":
			out.Schema = r.Object(path+"."+name, k, v)
		default:
			r.Lose(path+"."+name, "it is not known")
		}
	})
	switch {
	case r.Err != nil || out.Kind == "text":
	case out.Kind != "json_object":
		r.Refuse(path+".type", "field %q must be text or json_object, not %q", path+".type", out.Kind)
	default:
		if out.Schema != nil {
			out.Kind, out.Name = "json_schema", "answer"
		}
		r.Output = &out
	}
}

// thinking reads whether, and how long, the model is to think. Without a bound it is as much as the
// model wants, for which other APIs have no word: medium, their own usual.
func (r *request) thinking(k rawjson.Kind, v []byte) {
	t := chat.Reasoning{Show: true}
	kind := ""
	r.Members("thinking", v, func(name string, k rawjson.Kind, v []byte) {
		switch name {
		case "type":
			kind = strings.ToLower(r.Text("thinking.type", k, v))
		case "token_budget":
			n := r.Whole("thinking.token_budget", k, v, 0)
			t.Budget = &n
		default:
			r.Lose("thinking."+name, "it is not known")
		}
	})
	switch kind {
	case "enabled":
		if t.Budget == nil {
			t.Effort = "medium"
		}
	case "disabled":
		t = chat.Reasoning{Off: true}
	default:
		r.Refuse("thinking.type", "field \"thinking.type\" must be enabled or disabled, not %q", kind)
	}
	r.Reasoning = &t
}
