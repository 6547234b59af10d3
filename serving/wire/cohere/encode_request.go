package cohere

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// signedBy marks Cohere's thoughts, which carry no signature.
const signedBy = "cohere"

// object is a piece of a body under way.
type object = map[string]any

// body is the body of a chat.
type body struct {
	Model            string      `json:"model"`
	Messages         []message   `json:"messages"`
	Stream           bool        `json:"stream,omitempty"`
	MaxTokens        *int64      `json:"max_tokens,omitempty"`
	Temperature      json.Number `json:"temperature,omitempty"`
	P                json.Number `json:"p,omitempty"`
	K                json.Number `json:"k,omitempty"`
	FrequencyPenalty json.Number `json:"frequency_penalty,omitempty"`
	PresencePenalty  json.Number `json:"presence_penalty,omitempty"`
	Seed             *int64      `json:"seed,omitempty"`
	Stop             []string    `json:"stop_sequences,omitempty"`
	LogProbs         bool        `json:"logprobs,omitempty"`
	Tools            []object    `json:"tools,omitempty"`
	StrictTools      bool        `json:"strict_tools,omitempty"`
	ToolChoice       string      `json:"tool_choice,omitempty"`
	Output           object      `json:"response_format,omitempty"`
	Thinking         object      `json:"thinking,omitempty"`
}

// asker writes one request.
type asker struct {
	r    *chat.Request
	body body
	lost []chat.Loss
	err  *apierr.Error
}

// encodeRequest writes a request for Cohere. Marks of what to cache are left out: Cohere caches the
// beginnings of prompts by itself.
func encodeRequest(r *chat.Request, o chat.Options) ([]byte, []chat.Loss, *apierr.Error) {
	a := asker{r: r, body: body{
		Model: o.Model, Stream: o.Stream,
		MaxTokens: r.MaxTokens, Temperature: r.Temperature, P: r.TopP, K: r.TopK,
		FrequencyPenalty: r.FrequencyPenalty, PresencePenalty: r.PresencePenalty,
		Seed: r.Seed, Stop: r.Stop, LogProbs: r.LogProbs,
	}}
	a.messages()
	a.tools()
	a.output()
	a.thinking()
	a.cannot()
	if a.err != nil {
		return nil, a.lost, a.err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(&a.body); err != nil {
		return nil, a.lost, apierr.New(apierr.InvalidParameter, "the request has JSON that can't be passed on: %v", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), a.lost, nil
}

func (a *asker) lose(field, why string, args ...any) {
	a.lost = append(a.lost, chat.Loss{Field: field, Why: fmt.Sprintf(why, args...)})
}

func (a *asker) tools() {
	r := a.r
	strict := 0
	for _, t := range r.Tools {
		if r.ToolChoice.Mode == chat.ChooseTool && t.Name != r.ToolChoice.Name {
			continue // the one that must be called is the only one to choose
		}
		schema := t.Schema
		if len(schema) == 0 {
			schema = json.RawMessage(`{"type":"object","properties":{}}`)
		}
		f := object{"name": t.Name, "parameters": schema}
		if t.Description != "" {
			f["description"] = t.Description
		}
		if t.Strict != nil && *t.Strict {
			strict++
		}
		a.body.Tools = append(a.body.Tools, object{"type": "function", "function": f})
	}
	if len(a.body.Tools) == 0 {
		return
	}
	switch {
	case strict == len(a.body.Tools):
		a.body.StrictTools = true
	case strict > 0:
		a.lose(r.Name(chat.FStrict), "Cohere's API is strict with all tools or with none")
	}
	switch r.ToolChoice.Mode {
	case chat.ChooseAny, chat.ChooseTool:
		a.body.ToolChoice = "REQUIRED"
	case chat.ChooseNone:
		a.body.ToolChoice = "NONE"
	}
	if r.OneToolAtATime {
		a.lose(r.Name(chat.FParallel), "Cohere's models can't be kept from calling tools in parallel")
	}
}

func (a *asker) output() {
	out := a.r.Output
	if out == nil {
		return
	}
	a.body.Output = object{"type": "json_object"}
	if out.Kind == "json_schema" && len(out.Schema) > 0 {
		a.body.Output["json_schema"] = out.Schema
	}
}

func (a *asker) thinking() {
	t := a.r.Reasoning
	switch {
	case t == nil || !t.Off && t.Effort == "" && t.Budget == nil:
	case t.Off:
		a.body.Thinking = object{"type": "disabled"}
	case t.Budget != nil:
		a.body.Thinking = object{"type": "enabled", "token_budget": *t.Budget}
	default:
		a.body.Thinking = object{"type": "enabled", "token_budget": chat.BudgetOf(t.Effort)}
	}
}

// cannot lists what Cohere's API has no words for.
func (a *asker) cannot() {
	r := a.r
	for _, f := range [...]struct {
		said bool
		f    chat.Feature
		why  string
	}{
		{r.N > 1, chat.FN, "Cohere's API gives one answer"},
		{r.TopLogProbs > 0, chat.FLogProbs, "Cohere's API gives log probabilities of the tokens that were chosen alone"},
		{len(r.LogitBias) > 0, chat.FLogitBias, "Cohere's API has no logit bias"},
		{r.User != "", chat.FUser, "Cohere's API takes no end user's id"},
		{r.Verbosity != "", chat.FVerbosity, "Cohere's API has no verbosity"},
		{r.ServiceTier != "" && r.ServiceTier != "auto" && r.ServiceTier != "default", chat.FServiceTier, "Cohere's API has no service tiers"},
	} {
		if f.said {
			a.lose(r.Name(f.f), "%s", f.why)
		}
	}
}
