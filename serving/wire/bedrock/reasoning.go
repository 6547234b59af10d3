package bedrock

import (
	"strings"

	"github.com/lakegate/lakegate/serving/wire/chat"
)

const (
	// minBudget is the least that Anthropic's models take as a budget of thoughts.
	minBudget = 1024
	// roomToAnswer is what is left for the answer itself, where the request has no bound.
	roomToAnswer = 4096
)

// reasoning asks for thoughts in the words of the model's family:
//
//	Claude from 4.6 on   thinking adaptive and outputConfig.effort; for a budget thinking enabled,
//	                     from 4.7 on adaptive with the effort that it comes to
//	Claude before        thinking enabled, with the budget or chat.BudgetOf the effort
//	Nova                 reasoningConfig enabled, low, medium or high
//	OpenAI's gpt-oss     reasoning_effort low, medium or high
//	OpenAI's others      reasoning.effort in OpenAI's words, none for off
//
// Off is nothing said, but for those that reason unasked; gpt-oss can't be kept from it.
func (e *encoder) reasoning() {
	r := e.r.Reasoning
	if r == nil || !r.Off && r.Effort == "" && r.Budget == nil {
		return
	}
	switch e.family {
	case familyAnthropic:
		e.think(r)
	case familyNova:
		if !r.Off {
			e.extra("reasoningConfig", object{"type": "enabled", "maxReasoningEffort": effortOf(r)})
		}
	case familyOpenAI:
		e.openAI(r)
	default:
		if !r.Off {
			e.lose(e.r.Name(chat.FReasoning), "Bedrock's Converse has no reasoning for this model")
		}
	}
}

func (e *encoder) openAI(r *chat.Reasoning) {
	switch oss := strings.Contains(e.o.Model, "gpt-oss"); {
	case r.Off && oss:
		e.lose(e.r.Name(chat.FReasoning), "this model can't be kept from reasoning")
	case r.Off:
		e.extra("reasoning", object{"effort": "none"})
	case oss:
		e.extra("reasoning_effort", effortOf(r))
	case r.Effort != "":
		e.extra("reasoning", object{"effort": r.Effort})
	default:
		e.extra("reasoning", object{"effort": effortOf(r)})
	}
}

func (e *encoder) think(r *chat.Reasoning) {
	c := e.claude()
	switch {
	case r.Off && c.adaptive():
		e.extra("thinking", object{"type": "disabled"})
	case r.Off:
	case !c.thinks():
		e.lose(e.r.Name(chat.FReasoning), "this model does not think")
	case e.mustCall() && c.adaptive() && r.Effort != "":
		e.config("effort", claudeEffort(r, c)) // of the answer itself
	case e.mustCall():
		e.lose(e.r.Name(chat.FReasoning), "Anthropic's models can't think when a tool must be called")
	case r.Budget != nil && c.budgets():
		e.budget(*r.Budget)
	case c.adaptive():
		e.thinks = true
		e.extra("thinking", object{"type": "adaptive"})
		e.config("effort", claudeEffort(r, c))
	default:
		e.budget(chat.BudgetOf(r.Effort))
	}
}

// mustCall reports whether the model has no choice but to call a tool.
func (e *encoder) mustCall() bool {
	choice := e.r.ToolChoice.Mode
	return e.jsonTool || len(e.r.Tools) > 0 && (choice == chat.ChooseAny || choice == chat.ChooseTool)
}

// budget bounds the thoughts of a model, below the answer's whole length.
func (e *encoder) budget(n int64) {
	n = max(n, minBudget)
	if limit := e.r.MaxTokens; limit != nil && n >= *limit {
		if n = *limit - 1; n < minBudget {
			e.lose(e.r.Name(chat.FReasoning), "%s of %d leaves no room to think: Anthropic's models want more than %d", e.r.Name(chat.FMaxTokens), *limit, minBudget)
			return
		}
	}
	if e.r.MaxTokens == nil { // Bedrock's own bound may be below the budget
		e.set("maxTokens", max(e.o.MaxTokens, n+roomToAnswer))
	}
	e.thinks = true
	e.extra("thinking", object{"type": "enabled", "budget_tokens": n})
}

// claudeEffort returns Anthropic's word for an effort, or for what a budget comes to.
func claudeEffort(r *chat.Reasoning, c claude) string {
	switch {
	case r.Effort == "" && r.Budget != nil:
		return chat.EffortOf(*r.Budget)
	case r.Effort == "minimal":
		return "low"
	case r.Effort == "xhigh" && c.budgets():
		return "max"
	}
	return r.Effort
}

// effortOf returns low, medium or high.
func effortOf(r *chat.Reasoning) string {
	switch {
	case r.Effort == "" && r.Budget != nil:
		return chat.EffortOf(*r.Budget)
	case r.Effort == "minimal", r.Effort == "low":
		return "low"
	case r.Effort == "medium":
		return "medium"
	default:
		return "high"
	}
}
