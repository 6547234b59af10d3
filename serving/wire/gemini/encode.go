package gemini

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/lakegate/lakegate/internal/apierr"
	"github.com/lakegate/lakegate/serving/wire/chat"
)

// encoding is a request on its way to Google.
type encoding struct {
	r     *chat.Request
	model string
	lost  []chat.Loss
	err   *apierr.Error

	system []wirePart // all instructions, wherever they stood

	names map[string]string // of the functions called so far, by id
}

// encodeRequest writes a GenerateContentRequest. The model goes into the path.
func encodeRequest(r *chat.Request, o chat.Options) ([]byte, []chat.Loss, *apierr.Error) {
	e := &encoding{r: r, model: o.Model, names: map[string]string{}}
	e.system = e.parts(r.System)
	w := request{Contents: e.contents(), Tools: e.tools(), ToolConfig: e.toolConfig(), ServiceTier: e.tier()}
	if len(e.system) > 0 {
		w.SystemInstruction = &content{Parts: e.system}
	}
	if c := e.config(); !reflect.DeepEqual(c, config{}) {
		w.GenerationConfig = &c
	}
	e.others()
	if e.err != nil {
		return nil, nil, e.err
	}
	body, err := marshal(w)
	if err != nil {
		return nil, nil, apierr.New(apierr.InvalidParameter, "the request holds something that is no JSON").Because(err)
	}
	return body, e.lost, nil
}

func (e *encoding) lose(field, why string) {
	e.lost = append(e.lost, chat.Loss{Field: field, Why: why})
}

func (e *encoding) config() config {
	r := e.r
	c := config{
		Temperature: r.Temperature, TopP: r.TopP, TopK: r.TopK, MaxOutputTokens: r.MaxTokens, StopSequences: r.Stop,
		PresencePenalty: r.PresencePenalty, FrequencyPenalty: r.FrequencyPenalty, Seed: r.Seed,
		ResponseLogprobs: r.LogProbs, ThinkingConfig: e.thinking(),
	}
	if r.N > 1 {
		c.CandidateCount = r.N
	}
	if r.LogProbs {
		c.Logprobs = r.TopLogProbs
	}
	if r.Output != nil {
		c.ResponseMIMEType, c.ResponseJSONSchema = "application/json", r.Output.Schema
	}
	return c
}

// budgetOf returns the tokens an effort is worth, but no more than the model takes.
func budgetOf(effort, model string) int64 {
	most := int64(24576)
	if strings.Contains(model, "pro") {
		most = 32768
	}
	return min(chat.BudgetOf(effort), most)
}

// levels are the levels that stand for an effort with models that take a level.
var levels = map[string]string{"minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM", "high": "HIGH", "xhigh": "XHIGH"}

func (e *encoding) thinking() *thinkingConfig {
	t := e.r.Reasoning
	if t == nil {
		return nil
	}
	c := &thinkingConfig{IncludeThoughts: t.Show || t.Summary != ""}
	switch {
	case t.Off && takesLevels(e.model):
		e.lose(e.r.Name(chat.FReasoning), "Gemini 3 and later can't be kept from thinking")
		c.ThinkingLevel = "LOW"
	case t.Off:
		c.ThinkingBudget = new(int64)
	case t.Budget != nil:
		c.ThinkingBudget = t.Budget
	case t.Effort == "" && t.Adaptive && !takesLevels(e.model):
		n := int64(-1)
		c.ThinkingBudget = &n
	case t.Effort == "":
	case levels[t.Effort] == "":
		e.lose(e.r.Name(chat.FReasoning), "Google's API does not know the effort "+strconv.Quote(t.Effort))
	case takesLevels(e.model):
		c.ThinkingLevel = levels[t.Effort]
	default:
		n := budgetOf(t.Effort, e.model)
		c.ThinkingBudget = &n
	}
	if *c == (thinkingConfig{}) {
		return nil
	}
	return c
}

// takesLevels reports whether a model is Gemini 3 or later: those are told a level of thinking,
// and want the signatures of their calls back.
func takesLevels(model string) bool {
	_, version, ok := strings.Cut(model, "gemini-")
	return ok && version != "" && version[0] >= '3' && version[0] <= '9'
}

func (e *encoding) tools() []wireTools {
	if len(e.r.Tools) == 0 {
		return nil
	}
	all := make([]declaration, len(e.r.Tools))
	for i, t := range e.r.Tools {
		all[i] = declaration{Name: t.Name, Description: t.Description, ParametersJSONSchema: t.Schema}
		e.cache(t.Cache, t.Path)
	}
	return []wireTools{{all}}
}

// toolConfig writes how tools are chosen. A strict tool asks for VALIDATED, in which calls follow
// the schema; where a call is forced they do so anyway.
func (e *encoding) toolConfig() *toolConfig {
	strict := false
	for _, t := range e.r.Tools {
		strict = strict || t.Strict != nil && *t.Strict
	}
	var c callingConfig
	switch choice := e.r.ToolChoice; choice.Mode {
	case chat.ChooseNone:
		c.Mode = "NONE"
	case chat.ChooseAny:
		c.Mode = "ANY"
	case chat.ChooseTool:
		c.Mode, c.AllowedFunctionNames = "ANY", []string{choice.Name}
	default:
		if strict {
			c.Mode = "VALIDATED"
		} else if choice.Mode == chat.ChooseAuto {
			c.Mode = "AUTO"
		}
	}
	if c.Mode == "" {
		return nil
	}
	return &toolConfig{c}
}

func (e *encoding) tier() string {
	switch tier := e.r.ServiceTier; tier {
	case "", "auto", "default", "standard":
		return ""
	case "flex", "priority":
		return tier
	default:
		e.lose(e.r.Name(chat.FServiceTier), "Google's API does not know the tier "+strconv.Quote(tier))
		return ""
	}
}

// others loses what Google's API has nothing for.
func (e *encoding) others() {
	r := e.r
	for _, x := range []struct {
		said    bool
		feature chat.Feature
		why     string
	}{
		{r.OneToolAtATime, chat.FParallel, "Google's API can't switch parallel calls off"},
		{len(r.LogitBias) > 0, chat.FLogitBias, "Google's API has no bias of tokens"},
		{r.User != "", chat.FUser, "Google's API takes no id of an end user"},
		{r.Verbosity != "" && r.Verbosity != "medium", chat.FVerbosity, "Google's API has no verbosity"},
	} {
		if x.said {
			e.lose(r.Name(x.feature), x.why)
		}
	}
}

// cache loses a wish for caching. Google caches by itself what was sent before, for minutes.
func (e *encoding) cache(lifetime, path string) {
	if lifetime == "1h" {
		e.lose(path+"."+e.r.Name(chat.FCacheControl), "Google's API caches prompts by itself, and not for a time that is asked for")
	}
}
