package openai

import (
	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// encoder writes a request for a provider.
type encoder struct {
	req   *chat.Request
	model model
	speak dialect
	dst   []byte
	lost  []chat.Loss
}

// encodeChat writes a request as a chat completion, in the dialect of the provider.
//
// The bound of the answer is max_completion_tokens for OpenAI's models that refuse max_tokens
// (the o series, gpt-5 and later), and max_tokens for all others, since many compatible servers
// know no other name. Marks of what to cache become breakpoints for gpt-5.6 and later, and
// cache_control where that passes on to Anthropic's models; elsewhere they are not written, and
// are no loss: those providers cache by themselves. That a tool failed is said in the text of its
// result. Pictures in results of tools, which OpenAI has no place for, follow in a message of the
// user. Thoughts of earlier answers are left out.
func encodeChat(r *chat.Request, o chat.Options) ([]byte, []chat.Loss, *apierr.Error) {
	e := encoder{req: r, model: model(o.Model), speak: dialectOf(o.Provider), dst: []byte{'{'}}
	e.dst = appendText(e.dst, "model", o.Model)
	e.dst = append(appendName(e.dst, "messages"), '[')
	e.system(r.System)
	for i := range r.Messages {
		e.message(&r.Messages[i])
	}
	e.dst = append(e.dst, ']')
	e.tools()
	e.sampling()
	e.output()
	e.reasoning()
	if e.takes(chat.FUser, r.User != "") {
		e.dst = appendText(e.dst, "user", r.User)
	}
	e.serviceTier()
	if e.takes(chat.FVerbosity, r.Verbosity != "") {
		e.dst = appendText(e.dst, "verbosity", r.Verbosity)
	}
	if o.Stream {
		e.dst = append(e.dst, `,"stream":true`...)
	}
	if o.Stream && r.WantsUsage {
		e.dst = append(e.dst, `,"stream_options":{"include_usage":true}`...)
	}
	return append(e.dst, '}'), e.lost, nil
}

func (e *encoder) lose(field, why string) {
	e.lost = append(e.lost, chat.Loss{Field: field, Why: why})
}

// takes reports whether a feature that is said, or not, is to be written. What the provider does
// not know is lost.
func (e *encoder) takes(f chat.Feature, said bool) bool {
	if said && e.speak.lacks[f] {
		e.lose(e.req.Name(f), "the provider's API does not have it")
		return false
	}
	return said
}

func (e *encoder) sampling() {
	r := e.req
	name := "max_tokens"
	if e.speak.newNames && e.model.wantsCompletionTokens() {
		name = "max_completion_tokens"
	}
	e.dst = appendCount(e.dst, name, r.MaxTokens)
	e.dst = appendNumber(e.dst, "temperature", r.Temperature)
	e.dst = appendNumber(e.dst, "top_p", r.TopP)
	if e.takes(chat.FTopK, r.TopK != "") {
		e.dst = appendNumber(e.dst, "top_k", r.TopK)
	}
	e.dst = appendNumber(e.dst, "frequency_penalty", r.FrequencyPenalty)
	e.dst = appendNumber(e.dst, "presence_penalty", r.PresencePenalty)
	e.dst = appendCount(e.dst, e.speak.seed, r.Seed)
	if r.N > 1 {
		e.dst = appendInt(appendName(e.dst, "n"), r.N)
	}
	if len(r.Stop) > 0 {
		e.dst = append(appendName(e.dst, "stop"), '[')
		for _, s := range r.Stop {
			e.dst = appendString(comma(e.dst), s)
		}
		e.dst = append(e.dst, ']')
	}
	if e.takes(chat.FLogProbs, r.LogProbs) {
		e.dst = append(e.dst, `,"logprobs":true`...)
		if r.TopLogProbs > 0 {
			e.dst = appendInt(appendName(e.dst, "top_logprobs"), r.TopLogProbs)
		}
	}
	if e.takes(chat.FLogitBias, len(r.LogitBias) > 0) {
		e.dst = appendRaw(e.dst, "logit_bias", r.LogitBias)
	}
}

func (e *encoder) tools() {
	r := e.req
	if len(r.Tools) == 0 {
		return
	}
	e.dst = append(appendName(e.dst, "tools"), '[')
	for i := range r.Tools {
		t := &r.Tools[i]
		e.dst = append(comma(e.dst), `{"type":"function","function":{`...)
		e.dst = appendText(e.dst, "name", t.Name)
		e.dst = appendSome(e.dst, "description", t.Description)
		e.dst = appendRaw(e.dst, "parameters", t.Schema)
		if t.Strict != nil && e.speak.strictGPT && !e.model.isGPT() {
			e.lose(t.Path+"."+e.req.Name(chat.FStrict), "the provider takes it for GPT models only")
		} else {
			e.dst = appendFlag(e.dst, "strict", t.Strict)
		}
		e.dst = append(e.dst, "}}"...)
	}
	e.dst = append(e.dst, ']')
	switch c := r.ToolChoice; c.Mode {
	case chat.ChooseAuto, chat.ChooseNone:
		e.dst = appendText(e.dst, "tool_choice", c.Mode)
	case chat.ChooseAny:
		e.dst = appendText(e.dst, "tool_choice", "required")
	case chat.ChooseTool:
		e.dst = append(appendName(e.dst, "tool_choice"), `{"type":"function","function":{`...)
		e.dst = append(appendText(e.dst, "name", c.Name), "}}"...)
	}
	if r.OneToolAtATime {
		e.dst = append(e.dst, `,"parallel_tool_calls":false`...)
	}
}

func (e *encoder) output() {
	o := e.req.Output
	switch {
	case o == nil:
	case o.Schema != nil && e.speak.noSchemas:
		e.lose(e.req.Name(chat.FOutput), "the provider's API gives JSON, but not of a schema")
	case o.Schema == nil:
		e.dst = append(e.dst, `,"response_format":{"type":"json_object"}`...)
	default:
		name := o.Name
		if name == "" {
			name = "answer" // OpenAI requires one
		}
		e.dst = append(e.dst, `,"response_format":{"type":"json_schema","json_schema":{`...)
		e.dst = appendText(e.dst, "name", name)
		e.dst = appendSome(e.dst, "description", o.Description)
		e.dst = appendRaw(e.dst, "schema", o.Schema)
		e.dst = append(appendFlag(e.dst, "strict", o.Strict), "}}"...)
	}
}

// serviceTier passes OpenAI's words on, and says Anthropic's standard_only as OpenAI does.
func (e *encoder) serviceTier() {
	tier := e.req.ServiceTier
	if !e.takes(chat.FServiceTier, tier != "") {
		return
	}
	switch tier {
	case "standard_only":
		e.dst = appendText(e.dst, "service_tier", "default")
	case "auto", "default", "flex", "scale", "priority", "fast":
		e.dst = appendText(e.dst, "service_tier", tier)
	default:
		e.lose(e.req.Name(chat.FServiceTier), "OpenAI's API has no service tier of that name")
	}
}
