package chat

import "testing"

func TestEffortsAndBudgets(t *testing.T) {
	for _, effort := range []string{"low", "medium", "high"} {
		if got := EffortOf(BudgetOf(effort)); got != effort {
			t.Errorf("the budget of %s is an effort of %s", effort, got)
		}
	}
	if EffortOf(BudgetOf("minimal")) != "low" || EffortOf(BudgetOf("xhigh")) != "high" || BudgetOf("x") != BudgetOf("medium") {
		t.Error("efforts that not all models know must become those that do")
	}
}
