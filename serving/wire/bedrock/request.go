package bedrock

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// object is a piece of a body under way.
type object = map[string]any

// converse is the body of Converse and ConverseStream: the model is in the URL.
type converse struct {
	Messages   []turn   `json:"messages"`
	System     []object `json:"system,omitempty"`
	Inference  object   `json:"inferenceConfig,omitempty"`
	ToolConfig object   `json:"toolConfig,omitempty"`
	Output     object   `json:"outputConfig,omitempty"`
	Tier       object   `json:"serviceTier,omitempty"`
	Extra      object   `json:"additionalModelRequestFields,omitempty"`
	Paths      []string `json:"additionalModelResponseFieldPaths,omitempty"`
}

type turn struct {
	Role    string   `json:"role"`
	Content []object `json:"content"`
}

// encoder writes one request.
type encoder struct {
	r         *chat.Request
	o         chat.Options
	family    string
	body      converse
	lost      []chat.Loss
	documents int
	err       *apierr.Error
}

// encodeRequest writes a request for Converse. What only some families of models know, such as
// top_k and the budget of thoughts, goes in additionalModelRequestFields in the words of the model's
// family, which its id tells.
func encodeRequest(r *chat.Request, o chat.Options) ([]byte, []chat.Loss, *apierr.Error) {
	e := encoder{r: r, o: o, family: familyOf(o.Model)}
	e.system()
	e.messages()
	e.inference()
	e.tools()
	e.output()
	e.reasoning()
	e.cannot()
	if e.err != nil {
		return nil, e.lost, e.err
	}
	b, err := marshal(&e.body)
	return b, e.lost, err
}

func (e *encoder) lose(field, why string, args ...any) {
	e.lost = append(e.lost, chat.Loss{Field: field, Why: fmt.Sprintf(why, args...)})
}

func (e *encoder) refuse(field, why string, args ...any) {
	if e.err == nil {
		e.err = apierr.New(apierr.InvalidParameter, why, args...).At(field)
	}
}

func (e *encoder) system() {
	for _, p := range e.r.System {
		if p.Text != "" {
			e.body.System = append(e.body.System, object{"text": p.Text})
		}
		e.body.System = appendCachePoint(e.body.System, p.Cache)
	}
}

// appendCachePoint asks for caching up to here.
func appendCachePoint(list []object, cache string) []object {
	switch cache {
	case "":
		return list
	case "5m":
		return append(list, object{"cachePoint": object{"type": "default"}})
	default:
		return append(list, object{"cachePoint": object{"type": "default", "ttl": cache}})
	}
}

func (e *encoder) inference() {
	in := object{}
	if e.r.MaxTokens != nil {
		in["maxTokens"] = *e.r.MaxTokens
	}
	if e.r.Temperature != "" {
		in["temperature"] = e.r.Temperature
	}
	if e.r.TopP != "" {
		in["topP"] = e.r.TopP
	}
	if len(e.r.Stop) > 0 {
		in["stopSequences"] = e.r.Stop
		e.askForStopSequence()
	}
	e.body.Inference = in
}

// askForStopSequence has the answer say which of them was hit, as Anthropic's models can.
func (e *encoder) askForStopSequence() {
	if e.family != familyAnthropic {
		return
	}
	e.body.Paths = []string{"/stop_sequence"}
	if e.o.Stream {
		e.body.Paths = []string{"/delta/stop_sequence"}
	}
}

// extra sets a field of the model's own.
func (e *encoder) extra(name string, value any) {
	if e.body.Extra == nil {
		e.body.Extra = object{}
	}
	e.body.Extra[name] = value
}

func (e *encoder) output() {
	out := e.r.Output
	if out == nil {
		return
	}
	if out.Kind != "json_schema" || len(out.Schema) == 0 {
		e.lose(e.r.Name(chat.FOutput), "Bedrock's Converse asks for JSON only by a schema")
		return
	}
	// The schema is a string there.
	var compact bytes.Buffer
	if json.Compact(&compact, out.Schema) != nil {
		e.refuse(e.r.Name(chat.FOutput), "the JSON schema of the answer is not JSON")
		return
	}
	schema := object{"schema": compact.String()}
	if out.Name != "" {
		schema["name"] = out.Name
	}
	if out.Description != "" {
		schema["description"] = out.Description
	}
	e.body.Output = object{"textFormat": object{"type": "json_schema", "structure": object{"jsonSchema": schema}}}
}

// cannot lists what Converse has no words for.
func (e *encoder) cannot() {
	r := e.r
	if r.TopK != "" {
		e.topK()
	}
	for _, f := range [...]struct {
		said bool
		f    chat.Feature
		why  string
	}{
		{r.FrequencyPenalty != "", chat.FFrequencyPenalty, "Bedrock's Converse has no frequency penalty"},
		{r.PresencePenalty != "", chat.FPresencePenalty, "Bedrock's Converse has no presence penalty"},
		{r.Seed != nil, chat.FSeed, "Bedrock's Converse has no seed"},
		{r.N > 1, chat.FN, "Bedrock's Converse gives one answer"},
		{r.LogProbs || r.TopLogProbs > 0, chat.FLogProbs, "Bedrock's Converse gives no log probabilities"},
		{len(r.LogitBias) > 0, chat.FLogitBias, "Bedrock's Converse has no logit bias"},
		{r.User != "", chat.FUser, "Bedrock's Converse takes no end user's id"},
		{r.Verbosity != "", chat.FVerbosity, "Bedrock's Converse has no verbosity"},
	} {
		if f.said {
			e.lose(r.Name(f.f), "%s", f.why)
		}
	}
	switch tier := r.ServiceTier; tier {
	case "", "auto":
	case "default", "priority", "flex", "reserved":
		e.body.Tier = object{"type": tier}
	case "standard", "standard_only":
		e.body.Tier = object{"type": "default"}
	default:
		e.lose(r.Name(chat.FServiceTier), "Bedrock has no service tier %q", tier)
	}
}

func (e *encoder) topK() {
	switch e.family {
	case familyAnthropic, familyMistral:
		e.extra("top_k", e.r.TopK)
	case familyCohere:
		e.extra("k", e.r.TopK)
	case familyNova:
		e.extra("inferenceConfig", object{"topK": e.r.TopK})
	default:
		e.lose(e.r.Name(chat.FTopK), "Bedrock's Converse has no top_k for this model")
	}
}
