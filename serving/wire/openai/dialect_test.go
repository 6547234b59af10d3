package openai

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lakegate/lakegate/serving/wire/chat"
	"github.com/lakegate/lakegate/serving/wire/goldentest"
)

// TestDialects writes the same requests for providers that differ.
func TestDialects(t *testing.T) {
	targets := []chat.Options{
		{Provider: "openai", Model: "gpt-4o"},
		{Provider: "openai", Model: "o3"},
		{Provider: "openai", Model: "gpt-5-mini"},
		{Provider: "openai", Model: "gpt-5.6"},
		{Provider: "groq", Model: "openai/gpt-oss-120b"},
		{Provider: "mistral", Model: "magistral-medium-latest"},
		{Provider: "openrouter", Model: "anthropic/claude-sonnet-4"},
		{Provider: "databricks-model-serving", Model: "databricks-claude-sonnet-4"},
		{Provider: "databricks-model-serving", Model: "databricks-gpt-oss-20b"},
		{Provider: "deepseek", Model: "deepseek-chat"},
		{Provider: "vllm", Model: "qwen3"},
	}
	goldentest.Run(t, "testdata/dialects/*.json", func(t *testing.T, in []byte) string {
		r, err := decodeChat(in)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		for _, o := range targets {
			body, lost, err := encodeChat(r, o)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&out, "# %s of %s\n%s", o.Model, o.Provider, goldentest.Indented(t, body))
			for _, l := range lost {
				fmt.Fprintf(&out, "lost %s: %s\n", l.Field, l.Why)
			}
		}
		return out.String()
	})
}

func TestShortIDs(t *testing.T) {
	e := encoder{speak: dialectOf("mistral")}
	for _, id := range []string{"", "toolu_01A", "call_0", "abcDEF123", "123456789", "12345678_"} {
		got := e.callID(id)
		if !isShort(got) || got != e.callID(id) || isShort(id) != (got == id) {
			t.Errorf("%q becomes %q", id, got)
		}
	}
}

func TestModelVersions(t *testing.T) {
	tests := []struct {
		model         string
		newName       bool
		never, always bool
		breakpoints   bool
	}{
		{"gpt-4o", false, true, false, false},
		{"gpt-3.5-turbo", false, true, false, false},
		{"openai/gpt-5", true, false, true, false},
		{"gpt-5-mini-2025-08-07", true, false, true, false},
		{"gpt-5.1", true, false, false, false},
		{"GPT-5.6-codex", true, false, false, true},
		{"gpt-6", true, false, false, true},
		{"o1", true, false, true, false},
		{"o4-mini", true, false, true, false},
		{"gpt-oss-120b", false, false, false, false},
		{"olmo-2", false, false, false, false},
		{"databricks-gpt-5", false, false, false, false},
		{"", false, false, false, false},
		{"gpt-99999999999999999999", true, false, false, true},
	}
	for _, tt := range tests {
		m := model(tt.model)
		if m.wantsCompletionTokens() != tt.newName || m.neverThinks() != tt.never || m.alwaysThinks() != tt.always || m.takesBreakpoints() != tt.breakpoints {
			t.Errorf("%s: new name %v, never thinks %v, always thinks %v, breakpoints %v", tt.model, m.wantsCompletionTokens(), m.neverThinks(), m.alwaysThinks(), m.takesBreakpoints())
		}
	}
}
