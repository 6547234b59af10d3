package responses

import (
	"encoding/json"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// requestEncoder writes a request for a provider.
type requestEncoder struct {
	req  *chat.Request
	dst  []byte
	lost []chat.Loss
}

// EncodeRequest writes a request for a provider of the Responses API. It asks that the answer is
// not stored, and, where the client wants the model to think or has sent thoughts of OpenAI's
// before, for encrypted thoughts, so that they can come back.
//
// Functions are called strictly by default in this API and not in others, so each says which. Marks
// of what to cache are not written, and are no loss: OpenAI caches by itself. That a tool failed
// is said in the text of its result. Thoughts that others signed are left out.
func EncodeRequest(r *chat.Request, o chat.Options) ([]byte, []chat.Loss, *apierr.Error) {
	e := requestEncoder{req: r, dst: []byte{'{'}}
	e.dst = appendText(e.dst, "model", o.Model)
	e.instructions()
	e.dst = append(appendName(e.dst, "input"), '[')
	for i := range r.Messages {
		e.message(&r.Messages[i])
	}
	e.dst = append(e.dst, ']')
	e.tools()
	e.sampling()
	e.text()
	e.reasoning(o.Model)
	e.include()
	e.dst = appendSome(e.dst, "user", r.User)
	e.serviceTier()
	e.dst = append(e.dst, `,"store":false`...)
	if o.Stream {
		e.dst = append(e.dst, `,"stream":true`...)
	}
	return append(e.dst, '}'), e.lost, nil
}

func (e *requestEncoder) lose(field, why string) {
	e.lost = append(e.lost, chat.Loss{Field: field, Why: why})
}

func (e *requestEncoder) instructions() {
	text := ""
	for i := range e.req.System {
		if text != "" {
			text += "\n\n"
		}
		text += e.req.System[i].Text
	}
	e.dst = appendSome(e.dst, "instructions", text)
}

func (e *requestEncoder) tools() {
	r := e.req
	if len(r.Tools) == 0 {
		return
	}
	e.dst = append(appendName(e.dst, "tools"), '[')
	for i := range r.Tools {
		t := &r.Tools[i]
		e.dst = append(comma(e.dst), `{"type":"function"`...)
		e.dst = appendText(e.dst, "name", t.Name)
		e.dst = appendSome(e.dst, "description", t.Description)
		schema := t.Schema
		if schema == nil {
			schema = json.RawMessage(`{"type":"object","properties":{}}`)
		}
		e.dst = appendRaw(e.dst, "parameters", schema)
		e.dst = append(appendRaw(e.dst, "strict", trueOrFalse(t.Strict != nil && *t.Strict)), '}')
	}
	e.dst = append(e.dst, ']')
	switch c := r.ToolChoice; c.Mode {
	case chat.ChooseAuto, chat.ChooseNone:
		e.dst = appendText(e.dst, "tool_choice", c.Mode)
	case chat.ChooseAny:
		e.dst = appendText(e.dst, "tool_choice", "required")
	case chat.ChooseTool:
		e.dst = append(appendName(e.dst, "tool_choice"), `{"type":"function"`...)
		e.dst = append(appendText(e.dst, "name", c.Name), '}')
	}
	if r.OneToolAtATime {
		e.dst = append(e.dst, `,"parallel_tool_calls":false`...)
	}
}

func trueOrFalse(b bool) []byte {
	if b {
		return []byte("true")
	}
	return []byte("false")
}

func (e *requestEncoder) sampling() {
	r := e.req
	e.dst = appendCount(e.dst, "max_output_tokens", r.MaxTokens)
	e.dst = appendNumber(e.dst, "temperature", r.Temperature)
	e.dst = appendNumber(e.dst, "top_p", r.TopP)
	if r.TopLogProbs > 0 {
		e.dst = appendInt(appendName(e.dst, "top_logprobs"), r.TopLogProbs)
	}
	for _, f := range []struct {
		said    bool
		feature chat.Feature
		why     string
	}{
		{r.TopK != "", chat.FTopK, "OpenAI's API has no top_k"},
		{r.FrequencyPenalty != "", chat.FFrequencyPenalty, "OpenAI's Responses API has no penalties"},
		{r.PresencePenalty != "", chat.FPresencePenalty, "OpenAI's Responses API has no penalties"},
		{r.Seed != nil, chat.FSeed, "OpenAI's Responses API has no seed"},
		{r.N > 1, chat.FN, "OpenAI's Responses API gives one answer"},
		{len(r.Stop) > 0, chat.FStop, "OpenAI's Responses API has no stop sequences"},
		{len(r.LogitBias) > 0, chat.FLogitBias, "OpenAI's Responses API has no logit_bias"},
	} {
		if f.said {
			e.lose(r.Name(f.feature), f.why)
		}
	}
}

func (e *requestEncoder) text() {
	out := e.req.Output
	if out == nil && e.req.Verbosity == "" {
		return
	}
	e.dst = append(appendName(e.dst, "text"), '{')
	switch {
	case out == nil:
	case out.Schema == nil:
		e.dst = append(e.dst, `"format":{"type":"json_object"}`...)
	default:
		name := out.Name
		if name == "" {
			name = "answer" // the API requires one
		}
		e.dst = append(e.dst, `"format":{"type":"json_schema"`...)
		e.dst = appendText(e.dst, "name", name)
		e.dst = appendSome(e.dst, "description", out.Description)
		e.dst = appendRaw(e.dst, "schema", out.Schema)
		e.dst = append(appendRaw(e.dst, "strict", trueOrFalse(out.Strict != nil && *out.Strict)), '}')
	}
	e.dst = append(appendSome(e.dst, "verbosity", e.req.Verbosity), '}')
}

func (e *requestEncoder) include() {
	var what []string
	if r := e.req.Reasoning; r != nil && !r.Off || e.hasOwnThoughts() {
		what = append(what, `"reasoning.encrypted_content"`)
	}
	if e.req.LogProbs {
		what = append(what, `"message.output_text.logprobs"`)
	}
	if len(what) == 0 {
		return
	}
	e.dst = append(appendName(e.dst, "include"), '[')
	for _, w := range what {
		e.dst = append(comma(e.dst), w...)
	}
	e.dst = append(e.dst, ']')
}

func (e *requestEncoder) hasOwnThoughts() bool {
	for i := range e.req.Messages {
		for k := range e.req.Messages[i].Parts {
			if isOwnThought(&e.req.Messages[i].Parts[k]) {
				return true
			}
		}
	}
	return false
}

func isOwnThought(p *chat.Part) bool {
	return p.Kind == chat.Thinking && p.SignedBy == openAI && p.Signature != ""
}

// serviceTier passes OpenAI's words on, and says Anthropic's standard_only as OpenAI does.
func (e *requestEncoder) serviceTier() {
	switch tier := e.req.ServiceTier; tier {
	case "", "auto":
	case "standard_only":
		e.dst = appendText(e.dst, "service_tier", "default")
	case "default", "flex", "scale", "priority", "fast", "ultrafast":
		e.dst = appendText(e.dst, "service_tier", tier)
	default:
		e.lose(e.req.Name(chat.FServiceTier), "OpenAI's API has no service tier of that name")
	}
}
