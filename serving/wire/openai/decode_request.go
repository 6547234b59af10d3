package openai

import (
	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/fields"
	"github.com/lakegate/lakegate/serving/wire/rawjson"
)

// decoder reads a client's request for a chat.
type decoder struct {
	fields.Reader
	req *chat.Request

	calls    map[string]string // name of the tool by the id of its call
	lastCall string            // id of the last call in the deprecated shape
	made     int               // ids made for those
}

// decodeChat reads the body of a chat completion.
//
// Understood beyond OpenAI's own fields are top_k, cache_control on parts and tools, and
// reasoning and thinking as OpenRouter and Databricks have them. service_tier auto and verbosity
// medium are what goes without saying, and count as not said.
func decodeChat(body []byte) (*chat.Request, *apierr.Error) {
	d := decoder{req: &chat.Request{Names: map[chat.Feature]string{}}}
	if !d.Body(body, d.field) {
		return nil, d.Err
	}
	if d.req.Messages == nil && d.req.System == nil {
		d.Refuse("messages", "field \"messages\" must have at least one message")
	}
	d.settle()
	if d.Err != nil {
		return nil, d.Err
	}
	d.req.Rest = d.Rest
	return d.req, nil
}

// settle drops what means nothing without another field.
func (d *decoder) settle() {
	r := d.req
	if len(r.Tools) == 0 {
		if m := r.ToolChoice.Mode; m == chat.ChooseAny || m == chat.ChooseTool {
			d.Refuse("tool_choice", "field \"tool_choice\" asks for a tool, but there are no tools")
		}
		r.ToolChoice, r.OneToolAtATime = chat.ToolChoice{}, false
	}
	if !r.LogProbs {
		r.TopLogProbs = 0
	}
}

func (d *decoder) field(name string, k rawjson.Kind, v []byte) {
	switch r := d.req; name {
	case "model":
		r.Model = d.Text(name, k, v)
	case "messages":
		d.messages(v)
	case "stream":
		r.Stream = d.Flag(name, k)
	case "stream_options":
		d.streamOptions(v)
	case "tools":
		d.tools(v)
	case "functions":
		d.functions(v)
	case "tool_choice", "function_call":
		d.toolChoice(name, k, v)
	case "parallel_tool_calls":
		r.OneToolAtATime = !d.Flag(name, k)
	case "response_format":
		d.output(v)
	case "reasoning_effort", "reasoning", "thinking", "include_reasoning":
		d.reasoning(name, k, v)
	case "user", "safety_identifier":
		d.user(name, k, v)
	case "service_tier":
		if r.ServiceTier = d.Text(name, k, v); r.ServiceTier == "auto" {
			r.ServiceTier = ""
		}
	case "verbosity":
		if r.Verbosity = d.Text(name, k, v); r.Verbosity == "medium" {
			r.Verbosity = ""
		}
	case "metadata", "usage_context", "client_request_id": // lakegate's own, and what it does with metadata
	default:
		if !d.sampling(name, k, v) && !isNeutral(name, k, v) {
			d.Lose(name, notUnderstood)
		}
	}
}

// isNeutral reports whether a field that is not understood says nothing.
func isNeutral(name string, k rawjson.Kind, v []byte) bool {
	switch name {
	case "store":
		return k == rawjson.False
	case "modalities":
		return isOnlyText(v)
	case "extra_params":
		return k == rawjson.ObjectKind && fields.IsEmpty(v)
	}
	return false
}

// isOnlyText reports whether an array has nothing but "text" in it.
func isOnlyText(v []byte) bool {
	c := rawjson.Walk(v)
	if c.Kind() != rawjson.Array {
		return false
	}
	for ok := c.Enter(); ok; ok = c.Next() {
		if string(c.Take()) != `"text"` {
			return false
		}
	}
	return true
}

// sampling reads the fields that say how tokens are chosen.
func (d *decoder) sampling(name string, k rawjson.Kind, v []byte) bool {
	r := d.req
	switch name {
	case "max_tokens", "max_completion_tokens":
		n := d.Whole(name, k, v, 1)
		r.MaxTokens, r.Names[chat.FMaxTokens] = &n, name
	case "temperature":
		r.Temperature = d.Number(name, k, v)
	case "top_p":
		r.TopP = d.Number(name, k, v)
	case "top_k":
		if n := d.Number(name, k, v); !fields.IsZero(n) && n != "-1" { // vLLM's words for no bound
			r.TopK = n
		}
	case "frequency_penalty":
		if r.FrequencyPenalty = d.Number(name, k, v); fields.IsZero(r.FrequencyPenalty) {
			r.FrequencyPenalty = ""
		}
	case "presence_penalty":
		if r.PresencePenalty = d.Number(name, k, v); fields.IsZero(r.PresencePenalty) {
			r.PresencePenalty = ""
		}
	case "seed":
		n := d.Whole(name, k, v, -1<<63)
		r.Seed = &n
	case "n":
		if r.N = d.Whole(name, k, v, 1); r.N == 1 {
			r.N = 0
		}
	case "stop":
		r.Stop = d.stop(k, v)
	case "logprobs":
		r.LogProbs = d.Flag(name, k)
	case "top_logprobs":
		r.TopLogProbs = d.Whole(name, k, v, 0)
	case "logit_bias":
		if o := d.Object(name, k, v); o != nil && !fields.IsEmpty(o) {
			r.LogitBias = o
		}
	default:
		return false
	}
	return true
}

func (d *decoder) stop(k rawjson.Kind, v []byte) (stop []string) {
	if k == rawjson.String {
		return []string{rawjson.Unquote(v)}
	}
	if k != rawjson.Array {
		d.Wrong("stop", "a string or an array of strings", k)
		return nil
	}
	d.Each("stop", v, func(i int, k rawjson.Kind, v []byte) {
		stop = append(stop, d.Text(fields.At("stop", i), k, v))
	})
	return stop
}

func (d *decoder) streamOptions(v []byte) {
	d.Members("stream_options", v, func(name string, k rawjson.Kind, _ []byte) {
		if name == "include_usage" {
			d.req.WantsUsage = d.Flag("stream_options.include_usage", k)
		}
	})
}

// user reads who the end user is; safety_identifier is the newer name.
func (d *decoder) user(name string, k rawjson.Kind, v []byte) {
	id := d.Text(name, k, v)
	if d.req.User == "" || name == "safety_identifier" {
		d.req.User, d.req.Names[chat.FUser] = id, name
	}
}

// reasoning reads the ways to ask for thinking: OpenAI's reasoning_effort, OpenRouter's reasoning
// and include_reasoning, and thinking as Anthropic's, Databricks' and DeepSeek's APIs have it.
func (d *decoder) reasoning(name string, k rawjson.Kind, v []byte) {
	if d.req.Reasoning == nil {
		d.req.Reasoning = &chat.Reasoning{}
	}
	r := d.req.Reasoning
	if name != "include_reasoning" || d.req.Names[chat.FReasoning] == "" {
		d.req.Names[chat.FReasoning] = name
	}
	switch name {
	case "reasoning_effort":
		d.effort(name, d.Text(name, k, v))
	case "include_reasoning":
		r.Show = d.Flag(name, k)
	case "reasoning":
		d.Members(name, v, func(n string, k rawjson.Kind, v []byte) { d.openRouterReasoning(name+"."+n, n, k, v) })
	case "thinking":
		d.Members(name, v, func(n string, k rawjson.Kind, v []byte) { d.thinking(name+"."+n, n, k, v) })
	}
	if *r == (chat.Reasoning{}) {
		d.req.Reasoning = nil
	}
}

func (d *decoder) effort(path, word string) {
	switch word {
	case "none":
		d.req.Reasoning.Off = true
	case "minimal", "low", "medium", "high", "xhigh":
		d.req.Reasoning.Effort = word
	case "max": // the common form has nothing above xhigh
		d.req.Reasoning.Effort = "xhigh"
	default:
		d.Refuse(path, "field %q must be none, minimal, low, medium, high, xhigh or max, not %q", path, word)
	}
}

func (d *decoder) openRouterReasoning(path, name string, k rawjson.Kind, v []byte) {
	r := d.req.Reasoning
	switch name {
	case "effort":
		d.effort(path, d.Text(path, k, v))
	case "max_tokens":
		n := d.Whole(path, k, v, 0)
		r.Budget = &n
	case "enabled":
		r.Off = !d.Flag(path, k)
		r.Show = r.Show || !r.Off
	case "exclude":
		r.Show = !d.Flag(path, k)
	case "summary":
		r.Summary, r.Show = d.Text(path, k, v), true
	default:
		d.Lose(path, notUnderstood)
	}
}

func (d *decoder) thinking(path, name string, k rawjson.Kind, v []byte) {
	r := d.req.Reasoning
	switch name {
	case "type":
		switch word := d.Text(path, k, v); word {
		case "disabled":
			r.Off = true
		case "enabled", "adaptive", "auto":
			r.Show = true
		default:
			d.Refuse(path, "field %q must be enabled, disabled or adaptive, not %q", path, word)
		}
	case "budget_tokens":
		n := d.Whole(path, k, v, 0)
		r.Budget = &n
	default:
		d.Lose(path, notUnderstood)
	}
}

// notUnderstood is why a field is lost.
const notUnderstood = "it can't be said in another API's format"
