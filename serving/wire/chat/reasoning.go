package chat

// budgets is what an effort is worth in tokens, where an API wants a number: those of Google's API
// for OpenAI's clients, with Anthropic's least budget below them and more above.
var budgets = []struct {
	effort string
	tokens int64
}{
	{"minimal", 1024}, {"low", 2048}, {"medium", 8192}, {"high", 24576}, {"xhigh", 32768},
}

// BudgetOf returns the tokens an effort is worth, those of medium for an effort it does not know:
//
//	minimal 1024, low 2048, medium 8192, high 24576, xhigh 32768
func BudgetOf(effort string) int64 {
	for _, b := range budgets {
		if b.effort == effort {
			return b.tokens
		}
	}
	return BudgetOf("medium")
}

// EffortOf returns the effort that a budget of tokens comes to: up to 4096 are low, up to 16384
// medium, more are high. It knows these three alone, since not every model knows others.
func EffortOf(tokens int64) string {
	switch {
	case tokens <= 4096:
		return "low"
	case tokens <= 16384:
		return "medium"
	default:
		return "high"
	}
}
