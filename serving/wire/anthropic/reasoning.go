package anthropic

import "github.com/lakegate/lakegate/serving/wire/chat"

// How much to think is written as the model takes it (version says which model takes what):
//
//	common form        from 4.6 on                          before
//	budget             thinking enabled, budget_tokens;     thinking enabled, budget_tokens
//	                   from 4.7 on adaptive and effort
//	effort             thinking adaptive, effort            thinking enabled, chat.BudgetOf
//	minimal            effort low                           1024
//	xhigh              effort xhigh, on 4.6 max             chat.BudgetOf
//	to show thoughts   thinking adaptive, summarized        nothing: there are none
//	off                thinking disabled                    nothing: off is the default
//
// Models before 3.7 do not think, so all of it is lost on them.
// A budget has to be below max_tokens and 1024 at least. One that the client names is made smaller
// where it isn't; one that stands for an effort leaves a quarter of max_tokens to the answer. Where
// max_tokens leaves no room for 1024, thinking is lost. Where the request has no max_tokens, the
// budget comes on top of what the answer gets. Nor can a model think that must call a tool.
type thought struct {
	kind    string // of thinking; "" for not said
	budget  int64
	effort  string
	display string
}

const leastBudget = 1024

func (t *thought) on() bool { return t.kind == "enabled" || t.kind == "adaptive" }

func (e *requestWriter) planThinking() {
	r := e.r.Reasoning
	switch {
	case r == nil:
	case r.Off && e.version.adaptive():
		e.think.kind = "disabled"
	case r.Off:
	case !e.version.thinks():
		e.loseFeature(chat.FReasoning, "Claude %s does not think", e.version)
	case e.mustCall() && e.version.adaptive() && r.Effort != "":
		e.think.effort = e.effortOf(r) // of the answer itself
	case e.mustCall() && (r.Effort != "" || r.Budget != nil):
		e.loseFeature(chat.FReasoning, "Anthropic's models can't think when a tool must be called")
	case e.mustCall():
	case r.Budget != nil && e.version.budgets():
		e.planBudget(*r.Budget, 1)
	case e.version.adaptive():
		e.think.effort = e.effortOf(r)
		if e.think.effort != "" || r.Show {
			e.think.kind = "adaptive"
		}
	case r.Effort != "":
		e.planBudget(chat.BudgetOf(r.Effort), e.maxTokens/4)
	}
	if r != nil && r.Show && e.version.adaptive() && e.think.on() {
		e.think.display = "summarized"
	}
}

// effortOf returns Anthropic's word for an effort, or for what a budget comes to.
func (e *requestWriter) effortOf(r *chat.Reasoning) string {
	switch {
	case r.Effort == "" && r.Budget != nil:
		return chat.EffortOf(*r.Budget)
	case r.Effort == "minimal":
		return "low"
	case r.Effort == "xhigh" && e.version.budgets():
		return "max"
	}
	return r.Effort
}

// planBudget turns thinking on, with a budget that leaves room to the answer.
func (e *requestWriter) planBudget(budget, room int64) {
	budget = max(budget, leastBudget)
	if e.r.MaxTokens == nil {
		e.maxTokens += budget
		if most := e.version.longest(); most > 0 {
			e.maxTokens = min(e.maxTokens, most)
		}
	}
	if e.maxTokens <= leastBudget {
		e.loseFeature(chat.FReasoning, "Anthropic's models think with %d tokens at least, and %s is %d", leastBudget, e.r.Name(chat.FMaxTokens), e.maxTokens)
		return
	}
	budget = max(leastBudget, min(budget, e.maxTokens-room))
	e.think.kind, e.think.budget = "enabled", budget
	if e.r.Reasoning.Effort != "" && e.version.adaptive() {
		e.think.effort = e.effortOf(e.r.Reasoning)
	}
}

// mustCall reports whether the model has no choice but to call a tool.
func (e *requestWriter) mustCall() bool {
	c := e.r.ToolChoice.Mode
	return e.jsonTool || len(e.r.Tools) > 0 && (c == chat.ChooseAny || c == chat.ChooseTool)
}

func (e *requestWriter) writeThinking() {
	if e.think.kind == "" {
		return
	}
	e.dst = appendText(appendRaw(e.dst, "thinking", []byte{'{'}), "type", e.think.kind)
	if e.think.kind == "enabled" {
		e.dst = appendInt(e.dst, "budget_tokens", e.think.budget)
	}
	e.dst = append(appendSome(e.dst, "display", e.think.display), '}')
}
