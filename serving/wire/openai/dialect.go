package openai

import (
	"crypto/sha256"

	"github.com/lakegate/lakegate/serving/wire/chat"
)

// dialect is how a provider's requests differ from OpenAI's.
type dialect struct {
	lacks    map[chat.Feature]bool // what it refuses
	seed     string                // its name of seed
	newNames bool                  // it is OpenAI, whose newer models want newer names
	// breakpoints: OpenAI's marks of what to cache; cacheControl: Anthropic's.
	breakpoints, cacheControl bool
	shortIDs                  bool // ids of calls are nine letters or digits
	noNames                   bool // messages have no name
	noSchemas                 bool // answers can be JSON, but of no schema
	strictGPT                 bool // only OpenAI's models take strict of tools
	think                     thinkingStyle
}

// thinkingStyle is how a provider is told how much to think.
type thinkingStyle int

const (
	byEffort    thinkingStyle = iota // reasoning_effort
	byReasoning                      // reasoning: {effort, max_tokens, enabled}, OpenRouter's
	byClaude                         // thinking: {type, budget_tokens} for Anthropic's models, Databricks'
	byType                           // thinking: {type: disabled} to have none, DeepSeek's
)

func lacking(features ...chat.Feature) map[chat.Feature]bool {
	m := map[chat.Feature]bool{}
	for _, f := range features {
		m[f] = true
	}
	return m
}

// dialects are the providers that differ from others, by their API references.
var dialects = map[string]dialect{
	"openai":     {lacks: lacking(chat.FTopK), newNames: true, breakpoints: true},
	"custom":     {lacks: lacking(chat.FTopK), newNames: true},
	"deepinfra":  {},
	"deepseek":   {lacks: lacking(chat.FTopK), noSchemas: true, think: byType},
	"fireworks":  {},
	"openrouter": {cacheControl: true, think: byReasoning},
	"together":   {},
	"vllm":       {},
	"mistral": {
		lacks: lacking(chat.FTopK, chat.FUser, chat.FServiceTier, chat.FVerbosity, chat.FLogProbs, chat.FLogitBias),
		seed:  "random_seed", shortIDs: true, noNames: true,
	},
	"databricks-model-serving": {cacheControl: true, strictGPT: true, think: byClaude},
}

// dialectOf returns the dialect of a provider: OpenAI's own for none, and OpenAI's of some years
// ago for those that are not in the table.
func dialectOf(provider string) dialect {
	if provider == "" {
		provider = "openai"
	}
	d, known := dialects[provider]
	if !known {
		d.lacks = lacking(chat.FTopK)
	}
	if d.seed == "" {
		d.seed = "seed"
	}
	return d
}

// callID returns the id of a call as the provider takes it: another API's id becomes nine letters
// and digits for Mistral, the same for the call and its result.
func (e *encoder) callID(id string) string {
	if !e.speak.shortIDs || isShort(id) {
		return id
	}
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	sum := sha256.Sum256([]byte(id))
	short := make([]byte, shortID)
	for i := range short {
		short[i] = letters[int(sum[i])%len(letters)]
	}
	return string(short)
}

const shortID = 9

func isShort(id string) bool {
	for i := range len(id) {
		c := id[i]
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return len(id) == shortID
}

// appendCache marks a part, the object that is being written, as the end of what is to be cached.
func (e *encoder) appendCache(cache string) {
	switch {
	case cache == "":
	case e.speak.breakpoints && e.model.takesBreakpoints():
		e.dst = append(appendName(e.dst, "prompt_cache_breakpoint"), `{"mode":"explicit"}`...)
	case e.speak.cacheControl && cache == "1h":
		e.dst = append(appendName(e.dst, "cache_control"), `{"type":"ephemeral","ttl":"1h"}`...)
	case e.speak.cacheControl:
		e.dst = append(appendName(e.dst, "cache_control"), `{"type":"ephemeral"}`...)
	}
}

// marks reports whether a mark of what to cache would be written.
func (e *encoder) marks(cache string) bool {
	return cache != "" && (e.speak.cacheControl || e.speak.breakpoints && e.model.takesBreakpoints())
}

// reasoning writes how much to think, as an effort where nothing else is known; a budget becomes
// the effort nearest to it. That thoughts are to be shown is not written: servers that give them
// give them unasked.
func (e *encoder) reasoning() {
	r := e.req.Reasoning
	field := e.req.Name(chat.FReasoning)
	asked := r != nil && (r.Off || r.Effort != "" || r.Budget != nil)
	switch {
	case !asked, r.Off && e.model.neverThinks():
	case e.model.neverThinks():
		e.lose(field, "the model does not think before it answers")
	case r.Off && e.model.alwaysThinks():
		e.lose(field, "the model can't be kept from thinking")
	case e.speak.think == byReasoning:
		e.openRouter(r)
	case e.speak.think == byClaude && e.model.isClaude():
		e.claude(r)
	case e.speak.think == byType && r.Off:
		e.dst = append(e.dst, `,"thinking":{"type":"disabled"}`...)
	case r.Off:
		e.dst = appendText(e.dst, "reasoning_effort", "none")
	default:
		e.dst = appendText(e.dst, "reasoning_effort", effortOf(r))
	}
}

func effortOf(r *chat.Reasoning) string {
	if r.Effort == "" {
		return chat.EffortOf(*r.Budget)
	}
	return r.Effort
}

func (e *encoder) openRouter(r *chat.Reasoning) {
	e.dst = append(e.dst, `,"reasoning":{`...)
	switch {
	case r.Off:
		e.dst = append(e.dst, `"enabled":false`...)
	case r.Effort != "":
		e.dst = appendText(e.dst, "effort", r.Effort)
	default:
		e.dst = appendCount(e.dst, "max_tokens", r.Budget)
	}
	e.dst = append(e.dst, '}')
}

func (e *encoder) claude(r *chat.Reasoning) {
	if r.Off {
		return // it thinks only when asked
	}
	budget := chat.BudgetOf(r.Effort)
	if r.Budget != nil {
		budget = *r.Budget
	}
	e.dst = append(e.dst, `,"thinking":{"type":"enabled","budget_tokens":`...)
	e.dst = append(appendInt(e.dst, budget), '}')
}
