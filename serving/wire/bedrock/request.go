package bedrock

import (
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
	jsonTool  bool // JSON output is a tool's input
	thinks    bool
	err       *apierr.Error
}

// encodeRequest writes a request for Converse. What only some families of models know, such as
// top_k and the budget of thoughts, goes in additionalModelRequestFields in the words of the model's
// family, which its id tells.
func encodeRequest(r *chat.Request, o chat.Options) ([]byte, []chat.Loss, *apierr.Error) {
	e := encoder{r: r, o: o, family: familyOf(o)}
	e.system(r.System)
	e.messages()
	e.output()
	e.tools()
	e.reasoning()
	e.inference()
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

func (e *encoder) system(parts []chat.Part) {
	for i := range parts {
		p := &parts[i]
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

// set sets a field of inferenceConfig.
func (e *encoder) set(name string, value any) {
	if e.body.Inference == nil {
		e.body.Inference = object{}
	}
	e.body.Inference[name] = value
}

func (e *encoder) inference() {
	r := e.r
	if r.MaxTokens != nil {
		e.set("maxTokens", *r.MaxTokens)
	}
	if e.temperature() {
		e.set("temperature", r.Temperature)
	}
	if e.topP() {
		e.set("topP", r.TopP)
	}
	if r.TopK != "" {
		e.topK()
	}
	if len(r.Stop) > 0 {
		e.set("stopSequences", r.Stop)
		e.askForStopSequence()
	}
}

// temperature reports whether to say it. 1 is what goes without saying.
func (e *encoder) temperature() bool {
	t := e.r.Temperature
	f, err := t.Float64()
	why := ""
	switch {
	case t == "" || err != nil:
		return false
	case f < 0 || f > 1:
		why = "Bedrock's scale is from 0 to 1"
	case e.family != familyAnthropic:
		return true
	case f == 1 && (e.thinks || !e.claude().samples()):
		return false
	case f == 1 && e.claude().oneSampling() && e.r.TopP != "" && !isOne(e.r.TopP): // topP is said instead
		return false
	case !e.claude().samples():
		why = "this model takes no temperature"
	case e.thinks:
		why = "Anthropic's models think at temperature 1 only"
	default:
		return true
	}
	e.lose(e.r.Name(chat.FTemperature), "%s", why)
	return false
}

func isOne(n json.Number) bool {
	f, err := n.Float64()
	return err == nil && f == 1
}

func (e *encoder) topP() bool {
	p := e.r.TopP
	f, err := p.Float64()
	why := ""
	switch {
	case p == "" || err != nil:
		return false
	case e.family != familyAnthropic:
		return true
	case f == 1 && (e.r.Temperature != "" || !e.claude().samples()):
		return false
	case !e.claude().samples():
		why = "this model takes no top_p"
	case e.claude().oneSampling() && e.r.Temperature != "" && !isOne(e.r.Temperature):
		why = "this model takes temperature or top_p, not both"
	default:
		return true
	}
	e.lose(e.r.Name(chat.FTopP), "%s", why)
	return false
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

// cannot lists what Converse has no words for.
func (e *encoder) cannot() {
	r := e.r
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
	switch {
	case e.family == familyAnthropic && !e.claude().samples():
		e.lose(e.r.Name(chat.FTopK), "this model takes no top_k")
		return
	case e.thinks && e.family == familyAnthropic:
		e.lose(e.r.Name(chat.FTopK), "Anthropic's models take no top_k while they think")
		return
	}
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
