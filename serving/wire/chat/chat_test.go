package chat

import "testing"

func TestHints(t *testing.T) {
	r := Request{Names: map[Feature]string{FUser: "metadata.user_id"}}
	for field, want := range map[string]bool{
		"metadata.user_id": true, "user": false, "verbosity": true, "tools[0].function.strict": true, "messages[0].content[1].cache_control": true,
		"messages[0].content[1].image_url.detail": true, "prompt_cache_key": true, "seed": false, "store": false,
		"context_management": true, "reasoning_effort": false,
	} {
		if r.Hint(Loss{Field: field}) != want {
			t.Errorf("%s is a hint: %v, want %v", field, !want, want)
		}
	}
}

func TestAdaptiveThinkingIsAHint(t *testing.T) {
	r := Request{Names: map[Feature]string{FReasoning: "thinking"}, Reasoning: &Reasoning{Adaptive: true}}
	if !r.Hint(Loss{Field: "thinking"}) {
		t.Error("a model that can't think does what is asked where thinking is left to it")
	}
	r.Reasoning.Adaptive = false
	if r.Hint(Loss{Field: "thinking"}) {
		t.Error("thinking that was asked for is no hint")
	}
}

func TestOneToolAtATimeIsAHintWhereThereIsOneToCall(t *testing.T) {
	two := []Tool{{Name: "a"}, {Name: "b"}}
	for _, c := range []struct {
		r    Request
		want bool
	}{
		{Request{Tools: two[:1]}, true},
		{Request{Tools: two, ToolChoice: ToolChoice{Mode: ChooseTool, Name: "a"}}, true},
		{Request{Tools: two, ToolChoice: ToolChoice{Mode: ChooseAny}}, false},
		{Request{Tools: two}, false},
	} {
		if got := c.r.Hint(Loss{Field: "parallel_tool_calls"}); got != c.want {
			t.Errorf("%d tools, choice %q: a hint: %v, want %v", len(c.r.Tools), c.r.ToolChoice.Mode, got, c.want)
		}
	}
}
