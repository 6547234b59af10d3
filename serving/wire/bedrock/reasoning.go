package bedrock

import "github.com/lakegate/lakegate/serving/wire/chat"

// minBudget is the least that Anthropic's models take as a budget of thoughts.
const minBudget = 1024

// roomToAnswer is what is left for the answer itself, where the request has no bound.
const roomToAnswer = 4096

// reasoning asks for thoughts in the words of the model's family.
func (e *encoder) reasoning() {
	r := e.r.Reasoning
	if r == nil {
		return
	}
	asked := r.Effort != "" || r.Budget != nil
	switch {
	case r.Off && e.family != familyOpenAI:
		return // not to think is what Bedrock's models do unless they are asked to
	case !asked && !r.Off:
		return // only how thoughts are to be shown
	}
	switch e.family {
	case familyAnthropic:
		e.think(r)
	case familyNova:
		e.extra("reasoningConfig", object{"type": "enabled", "maxReasoningEffort": effortOf(r)})
	case familyOpenAI:
		if r.Off {
			e.lose(e.r.Name(chat.FReasoning), "this model can't be kept from reasoning")
			return
		}
		e.extra("reasoning_effort", effortOf(r))
	default:
		e.lose(e.r.Name(chat.FReasoning), "Bedrock's Converse has no reasoning for this model")
	}
}

// think sets the budget of an Anthropic model, which must be below the answer's whole length.
func (e *encoder) think(r *chat.Reasoning) {
	budget := chat.BudgetOf(r.Effort)
	if r.Budget != nil {
		budget = max(*r.Budget, minBudget)
	}
	if limit := e.r.MaxTokens; limit != nil && budget >= *limit {
		if budget = *limit - 1; budget < minBudget {
			e.lose(e.r.Name(chat.FReasoning), "%s of %d leaves no room to think: Anthropic's models want more than %d", e.r.Name(chat.FMaxTokens), *limit, minBudget)
			return
		}
	}
	if e.r.MaxTokens == nil { // Bedrock's own bound may be below the budget
		e.body.Inference["maxTokens"] = max(e.o.MaxTokens, budget+roomToAnswer)
	}
	e.extra("thinking", object{"type": "enabled", "budget_tokens": budget})
}

// effortOf returns low, medium or high.
func effortOf(r *chat.Reasoning) string {
	switch {
	case r.Effort == "" && r.Budget != nil:
		return chat.EffortOf(*r.Budget)
	case r.Effort == "minimal", r.Effort == "low":
		return "low"
	case r.Effort == "xhigh", r.Effort == "high":
		return "high"
	default:
		return "medium"
	}
}
