package openai

import (
	"strings"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// encoder writes a request for a provider.
type encoder struct {
	req  *chat.Request
	dst  []byte
	lost []chat.Loss
}

// encodeChat writes a request as a chat completion.
//
// The bound of the answer is max_completion_tokens for OpenAI's models that refuse max_tokens
// (the o series, gpt-5 and later), and max_tokens for all others, since many compatible servers
// know no other name. Marks of what to cache are not written, and are no loss: OpenAI's providers
// cache by themselves. That a tool failed is said in the text of its result. Pictures in results
// of tools, which OpenAI has no place for, follow in a message of the user. Thoughts of earlier
// answers are left out.
func encodeChat(r *chat.Request, o chat.Options) ([]byte, []chat.Loss, *apierr.Error) {
	e := encoder{req: r, dst: []byte{'{'}}
	e.dst = appendText(e.dst, "model", o.Model)
	e.dst = append(appendName(e.dst, "messages"), '[')
	e.system(r.System)
	for i := range r.Messages {
		e.message(&r.Messages[i])
	}
	e.dst = append(e.dst, ']')
	e.tools()
	e.sampling(o)
	e.output()
	e.reasoning(o.Model)
	e.dst = appendSome(e.dst, "user", r.User)
	e.serviceTier()
	e.dst = appendSome(e.dst, "verbosity", r.Verbosity)
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

func (e *encoder) sampling(o chat.Options) {
	r := e.req
	name := "max_tokens"
	if wantsCompletionTokens(o.Model) {
		name = "max_completion_tokens"
	}
	e.dst = appendCount(e.dst, name, r.MaxTokens)
	e.dst = appendNumber(e.dst, "temperature", r.Temperature)
	e.dst = appendNumber(e.dst, "top_p", r.TopP)
	if r.TopK != "" {
		e.lose(r.Name(chat.FTopK), "OpenAI's API has no top_k")
	}
	e.dst = appendNumber(e.dst, "frequency_penalty", r.FrequencyPenalty)
	e.dst = appendNumber(e.dst, "presence_penalty", r.PresencePenalty)
	e.dst = appendCount(e.dst, "seed", r.Seed)
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
	if r.LogProbs {
		e.dst = append(e.dst, `,"logprobs":true`...)
		if r.TopLogProbs > 0 {
			e.dst = appendInt(appendName(e.dst, "top_logprobs"), r.TopLogProbs)
		}
	}
	e.dst = appendRaw(e.dst, "logit_bias", r.LogitBias)
}

// family returns the model's name without what gateways put before it: openai/gpt-5 is gpt-5.
func family(model string) string {
	return strings.ToLower(model[strings.LastIndexByte(model, '/')+1:])
}

// generation returns the number behind a prefix of the name: 5 for gpt-5-mini, 0 for none.
func generation(model, prefix string) (n int) {
	rest, ok := strings.CutPrefix(family(model), prefix)
	if !ok {
		return 0
	}
	for len(rest) > 0 && rest[0] >= '0' && rest[0] <= '9' && n < 1000 {
		n, rest = 10*n+int(rest[0]-'0'), rest[1:]
	}
	return n
}

func isOSeries(model string) bool { return generation(model, "o") > 0 }

func wantsCompletionTokens(model string) bool {
	return isOSeries(model) || generation(model, "gpt-") >= 5
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
		e.dst = append(appendFlag(e.dst, "strict", t.Strict), "}}"...)
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

// reasoning writes how much to think as an effort; a budget becomes the effort nearest to it.
// That thoughts are to be shown is not written: servers that give them give them unasked.
func (e *encoder) reasoning(model string) {
	r := e.req.Reasoning
	if r == nil {
		return
	}
	field := e.req.Name(chat.FReasoning)
	gpt := generation(model, "gpt-")
	switch effort := r.Effort; {
	case r.Off && gpt > 0 && gpt < 5: // they never think
	case gpt > 0 && gpt < 5 && (effort != "" || r.Budget != nil):
		e.lose(field, "the model does not think before it answers")
	case r.Off && (isOSeries(model) || isFirstGPT5(model)):
		e.lose(field, "the model can't be kept from thinking")
	case r.Off:
		e.dst = appendText(e.dst, "reasoning_effort", "none")
	case effort != "":
		e.dst = appendText(e.dst, "reasoning_effort", effort)
	case r.Budget != nil:
		e.dst = appendText(e.dst, "reasoning_effort", chat.EffortOf(*r.Budget))
	}
}

// isFirstGPT5 reports whether the model is a gpt-5 that came before 5.1, which brought an effort
// of none.
func isFirstGPT5(model string) bool {
	rest, ok := strings.CutPrefix(family(model), "gpt-5")
	return ok && !strings.HasPrefix(rest, ".")
}

// serviceTier passes OpenAI's words on, and says Anthropic's standard_only as OpenAI does.
func (e *encoder) serviceTier() {
	switch tier := e.req.ServiceTier; tier {
	case "":
	case "standard_only":
		e.dst = appendText(e.dst, "service_tier", "default")
	case "auto", "default", "flex", "scale", "priority":
		e.dst = appendText(e.dst, "service_tier", tier)
	default:
		e.lose(e.req.Name(chat.FServiceTier), "OpenAI's API has no service tier of that name")
	}
}
